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
    local_stamp,
    named_customers,
)
from events.models import Event
from events.types import JsonObject
from rewards.admin.words import Row, transfer_rows, transfers_table, value_words
from rewards.models import Transfer


@admin.register(Event)
class EventAdmin(RecordAdmin):
    list_display = (
        "received",
        "event_type",
        "customer",
        "status",
        "points",
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
    search_help_text = "Event id, or customer id, email, phone"
    fields = (
        "id",
        "project",
        "event_type",
        "customer",
        "number",
        "occurred",
        "received",
        "wire",
        "status",
        "reason",
        "points",
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

    @admin.display(description="received")
    def received(self, event: Event) -> str:
        return local_stamp(event.received_at, event.project)

    @admin.display(description="occurred")
    def occurred(self, event: Event) -> str:
        return local_stamp(event.occurred_at, event.project)

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
        return transfers_table(rows, event.project) if rows else "–"

    @admin.display(description="points", ordering="points_total")
    def points(self, event: Event) -> str:
        return f"{event.points_total:,}"

    @admin.display(description="the customer's event no.")
    def number(self, event: Event) -> str:
        return f"{event.customer_seq:,}"


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
