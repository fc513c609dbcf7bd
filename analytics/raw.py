"""Stored events as rollups read them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Case, F, Field, Func, QuerySet, TextField, Value, When
from django.db.models.functions import Cast

from analytics.summaries import RawEvent
from events.models import SHARDS, Event, MetadataField, OpenBatch

# Batches whose ids lie no further apart are read together: between them lie few strange events.
_JOINED_MILLISECONDS = 10_000
_TIMESTAMP_SHIFT = 80  # a UUIDv7 begins with its moment in milliseconds

_ROWS_AT_ONCE = 1_000

# The column holds what events.metadata wrote, so it needs none of the checks of `read_json`,
# which takes four times as long.
_metadata = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class FieldIdsByType(dict[int, Mapping[str, int | None]]):
    """The ids of the fields of event types, by name; each type is looked up when it is met.

    `undeclared` are those of the fields that nobody has declared, nor said that they hold nothing
    personal, with what their values were found to look like.
    """

    def __init__(self) -> None:
        super().__init__()
        self.undeclared: dict[int, str] = {}

    def __missing__(self, event_type_id: int) -> Mapping[str, int | None]:
        rows = MetadataField.objects.filter(event_type_id=event_type_id).values_list(
            "name", "id", "created_automatically", "suspicion_dismissed", "suspected"
        )
        ids: dict[str, int | None] = {}
        for name, number, is_undeclared, is_dismissed, suspected in rows:
            ids[name] = number
            if is_undeclared and not is_dismissed:
                self.undeclared[number] = suspected
        self[event_type_id] = ids
        return ids


def read(events: QuerySet[Event]) -> Iterator[RawEvent]:
    """Return the rows of a query in no order, a thousand at a time in memory."""
    rows = (
        events.order_by()
        .annotate(
            occurred=_Moment("occurred_at"),
            received=_Moment("received_at"),
            metadata_text=Cast("metadata", TextField()),
            # Beside each event, for to look for the discarded apart would read all of them twice.
            discarded=Case(When(status=Event.Status.DISCARDED, then="reason"), default=Value("")),
        )
        .values_list(
            "event_type_id",
            "customer_id",
            "occurred",
            "received",
            "points_awarded",
            "points_total",
            "metadata_text",
            "discarded",
        )
    )
    moment_of = _MOMENT_OF[connection.vendor]
    decode = _metadata.decode
    for type_id, customer_id, occurred, received, awarded, total, text, discarded in rows.iterator(
        chunk_size=_ROWS_AT_ONCE
    ):
        yield RawEvent(
            type_id,
            customer_id,
            moment_of(occurred),
            moment_of(received),
            awarded,
            total,
            decode(text),
            len(text),
            discarded,
        )


class _Moment(Func):
    """A moment as it is read fastest: Django's converters take as long as all else of a row."""

    # A float: microseconds are exact in it for two centuries around 1970.
    template = "date_part('epoch', %(expressions)s)"
    output_field = Field()  # what the driver gives, unconverted

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="%(expressions)s || '+00:00'", **extra)


_MOMENT_OF: Mapping[str, Callable[[Any], datetime]] = {
    "postgresql": partial(datetime.fromtimestamp, tz=UTC),
    "sqlite": datetime.fromisoformat,
}


def read_batches(
    batches: Iterable[OpenBatch], *, event_type_id: int | None = None
) -> Iterator[RawEvent]:
    """Return the events of open batches of one project and shard.

    With `event_type_id` those of that type alone.
    """
    for span in _spans(batches):
        events = Event.objects.filter(
            id__range=(span.first_id, span.last_id), batch_id__in=span.batch_ids
        )
        if event_type_id is None:
            # The other shards of the same batches are folded by themselves.
            in_shard = events.annotate(shard=F("event_type_id") % SHARDS)
            yield from read(in_shard.filter(shard=span.shard))
        else:
            yield from read(events.filter(event_type_id=event_type_id))


@dataclass(slots=True, kw_only=True)
class _Span:
    """A stretch of the primary key; there is no index on the batch."""

    shard: int
    first_id: UUID
    last_id: UUID
    batch_ids: list[int]


def _spans(batches: Iterable[OpenBatch]) -> list[_Span]:
    spans: list[_Span] = []
    for batch in sorted(batches, key=lambda batch: batch.first_event_id):
        last = spans[-1] if spans else None
        if last is not None and _gap(last.last_id, batch.first_event_id) <= _JOINED_MILLISECONDS:
            last.last_id = max(last.last_id, batch.last_event_id)
            last.batch_ids.append(batch.batch_id)
            continue
        spans.append(
            _Span(
                shard=batch.shard,
                first_id=batch.first_event_id,
                last_id=batch.last_event_id,
                batch_ids=[batch.batch_id],
            )
        )
    return spans


def _gap(earlier: UUID, later: UUID) -> int:
    return (later.int >> _TIMESTAMP_SHIFT) - (earlier.int >> _TIMESTAMP_SHIFT)
