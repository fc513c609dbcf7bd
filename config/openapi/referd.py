"""The endpoints of Referd's clients, which are those of Gameball's API 2.0 and 3.0."""

from config.openapi.named_events import ATTRIBUTES, NAMED_EVENTS, NAMES, external_id
from config.openapi.parts import (
    COUNT,
    EMPTY_OBJECT,
    INTEGER,
    NULL,
    TEXT,
    Body,
    Operation,
    Parameter,
    Paths,
    Refusals,
    Schema,
    codes_but,
    described,
    named,
    record,
)
from events.types import RefusalCode
from events.wires import referd

TAG = "Referd"
API_KEY = "referdKey"

KEY_SCHEMES: dict[str, Schema] = {
    API_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "APIKey",
        "description": "The project's `api_key`; a `secretKey` may come along.",
    },
}

_PLAYER_ID = external_id("External id of the customer, who is made where new.")

SCHEMAS: dict[str, Schema] = {
    "ReferdEvents": record(
        {
            "playerUniqueId": _PLAYER_ID,
            "events": NAMED_EVENTS,
            **NAMES,
            "playerAttributes": ATTRIBUTES,
        },
        optional=("email", "mobile", "playerAttributes"),
    ),
    "ReferdPlayer": record(
        {"playerUniqueId": _PLAYER_ID, **NAMES, "playerAttributes": ATTRIBUTES},
        optional=("email", "mobile", "playerAttributes"),
    ),
    "ReferdTaken": EMPTY_OBJECT,
    "ReferdNumber": record(
        {"gameballId": described(COUNT, "The number under which the player is known here.")}
    ),
    "ReferdBalance": record(
        {
            "pointsBalance": described(INTEGER, "Points that the player can spend."),
            "pointsValue": NULL,
            "pendingPoints": COUNT,
            "pendingPointsValue": NULL,
            "currency": NULL,
            "pointsName": TEXT,
        }
    ),
    "ReferdError": record(
        {
            "code": described(COUNT, "The vendor's number, 0 where its list has none."),
            "message": TEXT,
        }
    ),
}

_REFUSALS = Refusals(status_of=referd.STATUS_OF, schema=named("ReferdError"))
_NEVER = {
    RefusalCode.METHOD_NOT_ALLOWED,
    RefusalCode.NOT_FOUND,
    RefusalCode.CUSTOMER_NOT_FOUND,
    RefusalCode.NEEDS_API_KEY,
    RefusalCode.INVALID_SECRET_KEY,
}
_OF_PLAYERS = codes_but(_NEVER | {RefusalCode.TOO_MANY_EVENTS})
_ALSO = (
    "Also served under `/api/v3.0`, `/api/v2.0` and `/v2.0`, and all of it under `/referd`, in "
    "upper and lower case, with and without a slash at the end."
)

PATHS: Paths = {
    "/integrations/event": {
        "post": Operation(
            name="sendReferdEvents",
            tag=TAG,
            summary="Send events as a Referd client does",
            description=f"{_ALSO} Nothing of a request is stored where a part of it is refused.",
            body=Body(
                schema=named("ReferdEvents"),
                examples={
                    "two events": {
                        "playerUniqueId": "c-1",
                        "events": {
                            "place_order": {"total": 59.90, "category": ["books", "games"]},
                            "review": {},
                        },
                    }
                },
            ),
            answers={200: ("They were taken.", named("ReferdTaken"))},
            keys=(API_KEY,),
            refusals=_REFUSALS,
            codes=codes_but(_NEVER),
        ),
    },
    "/integrations/player": {
        "post": Operation(
            name="putReferdPlayer",
            tag=TAG,
            summary="Make or update a player",
            description=f"{_ALSO} Nothing is ever earned by it.",
            body=Body(
                schema=named("ReferdPlayer"),
                examples={
                    "a player": {
                        "playerUniqueId": "c-1",
                        "playerAttributes": {"displayName": "Ann", "custom": {"shoe_size": 42}},
                    }
                },
            ),
            answers={200: ("The player's number.", named("ReferdNumber"))},
            keys=(API_KEY,),
            refusals=_REFUSALS,
            codes=_OF_PLAYERS,
        ),
    },
    "/integrations/player/{player}/balance": {
        "get": Operation(
            name="readReferdBalance",
            tag=TAG,
            summary="Read a player's points",
            description=_ALSO,
            parameters=(
                Parameter(
                    name="player",
                    place="path",
                    description="External id of the customer, percent-encoded.",
                    example="c-1",
                ),
            ),
            answers={200: ("What the player has.", named("ReferdBalance"))},
            keys=(API_KEY,),
            refusals=_REFUSALS,
            codes=(
                RefusalCode.MISSING_CREDENTIALS,
                RefusalCode.INVALID_CREDENTIALS,
                RefusalCode.FORBIDDEN,
                RefusalCode.CUSTOMER_NOT_FOUND,
            ),
        ),
    },
}
