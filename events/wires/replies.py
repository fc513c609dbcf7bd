"""Replies built from plain values, shared by the wires."""

from collections.abc import Mapping
from types import MappingProxyType

from events.metadata import write_json
from events.types import Refusal, RefusalCode, Reply

_MAY_SUCCEED_LATER = frozenset({RefusalCode.RATE_LIMITED, RefusalCode.TOO_BUSY})
_RETRY_AFTER_SECONDS = 1  # what clients wait where nobody knows better

# What most vendors answer, or would where their pages say nothing; it holds every code.
_USUAL_CODES: Mapping[int, tuple[RefusalCode, ...]] = {
    400: (
        RefusalCode.INVALID_JSON,
        RefusalCode.MISSING_FIELD,
        RefusalCode.NULL_FIELD,
        RefusalCode.INVALID_FIELD,
        RefusalCode.DUPLICATE_KEY,
        RefusalCode.NUMBER_NOT_FINITE,
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
        RefusalCode.INACTIVE_EVENT_TYPE,
        RefusalCode.TOO_MANY_EVENT_TYPES,
        RefusalCode.IDEMPOTENCY_CONFLICT,
    ),
    401: (
        RefusalCode.MISSING_CREDENTIALS,
        RefusalCode.INVALID_CREDENTIALS,
        RefusalCode.MISSING_SECRET_KEY,
        RefusalCode.INVALID_SECRET_KEY,
    ),
    403: (RefusalCode.FORBIDDEN, RefusalCode.NEEDS_API_KEY, RefusalCode.INACTIVE_CUSTOMER),
    404: (RefusalCode.NOT_FOUND, RefusalCode.CUSTOMER_NOT_FOUND),
    405: (RefusalCode.METHOD_NOT_ALLOWED,),
    413: (RefusalCode.BODY_TOO_LARGE, RefusalCode.TOO_MANY_EVENTS),
    415: (RefusalCode.UNSUPPORTED_MEDIA_TYPE,),
    429: (RefusalCode.RATE_LIMITED,),
    500: (RefusalCode.INTERNAL_ERROR,),
    503: (RefusalCode.TOO_BUSY,),
}


def statuses(otherwise: Mapping[int, tuple[RefusalCode, ...]]) -> Mapping[RefusalCode, int]:
    """Return the status of every code: the usual ones, but for what a vendor answers otherwise."""
    return {
        code: status
        for table in (_USUAL_CODES, otherwise)
        for status, codes in table.items()
        for code in codes
    }


def json_reply(
    status: int,
    value: object,
    *,
    content_type: str = "application/json",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Reply:
    """Return a reply whose body is a value as JSON."""
    return Reply(status=status, body=write_json(value), content_type=content_type, headers=headers)


def retry_headers(refusal: Refusal) -> Mapping[str, str]:
    """Return Retry-After, in whole seconds, where the same request may succeed later."""
    seconds = refusal.retry_after_seconds
    if seconds is None and refusal.code not in _MAY_SUCCEED_LATER:
        return {}
    return {"Retry-After": str(max(seconds or 0, _RETRY_AFTER_SECONDS))}


def message_naming_field(refusal: Refusal) -> str:
    """Return the sentence of a refusal with its field, for envelopes without room for one."""
    is_named = refusal.field.lower() in refusal.message.lower()
    return refusal.message if is_named else f"{refusal.field}: {refusal.message}"
