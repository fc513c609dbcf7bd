"""What was refused."""

import uuid

from django.db import models
from django.utils import timezone

from events import ids
from events.models.projects import ApiKey, Project


def new_id() -> uuid.UUID:
    """Return an id of now."""
    return ids.new_id(timezone.now())


class Quarantine(models.Model):
    """A request or event that was refused, kept with its reason.

    `replay` says what became of it when it was tried again: taken, or left because the same had
    come in otherwise. `payload_hash` is that of the whole payload, to know its repeats.
    `is_token`, `has_secret`, `subject` and `earns_late` are those of the reception, for a replay.
    """

    class Replay(models.TextChoices):
        TAKEN = "taken"
        REPEATED = "repeated", "came in otherwise"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, db_index=False, related_name="quarantine")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, db_index=False)
    wire = models.CharField(max_length=20)
    path = models.CharField(max_length=300, blank=True, default="", db_default="")
    client = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=40)
    message = models.TextField()
    field = models.CharField(max_length=400, blank=True)
    payload = models.TextField()
    payload_hash = models.BinaryField(max_length=32, null=True)
    is_cut = models.BooleanField(default=False)
    is_token = models.BooleanField(default=False, db_default=False)
    has_secret = models.BooleanField(default=False, db_default=False)
    subject = models.CharField(max_length=300, blank=True, default="", db_default="")
    earns_late = models.BooleanField(default=False, db_default=False)
    received_at = models.DateTimeField()
    replayed_at = models.DateTimeField(null=True, editable=False)
    replay = models.CharField(
        max_length=12, choices=Replay, blank=True, default="", db_default="", editable=False
    )

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "quarantine"
        indexes = [
            models.Index(fields=["project", "received_at"], name="quarantine_by_time"),
            # Of all the repeats of a payload only those that were taken are asked for.
            models.Index(
                fields=["project", "payload_hash"],
                condition=models.Q(replay="taken"),
                name="quarantine_taken",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.received_at:%Y-%m-%d %H:%M:%S}"


class QuarantineDay(models.Model):
    """How many refusals of a project and UTC day were kept, and how many came beyond the limit."""

    pk = models.CompositePrimaryKey("project_id", "date")
    project = models.ForeignKey(Project, models.CASCADE, db_index=False, related_name="+")
    date = models.DateField()
    kept = models.PositiveIntegerField(default=0)
    beyond = models.PositiveIntegerField(default=0)
