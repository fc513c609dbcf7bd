"""Admin classes that show to staff only what belongs to their projects."""

from typing import Any
from weakref import WeakKeyDictionary

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.forms import ModelChoiceField
from django.http import HttpRequest

from events.admin.base import ModelAdmin, TabularInline
from events.models import Project, ProjectQuerySet

_sees_some: WeakKeyDictionary[HttpRequest, bool] = WeakKeyDictionary()


def visible_projects(request: HttpRequest) -> ProjectQuerySet:
    """Return the projects that the member of staff may see."""
    return Project.objects.visible_to(request.user)


def is_member(request: HttpRequest) -> bool:
    """Tell whether this is a superuser, or staff of at least one project."""
    user = request.user
    if not (user.is_active and user.is_staff):
        return False
    if user.is_superuser:
        return True
    # One page asks some forty times.
    if request not in _sees_some:
        _sees_some[request] = visible_projects(request).exists()
    return _sees_some[request]


class ScopedAdmin(ModelAdmin):
    """Rows of the staff's projects, and nothing else, for each member alike.

    Who is a member of a project may edit its set-up; every page finds its row through
    `get_queryset`, so that a stranger's row is as good as missing.
    """

    # The look-up that leads from a row to its project.
    project_path = "project"
    list_per_page = 50
    list_max_show_all = 50

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(**{f"{self.project_path}__in": visible_projects(request)})

    def formfield_for_foreignkey(
        self, db_field: "models.ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Any] | None":
        # What may be chosen is what the other model's own pages would show.
        related = self.admin_site.get_model_admin(db_field.related_model)
        kwargs["queryset"] = related.get_queryset(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        # Who has one project need not choose it.
        first_two = visible_projects(request).order_by("slug", "id")[:2]
        return {"project": first_two[0].pk, **given} if len(first_two) == 1 else given

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        # PostgreSQL can't even be asked for a text with U+0000.
        if any("\x00" in value for value in request.GET.values()):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_member(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_member(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_member(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_member(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ScopedAdmin):
    """Rows that nobody writes by hand, superusers included."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MemberInline(TabularInline):
    """Rows beside their parent, which was found among the staff's projects."""

    extra = 0
    can_delete = False
    hide_title = True  # an existing row's name stands in its own column

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_member(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_member(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_member(request)
