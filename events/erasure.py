"""The only rewriter of what was stored before a field became personal."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from django.db import transaction

from events import discards
from events.guard import append_only_lifted
from events.limits import QUARANTINE_PAYLOAD_BYTES
from events.metadata import write_json
from events.models import Event, EventKey, EventType, Quarantine
from events.payloads import path_of
from events.protection import KEYED_BYTES, Protection, keyed_hash
from events.sql import execute, given, send
from events.types import JsonObject

Place = TypeVar("Place")

# One transaction: SQLite's only write lock is held for some 20 ms.
ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[Place]):
    """How many rows of a batch were rewritten, and where the next batch begins, None at the end."""

    rewritten: int
    next: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rewritten:
    event_id: UUID
    before: JsonObject
    metadata: JsonObject
    extra: JsonObject | None


def protect_events(
    event_type: EventType, protection: Protection, *, after: UUID | None
) -> Step[UUID]:
    """Mask or hash the personal values of the type's next events, in the order of their ids."""
    events = Event.objects.filter(project_id=event_type.project_id, event_type=event_type)
    if after:
        events = events.filter(id__gt=after)
    found = list(events.order_by("id").values_list("id", "metadata", "extra")[:ROWS_AT_ONCE])
    changed = []
    for event_id, before, extra_before in found:
        metadata = protection.metadata(before)
        extra = None if extra_before is None else protection.metadata(extra_before)
        if (metadata, extra) != (before, extra_before):
            changed.append(
                _Rewritten(event_id=event_id, before=before, metadata=metadata, extra=extra)
            )
    if changed:
        with append_only_lifted():
            _write_events(changed)
            if event_type.unique_by in protection.fields:
                _renew_natural_keys(event_type, changed, protection)
    return Step(rewritten=len(changed), next=_next([row[0] for row in found]))


def _next(ids: Sequence[Place]) -> Place | None:
    return ids[-1] if len(ids) == ROWS_AT_ONCE else None


def _write_events(changed: Sequence[_Rewritten]) -> None:
    rows = [
        (
            each.event_id,
            write_json(each.metadata).decode(),
            None if each.extra is None else write_json(each.extra).decode(),
        )
        for each in changed
    ]
    query, parameters = given(rows, "uuid", "json", "json")
    send(
        f"WITH given(id, metadata, extra) AS ({query}) UPDATE events_event SET "
        "metadata = given.metadata, extra = given.extra FROM given "
        "WHERE events_event.id = given.id",
        parameters,
    )


def _renew_natural_keys(
    event_type: EventType, changed: Sequence[_Rewritten], protection: Protection
) -> None:
    """Tell repeats by keyed hashes: the plain one of a value could be guessed."""
    unique_by = event_type.unique_by
    for each in changed:
        value = each.before.get(unique_by)
        before = discards.hash_of(unique_by, value)
        after = discards.protected_hash_of(unique_by, value, protection)
        if before is None or before == after:
            continue
        deleted = execute(
            "DELETE FROM events_naturalkey WHERE event_type_id = %s AND value_hash = %s "
            "AND event_id = %s RETURNING event_id",
            [event_type.pk, before, each.event_id],
        )
        if deleted and after is not None:
            send(
                "INSERT INTO events_naturalkey (event_type_id, value_hash, event_id) "
                "VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                [event_type.pk, after, each.event_id],
            )


@transaction.atomic
def protect_keys(project_id: int, key: bytes, *, after: str | None) -> Step[str]:
    """Key the hashes of the bodies that the next idempotency keys were used for.

    A plain one of a body with a phone number tells it to who tries them all.
    """
    rows = EventKey.objects.filter(project_id=project_id)
    if after is not None:
        rows = rows.filter(key__gt=after)
    found = list(rows.order_by("key").values_list("key", "body_hash")[:ROWS_AT_ONCE])
    plain = [
        (project_id, name, keyed_hash(bytes(body_hash), key))
        for name, body_hash in found
        if len(body_hash) != KEYED_BYTES
    ]
    if plain:
        query, parameters = given(plain, "bigint", "text", "bytea")
        send(
            f"WITH given(project_id, key, body_hash) AS ({query}) UPDATE events_eventkey SET "
            "body_hash = given.body_hash FROM given WHERE events_eventkey.project_id = "
            "given.project_id AND events_eventkey.key = given.key",
            parameters,
        )
    return Step(rewritten=len(plain), next=_next([name for name, _ in found]))


@transaction.atomic
def protect_quarantine(
    project_id: int, protection: Protection, *, after: UUID | None
) -> Step[UUID]:
    """Mask or hash the personal values in the next of the payloads that were refused.

    What their paths should not hold is taken out too.
    """
    rows = Quarantine.objects.filter(project_id=project_id)
    if after:
        rows = rows.filter(id__gt=after)
    found = list(rows.order_by("id")[:ROWS_AT_ONCE])
    rewritten = 0
    for row in found:
        before = row.payload.encode()
        kept = protection.payload(before, wire=row.wire, most_characters=QUARANTINE_PAYLOAD_BYTES)
        path = path_of(row.path, wire=row.wire)
        if (kept.payload, path) != (before, row.path):
            row.path = path
            row.payload = kept.payload.decode()
            row.is_cut = row.is_cut or not kept.is_whole
            row.payload_hash = hashlib.sha256(kept.payload).digest()
            row.save(update_fields=["path", "payload", "is_cut", "payload_hash"])
            rewritten += 1
    return Step(rewritten=rewritten, next=_next([row.pk for row in found]))
