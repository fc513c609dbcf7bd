"""The native API's views of what was refused: read, counted, tried again."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from events import refusals
from events.api import ProjectAPIView, RefusedError, not_found, refused
from events.filters import QuarantineFilter
from events.metadata import repeated_key, text_refusal
from events.models import Project, Quarantine
from events.paging import cursor_in, filtered, page_of
from events.refusals import RefusalCount
from events.types import JsonObject, Refusal, RefusalCode, Scope
from events.wires import native
from rewards import replay

SUMMARY_DAYS = 30
RETRY_AFTER_SECONDS = 2
_FILTERS = frozenset(QuarantineFilter.base_filters)
_ID_CHARACTERS = 36  # of a UUID as it is written


class QuarantineView(ProjectAPIView):
    """`GET quarantine`: what was refused, the latest first."""

    def get(self, request: Request) -> Response:
        rows, following = page_of(
            _rows(self.project, request.query_params).select_related("api_key"),
            request.query_params,
        )
        return Response({"results": [_row(row) for row in rows], "next": following})


class QuarantineSummaryView(ProjectAPIView):
    """`GET quarantine/summary`: how much was refused, by reason and by client."""

    def get(self, request: Request) -> Response:
        asked = QuarantineFilter(
            request.query_params, queryset=_of(self.project), zone=self.project.zone
        )
        rows = filtered(asked)
        first = asked.form.cleaned_data["from"] or _days_ago(self.project, SUMMARY_DAYS - 1)
        last = asked.form.cleaned_data["to"] or timezone.now()
        found = refusals.counted(rows.filter(received_at__range=(first, last)))
        return Response(
            {
                "from": first.isoformat(),
                "to": last.isoformat(),
                "total": found.total,
                "standing": found.standing,
                "beyond": refusals.beyond([self.project.pk], first, last),
                "codes": [_count("code", each) for each in found.codes],
                "clients": [_count("client", each) for each in found.clients],
                "other_clients": found.other_clients,
            }
        )


class ReplayView(ProjectAPIView):
    """`POST quarantine/{id}/replay`: one row, tried again."""

    scope = Scope.CONFIGURE

    def post(self, request: Request, row_id: str) -> Response:
        body = _body(request, known=frozenset({"even_if_repeated"}))
        takes_repeats = body.get("even_if_repeated", False)
        if not isinstance(takes_repeats, bool):
            raise refused("even_if_repeated", "The field even_if_repeated must be true or false.")
        known_id = _id(row_id)
        row = _of(self.project).filter(pk=known_id).first() if known_id else None
        if row is None:
            raise not_found(f"There is no “{row_id[:_ID_CHARACTERS]}” in the quarantine.")
        try:
            replayed = replay.replay(row, takes_repeats=takes_repeats)
        except OperationalError as error:
            raise RefusedError(_TOO_BUSY) from error
        return Response(_replayed(row, replayed))


class ReplayAllView(ProjectAPIView):
    """`POST quarantine/replay`: the rows that a filter leaves, tried again in their order."""

    scope = Scope.CONFIGURE

    def post(self, request: Request) -> Response:
        body = _body(request, known=_FILTERS | {"cursor"})
        for name, value in body.items():
            if not isinstance(value, str):
                raise refused(name, f"The field {name} must be a text.")
        asked = QueryDict(mutable=True)
        asked.update(body)
        cursor = body.get("cursor")
        rows = _rows(self.project, asked)
        try:
            found = replay.replay_all(rows, after=cursor_in(cursor) if cursor else None)
        except OperationalError as error:
            raise RefusedError(_TOO_BUSY) from error
        return Response(
            {
                "taken": found.taken,
                "repeated": found.repeated,
                "refused": found.refused,
                "replayed_before": found.replayed_before,
                "not_whole": found.not_whole,
                "next": str(found.next) if found.next else None,
            }
        )


_TOO_BUSY = Refusal(
    code=RefusalCode.TOO_BUSY,
    message="The server could not replay in time; what was not replayed stays. Send it again.",
    retry_after_seconds=RETRY_AFTER_SECONDS,
)


def _of(project: Project) -> QuerySet[Quarantine]:
    return Quarantine.objects.filter(project=project)


def _rows(project: Project, asked: Any) -> QuerySet[Quarantine]:
    return filtered(QuarantineFilter(asked, queryset=_of(project), zone=project.zone))


def _days_ago(project: Project, days: int) -> datetime:
    """Return the first moment of the day so many days ago, by the project's clock."""
    day = timezone.now().astimezone(project.zone).date() - timedelta(days=days)
    return datetime.combine(day, time(), tzinfo=project.zone)


def _body(request: Request, *, known: frozenset[str]) -> dict[str, Any]:
    """Return the object that was sent, {} for none.

    Whatever is not known is refused, in the query too: a filter that is overheard would replay
    more than was meant.
    """
    for name in request.query_params:
        raise refused(name, f"Send {name} in the body.")
    body = request.data or {}
    if not isinstance(body, dict):
        raise refused("", "The body must be an object.")
    if twice := repeated_key(body):
        raise RefusedError(
            Refusal(
                code=RefusalCode.DUPLICATE_KEY,
                message=f"The key {twice} is given twice.",
                field=twice,
            )
        )
    if body.keys() - known:
        raise refused("", f"The body may hold {', '.join(sorted(known))}, and nothing else.")
    for name, value in body.items():
        if isinstance(value, str) and (refusal := text_refusal(value, name)):
            raise RefusedError(refusal)
    return body


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _row(row: Quarantine) -> JsonObject:
    return {
        "id": str(row.pk),
        "received_at": row.received_at.isoformat(),
        "wire": row.wire,
        "path": row.path,
        "client": row.client,
        "key": row.api_key.prefix if row.api_key else None,
        "code": row.code,
        "message": row.message,
        "field": row.field,
        "payload": row.payload,
        "is_whole": replay.is_whole(row),
        "status": row.replay or QuarantineFilter.STANDING,
        "replayed_at": row.replayed_at.isoformat() if row.replayed_at else None,
    }


def _count(of: str, counted: RefusalCount) -> JsonObject:
    return {of: counted.name, "count": counted.count, "standing": counted.standing}


def _replayed(row: Quarantine, replayed: replay.Replayed) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": str(row.pk),
        "outcome": replayed.became,
        "results": native.results(replayed.outcomes),
    }
    if refusal := replayed.refusal:
        answer["error"] = {
            "code": refusal.code,
            "message": refusal.message,
            "field": refusal.field,
        }
    return answer
