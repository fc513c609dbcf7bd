"""What is answered where no view did: in the format of the path that was asked."""

from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
from django.views import defaults

from events.api import is_api, problem, response_of
from events.types import Refusal, RefusalCode, Wire

_INTERNAL = Refusal(
    code=RefusalCode.INTERNAL_ERROR,
    message="The server made a mistake. Nothing was half-written; send the request again.",
)
_BAD_REQUEST = Refusal(code=RefusalCode.INVALID_FIELD, message="The request can't be read.")
_NOT_FOUND = Refusal(code=RefusalCode.NOT_FOUND, message="There is nothing at this path.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 404: problem+json under /api/, a page elsewhere."""
    return problem(_NOT_FOUND) if is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer 500 in the envelope of the wire that was asked, which nothing else could render."""
    wire = _wire_of(request)
    if wire is not None:
        return response_of(wire.render_error(_INTERNAL))
    return problem(_INTERNAL) if is_api(request) else defaults.server_error(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 400 to what Django itself refuses: a suspicious host, too many form fields."""
    return problem(_BAD_REQUEST) if is_api(request) else defaults.bad_request(request, exception)


def _wire_of(request: HttpRequest) -> Wire | None:
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return None
    wire = getattr(view, "view_initkwargs", {}).get("wire")
    return wire if isinstance(wire, Wire) else None
