"""The catalogue's pages: event types with their fields as rows."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from events import catalogue, limits
from events.admin.lists import VisibleFilter, local_stamp
from events.admin.scoping import MemberInline, ScopedAdmin
from events.models import EventType, MetadataField, touch_setup
from events.suspicion import words_of

# Django's forms take no type parameters at run time.
if TYPE_CHECKING:
    _FieldForm = forms.ModelForm[MetadataField]
    _TypeForm = forms.ModelForm[EventType]
else:
    _FieldForm = _TypeForm = forms.ModelForm


_TYPE_WORDS = {
    MetadataField.Type.AUTO: "auto: told by what arrives",
    MetadataField.Type.NUMBER: "number",
    MetadataField.Type.TEXT: "text",
    MetadataField.Type.BOOLEAN: "boolean: true or false",
    MetadataField.Type.DATE: "date, or date and time",
    MetadataField.Type.VERSION: "version, such as 1.10.2",
    MetadataField.Type.ARRAY: "array: a list of values",
}


_PERSONAL_HELP = (
    "It tells who a person is. From the next event on its values are masked or hashed before "
    "anything is decided or stored; what came so is never in clear again."
)


class MetadataFieldForm(_FieldForm):
    """One row: a field keeps its name, and whoever edits it has taken it over."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = self.fields
        if self.instance.pk:
            fields["name"].disabled = True
        if "personal" in fields:
            fields["personal"].help_text = _PERSONAL_HELP
            fields["personal_as"].required = False  # of a field that is not personal
        fields["name"].help_text = "The key in the event's metadata, letter by letter."
        if "type" in fields:
            fields["type"].help_text = "A number that comes as a text counts, where it is declared."
            fields["type"].choices = _TYPE_WORDS.items()  # type: ignore[attr-defined]
        for name, field in fields.items():
            # The column's head is no label to who can't see it.
            label = str(field.label or name.replace("_", " "))
            field.widget.attrs["aria-label"] = f"{self.instance.name or 'new field'}: {label}"

    def save(self, commit: bool = True) -> MetadataField:
        self.instance.created_automatically = False
        return super().save(commit)


class MetadataFieldInline(MemberInline):
    model = MetadataField
    form = MetadataFieldForm
    fields = ("name", "type", "dimension", "personal", "personal_as", "made_by", "looks_like")
    readonly_fields = ("made_by", "looks_like")
    max_num = limits.FIELDS_PER_EVENT_TYPE
    verbose_name_plural = "metadata fields"

    @admin.display(description="made by")
    def made_by(self, field: MetadataField) -> str:
        return _made_by(field)

    @admin.display(description="looks like")
    def looks_like(self, field: MetadataField) -> str:
        if not is_suspect(field):
            return "–"
        base = reverse("admin:events_eventtype_change", args=[field.event_type_id])
        return render_to_string(
            "admin/events/_suspicion.html",
            {
                "field": field,
                "words": words_of(field.suspected),
                "action": urljoin(base, f"../fields/{field.pk}/suspicion/"),
            },
        )


class OfferingInput(forms.TextInput):
    """A text with texts that are offered for it; any other may be written."""

    def __init__(self, offers: Iterable[str], attrs: dict[str, Any]) -> None:
        super().__init__(attrs)
        self.offers = offers

    def render(self, name: str, value: Any, *args: Any, **kwargs: Any) -> SafeString:
        self.attrs["list"] = f"{name}-offers"
        options = format_html_join("", '<option value="{}">', ((offer,) for offer in self.offers))
        field = super().render(name, value, *args, **kwargs)
        return format_html('{}<datalist id="{}">{}</datalist>', field, self.attrs["list"], options)


class EventTypeForm(_TypeForm):
    """What is demanded of the events of a type."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and (field := self.fields.get("unique_by")):
            names = self.instance.fields.values_list("name", flat=True)
            field.widget = OfferingInput(names, field.widget.attrs)


class SuspicionFilter(admin.SimpleListFilter):
    """Event types with a field that nobody has declared, whose values look like a person's."""

    title = "holds what looks like personal data"
    parameter_name = "suspected"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(_HAS_SUSPECTS) if self.value() == "yes" else queryset


_HAS_SUSPECTS = Exists(
    MetadataField.objects.filter(event_type=OuterRef("pk"), personal=False).exclude(suspected="")
)


@admin.register(EventType)
class EventTypeAdmin(ScopedAdmin):
    """Nothing here is deleted: events refer to their type. An inactive type refuses new ones."""

    list_display = ("name", "project", "active", "server_only", "made_by", "looks_personal")
    list_filter = (("project", VisibleFilter), "active", "created_automatically", SuspicionFilter)
    list_select_related = ("project",)
    search_fields = ("name",)
    ordering = ("project__slug", "name", "id")
    autocomplete_fields = ("project",)
    form = EventTypeForm
    inlines = (MetadataFieldInline,)

    def get_fields(self, request: HttpRequest, obj: EventType | None = None) -> tuple[str, ...]:
        edited = ("project", "name", "active", "server_only", "unique_by", "throttle_minutes")
        return (*edited, "made_by", "created") if obj else edited

    def get_readonly_fields(
        self, request: HttpRequest, obj: EventType | None = None
    ) -> tuple[str, ...]:
        return ("project", "name", "made_by", "created") if obj else ()

    @admin.display(description="made by", ordering="created_automatically")
    def made_by(self, event_type: EventType) -> str:
        return _made_by(event_type)

    @admin.display(description="created", ordering="created_at")
    def created(self, event_type: EventType) -> str:
        return local_stamp(event_type.created_at, event_type.project)

    @admin.display(description="looks personal")
    def looks_personal(self, event_type: EventType) -> str:
        found: list[MetadataField] = event_type.suspects  # type: ignore[attr-defined]  # prefetched
        names = ", ".join(field.name for field in found[:_LISTED_SUSPECTS])
        more = len(found) - _LISTED_SUSPECTS
        return f"{names} and {more} more" if more > 0 else names or "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        suspects = MetadataField.objects.filter(personal=False).exclude(suspected="").order_by("id")
        return (
            super().get_queryset(request).prefetch_related(Prefetch("fields", suspects, "suspects"))
        )

    def get_urls(self) -> list[URLPattern]:
        settle = self.admin_site.admin_view(require_POST(self.settle_view))
        own = path("<int:type_id>/fields/<int:field_id>/suspicion/", settle)
        return [own, *super().get_urls()]

    def settle_view(self, request: HttpRequest, type_id: int, field_id: int) -> HttpResponse:
        """Do what was chosen about a field that looks personal."""
        event_type = self.get_object(request, str(type_id))
        if event_type is None or not self.has_change_permission(request, event_type):
            raise Http404
        field = get_object_or_404(MetadataField, pk=field_id, event_type=event_type)
        match request.POST.get("suspicion"):
            case "mask" | "hash" as kept_as:
                catalogue.mark_personal(field, kept_as)
                told = (
                    f"“{field.name}” is personal; its values are kept as a {kept_as} from now on."
                )
            case "dismiss":
                catalogue.dismiss_suspicion(field)
                told = f"“{field.name}” holds nothing personal; it is not looked at again."
            case _:
                raise Http404
        messages.success(request, told)
        return redirect("admin:events_eventtype_change", type_id)

    def save_model(self, request: HttpRequest, obj: EventType, form: Any, change: bool) -> None:
        # First the project's row, then types, then fields: all processes lock in this order.
        touch_setup(obj.project_id)
        if form.changed_data:
            obj.created_automatically = False
        super().save_model(request, obj, form, change)


_LISTED_SUSPECTS = 3


def is_suspect(field: MetadataField) -> bool:
    """Tell whether the field holds what looks personal, and nobody has said what it is."""
    return bool(field.suspected) and not field.personal


def _made_by(row: EventType | MetadataField) -> str:
    return "an event, automatically" if row.created_automatically else "staff"
