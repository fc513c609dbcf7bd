"""A customer's page: who it is, what it has, what it did and earned."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from events.admin.json_field import JsonFormField
from events.admin.lists import LongListAdmin, VisibleFilter, named_customers, stamp
from events.metadata import metadata_refusal, repeated_key
from events.models import Customer
from events.types import Json
from rewards.admin.words import transfer_rows
from rewards.models import Transfer
from rewards.views import balance_of, streaks_of

# Django's forms take no type parameters at run time.
if TYPE_CHECKING:
    _CustomerForm = forms.ModelForm[Customer]
else:
    _CustomerForm = forms.ModelForm

LAST_ROWS = 50


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
        rows=8,
        required=False,
        help_text="A JSON object; a rule reads its key “level” as customer.level.",
    )


@admin.register(Customer)
class CustomerAdmin(LongListAdmin):
    """Customers are made by their events; only their attributes are edited here."""

    form = CustomerForm
    list_display = ("label", "project", "last_seq", "seen_first")
    list_filter = (("project", VisibleFilter),)
    list_select_related = ("project",)
    search_fields = ("identities__value",)
    search_help_text = "A whole external id, email or phone"
    fields = ("label", "project", "names", "balance", "attributes")
    readonly_fields = ("label", "project", "names", "balance")

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

    @admin.display(description="first seen (UTC)")
    def seen_first(self, customer: Customer) -> str:
        return stamp(customer.created_at)

    @admin.display(description="identities")
    def names(self, customer: Customer) -> str:
        found = customer.identities.order_by("kind", "id")
        return ", ".join(f"{each.get_kind_display().lower()} {each.value}" for each in found)

    @admin.display(description="balance")
    def balance(self, customer: Customer) -> str:
        return f"{balance_of(customer)} points"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        customer: Customer = kwargs["obj"]
        transfers = Transfer.objects.filter(customer_id=customer.pk).order_by("-id")
        context |= {
            "zone": customer.project.zone,
            "streaks": streaks_of(customer, customer.project.zone),
            "events": customer.events.select_related("event_type").order_by("-customer_seq")[
                :LAST_ROWS
            ],
            "transfers": transfer_rows(transfers[:LAST_ROWS]),
            "last_rows": LAST_ROWS,
        }
        return super().render_change_form(request, context, *args, **kwargs)
