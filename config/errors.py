"""What is answered where no view did: in the format of the path that was asked."""

import re

from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
from django.views import defaults

from events.api import is_api, problem, response_of, single_slashed
from events.types import Refusal, RefusalCode, Wire
from events.wires import gameball, lynes, referd, releva, vibetrace

_INTERNAL = Refusal(
    code=RefusalCode.INTERNAL_ERROR,
    message="The server made a mistake. Nothing was half-written; send the request again.",
)
_BAD_REQUEST = Refusal(code=RefusalCode.INVALID_FIELD, message="The request can't be read.")
_NOT_FOUND = Refusal(code=RefusalCode.NOT_FOUND, message="There is nothing at this path.")


# Where a vendor's clients ask, in lower case: what is not served is refused in the vendor's words,
# which the clients read before they say what went wrong. The first that fits counts.
_VENDORS_PATHS: tuple[tuple[re.Pattern[str], Wire], ...] = (
    (
        re.compile(r"/(?:(?:referd|gameball)/)?(?:(?:api/)?v[23](?:\.0)?/)?integrations/"),
        referd.wire,
    ),
    (re.compile(r"/referd/"), referd.wire),
    (re.compile(r"/gameball/|/api/v4(?:\.[01])?/"), gameball.wire),
    (re.compile(r"/vibetrace/"), vibetrace.wire),
    (re.compile(r"/releva/|/api/v0/"), releva.wire),
    (re.compile(r"/(?:lynes/|(?:v[0-3]/)?(?:user|customer)/)"), lynes.wire),
)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 404: in the vendor's envelope, problem+json under /api/, a page elsewhere."""
    path = single_slashed(request.path.lower())
    for pattern, wire in _VENDORS_PATHS:
        if pattern.match(path):
            return response_of(wire.render_error(_NOT_FOUND))
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
        view = resolve(single_slashed(request.path_info)).func
    except Resolver404:
        return None
    given = getattr(view, "view_initkwargs", {})
    wire = given.get("wire")
    if choose := given.get("choose"):
        # By the headers alone: the body was read.
        wire = choose({name.lower(): value for name, value in request.headers.items()}, b"")
    return wire if isinstance(wire, Wire) else None
