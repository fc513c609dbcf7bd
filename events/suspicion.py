"""What values look like that tell who a person is: email addresses, phone and card numbers."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Literal, TypeAlias

from events.types import Json

Suspicion: TypeAlias = Literal["email", "phone", "card"]

# A sample of a field and fold: what every event holds shows in a few of them.
VALUES_LOOKED_AT = 100
_CHARACTERS_LOOKED_AT = 200

WORDS: Mapping[Suspicion, str] = {
    "email": "email addresses",
    "phone": "phone numbers",
    "card": "payment card numbers",
}


def suspicions(values: Iterable[str]) -> frozenset[Suspicion]:
    """Return what some of the values look like; numbers come as their digits.

    Of each the first 200 characters are looked at.
    """
    texts = [value[:_CHARACTERS_LOOKED_AT] for value in values]
    # Most fields have none of it anywhere: one look at all of them together tells that.
    together = "\n".join(texts)
    found: set[Suspicion] = set()
    if "@" in together and _EMAIL.search(together):
        found.add("email")
    if _DIGITS.search(together):
        found |= {kind for kind, look in _OF_DIGITS.items() if look(texts)}
    return frozenset(found)


def texts_in(value: Json) -> Iterator[str]:
    """Give the texts and numbers of a value, however deep they lie, as far as they are looked at.

    Numbers come as their digits.
    """
    match value:
        case None | bool():
            return
        case str():
            yield value[:_CHARACTERS_LOOKED_AT]
        case int() | Decimal():
            yield format(value, "f" if isinstance(value, Decimal) else "d")[:_CHARACTERS_LOOKED_AT]
        case _:
            for inner in value.values() if isinstance(value, Mapping) else value:
                yield from texts_in(inner)


def written(found: Iterable[str]) -> str:
    """Return suspicions as they are stored, in one order."""
    return ",".join(sorted(found))


def words_of(stored: str) -> str:
    """Return what was stored as words, such as "email addresses and phone numbers"."""
    return " and ".join(words for kind, words in WORDS.items() if kind in stored.split(","))


_EMAIL = re.compile(r"[\w.+-]@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}")
_DIGITS = re.compile(r"\d(?:[ ()./-]{0,2}\d){6}")

# An international number, as E.164 writes it or with what people put between its groups.
_INTERNATIONAL = re.compile(
    r"(?<![\w+])(?:\+|00(?=[1-9]\d?[ ./-]))[1-9](?:[ ()/-]{0,2}\d){6,14}(?!\d|\.\d)"
)
# A national one has separators, or an order number would look like it: 0171 2345678,
# (030) 123-456, (555) 123-4567, 555-123-4567.
_NATIONAL = re.compile(
    r"(?<![\w.+-])(?:\(0?[1-9]\d{1,4}\)[ -]?\d{3,4}[ -]?\d{2,4}|0[1-9]\d{1,4}[ /-]\d[\d -]{5,9}\d"
    r"|[2-9]\d{2}[-.]\d{3}[-.]\d{4})(?!\w|[.-]\d)"
)


def _holds_phones(texts: Iterable[str]) -> bool:
    return any(_INTERNATIONAL.search(text) or _NATIONAL.search(text) for text in texts)


_CARD = re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?!\w|\.\d)")
_SEPARATORS = re.compile(r"[ -]")
# ISO/IEC 7812 ranges of the large networks, with the lengths of their numbers.
_NETWORKS = (
    (re.compile(r"4"), {13, 16, 19}),  # Visa
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), {16}),  # Mastercard
    (re.compile(r"3[47]"), {15}),  # American Express
    (re.compile(r"6011|64[4-9]|65"), {16, 19}),  # Discover
    (re.compile(r"30[0-5]|36|3[89]"), {14, 16}),  # Diners Club
    (re.compile(r"35(?:2[89]|[3-8])"), {16}),  # JCB
    (re.compile(r"62"), {16, 17, 18, 19}),  # UnionPay
)
# Of other numbers as long one in ten has the right check digit: cards have it nearly all.
_LEAST_SHARE = 0.5


def _holds_cards(texts: Iterable[str]) -> bool:
    long = [_SEPARATORS.sub("", found) for text in texts for found in _CARD.findall(text)]
    cards = sum(_is_card(digits) for digits in long)
    return cards > 0 and cards >= _LEAST_SHARE * len(long)


def _is_card(digits: str) -> bool:
    has_network = any(
        len(digits) in lengths and start.match(digits) for start, lengths in _NETWORKS
    )
    return has_network and has_check_digit(digits)


def has_check_digit(digits: str) -> bool:
    """Tell whether the last digit is that of Luhn's formula."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


_OF_DIGITS: Mapping[Suspicion, Callable[[Iterable[str]], bool]] = {
    "phone": _holds_phones,
    "card": _holds_cards,
}
