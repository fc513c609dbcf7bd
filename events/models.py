"""Tables of what happened: projects, their catalogue, customers, events, refusals."""

import uuid
import zoneinfo
from operator import attrgetter
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F
from django.utils import timezone

from events import ids, limits
from events.fields import ExactJSONField
from events.types import JsonObject

# One fold works on the event types of one shard, so that a project has this many at a time.
SHARDS = 4


def new_id() -> uuid.UUID:
    """Return an id of now."""
    return ids.new_id(timezone.now())


def validate_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"“{name}” is not a time zone of the IANA database.")


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: Any) -> "ProjectQuerySet":
        """The projects that a user may see: all for a superuser, none for who is not logged in."""
        if not user.is_authenticated:
            return self.none()
        return self if user.is_superuser else self.filter(members=user.pk)


class Project(models.Model):
    """A tenant: a shop, game or app with its own keys, catalogue and time zone."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=limits.NAME_CHARACTERS)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    strict = models.BooleanField(
        default=False, help_text="Refuse events whose type is not in the catalogue."
    )
    reward_window_days = models.PositiveIntegerField(
        default=30,
        validators=[MaxValueValidator(limits.REWARD_WINDOW_DAYS)],
        help_text="An event older than this is stored and counted, and earns nothing.",
    )
    jwt_secret = models.TextField(editable=False, help_text="Encrypted; signs Lynes tokens.")
    setup_version = models.PositiveBigIntegerField(default=1, editable=False)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="projects")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and kwargs.get("update_fields") is None:
            # A version read a while ago must not come back: others remember a set-up by it.
            columns = {field.name for field in self._meta.concrete_fields}
            kwargs["update_fields"] = columns - {"id", "setup_version"}
        super().save(*args, **kwargs)
        touch_setup(self.pk)


def touch_setup(project_id: int) -> None:
    """Put the project's set-up as it stands in force for the next request of every process."""
    Project.objects.filter(pk=project_id).update(setup_version=F("setup_version") + 1)


class SetUpModel(models.Model):
    """A part of the set-up: saving or deleting it is in force for the next request.

    `project_id_path` leads from a row to the id of its project.
    """

    project_id_path: ClassVar[str] = "project_id"

    class Meta:
        abstract = True

    def setup_project_id(self) -> int:
        project_id: int = attrgetter(self.project_id_path)(self)
        return project_id

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        touch_setup(self.setup_project_id())

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        project_id = self.setup_project_id()
        deleted = super().delete(*args, **kwargs)
        touch_setup(project_id)
        return deleted


class ApiKey(models.Model):
    """A key of a project, kept as a hash; `prefix` finds it."""

    class Kind(models.TextChoices):
        API = "api_key", "API key"
        SECRET = "secret_key", "secret key"

    project = models.ForeignKey(Project, models.CASCADE, related_name="api_keys")
    kind = models.CharField(max_length=20, choices=Kind)
    name = models.CharField(max_length=limits.NAME_CHARACTERS, blank=True)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    key_hash = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.prefix}…"


class EventType(SetUpModel):
    """A name under which events come, with what it demands of them."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="event_types")
    name = models.CharField(max_length=limits.NAME_CHARACTERS)
    active = models.BooleanField(default=True)
    server_only = models.BooleanField(
        default=False, help_text="Refuse it from a user's token; only an API key may send it."
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

    event_type = models.ForeignKey(EventType, models.CASCADE, related_name="fields")
    name = models.CharField(max_length=limits.METADATA_KEY_CHARACTERS)
    type = models.CharField(max_length=10, choices=Type, default=Type.AUTO)
    dimension = models.BooleanField(
        default=False, help_text="Split the statistics of the other fields by its values."
    )
    personal = models.BooleanField(
        default=False, help_text="It tells who a person is; keep its values off the pages."
    )
    created_automatically = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["event_type", "name"], name="field_once_per_event_type")
        ]

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """One person, known under identities. `last_seq` numbers the events as they were decided."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="customers")
    label = models.CharField(max_length=limits.EMAIL_CHARACTERS, editable=False)
    attributes = ExactJSONField(default=dict)
    last_seq = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.label

    def put_attributes(self, attributes: JsonObject) -> None:
        """Replace what rules read as `customer.…`; nothing else of the row is written."""
        self.attributes = attributes
        self.save(update_fields=["attributes"])


class Identity(models.Model):
    """A name of a customer; the same name is never another customer's."""

    class Kind(models.TextChoices):
        EXTERNAL_ID = "external_id", "external id"
        EMAIL = "email"
        PHONE = "phone"

    project = models.ForeignKey(Project, models.PROTECT, db_index=False, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    value = models.CharField(max_length=limits.EMAIL_CHARACTERS)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="identities")

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "value"], name="identity_once_per_project"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


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


class Quarantine(models.Model):
    """A request or event that was refused, kept with its reason."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, db_index=False, related_name="quarantine")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, db_index=False)
    wire = models.CharField(max_length=20)
    client = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=40)
    message = models.TextField()
    field = models.CharField(max_length=400, blank=True)
    payload = models.TextField()
    is_cut = models.BooleanField(default=False)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "quarantine"
        indexes = [models.Index(fields=["project", "received_at"], name="quarantine_by_time")]

    def __str__(self) -> str:
        return f"{self.code} {self.received_at:%Y-%m-%d %H:%M:%S}"


class QuarantineDay(models.Model):
    """How many refusals of a project and UTC day were kept, and how many came beyond the limit."""

    pk = models.CompositePrimaryKey("project_id", "date")
    project = models.ForeignKey(Project, models.CASCADE, db_index=False, related_name="+")
    date = models.DateField()
    kept = models.PositiveIntegerField(default=0)
    beyond = models.PositiveIntegerField(default=0)


class WorkerHeartbeat(models.Model):
    """When a worker process was last seen at work."""

    name = models.CharField(max_length=200, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
