"""Stored events as rollups read them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import F, QuerySet, TextField
from django.db.models.functions import Cast

from analytics.summaries import RawEvent
from events.models import SHARDS, Event, MetadataField, OpenBatch

# Batches whose ids lie no further apart are read together: between them lie few strange events.
_JOINED_MILLISECONDS = 10_000
_TIMESTAMP_SHIFT = 80  # a UUIDv7 begins with its moment in milliseconds

_ROWS_AT_ONCE = 500

# The column holds what events.metadata wrote, so it needs none of the checks of `read_json`,
# which takes four times as long.
_metadata = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class FieldIdsByType(dict[int, Mapping[str, int | None]]):
    """The ids of the fields of event types, by name; each type is looked up when it is met."""

    def __missing__(self, event_type_id: int) -> Mapping[str, int | None]:
        fields = MetadataField.objects.filter(event_type_id=event_type_id)
        self[event_type_id] = dict(fields.values_list("name", "id"))
        return self[event_type_id]


def accepted_events() -> QuerySet[Event]:
    """Return the events that count."""
    return Event.objects.filter(status=Event.Status.ACCEPTED)


def read(events: QuerySet[Event]) -> Iterator[RawEvent]:
    """Return the rows of a query in no order, a few hundred at a time in memory."""
    rows = (
        events.order_by()
        .annotate(metadata_text=Cast("metadata", TextField()))
        .values_list(
            "event_type_id",
            "customer_id",
            "occurred_at",
            "received_at",
            "points_awarded",
            "points_total",
            "metadata_text",
        )
    )
    for type_id, customer_id, occurred, received, awarded, total, text in rows.iterator(
        chunk_size=_ROWS_AT_ONCE
    ):
        yield RawEvent(
            event_type_id=type_id,
            customer_id=customer_id,
            occurred_at=occurred,
            received_at=received,
            points_awarded=awarded,
            points_total=total,
            metadata=_metadata.decode(text),
        )


def read_batches(
    batches: Iterable[OpenBatch], *, event_type_id: int | None = None
) -> Iterator[RawEvent]:
    """Return the accepted events of open batches of one project and shard.

    With `event_type_id` those of that type alone.
    """
    for span in _spans(batches):
        events = accepted_events().filter(
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
