"""The app that brings the staff's pages together."""

from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    default = False  # the app of this folder is "config" itself
    default_site = "config.admin_site.AdminSite"
