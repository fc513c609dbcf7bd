"""Lynes's formats of events and users, as its public API pages document them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from events import limits
from events.metadata import number_in
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
    RefusedEvent,
    Reply,
    Request,
    StreakProgress,
    Wire,
)
from events.wires.reading import (
    CUSTOMER_ID,
    EVENT_NAME,
    attributes_of,
    bearer_token,
    extra_in,
    invalid,
    metadata_in,
    moment_in,
    read_body,
    required_text,
    whole_object,
)
from events.wires.replies import json_reply, message_naming_field, retry_headers, statuses

_EVENT_ID = replace(EVENT_NAME, name="eventId", path="eventId")
_USER_ID = replace(
    CUSTOMER_ID,
    name="userId",
    path="userId",
    takes_integers=True,  # JavaScript clients send the ids of their database as numbers
)
_CUSTOMER_ID = replace(_USER_ID, name="customerId", path="customerId")
_KNOWN = frozenset({"eventId", "userId", "metadata", "timestamp"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

STATUS_OF = statuses(
    {404: (RefusalCode.UNKNOWN_EVENT_TYPE, RefusalCode.INACTIVE_EVENT_TYPE)},
)


def credentials(headers: Headers) -> tuple[Credential, ...] | Refusal:
    """Return the API key, the user's token, or both where both are sent: then both must hold."""
    found: list[Credential] = []
    if api_key := headers.get("x-api-key", "").strip():
        found.append(Credential(kind="api_key", value=api_key))
    if token := bearer_token(headers):
        found.append(Credential(kind="jwt", value=token))
    if found:
        return tuple(found)
    return Refusal(
        code=RefusalCode.MISSING_CREDENTIALS,
        message="Send a token as Authorization: Bearer, or an API key in x-api-key.",
    )


def parse(_headers: Headers, _path: str, body: bytes) -> Request | Refusal:
    """Return the one event of a request. A key given twice counts as given last."""
    return read_body(body, lambda value: Request(entries=(_event(value),)))


def _event(value: Json) -> Event:
    source = whole_object(value, "The body must be one event object.")
    name = required_text(source, _EVENT_ID)
    # The vendor's cheat sheet names the user `customerId`, and all its other pages `userId`.
    user_field = _CUSTOMER_ID if "customerId" in source and "userId" not in source else _USER_ID
    user_id = required_text(source, user_field)
    metadata = metadata_in(source, most_fields=limits.LYNES_FIELDS_PER_EVENT)
    _refuse_nested(metadata)
    amount = _amount(source)
    # The older top-level amount serves rules as if it were metadata, beside the ten fields.
    takes_amount = amount is not None and "amount" not in metadata
    known = _KNOWN | {user_field.name}
    return Event(
        name=name,
        customer=Identity(external_id=user_id),
        metadata={**metadata, "amount": amount} if takes_amount else metadata,
        occurred_at=moment_in(source, "timestamp", zone=UTC),
        source=source,
        extra=extra_in(source, known | {"amount"} if takes_amount or amount is None else known),
    )


def parse_user(_headers: Headers, _path: str, body: bytes) -> Request | Refusal:
    """Return the one user of a request; what else it says of them are the user's attributes."""
    return read_body(body, lambda value: Request(entries=(_profile_update(value),)))


def _profile_update(value: Json) -> ProfileUpdate:
    source = whole_object(value, "The body must be one user object.")
    user_id = required_text(source, _USER_ID)
    told = {name: value for name, value in source.items() if name != "userId"}
    return ProfileUpdate(
        customer=Identity(external_id=user_id), attributes=attributes_of(told, ""), source=source
    )


def _refuse_nested(metadata: JsonObject) -> None:
    for key, value in metadata.items():
        inner = value if isinstance(value, list) else ()
        if isinstance(value, dict) or any(isinstance(one, (dict, list)) for one in inner):
            raise invalid(
                f"metadata.{key}",
                f"The field metadata.{key} must be a number, a string, a boolean, "
                "or a list of these.",
            )


def _amount(source: JsonObject) -> int | Decimal | None:
    value = source.get("amount")
    number = number_in(value) if isinstance(value, str) else value
    if isinstance(number, (int, Decimal)) and not isinstance(number, bool):
        return number
    if value is None:
        return None
    raise invalid("amount", "The field amount must be a number.")


def render(request: Request, outcomes: Sequence[Outcome]) -> Reply:
    """Return what the one event earned: its points, and the streaks that it touched."""
    [event] = request.entries
    if isinstance(event, RefusedEvent):
        return render_error(event.refusal)
    if isinstance(event, ProfileUpdate):
        return render_user(request, outcomes)
    [outcome] = outcomes
    occurred_at = outcome.occurred_at or event.occurred_at
    answer = {
        "eventId": event.name,
        "userId": event.customer.external_id,
        "pointsAwarded": outcome.points_awarded,
        "timestamp": None if occurred_at is None else _epoch_milliseconds(occurred_at),
        "streaks": [_streak(progress) for progress in outcome.streaks],
    }
    return json_reply(200, {"success": True, "data": answer})


def _streak(progress: StreakProgress) -> Mapping[str, object]:
    return {
        "streakId": progress.streak,
        "currentCount": progress.current,
        "lastUpdate": _written(progress.updated_at),
        "milestoneReached": progress.milestone_reached,
        "pointsAwarded": progress.points_awarded,
    }


def render_user(request: Request, _outcomes: Sequence[Outcome]) -> Reply:
    """Return the user's id, in the vendor's words and in its envelope."""
    [user] = request.entries
    user_id = "" if isinstance(user, RefusedEvent) else user.customer.external_id
    told = {"message": "user created successfully", "userId": user_id}
    return json_reply(200, {"success": True, "data": {"userId": user_id}, **told})


def render_points(points: int) -> Reply:
    """Return a balance where the vendor's page has it, and in its envelope."""
    return json_reply(200, {"success": True, "data": {"points": points}, "points": points})


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryItem:
    """Points that a user earned: by what, for which event."""

    id: str
    title: str
    event: str
    points: int
    type: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Some items of a history, with how many there are in all."""

    items: Sequence[HistoryItem]
    total: int
    limit: int
    offset: int


def render_history(page: HistoryPage) -> Reply:
    """Return one page of what a user earned."""
    answer = {
        "success": True,
        "data": [_history_item(item) for item in page.items],
        "pagination": {
            "total": page.total,
            "limit": page.limit,
            "offset": page.offset,
            "hasMore": page.offset + len(page.items) < page.total,
        },
    }
    return json_reply(200, answer)


def _history_item(item: HistoryItem) -> Mapping[str, object]:
    return {
        "id": item.id,
        "title": item.title,
        "description": item.event,
        "points": item.points,
        "type": item.type,
        "timestamp": _epoch_milliseconds(item.at),
        "image": None,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakItem:
    """A user's streak as of today."""

    streak: str
    current: int
    longest: int
    updated_at: datetime


def render_streaks(streaks: Sequence[StreakItem]) -> Reply:
    """Return the streaks that a user has."""
    told = [
        {
            "streakId": streak.streak,
            "currentCount": streak.current,
            "longestCount": streak.longest,
            "lastUpdate": _written(streak.updated_at),
        }
        for streak in streaks
    ]
    return json_reply(200, {"success": True, "data": told})


def _epoch_milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _written(moment: datetime) -> str:
    # As JavaScript writes it: always three digits after the point, always Z.
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def render_error(refusal: Refusal) -> Reply:
    """Return a refusal as `{"success": false, "error": {"code", "message"}}`.

    The envelope has no room for the field, so the sentence names it.
    """
    error = {"code": refusal.code, "message": message_naming_field(refusal)}
    return json_reply(
        STATUS_OF[refusal.code],
        {"success": False, "error": error},
        headers=retry_headers(refusal),
    )


wire = Wire(
    name="lynes",
    credentials=credentials,
    parse=parse,
    render=render,
    render_error=render_error,
    creates_event_types=False,
)
user_wire = Wire(
    name="lynes_user",
    credentials=credentials,
    parse=parse_user,
    render=render_user,
    render_error=render_error,
)
