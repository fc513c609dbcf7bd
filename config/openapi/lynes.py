"""The endpoints about users that Lynes' clients ask."""

from config.openapi import ingest, native
from config.openapi.parts import (
    COUNT,
    DAY_OR_MOMENT,
    INTEGER,
    MOMENT,
    NULL,
    TEXT,
    Body,
    Operation,
    Parameter,
    Paths,
    Schema,
    codes_but,
    described,
    list_of,
    named,
    record,
    words,
)
from events import limits
from events.types import RefusalCode
from rewards.filters import KINDS_OF_TYPES
from rewards.lynes_views import DEFAULT_ROWS, MOST_ROWS

_YES: Schema = {"const": True}

SCHEMAS: dict[str, Schema] = {
    "LynesUser": {
        "type": "object",
        "required": ["userId"],
        "properties": {
            "userId": {
                "anyOf": [
                    {"type": "string", "minLength": 1, "maxLength": limits.CUSTOMER_ID_CHARACTERS},
                    INTEGER,
                ]
            }
        },
        "additionalProperties": True,
        "description": "All other fields are attributes of the user.",
    },
    "LynesUserAnswer": record(
        {"success": _YES, "data": record({"userId": TEXT}), "message": TEXT, "userId": TEXT}
    ),
    "LynesPoints": record(
        {
            "success": _YES,
            "data": record({"points": INTEGER}),
            "points": described(INTEGER, "Points that the user can spend."),
        }
    ),
    "LynesHistoryItem": record(
        {
            "id": TEXT,
            "title": described(TEXT, "Name of the rule or the streak."),
            "description": described(TEXT, "Name of the event type."),
            "points": INTEGER,
            "type": words("event", "streak_milestone"),
            "timestamp": described(COUNT, "Milliseconds since 1970."),
            "image": NULL,
        }
    ),
    "LynesHistory": record(
        {
            "success": _YES,
            "data": list_of(named("LynesHistoryItem")),
            "pagination": record(
                {"total": COUNT, "limit": COUNT, "offset": COUNT, "hasMore": {"type": "boolean"}}
            ),
        }
    ),
    "LynesUserStreak": record(
        {
            "streakId": TEXT,
            "currentCount": described(COUNT, "Length of the run that goes on today."),
            "longestCount": COUNT,
            "lastUpdate": MOMENT,
        }
    ),
    "LynesStreaks": record({"success": _YES, "data": list_of(named("LynesUserStreak"))}),
}

_ALSO = (
    "Also served under `/v0` to `/v3` and under `/lynes`, in upper and lower case, with and "
    "without a slash at the end."
)
_KEYS = (native.API_KEY, ingest.USER_TOKEN)
_REFUSALS = ingest.LYNES_REFUSALS
_USER = Parameter(
    name="user",
    place="path",
    description="External id of the customer, percent-encoded.",
    example="c-1",
)
_PAGING = (
    Parameter(
        name="limit",
        description="Items of one page.",
        schema={"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": DEFAULT_ROWS},
    ),
    Parameter(
        name="offset",
        description="Items before the page.",
        schema={"type": "integer", "minimum": 0, "maximum": limits.HISTORY_OFFSET, "default": 0},
    ),
    Parameter(name="types", description=f"With commas between them: {', '.join(KINDS_OF_TYPES)}."),
    Parameter(
        name="from", description="First day, or moment, of the payment.", schema=DAY_OR_MOMENT
    ),
    Parameter(name="to", description="Last day, or moment, of the payment.", schema=DAY_OR_MOMENT),
)
_NEVER_OF_USERS = {
    RefusalCode.METHOD_NOT_ALLOWED,
    RefusalCode.NOT_FOUND,
    RefusalCode.CUSTOMER_NOT_FOUND,
    RefusalCode.UNKNOWN_EVENT_TYPE,
    RefusalCode.INACTIVE_EVENT_TYPE,
    RefusalCode.TOO_MANY_EVENTS,
}


def _about_user(
    name: str, summary: str, answer: tuple[str, Schema], parameters: tuple[Parameter, ...] = ()
) -> Operation:
    return Operation(
        name=name,
        tag=ingest.LYNES_TAG,
        summary=summary,
        description=f"{_ALSO} A user's token reads this user alone.",
        parameters=(_USER, *parameters),
        answers={200: answer},
        keys=_KEYS,
        refusals=_REFUSALS,
        codes=(
            *((RefusalCode.INVALID_FIELD,) if parameters else ()),
            *native.OF_KEYS,
            RefusalCode.NOT_FOUND,
        ),
    )


PATHS: Paths = {
    "/user": {
        "post": Operation(
            name="putLynesUser",
            tag=ingest.LYNES_TAG,
            summary="Make or update a user",
            description=f"{_ALSO} Nothing is ever earned by it. A user's token makes or changes "
            "this user alone.",
            body=Body(
                schema=named("LynesUser"),
                examples={"a user": {"userId": "c-1", "usergroup": "subscriber"}},
            ),
            answers={200: ("The user's id.", named("LynesUserAnswer"))},
            keys=_KEYS,
            refusals=_REFUSALS,
            codes=codes_but(_NEVER_OF_USERS),
        ),
    },
    "/user/{user}/points": {
        "get": _about_user(
            "readLynesPoints", "Read a user's points", ("The points.", named("LynesPoints"))
        ),
    },
    "/user/{user}/history": {
        "get": _about_user(
            "readLynesHistory",
            "Read what a user earned",
            ("One page, the newest first.", named("LynesHistory")),
            _PAGING,
        ),
    },
    "/user/{user}/streak": {
        "get": _about_user(
            "readLynesStreaks", "Read a user's streaks", ("The streaks.", named("LynesStreaks"))
        ),
    },
}
