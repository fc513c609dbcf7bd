"""The pages of projects and of their keys."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from events import keys, projects
from events.admin.lists import VisibleFilter, local_stamp
from events.admin.scoping import MemberInline, ScopedAdmin
from events.models import ApiKey, Project


class ApiKeyInline(MemberInline):
    """A project's keys; they are issued and revoked on their own pages."""

    model = ApiKey
    fields = readonly_fields = ("prefix", "kind", "name", "created", "revoked")
    verbose_name_plural = "keys"

    @admin.display(description="created")
    def created(self, api_key: ApiKey) -> str:
        return _created(api_key)

    @admin.display(description="revoked")
    def revoked(self, api_key: ApiKey) -> str:
        return _revoked(api_key)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Project)
class ProjectAdmin(ScopedAdmin):
    """Superusers make projects and choose their members; members edit the rest."""

    project_path = "pk"
    list_display = ("slug", "name", "time_zone", "strict", "created")
    search_fields = ("slug", "name")
    autocomplete_fields = ("members",)

    def get_fields(self, request: HttpRequest, obj: Project | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("slug", "time_zone", "strict")
        edited = ("name", "strict", "reward_window_days", "members")
        return ("slug", *edited, "zone", "created")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Project | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        # Another zone would need every rollup anew, another slug every token.
        fixed = ("slug", "zone", "created")
        return fixed if request.user.is_superuser else (*fixed, "members")

    def get_inlines(self, request: HttpRequest, obj: Project | None) -> tuple[type, ...]:
        return (ApiKeyInline,) if obj else ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser

    def get_form(
        self, request: HttpRequest, obj: Project | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if zone := form.base_fields.get("time_zone"):
            zone.help_text = "An IANA name such as Europe/Berlin. It is fixed from then on."
        return form

    @admin.display(description="time zone")
    def zone(self, project: Project) -> str:
        return format_html(
            '{}<br><span class="tw-note">It is fixed: days, streaks and statistics were counted '
            "by its clock.</span>",
            project.time_zone,
        )

    @admin.display(description="created", ordering="created_at")
    def created(self, project: Project) -> str:
        return local_stamp(project.created_at, project)

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        if change:
            # The version of the set-up that the form was drawn from may be an old one.
            obj.save(update_fields=[name for name in form.changed_data if name != "members"])
            return
        made = projects.create(
            slug=obj.slug, time_zone=obj.time_zone, strict=obj.strict, now=timezone.now()
        )
        obj.pk = made.project.pk
        obj.refresh_from_db()
        _show_once(
            request,
            {
                "API key": made.api_key,
                "secret key": made.secret_key,
                "token (JWT)": made.jwt,
                "JWT secret": made.jwt_secret,
            },
        )


class RevokedFilter(admin.SimpleListFilter):
    title = "validity"
    parameter_name = "revoked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Valid"), ("yes", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("no", "yes"):
            return queryset
        return queryset.filter(revoked_at__isnull=self.value() == "no")


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    """Keys are issued and revoked, never edited."""

    list_display = ("prefix", "project", "kind", "name", "allows", "created", "revoked")
    list_filter = (("project", VisibleFilter), "kind", RevokedFilter)
    list_select_related = ("project",)
    search_fields = ("prefix", "name")
    ordering = ("-id",)
    autocomplete_fields = ("project",)
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("project", "kind", "name")
        return ("prefix", "project", "kind", "name", "allows", "created", "revoked")

    def get_readonly_fields(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> tuple[str, ...]:
        return self.get_fields(request, obj) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @admin.display(description="allows")
    def allows(self, api_key: ApiKey) -> str:
        return ", ".join(api_key.scopes)

    @admin.display(description="created", ordering="created_at")
    def created(self, api_key: ApiKey) -> str:
        return _created(api_key)

    @admin.display(description="revoked", ordering="revoked_at")
    def revoked(self, api_key: ApiKey) -> str:
        return _revoked(api_key)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        issued = keys.issue(obj.project, ApiKey.Kind(obj.kind), name=obj.name)
        obj.pk = issued.api_key.pk
        obj.refresh_from_db()
        _show_once(request, {issued.api_key.get_kind_display(): issued.text})

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        now = timezone.now()
        revoked = [api_key for api_key in queryset if keys.revoke(api_key, now)]
        for api_key in revoked:
            self.log_change(request, api_key, "Revoked.")
        self.message_user(
            request, f"Keys revoked: {len(revoked)}. Every process refuses them within seconds."
        )


def _show_once(request: HttpRequest, secrets: dict[str, str]) -> None:
    rows = format_html_join("", "<br>{}: <code>{}</code>", secrets.items())
    text = format_html("Copy this now, it is not shown again:{}", rows)
    messages.warning(request, text)


def _created(api_key: ApiKey) -> str:
    return local_stamp(api_key.created_at, api_key.project)


def _revoked(api_key: ApiKey) -> str:
    return local_stamp(api_key.revoked_at, api_key.project) if api_key.revoked_at else "–"
