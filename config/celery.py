"""The Celery application."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# The sweeps are imported by the worker once Django is set up, for they use models.
app = Celery("trackward", include=["config.sweeps"])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
