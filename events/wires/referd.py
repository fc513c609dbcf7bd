"""Referd's event and player formats, which are those of Gameball's API 2.0 and 3.0."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from events import limits
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
from events.wires.named_events import named_events
from events.wires.reading import (
    CUSTOMER_ID,
    EMAIL,
    PHONE,
    attributes_in,
    extra_in,
    identified_by_first,
    placeholders_in,
    read_body,
    refuse_repeated_key,
    refused,
    required_text,
    texts_in,
    whole_object,
    without_names,
)
from events.wires.replies import json_reply, message_naming_field, retry_headers, statuses

_PLAYER_ID = replace(
    CUSTOMER_ID,
    name="playerUniqueId",
    path="playerUniqueId",
    most_characters=limits.GAMEBALL_ID_CHARACTERS,
    takes_integers=True,  # the vendor's Python client sends the ids of a database as numbers
)
_MOBILE = replace(PHONE, name="mobile", path="mobile", takes_integers=True)
_ATTRIBUTES = "playerAttributes"
_EMAIL_ATTRIBUTE = replace(EMAIL, path=f"{_ATTRIBUTES}.email")
# The clients of version 2 name it mobileNumber.
_MOBILE_ATTRIBUTES = tuple(
    replace(_MOBILE, name=name, path=f"{_ATTRIBUTES}.{name}") for name in ("mobile", "mobileNumber")
)
_NAMES = frozenset({"email", "mobile", "mobileNumber"})
_CUSTOM = "custom"
_PLAYER = ("playerUniqueId", "email", "mobile")
_KNOWN = frozenset({*_PLAYER, _ATTRIBUTES, "events"})

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
STATUS_OF = statuses(
    {
        400: (RefusalCode.INACTIVE_CUSTOMER,),
        403: (RefusalCode.MISSING_CREDENTIALS, RefusalCode.MISSING_SECRET_KEY),
    }
)


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
    return read_body(body, lambda value: Request(entries=tuple(_events(_checked(value)))))


def parse_player(_headers: Headers, _path: str, body: bytes) -> Request | Refusal:
    """Return what a request says of one player, who is made where new."""
    return read_body(body, lambda value: Request(entries=(_profile_update(_checked(value)),)))


def _checked(value: Json) -> JsonObject:
    body = whole_object(value)
    refuse_repeated_key(body)
    return body


def _events(body: JsonObject) -> Iterator[Event]:
    customer, attributes = _player(body)
    kept = without_names({}, attributes, known=_NAMES)  # those of the body stay with the event
    extra = extra_in(body, _KNOWN - placeholders_in(body, phone="mobile"))
    _require(body, "events")
    return named_events(body, customer, names=_PLAYER, extra=extra, attributes=kept or None)


def _player(body: JsonObject) -> tuple[Identity, JsonObject]:
    """Return who the player is, by the first names that are some, and the player's attributes."""
    _require(body, "playerUniqueId")
    attributes = attributes_in(body, _ATTRIBUTES, nested=_CUSTOM) or {}
    customer = identified_by_first(
        required_text(body, _PLAYER_ID),
        emails=texts_in((body, EMAIL), (attributes, _EMAIL_ATTRIBUTE)),
        phones=texts_in((body, _MOBILE), *((attributes, each) for each in _MOBILE_ATTRIBUTES)),
    )
    return customer, attributes


def _require(body: JsonObject, name: str) -> None:
    """Raise where a field is missing, in the vendor's spelling, which its users know from logs."""
    if name not in body:
        shown = f"{name[0].upper()}{name[1:]}"
        raise refused(RefusalCode.MISSING_FIELD, name, f"The {shown} field is required.")


def _profile_update(body: JsonObject) -> ProfileUpdate:
    customer, attributes = _player(body)
    extra_in(body, _KNOWN)  # nobody reads the rest, but it must be storable
    attributes = without_names(body, attributes, known=_NAMES)
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
    """Return a refusal as `{"code", "message"}`, the code one of the vendor's numbers or 0."""
    status = STATUS_OF[refusal.code]
    number = _NUMBER_OF.get(refusal.code, _INVALID_NUMBER if status == 400 else _NO_NUMBER)
    return json_reply(
        status,
        {"code": number, "message": message_naming_field(refusal)},
        headers=retry_headers(refusal),
    )


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
