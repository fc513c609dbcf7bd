"""The pages for analysts: projects, event types and fields."""

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.generic import TemplateView
from django_htmx.http import HttpResponseClientRedirect

from analytics.layout import UNREADABLE_RETRY_SECONDS, UnreadableSummaryError
from events import refusals
from events.models import EventType, MetadataField, Project
from events.snapshot import snapshot

if TYPE_CHECKING:
    from analytics.filters import PageFilter
    from analytics.overview import Headline
    from analytics.panels import Panel
    from analytics.panels.trends import Comparison
    from analytics.readings import Days

# One page reads the counts of each project it lists.
MOST_PROJECTS = 50
FIELDS_ON_A_PAGE = 50

_REFUSED_STATUS = 400
_UNREADABLE_STATUS = 503

# Modules of statistics are loaded by the first reader: ingest shares the process and needs no
# numpy, which is large.


class StaffPage(TemplateView):
    """A page for members of staff, who see the projects they belong to and no others.

    Its panels can be had as CSV (`?format=csv&panel=…`), and its content without the frame, for
    htmx to swap in.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_staff:
            login = redirect_to_login(request.get_full_path())
            return HttpResponseClientRedirect(login.url) if request.htmx else login  # type: ignore[attr-defined]
        try:
            return super().dispatch(request, *args, **kwargs)
        except UnreadableSummaryError:
            return self.unreadable()

    def unreadable(self) -> HttpResponse:
        """Say what to do about statistics that another release wrote."""
        context = StaffPage.get_context_data(self, **self.kwargs)
        response = render(self.request, "503.html", context, status=_UNREADABLE_STATUS)
        response["Retry-After"] = str(UNREADABLE_RETRY_SECONDS)
        patch_vary_headers(response, ["HX-Request"])
        return response

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with snapshot():
            context = self.get_context_data(**kwargs)
        is_refused = "filter" in context and context["filter"].errors
        if request.GET.get("format") == "csv" and not is_refused:
            return self.csv(context["panels"])
        response = self.render_to_response(context, status=_REFUSED_STATUS if is_refused else 200)
        patch_vary_headers(response, ["HX-Request"])
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "base": "analytics/_swapped.html" if self.is_swapped() else "base.html",
            "projects": self.visible_projects()[:MOST_PROJECTS],
        }

    def is_swapped(self) -> bool:
        """Say whether the page's frame stands already, and only its content is asked for."""
        htmx = self.request.htmx  # type: ignore[attr-defined]
        return bool(htmx) and not htmx.history_restore_request

    def csv(self, panels: "list[Panel]") -> HttpResponse:
        """Return the table of the panel that is asked for, as a file."""
        from analytics import exports  # noqa: PLC0415

        asked_for = self.request.GET.get("panel", "")
        panel = next((panel for panel in panels if panel.name == asked_for), None)
        if panel is None:
            raise Http404(f"The page has no panel {asked_for[:80]!r}.")
        name = exports.file_name(*map(str, self.kwargs.values()), panel.name)
        return HttpResponse(
            exports.csv_of(panel.table),
            content_type="text/csv; charset=utf-8; header=present",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def visible_projects(self) -> QuerySet[Project]:
        return Project.objects.visible_to(self.request.user).order_by("name", "id")

    def project(self) -> Project:
        visible = Project.objects.visible_to(self.request.user)
        return get_object_or_404(visible, slug=self.kwargs["slug"])

    def event_type(self) -> EventType:
        types = EventType.objects.select_related("project")
        return get_object_or_404(types, project=self.project(), name=self.kwargs["event"])

    def filtered(self, project: Project) -> "dict[str, Any]":
        """Return the project, and what of it the address asks for."""
        asked = _filter(self.request, project)
        return {
            "project": project,
            "filter": asked,
            "csv_query": asked.query_with({"format": "csv"}),
        }

    def example(self, event: str = "place_order") -> str:
        """Return a command that sends one event."""
        url = self.request.build_absolute_uri("/api/v1/events")
        body = {"event": event, "customer": "c-1", "metadata": {"total": 59.9}}
        return (
            f"curl {shlex.quote(url)} \\\n  -H 'X-API-Key: YOUR_API_KEY' \\\n"
            "  -H 'Content-Type: application/json' \\\n"
            f"  -d {shlex.quote(json.dumps(body, ensure_ascii=False))}"
        )


class ProjectsPage(StaffPage):
    """The reader's projects; who has only one is led to it."""

    template_name = "analytics/projects.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        slugs = list(self.visible_projects().values_list("slug", flat=True)[:2])
        if len(slugs) == 1 and "all" not in request.GET:
            return redirect("project-page", slugs[0])
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        visible = self.visible_projects()
        return super().get_context_data(**kwargs) | {
            "cards": [_project_card(project) for project in visible[:MOST_PROJECTS]],
            "more": visible[MOST_PROJECTS:],
            "panels": [],
        }


class ProjectPage(StaffPage):
    """One project: its events, customers and points, and its event types."""

    template_name = "analytics/project.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        from analytics import coverage, overview, panels  # noqa: PLC0415
        from analytics.panels import overview as shown  # noqa: PLC0415
        from analytics.panels import trends  # noqa: PLC0415

        project = self.project()
        context = self.filtered(project)
        asked: PageFilter = context["filter"]
        now = timezone.now()
        found = overview.overview(_days(project, asked), now=now)
        comparison = _comparison(None, project, asked)
        types = shown.event_types_panel(
            found,
            url_of=lambda line: (
                reverse("event-type-page", args=[project.slug, line.event_type.name]) + asked.query
            ),
            is_compared=asked.is_compared,
        )
        return super().get_context_data(**kwargs) | {
            **context,
            "has_types": bool(found.event_types),
            "has_rows": found.current.events > 0
            or any(line.discarded for line in found.event_types),
            "refused": refusals.refused_on(project, asked.first, asked.last),
            "tiles": shown.tiles(found, is_compared=asked.is_compared),
            "panels": [trends.events_panel(comparison), types, trends.points_panel(comparison)],
            "completeness": panels.completeness(found.complete_to, project.zone, found.tail_rows),
            "last_day": None
            if found.current.events
            else coverage.last_day(*(line.event_type for line in found.event_types)),
            "example": self.example(),
        }


class EventTypePage(StaffPage):
    """One event type: what came of it over time, and a row for each of its fields."""

    template_name = "analytics/event_type.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        from analytics import coverage, panels, statistics  # noqa: PLC0415
        from analytics.panels import event_type as shown  # noqa: PLC0415
        from analytics.panels import overview, trends  # noqa: PLC0415

        event_type = self.event_type()
        project = event_type.project
        context = self.filtered(project)
        asked: PageFilter = context["filter"]
        days = _days(project, asked)
        listed = _listed_fields(event_type, asked, days)
        found = statistics.type_statistics(
            event_type, days, now=timezone.now(), fields=listed.fields
        )
        comparison = _comparison(event_type, project, asked)
        return super().get_context_data(**kwargs) | {
            **context,
            "event_type": event_type,
            "quoted_name": f"“{event_type.name}”",
            "all_fields_query": asked.query_with({"q": "", "page": ""}),
            "listed": listed,
            "has_rows": found.rows > 0 or bool(found.discarded),
            "tiles": overview.headline_tiles(
                shown.headline(found),
                _headline_before(event_type, days) if asked.is_compared else None,
                has_today=comparison.stretch.has_today,
            ),
            "panels": [
                trends.customers_panel(comparison),
                shown.fields_panel(found.fields, days, url_of=_field_urls(event_type, asked)),
                *([shown.discarded_panel(found.discarded, found.rows)] if found.discarded else []),
            ],
            "completeness": panels.completeness(found.complete_to, project.zone, found.tail_rows),
            "last_day": None if found.rows else coverage.last_day(event_type),
            "example": self.example(event_type.name),
        }


class FieldPage(StaffPage):
    """One field: what arrived, its figures, its charts."""

    template_name = "analytics/field.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        from analytics import coverage, panels, statistics  # noqa: PLC0415
        from analytics.panels import field as shown  # noqa: PLC0415

        event_type = self.event_type()
        project = event_type.project
        field = get_object_or_404(
            MetadataField, event_type=event_type, name=self.kwargs["field_name"]
        )
        context = self.filtered(project)
        asked: PageFilter = context["filter"]
        found = statistics.field_statistics(
            statistics.Question(
                project=project,
                event_type=event_type,
                field=field,
                first=asked.first,
                last=asked.last,
            ),
            now=timezone.now(),
        )
        charts = shown.panels(
            shown.ShownField(statistics=found, scale=asked.scale, shortest=asked.shortest)
        )
        evidence = shown.evidence_panel(found)
        return super().get_context_data(**kwargs) | {
            **context,
            "event_type": event_type,
            "quoted_name": f"“{event_type.name}”",
            "field": field,
            "type": found.total.shown_type,
            "has_rows": found.total.rows > 0,
            "has_numbers": found.total.number is not None or found.total.array is not None,
            "has_values": bool(charts) and not field.personal,
            "has_interval": any(panel.figure for panel in charts) and not field.personal,
            "tiles": shown.tiles(found.total),
            "panels": [evidence] if field.personal else [evidence, *charts],
            "completeness": panels.completeness(found.complete_to, project.zone, found.tail_rows),
            "last_day": None if found.total.rows else coverage.last_day(event_type),
            "example": self.example(event_type.name),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFields:
    """One page of the fields that were searched for; the pages before and after as queries."""

    fields: Sequence[MetadataField]
    found: int
    page: int
    pages: int
    previous: str
    following: str


def _listed_fields(event_type: EventType, asked: "PageFilter", days: "Days") -> ListedFields:
    fields = list(event_type.fields.filter(name__icontains=asked.search).order_by("name", "id"))
    if asked.sort == "filled":
        filled = _filled(event_type, days)
        fields.sort(key=lambda field: -filled[field.pk])
    pages = max(1, -(-len(fields) // FIELDS_ON_A_PAGE))
    page = min(asked.page, pages)
    start = (page - 1) * FIELDS_ON_A_PAGE
    return ListedFields(
        fields=fields[start : start + FIELDS_ON_A_PAGE],
        found=len(fields),
        page=page,
        pages=pages,
        previous=asked.query_with({"page": str(page - 1)}) if page > 1 else "",
        following=asked.query_with({"page": str(page + 1)}) if page < pages else "",
    )


def _filled(event_type: EventType, days: "Days") -> dict[int, int]:
    from analytics import coverage  # noqa: PLC0415

    found = coverage.type_coverage(event_type, days, now=timezone.now())
    return {field.field.pk: field.filled for field in found.fields}


def _field_urls(event_type: EventType, asked: "PageFilter") -> Callable[[MetadataField], str]:
    names = (event_type.project.slug, event_type.name)
    return lambda field: reverse("field-page", args=[*names, field.name]) + asked.query


def _headline_before(event_type: EventType, days: "Days") -> "Headline":
    from analytics import overview, statistics  # noqa: PLC0415
    from analytics.panels import event_type as shown  # noqa: PLC0415

    before = overview.days_before(days)
    return shown.headline(
        statistics.type_statistics(event_type, before, now=timezone.now(), fields=[])
    )


def _comparison(
    event_type: EventType | None, project: Project, asked: "PageFilter"
) -> "Comparison":
    from analytics import overview, trend  # noqa: PLC0415
    from analytics.panels import trends  # noqa: PLC0415
    from analytics.panels.stretches import Stretch  # noqa: PLC0415
    from analytics.readings import Days  # noqa: PLC0415

    days = Days(project=project, first=asked.first, last=asked.drawn_last)
    now, interval = timezone.now(), asked.point_interval
    before = overview.days_before(days)
    current = trend.trend(event_type, days, interval, now=now)
    return trends.Comparison(
        current=current,
        previous=trend.trend(event_type, before, interval, now=now) if asked.is_compared else None,
        stretch=Stretch(
            first=asked.first,
            last=asked.last,
            complete_to=current.complete_to,
            zone=project.zone,
        ),
        time_zone=project.time_zone,
    )


def _project_card(project: Project) -> dict[str, Any]:
    from analytics import coverage, numerals, panels  # noqa: PLC0415

    found = coverage.event_counts(_days(project, _filter(None, project)), now=timezone.now())
    return {
        "project": project,
        "url": reverse("project-page", args=[project.slug]),
        "events": numerals.exact(sum(events for _, events in found.events)),
        "event_types": len(found.events),
        "completeness": panels.completeness(found.complete_to, project.zone, found.tail_rows),
    }


def _filter(request: HttpRequest | None, project: Project) -> "PageFilter":
    from analytics import filters  # noqa: PLC0415

    today = timezone.now().astimezone(project.zone).date()
    return filters.page_filter({} if request is None else request.GET.dict(), today)


def _days(project: Project, asked: "PageFilter") -> "Days":
    from analytics import readings  # noqa: PLC0415

    return readings.Days(project=project, first=asked.first, last=asked.last)
