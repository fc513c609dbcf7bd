"""Which of two vendors is meant where both have the path: /v1/event and /v1/user."""

from typing import Literal, TypeAlias

from events.metadata import read_json
from events.types import Headers, Json, Refusal, Wire
from events.wires import lynes, vibetrace
from events.wires.reading import bearer_token

Vendor: TypeAlias = Literal["lynes", "vibetrace"]

_OF_VIBETRACE_USERS = frozenset({"email", "_id"})
_OF_LYNES_USERS = frozenset({"userId"})


def event_wire(headers: Headers, body: bytes) -> Wire:
    """Return whose event it is: told by its credentials, and by its body where they do not tell."""
    vendor = vendor_of(headers) or _vendor_of_event(read_json(body))
    return vibetrace.wire if vendor == "vibetrace" else lynes.wire


def user_wire(headers: Headers, body: bytes) -> Wire:
    """Return whose user it is, told in the same way."""
    vendor = vendor_of(headers) or _vendor_of_user(read_json(body))
    return vibetrace.wire if vendor == "vibetrace" else lynes.user_wire


def vendor_of(headers: Headers) -> Vendor | None:
    """Return who brings such credentials; None where both do, or neither."""
    authorization = headers.get("authorization", "").strip()
    is_bearer = authorization.lower() == "bearer" or bool(bearer_token(headers))
    is_lynes = is_bearer or bool(headers.get("x-api-key", "").strip())
    is_vibetrace = bool(authorization) and not is_bearer
    if is_lynes == is_vibetrace:
        return None
    return "lynes" if is_lynes else "vibetrace"


def _vendor_of_event(body: Json | Refusal) -> Vendor:
    is_vibetrace = isinstance(body, dict) and all(
        isinstance(body.get(name), dict) for name in ("user", "event")
    )
    return "vibetrace" if is_vibetrace else "lynes"


def _vendor_of_user(body: Json | Refusal) -> Vendor:
    is_vibetrace = (
        isinstance(body, dict)
        and not _OF_VIBETRACE_USERS.isdisjoint(body)
        and _OF_LYNES_USERS.isdisjoint(body)
    )
    return "vibetrace" if is_vibetrace else "lynes"
