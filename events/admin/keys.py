"""The pages of API keys."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from events import keys
from events.admin.lists import VisibleFilter, local_stamp
from events.admin.rotation import Rotation, rotation_page, show_once
from events.admin.scoping import MemberInline, ScopedAdmin
from events.key_activity import SHOWN_DAYS, limited_days
from events.models import ApiKey, LimitedDay
from events.rate_limits import GAMEBALL_PRESET
from events.types import Scope

# Django's forms take no type parameters at run time, and unfold has no types.
if TYPE_CHECKING:
    _KeyForm = forms.ModelForm[ApiKey]
    _TextInput = forms.TextInput
else:
    _KeyForm = forms.ModelForm
    _TextInput = UnfoldAdminTextInputWidget

_SCOPE_WORDS = {
    Scope.INGEST: "ingest: send events and customers",
    Scope.READ: "read: events, customers, statistics",
    Scope.CONFIGURE: "configure: catalogue, rules, streaks",
    Scope.POINTS: "points: move them (secret keys)",
}


class RateLimitWidget(_TextInput):
    """A text with the limits that are often wanted to choose from."""

    presets = ("100/s", GAMEBALL_PRESET, "1000/min")

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        list_id = f"{name}-presets"
        field = super().render(name, value, {**(attrs or {}), "list": list_id}, renderer)
        options = format_html_join("", '<option value="{}">', ((each,) for each in self.presets))
        return format_html('{}<datalist id="{}">{}</datalist>', field, list_id, options)


class ApiKeyForm(_KeyForm):
    """What may be chosen of a key; its text is made by the server."""

    scopes = forms.MultipleChoiceField(
        label="Allows",
        choices=list(_SCOPE_WORDS.items()),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = ApiKey
        fields = ("project", "kind", "name", "scopes", "rate_limit")
        widgets = {"rate_limit": RateLimitWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A key that is only looked at has no fields.
        if "rate_limit" in self.fields:
            self.fields["rate_limit"].help_text += f" Gameball's own: {GAMEBALL_PRESET}."
        if "scopes" in self.fields and self._is_new:
            self.fields["scopes"].help_text = "Choose none for all that a key of its kind may."

    @property
    def _is_new(self) -> bool:
        return self.instance.pk is None

    def clean_scopes(self) -> list[str]:
        scopes: list[str] = self.cleaned_data["scopes"]
        kind = self.cleaned_data.get("kind", self.instance.kind)
        if Scope.POINTS in scopes and kind == ApiKey.Kind.API:
            raise ValidationError("Only a secret key may move points.")
        if not scopes and self._is_new and kind:
            return [str(scope) for scope in keys.SCOPES[ApiKey.Kind(kind)]]
        if not scopes:
            raise ValidationError("A key that may nothing is better revoked.")
        return scopes


class ApiKeyInline(MemberInline):
    """A project's keys; they are issued, changed and revoked on their own pages."""

    model = ApiKey
    fields = readonly_fields = ("key", "kind", "name", "used", "state")
    verbose_name_plural = "keys"

    @admin.display(description="key")
    def key(self, api_key: ApiKey) -> str:
        url = reverse("admin:events_apikey_change", args=[api_key.pk])
        return format_html('<a href="{}">{}</a>', url, api_key.prefix)

    @admin.display(description="last used")
    def used(self, api_key: ApiKey) -> str:
        return _used(api_key)

    @admin.display(description="state")
    def state(self, api_key: ApiKey) -> str:
        return _state(api_key)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ValidityFilter(admin.SimpleListFilter):
    title = "validity"
    parameter_name = "revoked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Valid"), ("expires", "Expires"), ("expired", "Expired"), ("yes", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        chosen = {
            "no": Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now)),
            "expires": Q(revoked_at=None, expires_at__gt=now),
            "expired": Q(revoked_at=None, expires_at__lte=now),
            "yes": Q(revoked_at__isnull=False),
        }.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    """Keys are issued, rotated and revoked; what they may do can be changed."""

    form = ApiKeyForm
    list_display = ("prefix", "project", "kind", "name", "allows", "rate_limit", "used", "state")
    list_filter = (("project", VisibleFilter), "kind", ValidityFilter)
    list_select_related = ("project", "replaced_by")
    search_fields = ("prefix", "name")
    ordering = ("-id",)
    autocomplete_fields = ("project",)
    actions = ("rotate", "revoke")
    change_form_template = "admin/events/apikey/change_form.html"

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("project", "kind", "name", "scopes", "rate_limit")
        scopes = "scopes" if self.has_change_permission(request, obj) else "allows"
        chosen = ("name", scopes, "rate_limit")
        return ("prefix", "project", "kind", *chosen, "state", "used", "limited", "created")

    def get_readonly_fields(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        fixed = ("prefix", "project", "kind", "state", "used", "limited", "created")
        return (*fixed, "allows")

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        # A key that no longer holds is a record of what it could do.
        is_held = obj is None or obj.revoked_at is None
        return is_held and super().has_change_permission(request, obj)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        rotate = self.admin_site.admin_view(self.rotate_page)
        own = [path("<int:key_id>/rotate/", rotate, name="events_apikey_rotate")]
        return own + super().get_urls()

    @admin.display(description="allows")
    def allows(self, api_key: ApiKey) -> str:
        return ", ".join(api_key.scopes)

    @admin.display(description="created", ordering="created_at")
    def created(self, api_key: ApiKey) -> str:
        return local_stamp(api_key.created_at, api_key.project)

    @admin.display(description="last used", ordering="last_used_at")
    def used(self, api_key: ApiKey) -> str:
        return _used(api_key)

    @admin.display(description="state")
    def state(self, api_key: ApiKey) -> str:
        return _state(api_key)

    @admin.display(description="refused by the limit")
    def limited(self, api_key: ApiKey) -> str:
        return limited_table(
            limited_days(
                project_id=api_key.project_id,
                key_number=api_key.pk,
                today=timezone.now().date(),
            )
        )

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            # A rotation or a use that came between must not be undone by a whole row.
            obj.save(update_fields=form.changed_data)
            return
        issued = keys.issue(
            obj.project,
            ApiKey.Kind(obj.kind),
            obj.name,
            scopes=obj.scopes,
            rate_limit=obj.rate_limit,
        )
        obj.pk = issued.api_key.pk
        obj.refresh_from_db()
        show_once(request, {issued.api_key.get_kind_display(): issued.text})

    @admin.action(description="Rotate the selected key", permissions=["revoke"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        chosen = list(queryset[:2])
        if len(chosen) == 1:
            url = reverse("admin:events_apikey_rotate", args=[chosen[0].pk])
            return HttpResponseRedirect(url)
        self.message_user(request, "Choose one key to rotate at a time.", messages.ERROR)
        return None

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        now = timezone.now()
        revoked = [api_key for api_key in queryset if keys.revoke(api_key, now)]
        for api_key in revoked:
            self.log_change(request, api_key, "Revoked.")
        self.message_user(
            request, f"Keys revoked: {len(revoked)}. Every process refuses them within seconds."
        )

    def rotate_page(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Ask for the overlap; show the new key, and let the former one expire."""
        api_key: ApiKey = get_object_or_404(self.get_queryset(request), pk=key_id)

        def rotate(overlap: timedelta) -> str:
            issued = keys.rotate(api_key, overlap=overlap, now=timezone.now())
            self.log_change(request, api_key, f"Rotated. It is followed by {issued.api_key}")
            self.log_addition(request, issued.api_key, f"Issued in the place of {api_key}")
            show_once(request, {issued.api_key.get_kind_display(): issued.text})
            return reverse("admin:events_apikey_change", args=[issued.api_key.pk])

        return rotation_page(
            request,
            Rotation(
                title=f"Rotate the key {api_key}",
                what=f"A new {api_key.get_kind_display()} is made that may do the same, and is "
                f"shown once. The key {api_key} goes on holding for as long as you choose here; "
                "put the new one in everywhere until then.",
                refusal=_rotation_refusal(api_key),
                back_url=reverse("admin:events_apikey_change", args=[api_key.pk]),
                rotate=rotate,
            ),
        )


def _rotation_refusal(api_key: ApiKey) -> str:
    if api_key.revoked_at is not None:
        return "The key was revoked: issue another one."
    if api_key.expires_at is not None:
        return f"The key was rotated before: {_expiry(api_key)}"
    return ""


def _used(api_key: ApiKey) -> str:
    if api_key.last_used_at is None:
        return "never used"
    return f"{api_key.last_used_at.astimezone(api_key.project.zone):%Y-%m-%d %H:%M %Z}"


def _state(api_key: ApiKey) -> str:
    if api_key.revoked_at is not None:
        at = local_stamp(api_key.revoked_at, api_key.project)
        return format_html('<span><span class="tw-bad">revoked</span> {}</span>', at)
    if api_key.expires_at is not None:
        return _expiry(api_key)
    return format_html('<span class="tw-good">{}</span>', "valid")


def _expiry(api_key: ApiKey) -> SafeString:
    """Say when a rotated key expires, and which key follows it."""
    assert api_key.expires_at is not None  # noqa: S101 (asked by its callers)
    is_over = api_key.expires_at <= timezone.now()
    follower = f", followed by {api_key.replaced_by.prefix}" if api_key.replaced_by else ""
    return format_html(
        # One element: on a phone each of several would be a column.
        '<span><span class="{}">{}</span> {}{}</span>',
        "tw-bad" if is_over else "tw-good",
        "expired" if is_over else "valid until",
        local_stamp(api_key.expires_at, api_key.project),
        follower,
    )


def limited_table(days: list[LimitedDay]) -> SafeString:
    """Return the last days on which a limit refused something, or that there was none."""
    if not days:
        return format_html("nothing in the last {} days", SHOWN_DAYS)
    rows = format_html_join(
        "",
        '<tr><td data-label="Day (UTC)">{}</td><td class="tw-number" data-label="Requests">{}</td>'
        '<td class="tw-number" data-label="Events in them">{}</td></tr>',
        ((day.date.isoformat(), f"{day.requests:,}", f"{day.events:,}") for day in days),
    )
    return format_html(
        '<div class="tw-scroll"><table class="tw-table"><thead><tr><th scope="col">Day (UTC)</th>'
        '<th scope="col" class="tw-number">Requests</th>'
        '<th scope="col" class="tw-number">Events in them</th></tr></thead>'
        "<tbody>{}</tbody></table></div>",
        rows,
    )
