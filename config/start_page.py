"""The staff's start page: the pulse of a project, and the first steps where it has none yet."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.pulse import MOST_COUNTED_EVENTS, Pulse, pulse_of
from events.admin.scoping import visible_projects
from events.models import Project
from events.snapshot import snapshot

MOST_PROJECTS = 500  # in the chooser; others are found in the list of projects


@require_safe
def start_page(request: HttpRequest) -> HttpResponse:
    """Show the project that is asked for, or the first."""
    projects = list(visible_projects(request).order_by("slug")[:MOST_PROJECTS])
    chosen = _chosen(projects, request.GET.get("project", ""))
    context = {
        "title": "Start",
        "projects": projects,
        "project": chosen,
        "pulse": _pulse(chosen) if chosen else None,
        "most_counted": MOST_COUNTED_EVENTS,
    }
    return admin.site.index(request, context)


def _pulse(project: Project) -> Pulse:
    with snapshot():
        return pulse_of(project, now=timezone.now())


def _chosen(projects: list[Project], slug: str) -> Project | None:
    return next((each for each in projects if each.slug == slug), projects[0] if projects else None)
