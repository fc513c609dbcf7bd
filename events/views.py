"""The views that take events in, whatever the wire, and list them."""

import logging
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import HttpHeaders
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils import timezone
from django.views import View
from rest_framework.request import Request
from rest_framework.response import Response

from events import auth, catalogue, limits, rates, store
from events.api import (
    ProjectAPIView,
    not_found,
    response_of,
    secret_refusal,
    single_slashed,
)
from events.filters import EventFilter
from events.ids import new_id
from events.models import Event
from events.paging import filtered, page_of
from events.protection import Protection
from events.types import (
    Access,
    Headers,
    JsonObject,
    Process,
    Reception,
    Refusal,
    RefusalCode,
    Reply,
    Scope,
    TooBusyError,
    Wire,
)
from events.types import Request as WireRequest

RETRY_AFTER_SECONDS = 2
_CLIENT_CHARACTERS = 200
_ID_CHARACTERS = 36  # of a UUID as it is written
_CACHED_PATHS = 256
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json\b|text/json\b", re.IGNORECASE)

logger = logging.getLogger(__name__)


class IngestView(View):
    """Events in one wire's format, or what else is put in. The collaborators come from
    `config.urls`."""

    # Given to as_view(); None only until then.
    wire: Wire = None  # type: ignore[assignment]
    process: Process = None  # type: ignore[assignment]
    # Tells the wire by headers and body, at a path that two vendors have; `wire` answers where
    # neither was read.
    choose: Callable[[Headers, bytes], Wire] | None = None
    takes: Collection[str] = ("POST",)
    # Of what stores nothing, nothing is to be tried again either.
    keeps_refused: bool = True
    # Answers GET at the same path, where there is something to read.
    on_get: Callable[..., HttpResponseBase] | None = None

    @classmethod
    def as_view(cls, **collaborators: Any) -> Callable[..., HttpResponseBase]:
        view = super().as_view(**collaborators)
        view.csrf_exempt = True  # type: ignore[attr-defined]
        return view

    def get(self, request: HttpRequest, **captured: object) -> HttpResponseBase:
        if self.on_get is None:
            return self.http_method_not_allowed(request)
        return self.on_get(request, **captured)

    def post(self, request: HttpRequest, **_: object) -> HttpResponse:
        if request.method not in self.takes:
            return self.http_method_not_allowed(request)
        try:
            return response_of(self._reply(request))
        except (TooBusyError, OperationalError) as error:
            logger.error("A request to %s was not stored: %s", request.path, error)
            return self._refused(_TOO_BUSY)

    put = post

    def http_method_not_allowed(
        self, request: HttpRequest, *args: object, **kwargs: object
    ) -> HttpResponse:
        if self.choose:
            self.wire = self.choose(_headers(request), b"")  # nothing of the body is wanted
        response = self._refused(
            Refusal(
                code=RefusalCode.METHOD_NOT_ALLOWED,
                message=f"{request.method} is not answered here.",
            )
        )
        response["Allow"] = ", ".join(["GET", *self.takes] if self.on_get else self.takes)
        return response

    def _reply(self, request: HttpRequest) -> Reply:
        headers = _headers(request)
        body = None
        if self.choose:
            body = _body(request)
            self.wire = self.choose(headers, body)  # a view lives for one request
        wire = self.wire
        credentials = wire.credentials(headers)
        access = credentials if isinstance(credentials, Refusal) else auth.authenticate(credentials)
        if isinstance(access, Refusal):
            return wire.render_error(access)
        if refusal := _access_refusal(access, wire):
            return wire.render_error(refusal)
        return self._take(request, headers, body, wire=wire, access=access)

    def _take(
        self,
        request: HttpRequest,
        headers: Headers,
        body: bytes | None,
        *,
        wire: Wire,
        access: Access,
    ) -> Reply:
        query = request.META.get("QUERY_STRING")
        path = f"{request.path}?{query}" if query else request.path
        received_at = timezone.now()
        if body is None:
            body = _body(request)
        reception = Reception(
            access=access,
            received_at=received_at,
            client=_client(request, headers),
            path=path,
            body=body,
        )
        parsed = _unreadable(headers, body) or wire.parse(headers, path, body)
        # Before a refused body is kept: a key that sends too much must not fill the quarantine.
        if access.rate_limits and (limited := rates.refusal_of(access, events=_size(parsed))):
            return wire.render_error(limited)
        if isinstance(parsed, Refusal):
            if self.keeps_refused:
                _keep(parsed, reception, wire)
            return wire.render_error(parsed)
        if wire.has_receipts:
            parsed = replace(parsed, receipt=str(new_id(reception.received_at)))
        outcomes = self.process(wire, parsed, reception)
        if wire.is_atomic:
            refused = next((outcome.error for outcome in outcomes if outcome.error), None)
            if refused:
                return wire.render_error(refused)
        return wire.render(parsed, outcomes)

    def _refused(self, refusal: Refusal) -> HttpResponse:
        return response_of(self.wire.render_error(refusal))


class IngestMiddleware:
    """Hands posted events to their view past all other middleware, which costs more than the view.

    There is no session, cookie or form, and no browser shows the answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            return self._get_response(request)
        found = _ingest_at(request.path_info, settings.ROOT_URLCONF)
        if found is None:
            return self._get_response(request)
        request.get_host()  # raises where the host is none of ours
        response: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
        return response


# Clients post to a few paths over and over, and every pattern before theirs is tried each time.
@lru_cache(maxsize=_CACHED_PATHS)
def _ingest_at(path: str, urlconf: str) -> ResolverMatch | None:
    """Return what takes events at a path, None where nothing does.

    A client whose base URL ends with a slash sends two, which count as one.
    """
    try:
        found = resolve(single_slashed(path), urlconf)
    except Resolver404:
        return None
    return found if getattr(found.func, "view_class", None) is IngestView else None


_NO_SCOPE = Refusal(
    code=RefusalCode.FORBIDDEN, message="The key may not send events (scope “ingest”)."
)
_TOO_BUSY = Refusal(
    code=RefusalCode.TOO_BUSY,
    message="The server could not store the request in time; nothing of it was stored. "
    "Send it again.",
    retry_after_seconds=RETRY_AFTER_SECONDS,
)


def _access_refusal(access: Access, wire: Wire) -> Refusal | None:
    if Scope.INGEST not in access.scopes:
        return _NO_SCOPE
    return secret_refusal(access, wire)


def _keep(refusal: Refusal, reception: Reception, wire: Wire) -> None:
    entry = store.RefusedEntry(
        reception=reception,
        wire=wire.name,
        refusal=refusal,
        source=reception.body,
        protection=catalogue.protection_of(reception.access.project_id),
    )
    store.quarantine([entry])


def _size(parsed: WireRequest | Refusal) -> int:
    """Return as how many events a request counts: a body that can't be read is one."""
    return 1 if isinstance(parsed, Refusal) else max(1, len(parsed.entries))


def _headers(request: HttpRequest) -> dict[str, str]:
    prefix = HttpHeaders.HTTP_PREFIX
    headers = {
        name.removeprefix(prefix).replace("_", "-").lower(): value
        for name, value in request.META.items()
        if name.startswith(prefix)
    }
    headers["content-type"] = request.META.get("CONTENT_TYPE", "")
    return headers


def _client(request: HttpRequest, headers: Mapping[str, str]) -> str:
    address = request.META.get("REMOTE_ADDR", "")
    return f"{address} {headers.get('user-agent', '')}".strip()[:_CLIENT_CHARACTERS]


def _body(request: HttpRequest) -> bytes:
    """Return the body, cut one byte after the limit: so its size is known to be too much."""
    return request.read(limits.BODY_BYTES + 1)


def _unreadable(headers: Mapping[str, str], body: bytes) -> Refusal | None:
    if len(body) > limits.BODY_BYTES:
        return Refusal(
            code=RefusalCode.BODY_TOO_LARGE,
            message=f"The body has more than {limits.BODY_BYTES} bytes.",
        )
    media_type = headers.get("content-type", "")
    if media_type and not _JSON.match(media_type.strip()):
        return Refusal(
            code=RefusalCode.UNSUPPORTED_MEDIA_TYPE,
            message=f"The body must be application/json, not {media_type[:100]}.",
        )
    return None


class EventListView(ProjectAPIView):
    """`GET events`: the project's events, the latest received first."""

    def get(self, request: Request) -> Response:
        asked = request.query_params
        events = self.project.events.select_related("event_type", "customer")
        rows = filtered(EventFilter(asked, queryset=events, zone=self.project.zone))
        page, following = page_of(rows, asked)
        personal = catalogue.protections(row.event_type for row in page)
        results = [_event(row, personal.get(row.event_type_id)) for row in page]
        return Response({"results": results, "next": following})


class ReceiptView(ProjectAPIView):
    """`GET receipts/{id}`: the answer that a request was given, again."""

    def get(self, request: Request, receipt_id: str) -> Response:
        try:
            kept = self.project.receipts.filter(pk=UUID(receipt_id)).first()
        except ValueError:
            kept = None
        if kept is None:
            raise not_found(
                f"There is no receipt “{receipt_id[:_ID_CHARACTERS]}”; "
                f"receipts are kept for {limits.RECEIPT_DAYS} days."
            )
        return Response(kept.answer)


def _event(event: Event, personal: Protection | None) -> JsonObject:
    return {
        "id": str(event.pk),
        "event": event.event_type.name,
        "customer": event.customer.label,
        "occurred_at": event.occurred_at.isoformat(),
        "received_at": event.received_at.isoformat(),
        "wire": event.wire,
        "status": event.status,
        "reason": event.reason,
        # What came before a field was personal is shown as what came after.
        "metadata": personal.metadata(event.metadata) if personal else event.metadata,
        "points_awarded": event.points_awarded,
    }
