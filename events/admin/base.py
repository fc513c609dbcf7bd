"""The admin classes that the staff's pages extend: to leave unfold is to change this module."""

from typing import TYPE_CHECKING, Any

# Django's admin classes take no type parameters at run time.
if TYPE_CHECKING:
    from django.contrib import admin

    ModelAdmin = admin.ModelAdmin[Any]
    StackedInline = admin.StackedInline[Any, Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    from unfold.admin import ModelAdmin, StackedInline, TabularInline

__all__ = ["ModelAdmin", "StackedInline", "TabularInline"]
