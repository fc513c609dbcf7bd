"""A customer's page: who it is, what it has, what it did and earned."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from events import limits
from events.admin.json_field import JsonFormField
from events.admin.lists import LongListAdmin, VisibleFilter, id_in, local_stamp, named_customers
from events.metadata import metadata_refusal, repeated_key
from events.models import Customer, Merge
from events.types import Json
from rewards import merging
from rewards.admin.story import last_seen_at, ledger, streak_rows, timeline
from rewards.models import Account
from rewards.standing import balance_of

# Django's forms take no type parameters at run time.
if TYPE_CHECKING:
    _CustomerForm = forms.ModelForm[Customer]
else:
    _CustomerForm = forms.ModelForm

MOST_IDENTITIES = 100
MOST_MERGED = 10  # by one choice of a list
_MOST_DIGITS = 18  # a number of so many digits still fits a column


def _check_attributes(attributes: Json) -> None:
    """Raise ValidationError where these can't be a customer's attributes."""
    if not isinstance(attributes, dict):
        raise ValidationError("Attributes are a JSON object, such as {“level”: “gold”}.")
    if key := repeated_key(attributes):
        raise ValidationError(f"The key {key} is given twice.")
    # They are read as metadata is, so the same limits hold.
    if refusal := metadata_refusal(
        attributes, path="attributes", most_fields=limits.ATTRIBUTES_PER_CUSTOMER
    ):
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
    """Customers are made by what is sent of them; their attributes are edited here, and whether
    their events are taken."""

    form = CustomerForm
    list_display = ("label", "project", "balance", "events", "seen_first", "active")
    list_filter = (("project", VisibleFilter), "active")
    list_select_related = ("project",)
    search_fields = ("identities__value",)
    search_help_text = "A whole external id, email or phone"
    actions = ("merge_selected",)
    fields = ("active", "attributes")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        account = Account.objects.filter(
            owner_type=Account.Owner.CUSTOMER,
            owner_id=OuterRef("pk"),
            kind=Account.Kind.AVAILABLE,
        )
        points = Coalesce(Subquery(account.values("balance")), 0)
        rows: QuerySet[Any] = super().get_queryset(request).annotate(points=points)
        return rows.filter(merged_into=None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        return queryset.filter(pk__in=named_customers(request, search_term)), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        # Older rows lead to whom they were written for: its page is that of who it became.
        merged = super().get_queryset(request).filter(pk=_digits(object_id) or 0)
        survivor_id = merged.values_list("merged_into_id", flat=True).first()
        if survivor_id is not None:
            return redirect("admin:events_customer_change", survivor_id)
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.action(description="Merge the selected customers", permissions=["change"])
    def merge_selected(self, request: HttpRequest, queryset: QuerySet[Customer]) -> None:
        chosen = list(queryset.order_by("id")[: MOST_MERGED + 1])
        if len({customer.project_id for customer in chosen}) > 1 or len(chosen) > MOST_MERGED:
            words = f"Choose at most {MOST_MERGED} customers, all of one project."
            self.message_user(request, words, messages.ERROR)
            return
        by = cast(User, request.user)
        try:
            survivor = merging.merge(chosen[0].project, [customer.pk for customer in chosen], by=by)
        except merging.CannotMergeError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        for customer in chosen:
            self.log_change(request, customer, f"Merged into {survivor}.")
        self.message_user(request, f"All are {survivor} now, with their names and points.")

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        if "active" in form.changed_data:
            obj.set_active(form.cleaned_data["active"])
        if "attributes" in form.changed_data:
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
        ids = customer.ids()
        context |= {
            "customer": customer,
            "zone": customer.project.zone,
            "identities": customer.identities.order_by("kind", "id")[:MOST_IDENTITIES],
            "balance": balance_of(customer),
            "seen_last": last_seen_at(ids),
            "streaks": streak_rows(customer),
            "merges": _merges(customer) if len(ids) > 1 else (),
            "claims": customer.claims.order_by("id")[:MOST_IDENTITIES],
            "timeline": timeline(ids, before=id_in(request.GET.get("events_before", ""))),
            "ledger": ledger(customer, ids, before=_digits(request.GET.get("ledger_before", ""))),
        }
        return super().render_change_form(request, context, *args, **kwargs)


def _merges(customer: Customer) -> list[Merge]:
    """Return the merges by which others became a part of the customer, the latest first."""
    found = Merge.objects.filter(loser__in=customer.merged.all()).order_by("-id")
    return list(found.select_related("loser", "by")[:MOST_IDENTITIES])


def _digits(text: str) -> int | None:
    """Return the number that a part of an address is, None for anything else."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None
