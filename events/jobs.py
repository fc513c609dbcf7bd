"""The only writer of batches that were acknowledged and are worked through later."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from events import catalogue, limits
from events.catalogue import Catalogue
from events.metadata import write_json, write_json_as_sent
from events.models import BatchJob
from events.types import (
    Json,
    Outcome,
    Reception,
    Refusal,
    RefusedEvent,
    Request,
    TooBusyError,
    Wire,
)
from events.wires import gameball

# Longer than the largest group of a batch takes; who died with one holds it up for so long.
CLAIM_SECONDS = 60.0


def keep(_wire: Wire, request: Request, reception: Reception) -> Sequence[Outcome]:
    """Keep a batch for a worker and return that each entry was taken in.

    Raises TooBusyError where too many of the project wait already.
    """
    project_id = reception.access.project_id
    waiting = BatchJob.objects.filter(project_id=project_id, finished_at=None)
    if waiting.count() >= limits.WAITING_BATCHES:
        raise TooBusyError(f"{limits.WAITING_BATCHES} batches of the project wait already.")
    BatchJob.objects.create(
        id=gameball.job_number(request.receipt),
        project_id=project_id,
        api_key_id=reception.access.key_id,
        client=reception.client,
        body=_body(request, reception).decode(),
        total=request.lines[-1] + 1,
        created_at=reception.received_at,
    )
    return [Outcome(status="accepted") for _ in request.entries]


def _body(request: Request, reception: Reception) -> bytes:
    """Return the batch as it is kept: without the values of personal fields in clear."""
    project_id = reception.access.project_id
    known = catalogue.current([project_id])[project_id]
    if known.protection is None:
        return reception.body
    elements = gameball.elements_in(reception.body)
    if isinstance(elements, Refusal):
        return reception.body  # as it was taken in, so that this can't be
    refused = {
        place
        for place, entry in zip(request.lines, request.entries, strict=True)
        if isinstance(entry, RefusedEvent)
    }
    written = [
        # The worker must still see why one is refused: what JSON written anew would lose of it.
        write_json_as_sent(_protected(element, known), element)
        if place in refused
        else write_json(_protected(element, known))
        for place, element in enumerate(elements)
    ]
    return b'{"body":[%b]}' % b",".join(written)


def _protected(element: Json, known: Catalogue) -> Json:
    events = element.get("events") if isinstance(element, dict) else None
    if not isinstance(element, dict) or not isinstance(events, dict):
        # It will be refused, and kept as what is refused is.
        return known.protection.inside(element) if known.protection else element
    return {
        **element,
        "events": {
            name: _protected_metadata(name, metadata, known) for name, metadata in events.items()
        },
    }


def _protected_metadata(name: str, metadata: Json, known: Catalogue) -> Json:
    of_type = known.types.get(name)
    if not isinstance(metadata, dict) or of_type is None or of_type.protection is None:
        return metadata
    return of_type.protection.metadata(metadata)


def is_due(now: datetime) -> bool:
    """Tell whether a batch waits that nobody works on."""
    return _free(now).exists()


@transaction.atomic
def claim(now: datetime) -> BatchJob | None:
    """Return the batch that waits longest, which is the caller's until the claim runs out."""
    free = _free(now).select_for_update(skip_locked=True)
    job = free.order_by("created_at", "id").first()
    if job:
        job.claimed_until = _claim_from(now)
        job.save(update_fields=["claimed_until"])
    return job


def _free(now: datetime) -> QuerySet[BatchJob]:
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lt=now)
    return BatchJob.objects.filter(unclaimed, finished_at=None)


def _claim_from(now: datetime) -> datetime:
    return now + timedelta(seconds=CLAIM_SECONDS)


def advance(
    job: BatchJob, *, processed: int, refused: Sequence[tuple[int, str]], now: datetime
) -> bool:
    """Write that the elements before `processed` are through, these of them refused.

    False where another worker has come further meanwhile: the claim had run out.
    """
    before = job.processed
    job.processed = processed
    job.failed += len(refused)
    kept: list[Json] = [[place, message] for place, message in refused]
    job.errors = [*job.errors, *kept][: limits.BATCH_ERRORS]
    job.claimed_until = _claim_from(now)
    if processed == job.total:
        job.finished_at, job.body = now, ""
    moved = BatchJob.objects.filter(pk=job.pk, processed=before, finished_at=None).update(
        processed=job.processed,
        failed=job.failed,
        errors=job.errors,
        claimed_until=job.claimed_until,
        finished_at=job.finished_at,
        body=job.body,
    )
    return bool(moved)


def has_finished_before(day: date) -> bool:
    """Tell whether `forget` would delete one."""
    return _finished_before(day).exists()


@transaction.atomic
def forget(day: date, *, most: int) -> int:
    """Delete batches that were through before a day (UTC); return how many."""
    old = _finished_before(day).order_by("finished_at", "id").values_list("id", flat=True)
    deleted, _ = BatchJob.objects.filter(pk__in=list(old[:most])).delete()
    return deleted


def _finished_before(day: date) -> QuerySet[BatchJob]:
    return BatchJob.objects.filter(finished_at__lt=datetime.combine(day, time(), UTC))
