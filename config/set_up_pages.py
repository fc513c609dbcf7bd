"""The staff's page on which a project's set-up is taken out as a file and put in from one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from unfold.widgets import UnfoldAdminFileFieldWidget

from config.set_up import read_set_up, written_set_up
from events.admin.json_field import pretty
from events.admin.scoping import visible_projects
from events.metadata import read_json
from events.models import Project
from events.types import Json, JsonObject, Refusal
from rewards.reading import RuleError

FILE_BYTES = 5_000_000  # as much as a request of events may have

_WORDS = {
    "event_types": "event type",
    "rules": "rule",
    "streaks": "streak",
    "challenges": "challenge",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An entry of the set-up that an import made or changed."""

    kind: str
    name: str
    is_new: bool

    def __str__(self) -> str:
        return f"{'New' if self.is_new else 'Changed'} {self.kind} “{self.name}”"


class ImportForm(forms.Form):
    """A file with a set-up, read as JSON."""

    file = forms.FileField(
        label="Set-up file",
        help_text="The JSON that “Export set-up” writes. What it does not name stays as it is.",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".json,application/json"}),
    )

    def clean_file(self) -> Json:
        file = self.cleaned_data["file"]
        if file.size > FILE_BYTES:
            raise ValidationError(f"The file is larger than {FILE_BYTES:,} bytes.")
        read = read_json(file.read())
        if isinstance(read, Refusal):
            raise ValidationError(read.message.replace("The body", "The file"))
        return read


@require_safe
def export(request: HttpRequest, project_id: int) -> HttpResponse:
    """Return the project's set-up as a file."""
    project = _project(request, project_id)
    return HttpResponse(
        pretty(written_set_up(project)) + "\n",
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{project.slug}-set-up.json"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request: HttpRequest, project_id: int) -> HttpResponse:
    """Show the page; put a posted set-up in force, and say what it changed."""
    project = _project(request, project_id)
    is_sent = request.method == "POST"
    form = ImportForm(request.POST, request.FILES) if is_sent else ImportForm()
    changes: list[Change] | None = None
    if is_sent and form.is_valid():
        try:
            changes = _import(request, project, form.cleaned_data["file"])
        except RuleError as error:
            form.add_error("file", ValidationError([f"Nothing was changed. {error}"]))
    shown = {"title": f"Set-up of {project}", "project": project, "form": form, "changes": changes}
    context = admin.site.each_context(request) | shown
    return TemplateResponse(request, "admin/set_up.html", context)


def _project(request: HttpRequest, project_id: int) -> Project:
    project: Project = get_object_or_404(visible_projects(request), pk=project_id)
    return project


@transaction.atomic
def _import(request: HttpRequest, project: Project, given: Json) -> list[Change]:
    """Put all of it in force, or nothing; return what is new or other than before."""
    before = written_set_up(project)
    read_set_up(project, given, by=request.user, now=timezone.now())
    changes = list(_changes(before, written_set_up(project)))
    if changes:
        log = admin.site.get_model_admin(Project).log_change
        log(request, project, "Imported a set-up. " + ", ".join(str(each) for each in changes))
    return changes


def _changes(before: JsonObject, after: JsonObject) -> Iterator[Change]:
    for section, kind in _WORDS.items():
        known = _by_name(before[section])
        for name, entry in _by_name(after[section]).items():
            if known.get(name) != entry:
                yield Change(kind=kind, name=name, is_new=name not in known)


def _by_name(entries: Any) -> dict[str, JsonObject]:
    return {entry["name"]: entry for entry in entries}
