"""The one way in: requests become stored events, decisions and points in one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.db import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    close_old_connections,
    connection,
    transaction,
)
from django.utils import timezone

from events import admission, catalogue, store
from events.catalogue import Catalogue
from events.customers import LostRaceError
from events.sql import pipelined
from events.types import Event, Json, Outcome, Reception, Refusal, RefusedEvent, Request, Wire
from rewards.commit_queue import CommitQueue, Job
from rewards.group import Candidate, Group, Submission, decide_all

MOST_EVENTS_PER_GROUP = 500
# Deadlocks and lost races end after one more try as a rule; five would be a fault of ours.
MOST_TRIES = 5
_RETRIED_STATES = {"40P01", "40001"}  # deadlock detected, serialization failure


def process(wire: Wire, request: Request, reception: Reception) -> Sequence[Outcome]:
    """Return one outcome per entry of the request, after all it says is committed.

    Raises TooBusyError where nothing was written for want of time, CommitFailedError or a
    DatabaseError where nothing was written for a fault.
    """
    submission = Submission.of(wire, request, reception)
    # Who waits for a commit must hold no connection, or the pool has none left for who commits.
    # That of a caller's transaction would take its work along; `durable` refuses it below.
    if not connection.in_atomic_block:
        close_old_connections()
    return _queue.submit(submission, size=len(request.entries))


def commit_alone(submission: Submission) -> Sequence[Outcome]:
    """Return the outcomes of a submission after its commit; raise what went wrong in it."""
    [outcomes] = _committed([submission])
    return outcomes


def commit(jobs: Sequence[Job[Submission, Sequence[Outcome]]]) -> None:
    """Give every job its outcomes, or the error that it alone caused."""
    try:
        answers = _committed([job.request for job in jobs])
    except OperationalError as error:
        for job in jobs:  # the database is away, for all of them alike
            job.error = error
        return
    except DatabaseError as error:
        if len(jobs) == 1:
            jobs[0].error = error
            return
        # One of them can't be written: halves, so that its neighbours can.
        commit(jobs[: len(jobs) // 2])
        commit(jobs[len(jobs) // 2 :])
        return
    for job, outcomes in zip(jobs, answers, strict=True):
        job.result = outcomes


_queue: CommitQueue[Submission, Sequence[Outcome]] = CommitQueue(
    commit, most_events=MOST_EVENTS_PER_GROUP
)


def _committed(submissions: Sequence[Submission]) -> list[list[Outcome]]:
    tries_left = MOST_TRIES
    while True:
        tries_left -= 1
        try:
            with transaction.atomic(durable=True), pipelined():
                return _answers(submissions, timezone.now())
        except LostRaceError:
            if not tries_left:
                raise
        except (IntegrityError, OperationalError) as error:
            if not tries_left or not _may_succeed_again(error):
                raise


def _may_succeed_again(error: DatabaseError) -> bool:
    # IntegrityError: another transaction used the same idempotency key just now.
    state = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, IntegrityError) or state in _RETRIED_STATES


def _answers(submissions: Sequence[Submission], now: datetime) -> list[list[Outcome]]:
    """Decide and write in the caller's transaction; return the outcomes of each submission."""
    group = Group(answers=[[None] * len(each.request.entries) for each in submissions])
    catalogues = catalogue.current(each.project_id for each in submissions)
    candidates = list(_admitted(submissions, catalogues, group))
    known = decide_all(candidates, catalogues, group, now) if candidates else None
    group.write(now, known)
    answers = [list(filter(None, outcomes)) for outcomes in group.answers]
    store.keep_receipts(list(_receipts(submissions, answers)), now)
    return answers


def _receipts(
    submissions: Sequence[Submission], answers: Sequence[Sequence[Outcome]]
) -> Iterator[store.NewReceipt]:
    for submission, outcomes in zip(submissions, answers, strict=True):
        request = submission.request
        if request.receipt:
            yield store.NewReceipt(
                id=UUID(request.receipt),
                project_id=submission.project_id,
                answer=submission.wire.render(request, outcomes).body,
            )


def _admitted(
    submissions: Sequence[Submission], catalogues: dict[int, Catalogue], group: Group
) -> Iterator[Candidate]:
    """Yield the events that may come in; answer and keep the others."""
    # Asked first, so that a retry gets its answer even where its type was closed since.
    used = store.used_keys(_keys(submissions))
    new_types: dict[int, set[str]] = {}
    for number, submission in enumerate(submissions):
        known = catalogues[submission.project_id]
        entries = submission.request.entries
        to_make = set(new_types.get(submission.project_id, ()))
        refusals = [_refusal_of(entry, submission, known, to_make) for entry in entries]
        if submission.wire.is_atomic and (first := next(filter(None, refusals), None)):
            group.answers[number] = [
                Outcome(status="rejected", error=refusal or first) for refusal in refusals
            ]
            group.keep(submission, first, _source_of(entries))
            continue
        new_types[submission.project_id] = to_make
        for index, (entry, refusal) in enumerate(zip(entries, refusals, strict=True)):
            if isinstance(entry, RefusedEvent):
                group.answers[number][index] = Outcome(status="rejected", error=entry.refusal)
                group.keep(submission, entry.refusal, entry.source, index=index)
                continue
            candidate = Candidate(
                submission=submission,
                event=entry,
                number=number,
                index=index,
                project_id=submission.project_id,
                occurred_at=entry.occurred_at or submission.reception.received_at,
                key=(submission.project_id, entry.key),
            )
            if entry.key and candidate.key in used:
                group.answer_again(candidate, used[candidate.key])
            elif refusal:
                group.refuse(candidate, refusal)
            else:
                yield candidate


def _keys(submissions: Iterable[Submission]) -> Iterator[tuple[int, str]]:
    for submission in submissions:
        for entry in submission.request.entries:
            if isinstance(entry, Event) and entry.key:
                yield (submission.project_id, entry.key)


def _refusal_of(
    entry: Event | RefusedEvent, submission: Submission, known: Catalogue, to_make: set[str]
) -> Refusal | None:
    """Return why the entry is refused, or None; add the type that it makes to `to_make`."""
    if isinstance(entry, RefusedEvent):
        return entry.refusal
    refusal = admission.refusal_of(
        entry,
        catalogue=known,
        to_make=to_make,
        wire=submission.wire,
        reception=submission.reception,
    )
    if refusal is None and entry.name not in known.types:
        to_make.add(entry.name)
    return refusal


def _source_of(entries: Iterable[Event | RefusedEvent]) -> Json:
    sources = [entry.source for entry in entries]
    return sources[0] if len(sources) == 1 else sources
