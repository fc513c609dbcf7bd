"""The background work of analytics."""

from celery import shared_task
from django.utils import timezone

from analytics import closing, rollup

# Then the worker looks at its other work; what is left is found by the next sweep.
ROLL_UP_SECONDS = 5.0
CLOSE_SECONDS = 2.0  # a day that was begun is finished


@shared_task(name="analytics.roll_up")
def roll_up() -> None:
    rollup.roll_up(seconds=ROLL_UP_SECONDS)


@shared_task(name="analytics.close_days")
def close_days() -> None:
    closing.close_days(now=timezone.now(), seconds=CLOSE_SECONDS)


def days_are_due() -> bool:
    """Say whether a day that is over has texts to be counted afresh."""
    return closing.has_work(now=timezone.now())
