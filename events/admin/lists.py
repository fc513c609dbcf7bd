"""Lists of the admin over tables that grow without end: capped counts, cheap filters."""

from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.admin import ModelAdmin, RelatedFieldListFilter, ShowFacets, SimpleListFilter
from django.core.paginator import Paginator
from django.db.models import Field, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from events.admin.scoping import ReadOnlyAdmin, ScopedAdmin, visible_projects
from events.identities import normal_email, normal_phone
from events.models import Identity, Project, ids_with_merged
from events.partitions import first_id

# Django's paginator takes no type parameters at run time.
if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator

FOUND_CUSTOMERS = 100


class CappedPaginator(_Paginator):
    """Pages of the first rows; what comes after them is found by filters."""

    # Counting all of a hundred million rows takes minutes; nobody turns two hundred pages.
    most_rows = 10_000

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[: self.most_rows].count()

    @property
    def is_capped(self) -> bool:
        return self.count == self.most_rows


class LongListAdmin(ScopedAdmin):
    """A list, the latest first, of a table that grows without end."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # each one would count the table
    ordering = ("-id",)
    sortable_by = ()


class RecordAdmin(ReadOnlyAdmin, LongListAdmin):
    """Such a list of rows that nobody writes by hand."""


class VisibleFilter(RelatedFieldListFilter):
    """A filter whose choices are the rows that the member of staff may see."""

    def field_choices(
        self, field: "Field[Any, Any]", request: HttpRequest, model_admin: "ModelAdmin[Any]"
    ) -> list[Any]:
        relation: Any = field.remote_field
        related = model_admin.admin_site.get_model_admin(relation.model)
        rows = related.get_queryset(request)
        return self.choices_of(rows, request)

    def choices_of(self, rows: QuerySet[Any], request: HttpRequest) -> list[Any]:
        return [(row.pk, str(row)) for row in rows]


class EventTypeFilter(VisibleFilter):
    """The event types of the chosen project, or of all, then with their project's name."""

    def choices_of(self, rows: QuerySet[Any], request: HttpRequest) -> list[Any]:
        project = request.GET.get("project__id__exact", "")
        if project.isdecimal():
            rows = rows.filter(project_id=int(project))
        found = list(rows.select_related("project").order_by("project__slug", "name", "id"))
        is_one_project = len({row.project_id for row in found}) == 1
        return [
            (row.pk, row.name if is_one_project else f"{row.name} · {row.project}") for row in found
        ]


class SinceFilter(SimpleListFilter):
    """Rows received since the beginning of a day (UTC)."""

    title = "received (UTC)"
    parameter_name = "received"
    _DAYS_BACK = {"today": 0, "7-days": 6, "30-days": 29}

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[Any]:
        return [("today", "Today"), ("7-days", "Last 7 days"), ("30-days", "Last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = self._DAYS_BACK.get(self.value() or "")
        if days is None:
            return queryset
        return self.since(queryset, timezone.now().date() - timedelta(days=days))

    def since(self, rows: QuerySet[Any], day: date) -> QuerySet[Any]:
        # The id begins with the moment of receipt: its index is the one that is always there.
        return rows.filter(id__gte=first_id(day))


def named_customers(request: HttpRequest, name: str) -> list[int]:
    """Return the ids of the visible customers with this whole external id, email or phone, with
    those of the customers that were merged into them."""
    found = Identity.objects.filter(
        # The index of identities begins with project and kind.
        project__in=visible_projects(request),
        kind__in=Identity.Kind.values,
        value__in={name, normal_email(name), normal_phone(name)} - {""},
    )
    customer_ids = found.values_list("customer_id", flat=True)[:FOUND_CUSTOMERS]
    return ids_with_merged(list(customer_ids))


def id_in(text: str) -> UUID | None:
    """Return the id that a text is, None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def stamp(moment: Any) -> str:
    """Return a moment in UTC to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def local_stamp(moment: datetime, project: Project) -> str:
    """Return a moment in the project's zone to the second, with the zone's name."""
    return f"{moment.astimezone(project.zone):%Y-%m-%d %H:%M:%S %Z}"
