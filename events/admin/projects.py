"""The pages of projects."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from events import keys, projects
from events.admin.keys import ApiKeyInline, RateLimitWidget, limited_table
from events.admin.lists import local_stamp
from events.admin.rotation import Rotation, rotation_page, show_once
from events.admin.scoping import ScopedAdmin
from events.key_activity import limited_days
from events.models import Project


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
        edited = ("name", "strict", "reward_window_days", "merge_by", "discard_bots", "members")
        keyed = ("demands_secret_key", "token_rate_limit", "limited_tokens", "jwt_secret_state")
        return ("slug", *edited, *keyed, "zone", "created")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Project | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        # Another zone would need every rollup anew, another slug every token.
        fixed = ("slug", "zone", "created", "limited_tokens", "jwt_secret_state")
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
        if limit := form.base_fields.get("token_rate_limit"):
            limit.widget = RateLimitWidget()
        return form

    def get_urls(self) -> list[URLPattern]:
        rotate = self.admin_site.admin_view(self.rotate_page)
        own = [path("<int:project_id>/rotate/", rotate, name="events_project_rotate")]
        return own + super().get_urls()

    @admin.display(description="time zone")
    def zone(self, project: Project) -> str:
        return format_html(
            '{}<br><span class="tw-note">It is fixed: days, streaks and statistics were counted '
            "by its clock.</span>",
            project.time_zone,
        )

    @admin.display(description="tokens refused by the limit")
    def limited_tokens(self, project: Project) -> str:
        today = timezone.now().date()
        return limited_table(limited_days(project_id=project.pk, key_number=0, today=today))

    @admin.display(description="JWT secret")
    def jwt_secret_state(self, project: Project) -> str:
        until = project.former_jwt_secret_until
        if until is None or until <= timezone.now():
            return "one in force; it is never shown again"
        return f"two in force: tokens of the former one hold until {local_stamp(until, project)}"

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
        show_once(
            request,
            {
                "API key": made.api_key,
                "secret key": made.secret_key,
                "token (JWT)": made.jwt,
                "JWT secret": made.jwt_secret,
            },
        )

    def rotate_page(self, request: HttpRequest, project_id: int) -> HttpResponse:
        """Ask for the overlap; show the new secret with a token of it."""
        project: Project = get_object_or_404(self.get_queryset(request), pk=project_id)
        url = reverse("admin:events_project_change", args=[project.pk])

        def rotate(overlap: timedelta) -> str:
            issued = keys.rotate_jwt_secret(project, overlap=overlap, now=timezone.now())
            self.log_change(request, project, "Rotated the JWT secret.")
            show_once(request, {"token (JWT)": issued.jwt, "JWT secret": issued.jwt_secret})
            return url

        return rotation_page(
            request,
            Rotation(
                title=f"Rotate the JWT secret of {project}",
                what="A new secret is made and shown once, with a ready token. Tokens that the "
                "former one signed hold for as long as you choose here, unless they expire before; "
                "a secret before that is out at once.",
                refusal="",
                back_url=url,
                rotate=rotate,
            ),
        )
