"""A customer's page: who it is, what it has, what it did and earned."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse

from events.admin.json_field import JsonFormField
from events.admin.lists import LongListAdmin, VisibleFilter, local_stamp, named_customers
from events.metadata import metadata_refusal, repeated_key
from events.models import Customer
from events.types import Json
from rewards.admin.story import last_seen_at, ledger, streak_rows, timeline
from rewards.models import Account
from rewards.views import balance_of

# Django's forms take no type parameters at run time.
if TYPE_CHECKING:
    _CustomerForm = forms.ModelForm[Customer]
else:
    _CustomerForm = forms.ModelForm

MOST_IDENTITIES = 100
_MOST_DIGITS = 18  # a number of so many digits still fits a column


def _check_attributes(attributes: Json) -> None:
    """Raise ValidationError where these can't be a customer's attributes."""
    if not isinstance(attributes, dict):
        raise ValidationError("Attributes are a JSON object, such as {“level”: “gold”}.")
    if key := repeated_key(attributes):
        raise ValidationError(f"The key {key} is given twice.")
    # They are read as metadata is, so the same limits hold.
    if refusal := metadata_refusal(attributes, path="attributes"):
        raise ValidationError(f"{refusal.field}: {refusal.message}")


class CustomerForm(_CustomerForm):
    attributes = JsonFormField(
        check=_check_attributes,
        rows=4,
        required=False,
        help_text="A JSON object; a rule reads its key “level” as customer.level.",
    )


@admin.register(Customer)
class CustomerAdmin(LongListAdmin):
    """Customers are made by their events; only their attributes are edited here."""

    form = CustomerForm
    list_display = ("label", "project", "balance", "events", "seen_first")
    list_filter = (("project", VisibleFilter),)
    list_select_related = ("project",)
    search_fields = ("identities__value",)
    search_help_text = "A whole external id, email or phone"
    fields = ("attributes",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        account = Account.objects.filter(
            owner_type=Account.Owner.CUSTOMER,
            owner_id=OuterRef("pk"),
            kind=Account.Kind.AVAILABLE,
        )
        points = Coalesce(Subquery(account.values("balance")), 0)
        rows: QuerySet[Any] = super().get_queryset(request).annotate(points=points)
        return rows

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        return queryset.filter(pk__in=named_customers(request, search_term)), False

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        if form.changed_data:
            obj.put_attributes(form.cleaned_data["attributes"])

    @admin.display(description="balance")
    def balance(self, customer: Any) -> str:
        return f"{customer.points:,}"

    @admin.display(description="events")
    def events(self, customer: Customer) -> str:
        return f"{customer.last_seq:,}"

    @admin.display(description="first seen")
    def seen_first(self, customer: Customer) -> str:
        return local_stamp(customer.created_at, customer.project)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        customer: Customer = kwargs["obj"]
        context |= {
            "customer": customer,
            "zone": customer.project.zone,
            "identities": customer.identities.order_by("kind", "id")[:MOST_IDENTITIES],
            "balance": balance_of(customer),
            "seen_last": last_seen_at(customer),
            "streaks": streak_rows(customer),
            "timeline": timeline(customer, before=_number(request, "events_before")),
            "ledger": ledger(customer, before=_number(request, "ledger_before")),
        }
        return super().render_change_form(request, context, *args, **kwargs)


def _number(request: HttpRequest, name: str) -> int | None:
    """Return the number that the address gives under this name, None for anything else."""
    text = request.GET.get(name, "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None
