"""Replies built from plain values, shared by the wires."""

from collections.abc import Mapping
from types import MappingProxyType

from events.metadata import write_json
from events.types import Refusal, RefusalCode, Reply

_MAY_SUCCEED_LATER = frozenset({RefusalCode.RATE_LIMITED, RefusalCode.TOO_BUSY})
_RETRY_AFTER_SECONDS = 1  # what clients wait where nobody knows better

# What a client must write otherwise: every wire answers them with its word for a bad request.
UNREADABLE = (
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
)


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
