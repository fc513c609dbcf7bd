"""Customers and the names by which they are known."""

from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from events import limits
from events.fields import ExactJSONField
from events.models.projects import Project
from events.types import JsonObject


class Customer(models.Model):
    """One person, known under identities. `last_seq` numbers the events as they were decided.

    One that was merged points to the survivor, always directly: the survivor has its identities
    and points, while its events and transfers stay as they were written.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="customers")
    label = models.CharField(max_length=limits.EMAIL_CHARACTERS, editable=False)
    attributes = ExactJSONField(default=dict)
    last_seq = models.BigIntegerField(default=0, editable=False)
    active = models.BooleanField(
        default=True, db_default=True, help_text="Events of an inactive customer are refused."
    )
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="merged"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.label

    def ids(self) -> list[int]:
        """Return the ids under which the customer's events and transfers were written."""
        return ids_with_merged([self.pk])

    @transaction.atomic
    def set_active(self, active: bool) -> None:
        """Take the customer's events, or refuse them from the next request on."""
        # Through the project's row, so that of two at once the second sees the first.
        project = Project.objects.select_for_update().get(pk=self.project_id)
        self.active = active
        self.save(update_fields=["active"])
        project.has_inactive_customers = project.customers.filter(active=False).exists()
        project.save(update_fields=["has_inactive_customers"])

    def put_attributes(self, attributes: JsonObject) -> None:
        """Replace what rules read as `customer.…`; nothing else of the row is written."""
        self.attributes = attributes
        self.save(update_fields=["attributes"])


def ids_with_merged(customer_ids: Any) -> list[int]:
    """Return the ids, given as values or as a query, and those of all that were merged into them:
    what was written for these is theirs."""
    found = Customer.objects.filter(
        Q(pk__in=customer_ids) | Q(merged_into__in=customer_ids)
    ).order_by("id")
    return list(found.values_list("pk", flat=True))


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


class IdentityClaim(models.Model):
    """A name that came with a customer while it was another's, kept for who wants to merge them."""

    project = models.ForeignKey(Project, models.PROTECT, db_index=False, related_name="claims")
    kind = models.CharField(max_length=12, choices=Identity.Kind)
    value = models.CharField(max_length=limits.EMAIL_CHARACTERS)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="claims")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        verbose_name = "duplicate"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "value", "customer"], name="claim_once_per_customer"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class Merge(models.Model):
    """Two customers that became one: who had them merged, or which event, and what moved."""

    class Cause(models.TextChoices):
        CHANNEL = "channel", "the same email address or phone number"
        LINK = "link", "two identities given at once"
        STAFF = "staff", "a member of staff"

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, db_index=False, related_name="merges")
    survivor = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    loser = models.OneToOneField(Customer, models.PROTECT, related_name="merge")
    cause = models.CharField(max_length=10, choices=Cause)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    points_moved = models.BigIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["project", "created_at"], name="merge_by_time")]

    def __str__(self) -> str:
        return f"{self.loser} into {self.survivor}"
