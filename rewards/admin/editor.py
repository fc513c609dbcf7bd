"""The editor of definitions in rows: its widget, and the answers it asks for while one types."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Literal, TypeAlias

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST

from events.admin.scoping import visible_projects
from events.metadata import read_json
from events.models import Project
from events.types import Json, JsonObject, Refusal
from rewards import publishing
from rewards.admin.offers import offers
from rewards.awards import ROUNDINGS, STEPS, TABLE_ROWS
from rewards.conditions import DEPTH_LEVELS, LEAVES
from rewards.operators import LISTED_VALUES, OPERATORS
from rewards.reading import RuleError, quoted
from rewards.rules import (
    ANY_EVENT,
    LIMITS_PER_RULE,
    MILESTONES_PER_STREAK,
    OFS,
    OVERS,
    PERIODS,
    PERS,
    WINDOWS,
    describe,
    describe_streak,
    read_streak,
)

Subject: TypeAlias = Literal["rule", "streak"]
Shape: TypeAlias = Literal["none", "one", "two", "many"]

_NUMBER, _TEXT, _BOOLEAN = ("number",), ("text",), ("boolean",)

# What each operator takes: how many values, of which kinds.
OPERATOR_VALUES: Mapping[str, tuple[Shape, tuple[str, ...]]] = {
    "=": ("one", ("text", "number", "boolean")),
    "!=": ("one", ("text", "number", "boolean")),
    "<": ("one", _NUMBER),
    "<=": ("one", _NUMBER),
    ">": ("one", _NUMBER),
    ">=": ("one", _NUMBER),
    "between": ("two", _NUMBER),
    "notBetween": ("two", _NUMBER),
    "in": ("many", ("text", "number")),
    "notIn": ("many", ("text", "number")),
    "contains": ("one", _TEXT),
    "beginsWith": ("one", _TEXT),
    "endsWith": ("one", _TEXT),
    "is": ("one", _BOOLEAN),
    "exists": ("none", ()),
    "missing": ("none", ()),
}

_WORDS: Mapping[str, str] = {
    "points": "points",
    "times": "awards",
    "customer": "per customer",
    "rule": "for all customers together",
    "project": "for all rules that share this budget",
    "day": "per calendar day",
    "week": "per calendar week",
    "month": "per calendar month",
    "lifetime": "in total",
    "clip": "cut the award to what is left",
    "refuse": "give nothing",
    "exact": "fractions of a unit too",
    "whole": "whole units only",
    "floor": "down",
    "half_up": "half up",
    "ceil": "up",
}
_PERIOD_WORDS: Mapping[str, str] = {"day": "days", "week": "weeks", "month": "months"}

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _choices(values: tuple[str, ...], words: Mapping[str, str] = _WORDS) -> list[Json]:
    return [[value, words[value]] for value in values]


VOCABULARY: JsonObject = {
    "operators": [
        {"name": name, "words": OPERATORS[name].words, "shape": shape, "kinds": list(kinds)}
        for name, (shape, kinds) in OPERATOR_VALUES.items()
    ],
    "weekdays": [[str(number), name] for number, name in enumerate(_WEEKDAYS, start=1)],
    "steps": _choices(STEPS),
    "roundings": _choices(ROUNDINGS),
    "ofs": _choices(OFS),
    "pers": _choices(PERS),
    "windows": _choices(WINDOWS),
    "overs": _choices(OVERS),
    "periods": _choices(PERIODS, _PERIOD_WORDS),
    "most": {
        "levels": DEPTH_LEVELS,
        "leaves": LEAVES,
        "values": LISTED_VALUES,
        "rows": TABLE_ROWS,
        "limits": LIMITS_PER_RULE,
        "milestones": MILESTONES_PER_STREAK,
    },
}
"""The words and bounds with which the rows are drawn; the definition itself is read here alone."""


class DefinitionWidget(forms.Textarea):
    """A definition's JSON, with the rows that a script draws from it and writes back to it.

    `project` is None where the form's own field chooses it; `name` is the row's, "" for a new one.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__({"rows": 16, "spellcheck": "false", "class": "json"})
        self.subject = subject
        self.project: Project | None = None
        self.row_name = ""

    @property
    def media(self) -> forms.Media:
        script: Any = forms.Script("rewards/editor.js", type="module")
        return forms.Media(css={"all": ["rewards/editor.css"]}, js=[script])

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        context = {
            "textarea": super().render(name, value, attrs, renderer),
            "editor": {
                "subject": self.subject,
                "project": self.project.pk if self.project else None,
                "name": self.row_name,
                "offers": reverse("admin:rewards_definition_offers"),
                "describe": reverse("admin:rewards_definition_describe", args=[self.subject]),
                "words": VOCABULARY,
            },
        }
        return SafeString(render_to_string("rewards/editor.html", context))


@require_GET
def offers_view(request: HttpRequest) -> HttpResponse:
    """Answer with what a definition of the project may choose from."""
    given = request.GET
    found = offers(_project(request, given.get("project")), **_about(given))
    return JsonResponse(asdict(found))


def _about(given: Mapping[str, str]) -> dict[str, str]:
    return {key: given.get(key, "").replace("\x00", "") for key in ("event", "streak")}


@require_POST
def describe_view(request: HttpRequest, subject: str) -> HttpResponse:
    """Answer with the definition as a sentence, or with what is wrong at which path.

    What is wrong is an answer as good as any: a status of its own would fill the browser's
    console while one types.
    """
    project = _project(request, request.POST.get("project"))
    tell = _TELLERS.get(subject)
    if tell is None:
        raise Http404(f"There is no {subject} to describe.")
    definition = read_json(request.POST.get("definition", "").encode())
    if isinstance(definition, Refusal):
        return _problem("", definition.message.replace("The body", "The text"))
    try:
        return JsonResponse(tell(project, request.POST.get("name", ""), definition))
    except RuleError as error:
        return _problem(error.path, f"{error.problem}.")


def _problem(path: str, problem: str) -> HttpResponse:
    return JsonResponse({"error": {"path": path, "problem": problem}})


def _tell_rule(project: Project, name: str, definition: Json) -> dict[str, str]:
    read = publishing.rule_definition(project, definition)
    note = _note(project, read.trigger) if isinstance(read.trigger, str) else ""
    return {"words": describe(read), "note": note}


def _tell_streak(project: Project, name: str, definition: Json) -> dict[str, str]:
    source = publishing.streak_source(project, name=name, definition=definition)
    read = read_streak(source)
    note = _note(project, read.event)
    return {"words": describe_streak(read), "note": note}


_TELLERS: Mapping[str, Callable[[Project, str, Json], dict[str, str]]] = {
    "rule": _tell_rule,
    "streak": _tell_streak,
}


def _note(project: Project, event: str) -> str:
    """Return what the author should know of an event type that brings nothing."""
    if event == ANY_EVENT:
        return ""
    event_type = project.event_types.filter(name=event).first()
    if event_type is None:
        made = "it is made by hand" if project.strict else "its first event comes"
        return f"{quoted(event)} is no event type of the project yet: nothing happens until {made}."
    if not event_type.active:
        return f"{quoted(event)} is not active: its events are refused."
    return ""


def _project(request: HttpRequest, pk: str | None) -> Project:
    if pk and pk.isascii() and pk.isdigit() and len(pk) < len(str(2**63)):
        project = visible_projects(request).filter(pk=int(pk)).first()
        if project:
            return project
    raise Http404("There is no such project.")
