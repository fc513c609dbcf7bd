"""The page on which a key or a secret is replaced, and how secrets are shown once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from unfold.widgets import UnfoldAdminSelectWidget

from events.keys import OVERLAP_HOURS, RotationError

_OVERLAPS = [
    (0, "no longer: the former one is refused at once"),
    (1, "for an hour"),
    (OVERLAP_HOURS, "for 24 hours"),
    (24 * 7, "for 7 days"),
    (24 * 30, "for 30 days"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What is replaced: `refusal` says why it can't be, "" where it can; `rotate` does it and
    returns where to go then."""

    title: str
    what: str
    refusal: str
    back_url: str
    rotate: Callable[[timedelta], str]


class OverlapForm(forms.Form):
    overlap_hours = forms.TypedChoiceField(
        label="The former one holds",
        choices=_OVERLAPS,
        coerce=int,
        initial=OVERLAP_HOURS,
        widget=UnfoldAdminSelectWidget,
    )


def rotation_page(request: HttpRequest, rotation: Rotation) -> HttpResponse:
    """Show the page; rotate where it was sent."""
    form = OverlapForm(request.POST or None)
    refusal = rotation.refusal
    if request.method == "POST" and not refusal and form.is_valid():
        try:
            url = rotation.rotate(timedelta(hours=form.cleaned_data["overlap_hours"]))
        except RotationError as error:
            refusal = str(error)
        else:
            return HttpResponseRedirect(url)
    shown = {"title": rotation.title, "rotation": rotation, "refusal": refusal, "form": form}
    context = admin.site.each_context(request) | shown
    return TemplateResponse(request, "admin/rotation.html", context)


def show_once(request: HttpRequest, secrets: Mapping[str, str]) -> None:
    """Show secrets on the next page, and never again."""
    rows = format_html_join("", "<br>{}: <code>{}</code>", secrets.items())
    text = format_html("Copy this now, it is not shown again:{}", rows)
    messages.warning(request, text)
