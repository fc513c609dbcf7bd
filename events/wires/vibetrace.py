"""Vibetrace's event and user formats, as its public help pages document them."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from events import limits
from events.metadata import read_json
from events.types import (
    Credential,
    Entry,
    Event,
    Headers,
    Identity,
    Json,
    JsonObject,
    Outcome,
    ProfileUpdate,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Reply,
    Request,
    TypeDefaults,
    Wire,
)
from events.wires.reading import (
    TextField,
    UnreadableError,
    extra_in,
    identified,
    invalid,
    metadata_of,
    optional_text,
    refused,
    required_text,
)
from events.wires.replies import UNREADABLE, json_reply, retry_headers

CONFIRMATION = "confirmation"
EMAIL_OPEN = "email_open"
EMAIL_OPEN_MINUTES = 20

# Other words for an event type; every word that is not here is a type of its own.
_ALIASES: Mapping[str, str] = {
    "emailopen": EMAIL_OPEN,
    "emailOpen": EMAIL_OPEN,
    "email open": EMAIL_OPEN,
}
_GENERIC = "generic"
_LOGIN = "login"
_SETS_ATTRIBUTES = frozenset({"update", _LOGIN})
TYPE_DEFAULTS: Mapping[str, TypeDefaults] = {
    CONFIRMATION: TypeDefaults(unique_by="orderId"),
    EMAIL_OPEN: TypeDefaults(throttle_minutes=EMAIL_OPEN_MINUTES),
}

_ID = TextField(
    name="_id",
    path="user._id",
    most_characters=limits.CUSTOMER_ID_CHARACTERS,
    too_long=RefusalCode.CUSTOMER_ID_TOO_LONG,
    takes_integers=True,
    blank_is_absent=True,
)
_EMAIL = TextField(
    name="email",
    path="user.email",
    most_characters=limits.EMAIL_CHARACTERS,
    too_long=RefusalCode.EMAIL_TOO_LONG,
    blank_is_absent=True,
)
_KIND = TextField(
    name="kind",
    path="event",
    most_characters=limits.NAME_CHARACTERS,
    too_long=RefusalCode.NAME_TOO_LONG,
)
_EVENT_NAME = TextField(
    name="event_name",
    path="event.generic.generic.event_name",
    most_characters=limits.NAME_CHARACTERS,
    too_long=RefusalCode.NAME_TOO_LONG,
)
_IDENTIFIERS = frozenset({"_id", "email"})
_KNOWN = frozenset({"user", "event"})
_USER = re.compile(r"/user(?:/(?P<name>[^/]+?))?/?(?:\?(?P<query>[^?]*))?$", re.IGNORECASE)
_YES = frozenset({"true", "1"})

_CODES_BY_STATUS: Mapping[int, tuple[RefusalCode, ...]] = {
    400: (
        *UNREADABLE,
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
STATUS_OF: Mapping[RefusalCode, int] = {
    code: status for status, codes in _CODES_BY_STATUS.items() for code in codes
}
_ABSENT = frozenset({RefusalCode.MISSING_FIELD, RefusalCode.NULL_FIELD})
# What the vendor calls it; of the absent parts of a request by their field.
_TITLE_OF_ABSENT = {"event": "Missing event information", "user": "Missing user information"}
_TITLE_OF_STATUS: Mapping[int, str] = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    413: "Request too large",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Server error",
    503: "Service unavailable",
}
_USER_NOT_FOUND = "User not found"


def credentials(headers: Headers) -> tuple[Credential, ...] | Refusal:
    """Return the API key, which stands in Authorization as it is, without a scheme."""
    if key := headers.get("authorization", "").strip():
        return (Credential(kind="api_key", value=key),)
    return Refusal(
        code=RefusalCode.MISSING_CREDENTIALS,
        message="Send the API key as it is in the header Authorization.",
    )


def parse(_headers: Headers, path: str, body: bytes) -> Request | Refusal:
    """Return the one event of a request, or what it says of a user where the path ends in user.

    A key given twice counts as given last.
    """
    value = read_json(body)
    if isinstance(value, Refusal):
        return value
    of_user = _USER.search(path)
    try:
        entry: Entry = _profile(value, of_user) if of_user else _event(value)
    except UnreadableError as error:
        return error.refusal
    return Request(entries=(entry,))


def _event(source: Json) -> Event:
    if not isinstance(source, dict):
        raise refused(RefusalCode.INVALID_JSON, "", "The body must be an object of user and event.")
    user = _part(source, "user", "Please send user information along with event")
    kinds = _part(source, "event", "Please send event information along with user")
    identity = _identity(user, "user")
    name, metadata, aside = _named(kinds)
    extra = extra_in(source, _KNOWN) or {}
    if further := extra_in(user, _IDENTIFIERS):
        extra = {**extra, "user": further}
    if aside:
        extra = {**extra, "event": aside}
    return Event(
        name=name,
        customer=_known_by_login(identity, name, metadata),
        metadata=metadata,
        source=source,
        extra=extra or None,
        attributes=metadata if name in _SETS_ATTRIBUTES else None,
        must_exist=True,
    )


def _part(source: JsonObject, name: str, absent: str) -> JsonObject:
    """Return one of the two objects of a request; null, [] and {} are as none."""
    value = source.get(name)
    if value is None or value == [] or value == {}:
        code = RefusalCode.NULL_FIELD if name in source else RefusalCode.MISSING_FIELD
        raise refused(code, name, absent)
    if not isinstance(value, dict):
        raise invalid(name, f"The field {name} must be an object.")
    return value


def _identity(user: JsonObject, path: str) -> Identity:
    identity = identified(external_id=optional_text(user, _ID), email=optional_text(user, _EMAIL))
    if not identity.external_id and not identity.email:
        raise refused(
            RefusalCode.MISSING_FIELD, path, "Please send the email or the _id of the user"
        )
    return identity


def _named(kinds: JsonObject) -> tuple[str, JsonObject, JsonObject | None]:
    """Return the name of the event, its metadata, and what of it neither holds."""
    if len(kinds) > 1:
        raise invalid("event", "Send one kind of event a request; the answer has room for one.")
    [(kind, value)] = kinds.items()
    if kind == _GENERIC:
        return _generic(value)
    name = required_text({"kind": kind}, _KIND)
    return _ALIASES.get(name, name), metadata_of(value, path=f"event.{name}"), None


def _generic(outer: Json) -> tuple[str, JsonObject, JsonObject | None]:
    """Return an event of the client's own: its name and fields stand within a second `generic`.

    Where they stand in the first one, they are taken as well.
    """
    path = f"event.{_GENERIC}"
    around = metadata_of(outer, path=path)
    is_nested = "event_name" not in around and _GENERIC in around
    inner = metadata_of(around[_GENERIC], path=f"{path}.{_GENERIC}") if is_nested else around
    name = required_text(inner, _EVENT_NAME)
    metadata = {key: value for key, value in inner.items() if key != _EVENT_NAME.name}
    aside = extra_in(around, {_GENERIC}) if is_nested else None
    return _ALIASES.get(name, name), metadata, {_GENERIC: aside} if aside else None


def _known_by_login(identity: Identity, name: str, metadata: JsonObject) -> Identity:
    """Return the identity with the email by which a login makes an anonymous user known."""
    email = metadata.get("email")
    if name != _LOGIN or identity.email or not isinstance(email, str):
        return identity
    if not 0 < len(email) <= limits.EMAIL_CHARACTERS:
        return identity
    return identified(external_id=identity.external_id, email=email)


def _profile(source: Json, of_user: re.Match[str]) -> ProfileUpdate:
    """Return what is said of a user: by POST of the one in the body, by PUT of the one in the path.

    Only a PUT without `upsert` needs the user to be there.
    """
    if not isinstance(source, dict):
        raise refused(RefusalCode.INVALID_JSON, "", "The body must be an object.")
    attributes = {key: value for key, value in source.items() if key not in _IDENTIFIERS}
    metadata_of(attributes, path="user", most_fields=limits.ATTRIBUTES_PER_CUSTOMER)
    name = of_user["name"]
    if name is None:
        return ProfileUpdate(
            customer=_identity(source, "user"), attributes=attributes, source=source
        )
    identity = identity_of(name)
    if isinstance(identity, Refusal):
        raise UnreadableError(identity)
    email = optional_text(source, _EMAIL)
    if email and identity.email and email.lower() != identity.email.lower():
        raise invalid("user.email", "The path names the user; its email can't be changed here.")
    return ProfileUpdate(
        customer=identity,
        attributes=attributes,
        source=source,
        must_exist=not _is_upsert(of_user["query"] or ""),
    )


def identity_of(name: str) -> Identity | Refusal:
    """Return the identity that a path names: an email where it holds @, else an _id."""
    is_email = "@" in name
    field = _EMAIL if is_email else _ID
    try:
        text = required_text({field.name: name}, field)
    except UnreadableError as error:
        return error.refusal
    return identified(email=text) if is_email else Identity(external_id=text)


def _is_upsert(query: str) -> bool:
    return any(value.lower() in _YES for value in parse_qs(query).get("upsert", ()))


def render(request: Request, outcomes: Sequence[Outcome]) -> Reply:
    """Return the vendor's words; an event that was discarded is answered like the one before it."""
    [entry], [outcome] = request.entries, outcomes
    if isinstance(entry, RefusedEvent):
        return render_error(entry.refusal)
    if outcome.error:
        return render_error(outcome.error)
    if isinstance(entry, ProfileUpdate):
        return _done("User saved", "User was saved with the given attributes")
    return _done("Event created", "Event was created for the specified user")


def _done(message: str, email: str) -> Reply:
    return json_reply(200, {"results": {"message": message, "email": email}})


def render_user(customer: Identity, attributes: JsonObject) -> Reply:
    """Return a user as it can be sent again: its names beside its attributes."""
    names = {"_id": customer.external_id, "email": customer.email}
    given = {name: value for name, value in names.items() if value}
    return json_reply(200, {"results": {**attributes, **given}})


def render_error(refusal: Refusal) -> Reply:
    """Return a refusal as `{"errors": [{"message", "description"}]}`.

    The envelope has no room for the field, so the description names it.
    """
    status = STATUS_OF[refusal.code]
    return json_reply(
        status,
        {"errors": [{"message": _title(refusal, status), "description": _description(refusal)}]},
        headers=retry_headers(refusal),
    )


def _title(refusal: Refusal, status: int) -> str:
    if refusal.code is RefusalCode.CUSTOMER_NOT_FOUND:
        return _USER_NOT_FOUND
    if refusal.code in _ABSENT and refusal.field in _TITLE_OF_ABSENT:
        return _TITLE_OF_ABSENT[refusal.field]
    return _TITLE_OF_STATUS[status]


def _description(refusal: Refusal) -> str:
    is_told = refusal.code in _ABSENT and refusal.field in _TITLE_OF_ABSENT
    is_named = is_told or not refusal.field or refusal.field in refusal.message
    return refusal.message if is_named else f"{refusal.field}: {refusal.message}"


wire = Wire(
    name="vibetrace",
    credentials=credentials,
    parse=parse,
    render=render,
    render_error=render_error,
    type_defaults=TYPE_DEFAULTS,
)
