"""The pages for analysts: projects, event types and fields."""

import json
import shlex
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import user_passes_test
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.generic import TemplateView

from events.models import EventType, MetadataField, Project

if TYPE_CHECKING:
    from analytics.coverage import Days
    from analytics.filters import PageFilter

# One page reads the counts of each project it lists.
MOST_PROJECTS = 50

_REFUSED_STATUS = 400


@method_decorator(user_passes_test(lambda user: user.is_staff), name="dispatch")
class StaffPage(TemplateView):
    """A page for members of staff, who see the projects they belong to and no others."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        context = self.get_context_data(**kwargs)
        is_refused = "filter" in context and context["filter"].errors
        return self.render_to_response(context, status=_REFUSED_STATUS if is_refused else 200)

    def project(self) -> Project:
        visible = Project.objects.visible_to(self.request.user)
        return get_object_or_404(visible, slug=self.kwargs["slug"])

    def event_type(self) -> EventType:
        types = EventType.objects.select_related("project")
        return get_object_or_404(types, project=self.project(), name=self.kwargs["event"])

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
    """The reader's projects, or the one that the path names, with their event types."""

    template_name = "analytics/projects.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        visible = Project.objects.visible_to(self.request.user).order_by("slug")
        shown = [self.project()] if "slug" in self.kwargs else list(visible[:MOST_PROJECTS])
        return super().get_context_data(**kwargs) | {
            "projects": [_project_card(project) for project in shown],
            "more": visible[MOST_PROJECTS:] if "slug" not in self.kwargs else (),
            "example": self.example(),
        }


class EventTypePage(StaffPage):
    """One event type with its fields."""

    template_name = "analytics/event_type.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        from analytics import coverage, numerals, panels  # noqa: PLC0415

        event_type = self.event_type()
        asked = _filter(self.request, event_type.project)
        found = coverage.type_coverage(
            event_type, _days(event_type.project, asked), now=timezone.now()
        )
        return super().get_context_data(**kwargs) | {
            "event_type": event_type,
            "filter": asked,
            "rows": numerals.exact(found.rows),
            "has_rows": found.rows > 0,
            "fields": [
                {
                    "field": field.field,
                    "type": field.shown_type or "–",
                    "filled": numerals.exact(field.filled),
                    "share": numerals.share(field.filled, field.rows),
                }
                for field in found.fields
            ],
            "completeness": panels.completeness(
                found.complete_to, event_type.project.zone, found.tail_rows
            ),
            "last_day": None if found.rows else coverage.last_day(event_type),
            "example": self.example(event_type.name),
        }


class FieldPage(StaffPage):
    """One field: what arrived, its figures, its charts."""

    template_name = "analytics/field.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        from analytics import coverage, numerals, panels, statistics  # noqa: PLC0415

        event_type = self.event_type()
        field = get_object_or_404(
            MetadataField, event_type=event_type, name=self.kwargs["field_name"]
        )
        asked = _filter(self.request, event_type.project)
        question = statistics.Question(
            project=event_type.project,
            event_type=event_type,
            field=field,
            first=asked.first,
            last=asked.last,
        )
        found = statistics.field_statistics(question, now=timezone.now())
        total = found.total
        return super().get_context_data(**kwargs) | {
            "event_type": event_type,
            "field": field,
            "filter": asked,
            "type": total.shown_type,
            "rows": numerals.exact(total.rows),
            "has_rows": total.rows > 0,
            "missing": numerals.exact(total.missing),
            "null": numerals.exact(total.null),
            "evidence": panels.evidence(total),
            "has_numbers": total.number is not None,
            "panels": [] if field.personal else panels.panels(found, asked.scale),
            "completeness": panels.completeness(
                found.complete_to, event_type.project.zone, found.tail_rows
            ),
            "last_day": None if total.rows else coverage.last_day(event_type),
            "example": self.example(event_type.name),
        }


def _project_card(project: Project) -> dict[str, Any]:
    from analytics import coverage, numerals, panels  # noqa: PLC0415

    days = _days(project, _filter(None, project))
    found = coverage.event_counts(days, now=timezone.now())
    return {
        "project": project,
        "url": reverse("project-page", args=[project.slug]),
        "event_types": [
            {"event_type": event_type, "events": numerals.exact(events)}
            for event_type, events in found.events
        ],
        "completeness": panels.completeness(found.complete_to, project.zone, found.tail_rows),
    }


def _filter(request: HttpRequest | None, project: Project) -> "PageFilter":
    # Loaded by the first reader: ingest shares the process and needs no numpy, which is large.
    from analytics import filters  # noqa: PLC0415

    today = timezone.now().astimezone(project.zone).date()
    return filters.page_filter({} if request is None else request.GET.dict(), today)


def _days(project: Project, asked: "PageFilter") -> "Days":
    from analytics import coverage  # noqa: PLC0415

    return coverage.Days(project=project, first=asked.first, last=asked.last)
