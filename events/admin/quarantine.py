"""The pages of what was refused, with the reason."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from events.admin.lists import RecordAdmin, SinceFilter, VisibleFilter, id_in, local_stamp
from events.models import Quarantine
from events.types import RefusalCode


class CodeFilter(admin.SimpleListFilter):
    """Refusals of one code. The codes are known: the table need not be searched for them."""

    title = "code"
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(code), code.replace("_", " ")) for code in sorted(RefusalCode)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(code=self.value()) if self.value() else queryset


@admin.register(Quarantine)
class QuarantineAdmin(RecordAdmin):
    list_display = ("received", "project", "wire", "code", "message", "field")
    list_filter = (("project", VisibleFilter), SinceFilter, CodeFilter)
    list_select_related = ("project",)
    search_fields = ("message",)
    search_help_text = "An id, or a part of the message or of the client"
    fields = (
        "id",
        "received",
        "project",
        "api_key",
        "wire",
        "client",
        "code",
        "message",
        "field",
        "payload",
        "is_cut",
    )

    @admin.display(description="received")
    def received(self, row: Quarantine) -> str:
        return local_stamp(row.received_at, row.project)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        if row_id := id_in(search_term):
            return queryset.filter(id=row_id), False
        texts = Q(message__icontains=search_term) | Q(client__icontains=search_term)
        return queryset.filter(texts), False
