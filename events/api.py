"""What the native API's views share: keys, exact JSON, errors as problem+json."""

import re
from collections.abc import Mapping
from typing import IO, Any

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from events import auth, limits
from events.metadata import read_json, write_json
from events.models import Project
from events.types import Access, Refusal, RefusalCode, Reply, Scope, Wire
from events.wires import native

_SLASHES = re.compile(r"/{2,}")


class RefusedError(Exception):
    """Ends a native API request with a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class ExactJSONRenderer(BaseRenderer):
    """JSON with numbers as they are, never through float or text."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, *_: object, **__: object) -> bytes:
        return b"" if data is None else write_json(data)


class ExactJSONParser(BaseParser):
    """JSON read within the limits, numbers as int or Decimal."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], *_: object, **__: object) -> Any:
        body = stream.read(limits.BODY_BYTES + 1)
        if len(body) > limits.BODY_BYTES:
            raise RefusedError(
                Refusal(
                    code=RefusalCode.BODY_TOO_LARGE,
                    message=f"The body has more than {limits.BODY_BYTES} bytes.",
                )
            )
        value = read_json(body)
        if isinstance(value, Refusal):
            raise RefusedError(value)
        return value


class AnyNegotiation:
    """Every answer is JSON, whatever the client says it accepts."""

    def select_parser(self, request: Request, parsers: list[BaseParser]) -> BaseParser | None:
        is_json = (request.content_type or "application/json").startswith("application/json")
        return parsers[0] if is_json else None

    def select_renderer(
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ProjectAPIView(APIView):
    """A view of one project, told by the request's key, which must have the view's scope.

    Credentials and errors are as the `wire` has them.
    """

    authentication_classes = []
    permission_classes = []
    parser_classes = [ExactJSONParser]
    renderer_classes = [ExactJSONRenderer]
    content_negotiation_class = AnyNegotiation  # type: ignore[assignment]
    scope: Scope = Scope.READ
    wire: Wire = native.wire
    project: Project
    access: Access

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        headers = {name.lower(): value for name, value in request.headers.items()}
        credentials = self.wire.credentials(headers)
        access = credentials if isinstance(credentials, Refusal) else auth.authenticate(credentials)
        if isinstance(access, Refusal):
            raise RefusedError(access)
        if not self.is_allowed(access):
            raise RefusedError(
                Refusal(
                    code=RefusalCode.FORBIDDEN,
                    message=f"The key may not do this: it lacks the scope “{self.scope}”.",
                )
            )
        if refusal := secret_refusal(access, self.wire):
            raise RefusedError(refusal)
        self.access = access
        self.project = Project.objects.get(pk=access.project_id)

    def is_allowed(self, access: Access) -> bool:
        return self.scope in access.scopes

    def handle_exception(self, exc: Exception) -> Response:
        refusal = _refusal_of(exc)
        if refusal is None:
            raise exc
        return rendered(self.wire.render_error(refusal))


def secret_refusal(access: Access, wire: Wire) -> Refusal | None:
    """Return the refusal of a request without the secret key that the project asks for, or None."""
    if wire.may_demand_secret and access.demands_secret and not access.has_secret:
        return _NO_SECRET
    return None


_NO_SECRET = Refusal(
    code=RefusalCode.MISSING_SECRET_KEY,
    message="The project takes requests only with a secret key beside the API key.",
)


def problem(refusal: Refusal) -> HttpResponse:
    """Return a refusal as problem+json (RFC 9457)."""
    return response_of(native.wire.render_error(refusal))


def rendered(reply: Reply) -> Response:
    """Return a wire's reply as an answer of the REST framework."""
    return Response(
        msgspec.Raw(reply.body),
        status=reply.status,
        headers=dict(reply.headers),
        content_type=reply.content_type,
    )


def response_of(reply: Reply) -> HttpResponse:
    response = HttpResponse(reply.body, status=reply.status, content_type=reply.content_type)
    response["Content-Length"] = str(len(reply.body))
    response["X-Content-Type-Options"] = "nosniff"
    for name, value in reply.headers.items():
        response[name] = value
    return response


def refused(field: str, message: str) -> RefusedError:
    """Return the refusal of one parameter, to be raised."""
    return RefusedError(
        Refusal(code=RefusalCode.INVALID_FIELD, message=message, field=field),
    )


def not_found(message: str) -> RefusedError:
    return RefusedError(Refusal(code=RefusalCode.NOT_FOUND, message=message))


_CODES: Mapping[type[Exception], RefusalCode] = {
    exceptions.MethodNotAllowed: RefusalCode.METHOD_NOT_ALLOWED,
    exceptions.UnsupportedMediaType: RefusalCode.UNSUPPORTED_MEDIA_TYPE,
    exceptions.ParseError: RefusalCode.INVALID_JSON,
    exceptions.ValidationError: RefusalCode.INVALID_FIELD,
    exceptions.NotFound: RefusalCode.NOT_FOUND,
    Http404: RefusalCode.NOT_FOUND,
}


def _refusal_of(error: Exception) -> Refusal | None:
    """Return what a client's mistake is answered; None for a fault of ours."""
    if isinstance(error, RefusedError):
        return error.refusal
    if isinstance(error, exceptions.ValidationError):
        return _first_of(error.detail)
    code = _CODES.get(type(error))
    return None if code is None else Refusal(code=code, message=str(error) or "Not found.")


def _first_of(detail: Any, path: str = "") -> Refusal:
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        return _first_of(inner, f"{path}.{name}" if path else str(name))
    if isinstance(detail, list):
        return _first_of(detail[0], path)
    return Refusal(code=RefusalCode.INVALID_FIELD, message=str(detail), field=path)


def is_api(request: HttpRequest) -> bool:
    """Tell whether a path is the native API's."""
    return single_slashed(request.path).lower().startswith("/api/")


def single_slashed(path: str) -> str:
    """Return a path with one slash wherever several follow each other."""
    return _SLASHES.sub("/", path)
