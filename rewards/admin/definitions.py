"""The pages of rules and streaks: what is saved here is published as a new version."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils import timezone

from events.admin.lists import VisibleFilter, local_stamp
from events.admin.scoping import ScopedAdmin
from rewards import publishing
from rewards.admin.editor import describe_view, offers_view
from rewards.admin.forms import RuleForm, StreakForm
from rewards.admin.words import SHOWN_VERSIONS, rule_words, streak_words, version_rows
from rewards.models import Rule, RuleVersion, Streak, StreakVersion
from rewards.reading import RuleError


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

    def tell_published(self, request: HttpRequest, row: Any, before: int) -> None:
        """Say in words what was published since version `before`, 0 for none."""
        newest = row.versions.order_by("number").last()
        if newest is None or newest.number == before:
            return
        [told] = version_rows([newest])
        self.message_user(
            request, f"Version {told.number} is published: {told.words}", messages.SUCCESS
        )

    def newest_version(self) -> "Prefetch[Any]":
        """Return what puts a list of the last version, or none, on each row as `newest`."""
        versions = self.model._meta.get_field("versions")
        rows: QuerySet[Any] = versions.related_model.objects.all()
        of_the_row = {versions.field.name: OuterRef(versions.field.name)}
        newest = rows.filter(**of_the_row).order_by("-number").values("pk")[:1]
        return Prefetch("versions", rows.filter(pk=Subquery(newest)), to_attr="newest")

    @admin.display(description="version")
    def version(self, row: Any) -> str:
        return str(row.newest[0].number) if row.newest else "none yet"

    @admin.display(description="in force since")
    def since(self, row: Any) -> str:
        if not row.newest:
            return "–"
        moment = row.newest[0].in_force_from
        return local_stamp(moment, row.project) if moment else "always"

    @admin.display(description="versions")
    def versions(self, row: Any) -> str:
        newest_first = row.versions.select_related("published_by").order_by("-number")
        shown = version_rows(newest_first[:SHOWN_VERSIONS])
        zone = row.project.zone
        with timezone.override(zone):
            return render_to_string("rewards/_versions.html", {"versions": shown, "zone": zone})


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

    @admin.display(description="in words")
    def in_words(self, row: Rule) -> str:
        newest: list[RuleVersion] = row.newest  # type: ignore[attr-defined]
        words = [rule_words(newest[0].definition)] if newest else []
        if row.draft is not None:
            words.append(f"Draft: {rule_words(row.draft)}")
        return " ".join(words)

    def get_urls(self) -> list[URLPattern]:
        seen = self.admin_site.admin_view
        return [
            path("offers/", seen(offers_view), name="rewards_definition_offers"),
            path(
                "describe/<str:subject>/", seen(describe_view), name="rewards_definition_describe"
            ),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        before = obj.versions.count() if change else 0
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
        self.tell_published(request, obj, before)
        if obj.draft is not None:
            words = rule_words(obj.draft)
            self.message_user(request, f"Kept as a draft: {words}", messages.SUCCESS)

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

    @admin.display(description="in words")
    def in_words(self, row: Streak) -> str:
        newest: list[StreakVersion] = row.newest  # type: ignore[attr-defined]
        return streak_words(newest[0].definition) if newest else ""

    def save_model(self, request: HttpRequest, obj: Streak, form: Any, change: bool) -> None:
        before = obj.versions.count() if change else 0
        streak = publishing.put_streak(
            obj.project,
            name=obj.name,
            definition=form.cleaned_data["definition"],
            by=request.user,
            now=timezone.now(),
        )
        obj.pk = streak.pk
        obj.refresh_from_db()
        self.tell_published(request, obj, before)
