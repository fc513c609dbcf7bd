"""The catalogue's pages: event types with their fields as rows."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from events import limits
from events.admin.lists import VisibleFilter, local_stamp
from events.admin.scoping import MemberInline, ScopedAdmin
from events.models import EventType, MetadataField, touch_setup

# Django's forms take no type parameters at run time.
if TYPE_CHECKING:
    _FieldForm = forms.ModelForm[MetadataField]
else:
    _FieldForm = forms.ModelForm


_TYPE_WORDS = {
    MetadataField.Type.AUTO: "auto: told by what arrives",
    MetadataField.Type.NUMBER: "number",
    MetadataField.Type.TEXT: "text",
    MetadataField.Type.BOOLEAN: "boolean: true or false",
    MetadataField.Type.DATE: "date, or date and time",
    MetadataField.Type.VERSION: "version, such as 1.10.2",
    MetadataField.Type.ARRAY: "array: a list of values",
}


class MetadataFieldForm(_FieldForm):
    """One row: a field keeps its name, and whoever edits it has taken it over."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = self.fields
        if self.instance.pk:
            fields["name"].disabled = True
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
    fields = ("name", "type", "dimension", "personal", "made_by")
    readonly_fields = ("made_by",)
    max_num = limits.FIELDS_PER_EVENT_TYPE
    verbose_name_plural = "metadata fields"

    @admin.display(description="made by")
    def made_by(self, field: MetadataField) -> str:
        return _made_by(field)


@admin.register(EventType)
class EventTypeAdmin(ScopedAdmin):
    """Nothing here is deleted: events refer to their type. An inactive type refuses new ones."""

    list_display = ("name", "project", "active", "server_only", "made_by")
    list_filter = (("project", VisibleFilter), "active", "created_automatically")
    list_select_related = ("project",)
    search_fields = ("name",)
    ordering = ("project__slug", "name", "id")
    autocomplete_fields = ("project",)
    inlines = (MetadataFieldInline,)

    def get_fields(self, request: HttpRequest, obj: EventType | None = None) -> tuple[str, ...]:
        edited = ("project", "name", "active", "server_only")
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

    def save_model(self, request: HttpRequest, obj: EventType, form: Any, change: bool) -> None:
        # First the project's row, then types, then fields: all processes lock in this order.
        touch_setup(obj.project_id)
        if form.changed_data:
            obj.created_automatically = False
        super().save_model(request, obj, form, change)


def _made_by(row: EventType | MetadataField) -> str:
    return "an event, automatically" if row.created_automatically else "staff"
