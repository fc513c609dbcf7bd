"""Personal values taken out of all that was stored before their fields were marked as personal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings

from analytics import rows
from analytics.models import Rollup
from analytics.periods import Calendar
from analytics.rebuild import Day, rebuild
from analytics.shards import Shard, changes_of, count_change, exclusively
from analytics.sketches import ArraySummary, TextSummary
from events import catalogue, erasure
from events.erasure import Step
from events.models import SHARDS, EventType, MetadataField, Project
from events.protection import Protection, is_protected, key_of

Place = TypeVar("Place")

# Values of these kinds are texts once they are masked or hashed.
_CLEAR_KINDS = ("number", "numeric_text", "boolean", "object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How many rows were rewritten; `days` of statistics were counted anew."""

    events: int
    keys: int
    quarantine: int
    days: int


def erase(project: Project, fields: Sequence[MetadataField]) -> Erased:
    """Mask or hash the stored values of personal fields, batch by batch.

    Each batch is a transaction, and what is protected is left alone: who is interrupted begins
    anew. Statistics follow the events, so they are counted last, where they still show a value.
    """
    event_types = sorted({field.event_type for field in fields}, key=lambda each: each.pk)
    protections = {
        event_type.pk: _only(catalogue.protections([event_type])[event_type.pk], fields, event_type)
        for event_type in event_types
    }
    events = sum(_erase_events(each, protections[each.pk]) for each in event_types)
    whole = catalogue.protection_of(project.pk)
    key = key_of(settings.ENCRYPTION_KEY, project.pk)
    keys = _through(lambda after: erasure.protect_keys(project.pk, key, after=after))
    quarantine = (
        _through(lambda after: erasure.protect_quarantine(project.pk, whole, after=after))
        if whole
        else 0
    )
    _overtake_folds(project.pk)
    days = sum(_erase_statistics(each, fields) for each in event_types)
    return Erased(events=events, keys=keys, quarantine=quarantine, days=days)


def _only(
    protection: Protection, fields: Iterable[MetadataField], event_type: EventType
) -> Protection:
    names = {field.name for field in fields if field.event_type_id == event_type.pk}
    kept = {name: kept_as for name, kept_as in protection.fields.items() if name in names}
    return Protection(fields=kept, key=protection.key)


def _erase_events(event_type: EventType, protection: Protection) -> int:
    return _through(lambda after: erasure.protect_events(event_type, protection, after=after))


def _through(step: Callable[[Place | None], Step[Place]]) -> int:
    rewritten = 0
    done = step(None)
    while done.next is not None:
        rewritten += done.rewritten
        done = step(done.next)
    return rewritten + done.rewritten


def _overtake_folds(project_id: int) -> None:
    """Wait for the folds that read an event before it was rewritten, or have them begin anew."""
    for number in range(SHARDS):
        shard = Shard(project_id=project_id, number=number)
        with exclusively(shard):
            count_change(shard, seen=changes_of(shard))


def _erase_statistics(event_type: EventType, fields: Iterable[MetadataField]) -> int:
    field_ids = [field.pk for field in fields if field.event_type_id == event_type.pk]
    calendar = Calendar(event_type.project.zone)
    stored = Rollup.objects.filter(event_type=event_type, field_id__in=field_ids)
    shown = {
        local_date
        for local_date, kind, summary in stored.values_list(
            "local_date", "kind", "summary"
        ).iterator()
        if kind in _CLEAR_KINDS or _shows_values(kind, summary)
    }
    days = [Day(event_type=event_type, calendar=calendar, local_date=day) for day in sorted(shown)]
    return sum(1 for _ in rebuild(days))


def _shows_values(kind: str, stored: bytes | memoryview) -> bool:
    match rows.summary_of(kind, stored):
        case TextSummary(counts=counts):
            return _holds_clear(counts)
        case ArraySummary(elements=elements):
            return _holds_clear(elements.counts)
        case _:
            return False


def _holds_clear(counts: Mapping[str, int]) -> bool:
    return not all(map(is_protected, counts))
