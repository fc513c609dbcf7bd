"""The pages of what was refused: how much and why, each with what to do, and replayed from here."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from events import limits, refusals
from events.admin.json_field import pretty
from events.admin.lists import RecordAdmin, SinceFilter, VisibleFilter, id_in, local_stamp
from events.admin.scoping import visible_projects
from events.filters import of_client
from events.metadata import read_json
from events.models import Quarantine
from events.types import Refusal, RefusalCode
from events.wires.registry import WIRES
from rewards import replay
from rewards.admin.advice import advice_on

COUNTED_DAYS = 30
SHOWN_CLIENTS = 10
_BECAME = {
    "taken": "Taken: its events are stored, and what they earned is in the ledger.",
    "repeated": "The same came in otherwise, so nothing was awarded.",
    "refused": "Refused again; the reason below is the latest.",
    "replayed_before": "It was replayed before; nothing was done.",
    "not_whole": "Not all of it is kept, so it can't be replayed.",
}


class CodeFilter(admin.SimpleListFilter):
    """Refusals of one code. The codes are known: the table need not be searched for them."""

    title = "reason"
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(code), code.replace("_", " ")) for code in sorted(RefusalCode)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(code=self.value()) if self.value() else queryset


class WireFilter(admin.SimpleListFilter):
    """Refusals of one format; the formats are known as well."""

    title = "wire"
    parameter_name = "wire"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(WIRES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(wire=self.value()) if self.value() else queryset


class ClientFilter(admin.SimpleListFilter):
    """Refusals of one client, which is chosen among the counts above the list."""

    title = "client"
    parameter_name = "client"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(client, client)] if (client := self.value()) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(of_client(client)) if (client := self.value()) else queryset


class StateFilter(admin.SimpleListFilter):
    """Refusals that stand, and those that were replayed."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("standing", "Not replayed"), *Quarantine.Replay.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(replay="" if self.value() == "standing" else self.value())


@admin.register(Quarantine)
class QuarantineAdmin(RecordAdmin):
    list_display = ("received", "project", "wire", "code", "message", "field", "state")
    list_filter = (
        ("project", VisibleFilter),
        StateFilter,
        CodeFilter,
        WireFilter,
        SinceFilter,
        ("api_key", VisibleFilter),
        ClientFilter,
    )
    list_select_related = ("project",)
    list_before_template = "admin/events/quarantine/_counts.html"
    search_fields = ("message",)
    search_help_text = "An id, or a part of the message or of the client"
    actions = ("replay_selected",)
    fields = (
        "id",
        "received",
        "project",
        "api_key",
        "wire",
        "path",
        "client",
        "code",
        "message",
        "field",
        "state",
        "sent",
    )

    def get_urls(self) -> list[URLPattern]:
        seen = self.admin_site.admin_view
        return [
            path("replay/", seen(self.replay_all_page), name="events_quarantine_replay_all"),
            path(
                "<uuid:row_id>/replay/",
                seen(require_POST(self.replay_one)),
                name="events_quarantine_replay",
            ),
            *super().get_urls(),
        ]

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @admin.display(description="received")
    def received(self, row: Quarantine) -> str:
        return local_stamp(row.received_at, row.project)

    @admin.display(description="state")
    def state(self, row: Quarantine) -> str:
        if row.replayed_at is None:
            return "not replayed" if replay.is_whole(row) else "not all of it is kept"
        moment = local_stamp(row.replayed_at, row.project)
        return f"{row.get_replay_display().lower()}, {moment}"

    @admin.display(description="what was sent")
    def sent(self, row: Quarantine) -> SafeString:
        value = read_json(row.payload.encode())
        text = row.payload if isinstance(value, Refusal) else pretty(value)
        return format_html('<pre class="tw-code" tabindex="0">{}</pre>', text)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        if row_id := id_in(search_term):
            return queryset.filter(id=row_id), False
        texts = Q(message__icontains=search_term) | Q(client__icontains=search_term)
        return queryset.filter(texts), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        if isinstance(answer, TemplateResponse) and answer.context_data:
            answer.context_data |= _counts(request, answer.context_data["cl"].queryset)
        return answer

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if row := kwargs.get("obj"):
            context["advice"] = advice_on(row)
            context["is_standing"] = row.replayed_at is None
            context["is_whole"] = replay.is_whole(row)
        return super().render_change_form(request, context, *args, **kwargs)

    def replay_one(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        row = self.get_object(request, str(row_id))
        if row is None:
            raise Http404
        takes_repeats = "even_if_repeated" in request.POST
        try:
            replayed = replay.replay(row, takes_repeats=takes_repeats)
        except OperationalError:
            self.message_user(request, _AWAY, messages.ERROR)
        else:
            self._tell_one(request, row, replayed)
        return HttpResponseRedirect(reverse("admin:events_quarantine_change", args=[row_id]))

    def _tell_one(self, request: HttpRequest, row: Quarantine, replayed: replay.Replayed) -> None:
        words = _BECAME[replayed.became]
        points = sum(
            each.points_awarded + sum(streak.points_awarded for streak in each.streaks)
            for each in replayed.outcomes
            if each.status == "accepted"
        )
        if replayed.became == "taken":
            words = f"{words} Points: {points:,}."
        is_done = replayed.became in ("taken", "repeated")
        if is_done:
            self.log_change(request, row, f"Replayed: {replayed.became}.")
        self.message_user(request, words, messages.SUCCESS if is_done else messages.WARNING)

    @admin.action(description="Replay what is selected", permissions=["replay"])
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[Quarantine]) -> None:
        standing = list(queryset.filter(replayed_at=None))
        try:
            found = replay.replay_all(queryset)
        except OperationalError:
            self.message_user(request, _AWAY, messages.ERROR)
            return
        self._log_replayed(request, standing)
        self.message_user(request, told(found), messages.SUCCESS)

    def replay_all_page(self, request: HttpRequest) -> HttpResponse:
        """Show how many rows the list's filters leave; replay a part of them where posted."""
        if not self.has_replay_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters as error:
            raise Http404 from error
        found = None
        if request.method == "POST":
            after = id_in(request.POST.get("after", ""))
            part = rows.filter(replayed_at=None)
            tried = part.filter(id__gt=after) if after else part
            standing = list(tried.order_by("id")[: limits.REPLAYS_PER_CALL])
            try:
                found = replay.replay_all(rows, after=after)
            except OperationalError:
                self.message_user(request, _AWAY, messages.ERROR)
            self._log_replayed(request, standing)
        context = self.admin_site.each_context(request) | {
            "title": "Replay all that match",
            "opts": self.opts,
            "found": found,
            "told": told(found) if found else "",
            "standing": rows.filter(replayed_at=None).order_by().count(),
            "rows_per_call": limits.REPLAYS_PER_CALL,
            "query": request.GET.urlencode(),
        }
        return TemplateResponse(request, "admin/events/quarantine/replay_all.html", context)

    def _log_replayed(self, request: HttpRequest, tried: Sequence[Quarantine]) -> None:
        done = Quarantine.objects.filter(
            pk__in=[row.pk for row in tried], replayed_at__isnull=False
        )
        for row in done:
            self.log_change(request, row, f"Replayed: {row.replay}.")


_AWAY = "The database could not take it in time. What was not replayed stays; try again."


def told(found: replay.ReplayedAll) -> str:
    """Return in words what became of several rows."""
    parts = [
        f"Taken: {found.taken:,}",
        f"came in otherwise: {found.repeated:,}",
        f"refused again: {found.refused:,}",
    ]
    if found.not_whole:
        parts.append(f"not all of it kept: {found.not_whole:,}")
    if found.replayed_before:
        parts.append(f"replayed before: {found.replayed_before:,}")
    return ", ".join(parts) + "."


def _counts(request: HttpRequest, rows: QuerySet[Quarantine]) -> dict[str, Any]:
    """Return what stands above the list: how much of it was refused for what, and by whom."""
    days = {"today": 1, "7-days": 7}.get(request.GET.get("received", ""), COUNTED_DAYS)
    now = timezone.now()
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    found = refusals.counted(rows.filter(received_at__gte=first))
    chosen = request.GET.get("project__id__exact", "")
    projects = visible_projects(request)
    if chosen.isdecimal():
        projects = projects.filter(pk=int(chosen))
    shown = found.clients[:SHOWN_CLIENTS]
    return {
        "counted_days": "today" if days == 1 else f"in the last {days} days",
        "counts": found,
        "codes": [(each, _link(request, code=each.name)) for each in found.codes],
        "clients": [(each, _link(request, client=each.name)) for each in shown],
        "other_clients": found.total - sum(each.count for each in shown),
        "beyond": refusals.beyond(projects, first, now),
        "replay_all_url": _with_query(
            "admin:events_quarantine_replay_all", request.GET.urlencode()
        ),
    }


def _link(request: HttpRequest, **changed: str) -> str:
    kept = {name: value for name, value in request.GET.items() if name != "p"}
    return "?" + urlencode(kept | changed)


def _with_query(name: str, query: str) -> str:
    return f"{reverse(name)}?{query}" if query else reverse(name)
