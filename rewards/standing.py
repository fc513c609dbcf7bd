"""What a customer has, and what it came from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone

from events.models import Customer, Event, Identity, Project
from rewards.models import Account, RuleVersion, StreakState, StreakVersion, Transfer
from rewards.rules import read_streak
from rewards.streaks import current_on, longest, runs_from_json
from rewards.windows import local_date, period_index

# What the customer earned; other kinds only move points.
EARNED = (Transfer.Kind.AWARD, Transfer.Kind.STREAK)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakStanding:
    """A customer's streak as of today."""

    streak: str
    current: int
    longest: int
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Earning:
    """Points that came in at once; `source` is the rule or the streak, `event` the event type."""

    id: int
    kind: Transfer.Kind
    points: int
    source: str
    event: str
    at: datetime


def customer_named(project: Project, external_id: str) -> Customer | None:
    if "\x00" in external_id:  # nobody has such a name, and PostgreSQL can't even be asked for it
        return None
    return Customer.objects.filter(
        project=project,
        identities__kind=Identity.Kind.EXTERNAL_ID,
        identities__value=external_id,
    ).first()


def customer_at(project: Project, path: str) -> Customer | None:
    """Return who stands at the end of a path, whose last slash may be the id's or only its own."""
    return customer_named(project, path) or customer_named(project, path.removesuffix("/"))


def balance_of(customer: Customer) -> int:
    """Return the points that a customer can spend."""
    accounts = Account.objects.filter(
        owner_type=Account.Owner.CUSTOMER, owner_id=customer.pk, kind=Account.Kind.AVAILABLE
    )
    return accounts.values_list("balance", flat=True).first() or 0


def streaks_of(customer: Customer, zone: ZoneInfo) -> list[StreakStanding]:
    """Return the customer's streaks as of today in the zone, by name."""
    states = StreakState.objects.filter(customer_id=customer.pk)
    states = states.select_related("streak").prefetch_related("streak__versions")
    return [_streak(state, zone) for state in states.order_by("streak__name")]


def _streak(state: StreakState, zone: ZoneInfo) -> StreakStanding:
    version = max(state.streak.versions.all(), key=lambda each: each.number)
    today = local_date(timezone.now(), zone)
    runs = runs_from_json(state.runs)
    return StreakStanding(
        streak=state.streak.name,
        current=current_on(runs, period_index(today, read_streak(version.definition).period)),
        longest=longest(runs),
        updated_at=state.updated_at,
    )


def earnings_of(customer: Customer) -> QuerySet[Transfer]:
    """Return what a customer earned, the newest first, with what was earned before a merge."""
    merged = Customer.objects.filter(merged_into=customer).values_list("id", flat=True)
    found = Transfer.objects.filter(customer_id__in=[customer.pk, *merged], kind__in=EARNED)
    return found.order_by("-id")


def told(transfers: Iterable[Transfer]) -> list[Earning]:
    """Return transfers with the names of what they came from, read at once for all of them."""
    rows = list(transfers)
    rules = _names(RuleVersion, "rule__name", rows, Transfer.Kind.AWARD)
    streaks = _names(StreakVersion, "streak__name", rows, Transfer.Kind.STREAK)
    events = Event.objects.filter(pk__in={row.event_id for row in rows})
    types = dict(events.values_list("id", "event_type__name"))
    return [
        Earning(
            id=row.pk,
            kind=Transfer.Kind(row.kind),
            points=row.amount,
            source=(rules if row.kind == Transfer.Kind.AWARD else streaks)[row.version_id],
            event=types.get(row.event_id, ""),
            at=row.created_at,
        )
        for row in rows
    ]


def _names(
    versions: type[RuleVersion] | type[StreakVersion],
    path: str,
    rows: Sequence[Transfer],
    kind: Transfer.Kind,
) -> Mapping[int, str]:
    ids = {row.version_id for row in rows if row.kind == kind}
    return dict(versions.objects.filter(pk__in=ids).values_list("id", path)) if ids else {}
