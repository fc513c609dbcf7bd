"""The ledger's pages."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import Case, OuterRef, QuerySet, Subquery, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from events.admin.lists import (
    RecordAdmin,
    SinceFilter,
    VisibleFilter,
    id_in,
    local_stamp,
    named_customers,
)
from events.models import Customer, Event
from rewards.admin.words import transfer_rows, transfers_table
from rewards.models import Rule, Streak, Transfer


class PostedFilter(SinceFilter):
    """Transfers posted since the beginning of a day (UTC)."""

    title = "posted (UTC)"

    def since(self, rows: QuerySet[Any], day: date) -> QuerySet[Any]:
        return rows.filter(created_at__date__gte=day)


@admin.register(Transfer)
class TransferAdmin(RecordAdmin):
    list_display = ("posted", "customer", "points", "kind", "source", "event", "project")
    list_filter = (("project", VisibleFilter), "kind", PostedFilter)
    list_select_related = ("project",)
    search_fields = ("source_key",)
    search_help_text = "Event id, or customer id, email, phone"
    fields = ("project", "posted", "customer", "points", "kind", "source_key", "event", "earned")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        customers = Customer.objects.filter(pk=OuterRef("customer_id"))
        rules = Rule.objects.filter(pk=OuterRef("debit__owner_id"))
        streaks = Streak.objects.filter(pk=OuterRef("debit__owner_id"))
        source_name = Case(
            When(kind=Transfer.Kind.AWARD, then=Subquery(rules.values("name"))),
            When(kind=Transfer.Kind.STREAK, then=Subquery(streaks.values("name"))),
            default=Value("merged customers"),
        )
        label = Subquery(customers.values("label"))
        rows: QuerySet[Any] = (
            super().get_queryset(request).annotate(customer_label=label, source_name=source_name)
        )
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        event_id = id_in(search_term)
        if event_id is None:
            return queryset.filter(customer_id__in=named_customers(request, search_term)), False
        # The ledger's index leads to the rows of a customer, not to those of an event.
        owners = Event.objects.filter(pk=event_id).values("customer_id")
        return queryset.filter(customer_id__in=owners, event_id=event_id), False

    @admin.display(description="posted")
    def posted(self, transfer: Transfer) -> str:
        return local_stamp(transfer.created_at, transfer.project)

    @admin.display(description="points")
    def points(self, transfer: Transfer) -> str:
        return f"{transfer.amount:,}"

    @admin.display(description="customer")
    def customer(self, transfer: Any) -> str:
        url = reverse("admin:events_customer_change", args=[transfer.customer_id])
        return format_html('<a href="{}">{}</a>', url, transfer.customer_label)

    @admin.display(description="rule or streak")
    def source(self, transfer: Any) -> str:
        return str(transfer.source_name)

    @admin.display(description="event")
    def event(self, transfer: Transfer) -> str:
        is_merge = transfer.kind == Transfer.Kind.MERGE
        page = "admin:events_merge_change" if is_merge else "admin:events_event_change"
        url = reverse(page, args=[transfer.event_id])
        return format_html('<a href="{}">{}</a>', url, transfer.event_id)

    @admin.display(description="how it came about")
    def earned(self, transfer: Transfer) -> str:
        return transfers_table(transfer_rows([transfer]), transfer.project)
