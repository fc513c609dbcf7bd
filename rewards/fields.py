"""What rules look at: an occurrence, seen through its fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from events import limits
from events.types import Json, JsonObject
from rewards.reading import RuleError, read_text, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One event of one customer as rules see it.

    `metadata` holds the values as their fields are declared; `occurred_at` is aware UTC; `zone`
    is the project's time zone, in which hours, weekdays and windows are taken.
    """

    event: str
    metadata: JsonObject
    attributes: JsonObject
    occurred_at: datetime
    zone: ZoneInfo
    customer_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a leaf or an award looks at; `is_number` where it is one for every event."""

    name: str
    words: str
    seen: Callable[[Occurrence], Json] = field(compare=False, repr=False)
    is_number: bool = False


def read_field(value: Json, path: str) -> Field:
    """Return the field of that name: event.<key>, customer.<attribute>, time.hour or weekday."""
    if not isinstance(value, str):
        raise RuleError(path, f"must be a text, not {shown(value)}")
    if value in _TIME_FIELDS:
        return _TIME_FIELDS[value]
    scope, _, key = value.partition(".")
    if scope not in ("event", "customer") or not key:
        raise RuleError(
            path,
            "must be event.<key>, customer.<attribute>, time.hour or time.weekday, "
            f"not {shown(value)}",
        )
    key = read_text(key, path, most=limits.METADATA_KEY_CHARACTERS)
    if scope == "customer":
        words = f"the customer's {key}"
        return Field(name=value, words=words, seen=lambda seen: seen.attributes.get(key))
    return Field(name=value, words=key, seen=lambda seen: seen.metadata.get(key))


def _local(occurrence: Occurrence) -> datetime:
    return occurrence.occurred_at.astimezone(occurrence.zone)


_TIME_FIELDS: Mapping[str, Field] = {
    "time.hour": Field(
        name="time.hour",
        words="the local hour",
        seen=lambda occurrence: _local(occurrence).hour,
        is_number=True,
    ),
    "time.weekday": Field(
        name="time.weekday",
        words="the weekday (1 is Monday)",
        seen=lambda occurrence: _local(occurrence).isoweekday(),
        is_number=True,
    ),
}
