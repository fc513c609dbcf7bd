"""Gameball's error object, its numbers, and the status of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from events.types import Refusal, RefusalCode, Reply
from events.wires.replies import json_reply, message_naming_field, retry_headers

# Our own page on this installation: the vendor's says nothing of what is answered here.
DOCUMENTATION_PATH = "/api/docs/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of the vendor's error codes, with its status."""

    number: int
    status: int


_UNAUTHORIZED = Kind(number=1000, status=401)
_SECRET_KEY_REQUIRED = Kind(number=1001, status=401)
_FORBIDDEN = Kind(number=1002, status=403)
_TOO_MANY_REQUESTS = Kind(number=2002, status=429)
_MISSING = Kind(number=3000, status=400)
_NULL = Kind(number=3001, status=422)
_INVALID = Kind(number=3003, status=422)
_INACTIVE = Kind(number=3009, status=422)
_BEYOND_LIMIT = Kind(number=3011, status=422)
_TOO_LARGE = Kind(number=3011, status=413)
_NOT_SUPPORTED = Kind(number=3013, status=415)
_UNREADABLE = Kind(number=3016, status=400)
_FAILED = Kind(number=4000, status=405)
_NOT_FOUND = Kind(number=4004, status=404)
_SERVER_ERROR = Kind(number=5000, status=500)
_UNAVAILABLE = Kind(number=5003, status=503)
_CUSTOMER_NOT_FOUND = Kind(number=7000, status=404)

_CODES_OF: Mapping[Kind, tuple[RefusalCode, ...]] = {
    _UNAUTHORIZED: (RefusalCode.MISSING_CREDENTIALS, RefusalCode.INVALID_CREDENTIALS),
    _SECRET_KEY_REQUIRED: (RefusalCode.MISSING_SECRET_KEY, RefusalCode.INVALID_SECRET_KEY),
    _FORBIDDEN: (RefusalCode.FORBIDDEN, RefusalCode.NEEDS_API_KEY),
    _TOO_MANY_REQUESTS: (RefusalCode.RATE_LIMITED,),
    _MISSING: (RefusalCode.MISSING_FIELD,),
    _NULL: (RefusalCode.NULL_FIELD,),
    _INVALID: (
        RefusalCode.INVALID_FIELD,
        RefusalCode.DUPLICATE_KEY,
        RefusalCode.NUMBER_TOO_LONG,
        RefusalCode.INVALID_TEXT,
        RefusalCode.NAME_TOO_LONG,
        RefusalCode.METADATA_KEY_TOO_LONG,
        RefusalCode.CUSTOMER_ID_TOO_LONG,
        RefusalCode.EVENT_KEY_TOO_LONG,
        RefusalCode.EMAIL_TOO_LONG,
        RefusalCode.PHONE_TOO_LONG,
        RefusalCode.TOO_MANY_FIELDS,
        RefusalCode.STRING_TOO_LONG,
        RefusalCode.ARRAY_TOO_LONG,
        RefusalCode.TOO_DEEP,
        RefusalCode.OCCURRED_IN_FUTURE,
        RefusalCode.OCCURRED_TOO_EARLY,
        RefusalCode.UNKNOWN_EVENT_TYPE,
        RefusalCode.IDEMPOTENCY_CONFLICT,
    ),
    _INACTIVE: (RefusalCode.INACTIVE_CUSTOMER, RefusalCode.INACTIVE_EVENT_TYPE),
    _BEYOND_LIMIT: (RefusalCode.TOO_MANY_EVENT_TYPES,),
    _TOO_LARGE: (RefusalCode.BODY_TOO_LARGE, RefusalCode.TOO_MANY_EVENTS),
    _NOT_SUPPORTED: (RefusalCode.UNSUPPORTED_MEDIA_TYPE,),
    _UNREADABLE: (RefusalCode.INVALID_JSON, RefusalCode.NUMBER_NOT_FINITE),
    _FAILED: (RefusalCode.METHOD_NOT_ALLOWED,),
    _NOT_FOUND: (RefusalCode.NOT_FOUND,),
    _SERVER_ERROR: (RefusalCode.INTERNAL_ERROR,),
    _UNAVAILABLE: (RefusalCode.TOO_BUSY,),
    _CUSTOMER_NOT_FOUND: (RefusalCode.CUSTOMER_NOT_FOUND,),
}
KIND_OF: Mapping[RefusalCode, Kind] = {
    code: kind for kind, codes in _CODES_OF.items() for code in codes
}
STATUS_OF: Mapping[RefusalCode, int] = {code: kind.status for code, kind in KIND_OF.items()}

# By the thousands of the number.
TYPES: Mapping[int, str] = {
    1: "AUTHENTICATION_ERROR",
    2: "REQUEST_ERROR",
    3: "PAYLOAD_ERROR",
    4: "GENERAL_ERROR",
    5: "SERVER_ERROR",
    7: "CUSTOMER_ERROR",
}


def render_error(refusal: Refusal) -> Reply:
    """Return a refusal as the vendor's error object.

    The `requestId` is drawn here, the only thing that is not told by the refusal: two clients
    that were refused for the same reason must be told apart in what they report.
    """
    kind = KIND_OF[refusal.code]
    return json_reply(
        kind.status,
        {
            "code": kind.number,
            "type": TYPES[kind.number // 1000],
            "message": message_naming_field(refusal),
            "documentationUrl": DOCUMENTATION_PATH,
            "requestId": uuid4().hex,
        },
        headers=retry_headers(refusal),
    )
