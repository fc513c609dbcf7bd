"""The statistics API."""

from collections.abc import Iterator

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from events import limits
from events.api import ProjectAPIView, not_found
from events.models import MetadataField, Project
from events.types import Scope

_SEPARATOR = "/fields/"
_MOST_CHARACTERS = limits.NAME_CHARACTERS + len(_SEPARATOR) + limits.METADATA_KEY_CHARACTERS


class FieldStatisticsView(ProjectAPIView):
    """`GET event-types/{event}/fields/{field}/statistics`, complete up to now."""

    scope = Scope.READ

    def get(self, request: Request, names: str) -> Response:
        # Loaded by the first reader: ingest shares the process and needs no numpy, which is large.
        from analytics import serializers, statistics  # noqa: PLC0415

        field = field_named(self.project, names)
        parameters = serializers.StatisticsParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        now = timezone.now()
        first, last = parameters.days(now.astimezone(self.project.zone).date())
        question = statistics.Question(
            project=self.project, event_type=field.event_type, field=field, first=first, last=last
        )
        answer = statistics.field_statistics(question, now=now)
        return Response(serializers.statistics_json(answer, parameters.shape()))


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
