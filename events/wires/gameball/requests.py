"""What Gameball's clients send: proofs, events, customers and batches of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from events import limits
from events.metadata import RepeatedKeys, read_json
from events.types import (
    Credential,
    Entry,
    Event,
    Headers,
    Identity,
    Json,
    JsonObject,
    ProfileUpdate,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Request,
)
from events.wires.named_events import metadata_by_event
from events.wires.reading import (
    TextField,
    UnreadableError,
    absent,
    attributes_in,
    extra_in,
    identified,
    invalid,
    metadata_of,
    optional_text,
    refuse_repeated_key,
    refused,
    repeated,
    required_text,
)

_Read = TypeVar("_Read")

_CUSTOMER_ID_CHARACTERS = 100  # the vendor's own limit, below ours
_CUSTOMER_ID = TextField(
    name="customerId",
    path="customerId",
    most_characters=_CUSTOMER_ID_CHARACTERS,
    too_long=RefusalCode.CUSTOMER_ID_TOO_LONG,
    takes_integers=True,  # PHP and JavaScript clients send the ids of their database as numbers
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
_ATTRIBUTES = "customerAttributes"
_EMAIL_ATTRIBUTE = replace(_EMAIL, path=f"{_ATTRIBUTES}.email")
_MOBILE_ATTRIBUTE = replace(_MOBILE, path=f"{_ATTRIBUTES}.mobile")
_NAMES = frozenset({_EMAIL.name, _MOBILE.name})
_KNOWN = frozenset({"customerId", "email", "mobile", "events"})

_NO_API_KEY = Refusal(
    code=RefusalCode.MISSING_CREDENTIALS, message="Send the project's API key in apikey."
)
_NO_SECRET_KEY = Refusal(
    code=RefusalCode.MISSING_SECRET_KEY,
    message="Send the project's secret key in secretkey, beside the API key.",
)
_ONLY_SESSION_TOKEN = Refusal(
    code=RefusalCode.MISSING_SECRET_KEY,
    message="Session tokens (X-GB-TOKEN) are not taken here yet; send the secret key in "
    "secretkey, from a server.",
)


def open_credentials(headers: Headers) -> tuple[Credential, ...] | Refusal:
    """Return the API key, and the secret key where one comes along: both must hold."""
    api_key = headers.get("apikey", "").strip()
    if not api_key:
        return _NO_API_KEY
    proof = Credential(kind="api_key", value=api_key)
    secret_key = headers.get("secretkey", "").strip()
    return (proof, Credential(kind="secret_key", value=secret_key)) if secret_key else (proof,)


def strict_credentials(headers: Headers) -> tuple[Credential, ...] | Refusal:
    """Return both keys; a session token stands for neither."""
    proofs = open_credentials(headers)
    if isinstance(proofs, Refusal) or len(proofs) > 1:
        return proofs
    return _ONLY_SESSION_TOKEN if headers.get("x-gb-token") else _NO_SECRET_KEY


def parse_events(_headers: Headers, _path: str, body: bytes) -> Request | Refusal:
    """Return the events of one customer, in the order in which they are written."""
    return _read(body, lambda value: Request(entries=tuple(_events(value))))


def parse_customer(_headers: Headers, _path: str, body: bytes) -> Request | Refusal:
    """Return what is said of one customer, who is made where new."""
    return _read(body, lambda value: Request(entries=(_profile_update(value),)))


def parse_batch(_headers: Headers, _path: str, body: bytes) -> Request | Refusal:
    """Return the events of every element of a batch; `lines` are the places of the elements.

    An element that can't be read is one refused event: it costs none of its neighbours.
    """
    return _read(body, _batch)


def _read(body: bytes, read: Callable[[JsonObject], _Read]) -> _Read | Refusal:
    value = read_json(body)
    if isinstance(value, Refusal):
        return value
    if not isinstance(value, dict):
        return Refusal(code=RefusalCode.INVALID_JSON, message="The body must be an object.")
    try:
        return read(value)
    except UnreadableError as error:
        return error.refusal


def _events(body: JsonObject) -> Iterator[Event]:
    """Yield the events. What is said once, of the customer, goes with the first of them."""
    # An event name is unique by the vendor's page. The last would hide the others, whose points
    # nobody would miss before the customer does.
    refuse_repeated_key(body)
    customer = _customer(body)
    extra = extra_in(body, _KNOWN)
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
        )
        rest = {name: body[name] for name in ("customerId", "email", "mobile") if name in body}
        extra = None


def _customer(body: JsonObject) -> Identity:
    return identified(
        external_id=required_text(body, _CUSTOMER_ID),
        email=optional_text(body, _EMAIL),
        phone=optional_text(body, _MOBILE),
        phone_path=_MOBILE.path,
    )


def _profile_update(body: JsonObject) -> ProfileUpdate:
    refuse_repeated_key(body)
    customer = _customer(body)
    attributes = attributes_in(body, _ATTRIBUTES, nested="custom") or {}
    inner = identified(
        email=optional_text(attributes, _EMAIL_ATTRIBUTE),
        phone=optional_text(attributes, _MOBILE_ATTRIBUTE),
        phone_path=_MOBILE_ATTRIBUTE.path,
    )
    extra_in(body, _KNOWN)  # nobody reads the rest, but it must be storable
    return ProfileUpdate(
        customer=replace(
            customer, email=customer.email or inner.email, phone=customer.phone or inner.phone
        ),
        # Names are kept once, where they are found, merged and erased.
        attributes={name: value for name, value in attributes.items() if name not in _NAMES},
        source=body,
    )


def _batch(body: JsonObject) -> Request:
    read = [
        (place, entry)
        for place, element in enumerate(_elements(body))
        for entry in _entries(element)
    ]
    return Request(
        entries=tuple(entry for _, entry in read),
        is_list=True,
        lines=tuple(place for place, _ in read),
    )


def _elements(body: JsonObject) -> list[Json]:
    # Only its own keys: one that an element repeats costs that element alone.
    if isinstance(body, RepeatedKeys) and body.repeated:
        raise repeated(body.repeated)
    elements = body.get("body")
    if elements is None:
        raise absent(body, "body", path="body")
    if not isinstance(elements, list) or not elements:
        raise invalid("body", "The field body must be an array with at least one element.")
    if len(elements) > limits.EVENTS_PER_REQUEST:
        raise refused(
            RefusalCode.TOO_MANY_EVENTS,
            "body",
            f"The batch has {len(elements)} elements; "
            f"at most {limits.EVENTS_PER_REQUEST} are taken.",
        )
    return elements


def _entries(element: Json) -> Sequence[Entry]:
    request = read_element(element)
    if isinstance(request, Refusal):
        return (RefusedEvent(refusal=request, source=element),)
    return request.entries


def read_element(element: Json) -> Request | Refusal:
    """Return the request that one element of a batch is."""
    if not isinstance(element, dict):
        return Refusal(
            code=RefusalCode.INVALID_FIELD, message="An element of the batch must be an object."
        )
    try:
        return Request(entries=tuple(_events(element)))
    except UnreadableError as error:
        return error.refusal


def elements_in(body: bytes) -> list[Json] | Refusal:
    """Return the elements of a batch."""
    return _read(body, _elements)
