"""The forms of rules and streaks, whose rules of writing are those of publishing."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString

from events.admin.json_field import JsonFormField
from events.models import Project
from events.types import Json, JsonObject
from rewards import publishing
from rewards.admin.editor import DefinitionWidget, Subject
from rewards.models import Rule, Streak
from rewards.reading import RuleError
from rewards.rules import read_definition, read_streak

# Django's forms take no type parameters at run time.
if TYPE_CHECKING:
    _RuleForm = forms.ModelForm[Rule]
    _StreakForm = forms.ModelForm[Streak]
else:
    _RuleForm = _StreakForm = forms.ModelForm

_UTC = ZoneInfo("UTC")
_FIRST_RULE: JsonObject = {"trigger": "", "when": None, "award": {"fixed": 10}, "limits": []}
_FIRST_STREAK: JsonObject = {"event": "", "period": "day", "milestones": []}


class DefinitionField(JsonFormField):
    """A rule's or a streak's definition, edited in rows or as JSON."""

    widget: DefinitionWidget

    def __init__(self, subject: Subject, *, initial: JsonObject) -> None:
        read = read_definition if subject == "rule" else read_streak
        super().__init__(check=lambda given: _check(read, given), rows=0, initial=initial)
        self.widget = DefinitionWidget(subject)
        self.widget.is_required = True


def _check(read: Any, definition: Json) -> None:
    """Raise ValidationError where `read` refuses the definition."""
    try:
        read(definition)
    except RuleError as error:
        raise ValidationError(str(error)) from error


class MomentField(forms.SplitDateTimeField):
    """A moment, typed as date and time of a project's clock."""

    zone = _UTC

    def __init__(self, label: str) -> None:
        super().__init__(required=False, label=label, widget=_moment_inputs(label))

    def prepare_value(self, value: Any) -> Any:
        return self._local(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self._local(initial), data))

    def compress(self, data_list: Any) -> datetime | None:
        if not data_list:
            return None
        date, time = data_list
        if date is None or time is None:
            raise ValidationError("Give both a date and a time, or neither.")
        typed = datetime.combine(date, time)
        moment = typed.replace(tzinfo=self.zone).astimezone(_UTC)
        if self._local(moment) != typed:
            raise ValidationError(f"The clocks of {self.zone} leave this hour out.")
        return moment

    def _local(self, value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo:
            return value.astimezone(self.zone).replace(tzinfo=None, fold=0)
        return value


def _moment_inputs(label: str) -> forms.SplitDateTimeWidget:
    # The browser's own inputs: Django's “Now” would be now in UTC.
    date = {"class": "tw-moment", "type": "date", "aria-label": f"{label}: date"}
    time = {"class": "tw-moment", "type": "time", "step": "1", "aria-label": f"{label}: time"}
    return forms.SplitDateTimeWidget(
        date_attrs=date, date_format="%Y-%m-%d", time_attrs=time, time_format="%H:%M:%S"
    )


def _in_zone(project: Project | None, words: str) -> SafeString:
    zone = project.time_zone if project else "the project’s time zone"
    return format_html("In <span data-zone>{}</span>. {}", zone, words)


class RuleForm(_RuleForm):
    """A rule's definition with its state and schedule, as `publishing.put_rule` takes them."""

    definition = DefinitionField("rule", initial=_FIRST_RULE)
    in_force_from = MomentField("In force from")
    in_force_until = MomentField("In force until")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.update(_initial_of(self.instance))
        project = _project_of(self)
        _prepare(self, project)
        self.fields["state"].help_text = (
            "Live pays. Shadow is tried on each event and pays nothing. A draft waits, and what "
            "is published goes on meanwhile."
        )
        moments = {
            "in_force_from": "Empty: the first version holds for all events, a later one from "
            "its publication.",
            "in_force_until": "Empty: without an end.",
        }
        for name, words in moments.items():
            self.fields[name].help_text = _in_zone(project, words)
            self.fields[name].zone = project.zone if project else _UTC  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        _check_within(self, publishing.rule_definition)
        return cleaned

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

    definition = DefinitionField("streak", initial=_FIRST_STREAK)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if last := self.instance.pk and self.instance.versions.order_by("number").last():
            self.initial["definition"] = last.definition
        _prepare(self, _project_of(self))

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        name = self.instance.name if self.instance.pk else (cleaned or {}).get("name", "")
        _check_within(
            self,
            lambda project, given: publishing.streak_source(project, name=name, definition=given),
        )
        return cleaned


def _project_of(form: Any) -> Project | None:
    """Return the row's project, or the one that the form as posted or prepared names."""
    if form.instance.pk:
        project: Project = form.instance.project
        return project
    field = form.fields.get("project")
    if field is None:
        return None
    try:
        chosen: Project | None = field.clean(form["project"].value())
    except ValidationError:
        return None
    return chosen


def _prepare(form: Any, project: Project | None) -> None:
    widget: DefinitionWidget = form.fields["definition"].widget
    if form.instance.pk:
        widget.project, widget.row_name = project, form.instance.name


def _check_within(form: Any, read: Any) -> None:
    """Add the error of a definition that is sound, but not in its project."""
    given = form.cleaned_data
    project = form.instance.project if form.instance.pk else given.get("project")
    if project is None or "definition" not in given:
        return
    try:
        read(project, given["definition"])
    except RuleError as error:
        form.add_error("definition", str(error))
