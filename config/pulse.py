"""How a project fares right now: what the start page of the staff tells."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from events import heartbeat, limits
from events.models import Event, OpenBatch, Project, QuarantineDay
from events.partitions import first_id
from rewards.models import Account, Rule
from rewards.windows import local_date

if TYPE_CHECKING:
    from analytics.overview import Headline

# Of the last hour, which no rollup holds; so many rows are found by their times in some 50 ms.
MOST_COUNTED_EVENTS = 10_000
MOST_COUNTED_BATCHES = 50_000
MOST_ASKED_CUSTOMERS = 500
LATEST_EVENTS = 10
WORKER_SILENCE_SECONDS = 30  # a worker beats every 5 s


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What happened in a span of time.

    Where `is_capped`, there was more; where `is_estimated`, customers are off by a percent or so.
    """

    events: int
    customers: int
    points: int
    is_capped: bool = False
    is_estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The project's calendar days so far, with all that came before `complete_to`."""

    today: Window
    yesterday: Window
    complete_to: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Which of the first steps are done."""

    event_type: bool
    rule: bool
    event: bool
    award: bool

    @property
    def are_done(self) -> bool:
        return self.event_type and self.rule and self.event and self.award


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """A project's latest figures.

    `days` is None where an earlier release wrote the statistics and they can't be read;
    `silent_seconds` is None where no worker was ever seen.
    """

    hour: Window
    days: Days | None
    refused: int
    backlog: int
    silent_seconds: int | None
    live_rules: int
    latest: list[Event]
    steps: Steps

    @property
    def is_worker_well(self) -> bool:
        return self.silent_seconds is not None and self.silent_seconds <= WORKER_SILENCE_SECONDS


def pulse_of(project: Project, *, now: datetime) -> Pulse:
    """Return the pulse. Each query ends at an index or at a cap, whatever the tables hold."""
    days = _days(project, now)
    latest = latest_events(project)
    return Pulse(
        hour=_last_hour(project, now),
        days=days,
        refused=_refused(project, now),
        backlog=_backlog(project),
        silent_seconds=_silent_seconds(now),
        live_rules=project.rules.filter(state=Rule.State.LIVE).count(),
        latest=latest,
        steps=Steps(
            event_type=project.event_types.exists(),
            rule=project.rules.exclude(state=Rule.State.ARCHIVED).exists(),
            event=bool(latest),
            award=any(event.points_total for event in latest) or _has_account(project),
        ),
    )


def latest_events(project: Project) -> list[Event]:
    """Return the last events to have occurred, the latest first."""
    # No index leads from a project to its latest events, one leads there from each event type.
    of_type = Event.objects.filter(project=project, event_type=OuterRef("pk"))
    last_at = of_type.order_by("-occurred_at").values("occurred_at")[:1]
    types = project.event_types.annotate(last_at=Subquery(last_at)).exclude(last_at=None)
    found: list[Event] = []
    for event_type in types.order_by("-last_at", "id")[:LATEST_EVENTS]:
        events = project.events.filter(event_type=event_type).select_related("customer")
        found += events.order_by("-occurred_at")[:LATEST_EVENTS]
    found.sort(key=lambda event: (event.occurred_at, event.pk), reverse=True)
    return _with_types(project, found[:LATEST_EVENTS])


def _with_types(project: Project, events: list[Event]) -> list[Event]:
    types = project.event_types.in_bulk({event.event_type_id for event in events})
    for event in events:
        event.event_type = types[event.event_type_id]
    return events


def _days(project: Project, now: datetime) -> Days | None:
    # First use: numpy would double the memory of every web process that only takes events.
    from analytics import overview, readings  # noqa: PLC0415
    from analytics.sketches import UnreadableSummaryError  # noqa: PLC0415

    today = local_date(now, project.zone)
    asked = readings.Days(project=project, first=today, last=today)
    try:
        found = overview.overview(asked, now=now)
    except UnreadableSummaryError:
        return None
    return Days(
        today=_window(found.current),
        yesterday=_window(found.previous),
        complete_to=found.complete_to,
    )


def _window(day: "Headline") -> Window:
    return Window(
        events=day.events,
        customers=day.customers,
        points=day.points_total,
        is_estimated=day.customers_error > 0,
    )


def _last_hour(project: Project, now: datetime) -> Window:
    start = now - timedelta(hours=1)
    rows = project.events.filter(
        event_type__in=list(project.event_types.values_list("pk", flat=True)),
        occurred_at__gte=start,
        occurred_at__lte=now,
        status=Event.Status.ACCEPTED,
        # What occurs later than it came is refused: older partitions need not be looked at.
        id__gte=first_id((start - timedelta(hours=limits.FUTURE_HOURS)).astimezone(UTC).date()),
    )
    found = rows.order_by()[: MOST_COUNTED_EVENTS + 1].aggregate(
        events=Count("id"),
        customers=Count("customer_id", distinct=True),
        points=Coalesce(Sum("points_total"), 0),
    )
    return Window(**found, is_capped=found["events"] > MOST_COUNTED_EVENTS)


def _refused(project: Project, now: datetime) -> int:
    """Return how many refusals came on this UTC day, those that were not kept included."""
    found = QuarantineDay.objects.filter(project=project, date=now.astimezone(UTC).date())
    total: int | None = found.values_list(F("kept") + F("beyond"), flat=True).first()
    return total or 0


def _backlog(project: Project) -> int:
    """Return how many events are not in the statistics yet."""
    open_batches = OpenBatch.objects.filter(project=project).order_by()[:MOST_COUNTED_BATCHES]
    return open_batches.aggregate(events=Sum("events"))["events"] or 0


def _silent_seconds(now: datetime) -> int | None:
    seen_at = heartbeat.last_seen_at()
    # The clocks of two hosts differ: a heartbeat may seem to come from the future.
    return None if seen_at is None else max(0, int((now - seen_at).total_seconds()))


def _has_account(project: Project) -> bool:
    """Tell whether one of the first customers ever earned something."""
    # An account is opened by its first points; that of a project can't be found by an index.
    first = project.customers.order_by("id").values_list("pk", flat=True)[:MOST_ASKED_CUSTOMERS]
    return Account.objects.filter(
        owner_type=Account.Owner.CUSTOMER, owner_id__in=list(first), kind=Account.Kind.AVAILABLE
    ).exists()
