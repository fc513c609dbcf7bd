"""The composition root: which path is served by which view with which collaborators."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path, re_path

from config.health import health
from events.views import EventListView, IngestView
from events.wires import lynes, native
from rewards.pipeline import process
from rewards.views import CustomerView

_events = IngestView.as_view(wire=native.wire, process=process, on_get=EventListView.as_view())
_take_lynes_event = IngestView.as_view(wire=lynes.wire, process=process)

urlpatterns: list[URLPattern | URLResolver] = [
    # Vendors' paths: any case, with and without a slash at the end, never a redirect.
    re_path(r"(?i)^(?:lynes/)?(?:v[0-3]/)?event/?$", _take_lynes_event),
    re_path(r"^api/v1/events/?$", _events),
    re_path(r"^api/v1/customers/(?P<external_id>.+?)/?$", CustomerView.as_view()),
    path("health", health),
    path("admin/", admin.site.urls),
]

handler400 = "config.errors.bad_request"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
