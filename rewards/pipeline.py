"""The one way in: requests become stored events, decisions and points in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
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

from events import admission, catalogue, customers, store, uses
from events.catalogue import Catalogue
from events.customers import LostRaceError, MergeWithinError
from events.linking import EVERY_KIND, Name, Sought
from events.models import Project
from events.sql import pipelined
from events.types import (
    Entry,
    Event,
    Json,
    Outcome,
    ProfileUpdate,
    Reception,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Request,
    Wire,
)
from rewards.commit_queue import CommitQueue, Job
from rewards.group import Candidate, Group, Place, RefusedLateError, decide_all
from rewards.submissions import Submission

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


def unstorable(error: DatabaseError) -> Refusal:
    """Return the refusal of an event that the database does not take."""
    return Refusal(
        code=RefusalCode.INTERNAL_ERROR,
        message=f"The database can't store the event: {' '.join(str(error).split())}",
    )


def commit_replay(
    submission: Submission,
    claim: Callable[[datetime], bool],
    settle: Callable[[Sequence[Outcome]], None],
) -> Sequence[Outcome]:
    """Return the outcomes of a submission after its commit, none where `claim` found nothing left
    to do. What `claim` or `settle` raises leaves nothing written; both write in the transaction
    of the events, which may be tried several times."""

    def answers(
        submissions: Sequence[Submission], now: datetime, *, late: Mapping[Place, Refusal]
    ) -> list[list[Outcome]]:
        if not claim(now):
            return [[]]
        [outcomes] = _answers(submissions, now, late=late)
        settle(outcomes)
        return [outcomes]

    [outcomes] = _committed([submission], answers)
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


def _committed(
    submissions: Sequence[Submission], answers: "_Answers | None" = None
) -> list[list[Outcome]]:
    tries_left = MOST_TRIES
    late: dict[Place, Refusal] = {}
    while True:
        tries_left -= 1
        try:
            with transaction.atomic(durable=True), pipelined():
                now = timezone.now()
                decided = (answers or _answers)(submissions, now, late=late)
                noted = uses.to_note(_uses(submissions, decided))
                uses.note(noted, now)
            uses.remember(noted)
            return decided
        except RefusedLateError as error:
            late |= error.refusals  # each time more of them, so that it ends
            tries_left += 1
        except LostRaceError:
            if not tries_left:
                raise
        except (IntegrityError, OperationalError) as error:
            if not tries_left or not _may_succeed_again(error):
                raise


class _Answers(Protocol):
    """Decides and writes in the caller's transaction."""

    def __call__(
        self, submissions: Sequence[Submission], now: datetime, *, late: Mapping[Place, Refusal]
    ) -> list[list[Outcome]]: ...


def _uses(
    submissions: Sequence[Submission], decided: Sequence[Sequence[Outcome]]
) -> Iterator[tuple[int, str]]:
    """Yield the project and the wire of each request that a client had something taken of."""
    for submission, outcomes in zip(submissions, decided, strict=True):
        is_imported = bool(submission.request.lines)
        if not is_imported and any(outcome.status != "rejected" for outcome in outcomes):
            yield (submission.project_id, submission.wire.name)


def _may_succeed_again(error: DatabaseError) -> bool:
    # IntegrityError: another transaction used the same idempotency key just now.
    state = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, IntegrityError) or state in _RETRIED_STATES


def _answers(
    submissions: Sequence[Submission], now: datetime, *, late: Mapping[Place, Refusal]
) -> list[list[Outcome]]:
    """Decide and write in the caller's transaction; return the outcomes of each submission."""
    group = Group(answers=[[None] * len(each.request.entries) for each in submissions])
    catalogues = catalogue.current(each.project_id for each in submissions)
    submissions = [each.protected(catalogues[each.project_id]) for each in submissions]
    candidates = list(_admitted(submissions, catalogues, group, late=late))
    _decide(candidates, catalogues, group, now)
    answers = [list(filter(None, outcomes)) for outcomes in group.answers]
    store.keep_receipts(list(_receipts(submissions, answers)), now)
    return answers


def _decide(
    candidates: list[Candidate], catalogues: dict[int, Catalogue], group: Group, now: datetime
) -> None:
    """Decide and write the candidates together; around a merge of customers in parts, so that
    each of them finds its customer as if it had come alone."""
    while True:
        try:
            known = decide_all(candidates, catalogues, group, now) if candidates else None
        except MergeWithinError as error:
            at = next(n for n, each in enumerate(candidates) if each.sought == error.sought)
            for part in (candidates[:at], candidates[at : at + 1]):
                _decide(part, catalogues, group, now)
            candidates = candidates[at + 1 :]
        else:
            group.write(now, known)
            return


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
    submissions: Sequence[Submission],
    catalogues: dict[int, Catalogue],
    group: Group,
    *,
    late: Mapping[Place, Refusal],
) -> Iterator[Candidate]:
    """Yield what may come in; answer and keep the others.

    `late`: what was refused by its place, when the group was tried before.
    """
    # Asked first, so that a retry gets its answer even where its type was closed since.
    used = store.used_keys(_keys(submissions))
    doubtful = set(_doubtful(submissions, catalogues))
    before: dict[int, _Before] = {}
    nothing = _Before(types=set(), standing=customers.standing(doubtful) if doubtful else None)
    for number, submission in enumerate(submissions):
        known = catalogues[submission.project_id]
        entries = submission.request.entries
        made = before.get(submission.project_id, nothing).copy()
        refusals = [
            late.get((number, index)) or _refusal_of(entry, submission, known, made)
            for index, entry in enumerate(entries)
        ]
        if submission.request.list_name:
            refusals = [
                refusal and _placed(refusal, submission.request, index)
                for index, refusal in enumerate(refusals)
            ]
        if submission.wire.is_atomic and (first := next(filter(None, refusals), None)):
            group.answers[number] = [
                Outcome(status="rejected", error=refusal or first) for refusal in refusals
            ]
            group.keep(submission, first, submission.reception.body or _source_of(entries))
            continue
        before[submission.project_id] = made
        for index, (entry, refusal) in enumerate(zip(entries, refusals, strict=True)):
            if isinstance(entry, RefusedEvent):
                group.answers[number][index] = Outcome(status="rejected", error=entry.refusal)
                group.keep(submission, entry.refusal, entry.source, index=index)
                continue
            candidate = Candidate(
                submission=submission,
                entry=entry,
                number=number,
                index=index,
                project_id=submission.project_id,
                sought=sought(entry, submission.wire, known),
                key=(submission.project_id, _key_of(entry)),
            )
            if candidate.key in used:
                group.answer_again(candidate, used[candidate.key])
            elif refusal:
                group.refuse(candidate, refusal)
            else:
                yield candidate


def _placed(refusal: Refusal, request: Request, index: int) -> Refusal:
    """Return a refusal with the place of its entry in what the request says holds them."""
    place = f"{request.list_name}[{index}]"
    return replace(refusal, field=f"{place}.{refusal.field}" if refusal.field else place)


@dataclass(slots=True, kw_only=True)
class _Before:
    """What is there before an entry: the event types that the ones before it make, and the names
    of customers with their standing (None where no entry of the group asks for it)."""

    types: set[str]
    standing: dict[Name, bool] | None

    def copy(self) -> "_Before":
        standing = None if self.standing is None else dict(self.standing)
        return _Before(types=set(self.types), standing=standing)


def _doubtful(
    submissions: Iterable[Submission], catalogues: Mapping[int, Catalogue]
) -> Iterator[Name]:
    """Yield the names of customers whose standing decides whether an entry may come in."""
    for submission in submissions:
        may_be_inactive = catalogues[submission.project_id].has_inactive_customers
        for entry in submission.request.entries:
            if not isinstance(entry, RefusedEvent) and (may_be_inactive or entry.must_exist):
                yield from sought(entry, submission.wire, catalogues[submission.project_id]).names


def _keys(submissions: Iterable[Submission]) -> Iterator[tuple[int, str]]:
    for submission in submissions:
        for entry in submission.request.entries:
            if key := _key_of(entry):
                yield (submission.project_id, key)


def _key_of(entry: Entry) -> str:
    return entry.key if isinstance(entry, Event) else ""


def _refusal_of(
    entry: Entry, submission: Submission, known: Catalogue, before: _Before
) -> Refusal | None:
    """Return why the entry is refused, or None; add to `before` what it makes."""
    if isinstance(entry, RefusedEvent):
        return entry.refusal
    if isinstance(entry, Event):
        refusal = admission.refusal_of(
            entry,
            catalogue=known,
            to_make=before.types,
            wire=submission.wire,
            reception=submission.reception,
        )
    else:
        refusal = admission.profile_refusal(entry, submission.reception.access)
    if refusal:
        return refusal
    if before.standing is not None:
        told = sought(entry, submission.wire, known)
        if refusal := _customer_refusal(entry, told, before.standing):
            return refusal
    if isinstance(entry, Event) and entry.name not in known.types:
        before.types.add(entry.name)
    return None


def _customer_refusal(
    entry: Event | ProfileUpdate, sought: Sought, standing: dict[Name, bool]
) -> Refusal | None:
    found = [standing[name] for name in sought.telling_names() if name in standing]
    if refusal := admission.customer_refusal(entry, found):
        return refusal
    for name in sought.names:
        standing.setdefault(name, all(found))
    return None


def sought(entry: Event | ProfileUpdate, wire: Wire, known: Catalogue) -> Sought:
    """Return how an entry of a wire tells its customer in a project."""
    merging = EVERY_KIND if wire.links_identities else _MERGING[known.merge_by]
    return Sought.of(known.project_id, entry.customer, merging)


_MERGING: Mapping[str, frozenset[str]] = {
    kind: frozenset({kind} if kind else ()) for kind in Project.MergeBy.values
}


def _source_of(entries: Iterable[Entry]) -> Json:
    sources = [entry.source for entry in entries]
    return sources[0] if len(sources) == 1 else sources
