"""Tables of what was earned: rules and streaks with their versions, counters, the ledger."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from events import limits
from events.fields import ExactJSONField
from events.models import Project, SetUpModel


class Rule(SetUpModel):
    """A reward rule under its name; what it says stands in its versions, or in `draft`."""

    class State(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        SHADOW = "shadow"
        PAUSED = "paused"
        ARCHIVED = "archived"

    project = models.ForeignKey(Project, models.PROTECT, related_name="rules")
    name = models.CharField(max_length=limits.NAME_CHARACTERS)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    draft = ExactJSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="rule_once_per_project")
        ]

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """What was published, for good; the database refuses to change it."""

    number = models.PositiveIntegerField()
    definition = ExactJSONField()
    # What was asked for; a later version is in force from its publication at the earliest.
    starts_at = models.DateTimeField(null=True)
    in_force_from = models.DateTimeField(null=True)
    in_force_until = models.DateTimeField(null=True)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        abstract = True


class RuleVersion(Version):
    rule = models.ForeignKey(Rule, models.PROTECT, related_name="versions")

    class Meta:
        ordering = ["rule_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="rule_version_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.rule} v{self.number}"


class Streak(SetUpModel):
    """A streak under its name; what it says stands in its versions."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="streaks")
    name = models.CharField(max_length=limits.NAME_CHARACTERS)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="streak_once_per_project")
        ]

    def __str__(self) -> str:
        return self.name


class StreakVersion(Version):
    streak = models.ForeignKey(Streak, models.PROTECT, related_name="versions")

    class Meta:
        ordering = ["streak_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["streak", "number"], name="streak_version_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.streak} v{self.number}"


class StreakState(models.Model):
    """The active periods of one customer in one streak, as runs `[[first, last], …]`."""

    pk = models.CompositePrimaryKey("streak_id", "customer_id")
    streak = models.ForeignKey(Streak, models.PROTECT, db_constraint=False, related_name="states")
    customer_id = models.BigIntegerField()
    runs = ExactJSONField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["customer_id"], name="streak_state_by_customer")]


class LimitCounter(models.Model):
    """How much of a limit is used in one window. `rule_id` is 0 for a budget that rules of the
    project share, `customer_id` 0 for a limit that customers share."""

    pk = models.CompositePrimaryKey(
        "project_id", "rule_id", "customer_id", "of", "window", "starts_date"
    )
    project = models.ForeignKey(
        Project, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    rule_id = models.BigIntegerField()
    customer_id = models.BigIntegerField()
    of = models.CharField(max_length=6)
    window = models.CharField(max_length=8)
    starts_date = models.DateField()
    used = models.BigIntegerField()


class Account(models.Model):
    """Where points lie. `balance` is kept for customers' accounts alone: that of an issued
    account is the sum of its transfers, so that no row is hot."""

    class Kind(models.TextChoices):
        ISSUED = "issued"
        AVAILABLE = "available"

    class Owner(models.TextChoices):
        RULE = "rule"
        STREAK = "streak"
        CUSTOMER = "customer"

    project = models.ForeignKey(Project, models.PROTECT, db_index=False, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    owner_type = models.CharField(max_length=12, choices=Owner)
    owner_id = models.BigIntegerField()
    balance = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner_type", "owner_id", "kind"], name="account_once_per_owner"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.owner_type}:{self.owner_id}"


class Transfer(models.Model):
    """Points moved from the debit to the credit account, for good. Written by `rewards.ledger`.

    Rows are never deleted, and neither is what they refer to: foreign keys would only cost.
    """

    class Kind(models.TextChoices):
        AWARD = "award"
        STREAK = "streak"
        MERGE = "merge"

    project = models.ForeignKey(
        Project, models.PROTECT, db_constraint=False, db_index=False, related_name="transfers"
    )
    customer_id = models.BigIntegerField()
    debit = models.ForeignKey(
        Account, models.PROTECT, db_constraint=False, db_index=False, related_name="debits"
    )
    credit = models.ForeignKey(
        Account, models.PROTECT, db_constraint=False, db_index=False, related_name="credits"
    )
    amount = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind)
    source_key = models.CharField(max_length=120, unique=True)
    event_id = models.UUIDField()
    version_id = models.BigIntegerField()  # of the rule or the streak, as the kind says
    trace = ExactJSONField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["customer_id", "id"], name="transfer_by_customer")]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="transfer_is_positive")
        ]

    def __str__(self) -> str:
        return self.source_key


class ShadowAward(models.Model):
    """What a rule in shadow would have given for an event; nobody has these points."""

    project = models.ForeignKey(
        Project, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    customer_id = models.BigIntegerField()
    event_id = models.UUIDField()
    version = models.ForeignKey(RuleVersion, models.PROTECT, related_name="shadow_awards")
    points = models.BigIntegerField()
    trace = ExactJSONField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
