"""The background work of analytics."""

from celery import shared_task

from analytics import rollup

# Then the worker looks at its other work; what is left is found by the next sweep.
ROLL_UP_SECONDS = 5.0


@shared_task(name="analytics.roll_up")
def roll_up() -> None:
    rollup.roll_up(seconds=ROLL_UP_SECONDS)
