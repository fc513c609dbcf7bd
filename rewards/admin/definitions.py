"""The pages of rules and streaks: what is saved here is published as a new version."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from events.admin.json_field import JsonFormField
from events.admin.lists import VisibleFilter, stamp
from events.admin.scoping import ScopedAdmin
from events.types import Json, JsonObject
from rewards import publishing
from rewards.admin.words import SHOWN_VERSIONS, rule_words, streak_words, version_rows
from rewards.models import Rule, RuleVersion, Streak, StreakVersion
from rewards.reading import RuleError
from rewards.rules import read_definition, read_streak

# Django's forms take no type parameters at run time.
if TYPE_CHECKING:
    _RuleForm = forms.ModelForm[Rule]
    _StreakForm = forms.ModelForm[Streak]
else:
    _RuleForm = _StreakForm = forms.ModelForm

_ROWS = 18
_FIRST_RULE: JsonObject = {"trigger": "", "when": None, "award": {"fixed": 10}, "limits": []}
_FIRST_STREAK: JsonObject = {"event": "", "period": "day", "milestones": []}


def _checked(read: Callable[[Json], object]) -> Callable[[Json], None]:
    """Return the check of a form field that says what `read` refuses."""

    def check(definition: Json) -> None:
        try:
            read(definition)
        except RuleError as error:
            raise ValidationError(str(error)) from error

    return check


class RuleForm(_RuleForm):
    """A rule's definition with its state and schedule, as `publishing.put_rule` takes them."""

    definition = JsonFormField(
        check=_checked(read_definition),
        rows=_ROWS,
        initial=_FIRST_RULE,
        help_text="JSON with trigger, when, award and limits. Saving publishes it as a new "
        "version, unless the state is draft.",
    )
    in_force_from = forms.SplitDateTimeField(
        required=False,
        widget=AdminSplitDateTime,
        help_text="UTC. Empty: the first version holds for all events, a later one from now on.",
    )
    in_force_until = forms.SplitDateTimeField(
        required=False, widget=AdminSplitDateTime, help_text="UTC. Empty: without an end."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.update(_initial_of(self.instance))

    def schedule(self) -> dict[str, Any]:
        """Return the moments asked for; one that was not touched keeps its microseconds."""
        return {
            name: (self.cleaned_data if name in self.changed_data else self.initial).get(name)
            for name in ("in_force_from", "in_force_until")
        }


def _initial_of(rule: Rule) -> dict[str, Any]:
    last = rule.versions.order_by("number").last()
    is_drafted = rule.draft is not None
    return {
        "definition": last.definition if last and not is_drafted else rule.draft,
        # To save a draft again must not publish it.
        "state": Rule.State.DRAFT if is_drafted else rule.state,
        "in_force_from": last.starts_at if last else None,
        "in_force_until": last.in_force_until if last else None,
    }


class StreakForm(_StreakForm):
    """A streak's definition, as `publishing.put_streak` takes it."""

    definition = JsonFormField(
        check=_checked(read_streak),
        rows=_ROWS,
        initial=_FIRST_STREAK,
        help_text="JSON with event, when, period and milestones. Saving publishes it as a new "
        "version.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if last := self.instance.pk and self.instance.versions.order_by("number").last():
            self.initial["definition"] = last.definition

    def clean_definition(self) -> Json:
        definition: Json = self.cleaned_data["definition"]
        if self.instance.pk:
            streak = self.instance
            _checked(
                lambda given: publishing.streak_source(
                    streak.project, name=streak.name, definition=given
                )
            )(definition)
        return definition


class DefinitionAdmin(ScopedAdmin):
    """What rules and streaks share: their last version in words, all of them below."""

    list_filter: ClassVar[Any] = (("project", VisibleFilter),)
    list_select_related = ("project",)
    search_fields = ("name",)
    ordering = ("project__slug", "name", "id")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("project", "name", "in_words", "versions") if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related(self.newest_version())

    def newest_version(self) -> "Prefetch[Any]":
        """Return what puts a list of the last version, or none, on each row as `newest`."""
        raise NotImplementedError

    @admin.display(description="in words")
    def in_words(self, row: Any) -> str:
        raise NotImplementedError

    @admin.display(description="version")
    def version(self, row: Any) -> str:
        return str(row.newest[0].number) if row.newest else "none yet"

    @admin.display(description="in force since (UTC)")
    def since(self, row: Any) -> str:
        if not row.newest:
            return "–"
        moment = row.newest[0].in_force_from
        return stamp(moment) if moment else "always"

    @admin.display(description="versions")
    def versions(self, row: Any) -> str:
        newest_first = row.versions.select_related("published_by").order_by("-number")
        shown = version_rows(newest_first[:SHOWN_VERSIONS])
        return render_to_string("rewards/_versions.html", {"versions": shown})


@admin.register(Rule)
class RuleAdmin(DefinitionAdmin):
    form = RuleForm
    list_display = ("name", "project", "state", "in_words", "version", "since")
    list_filter: ClassVar[Any] = (("project", VisibleFilter), "state")
    actions = ("make_live", "make_shadow", "pause", "archive")

    def get_fields(self, request: HttpRequest, obj: Rule | None = None) -> tuple[str, ...]:
        edited = ("state", "definition", "in_force_from", "in_force_until")
        if obj is None:
            return ("project", "name", *edited)
        return ("project", "name", "in_words", *edited, "versions")

    def newest_version(self) -> "Prefetch[Any]":
        newest = RuleVersion.objects.filter(rule=OuterRef("rule")).order_by("-number").values("pk")
        rows = RuleVersion.objects.filter(pk=Subquery(newest[:1]))
        return Prefetch("versions", rows, to_attr="newest")

    @admin.display(description="in words")
    def in_words(self, row: Rule) -> str:
        newest: list[RuleVersion] = row.newest  # type: ignore[attr-defined]
        words = [rule_words(newest[0].definition)] if newest else []
        if row.draft is not None:
            words.append(f"Draft: {rule_words(row.draft)}")
        return " ".join(words)

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        rule = publishing.put_rule(
            obj.project,
            name=obj.name,
            state=Rule.State(form.cleaned_data["state"]),
            definition=form.cleaned_data["definition"],
            by=request.user,
            now=timezone.now(),
            **form.schedule(),
        )
        obj.pk = rule.pk
        obj.refresh_from_db()

    @admin.action(description="Set the selected rules live", permissions=["change"])
    def make_live(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._set_state(request, queryset, Rule.State.LIVE)

    @admin.action(description="Try the selected rules in shadow", permissions=["change"])
    def make_shadow(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._set_state(request, queryset, Rule.State.SHADOW)

    @admin.action(description="Pause the selected rules", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._set_state(request, queryset, Rule.State.PAUSED)

    @admin.action(description="Archive the selected rules", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._set_state(request, queryset, Rule.State.ARCHIVED)

    def _set_state(self, request: HttpRequest, queryset: QuerySet[Rule], state: Rule.State) -> None:
        for rule in queryset:
            try:
                publishing.set_state(rule, state)
            except RuleError as error:
                self.message_user(request, str(error), messages.ERROR)
                continue
            self.log_change(request, rule, f"Made {state}.")
            self.message_user(request, f"“{rule}” is {state}.", messages.SUCCESS)


@admin.register(Streak)
class StreakAdmin(DefinitionAdmin):
    form = StreakForm
    list_display = ("name", "project", "in_words", "version", "since")

    def get_fields(self, request: HttpRequest, obj: Streak | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("project", "name", "definition")
        return ("project", "name", "in_words", "definition", "versions")

    def newest_version(self) -> "Prefetch[Any]":
        newest = StreakVersion.objects.filter(streak=OuterRef("streak")).order_by("-number")
        rows = StreakVersion.objects.filter(pk=Subquery(newest.values("pk")[:1]))
        return Prefetch("versions", rows, to_attr="newest")

    @admin.display(description="in words")
    def in_words(self, row: Streak) -> str:
        newest: list[StreakVersion] = row.newest  # type: ignore[attr-defined]
        return streak_words(newest[0].definition) if newest else ""

    def save_model(self, request: HttpRequest, obj: Streak, form: Any, change: bool) -> None:
        streak = publishing.put_streak(
            obj.project,
            name=obj.name,
            definition=form.cleaned_data["definition"],
            by=request.user,
            now=timezone.now(),
        )
        obj.pk = streak.pk
        obj.refresh_from_db()
