"""The statistics API."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.layout import UNREADABLE_RETRY_SECONDS, UnreadableSummaryError
from events import limits
from events.api import ProjectAPIView, RefusedError, not_found, refused
from events.models import EventType, MetadataField, Project
from events.types import Refusal, RefusalCode

if TYPE_CHECKING:
    from analytics.readings import Days

_SEPARATOR = "/fields/"
_MOST_CHARACTERS = limits.NAME_CHARACTERS + len(_SEPARATOR) + limits.METADATA_KEY_CHARACTERS

# Modules of statistics are loaded by the first reader: ingest shares the process and needs no
# numpy, which is large.


class StatisticsView(ProjectAPIView):
    """A view of what the project's rollups say."""

    def handle_exception(self, exc: Exception) -> Response:
        is_unreadable = isinstance(exc, UnreadableSummaryError)
        return super().handle_exception(RefusedError(_UNREADABLE) if is_unreadable else exc)


_UNREADABLE = Refusal(
    code=RefusalCode.TOO_BUSY,
    message=(
        "Another release wrote these statistics, and this one can't read them until they are made "
        "anew: by the next start of `manage.py up`, or by `manage.py rebuild_rollups`. Events are "
        "taken meanwhile; none is lost."
    ),
    retry_after_seconds=UNREADABLE_RETRY_SECONDS,
)


class OverviewView(StatisticsView):
    """`GET overview`: the project's days beside those before."""

    def get(self, request: Request) -> Response:
        from analytics import overview, serializers  # noqa: PLC0415

        now = timezone.now()
        days, _ = asked(request, self.project, now)
        return Response(serializers.overview_json(overview.overview(days, now=now)))


class EventTypesView(StatisticsView):
    """`GET event-types`: every event type with what came of it."""

    def get(self, request: Request) -> Response:
        from analytics import overview, serializers  # noqa: PLC0415

        now = timezone.now()
        days, _ = asked(request, self.project, now)
        return Response(serializers.event_types_json(overview.overview(days, now=now)))


class TrendView(StatisticsView):
    """`GET event-types/{event}/trend`: the events of a type by hour, day, week or month."""

    def get(self, request: Request, event: str) -> Response:
        from analytics import serializers, trend  # noqa: PLC0415

        event_type = event_type_named(self.project, event)
        now = timezone.now()
        days, given = asked(request, self.project, now)
        try:
            answer = trend.trend(event_type, days, given.get("interval", "day"), now=now)
        except trend.TooManyPointsError as error:
            raise refused("interval", str(error)) from error
        return Response(serializers.trend_json(event_type, days, answer))


class FieldsView(StatisticsView):
    """`GET event-types/{event}/fields`: each field of a type in short."""

    def get(self, request: Request, event: str) -> Response:
        from analytics import serializers, statistics  # noqa: PLC0415

        event_type = event_type_named(self.project, event)
        now = timezone.now()
        days, _ = asked(request, self.project, now)
        parameters = serializers.FieldsParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        page, following = fields_page(
            event_type,
            after=parameters.validated_data.get("cursor", ""),
            limit=parameters.validated_data.get("limit", limits.LISTED_FIELDS),
        )
        answer = statistics.type_statistics(event_type, days, now=now, fields=page)
        return Response(serializers.fields_json(event_type, days, answer, following))


class FieldStatisticsView(StatisticsView):
    """`GET event-types/{event}/fields/{field}/statistics`, complete up to now."""

    def get(self, request: Request, names: str) -> Response:
        from analytics import serializers, statistics  # noqa: PLC0415

        field = field_named(self.project, names)
        now = timezone.now()
        days, given = asked(request, self.project, now)
        parameters = serializers.StatisticsParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        question = statistics.Question(
            project=self.project,
            event_type=field.event_type,
            field=field,
            first=days.first,
            last=days.last,
        )
        answer = statistics.field_statistics(question, now=now)
        shape = parameters.shape(given.get("scale", "linear"), field)
        return Response(serializers.statistics_json(answer, shape))


def asked(request: Request, project: Project, now: datetime) -> "tuple[Days, dict[str, Any]]":
    """Return the days asked for and the other parameters that pages have as well."""
    from analytics import filters, readings  # noqa: PLC0415

    asked_for = filters.RangeFilter(request.query_params)
    for name, errors in asked_for.refusals().items():
        raise refused(name, errors[0])
    given = asked_for.given()
    first, last = filters.days_asked(given, now.astimezone(project.zone).date())
    return readings.Days(project=project, first=first, last=last), given


def fields_page(
    event_type: EventType, *, after: str, limit: int
) -> tuple[list[MetadataField], str | None]:
    """Return the fields that follow a name, and the name that the page after them follows."""
    fields = event_type.fields.filter(name__gt=after).order_by("name")
    found = list(fields[: limit + 1])
    page = found[:limit]
    return page, page[-1].name if len(found) > limit else None


def event_type_named(project: Project, name: str) -> EventType:
    """Return the event type of this name; raises what the API answers with 404."""
    # No stored name is so long or holds U+0000, which PostgreSQL takes in no parameter.
    is_possible = len(name) <= limits.NAME_CHARACTERS and "\x00" not in name
    found = project.event_types.filter(name=name).first() if is_possible else None
    if found is None:
        raise not_found(f"The project has no event type of this name: {name[:300]}")
    return found


def field_named(project: Project, names: str) -> MetadataField:
    """Return the field that `{event}/fields/{field}` names; raises what the API answers with 404.

    Either name may hold slashes, even "/fields/": the catalogue tells where the event's name ends.
    """
    known = MetadataField.objects.filter(event_type__project=project).select_related("event_type")
    for event_name, field_name in _splits(names):
        field = known.filter(event_type__name=event_name, name=field_name).first()
        if field is not None:
            return field
    raise not_found(f"The project has no event type with a field of this name: {names[:300]}")


def _splits(names: str) -> Iterator[tuple[str, str]]:
    # No stored name is so long or holds U+0000, which PostgreSQL takes in no parameter.
    is_possible = len(names) <= _MOST_CHARACTERS and "\x00" not in names
    place = names.find(_SEPARATOR) if is_possible else -1
    while place >= 0:
        yield names[:place], names[place + len(_SEPARATOR) :]
        place = names.find(_SEPARATOR, place + 1)
