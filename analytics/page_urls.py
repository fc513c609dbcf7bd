"""The paths of the pages."""

from urllib.parse import unquote

from django.urls import URLPattern, path, register_converter
from django.views.generic import RedirectView

from analytics.pages import EventTypePage, FieldPage, ProjectPage, ProjectsPage
from events.limits import METADATA_KEY_CHARACTERS, NAME_CHARACTERS


class NameConverter:
    """A name of any characters as one segment of a path.

    A server decodes the path before it is parted at its slashes, and browsers take "." and ".."
    away; so a name's own slashes, percent signs and lonely dots are encoded once more.
    """

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        name = unquote(value, errors="strict")
        # No stored name is so long or holds U+0000, which PostgreSQL takes in no parameter.
        if "\x00" in name or len(name) > max(NAME_CHARACTERS, METADATA_KEY_CHARACTERS):
            raise ValueError(f"Nothing is named {name[:NAME_CHARACTERS]!r}.")
        return name

    def to_url(self, name: str) -> str:
        written = name.replace("%", "%25").replace("/", "%2F")
        return written.replace(".", "%2E") if name in {".", ".."} else written


register_converter(NameConverter, "name")

urlpatterns: list[URLPattern] = [
    path("", RedirectView.as_view(pattern_name="analytics")),
    path("analytics", RedirectView.as_view(pattern_name="analytics")),
    path("analytics/", ProjectsPage.as_view(), name="analytics"),
    path("analytics/<slug:slug>/", ProjectPage.as_view(), name="project-page"),
    path("analytics/<slug:slug>/<name:event>/", EventTypePage.as_view(), name="event-type-page"),
    path(
        "analytics/<slug:slug>/<name:event>/<name:field_name>/",
        FieldPage.as_view(),
        name="field-page",
    ),
]
