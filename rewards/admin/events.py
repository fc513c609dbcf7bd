"""The pages of events, each with what it earned."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string

from events import catalogue
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
from events.types import DISCARD_WORDS, JsonObject
from rewards.admin.words import (
    Row,
    transfer_rows,
    transfers_table,
    value_words,
    verdict_words,
)
from rewards.models import Transfer


class DiscardedFilter(admin.SimpleListFilter):
    """Events that were discarded for one reason."""

    title = "why discarded"
    parameter_name = "discarded"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(reason), words.capitalize()) for reason, words in DISCARD_WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in DISCARD_WORDS:
            return queryset
        return queryset.filter(status=Event.Status.DISCARDED, reason=self.value())


@admin.register(Event)
class EventAdmin(RecordAdmin):
    list_display = (
        "received",
        "event_type",
        "customer",
        "verdict",
        "points",
        "occurred",
        "wire",
        "project",
    )
    list_filter = (
        ("project", VisibleFilter),
        ("event_type", EventTypeFilter),
        "status",
        DiscardedFilter,
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
        "verdict",
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

    @admin.display(description="status")
    def verdict(self, event: Event) -> str:
        return verdict_words(event)

    @admin.display(description="metadata")
    def metadata_rows(self, event: Event) -> str:
        rows = _metadata_rows(event)
        return render_to_string("rewards/_rows.html", {"rows": rows}) if rows else "–"

    @admin.display(description="sent besides")
    def further(self, event: Event) -> str:
        return value_words(_shown(event, event.extra)) if event.extra else "–"

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
    return [
        Row(name=name, value=value_words(value))
        for name, value in _shown(event, event.metadata).items()
    ]


def _shown(event: Event, metadata: JsonObject) -> JsonObject:
    """Return metadata with the values of personal fields masked or hashed, however they came."""
    personal = catalogue.protections([event.event_type]).get(event.event_type_id)
    return personal.metadata(metadata) if personal else metadata
