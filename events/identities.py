"""Email addresses and phone numbers: what looks like one, and the one form that is kept."""

import re

# Spaces, hyphens and dashes, dots, parentheses: what people put between the digits.
_BETWEEN_DIGITS = re.compile(r"[\s().\-\u00ad\u2010-\u2015\u2212]+")
# Nobody has a public address at a host without a dot, while none@none is what forms are full of.
_EMAIL = re.compile(r"[^@\s]+@(?:localhost|[^@\s.]+(?:\.[^@\s.]+)+)")
_FEWEST_DIGITS = 5  # what is shorter is a placeholder or a short code, which is no person's
_MOST_DIGITS = 15  # of E.164


def normal_email(text: str) -> str:
    """Return the address without blanks around it, in lower case; never longer than the text."""
    # Python makes two characters of the Turkish capital, which has a small letter of its own.
    return text.strip().replace("\u0130", "i").lower()


def normal_phone(text: str) -> str:
    """Return the number without what stands between its digits, a leading 00 as +, the digits of
    any script as 0 to 9; "" where it holds no digit."""
    bare = _BETWEEN_DIGITS.sub("", text)
    if not bare.isascii():
        bare = "".join(str(int(each)) if each.isdecimal() else each for each in bare)
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    return bare if any(map(str.isdecimal, bare)) else ""


def is_email(text: str) -> bool:
    """Tell whether a normal email is one: what strangers share, such as n/a, is not."""
    return _EMAIL.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    """Tell whether a normal phone is one: 5 to 15 digits, not all the same."""
    digits = [each for each in text if each.isdecimal()]
    return _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS and len(set(digits)) > 1
