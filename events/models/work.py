"""What workers do, and that they are there."""

from django.db import models

from events.fields import ExactJSONField
from events.models.projects import ApiKey, Project


class BatchJob(models.Model):
    """A batch that was acknowledged, and how far a worker is with it.

    `body` is the batch as it was sent until the last element is through, then empty. `errors` are
    the first of the elements that were refused: pairs of place and message.
    """

    id = models.BigIntegerField(primary_key=True, editable=False)
    project = models.ForeignKey(
        Project, models.PROTECT, db_constraint=False, db_index=False, related_name="batch_jobs"
    )
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, db_index=False)
    client = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    total = models.PositiveIntegerField()
    processed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    errors = ExactJSONField(default=list)
    created_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["project", "created_at"],
                condition=models.Q(finished_at=None),
                name="job_unfinished",
            ),
            models.Index(fields=["finished_at"], name="job_by_end"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class WorkerHeartbeat(models.Model):
    """When a worker process was last seen at work."""

    name = models.CharField(max_length=200, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
