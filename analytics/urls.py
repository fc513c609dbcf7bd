"""The paths of the statistics API."""

from django.urls import URLPattern, re_path

from analytics.views import (
    EventTypesView,
    FieldStatisticsView,
    FieldsView,
    OverviewView,
    TrendView,
)

# A name may hold anything, a slash and a new line too: the end of the path tells what is asked.
urlpatterns: list[URLPattern] = [
    re_path(r"^api/v1/overview/?\Z", OverviewView.as_view(), name="overview"),
    re_path(r"^api/v1/event-types/?\Z", EventTypesView.as_view(), name="event-types"),
    re_path(r"^api/v1/event-types/(?P<event>[\s\S]+)/trend/?\Z", TrendView.as_view(), name="trend"),
    re_path(
        r"^api/v1/event-types/(?P<event>[\s\S]+)/fields/?\Z", FieldsView.as_view(), name="fields"
    ),
    re_path(
        r"^api/v1/event-types/(?P<names>[\s\S]+)/statistics/?\Z",
        FieldStatisticsView.as_view(),
        name="field-statistics",
    ),
]
