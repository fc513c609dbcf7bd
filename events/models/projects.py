"""Projects, their keys, and what is known of who uses them."""

import zoneinfo
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F
from django.utils import timezone

from events import limits
from events.rate_limits import RateLimitError, read_rate_limits

if TYPE_CHECKING:
    from events.models.customers import IdentityClaim


@cache  # they lie in hundreds of files
def _time_zones() -> set[str]:
    return zoneinfo.available_timezones()


def validate_time_zone(name: str) -> None:
    if name not in _time_zones():
        raise ValidationError(f"“{name}” is not a time zone of the IANA database.")


def validate_rate_limit(text: str) -> None:
    try:
        read_rate_limits(text)
    except RateLimitError as error:
        raise ValidationError(str(error)) from error


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: Any) -> "ProjectQuerySet":
        """The projects that a user may see: all for a superuser, none for who is not logged in."""
        if not user.is_authenticated:
            return self.none()
        return self if user.is_superuser else self.filter(members=user.pk)


class Project(models.Model):
    """A tenant: a shop, game or app with its own keys, catalogue and time zone."""

    class MergeBy(models.TextChoices):
        NOTHING = "", "nothing"
        EMAIL = "email", "email address"
        PHONE = "phone", "phone number"

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
    merge_by = models.CharField(
        "merge customers by",
        max_length=12,
        choices=MergeBy,
        default=MergeBy.NOTHING,
        blank=True,
        help_text="Requests that name the same email address, or the same phone number, are of "
        "one customer, whatever other id they give.",
    )
    discard_bots = models.BooleanField(
        default=False,
        help_text="Record events of bots, told by the end user's agent in the event, as discarded. "
        "What comes with a secret key is never a bot's.",
    )
    demands_secret_key = models.BooleanField(
        default=False,
        help_text="Refuse Gameball v4.0 requests that carry no secret key.",
    )
    # Keeps the look-up of inactive customers away from projects that have none.
    has_inactive_customers = models.BooleanField(default=False, editable=False)
    token_rate_limit = models.CharField(
        "rate limit of tokens",
        max_length=60,
        blank=True,
        default="",
        validators=[validate_rate_limit],
        help_text="Events that all tokens (JWT) of the project may send together, as in 100/s; "
        "empty for any number. Keys have limits of their own.",
    )
    jwt_secret = models.TextField(editable=False, help_text="Encrypted; signs Lynes tokens.")
    former_jwt_secret = models.TextField(default="", blank=True, editable=False)
    former_jwt_secret_until = models.DateTimeField(null=True, editable=False)
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

    def contested(self, kind: str) -> models.QuerySet["IdentityClaim"]:
        """Return the claims on names of a kind that belong to another customer."""
        return self.claims.filter(kind=kind).order_by("value", "id")

    def clean(self) -> None:
        former = Project.objects.filter(pk=self.pk).values_list("merge_by", flat=True).first()
        if not self.merge_by or former in (None, self.merge_by):
            return
        # Each would become one customer with its next request, and nobody would have been asked.
        if number := self.contested(self.merge_by).values("value").distinct().count():
            raise ValidationError(
                {
                    "merge_by": f"Names of this kind that two or more customers gave: {number:,}. "
                    "Merge their customers first, in the list of duplicates."
                }
            )

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
    rate_limit = models.CharField(
        max_length=60,
        blank=True,
        validators=[validate_rate_limit],
        help_text="Events that the key may send, as in 100/s or 100/s, 1200/30s; empty for any "
        "number.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    replaced_by = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, editable=False, related_name="replaces"
    )

    class Meta:
        ordering = ["id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.prefix}…"


class LimitedDay(models.Model):
    """How much of a key's was refused by its rate limit on one UTC day.

    `key_number` is the key's id, 0 for all tokens of the project: a key that is gone leaves its
    days behind.
    """

    pk = models.CompositePrimaryKey("project_id", "key_number", "date")
    project = models.ForeignKey(
        Project, models.CASCADE, db_constraint=False, db_index=False, related_name="limited_days"
    )
    key_number = models.BigIntegerField()
    date = models.DateField()
    requests = models.BigIntegerField()
    events = models.BigIntegerField()


class WireUse(models.Model):
    """When a project's first and, to the minute, its latest event came in a vendor's format."""

    pk = models.CompositePrimaryKey("project_id", "wire")
    project = models.ForeignKey(
        Project, models.CASCADE, db_constraint=False, db_index=False, related_name="wire_uses"
    )
    wire = models.CharField(max_length=20)
    first_at = models.DateTimeField()
    latest_at = models.DateTimeField()
