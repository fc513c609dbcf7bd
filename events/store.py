"""The only writer of events, their keys, batches and receipts, and of what was refused."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from django.db import transaction

from events import limits
from events.ids import new_id
from events.metadata import write_json
from events.models import shard_of
from events.partitions import first_id
from events.sql import Row, execute, given, last_id, send, text_of
from events.types import Json, JsonObject, Outcome, Reception, Refusal, Status

_EVENT_COLUMNS = {
    "id": "uuid",
    "project_id": "bigint",
    "event_type_id": "bigint",
    "customer_id": "bigint",
    "customer_seq": "bigint",
    "occurred_at": "timestamptz",
    "received_at": "timestamptz",
    "wire": "text",
    "status": "text",
    "reason": "text",
    "metadata": "json",
    "extra": "json",
    "points_awarded": "bigint",
    "points_total": "bigint",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """One decided event, ready to be written. `key` is "" where it has none."""

    id: UUID
    project_id: int
    event_type_id: int
    customer_id: int
    customer_seq: int
    occurred_at: datetime
    received_at: datetime
    wire: str
    status: Status
    reason: str
    metadata: JsonObject
    extra: JsonObject | None
    points_awarded: int
    points_total: int
    key: str
    body_hash: bytes
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedKey:
    """What an idempotency key was used for: `answer` is the outcome's JSON."""

    body_hash: bytes
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEntry:
    """One refused request or event. `source` is the JSON as sent, or the body's bytes; `line` is
    that of the file which it came from."""

    reception: Reception
    wire: str
    refusal: Refusal
    source: Json | bytes
    line: int | None = None

    @property
    def project_id(self) -> int:
        return self.reception.access.project_id

    @property
    def client(self) -> str:
        client = self.reception.client
        return client if self.line is None else f"{client} line {self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReceipt:
    """The answer to one request; `answer` is its JSON."""

    id: UUID
    project_id: int
    answer: bytes


def used_keys(keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], UsedKey]:
    """Return what was committed under these (project id, key), missing where unused."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    query, parameters = given(wanted, "bigint", "text")
    rows = execute(
        f"WITH given(project_id, key) AS ({query}) "
        f"SELECT k.project_id, k.key, k.body_hash, {text_of('k.answer')} FROM given "
        "JOIN events_eventkey k ON k.project_id = given.project_id AND k.key = given.key",
        parameters,
    )
    return {
        (project_id, key): UsedKey(body_hash=bytes(body_hash), answer=answer.encode())
        for project_id, key, body_hash, answer in rows
    }


def record(events: Sequence[NewEvent], now: datetime) -> None:
    """Write events with their keys, as one batch a project, in the caller's transaction.

    Raises IntegrityError where another transaction has used one of the keys meanwhile.
    """
    if not events:
        return
    by_project: dict[int, list[NewEvent]] = {}
    for event in events:
        by_project.setdefault(event.project_id, []).append(event)
    for project_id, batch in sorted(by_project.items()):
        _insert_batch(project_id, batch, now)
    _insert_keys(events)
    _number_customers(events)


def _insert_batch(project_id: int, events: Sequence[NewEvent], now: datetime) -> None:
    send(
        "INSERT INTO events_batch (project_id, events, created_at) VALUES (%s, %s, %s)",
        [project_id, len(events), now],
    )
    _insert_events(events)
    _insert_open_batch(project_id, events)


def _insert_events(events: Sequence[NewEvent]) -> None:
    rows = [
        (
            event.id,
            event.project_id,
            event.event_type_id,
            event.customer_id,
            event.customer_seq,
            event.occurred_at,
            event.received_at,
            event.wire,
            event.status,
            event.reason,
            write_json(event.metadata).decode(),
            None if event.extra is None else write_json(event.extra).decode(),
            event.points_awarded,
            event.points_total,
        )
        for event in events
    ]
    columns = ", ".join(_EVENT_COLUMNS)
    query, parameters = given(rows, *_EVENT_COLUMNS.values())
    send(
        f"WITH given({columns}) AS ({query}) INSERT INTO events_event ({columns}, batch_id) "
        f"SELECT given.*, {last_id('events_batch')} FROM given",
        parameters,
    )


def _insert_open_batch(project_id: int, events: Sequence[NewEvent]) -> None:
    shards: dict[int, list[NewEvent]] = {}
    for event in events:
        shards.setdefault(shard_of(event.event_type_id), []).append(event)
    rows = [
        (
            shard,
            project_id,
            len(part),
            min(event.id for event in part),
            max(event.id for event in part),
            min(event.received_at for event in part),
        )
        for shard, part in sorted(shards.items())
    ]
    columns = "shard, project_id, events, first_event_id, last_event_id, first_received_at"
    query, parameters = given(rows, "smallint", "bigint", "int", "uuid", "uuid", "timestamptz")
    send(
        f"WITH given({columns}) AS ({query}) INSERT INTO events_openbatch ({columns}, batch_id) "
        f"SELECT given.*, {last_id('events_batch')} FROM given",
        parameters,
    )


def _insert_keys(events: Sequence[NewEvent]) -> None:
    rows = sorted(
        (event.project_id, event.key, event.id, event.body_hash, _answer(event.outcome))
        for event in events
        if event.key
    )
    if not rows:
        return
    columns = "project_id, key, event_id, body_hash, answer"
    query, parameters = given(rows, "bigint", "text", "uuid", "bytea", "json")
    send(
        f"WITH given({columns}) AS ({query}) "
        f"INSERT INTO events_eventkey ({columns}) SELECT * FROM given",
        parameters,
    )


def _answer(outcome: Outcome) -> str:
    return write_json(outcome).decode()


def _number_customers(events: Sequence[NewEvent]) -> None:
    last: dict[int, int] = {}
    for event in events:
        last[event.customer_id] = max(event.customer_seq, last.get(event.customer_id, 0))
    query, parameters = given(sorted(last.items()), "bigint", "bigint")
    send(
        f"WITH given(id, last_seq) AS ({query}) UPDATE events_customer SET last_seq = "
        "given.last_seq FROM given WHERE events_customer.id = given.id",
        parameters,
    )


def keep_receipts(receipts: Sequence[NewReceipt], now: datetime) -> None:
    """Keep the answers, in the transaction of what they say."""
    if not receipts:
        return
    rows = [(each.id, each.project_id, now, each.answer.decode()) for each in receipts]
    query, parameters = given(rows, "uuid", "bigint", "timestamptz", "json")
    send(
        f"WITH given(id, project_id, created_at, answer) AS ({query}) "
        "INSERT INTO events_receipt (id, project_id, created_at, answer) SELECT * FROM given",
        parameters,
    )


def has_receipts_before(day: date) -> bool:
    """Tell whether `forget_receipts` would delete one."""
    return bool(execute("SELECT 1 FROM events_receipt WHERE id < %s LIMIT 1", [first_id(day)]))


@transaction.atomic
def forget_receipts(day: date, *, most: int) -> int:
    """Delete receipts given before a day (UTC), the oldest first; return how many."""
    return len(
        execute(
            "DELETE FROM events_receipt WHERE id IN (SELECT id FROM events_receipt "
            "WHERE id < %s ORDER BY id LIMIT %s) RETURNING id",
            [first_id(day), most],
        )
    )


@transaction.atomic
def quarantine(entries: Sequence[RefusedEntry]) -> None:
    """Keep what was refused; beyond a day's limit only its number."""
    by_project: dict[int, list[RefusedEntry]] = {}
    kept = _kept_lines([entry for entry in entries if entry.line is not None])
    for entry in entries:
        if kept and _identity(entry) in kept:
            continue
        by_project.setdefault(entry.project_id, []).append(entry)
    for project_id, refused in sorted(by_project.items()):
        today = refused[0].reception.received_at.astimezone(UTC).date()
        [(count,)] = execute(
            "INSERT INTO events_quarantineday (project_id, date, kept, beyond) "
            "VALUES (%s, %s, %s, 0) ON CONFLICT (project_id, date) "
            "DO UPDATE SET kept = events_quarantineday.kept + excluded.kept RETURNING kept",
            [project_id, today, len(refused)],
        )
        beyond = min(len(refused), max(0, count - _most_kept(refused[0])))
        if beyond:
            send(
                "UPDATE events_quarantineday SET kept = kept - %s, beyond = beyond + %s "
                "WHERE project_id = %s AND date = %s",
                [beyond, beyond, project_id, today],
            )
        _insert_quarantine(refused[: len(refused) - beyond])


def _most_kept(entry: RefusedEntry) -> int:
    """Return how many of a day are kept: a broken file leaves room for what clients send."""
    is_imported = entry.line is not None
    return limits.IMPORT_QUARANTINE_ROWS if is_imported else limits.QUARANTINE_ROWS_PER_DAY


def _kept_lines(entries: Sequence[RefusedEntry]) -> set[Row]:
    """Return those of the lines that were refused and kept before, when the file was first read."""
    if not entries:
        return set()
    return set(
        execute(
            "SELECT project_id, client, code, payload FROM events_quarantine "
            f"WHERE project_id = %s AND client IN ({', '.join(['%s'] * len(entries))})",
            [entries[0].project_id, *(_storable(entry.client) for entry in entries)],
        )
    )


def _identity(entry: RefusedEntry) -> Row:
    kept, _ = _payload(entry)
    return (entry.project_id, _storable(entry.client), str(entry.refusal.code), kept)


def _insert_quarantine(refused: Sequence[RefusedEntry]) -> None:
    if not refused:
        return
    columns = {
        "id": "uuid",
        "project_id": "bigint",
        "api_key_id": "bigint",
        "wire": "text",
        "client": "text",
        "code": "text",
        "message": "text",
        "field": "text",
        "payload": "text",
        "is_cut": "bool",
        "received_at": "timestamptz",
    }
    names = ", ".join(columns)
    query, parameters = given([_quarantine_row(entry) for entry in refused], *columns.values())
    send(
        f"WITH given({names}) AS ({query}) "
        f"INSERT INTO events_quarantine ({names}) SELECT * FROM given",
        parameters,
    )


def _quarantine_row(entry: RefusedEntry) -> tuple[object, ...]:
    reception, refusal = entry.reception, entry.refusal
    payload, is_cut = _payload(entry)
    return (
        new_id(reception.received_at),
        entry.project_id,
        reception.access.key_id,
        entry.wire,
        _storable(entry.client),
        str(refusal.code),
        _storable(refusal.message),
        _storable(refusal.field)[:400],
        payload,
        is_cut,
        reception.received_at,
    )


def _payload(entry: RefusedEntry) -> tuple[str, bool]:
    """Return what is kept of the source, and whether that is not all."""
    source = entry.source if isinstance(entry.source, bytes) else _written(entry.source)
    kept = source[: limits.QUARANTINE_PAYLOAD_BYTES]
    return _storable(kept.decode("utf-8", "replace")), len(kept) < len(source)


def _written(source: Json) -> bytes:
    # Half a surrogate pair is one of the reasons to be refused, so it can't go out as UTF-8.
    try:
        return write_json(source)
    except UnicodeEncodeError:
        return repr(source).encode("utf-8", "backslashreplace")


def _storable(text: str) -> str:
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()
