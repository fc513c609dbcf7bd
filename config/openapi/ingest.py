"""The endpoints that take events in, whatever the wire."""

from config.openapi import native
from config.openapi.parts import (
    ANYTHING,
    BOOLEAN,
    COUNT,
    INTEGER,
    MOMENT,
    NUMBER,
    TEXT,
    UUID,
    Body,
    Operation,
    Paths,
    Refusals,
    Schema,
    codes_but,
    described,
    list_of,
    named,
    nullable,
    record,
    words,
)
from events import limits
from events.types import RefusalCode
from events.wires import lynes

TAG = "Events"
LYNES_TAG = "Lynes"
USER_TOKEN = "userToken"  # noqa: S105 - the name of a scheme

KEY_SCHEMES: dict[str, Schema] = {
    USER_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token that the project signs with its `jwt_secret` (HS256) for one "
        "user: `aud` is the project's slug; `sub`, `iss` and `exp` are needed.",
    },
}

# The request as a whole can't be read, or not be taken now.
_OF_REQUESTS = (
    RefusalCode.INVALID_JSON,
    RefusalCode.INVALID_FIELD,
    RefusalCode.DUPLICATE_KEY,
    RefusalCode.NUMBER_NOT_FINITE,
    RefusalCode.NUMBER_TOO_LONG,
    RefusalCode.TOO_DEEP,
    *native.OF_KEYS,
    RefusalCode.BODY_TOO_LARGE,
    RefusalCode.TOO_MANY_EVENTS,
    RefusalCode.UNSUPPORTED_MEDIA_TYPE,
    RefusalCode.RATE_LIMITED,
    RefusalCode.INTERNAL_ERROR,
    RefusalCode.TOO_BUSY,
)
LYNES_REFUSALS = Refusals(status_of=lynes.STATUS_OF, schema=named("LynesError"))
_NEVER_OF_LYNES = {RefusalCode.METHOD_NOT_ALLOWED, RefusalCode.TOO_MANY_EVENTS}


def _text(most_characters: int, description: str = "") -> Schema:
    schema = {"type": "string", "minLength": 1, "maxLength": most_characters}
    return described(schema, description) if description else schema


def _blank_text(most_characters: int) -> Schema:
    return {"type": ["string", "null"], "maxLength": most_characters}


_MOMENT = {"anyOf": [MOMENT, {"type": "integer", "minimum": 0}, {"type": "null"}]}
_METADATA: Schema = {
    "type": ["object", "null"],
    "maxProperties": limits.FIELDS_PER_EVENT,
    "propertyNames": {"minLength": 1, "maxLength": limits.METADATA_KEY_CHARACTERS},
    "additionalProperties": True,
    "description": "Any JSON values. Numbers are kept exactly as they are written.",
}
_IDENTITIES: Schema = {
    "type": ["object", "null"],
    "properties": {
        "email": _blank_text(limits.EMAIL_CHARACTERS),
        "phone": _blank_text(limits.PHONE_CHARACTERS),
    },
    "description": "Other names of the customer.",
}
_KEY = {
    "anyOf": [_text(limits.EVENT_KEY_CHARACTERS), INTEGER, {"type": "null"}],
    "description": "Idempotency key: the same event sent again with it is stored and rewarded "
    "once.",
}
_CUSTOMER: Schema = {
    "type": ["string", "null"],
    "minLength": 1,
    "maxLength": limits.CUSTOMER_ID_CHARACTERS,
    "description": "External id. It may be left out where `identities` names the customer.",
}

SCHEMAS: dict[str, Schema] = {
    "NewEvent": {
        **record(
            {
                "event": _text(limits.NAME_CHARACTERS, "Name of the event type."),
                "customer": _CUSTOMER,
                "identities": _IDENTITIES,
                "id": _KEY,
                "occurred_at": described(
                    _MOMENT,
                    "RFC 3339 with its zone, or milliseconds since 1970. By default now; at most "
                    f"{limits.FUTURE_HOURS} hours ahead.",
                ),
                "metadata": _METADATA,
            },
            optional=("customer", "identities", "id", "occurred_at", "metadata"),
        ),
        "anyOf": [{"required": ["customer"]}, {"required": ["identities"]}],
    },
    "NewEvents": record({"events": list_of(named("NewEvent"), maxItems=limits.EVENTS_PER_REQUEST)}),
    "Award": record(
        {
            "rule": described(TEXT, "Name of the rule."),
            "points": described(INTEGER, "What was given."),
            "desired": described(INTEGER, "What would have been given without limits."),
        }
    ),
    "TouchedStreak": record(
        {
            "streak": TEXT,
            "current": COUNT,
            "longest": COUNT,
            "milestone_reached": BOOLEAN,
            "points_awarded": COUNT,
        }
    ),
    "TouchedChallenge": record(
        {
            "challenge": TEXT,
            "progress": NUMBER,
            "goal": NUMBER,
            "completed": BOOLEAN,
            "points_awarded": COUNT,
        }
    ),
    "EventError": record(
        {
            "code": words(*RefusalCode),
            "message": TEXT,
            "field": described(TEXT, "Path of the field that is meant; empty where none is."),
        }
    ),
    "Result": record(
        {
            "index": described(COUNT, "Place of the event in the request."),
            "status": described(
                words("accepted", "duplicate", "discarded", "rejected"),
                "`duplicate`: the key was used for the same event, whose result stands here.",
            ),
            "id": described(TEXT, "Id under which the event is stored; empty where it is not."),
            "points_awarded": described(INTEGER, "Sum of the awards."),
            "awards": list_of(named("Award")),
            "streaks": list_of(named("TouchedStreak")),
            "challenges": list_of(named("TouchedChallenge")),
            "balance": described(INTEGER, "Points of the customer after all of it."),
            "reason": described(
                words("too_late"), "Why an accepted event earned nothing, where it did not."
            ),
            "error": described(named("EventError"), "Why a rejected event was not taken."),
        },
        optional=("reason", "error"),
    ),
    "Receipt": record({"receipt": UUID, "results": list_of(named("Result"))}),
    "LynesEvent": record(
        {
            "eventId": _text(limits.NAME_CHARACTERS, "Name of an event type of the catalogue."),
            "userId": {"anyOf": [_text(limits.CUSTOMER_ID_CHARACTERS), INTEGER]},
            "metadata": {**_METADATA, "maxProperties": limits.LYNES_FIELDS_PER_EVENT},
            "amount": described(ANYTHING, "A number, or one as text; it counts as metadata."),
            "timestamp": described(_MOMENT, "When it happened; by default now."),
        },
        optional=("metadata", "amount", "timestamp"),
    ),
    "LynesStreak": record(
        {
            "streakId": TEXT,
            "currentCount": COUNT,
            "lastUpdate": MOMENT,
            "milestoneReached": BOOLEAN,
            "pointsAwarded": COUNT,
        }
    ),
    "LynesAnswer": record(
        {
            "success": {"const": True},
            "data": record(
                {
                    "eventId": TEXT,
                    "userId": TEXT,
                    "pointsAwarded": INTEGER,
                    "timestamp": nullable(COUNT),
                    "streaks": list_of(named("LynesStreak")),
                }
            ),
        }
    ),
    "LynesError": record(
        {
            "success": {"const": False},
            "error": record({"code": words(*RefusalCode), "message": TEXT}),
        }
    ),
}

_ONE: Schema = {
    "event": "place_order",
    "customer": "c-1",
    "id": "order-1001",
    "metadata": {"total": 59.90, "brand": "Private"},
}
_TWO: Schema = {
    "events": [
        _ONE,
        {"event": "place_order", "identities": {"email": "ann@example.com"}, "metadata": {}},
    ]
}

PATHS: Paths = {
    "/api/v1/events": {
        "post": Operation(
            name="sendEvents",
            tag=TAG,
            summary="Send one event, or a list",
            description='One event object, or `{"events": […]}` with up to '
            f"{limits.EVENTS_PER_REQUEST:,}. A list is answered event by event: a bad one costs "
            "none of its neighbours.",
            body=Body(
                schema={"oneOf": [named("NewEvent"), named("NewEvents")]},
                examples={"one event": _ONE, "a list": _TWO},
            ),
            answers={
                200: ("What became of each event.", named("Receipt")),
                422: ("The one event of the request was rejected.", named("Receipt")),
            },
            keys=native.KEYS,
            refusals=native.REFUSALS,
            codes=_OF_REQUESTS,
        ),
    },
    "/event": {
        "post": Operation(
            name="sendLynesEvent",
            tag=LYNES_TAG,
            summary="Send one event as a Lynes client does",
            description="Also served as `/v0/event` to `/v3/event` and under `/lynes`, in upper "
            "and lower case, with and without a slash at the end.",
            body=Body(
                schema=named("LynesEvent"),
                examples={
                    "an order": {
                        "eventId": "place_order",
                        "userId": "c-1",
                        "metadata": {"total": 59.90},
                    }
                },
            ),
            answers={200: ("What the event earned.", named("LynesAnswer"))},
            keys=(native.API_KEY, USER_TOKEN),
            refusals=LYNES_REFUSALS,
            codes=codes_but(_NEVER_OF_LYNES),
        ),
    },
}
