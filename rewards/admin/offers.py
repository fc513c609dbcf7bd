"""What a project offers to whoever writes a definition: event types, streaks, fields, values."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias, cast

from events import limits
from events.metadata import FieldType, as_declared
from events.models import EventType, MetadataField, Project
from events.types import Json
from rewards.models import StreakVersion
from rewards.reading import portable
from rewards.rules import StreakDefinition, read_streak

RECENT_EVENTS = 500  # with 30 fields each they take 25 ms
RECENT_CUSTOMERS = 500
SUGGESTED_VALUES = 20
SUGGESTED_CHARACTERS = 100  # a longer text is no value that anyone picks from a list
ATTRIBUTES = 200
_ROWS_AT_A_TIME = 100

Kind: TypeAlias = Literal["number", "text", "boolean", ""]

# What the values of a declared type are to the operators; dates and versions are texts to them.
_KINDS: Mapping[str, Kind] = {
    MetadataField.Type.NUMBER: "number",
    MetadataField.Type.TEXT: "text",
    MetadataField.Type.DATE: "text",
    MetadataField.Type.VERSION: "text",
    MetadataField.Type.BOOLEAN: "boolean",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOffer:
    """A field to choose. `kind` is what its values are, "" where nobody knows; `values` are
    those that arrived most often, none of a personal field."""

    name: str
    label: str
    group: str
    type: str = ""
    kind: Kind = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What may be chosen; `fields` are those of the event that the definition is about."""

    time_zone: str
    events: tuple[str, ...]
    streaks: Mapping[str, tuple[int, ...]]
    fields: tuple[FieldOffer, ...]


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What arrived under one key."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)

    def note(self, value: Json) -> None:
        kind = _kind(value)
        if not kind:
            return
        self.kinds[kind] += 1
        text = _text(value)
        if 0 < len(text) <= SUGGESTED_CHARACTERS:
            self.values[text] += 1

    @property
    def kind(self) -> Kind:
        return max(self.kinds, key=lambda kind: (self.kinds[kind], kind), default="")

    @property
    def most_common(self) -> tuple[str, ...]:
        by_count = sorted(self.values.items(), key=lambda each: (-each[1], each[0]))
        return tuple(text for text, _ in by_count[:SUGGESTED_VALUES])


def offers(project: Project, *, event: str = "", streak: str = "") -> Offers:
    """Return what a definition about the event, or about the streak's event, may choose from."""
    definitions = _streak_definitions(project)
    if streak in definitions:
        event = definitions[streak].event
    event_type = project.event_types.filter(name=event).first() if event else None
    names = project.event_types.filter(active=True).order_by("name", "id")
    return Offers(
        time_zone=project.time_zone,
        events=tuple(names.values_list("name", flat=True)),
        streaks={
            name: tuple(step.at for step in each.milestones) for name, each in definitions.items()
        },
        fields=(
            *(_event_fields(event_type) if event_type else ()),
            *_attributes(project),
            *_TIME_FIELDS,
        ),
    )


def _streak_definitions(project: Project) -> dict[str, StreakDefinition]:
    """Return the last version of each streak by its name."""
    versions = StreakVersion.objects.filter(streak__project=project).select_related("streak")
    ordered = versions.order_by("streak__name", "number")
    last = {version.streak.name: version for version in ordered}
    return {name: read_streak(version.definition) for name, version in last.items()}


def _event_fields(event_type: EventType) -> Iterator[FieldOffer]:
    declared = list(event_type.fields.order_by("name", "id")[: limits.FIELDS_PER_EVENT_TYPE])
    seen = _arrived(event_type, declared)
    for each in declared:
        kind = _KINDS.get(each.type) or seen[each.name].kind
        yield FieldOffer(
            name=f"event.{each.name}",
            label=each.name,
            group="event",
            type=each.type,
            kind=kind,
            values=() if each.personal or kind == "boolean" else seen[each.name].most_common,
        )


def _arrived(event_type: EventType, declared: Iterable[MetadataField]) -> dict[str, _Seen]:
    types = {each.name: cast(FieldType, each.type) for each in declared}
    seen = {name: _Seen() for name in types}
    latest = event_type.events.filter(project_id=event_type.project_id).order_by(
        "-occurred_at", "-id"
    )
    rows = latest.values_list("metadata", flat=True)[:RECENT_EVENTS]
    # In portions: 500 events of the largest kind would fill the memory.
    for metadata in rows.iterator(chunk_size=_ROWS_AT_A_TIME):
        for name in metadata.keys() & types.keys():
            seen[name].note(as_declared(metadata[name], types[name]))
    return seen


def _attributes(project: Project) -> Iterator[FieldOffer]:
    """Yield the keys of customers' attributes. Nothing says which of them tell who a person is,
    so that no values are suggested."""
    latest = (
        project.customers.filter(merged_into=None)
        .order_by("-id")
        .values_list("attributes", flat=True)
    )
    seen: dict[str, _Seen] = {}
    for attributes in latest[:RECENT_CUSTOMERS].iterator(chunk_size=_ROWS_AT_A_TIME):
        for name, value in attributes.items():
            seen.setdefault(name, _Seen()).note(value)
    for name in sorted(seen)[:ATTRIBUTES]:
        yield FieldOffer(
            name=f"customer.{name}", label=name, group="customer", kind=seen[name].kind
        )


_TIME_FIELDS = (
    FieldOffer(name="time.hour", label="hour of the day (0–23)", group="time", kind="number"),
    FieldOffer(name="time.weekday", label="weekday", group="time", kind="number"),
)


def _kind(value: Json) -> Kind:
    match value:
        case bool():
            return "boolean"
        case int() | Decimal():
            return "number"
        case str():
            return "text"
        case _:
            return ""


def _text(value: Json) -> str:
    match value:
        case int() | Decimal() if not isinstance(value, bool):
            return str(portable(value)) if _is_short(value) else ""
        case str():
            return value
        case _:
            return ""


def _is_short(number: int | Decimal) -> bool:
    # 1e100000 would be written out in full.
    exact = Decimal(number)
    return exact.is_finite() and abs(exact.adjusted()) < limits.EXACT_DIGITS
