"""What Gameball's clients send: proofs, events, customers and batches of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from events import limits
from events.metadata import RepeatedKeys
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
from events.wires.named_events import named_events
from events.wires.reading import (
    CUSTOMER_ID,
    EMAIL,
    PHONE,
    UnreadableError,
    absent,
    attributes_in,
    extra_in,
    identified,
    identified_by_first,
    invalid,
    optional_text,
    placeholders_in,
    read_body,
    refuse_repeated_key,
    refused,
    repeated,
    required_text,
    texts_in,
    whole_object,
    without_names,
)

_CUSTOMER_ID = replace(
    CUSTOMER_ID,
    name="customerId",
    path="customerId",
    most_characters=limits.GAMEBALL_ID_CHARACTERS,
    takes_integers=True,  # PHP and JavaScript clients send the ids of their database as numbers
)
_MOBILE = replace(PHONE, name="mobile", path="mobile", takes_integers=True)
_ATTRIBUTES = "customerAttributes"
_EMAIL_ATTRIBUTE = replace(EMAIL, path=f"{_ATTRIBUTES}.email")
_MOBILE_ATTRIBUTE = replace(_MOBILE, path=f"{_ATTRIBUTES}.mobile")
_NAMES = frozenset({EMAIL.name, _MOBILE.name})
_CUSTOMER = ("customerId", "email", "mobile")
_KNOWN = frozenset({*_CUSTOMER, "events"})

_NO_API_KEY = Refusal(
    code=RefusalCode.MISSING_CREDENTIALS, message="Send the project's API key in apikey."
)
_NO_SECRET_KEY = Refusal(
    code=RefusalCode.MISSING_SECRET_KEY,
    message="Send the project's secret key in secretkey, beside the API key.",
)
_ONLY_SESSION_TOKEN = Refusal(
    code=RefusalCode.MISSING_SECRET_KEY,
    message="Session tokens (X-GB-TOKEN) are not taken here; send the secret key in "
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
    return read_body(body, lambda value: Request(entries=tuple(_events(whole_object(value)))))


def parse_customer(_headers: Headers, _path: str, body: bytes) -> Request | Refusal:
    """Return what is said of one customer, who is made where new."""
    return read_body(body, lambda value: Request(entries=(_profile_update(value),)))


def parse_batch(_headers: Headers, _path: str, body: bytes) -> Request | Refusal:
    """Return the events of every element of a batch; `lines` are the places of the elements.

    An element that can't be read is one refused event: it costs none of its neighbours.
    """
    return read_body(body, _batch)


def _events(body: JsonObject) -> Iterator[Event]:
    # An event name is unique by the vendor's page. The last would hide the others, whose points
    # nobody would miss before the customer does.
    refuse_repeated_key(body)
    extra = extra_in(body, _KNOWN - placeholders_in(body, phone="mobile"))
    return named_events(body, _customer(body), names=_CUSTOMER, extra=extra)


def _customer(body: JsonObject) -> Identity:
    return identified(
        external_id=required_text(body, _CUSTOMER_ID),
        email=optional_text(body, EMAIL),
        phone=optional_text(body, _MOBILE),
    )


def _profile_update(value: Json) -> ProfileUpdate:
    body = whole_object(value)
    refuse_repeated_key(body)
    external_id = required_text(body, _CUSTOMER_ID)
    attributes = attributes_in(body, _ATTRIBUTES, nested="custom") or {}
    extra_in(body, _KNOWN)  # nobody reads the rest, but it must be storable
    return ProfileUpdate(
        customer=identified_by_first(
            external_id,
            emails=texts_in((body, EMAIL), (attributes, _EMAIL_ATTRIBUTE)),
            phones=texts_in((body, _MOBILE), (attributes, _MOBILE_ATTRIBUTE)),
        ),
        attributes=without_names(body, attributes, known=_NAMES),
        source=body,
    )


def _batch(value: Json) -> Request:
    read = [
        (place, entry)
        for place, element in enumerate(_elements(value))
        for entry in _entries(element)
    ]
    return Request(
        entries=tuple(entry for _, entry in read),
        is_list=True,
        lines=tuple(place for place, _ in read),
    )


def _elements(value: Json) -> list[Json]:
    body = whole_object(value)
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
    return read_body(body, _elements)
