"""Invented people: names from many places, addresses that reach nobody."""

import random
import unicodedata
from datetime import date, timedelta

_GIVEN = (
    "Anna", "Jürgen", "Zoë", "Łukasz", "Maïté", "Bjørn", "Seán", "Chloé", "Mehmet", "İpek",
    "Yuki", "Olena", "Dimitra", "Nguyễn", "José", "Inês", "Fatima", "Kwame", "Priya", "Mária",
    "Paul", "Emma", "Noah", "Lina", "Oskar", "Grace", "Tomás", "Ada", "Ravi", "Søren",
)  # fmt: skip
_FAMILY = (
    "Müller", "Schäfer", "Kowalski", "O’Neill", "García", "Nuñez", "Lefèvre", "Yılmaz", "Øberg",
    "Papadopoulou", "Tanaka", "Shevchenko", "Okafor", "Sharma", "Novák", "Weiß", "Kim", "Brown",
    "Rossi", "Jansen", "Horváth", "Lindström", "Silva", "Haddad", "Klein", "Ivanova", "Becker",
)  # fmt: skip
# Whole names in their own scripts, now and then.
_WHOLE = ("陳大文", "山田 花子", "김서연", "Ελένη Παππά", "Анна Петрова", "نور حداد", "דנה לוי")
_WHOLE_SHARE = 0.06
_MAIL_HOSTS = ("example.com", "example.org", "example.net")  # reserved by RFC 2606
_EARLIEST_BIRTHDAY = date(1955, 1, 1)
_BIRTHDAY_DAYS = 50 * 365


def name(dice: random.Random) -> str:
    if dice.random() < _WHOLE_SHARE:
        return dice.choice(_WHOLE)
    return f"{dice.choice(_GIVEN)} {dice.choice(_FAMILY)}"


def email(name: str, number: int) -> str:
    """Return an address that is nobody else's; the number tells people of one name apart."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    local = "".join(each if each.isalnum() else "." for each in plain).strip(".") or "user"
    return f"{local}.{number}@{_MAIL_HOSTS[number % len(_MAIL_HOSTS)]}"


def birthday(dice: random.Random) -> date:
    return _EARLIEST_BIRTHDAY + timedelta(days=dice.randrange(_BIRTHDAY_DAYS))
