"""The invented events on their way through the pipeline, in the order in which they arrived."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import transaction

from config.demo.world import DAYS, KEY_PREFIX, Arrival, Span, World
from events import auth
from events.models import ApiKey, Customer, Event, EventKey, Project
from events.types import Access, JsonObject, Outcome, Reception, RefusedEvent, Request
from rewards import pipeline
from rewards.commit_queue import Job
from rewards.submissions import Submission

ARRIVALS_PER_COMMIT = 1_000
_MARGIN_DAYS = 2  # a local day may begin a day before that of UTC
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def seed(world: World, now: datetime, *, crowd: float = 1.0) -> int:
    """Bring a project's events up to now; return how many were added.

    The same for the date on which the project was made. What a start that was cut short has
    written stays, and what it has not is added; so are the days since the last start, up to 90.
    """
    project = Project.objects.get(slug=world.slug)
    told = list(world.arrivals(span_of(world, project.created_at, now, crowd=crowd)))
    after = max(_last_arrival(project), now - timedelta(days=DAYS + _MARGIN_DAYS))
    new = [each for each in told if after < each.received_at <= now]
    new.sort(key=lambda each: each.received_at)
    profiles = _profiles(told)
    described_id = _describe(project, profiles, after_id=0)
    access, added = _access(project), 0
    for group in _groups(new):
        added += _send(group, access)
        # At once: rules read attributes from the second event of a customer on.
        described_id = _describe(project, profiles, after_id=described_id)
    return added


def span_of(world: World, made_at: datetime, now: datetime, *, crowd: float = 1.0) -> Span:
    """Return the local days that the demo tells of; they begin by the date (UTC) it was made on."""
    made_on = made_at.astimezone(UTC).date()
    return Span(
        first=made_on - timedelta(days=DAYS), last=now.astimezone(world.zone).date(), crowd=crowd
    )


def _access(project: Project) -> Access:
    api_key = ApiKey.objects.filter(project=project, kind=ApiKey.Kind.API).earliest("id")
    return replace(auth.access_of(project), key_id=api_key.pk)


def _last_arrival(project: Project) -> datetime:
    """Return when the last of the invented events arrived, the beginning of time for none."""
    ours = EventKey.objects.filter(project=project, key__startswith=KEY_PREFIX)
    last = ours.order_by("-event_id").first()  # ids sort by the moment of receipt
    return Event.objects.get(pk=last.event_id).received_at if last else _BEGINNING


def _profiles(told: Sequence[Arrival]) -> dict[str, JsonObject]:
    """Return the attributes of each customer by external id."""
    return {
        entry.customer.external_id: arrival.attributes
        for arrival in told
        for entry in arrival.entries
        if not isinstance(entry, RefusedEvent)
    }


def _groups(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """Yield what is committed together; what arrived in one moment is never parted.

    So the last moment that is stored is stored whole, and a later start goes on after it.
    """
    group: list[Arrival] = []
    for arrival in arrivals:
        is_full = len(group) >= ARRIVALS_PER_COMMIT
        if is_full and arrival.received_at != group[-1].received_at:
            yield group
            group = []
        group.append(arrival)
    if group:
        yield group


def _send(group: Sequence[Arrival], access: Access) -> int:
    """Commit requests as the pipeline commits those that wait together; return the accepted."""
    jobs = [_job(arrival, access) for arrival in group]
    pipeline.commit(jobs)
    return sum(outcome.status == "accepted" for job in jobs for outcome in job.answer())


def _job(arrival: Arrival, access: Access) -> Job[Submission, Sequence[Outcome]]:
    request = Request(entries=arrival.entries, is_list=len(arrival.entries) > 1)
    reception = Reception(access=access, received_at=arrival.received_at, client=arrival.client)
    submission = Submission.of(arrival.wire, request, reception)
    return Job(submission, size=len(arrival.entries))


@transaction.atomic
def _describe(project: Project, profiles: Mapping[str, JsonObject], *, after_id: int) -> int:
    """Put the attributes of the customers made since; return the id of the last one."""
    for customer in Customer.objects.filter(project=project, pk__gt=after_id).order_by("id"):
        after_id = customer.pk
        if not customer.attributes and customer.label in profiles:
            customer.put_attributes(profiles[customer.label])
    return after_id
