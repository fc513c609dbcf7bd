"""The page with every format's texts to copy, and its lights."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.connect.formats import PLACES, Format, curl_of, formats, python_of
from config.connect.lights import Light, lights_of
from events.admin.scoping import visible_projects
from events.models import Project

_EXAMPLE_EVENT = "place_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One format on the page; the texts have a marked place for each key."""

    format: Format
    light: Light
    curl: SafeString
    python: SafeString


@require_safe
def connect_page(request: HttpRequest, project_id: int) -> HttpResponse:
    """Show what to copy, and how far it has got."""
    project = _project(request, project_id)
    event_types = project.event_types.filter(active=True).order_by("created_automatically", "name")
    event = event_types.values_list("name", flat=True).first()
    context = admin.site.each_context(request) | {
        "title": f"Connect a client to {project}",
        "project": project,
        "root": _root(request),
        "has_event_type": event is not None,
        "event": event or _EXAMPLE_EVENT,
        "sections": list(_sections(request, project, event or _EXAMPLE_EVENT)),
    }
    return TemplateResponse(request, "admin/connect.html", context)


@require_safe
@never_cache
def connect_lights(request: HttpRequest, project_id: int) -> HttpResponse:
    """Return the lights alone, which the page asks for again and again."""
    project = _project(request, project_id)
    sections = list(_sections(request, project, _EXAMPLE_EVENT))
    context = {"project": project, "sections": sections}
    return TemplateResponse(request, "admin/_lights.html", context)


def _project(request: HttpRequest, project_id: int) -> Project:
    project: Project = get_object_or_404(visible_projects(request), pk=project_id)
    return project


def _root(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").removesuffix("/")


def _sections(request: HttpRequest, project: Project, event: str) -> Iterator[Section]:
    lights = lights_of(project, now=timezone.now())
    root = _root(request)
    for each in formats(event):
        yield Section(
            format=each,
            light=lights.get(each.wire, Light()),
            curl=_with_places(curl_of(each, root)),
            python=_with_places(python_of(each, root)),
        )


def _with_places(text: str) -> SafeString:
    html = str(escape(text))
    for place in PLACES:
        html = html.replace(place, f'<span class="tw-place" data-place="{place}">{place}</span>')
    return mark_safe(html)  # noqa: S308 (escaped above; the places are our own words)
