"""The one table of the reference app."""

from django.db import models


class LoggedEvent(models.Model):
    """An event as an ordinary app would keep it."""

    event = models.CharField(max_length=100)
    customer = models.CharField(max_length=200)
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "reference"
