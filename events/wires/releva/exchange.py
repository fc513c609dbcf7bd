"""Releva's requests and answers, each for many events or profiles at once."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from events import limits
from events.types import (
    Credential,
    Entry,
    Headers,
    Json,
    JsonObject,
    Outcome,
    Refusal,
    RefusalCode,
    Reply,
    Request,
    Wire,
)
from events.wires.reading import (
    UnreadableError,
    absent,
    bearer_token,
    invalid,
    read_body,
    refused,
    whole_object,
)
from events.wires.releva.entries import event_in, profile_in
from events.wires.replies import json_reply, message_naming_field, retry_headers, statuses

Read = TypeVar("Read", bound=Entry)

_PROFILES_PATH = re.compile(r"/profiles/*(?:\?.*)?$", re.IGNORECASE)

STATUS_OF = statuses({})


def credentials(headers: Headers) -> tuple[Credential, ...] | Refusal:
    """Return the secret key."""
    if key := bearer_token(headers):
        return (Credential(kind="secret_key", value=key),)
    return Refusal(
        code=RefusalCode.MISSING_CREDENTIALS,
        message="Send the secret key as Authorization: Bearer.",
    )


def parse(_headers: Headers, path: str, body: bytes) -> Request | Refusal:
    """Return the events of a request, or the profiles where the path ends in profiles.

    A name given twice in an object counts as given last.
    """
    if _PROFILES_PATH.search(path):
        return read_body(body, lambda value: _request(value, "profiles", profile_in))
    return read_body(body, lambda value: _request(value, "events", event_in))


def _request(value: Json, name: str, read: Callable[[JsonObject], Read]) -> Request:
    source = whole_object(value, f'The body must be an object: {{"{name}": [...]}}.')
    entries = source.get(name)
    if entries is None:
        raise absent(source, name, path=name)
    if not isinstance(entries, list):
        raise invalid(name, f"The field {name} must be an array.")
    if not entries:
        raise invalid(name, f"The field {name} is empty; send at least one of them.")
    if len(entries) > limits.EVENTS_PER_REQUEST:
        raise refused(
            RefusalCode.TOO_MANY_EVENTS,
            name,
            f"The request has {len(entries)} {name}; at most {limits.EVENTS_PER_REQUEST} are "
            "taken. Send the others in a further request.",
        )
    return Request(
        entries=tuple(_read(each, f"{name}[{i}]", read) for i, each in enumerate(entries)),
        is_list=True,
        list_name=name,
    )


def _read(source: Json, path: str, read: Callable[[JsonObject], Read]) -> Read:
    """Return one entry; a refusal of it names its place in the request."""
    try:
        if not isinstance(source, dict):
            raise invalid("", f"{path} must be an object.")
        return read(source)
    except UnreadableError as error:
        refusal = error.refusal
        field = f"{path}.{refusal.field}" if refusal.field else path
        raise UnreadableError(replace(refusal, field=field)) from error


def render(_request: Request, _outcomes: Sequence[Outcome]) -> Reply:
    """Return the vendor's success, which says nothing of any event."""
    return json_reply(202, {})


# What the canonical fields of an event are called here.
_WORDS = {"event": "action", "occurred_at": "timestamp"}


def render_error(refusal: Refusal) -> Reply:
    """Return a refusal as `{"message"}`, which names the place in the request and what to do."""
    return json_reply(
        STATUS_OF[refusal.code], {"message": _message(refusal)}, headers=retry_headers(refusal)
    )


def _message(refusal: Refusal) -> str:
    field, message = refusal.field, refusal.message
    if "[" not in field or field in message:
        return message_naming_field(refusal)
    place, _, last = field.rpartition(".")
    if place.endswith("]"):
        field = f"{place}.{_WORDS.get(last, last)}"
    return f"{field}: {message[:1].lower()}{message[1:]}"


wire = Wire(
    name="releva",
    credentials=credentials,
    parse=parse,
    render=render,
    render_error=render_error,
    links_identities=True,
)
