"""Events with their batches, keys and receipts."""

from django.db import models

from events import limits
from events.fields import ExactJSONField
from events.models.catalogue import EventType
from events.models.customers import Customer
from events.models.projects import Project


class Batch(models.Model):
    """The events of one project that one transaction wrote.

    The id is drawn under the locks of the budgets that the batch changed: batches of one budget
    are numbered in the order in which they were decided.
    """

    project = models.ForeignKey(
        Project, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    events = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "batches"


class OpenBatch(models.Model):
    """A shard of a batch that is not in the rollups yet: written with the batch, deleted by the
    transaction that folds it. Its events lie between `first_event_id` and `last_event_id`."""

    pk = models.CompositePrimaryKey("batch_id", "shard")
    batch_id = models.BigIntegerField()
    shard = models.PositiveSmallIntegerField()
    project = models.ForeignKey(
        Project, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    events = models.PositiveIntegerField()
    first_event_id = models.UUIDField()
    last_event_id = models.UUIDField()
    first_received_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["project", "shard", "batch_id"], name="open_batch_by_project")
        ]


class Event(models.Model):
    """One thing that a customer did, for good. Written by `events.store` alone.

    On PostgreSQL partitioned by month of the id (a UUIDv7 of `received_at`). The referenced rows
    are never deleted, so that foreign keys would only cost a look-up for each event.
    """

    class Status(models.TextChoices):
        ACCEPTED = "accepted"
        DISCARDED = "discarded"

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(
        Project, models.PROTECT, db_constraint=False, db_index=False, related_name="events"
    )
    event_type = models.ForeignKey(
        EventType, models.PROTECT, db_constraint=False, db_index=False, related_name="events"
    )
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, db_index=False, related_name="events"
    )
    customer_seq = models.BigIntegerField()
    batch = models.ForeignKey(
        Batch, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    wire = models.CharField(max_length=20)
    status = models.CharField(max_length=10, choices=Status)
    reason = models.CharField(max_length=40, blank=True)
    metadata = ExactJSONField()
    extra = ExactJSONField(null=True)
    points_awarded = models.BigIntegerField()
    points_total = models.BigIntegerField()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["project", "event_type", "occurred_at"], name="event_by_time"),
            models.Index(fields=["customer", "customer_seq"], name="event_by_customer"),
            # Few are discarded as a rule: they are found among all without a look at the others.
            models.Index(
                fields=["project", "id"],
                name="event_discarded",
                condition=models.Q(status="discarded"),
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class EventKey(models.Model):
    """An idempotency key with the event it was used for and the answer that event was given."""

    pk = models.CompositePrimaryKey("project_id", "key")
    project = models.ForeignKey(
        Project, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    key = models.CharField(max_length=limits.EVENT_KEY_CHARACTERS)
    event_id = models.UUIDField()
    body_hash = models.BinaryField(max_length=32)
    answer = ExactJSONField()


class Receipt(models.Model):
    """The answer that a request was given, kept for `limits.RECEIPT_DAYS`."""

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(
        Project, models.PROTECT, db_constraint=False, db_index=False, related_name="receipts"
    )
    created_at = models.DateTimeField()
    answer = ExactJSONField()

    def __str__(self) -> str:
        return str(self.pk)
