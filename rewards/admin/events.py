"""The pages of events, each with what it earned."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string

from events.admin.lists import (
    EventTypeFilter,
    RecordAdmin,
    SinceFilter,
    VisibleFilter,
    id_in,
    named_customers,
    stamp,
)
from events.models import Event
from events.types import JsonObject
from rewards.admin.words import Row, transfer_rows, value_words
from rewards.models import Transfer


@admin.register(Event)
class EventAdmin(RecordAdmin):
    list_display = (
        "received",
        "event_type",
        "customer",
        "status",
        "points_total",
        "occurred",
        "wire",
        "project",
    )
    list_filter = (
        ("project", VisibleFilter),
        ("event_type", EventTypeFilter),
        "status",
        SinceFilter,
    )
    list_select_related = ("project", "event_type", "customer")
    search_fields = ("id",)
    search_help_text = "An event's id, or a customer's whole external id, email or phone"
    fields = (
        "id",
        "project",
        "event_type",
        "customer",
        "customer_seq",
        "occurred",
        "received",
        "wire",
        "status",
        "reason",
        "points_awarded",
        "points_total",
        "metadata_rows",
        "further",
        "earned",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        if event_id := id_in(search_term):
            return queryset.filter(pk=event_id), False
        return queryset.filter(customer_id__in=named_customers(request, search_term)), False

    @admin.display(description="received (UTC)")
    def received(self, event: Event) -> str:
        return stamp(event.received_at)

    @admin.display(description="occurred (UTC)")
    def occurred(self, event: Event) -> str:
        return stamp(event.occurred_at)

    @admin.display(description="metadata")
    def metadata_rows(self, event: Event) -> str:
        rows = _metadata_rows(event)
        return render_to_string("rewards/_rows.html", {"rows": rows}) if rows else "–"

    @admin.display(description="sent besides")
    def further(self, event: Event) -> str:
        return value_words(event.extra) if event.extra else "–"

    @admin.display(description="earned")
    def earned(self, event: Event) -> str:
        # The ledger's index leads to the customer's rows.
        found = Transfer.objects.filter(customer_id=event.customer_id, event_id=event.pk)
        rows = transfer_rows(found.order_by("id"))
        return render_to_string("rewards/_transfers.html", {"transfers": rows}) if rows else "–"


def _metadata_rows(event: Event) -> list[Row]:
    """Return the metadata with the values of personal fields left out."""
    personal = set(
        event.event_type.fields.filter(personal=True, name__in=event.metadata).values_list(
            "name", flat=True
        )
    )
    metadata: JsonObject = event.metadata
    return [
        Row(name=name, value="(personal)" if name in personal else value_words(value))
        for name, value in metadata.items()
    ]
