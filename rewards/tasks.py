"""What workers do for the rewards of what was acknowledged."""

from celery import shared_task
from django.utils import timezone

from events import jobs as kept_jobs
from rewards import jobs


def jobs_are_due() -> bool:
    """Tell whether a batch waits that nobody works on."""
    return kept_jobs.is_due(timezone.now())


@shared_task(name="rewards.work_through_jobs")
def work_through_jobs() -> None:
    """Work through the batches that wait."""
    jobs.work_through()
