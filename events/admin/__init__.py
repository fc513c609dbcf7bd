"""The staff's pages of what happens: projects, keys, catalogue, refusals."""

from django.contrib import admin

from events.admin.catalogue import EventTypeAdmin
from events.admin.projects import ApiKeyAdmin, ProjectAdmin
from events.admin.quarantine import QuarantineAdmin

__all__ = ["ApiKeyAdmin", "EventTypeAdmin", "ProjectAdmin", "QuarantineAdmin"]

admin.site.site_title = admin.site.site_header = "Trackward"
admin.site.index_title = "Set-up and records"
admin.site.login_template = "registration/login.html"
