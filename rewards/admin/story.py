"""What a customer did and earned, told a page at a time."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from events.models import Customer, Event
from rewards.admin.words import TransferRow, transfer_rows, verdict_words
from rewards.models import Account, StreakState, Transfer
from rewards.rules import StreakDefinition, read_streak
from rewards.streaks import current_on, longest, runs_from_json
from rewards.windows import local_date, period_index

PAGE_ROWS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An event with what it earned."""

    event: Event
    verdict: str
    earned: tuple[TransferRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows, the newest first; `older` leads to those before them, None after the last."""

    rows: Sequence[Any]
    older: UUID | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakRow:
    """A customer's streak: what it is today, and the milestone that comes next."""

    streak_id: int
    name: str
    unit: str
    current: int
    longest: int
    next_at: int | None
    next_points: int
    missing: int


def last_seen_at(ids: Sequence[int]) -> datetime | None:
    """Return when the last event of a customer, given by all its ids, was received."""
    events = Event.objects.filter(customer_id__in=ids).order_by(f"-{_order_of(ids)}")
    return events.values_list("received_at", flat=True).first()


def timeline(ids: Sequence[int], *, before: UUID | None) -> Page:
    """Return events of a customer, given by all its ids, in the order in which they were decided,
    before that one of them."""
    order = _order_of(ids)
    events = Event.objects.filter(customer_id__in=ids)
    start = None if before is None else events.filter(pk=before).first()
    if start is not None:
        reached = getattr(start, order)
        events = events.filter(
            Q(**{f"{order}__lt": reached}) | Q(**{order: reached, "id__lt": start.pk})
        )
    latest = events.select_related("event_type").order_by(f"-{order}", "-id")
    found = list(latest[: PAGE_ROWS + 1])
    shown = found[:PAGE_ROWS]
    earned = _earned(ids, [event.pk for event in shown])
    return Page(
        rows=[
            EventRow(event=event, verdict=verdict_words(event), earned=tuple(earned[event.pk]))
            for event in shown
        ],
        older=shown[-1].pk if len(found) > PAGE_ROWS else None,
    )


def _order_of(customer_ids: Sequence[int]) -> str:
    # The index of events knows the order of each customer, and none across those merged.
    return "customer_seq" if len(customer_ids) == 1 else "received_at"


def _earned(customer_ids: Sequence[int], event_ids: list[UUID]) -> dict[UUID, list[TransferRow]]:
    # The ledger's index leads to the customer's rows, and to no event's.
    found = Transfer.objects.filter(customer_id__in=customer_ids, event_id__in=event_ids)
    earned = defaultdict(list)
    for row in transfer_rows(found.order_by("id")):
        if row.event_id is not None:
            earned[row.event_id].append(row)
    return earned


def ledger(customer: Customer, ids: Sequence[int], *, before: int | None) -> Page:
    """Return transfers of a customer before that id, each with the balance that it led to.

    `ids` are all of the customer's: what others had who were merged into it is told as its own;
    that it moved is not.
    """
    moved = Transfer.Kind.MERGE
    every = Transfer.objects.filter(customer_id__in=ids).exclude(kind=moved)
    wanted = every if before is None else every.filter(id__lt=before)
    newer = every.none() if before is None else every.filter(id__gte=before)
    account = Account.objects.filter(
        owner_type=Account.Owner.CUSTOMER,
        owner_id=customer.pk,
        kind=Account.Kind.AVAILABLE,
    )
    # In one statement: between two, an event may come and change the balance.
    balance = Subquery(account.values("balance")) - Coalesce(_sum(newer), Value(0))
    found = list(wanted.annotate(balance=balance).order_by("-id")[: PAGE_ROWS + 1])
    shown = found[:PAGE_ROWS]
    return Page(
        rows=_with_balances(shown, transfer_rows(shown)),
        older=shown[-1].pk if len(found) > PAGE_ROWS else None,
    )


def _sum(transfers: Any) -> Subquery:
    sums = transfers.order_by().values("project_id").annotate(points=Sum("amount"))
    return Subquery(sums.values("points"))


def _with_balances(transfers: Sequence[Any], rows: Sequence[TransferRow]) -> list[TransferRow]:
    balance = transfers[0].balance if transfers else 0
    told = []
    for row in rows:
        told.append(replace(row, balance=balance))
        balance -= row.points
    return told


def streak_rows(customer: Customer) -> list[StreakRow]:
    """Return the customer's streaks as of today in the project's zone, by name."""
    states = StreakState.objects.filter(customer_id=customer.pk)
    states = states.select_related("streak").prefetch_related("streak__versions")
    today = local_date(timezone.now(), customer.project.zone)
    rows = []
    for state in states.order_by("streak__name", "streak_id"):
        last = max(state.streak.versions.all(), key=lambda each: each.number)
        definition = read_streak(last.definition)
        runs = runs_from_json(state.runs)
        current = current_on(runs, period_index(today, definition.period))
        row = _streak_row(state, definition, current=current, longest=longest(runs))
        rows.append(row)
    return rows


def _streak_row(
    state: StreakState, definition: StreakDefinition, *, current: int, longest: int
) -> StreakRow:
    following = next((each for each in definition.milestones if each.at > current), None)
    return StreakRow(
        streak_id=state.streak_id,
        name=state.streak.name,
        unit=definition.period,
        current=current,
        longest=longest,
        next_at=following.at if following else None,
        next_points=following.points if following else 0,
        missing=following.at - current if following else 0,
    )
