"""The composition root: which path is served by which view with which collaborators."""

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from config.health import health
from config.openapi import views as openapi
from config.set_up_pages import export, import_page
from config.start_page import start_page
from events.views import EventListView, IngestView, ReceiptView
from events.wires import lynes, native
from rewards.pipeline import process
from rewards.views import CustomerView

_events = IngestView.as_view(wire=native.wire, process=process, on_get=EventListView.as_view())
_take_lynes_event = IngestView.as_view(wire=lynes.wire, process=process)
_set_up = admin.site.admin_view(import_page)
_export = admin.site.admin_view(export)
# The pages are for staff alone, so nobody else gets a session.
_login = LoginView.as_view(authentication_form=AdminAuthenticationForm)


def _any_case(word: str) -> str:
    """Return a pattern of the word in any case; with `(?i)` Django could reverse no path at all."""
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)


urlpatterns: list[URLPattern | URLResolver] = [
    # Vendors' paths: any case, with and without a slash at the end, never a redirect.
    re_path(
        rf"^(?:{_any_case('lynes')}/)?(?:[vV][0-3]/)?{_any_case('event')}/?$", _take_lynes_event
    ),
    re_path(r"^api/v1/events/?$", _events),
    re_path(r"^api/v1/receipts/(?P<receipt_id>[^/]+)/?$", ReceiptView.as_view()),
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
    path("admin/", admin.site.urls),
]

handler400 = "config.errors.bad_request"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
