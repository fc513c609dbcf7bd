"""Trackward's own format: one event, or a list that is answered event by event."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus

from events import limits
from events.metadata import RepeatedKeys, number_refusal, read_json, read_json_apart
from events.types import (
    Credential,
    Event,
    Headers,
    Identity,
    Json,
    JsonObject,
    Outcome,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Reply,
    Request,
    Wire,
)
from events.wires.reading import (
    CUSTOMER_ID,
    EMAIL,
    EVENT_NAME,
    PHONE,
    TextField,
    UnreadableError,
    bearer_token,
    extra_in,
    identified,
    invalid,
    metadata_in,
    moment_in,
    optional_text,
    refuse_repeated_key,
    refused,
    repeated,
    required_text,
)
from events.wires.replies import json_reply, retry_headers, statuses

_EMAIL = replace(EMAIL, path="identities.email")
_PHONE = replace(PHONE, path="identities.phone")
_KEY = TextField(
    name="id",
    path="id",
    most_characters=limits.EVENT_KEY_CHARACTERS,
    too_long=RefusalCode.EVENT_KEY_TOO_LONG,
    takes_integers=True,
)
_KNOWN = frozenset({"event", "customer", "identities", "id", "occurred_at", "metadata"})
_KNOWN_IDENTITIES = frozenset({"email", "phone"})

STATUS_OF = statuses(
    {
        # It can be read, but not be done
        422: (
            RefusalCode.NAME_TOO_LONG,
            RefusalCode.METADATA_KEY_TOO_LONG,
            RefusalCode.CUSTOMER_ID_TOO_LONG,
            RefusalCode.EVENT_KEY_TOO_LONG,
            RefusalCode.EMAIL_TOO_LONG,
            RefusalCode.PHONE_TOO_LONG,
            RefusalCode.TOO_MANY_FIELDS,
            RefusalCode.STRING_TOO_LONG,
            RefusalCode.ARRAY_TOO_LONG,
            RefusalCode.OCCURRED_IN_FUTURE,
            RefusalCode.OCCURRED_TOO_EARLY,
            RefusalCode.UNKNOWN_EVENT_TYPE,
            RefusalCode.INACTIVE_EVENT_TYPE,
            RefusalCode.INACTIVE_CUSTOMER,
            RefusalCode.TOO_MANY_EVENT_TYPES,
            RefusalCode.IDEMPOTENCY_CONFLICT,
        )
    }
)


def credentials(headers: Headers) -> tuple[Credential, ...] | Refusal:
    """Return the API key, the secret key, or both where both are sent: then both must hold."""
    found: list[Credential] = []
    if api_key := headers.get("x-api-key", "").strip():
        found.append(Credential(kind="api_key", value=api_key))
    if secret_key := bearer_token(headers):
        found.append(Credential(kind="secret_key", value=secret_key))
    if found:
        return tuple(found)
    return Refusal(
        code=RefusalCode.MISSING_CREDENTIALS,
        message="Send an API key in X-API-Key, or a secret key as Authorization: Bearer.",
    )


def parse(_headers: Headers, _path: str, body: bytes) -> Request | Refusal:
    """Return one event or up to 1,000; a bad one stands refused beside its neighbours."""
    value = read_json(body)
    try:
        return _request_apart(body, value) if isinstance(value, Refusal) else _request(value)
    except UnreadableError as error:
        return error.refusal


def _request_apart(body: bytes, refusal: Refusal) -> Request | Refusal:
    """Return a list whose body holds a number that can't be read: it costs its own event alone."""
    apart = read_json_apart(body)
    entries = apart.get("events") if isinstance(apart, dict) else None
    if not isinstance(apart, dict) or not isinstance(entries, list):
        return refusal
    if isinstance(apart, RepeatedKeys) or number_refusal({**apart, "events": None}):
        return refusal
    refusals = [number_refusal(entry) for entry in entries]
    read = _request({**apart, "events": entries}).entries
    return Request(
        entries=tuple(
            RefusedEvent(refusal=bad, source=source) if bad else entry
            for entry, source, bad in zip(read, entries, refusals, strict=True)
        ),
        is_list=True,
    )


def _request(body: Json) -> Request:
    match body:
        case {"events": _, "event": _}:
            raise invalid("events", "Send either one event or a list of events, not both.")
        case {"events": list() as entries}:
            if isinstance(body, RepeatedKeys):
                raise repeated(body.repeated)
            return Request(entries=_entries(entries), is_list=True)
        case {"events": _}:
            raise invalid("events", "The field events must be a list of events.")
        case dict():
            refuse_repeated_key(body)
            return Request(entries=(_entry(body),))
        case _:
            raise refused(
                RefusalCode.INVALID_JSON,
                "",
                'The body must be one event object, or {"events": [...]}.',
            )


def _entries(entries: Sequence[Json]) -> tuple[Event | RefusedEvent, ...]:
    if len(entries) > limits.EVENTS_PER_REQUEST:
        raise refused(
            RefusalCode.TOO_MANY_EVENTS,
            "events",
            f"The request has {len(entries)} events; "
            f"at most {limits.EVENTS_PER_REQUEST} are taken.",
        )
    return tuple(_entry(entry) for entry in entries)


def _entry(source: Json) -> Event | RefusedEvent:
    try:
        return _event(source)
    except UnreadableError as error:
        return RefusedEvent(refusal=error.refusal, source=source)


def _event(source: Json) -> Event:
    if not isinstance(source, dict):
        raise invalid("", "An event must be an object.")
    refuse_repeated_key(source)
    name = required_text(source, EVENT_NAME)
    identities = _identities(source)
    return Event(
        name=name,
        customer=_customer(source, identities),
        metadata=metadata_in(source),
        occurred_at=moment_in(source, "occurred_at"),
        key=optional_text(source, _KEY),
        source=source,
        extra=_extra(source, identities),
    )


def _identities(source: JsonObject) -> JsonObject:
    identities = source.get("identities")
    if identities is None or identities == []:
        return {}
    if not isinstance(identities, dict):
        raise invalid("identities", "The field identities must be an object.")
    return identities


def _customer(source: JsonObject, identities: JsonObject) -> Identity:
    customer = identified(
        external_id=optional_text(source, CUSTOMER_ID),
        email=optional_text(identities, _EMAIL),
        phone=optional_text(identities, _PHONE),
        email_path=_EMAIL.path,
        phone_path=_PHONE.path,
        is_strict=True,  # who writes for this format wants to be told
    )
    if customer.external_id or customer.email or customer.phone:
        return customer
    raise refused(
        RefusalCode.NULL_FIELD if "customer" in source else RefusalCode.MISSING_FIELD,
        "customer",
        "Name the customer: set customer, identities.email or identities.phone.",
    )


def _extra(source: JsonObject, identities: JsonObject) -> JsonObject | None:
    extra = extra_in(source, _KNOWN)
    further = extra_in(identities, _KNOWN_IDENTITIES)
    if further is None:
        return extra
    return {**(extra or {}), "identities": further}


def read_line(line: bytes) -> Event | RefusedEvent:
    """Return the one event that a line of a file holds, or why it can't be read."""
    value = read_json(line)
    if isinstance(value, Refusal):
        return RefusedEvent(refusal=_of_a_line(value), source=line)
    return _entry(value)


def _of_a_line(refusal: Refusal) -> Refusal:
    words = refusal.message.replace("The body", "The line").replace(
        "at line 1, column", "at column"
    )
    return replace(refusal, message=words)


def render(request: Request, outcomes: Sequence[Outcome]) -> Reply:
    """Return every verdict: 200, and 422 where a single event was rejected."""
    answer = {
        "receipt": request.receipt,
        "results": results(outcomes),
    }
    is_rejected = not request.is_list and any(one.status == "rejected" for one in outcomes)
    return json_reply(422 if is_rejected else 200, answer)


def results(outcomes: Sequence[Outcome]) -> list[Mapping[str, object]]:
    """Return the verdict on each event, in order."""
    return [_result(index, outcome) for index, outcome in enumerate(outcomes)]


def _result(index: int, outcome: Outcome) -> Mapping[str, object]:
    result: dict[str, object] = {
        "index": index,
        "status": outcome.status,
        "id": outcome.event_id,
        "points_awarded": outcome.points_awarded,
        "awards": [
            {"rule": award.rule, "points": award.points, "desired": award.desired}
            for award in outcome.awards
        ],
        "streaks": [
            {
                "streak": streak.streak,
                "current": streak.current,
                "longest": streak.longest,
                "milestone_reached": streak.milestone_reached,
                "points_awarded": streak.points_awarded,
            }
            for streak in outcome.streaks
        ],
        "challenges": [
            {
                "challenge": challenge.challenge,
                "progress": challenge.progress,
                "goal": challenge.goal,
                "completed": challenge.completed,
                "points_awarded": challenge.points_awarded,
            }
            for challenge in outcome.challenges
        ],
        "balance": outcome.balance,
    }
    if outcome.reason:
        result["reason"] = outcome.reason
    if error := outcome.error:
        result["error"] = {"code": error.code, "message": error.message, "field": error.field}
    return result


def render_error(refusal: Refusal) -> Reply:
    """Return a refusal as problem+json (RFC 9457), with its code and the path of the field."""
    status = STATUS_OF[refusal.code]
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": refusal.message,
        "code": refusal.code,
    }
    if refusal.field:
        problem["field"] = refusal.field
    return json_reply(
        status,
        problem,
        content_type="application/problem+json",
        headers=retry_headers(refusal),
    )


wire = Wire(
    name="native",
    credentials=credentials,
    parse=parse,
    render=render,
    render_error=render_error,
    is_atomic=False,
    has_receipts=True,
)
