"""The endpoints of Referd's clients, which are those of Gameball's API 2.0 and 3.0."""

from config.openapi.parts import (
    COUNT,
    FREE_OBJECT,
    INTEGER,
    TEXT,
    Body,
    Operation,
    Parameter,
    Paths,
    Refusals,
    Schema,
    described,
    named,
    record,
)
from events import limits
from events.types import RefusalCode
from events.wires import referd

TAG = "Referd"
API_KEY = "referdKey"
_PLAYER_ID_CHARACTERS = 100

KEY_SCHEMES: dict[str, Schema] = {
    API_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "APIKey",
        "description": "The project's `api_key`; a `secretKey` may come along.",
    },
}

_PLAYER_ID: Schema = {
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": _PLAYER_ID_CHARACTERS},
        INTEGER,
    ],
    "description": "External id of the customer, who is made where new.",
}
_NAMES: dict[str, Schema] = {
    "email": {"type": ["string", "null"], "maxLength": limits.EMAIL_CHARACTERS},
    "mobile": {"type": ["string", "integer", "null"], "maxLength": limits.PHONE_CHARACTERS},
}
_NOTHING: Schema = {"type": "array", "maxItems": 0}
_ATTRIBUTES: Schema = {
    "anyOf": [FREE_OBJECT, _NOTHING, {"type": "null"}],
    "description": "Attributes of the customer, those under `custom` beside the others; null is "
    "not given.",
}

SCHEMAS: dict[str, Schema] = {
    "ReferdEvents": record(
        {
            "playerUniqueId": _PLAYER_ID,
            "events": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": limits.EVENTS_PER_REQUEST,
                "propertyNames": {"minLength": 1, "maxLength": limits.NAME_CHARACTERS},
                "additionalProperties": {"anyOf": [FREE_OBJECT, _NOTHING, {"type": "null"}]},
                "description": "The metadata of each event by its name.",
            },
            **_NAMES,
            "playerAttributes": _ATTRIBUTES,
        },
        optional=("email", "mobile", "playerAttributes"),
    ),
    "ReferdPlayer": record(
        {"playerUniqueId": _PLAYER_ID, **_NAMES, "playerAttributes": _ATTRIBUTES},
        optional=("email", "mobile", "playerAttributes"),
    ),
    "ReferdTaken": {"type": "object", "properties": {}, "maxProperties": 0},
    "ReferdNumber": record(
        {"gameballId": described(COUNT, "The number under which the player is known here.")}
    ),
    "ReferdBalance": record(
        {
            "pointsBalance": described(INTEGER, "Points that the player can spend."),
            "pointsValue": {"type": "null"},
            "pendingPoints": COUNT,
            "pendingPointsValue": {"type": "null"},
            "currency": {"type": "null"},
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

_REFUSALS = Refusals(
    media_type="application/json", status_of=referd.STATUS_OF, schema=named("ReferdError")
)
_NEVER = {
    RefusalCode.METHOD_NOT_ALLOWED,
    RefusalCode.NOT_FOUND,
    RefusalCode.CUSTOMER_NOT_FOUND,
    RefusalCode.NEEDS_API_KEY,
    RefusalCode.INVALID_SECRET_KEY,
}
_OF_PLAYERS = [code for code in RefusalCode if code not in _NEVER | {RefusalCode.TOO_MANY_EVENTS}]
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
            codes=[code for code in RefusalCode if code not in _NEVER],
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
