"""The app's entry for Django."""

from django.apps import AppConfig


class ReferenceConfig(AppConfig):
    name = "tests.load.reference"
    default_auto_field = "django.db.models.BigAutoField"
