"""Email addresses and phone numbers in the one form in which they are kept and looked for."""

import re

# Spaces, hyphens and dashes, dots, parentheses: what people put between the digits.
_BETWEEN_DIGITS = re.compile(r"[\s().\-\u00ad\u2010-\u2015\u2212]+")


def normal_email(text: str) -> str:
    """Return the address without blanks around it, in lower case; never longer than the text."""
    # Python makes two characters of the Turkish capital, which has a small letter of its own.
    return text.strip().replace("\u0130", "i").lower()


def normal_phone(text: str) -> str:
    """Return the number without what stands between its digits, a leading 00 as +; "" where it
    holds no digit."""
    bare = _BETWEEN_DIGITS.sub("", text)
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    return bare if any(map(str.isdecimal, bare)) else ""
