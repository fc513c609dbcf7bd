"""What was refused, tried again: each row of the quarantine is taken once, or stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from django.db import DatabaseError, OperationalError
from django.db.models import QuerySet

from events import limits, store
from events.models import Quarantine
from events.types import (
    Access,
    Event,
    Outcome,
    Reception,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Request,
    Scope,
)
from events.wires import native
from events.wires.registry import WIRES
from rewards import pipeline
from rewards.submissions import Submission

Became: TypeAlias = Literal["taken", "repeated", "refused", "replayed_before", "not_whole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What became of one row. `outcomes` are of its events, `refusal` is why it stays.

    `taken`: its events are stored; `repeated`: the same had come in otherwise, nothing was
    awarded; `refused`: it stays with its latest reason; `replayed_before`, `not_whole`: nothing
    was tried.
    """

    became: Became
    outcomes: Sequence[Outcome] = ()
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedAll:
    """How many rows became what; `next` is the id after which to go on, None at the end."""

    taken: int
    repeated: int
    refused: int
    replayed_before: int
    not_whole: int
    next: UUID | None


class _RefusedAgainError(Exception):
    """Ends the transaction of a replay: some event of it can't be taken."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def replay(row: Quarantine, *, takes_repeats: bool = False) -> Replayed:
    """Try a refused request or event again, as if it came now for the first time.

    Its moment, its key's rights and its project are those of then. All of its events are taken
    together, or nothing is written but the latest reason. `takes_repeats` counts it even where
    the same came in otherwise. Raises OperationalError where the database is away.
    """
    if row.replayed_at is not None:
        return Replayed(became="replayed_before")
    if not is_whole(row):
        return Replayed(became="not_whole")
    request = _request(row)
    if isinstance(request, Refusal):
        return _refused(row, request)
    reception = _reception(row, takes_repeats=takes_repeats)
    try:
        return _committed(row, Submission.of(WIRES[row.wire], request, reception))
    except store.ReplayedBeforeError:
        return Replayed(became="replayed_before")
    except _RefusedAgainError as error:
        return _refused(row, error.refusal)
    except OperationalError:
        raise  # the database is away, which says nothing of the row
    except DatabaseError as error:
        return _refused(row, pipeline.unstorable(error))


def replay_all(rows: QuerySet[Quarantine], *, after: UUID | None = None) -> ReplayedAll:
    """Replay those of the rows that stand, the oldest first, up to `limits.REPLAYS_PER_CALL`."""
    standing = rows.filter(replayed_at=None).order_by("id")
    if after:
        standing = standing.filter(id__gt=after)
    found = list(standing[: limits.REPLAYS_PER_CALL + 1])
    tried = found[: limits.REPLAYS_PER_CALL]
    became = [replay(row).became for row in tried]
    return ReplayedAll(
        taken=became.count("taken"),
        repeated=became.count("repeated"),
        refused=became.count("refused"),
        replayed_before=became.count("replayed_before"),
        not_whole=became.count("not_whole"),
        next=tried[-1].pk if len(found) > len(tried) else None,
    )


def is_whole(row: Quarantine) -> bool:
    """Tell whether all that was sent is kept; of what earlier versions kept, nobody knows."""
    return not row.is_cut and row.payload_hash is not None


def event_names(row: Quarantine) -> list[str]:
    """Return the names of the events in a row, each once; none where it can't be read."""
    request = _request(row) if is_whole(row) else None
    if not isinstance(request, Request):
        return []
    return list(dict.fromkeys(each.name for each in request.entries if isinstance(each, Event)))


_UNKNOWN_WIRE = Refusal(
    code=RefusalCode.NOT_FOUND, message="The format in which it was sent is no longer served."
)


def _request(row: Quarantine) -> Request | Refusal:
    wire = WIRES.get(row.wire)
    if wire is None:
        return _UNKNOWN_WIRE
    payload = row.payload.encode()
    if not row.earns_late:
        return wire.parse({}, row.path, payload)
    entry = native.read_line(payload)  # of an imported file
    return entry.refusal if isinstance(entry, RefusedEvent) else Request(entries=(entry,))


def _reception(row: Quarantine, *, takes_repeats: bool) -> Reception:
    return Reception(
        # No key was at hand with the rights of staff when it was sent: what only a server may
        # send stays closed to the payloads of tokens. The rate was paid when it came.
        access=Access(
            project_id=row.project_id,
            scopes=frozenset({Scope.INGEST}),
            key_id=row.api_key_id,
            is_token=row.is_token,
            has_secret=row.has_secret,
            subject=row.subject,
        ),
        received_at=row.received_at,
        client=row.client,
        path=row.path,
        earns_late=row.earns_late,
        replays=row.pk,
        takes_repeats=takes_repeats,
    )


def _committed(row: Quarantine, submission: Submission) -> Replayed:
    has_keys = all(
        bool(entry.key) for entry in submission.request.entries if isinstance(entry, Event)
    )

    def claim(now: datetime) -> bool:
        wire = submission.wire
        came_otherwise = store.claim_replay(row, now, has_neighbours=not wire.is_atomic)
        # Keys tell repeats by themselves, and give the first answer again.
        if not came_otherwise or has_keys or submission.reception.takes_repeats:
            return True
        store.mark_repeated(row.pk)
        return False

    def settle(outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.error:
                raise _RefusedAgainError(outcome.error)
        if _are_repeated(outcomes):
            store.mark_repeated(row.pk)

    outcomes = pipeline.commit_replay(submission, claim, settle)
    return Replayed(became="repeated" if _are_repeated(outcomes) else "taken", outcomes=outcomes)


def _are_repeated(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.status == "duplicate" for outcome in outcomes)


def _refused(row: Quarantine, refusal: Refusal) -> Replayed:
    store.refuse_again(row.pk, refusal)
    return Replayed(became="refused", refusal=refusal)
