"""Two customers become one: what they are known by, their points, streaks and used limits."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from events import customers, discards
from events.customers import LostRaceError, MergeDue
from events.ids import new_id
from events.models import Customer, Merge, Project
from rewards import facts, ledger


def apply(merges: Sequence[MergeDue], now: datetime, *, by_id: int | None = None) -> None:
    """Make each loser a part of its survivor, in the transaction that holds both.

    No point is made or lost, no event and no transfer is changed. A streak is what the days of
    both make of it; a milestone that they only reach together is not paid, for no event did it.
    """
    for due in merges:
        merge_id = new_id(now)
        survivor_id, loser_id = due.survivor.id, due.loser.id
        project_id = due.survivor.project_id
        points = ledger.merge(
            project_id, survivor_id=survivor_id, loser_id=loser_id, merge_id=merge_id, now=now
        )
        customers.merge(due, merge_id=merge_id, by_id=by_id, points=points, now=now)
        facts.merge(project_id, survivor_id=survivor_id, loser_id=loser_id)
        discards.give_windows(project_id, loser_id=loser_id, survivor_id=survivor_id)


class CannotMergeError(Exception):
    """The customers can't be merged; the message says why."""


def merge(project: Project, customer_ids: Collection[int], *, by: User) -> Customer:
    """Merge customers of a project because a member of staff says so; return the oldest, which
    stays. Raises CannotMergeError.
    """
    customers_given = Customer.objects.filter(project=project, pk__in=customer_ids)
    root_ids = {each.merged_into_id or each.pk for each in customers_given}
    if len(root_ids) < 2:
        raise CannotMergeError("Name at least two customers of the project; these are one.")
    now = timezone.now()
    try:
        with transaction.atomic():
            survivor, *losers = customers.held(project.pk, root_ids)
            apply(
                [
                    MergeDue(survivor=survivor, loser=loser, cause=Merge.Cause.STAFF)
                    for loser in losers
                ],
                now,
                by_id=by.pk,
            )
    except LostRaceError:
        raise CannotMergeError("One of them was merged just now; look again.") from None
    return Customer.objects.get(pk=survivor.id)
