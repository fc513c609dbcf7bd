"""Referd's event and player formats, which are those of Gameball's API 2.0 and 3.0."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from events import limits
from events.metadata import read_json
from events.types import (
    Credential,
    Event,
    Headers,
    Identity,
    Json,
    JsonObject,
    Outcome,
    ProfileUpdate,
    Refusal,
    RefusalCode,
    Reply,
    Request,
    Wire,
)
from events.wires.named_events import metadata_by_event
from events.wires.reading import (
    TextField,
    UnreadableError,
    attributes_in,
    extra_in,
    identified,
    metadata_of,
    optional_text,
    refuse_repeated_key,
    refused,
    required_text,
)
from events.wires.replies import UNREADABLE, json_reply, retry_headers

_PLAYER_ID_CHARACTERS = 100  # the vendor's own limit, below ours
_PLAYER_ID = TextField(
    name="playerUniqueId",
    path="playerUniqueId",
    most_characters=_PLAYER_ID_CHARACTERS,
    too_long=RefusalCode.CUSTOMER_ID_TOO_LONG,
    takes_integers=True,  # the vendor's Python client sends the ids of a database as numbers
)
_EMAIL = TextField(
    name="email",
    path="email",
    most_characters=limits.EMAIL_CHARACTERS,
    too_long=RefusalCode.EMAIL_TOO_LONG,
    blank_is_absent=True,
)
_MOBILE = TextField(
    name="mobile",
    path="mobile",
    most_characters=limits.PHONE_CHARACTERS,
    too_long=RefusalCode.PHONE_TOO_LONG,
    takes_integers=True,
    blank_is_absent=True,
)
_ATTRIBUTES = "playerAttributes"
_EMAIL_ATTRIBUTE = replace(_EMAIL, path=f"{_ATTRIBUTES}.email")
# The clients of version 2 name it mobileNumber.
_MOBILE_ATTRIBUTES = tuple(
    replace(_MOBILE, name=name, path=f"{_ATTRIBUTES}.{name}") for name in ("mobile", "mobileNumber")
)
_NAMES = frozenset({"email", "mobile", "mobileNumber"})
_CUSTOM = "custom"
_KNOWN = frozenset({"playerUniqueId", "email", "mobile", _ATTRIBUTES, "events"})

# The numbers of the vendor's list of errors; clients hand them on.
_NO_NUMBER = 0
_NUMBER_OF: Mapping[RefusalCode, int] = {
    RefusalCode.MISSING_FIELD: 4,
    RefusalCode.NULL_FIELD: 5,
    RefusalCode.INACTIVE_EVENT_TYPE: 16,
    RefusalCode.INACTIVE_CUSTOMER: 16,
    RefusalCode.CUSTOMER_NOT_FOUND: 101,
}
_INVALID_NUMBER = 7
_CODES_BY_STATUS: Mapping[int, tuple[RefusalCode, ...]] = {
    400: (
        *UNREADABLE,
        RefusalCode.UNKNOWN_EVENT_TYPE,
        RefusalCode.INACTIVE_EVENT_TYPE,
        RefusalCode.INACTIVE_CUSTOMER,
        RefusalCode.TOO_MANY_EVENT_TYPES,
        RefusalCode.IDEMPOTENCY_CONFLICT,
    ),
    401: (RefusalCode.INVALID_CREDENTIALS, RefusalCode.INVALID_SECRET_KEY),
    403: (
        RefusalCode.MISSING_CREDENTIALS,
        RefusalCode.MISSING_SECRET_KEY,
        RefusalCode.FORBIDDEN,
        RefusalCode.NEEDS_API_KEY,
    ),
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


def credentials(headers: Headers) -> tuple[Credential, ...] | Refusal:
    """Return the API key, and the secret key where one comes along.

    The vendor's Python and Ruby clients send a secretKey with every request and can't do without,
    while the endpoint asks for none: one that does not hold counts as not sent.
    """
    api_key = headers.get("apikey", "").strip()
    if not api_key:
        return Refusal(
            code=RefusalCode.MISSING_CREDENTIALS, message="Send the project's API key in APIKey."
        )
    proof = Credential(kind="api_key", value=api_key)
    secret_key = headers.get("secretkey", "").strip()
    if not secret_key:
        return (proof,)
    return (proof, Credential(kind="secret_key", value=secret_key, may_fail=True))


def parse(_headers: Headers, _path: str, body: bytes) -> Request | Refusal:
    """Return the events of one player, in the order in which they are written."""
    value = read_json(body)
    if isinstance(value, Refusal):
        return value
    try:
        return Request(entries=tuple(_events(_checked(value))))
    except UnreadableError as error:
        return error.refusal


def parse_player(_headers: Headers, _path: str, body: bytes) -> Request | Refusal:
    """Return what a request says of one player, who is made where new."""
    value = read_json(body)
    if isinstance(value, Refusal):
        return value
    try:
        return Request(entries=(_profile_update(_checked(value)),))
    except UnreadableError as error:
        return error.refusal


def _checked(body: Json) -> JsonObject:
    if not isinstance(body, dict):
        raise refused(RefusalCode.INVALID_JSON, "", "The body must be an object.")
    refuse_repeated_key(body)
    return body


def _events(body: JsonObject) -> Iterator[Event]:
    """Yield the events. What is said once, of the player, goes with the first of them."""
    customer, attributes = _player(body)
    extra = extra_in(body, _KNOWN)
    _require(body, "events")
    named = metadata_by_event(body)
    rest = {name: value for name, value in body.items() if name != "events"}
    for name, metadata in named.items():
        yield Event(
            name=name,
            customer=customer,
            metadata=metadata_of(metadata, path=f"events.{name}"),
            # Each is a request of its own, so that a long one is not stored once for each event.
            source=body if len(named) == 1 else {**rest, "events": {name: metadata}},
            extra=extra,
            attributes=attributes or None,
        )
        rest = {name: body[name] for name in ("playerUniqueId", "email", "mobile") if name in body}
        extra, attributes = None, {}


def _player(body: JsonObject) -> tuple[Identity, JsonObject]:
    """Return who the player is, and the player's attributes without the names among them.

    Names are kept once, where they are found, merged and erased.
    """
    _require(body, "playerUniqueId")
    attributes = attributes_in(body, _ATTRIBUTES, nested=_CUSTOM) or {}
    mobiles = (optional_text(attributes, each) for each in _MOBILE_ATTRIBUTES)
    customer = identified(
        external_id=required_text(body, _PLAYER_ID),
        email=optional_text(body, _EMAIL) or optional_text(attributes, _EMAIL_ATTRIBUTE),
        phone=optional_text(body, _MOBILE) or next(filter(None, mobiles), ""),
        phone_path="mobile",
    )
    return customer, {name: value for name, value in attributes.items() if name not in _NAMES}


def _require(body: JsonObject, name: str) -> None:
    """Raise where a field is missing, in the vendor's spelling, which its users know from logs."""
    if name not in body:
        shown = f"{name[0].upper()}{name[1:]}"
        raise refused(RefusalCode.MISSING_FIELD, name, f"The {shown} field is required.")


def _profile_update(body: JsonObject) -> ProfileUpdate:
    customer, attributes = _player(body)
    extra_in(body, _KNOWN)  # nobody reads the rest, but it must be storable
    return ProfileUpdate(customer=customer, attributes=attributes, source=body)


def render(_request: Request, _outcomes: Sequence[Outcome]) -> Reply:
    """Return the empty object: the format has no room for what was earned."""
    return json_reply(200, {})


def render_player(_request: Request, outcomes: Sequence[Outcome]) -> Reply:
    """Return the number under which the player is known."""
    return json_reply(200, {"gameballId": outcomes[0].customer_id})


def render_balance(points: int) -> Reply:
    """Return the points of a player. None of ours waits, and none has a price."""
    answer = {
        "pointsBalance": points,
        "pointsValue": None,
        "pendingPoints": 0,
        "pendingPointsValue": None,
        "currency": None,
        "pointsName": "Points",
    }
    return json_reply(200, answer)


def render_error(refusal: Refusal) -> Reply:
    """Return a refusal as `{"code", "message"}`, the code one of the vendor's numbers or 0.

    The envelope has no room for the field, so the sentence names it.
    """
    status = STATUS_OF[refusal.code]
    number = _NUMBER_OF.get(refusal.code, _INVALID_NUMBER if status == 400 else _NO_NUMBER)
    # The message of a missing field spells it as the vendor does.
    is_named = refusal.field.lower() in refusal.message.lower()
    message = refusal.message if is_named else f"{refusal.field}: {refusal.message}"
    return json_reply(status, {"code": number, "message": message}, headers=retry_headers(refusal))


wire = Wire(
    name="referd",
    credentials=credentials,
    parse=parse,
    render=render,
    render_error=render_error,
    may_demand_secret=True,
)
player_wire = Wire(
    name="referd_player",
    credentials=credentials,
    parse=parse_player,
    render=render_player,
    render_error=render_error,
    may_demand_secret=True,
)
