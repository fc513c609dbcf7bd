"""Texts that have a shape of their own: dates and versions."""

import re
from datetime import date
from typing import Literal, TypeAlias

Shape: TypeAlias = Literal["date", "version"]

# What sorts as a version: whether it is none, its numbers, what came before the release, itself.
VersionKey: TypeAlias = tuple[bool, tuple[int, ...], tuple[int, tuple[tuple[int, str], ...]], str]

# Longer than any of them; no text that is kept under a shortened key is as short.
_SHAPE_CHARACTERS = 64
_STARTS = frozenset("0123456789vV")
_LAST_OCTET = 255
_IP_GROUPS = 4

_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::(?:[0-5][0-9]|60)(?:[.,][0-9]{1,9})?)?"
    r"(?: ?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9]))?)?"
)
_SUFFIX = r"(?:-(?P<pre>[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*))?(?P<build>\+[0-9A-Za-z.-]+)?"
_VERSION = re.compile(rf"(?P<v>[vV])?(?P<numbers>[0-9]+(?:\.[0-9]+){{1,3}}){_SUFFIX}")
# Where a field is known to hold versions, "2" and "1.5" are some as well.
_SORTED = re.compile(rf"[vV]?(?P<numbers>[0-9]+(?:\.[0-9]+)*){_SUFFIX}")
_SORTED_GROUPS = 4


def shape_of(text: str) -> Shape | None:
    """Return which shape a text has. Most have none, and two looks at its letters tell so."""
    if text[4:5] == "-" and is_date(text):
        return "date"
    return "version" if "." in text and is_version(text) else None


def is_date(text: str) -> bool:
    """Say whether a text is a calendar date, YYYY-MM-DD, alone or with a time behind it (ISO 8601).

    "2023-01", "20230105" and "2023-02-30" are not.
    """
    if text[4:5] != "-" or len(text) > _SHAPE_CHARACTERS or not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def is_version(text: str) -> bool:
    """Say whether a text is evidence of versions: "2.10.0", "v1.2", "120.0.6099.71", "1.5-rc1".

    Two to four groups of digits, with what semantic versioning allows behind them. A plain number
    ("1.5") may be a version, but is no evidence, nor is an address ("10.0.0.1").
    """
    if "." not in text or len(text) > _SHAPE_CHARACTERS or text[0] not in _STARTS:
        return False
    found = _VERSION.fullmatch(text)
    if found is None:
        return False
    groups = found["numbers"].split(".")
    if found["v"]:
        return True
    if len(groups) == 2:
        # "1.5-2" is a range and "1.5+2" a sum; a letter makes it a version.
        return any(map(str.isalpha, text))
    return not _is_address(groups) or bool(found["pre"] or found["build"])


def version_key(text: str) -> VersionKey:
    """Return what sorts versions: 2.9.0, 2.10.0-beta, 2.10.0-rc.1, 2.10.0; then all other texts.

    By the precedence of semantic versioning (semver.org, 11). Missing groups count as zero; what
    is equal to it, as "1.2" and "v1.2.0" are, follows its code points.
    """
    found = _SORTED.fullmatch(text) if len(text) <= _SHAPE_CHARACTERS else None
    if found is None:
        return True, (), (0, ()), text
    numbers = [int(group) for group in found["numbers"].split(".")]
    padded = (*numbers, *[0] * (_SORTED_GROUPS - len(numbers)))
    pre = found["pre"]
    # A pre-release comes before the release.
    return False, padded, (0, tuple(map(_identifier, pre.split(".")))) if pre else (1, ()), text


def _identifier(text: str) -> tuple[int, str]:
    # Numbers come before words, and by their size.
    return (int(text), "") if text.isdecimal() else (_ABOVE_NUMBERS, text)


_ABOVE_NUMBERS = 10**_SHAPE_CHARACTERS


def _is_address(groups: list[str]) -> bool:
    return len(groups) == _IP_GROUPS and all(
        len(group) <= len(str(_LAST_OCTET)) and int(group) <= _LAST_OCTET for group in groups
    )
