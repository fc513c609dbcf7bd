"""Event types and their fields, with what makes an event one too many."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from events import limits
from events.models.customers import Customer
from events.models.projects import Project, SetUpModel

# One fold works on the event types of one shard, so that a project has this many at a time.
SHARDS = 4


class EventType(SetUpModel):
    """A name under which events come, with what it demands of them."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="event_types")
    name = models.CharField(max_length=limits.NAME_CHARACTERS)
    active = models.BooleanField(default=True)
    server_only = models.BooleanField(
        default=False, help_text="Refuse it from a user's token; only an API key may send it."
    )
    unique_by = models.CharField(
        max_length=limits.METADATA_KEY_CHARACTERS,
        blank=True,
        help_text="A metadata field, such as order_id: of events with the same value only the "
        "first counts, the others are recorded as discarded. In force for what comes from now on.",
    )
    throttle_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(limits.THROTTLE_MINUTES)],
        help_text="At most one event per customer within this many minutes of the first; the "
        "others are recorded as discarded.",
    )
    created_automatically = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="event_type_once_per_project")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shard(self) -> int:
        return shard_of(self.pk)


def shard_of(event_type_id: int) -> int:
    """Return the shard in which an event type's rollups are folded."""
    return event_type_id % SHARDS


class MetadataField(SetUpModel):
    """A key of an event type's metadata."""

    project_id_path = "event_type.project_id"

    class Type(models.TextChoices):
        AUTO = "auto"
        NUMBER = "number"
        TEXT = "text"
        BOOLEAN = "boolean"
        DATE = "date"
        VERSION = "version"
        ARRAY = "array"

    class PersonalAs(models.TextChoices):
        MASK = "mask"
        HASH = "hash"

    event_type = models.ForeignKey(EventType, models.CASCADE, related_name="fields")
    name = models.CharField(max_length=limits.METADATA_KEY_CHARACTERS)
    type = models.CharField(max_length=10, choices=Type, default=Type.AUTO)
    dimension = models.BooleanField(
        default=False, help_text="Split the statistics of the other fields by its values."
    )
    personal = models.BooleanField(
        default=False, help_text="It tells who a person is; its values are not kept in clear."
    )
    personal_as = models.CharField(
        "kept as",
        max_length=4,
        choices=PersonalAs,
        default=PersonalAs.MASK,
        help_text="A mask says nothing any more; a hash still tells equal values from others.",
    )
    # What its values look like (email, phone, card), where nobody has declared the field.
    suspected = models.CharField(max_length=40, blank=True, default="", editable=False)
    suspicion_dismissed = models.BooleanField(default=False, editable=False)
    created_automatically = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["event_type", "name"], name="field_once_per_event_type")
        ]

    def __str__(self) -> str:
        return self.name


class NaturalKey(models.Model):
    """A value of the field by which an event type is unique, with the event that came first.

    `value_hash` is the SHA-256 of the field's name and the value's text: 7 and "7" are the same
    order.
    """

    pk = models.CompositePrimaryKey("event_type_id", "value_hash")
    event_type = models.ForeignKey(
        EventType, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    value_hash = models.BinaryField(max_length=32)
    event_id = models.UUIDField()


class ThrottledMoment(models.Model):
    """When an accepted event of a throttled type occurred: others shortly after are discarded."""

    pk = models.CompositePrimaryKey("event_type_id", "customer_id", "occurred_at", "event_id")
    event_type = models.ForeignKey(
        EventType, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    occurred_at = models.DateTimeField()
    event_id = models.UUIDField()
