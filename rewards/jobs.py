"""Batches that were acknowledged, worked through element by element."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.db import DatabaseError, OperationalError
from django.utils import timezone

from events import jobs
from events.metadata import write_json
from events.models import BatchJob
from events.types import (
    Access,
    Event,
    Json,
    Outcome,
    Reception,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Request,
    Scope,
)
from events.wires import gameball
from events.wires.replies import message_naming_field
from rewards import pipeline
from rewards.commit_queue import Job
from rewards.submissions import Submission

# As for imports: who sends waits for a group of 250 on SQLite some 50 ms, and gets its turn in the
# pause after it.
EVENTS_PER_GROUP = 250
PAUSE_SECONDS = 0.01
# Where an element that is refused is replayed, as the request that it is.
ELEMENT_PATH = "/api/v4/integrations/events"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Element:
    """One element of a batch, as the request that it is."""

    place: int
    submission: Submission

    @property
    def events(self) -> int:
        return len(self.submission.request.entries)


def work_through() -> None:
    """Work through all batches that wait, the oldest first. Raises OperationalError."""
    while job := jobs.claim(timezone.now()):
        _work(job)


def _work(job: BatchJob) -> None:
    elements = gameball.elements_in(job.body.encode())
    if isinstance(elements, Refusal):
        raise ValueError(f"The batch {job.pk} can't be read: {elements.message}")
    for group in _groups(_submitted(job, elements)):
        refused = _refused(group)
        done = group[-1].place + 1
        if not jobs.advance(job, processed=done, refused=refused, now=timezone.now()):
            return
        time.sleep(PAUSE_SECONDS)


def _submitted(job: BatchJob, elements: Sequence[Json]) -> Iterator[_Element]:
    for place in range(job.processed, len(elements)):
        yield _Element(place=place, submission=_submission(job, place, elements[place]))


def _groups(elements: Iterator[_Element]) -> Iterator[list[_Element]]:
    """Yield elements that one transaction takes; one of very many events is a group of its own."""
    group: list[_Element] = []
    events = 0
    for element in elements:
        if group and events + element.events > EVENTS_PER_GROUP:
            yield group
            group, events = [], 0
        group.append(element)
        events += element.events
    if group:
        yield group


def _submission(job: BatchJob, place: int, element: Json) -> Submission:
    request = gameball.read_element(element)
    if isinstance(request, Refusal):
        return _refused_whole(job, request, element)
    keyed = tuple(
        # The format has no idempotency key: with one of ours, a group that was committed before
        # its worker died counts once when another takes the batch on.
        replace(entry, key=f"batch:{job.pk}:{place}:{number}")
        for number, entry in enumerate(request.entries)
        if isinstance(entry, Event)
    )
    reception = _reception(job, write_json(element))
    return Submission.of(gameball.wire, Request(entries=keyed), reception)


def _refused_whole(job: BatchJob, refusal: Refusal, element: Json) -> Submission:
    request = Request(entries=(RefusedEvent(refusal=refusal, source=element),))
    return Submission.of(gameball.wire, request, _reception(job, b""))


def _reception(job: BatchJob, body: bytes) -> Reception:
    return Reception(
        access=Access(
            project_id=job.project_id,
            scopes=frozenset({Scope.INGEST}),
            key_id=job.api_key_id,
            has_secret=True,  # a batch is taken with both keys only
        ),
        received_at=job.created_at,
        client=job.client,
        path=ELEMENT_PATH,
        body=body,
    )


def _refused(group: Sequence[_Element]) -> list[tuple[int, str]]:
    """Commit a group; return the places of the elements that were refused, and why."""
    queued: list[Job[Submission, Sequence[Outcome]]] = [
        Job(element.submission, element.events) for element in group
    ]
    pipeline.commit(queued)
    refused = []
    for element, each in zip(group, queued, strict=True):
        error = next((outcome.error for outcome in _outcomes(each) if outcome.error), None)
        if error:
            refused.append((element.place, message_naming_field(error)))
    return refused


def _outcomes(queued: Job[Submission, Sequence[Outcome]]) -> Sequence[Outcome]:
    try:
        return queued.answer()
    except OperationalError:
        raise  # the database is away, for every element alike
    except DatabaseError as error:
        return pipeline.commit_alone(_unstorable(queued.request, error))


def _unstorable(submission: Submission, error: DatabaseError) -> Submission:
    """Return the element as one that is refused, so that the others go on."""
    refusal = Refusal(
        code=RefusalCode.INTERNAL_ERROR,
        message=f"The database can't store the element: {' '.join(str(error).split())}",
    )
    source = submission.request.entries[0].source
    refused = RefusedEvent(refusal=refusal, source=source)
    request = Request(entries=(refused,))
    return Submission.of(submission.wire, request, submission.reception)
