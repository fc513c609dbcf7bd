"""The paths of the statistics API."""

from django.urls import URLPattern, re_path

from analytics.views import FieldStatisticsView

urlpatterns: list[URLPattern] = [
    re_path(
        r"^api/v1/event-types/(?P<names>.+)/statistics/?$",
        FieldStatisticsView.as_view(),
        name="field-statistics",
    ),
]
