"""The heartbeats by which worker processes show that they are at work."""

from datetime import datetime, timedelta

from django.db.models import Max

from events.models import WorkerHeartbeat

KEPT_DAYS = 1  # the names of workers that are gone


def beat(name: str, *, now: datetime) -> None:
    """Note that the worker of this name is at work, in one statement."""
    WorkerHeartbeat.objects.bulk_create(
        [WorkerHeartbeat(name=name, seen_at=now)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["seen_at"],
    )


def forget_old(*, now: datetime) -> None:
    """Forget the workers that were last seen days ago."""
    WorkerHeartbeat.objects.filter(seen_at__lt=now - timedelta(days=KEPT_DAYS)).delete()


def last_seen_at() -> datetime | None:
    """Return when any worker was last seen at work, None where none ever was."""
    seen_at: datetime | None = WorkerHeartbeat.objects.aggregate(at=Max("seen_at"))["at"]
    return seen_at
