"""What a field is, by its declaration or by the evidence of its values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

from analytics.sketches import TextSummary
from analytics.sketches.shapes import is_date, is_version
from events.metadata import FieldType, number_in
from events.types import Json

ShownType: TypeAlias = Literal[
    "number", "text", "boolean", "date", "version", "array", "identifier", "mixed"
]

# As what a value arrived: its JSON kind, and of a text what it reads as.
Kind: TypeAlias = Literal[
    "number", "numeric_text", "boolean", "date", "version", "text", "array", "object"
]

# Below this share a kind is a slip of some client and not what the field is.
_SLIP_SHARE = 0.01

# Texts that are nearly all distinct name things one by one; of a few that proves nothing.
_IDENTIFIER_SHARE = 0.9
_IDENTIFIER_TEXTS = 100

SAMPLES = 3

_TYPES: Mapping[str, ShownType] = {
    "number": "number",
    "text": "text",
    "boolean": "boolean",
    "array": "array",
}

TEXT_KINDS: frozenset[Kind] = frozenset({"text", "numeric_text", "date", "version"})
# As what the values of a type may arrive.
_FITTING: Mapping[ShownType, frozenset[Kind]] = {
    "number": frozenset({"number"}),
    "text": TEXT_KINDS,
    "identifier": TEXT_KINDS,
    "boolean": frozenset({"boolean"}),
    "date": frozenset({"date"}),
    "version": frozenset({"version"}),
    "array": frozenset({"array"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The values that arrived as one kind: how many, what share of all, a few, and when.

    `samples` are at most three of the values, none where they tell who a person is.
    """

    kind: Kind
    count: int
    share: float
    samples: Sequence[Json]
    first_day: date
    last_day: date


def type_of(
    declared: FieldType, types: Mapping[str, int], text: TextSummary | None = None
) -> ShownType | None:
    """Return what a field is, given how many values came as each JSON kind; None without any.

    A declared type wins. Else the one kind that makes up at least 1 % of the values; where there
    are several it is mixed, as it is where the values are objects. A number in a string is a text
    until the field is declared a number: "0012" and "12" may be two products. Texts that are
    versions or dates, but for 1 %, make the field one; those nearly all distinct an identifier.
    """
    if declared != "auto":
        return declared
    total = sum(types.values())
    kinds = [kind for kind, count in types.items() if count and count >= _SLIP_SHARE * total]
    if not kinds:
        return None
    if len(kinds) > 1:
        return "mixed"
    return _text_type(text) if kinds == ["text"] and text else _TYPES.get(kinds[0], "mixed")


def _text_type(text: TextSummary) -> ShownType:
    nearly_all = (1 - _SLIP_SHARE) * text.total
    if text.versions >= nearly_all:
        return "version"
    if text.dates >= nearly_all:
        return "date"
    is_many = text.total >= _IDENTIFIER_TEXTS
    return "identifier" if is_many and text.distinct >= _IDENTIFIER_SHARE * text.total else "text"


def kind_of_text(text: str) -> Kind:
    """Return what a text reads as."""
    if number_in(text) is not None:
        return "numeric_text"
    if is_date(text):
        return "date"
    return "version" if is_version(text) else "text"


def evidence_of(
    daily: Mapping[date, Mapping[Kind, int]], samples: Mapping[Kind, Sequence[Json]]
) -> list[Evidence]:
    """Return what arrived as each kind, given the counts of each day; the most frequent first."""
    days: dict[Kind, list[date]] = {}
    counts: dict[Kind, int] = {}
    for day in sorted(daily):
        for kind, count in daily[day].items():
            if count:
                days.setdefault(kind, []).append(day)
                counts[kind] = counts.get(kind, 0) + count
    total = sum(counts.values())
    return [
        Evidence(
            kind=kind,
            count=count,
            share=count / total,
            samples=samples.get(kind, ())[:SAMPLES],
            first_day=days[kind][0],
            last_day=days[kind][-1],
        )
        for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def conflicts_of(
    declared: FieldType, shown: ShownType | None, evidence: Sequence[Evidence]
) -> list[Evidence]:
    """Return the evidence against a field's type; in a mixed field what is not like the most."""
    fitting = _fitting(declared, shown, evidence)
    return [found for found in evidence if found.kind not in fitting]


def _fitting(
    declared: FieldType, shown: ShownType | None, evidence: Sequence[Evidence]
) -> frozenset[Kind]:
    if declared == "number":
        return frozenset({"number", "numeric_text"})
    if shown is not None and shown != "mixed":
        return _FITTING[shown]
    others = [found for found in evidence if found.kind not in TEXT_KINDS]
    texts = sum(found.count for found in evidence if found.kind in TEXT_KINDS)
    return frozenset({others[0].kind}) if others and others[0].count > texts else TEXT_KINDS
