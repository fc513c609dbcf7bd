"""Vibetrace's event and user formats, as its public help pages document them."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from urllib.parse import parse_qs

from events import limits
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
    CUSTOMER_ID,
    EMAIL,
    EVENT_NAME,
    UnreadableError,
    extra_in,
    identified,
    invalid,
    metadata_of,
    optional_text,
    placeholders_in,
    read_body,
    refused,
    required_text,
    whole_object,
)
from events.wires.replies import json_reply, message_naming_field, retry_headers, statuses

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

_ID = replace(CUSTOMER_ID, name="_id", path="user._id", takes_integers=True, blank_is_absent=True)
_EMAIL = replace(EMAIL, path="user.email")
_KIND = replace(EVENT_NAME, name="kind", path="event")
_EVENT_NAME = replace(EVENT_NAME, name="event_name", path="event.generic.generic.event_name")
_IDENTIFIERS = frozenset({"_id", "email"})
_KNOWN = frozenset({"user", "event"})
_USER = re.compile(r"/user(?:/(?P<name>[^/]+?))?/*(?:\?(?P<query>[^?]*))?$", re.IGNORECASE)
_YES = frozenset({"true", "1"})

STATUS_OF = statuses({})
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
    of_user = _USER.search(path)

    def read(value: Json) -> Request:
        entry: Entry = _profile(value, of_user) if of_user else _event(value)
        return Request(entries=(entry,))

    return read_body(body, read)


def _event(value: Json) -> Event:
    source = whole_object(value, "The body must be an object of user and event.")
    user = _part(source, "user", "Please send user information along with event")
    kinds = _part(source, "event", "Please send event information along with user")
    identity = _identity(user, "user")
    name, metadata, aside = _named(kinds)
    extra = extra_in(source, _KNOWN) or {}
    if further := extra_in(user, _identifiers(user)):
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
    identity = identified(
        external_id=optional_text(user, _ID),
        email=optional_text(user, _EMAIL),
        email_path=_EMAIL.path,
    )
    if not identity.external_id and not identity.email:
        raise refused(
            RefusalCode.MISSING_FIELD, path, "Please send the email or the _id of the user"
        )
    return identity


def _identifiers(user: JsonObject) -> AbstractSet[str]:
    """Return the fields that are no attributes: an email that is none does not name the user."""
    return _IDENTIFIERS - placeholders_in(user)


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


def _profile(value: Json, of_user: re.Match[str]) -> ProfileUpdate:
    """Return what is said of a user: by POST of the one in the body, by PUT of the one in the path.

    Only a PUT without `upsert` needs the user to be there.
    """
    source = whole_object(value)
    identifiers = _identifiers(source)
    attributes = {key: value for key, value in source.items() if key not in identifiers}
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
        if is_email:
            return identified(email=text, email_path=field.path)
        return Identity(external_id=text)
    except UnreadableError as error:
        return error.refusal


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
    return refusal.message if is_told else message_naming_field(refusal)


wire = Wire(
    name="vibetrace",
    credentials=credentials,
    parse=parse,
    render=render,
    render_error=render_error,
    type_defaults=TYPE_DEFAULTS,
)
