"""The only writer of events, their keys, batches and receipts, and of what was refused."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from events import limits
from events.ids import new_id
from events.metadata import write_json
from events.models import Quarantine, shard_of
from events.partitions import first_id
from events.payloads import Kept, kept_of, path_of, storable
from events.protection import Protection
from events.sql import Row, execute, given, last_id, send, text_of
from events.types import Json, JsonObject, Outcome, Reception, Refusal, Status

# The first half of our advisory locks' keys: other locks of the database begin with another.
_REPEATS_LOCK = 0x7265706C

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
    """One refused request or event. `source` is the JSON as sent, or the body's bytes;
    `protection` is that of the project's personal fields, None where it has none; `line` is that
    of the file which it came from."""

    reception: Reception
    wire: str
    refusal: Refusal
    source: Json | bytes
    protection: Protection | None
    line: int | None = None

    @property
    def project_id(self) -> int:
        return self.reception.access.project_id

    @property
    def client(self) -> str:
        client = self.reception.client
        return client if self.line is None else f"{client} line {self.line}"

    @property
    def kept(self) -> Kept:
        return kept_of(self.source, protection=self.protection, wire=self.wire)


class ReplayedBeforeError(Exception):
    """The row of the quarantine was replayed before; nothing of it may be written again."""


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
            [entries[0].project_id, *(storable(entry.client) for entry in entries)],
        )
    )


def _identity(entry: RefusedEntry) -> Row:
    kept = entry.kept
    return (entry.project_id, storable(entry.client), str(entry.refusal.code), kept.text)


def _insert_quarantine(refused: Sequence[RefusedEntry]) -> None:
    if not refused:
        return
    columns = {
        "id": "uuid",
        "project_id": "bigint",
        "api_key_id": "bigint",
        "wire": "text",
        "path": "text",
        "client": "text",
        "code": "text",
        "message": "text",
        "field": "text",
        "payload": "text",
        "payload_hash": "bytea",
        "is_cut": "bool",
        "is_token": "bool",
        "has_secret": "bool",
        "subject": "text",
        "earns_late": "bool",
        "received_at": "timestamptz",
    }
    names = ", ".join(columns)
    in_order = sorted(refused, key=lambda entry: entry.reception.received_at)
    # The entries of one request keep their order, in which they are replayed.
    ids = sorted(new_id(entry.reception.received_at) for entry in refused)
    rows = [(row_id, *_quarantine_row(entry)) for row_id, entry in zip(ids, in_order, strict=True)]
    query, parameters = given(rows, *columns.values())
    send(
        f"WITH given({names}) AS ({query}) "
        f"INSERT INTO events_quarantine ({names}) SELECT * FROM given",
        parameters,
    )


def _quarantine_row(entry: RefusedEntry) -> tuple[object, ...]:
    reception = entry.reception
    kept = entry.kept
    path = storable(path_of(reception.path, wire=entry.wire))
    return (
        entry.project_id,
        reception.access.key_id,
        entry.wire,
        path[: limits.PATH_CHARACTERS],
        storable(entry.client),
        *_reason(entry.refusal),
        kept.text,
        kept.whole_hash,
        kept.is_cut or _is_cut(reception, path),
        reception.access.is_token,
        reception.access.has_secret,
        storable(reception.access.subject)[: limits.SUBJECT_CHARACTERS],
        reception.earns_late,
        reception.received_at,
    )


def _is_cut(reception: Reception, path: str) -> bool:
    return (
        len(path) > limits.PATH_CHARACTERS
        or len(storable(reception.access.subject)) > limits.SUBJECT_CHARACTERS
    )


def _reason(refusal: Refusal) -> tuple[str, str, str]:
    return str(refusal.code), storable(refusal.message), storable(refusal.field)[:400]


def claim_replay(row: Quarantine, now: datetime, *, has_neighbours: bool) -> bool:
    """Mark a row of the quarantine as taken, in the transaction of what comes of it.

    Return whether the same payload of another request was taken near that time: where one request
    makes several rows (`has_neighbours`), equal ones of its moment are no repeats. Raises
    ReplayedBeforeError where the row was replayed meanwhile.
    """
    _lock_repeats(row)
    claimed = execute(
        "UPDATE events_quarantine SET replayed_at = %s, replay = 'taken' "
        "WHERE id = %s AND replayed_at IS NULL RETURNING id",
        [now, row.pk],
    )
    if not claimed:
        raise ReplayedBeforeError
    resent = timedelta(hours=limits.RESEND_HOURS)
    twins = execute(
        "SELECT 1 FROM events_quarantine WHERE project_id = %s AND payload_hash = %s "
        "AND wire = %s AND replay = 'taken' AND received_at BETWEEN %s AND %s "
        "AND id <> %s AND (received_at <> %s OR NOT %s) LIMIT 1",
        [
            row.project_id,
            row.payload_hash,
            row.wire,
            row.received_at - resent,
            row.received_at + resent,
            row.pk,
            row.received_at,
            has_neighbours,
        ],
    )
    return bool(twins)


def _lock_repeats(row: Quarantine) -> None:
    """Let one replay of a payload at a time go on: two rows of it are not each other's lock."""
    if connection.vendor == "postgresql":
        number = int.from_bytes(bytes(row.payload_hash or b"")[:4], signed=True)
        send("SELECT pg_advisory_xact_lock(%s::int, %s::int)", [_REPEATS_LOCK, number])


def mark_repeated(row_id: UUID) -> None:
    """Note that what was claimed had come in otherwise, in the claim's transaction."""
    send("UPDATE events_quarantine SET replay = 'repeated' WHERE id = %s", [row_id])


def refuse_again(row_id: UUID, refusal: Refusal) -> None:
    """Put the latest reason on a row that was tried again and stays."""
    send(
        "UPDATE events_quarantine SET code = %s, message = %s, field = %s "
        "WHERE id = %s AND replayed_at IS NULL",
        [*_reason(refusal), row_id],
    )
