"""The composition root: which path is served by which view with which collaborators."""

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from config.connect.views import connect_lights, connect_page
from config.health import health
from config.openapi import views as openapi
from config.set_up_pages import export, import_page
from config.start_page import start_page
from events.jobs import keep
from events.user_views import VibetraceUserView
from events.views import EventListView, IngestView, ReceiptView
from events.wires import collision, gameball, lynes, native, referd, releva, vibetrace
from rewards.gameball_views import (
    BalanceView,
    BatchStatusView,
    BotSettingsView,
    GameballCustomerView,
)
from rewards.lynes_views import UserHistoryView, UserPointsView, UserStreaksView
from rewards.pipeline import process
from rewards.preview import preview
from rewards.quarantine_views import (
    QuarantineSummaryView,
    QuarantineView,
    ReplayAllView,
    ReplayView,
)
from rewards.referd_views import PlayerBalanceView
from rewards.views import CustomerView

_events = IngestView.as_view(wire=native.wire, process=process, on_get=EventListView.as_view())
_take_lynes_event = IngestView.as_view(wire=lynes.wire, process=process)
_take_lynes_user = IngestView.as_view(wire=lynes.user_wire, process=process)
_take_referd_event = IngestView.as_view(wire=referd.wire, process=process)
_take_referd_player = IngestView.as_view(wire=referd.player_wire, process=process)
_take_event_of_either = IngestView.as_view(
    wire=lynes.wire, process=process, choose=collision.event_wire
)
_take_user_of_either = IngestView.as_view(
    wire=lynes.user_wire, process=process, choose=collision.user_wire
)
_take_vibetrace = IngestView.as_view(wire=vibetrace.wire, process=process)
_vibetrace_user = IngestView.as_view(
    wire=vibetrace.wire, process=process, takes=("PUT",), on_get=VibetraceUserView.as_view()
)
_take_releva = IngestView.as_view(wire=releva.wire, process=process)
_take_gameball = IngestView.as_view(wire=gameball.wire, process=process)
_take_open_gameball = IngestView.as_view(wire=gameball.open_wire, process=process)
_take_gameball_customer = IngestView.as_view(wire=gameball.customer_wire, process=process)
_take_open_gameball_customer = IngestView.as_view(wire=gameball.open_customer_wire, process=process)
_preview_gameball = IngestView.as_view(
    wire=gameball.preview_wire, process=preview, keeps_refused=False
)
_preview_open_gameball = IngestView.as_view(
    wire=gameball.open_preview_wire, process=preview, keeps_refused=False
)
_keep_gameball_batch = IngestView.as_view(wire=gameball.batch_wire, process=keep)
_set_up = admin.site.admin_view(import_page)
_export = admin.site.admin_view(export)
_connect = admin.site.admin_view(connect_page)
_lights = admin.site.admin_view(connect_lights)
# The pages are for staff alone, so nobody else gets a session.
_login = LoginView.as_view(authentication_form=AdminAuthenticationForm)


def _any_case(word: str) -> str:
    """Return a pattern of the word in any case; with `(?i)` Django could reverse no path at all."""
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)


_LYNES = rf"^(?:{_any_case('lynes')}/)?(?:[vV][0-3]/)?"
# The vendor's cheat sheet says customer, and streaks.
_LYNES_ABOUT_USER = (
    rf"{_LYNES}(?:{_any_case('user')}|{_any_case('customer')})/(?P<user_id>[\s\S]+)/"
)
_REFERD = (
    rf"^(?:(?:{_any_case('referd')}|{_any_case('gameball')})/)?"
    rf"(?:(?:{_any_case('api')}/)?[vV][23](?:\.0)?/)?{_any_case('integrations')}/"
)
_GAMEBALL_API = rf"^(?:{_any_case('gameball')}/)?{_any_case('api')}/[vV]"
# By version: only 4.0 takes events without the secret key, customers 4 too.
_GAMEBALL = rf"{_GAMEBALL_API}4(?:\.1)?/{_any_case('integrations')}/"
_GAMEBALL_4_0 = rf"{_GAMEBALL_API}4\.0/{_any_case('integrations')}/"
_GAMEBALL_4_1 = rf"{_GAMEBALL_API}4\.1/{_any_case('integrations')}/"
_GAMEBALL_TO_4_0 = rf"{_GAMEBALL_API}4(?:\.0)?/{_any_case('integrations')}/"
_GAMEBALL_ANY = rf"{_GAMEBALL_API}4(?:\.[01])?/{_any_case('integrations')}/"
_GAMEBALL_EVENTS = rf"{_any_case('event')}[sS]?"
_GAMEBALL_PREVIEW = rf"{_GAMEBALL_EVENTS}/{_any_case('reward')}-{_any_case('preview')}/?$"

urlpatterns: list[URLPattern | URLResolver] = [
    # Vendors' paths: any case, with and without a slash at the end, never a redirect.
    # First those that two vendors have: Lynes' own patterns take them too.
    re_path(rf"^[vV]1/{_any_case('event')}/?$", _take_event_of_either),
    re_path(rf"^[vV]1/{_any_case('user')}/?$", _take_user_of_either),
    re_path(
        rf"^(?:{_any_case('lynes')}/)?(?:[vV][0-3]/)?{_any_case('event')}/?$", _take_lynes_event
    ),
    re_path(rf"^{_any_case('vibetrace')}/[vV]1/{_any_case('event')}/?$", _take_vibetrace),
    re_path(rf"^{_any_case('vibetrace')}/[vV]1/{_any_case('user')}/?$", _take_vibetrace),
    re_path(
        rf"^(?:{_any_case('vibetrace')}/)?[vV]1/{_any_case('user')}/(?P<name>[^/]+)/?\Z",
        _vibetrace_user,
    ),
    re_path(
        rf"^(?:{_any_case('releva')}/)?{_any_case('api')}/[vV]0/{_any_case('events')}/?$",
        _take_releva,
    ),
    re_path(
        rf"^(?:{_any_case('releva')}/)?{_any_case('api')}/[vV]0/{_any_case('profiles')}/?$",
        _take_releva,
    ),
    re_path(rf"{_LYNES}{_any_case('user')}/?$", _take_lynes_user),
    re_path(
        rf"{_LYNES_ABOUT_USER}{_any_case('points')}/?\Z", UserPointsView.as_view(wire=lynes.wire)
    ),
    re_path(
        rf"{_LYNES_ABOUT_USER}{_any_case('history')}/?\Z", UserHistoryView.as_view(wire=lynes.wire)
    ),
    re_path(
        rf"{_LYNES_ABOUT_USER}{_any_case('streak')}[sS]?/?\Z",
        UserStreaksView.as_view(wire=lynes.wire),
    ),
    re_path(rf"{_GAMEBALL}{_GAMEBALL_EVENTS}/?$", _take_gameball),
    re_path(rf"{_GAMEBALL_4_0}{_GAMEBALL_EVENTS}/?$", _take_open_gameball),
    re_path(rf"{_GAMEBALL_4_1}{_GAMEBALL_PREVIEW}", _preview_gameball),
    re_path(rf"{_GAMEBALL_TO_4_0}{_GAMEBALL_PREVIEW}", _preview_open_gameball),
    re_path(rf"{_GAMEBALL_ANY}{_any_case('batch')}/{_any_case('events')}/?$", _keep_gameball_batch),
    re_path(
        rf"{_GAMEBALL_ANY}{_any_case('batches')}/(?P<number>[^/]+)/{_any_case('status')}/?\Z",
        BatchStatusView.as_view(wire=gameball.wire),
    ),
    re_path(rf"{_GAMEBALL_4_1}{_any_case('customers')}/?$", _take_gameball_customer),
    re_path(rf"{_GAMEBALL_TO_4_0}{_any_case('customers')}/?$", _take_open_gameball_customer),
    re_path(
        rf"{_GAMEBALL_ANY}{_any_case('customers')}/(?P<external_id>[\s\S]+)"
        rf"/{_any_case('balance')}/?\Z",
        BalanceView.as_view(wire=gameball.wire),
    ),
    re_path(
        rf"{_GAMEBALL_4_1}{_any_case('customers')}/(?P<external_id>[\s\S]+)\Z",
        GameballCustomerView.as_view(wire=gameball.wire),
    ),
    re_path(
        rf"{_GAMEBALL_TO_4_0}{_any_case('customers')}/(?P<external_id>[\s\S]+)\Z",
        GameballCustomerView.as_view(wire=gameball.open_wire),
    ),
    re_path(
        rf"{_GAMEBALL_API}1\.0/{_any_case('bots')}/{_any_case('botsettings')}/?$",
        BotSettingsView.as_view(wire=gameball.app_wire),
    ),
    re_path(rf"{_REFERD}{_any_case('event')}/?$", _take_referd_event),
    re_path(rf"{_REFERD}{_any_case('player')}/?$", _take_referd_player),
    re_path(
        rf"{_REFERD}{_any_case('player')}/(?P<player_id>[\s\S]+)/{_any_case('balance')}/?\Z",
        PlayerBalanceView.as_view(wire=referd.player_wire),
    ),
    re_path(r"^api/v1/events/?$", _events),
    re_path(r"^api/v1/receipts/(?P<receipt_id>[^/]+)/?$", ReceiptView.as_view()),
    re_path(r"^api/v1/quarantine/?$", QuarantineView.as_view()),
    re_path(r"^api/v1/quarantine/summary/?$", QuarantineSummaryView.as_view()),
    re_path(r"^api/v1/quarantine/replay/?$", ReplayAllView.as_view()),
    re_path(r"^api/v1/quarantine/(?P<row_id>[^/]+)/replay/?$", ReplayView.as_view()),
    # An external id may hold anything, a slash and a new line too.
    re_path(r"^api/v1/customers/(?P<external_id>[\s\S]+)\Z", CustomerView.as_view()),
    path("", include("analytics.urls")),
    path("", include("analytics.page_urls")),
    path("api/schema/", openapi.schema, name="api-schema"),
    path("api/docs/", openapi.page, name="api-docs"),
    path("health", health),
    path("login/", _login, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    # Before the admin's own, whose pages of a row take any path.
    path("admin/", admin.site.admin_view(start_page)),
    path("admin/events/project/<int:project_id>/set-up/", _set_up, name="set-up"),
    path("admin/events/project/<int:project_id>/set-up.json", _export, name="set-up-export"),
    path("admin/events/project/<int:project_id>/connect/", _connect, name="connect"),
    path("admin/events/project/<int:project_id>/lights/", _lights, name="connect-lights"),
    path("admin/", admin.site.urls),
]

handler400 = "config.errors.bad_request"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
