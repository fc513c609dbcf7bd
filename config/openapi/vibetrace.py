"""The endpoints of Vibetrace's clients, and those that they share with Lynes'."""

from config.openapi import ingest, native
from config.openapi.parts import (
    INTEGER,
    OBJECT_OR_NOTHING,
    TEXT,
    Body,
    EitherRefusals,
    Operation,
    Parameter,
    Paths,
    Refusals,
    Schema,
    codes_but,
    described,
    list_of,
    named,
    record,
)
from events import limits
from events.types import RefusalCode
from events.wires import vibetrace

TAG = "Vibetrace"
RAW_KEY = "rawKey"

KEY_SCHEMES: dict[str, Schema] = {
    RAW_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "The project's `api_key` as it is, without a scheme before it.",
    },
}

_ID: Schema = {"anyOf": [{"type": "string", "maxLength": limits.CUSTOMER_ID_CHARACTERS}, INTEGER]}
_EMAIL: Schema = {"type": "string", "maxLength": limits.EMAIL_CHARACTERS}
_NAMED_BY = [{"required": ["email"]}, {"required": ["_id"]}]
_NAMES: dict[str, Schema] = {"_id": described(_ID, "External id."), "email": _EMAIL}

SCHEMAS: dict[str, Schema] = {
    "VibetraceEvent": record(
        {
            "user": {
                "type": "object",
                "properties": _NAMES,
                "anyOf": _NAMED_BY,
                "additionalProperties": True,
                "description": "The user, who must exist.",
            },
            "event": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "propertyNames": {"minLength": 1, "maxLength": limits.NAME_CHARACTERS},
                "additionalProperties": OBJECT_OR_NOTHING,
                "description": "One kind of event with its fields; an event of one's own is "
                '`{"generic": {"generic": {"event_name": …}}}`.',
            },
        }
    ),
    "VibetraceUser": {
        "type": "object",
        "properties": _NAMES,
        "anyOf": _NAMED_BY,
        "additionalProperties": True,
        "description": "All other fields are attributes of the user; null takes one away.",
    },
    "VibetraceChange": {
        "type": "object",
        "properties": {"email": described(_EMAIL, "That of the path.")},
        "additionalProperties": True,
        "description": "Attributes of the user; null takes one away. `_id` is not read.",
    },
    "VibetraceDone": record({"results": record({"message": TEXT, "email": TEXT})}),
    "VibetraceUserAnswer": record(
        {
            "results": {
                "type": "object",
                "properties": {"_id": TEXT, "email": TEXT},
                "additionalProperties": True,
                "description": "Names and attributes of the user.",
            }
        }
    ),
    "VibetraceError": record(
        {
            "errors": list_of(
                record(
                    {
                        "message": described(TEXT, "What was wrong, in a few words."),
                        "description": described(TEXT, "What was wrong, as a sentence."),
                    }
                ),
                minItems=1,
                maxItems=1,
            )
        }
    ),
}

_REFUSALS = Refusals(status_of=vibetrace.STATUS_OF, schema=named("VibetraceError"))
_REFUSALS_OF_EITHER = EitherRefusals(first=ingest.LYNES_REFUSALS, second=_REFUSALS)
_NEVER = {
    RefusalCode.METHOD_NOT_ALLOWED,
    RefusalCode.NOT_FOUND,
    RefusalCode.TOO_MANY_EVENTS,
    RefusalCode.NEEDS_API_KEY,
}
_CODES = codes_but(_NEVER)
_NEVER_OF_USERS = _NEVER | {
    RefusalCode.CUSTOMER_NOT_FOUND,
    RefusalCode.UNKNOWN_EVENT_TYPE,
    RefusalCode.INACTIVE_EVENT_TYPE,
}
_CODES_OF_USERS = codes_but(_NEVER_OF_USERS)
_EITHER = (
    "Both vendors have this path. `Authorization: Bearer` and `X-API-Key` are Lynes', a raw key in "
    "`Authorization` is Vibetrace's; where both came, or neither, the body tells: "
)
_ANY_CASE = "In upper and lower case, with and without a slash at the end."
_EVENT_EXAMPLES: dict[str, Schema] = {
    "a viewed item": {
        "user": {"email": "ann@example.com"},
        "event": {"viewitem": {"itemId": "7"}},
    },
    "an event of one's own": {
        "user": {"email": "ann@example.com"},
        "event": {"generic": {"generic": {"event_name": "place_order", "total": 59.90}}},
    },
}
_USER_EXAMPLES: dict[str, Schema] = {
    "a user": {"email": "ann@example.com", "firstname": "Ann"},
}
_NAME = Parameter(
    name="email",
    place="path",
    description="Email address of the user, percent-encoded; what has no @ is the `_id`.",
    schema={"type": "string", "minLength": 1, "maxLength": limits.EMAIL_CHARACTERS},
    example="ann@example.com",
)
_UPSERT = Parameter(
    name="upsert",
    description="Makes the user where there is none.",
    schema={"type": "boolean", "default": False},
)

PATHS: Paths = {
    "/v1/event": {
        "post": Operation(
            name="sendEventOfEither",
            tag=TAG,
            summary="Send one event as a Vibetrace or a Lynes client does",
            description=f"{_EITHER}`user` and `event` are Vibetrace's, `eventId` and `userId` "
            f"Lynes'. {_ANY_CASE}",
            body=Body(
                schema={"oneOf": [named("VibetraceEvent"), named("LynesEvent")]},
                examples={
                    **_EVENT_EXAMPLES,
                    "an order of Lynes": {"eventId": "place_order", "userId": "c-1"},
                },
            ),
            answers={
                200: ("It was taken.", {"oneOf": [named("VibetraceDone"), named("LynesAnswer")]})
            },
            keys=(RAW_KEY, native.API_KEY, ingest.USER_TOKEN),
            refusals=_REFUSALS_OF_EITHER,
            codes=[*_CODES, RefusalCode.NEEDS_API_KEY],
        ),
    },
    "/vibetrace/v1/event": {
        "post": Operation(
            name="sendVibetraceEvent",
            tag=TAG,
            summary="Send one event as a Vibetrace client does",
            description=_ANY_CASE,
            body=Body(schema=named("VibetraceEvent"), examples=_EVENT_EXAMPLES),
            answers={200: ("It was taken, or discarded.", named("VibetraceDone"))},
            keys=(RAW_KEY,),
            refusals=_REFUSALS,
            codes=_CODES,
        ),
    },
    "/v1/user": {
        "post": Operation(
            name="saveUserOfEither",
            tag=TAG,
            summary="Make or change a user as a Vibetrace or a Lynes client does",
            description=f"{_EITHER}`email` or `_id` are Vibetrace's, `userId` is Lynes'. "
            f"{_ANY_CASE}",
            body=Body(
                schema={"anyOf": [named("VibetraceUser"), named("LynesUser")]},
                examples={**_USER_EXAMPLES, "a user of Lynes": {"userId": "c-1"}},
            ),
            answers={
                200: (
                    "It was saved.",
                    {"oneOf": [named("VibetraceDone"), named("LynesUserAnswer")]},
                )
            },
            keys=(RAW_KEY, native.API_KEY, ingest.USER_TOKEN),
            refusals=_REFUSALS_OF_EITHER,
            codes=_CODES_OF_USERS,
        ),
    },
    "/vibetrace/v1/user": {
        "post": Operation(
            name="saveVibetraceUser",
            tag=TAG,
            summary="Make or change a user as a Vibetrace client does",
            description=_ANY_CASE,
            body=Body(schema=named("VibetraceUser"), examples=_USER_EXAMPLES),
            answers={200: ("It was saved.", named("VibetraceDone"))},
            keys=(RAW_KEY,),
            refusals=_REFUSALS,
            codes=_CODES_OF_USERS,
        ),
    },
    "/v1/user/{email}": {
        "get": Operation(
            name="getVibetraceUser",
            tag=TAG,
            summary="Names and attributes of a user",
            description=f"Also served under `/vibetrace`. {_ANY_CASE}",
            parameters=(_NAME,),
            answers={200: ("The user.", named("VibetraceUserAnswer"))},
            keys=(RAW_KEY,),
            refusals=_REFUSALS,
            codes=(
                RefusalCode.EMAIL_TOO_LONG,
                RefusalCode.CUSTOMER_ID_TOO_LONG,
                RefusalCode.INVALID_TEXT,
                *native.OF_KEYS,
                RefusalCode.CUSTOMER_NOT_FOUND,
            ),
        ),
        "put": Operation(
            name="changeVibetraceUser",
            tag=TAG,
            summary="Change a user, or make it with upsert",
            description=f"Also served under `/vibetrace`. {_ANY_CASE}",
            parameters=(_NAME, _UPSERT),
            body=Body(
                schema=named("VibetraceChange"), examples={"a change": {"firstname": "Anna"}}
            ),
            answers={200: ("It was saved.", named("VibetraceDone"))},
            keys=(RAW_KEY,),
            refusals=_REFUSALS,
            codes=[*_CODES_OF_USERS, RefusalCode.CUSTOMER_NOT_FOUND],
        ),
    },
}
