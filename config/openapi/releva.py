"""The endpoints of Releva's clients."""

from config.openapi import native
from config.openapi.parts import (
    ANYTHING,
    EMPTY_LIST,
    EMPTY_OBJECT,
    INTEGER,
    MOMENT,
    NULL,
    NUMBER,
    TEXT,
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
)
from events import limits
from events.types import RefusalCode
from events.wires import releva

TAG = "Releva"

_KEY: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": limits.METADATA_KEY_CHARACTERS,
}
_EMAIL: Schema = {"type": ["string", "null"], "maxLength": limits.EMAIL_CHARACTERS}
_PHONE: Schema = {
    "type": ["string", "null"],
    "maxLength": limits.PHONE_CHARACTERS,
    "pattern": r"^(\+[0-9]+)?$",
}
_ID: Schema = {
    "anyOf": [
        {"type": "string", "maxLength": limits.CUSTOMER_ID_CHARACTERS},
        INTEGER,
        NULL,
    ]
}
_NOTHING: Schema = {"type": "object", "maxProperties": 0}


def _group(values: Schema) -> Schema:
    field = {
        "type": "object",
        "required": ["key", "values"],
        "properties": {"key": _KEY, "values": list_of(nullable(values))},
        "additionalProperties": True,
    }
    return {"anyOf": [list_of(field), _NOTHING, NULL]}


SCHEMAS: dict[str, Schema] = {
    "RelevaCustom": {
        "type": "object",
        "properties": {
            "string": _group({"type": ["string", "number"]}),
            "numeric": _group({"type": ["number", "string"]}),
            "date": _group(described(TEXT, "ISO 8601, with a time and a zone or without.")),
            "boolean": _group({"type": "boolean"}),
        },
        "additionalProperties": True,
        "description": "Custom fields by the type of their values: one value is read alone, "
        "several as an array.",
    },
    "RelevaEvent": {
        "type": "object",
        "required": ["action"],
        "properties": {
            "action": {
                "type": "string",
                "minLength": 1,
                "maxLength": limits.NAME_CHARACTERS,
                "description": "Name of the event type.",
            },
            "email": _EMAIL,
            "phoneNumber": _PHONE,
            "profileId": described(_ID, "External id."),
            "locale": {"type": ["string", "null"]},
            "timestamp": described(
                {"anyOf": [MOMENT, TEXT, {"type": "integer", "minimum": 0}, NULL]},
                "ISO 8601; UTC where it names no zone. By default now.",
            ),
            "products": nullable(
                list_of(
                    {
                        "type": "object",
                        "properties": {
                            "id": {"type": ["string", "number", "null"]},
                            "quantity": {"anyOf": [NUMBER, TEXT, NULL]},
                            "custom": ANYTHING,
                        },
                        "additionalProperties": True,
                    }
                )
            ),
            "custom": {"anyOf": [named("RelevaCustom"), EMPTY_LIST, NULL]},
            "tags": nullable(list_of(TEXT)),
        },
        "anyOf": [
            {"required": ["email"]},
            {"required": ["phoneNumber"]},
            {"required": ["profileId"]},
        ],
        "additionalProperties": True,
    },
    "RelevaEvents": record(
        {"events": list_of(named("RelevaEvent"), minItems=1, maxItems=limits.EVENTS_PER_REQUEST)}
    ),
    "RelevaProfiles": record(
        {
            "profiles": list_of(
                record({"profile": named("RelevaProfile")}),
                minItems=1,
                maxItems=limits.EVENTS_PER_REQUEST,
            )
        }
    ),
    "RelevaProfile": {
        "type": "object",
        "properties": {
            "id": described(_ID, "External id."),
            "email": _EMAIL,
            "phoneNumber": _PHONE,
            "custom": nullable(named("RelevaCustom")),
        },
        "anyOf": [
            {"required": ["id"]},
            {"required": ["email"]},
            {"required": ["phoneNumber"]},
        ],
        "additionalProperties": True,
        "description": "All other fields are attributes; null takes one away.",
    },
    "RelevaTaken": EMPTY_OBJECT,
    "RelevaError": record(
        {"message": described(TEXT, "What was wrong, where, and how to put it right.")}
    ),
}

_REFUSALS = Refusals(status_of=releva.STATUS_OF, schema=named("RelevaError"))
_NEVER = {
    RefusalCode.METHOD_NOT_ALLOWED,
    RefusalCode.NOT_FOUND,
    RefusalCode.CUSTOMER_NOT_FOUND,
    RefusalCode.NEEDS_API_KEY,
}
_NEVER_OF_PROFILES = _NEVER | {RefusalCode.UNKNOWN_EVENT_TYPE, RefusalCode.INACTIVE_EVENT_TYPE}
_ALSO = (
    "Also served under `/releva`, in upper and lower case, with and without a slash at the end. "
    "Nothing of a request is taken where a part of it is refused."
)

PATHS: Paths = {
    "/api/v0/events": {
        "post": Operation(
            name="sendRelevaEvents",
            tag=TAG,
            summary="Send events as a Releva client does",
            description=_ALSO,
            body=Body(
                schema=named("RelevaEvents"),
                examples={
                    "an order": {
                        "events": [
                            {
                                "action": "place_order",
                                "email": "ann@example.com",
                                "products": [{"id": "7", "quantity": 2}],
                                "custom": {"numeric": [{"key": "total", "values": [59.90]}]},
                            }
                        ]
                    }
                },
            ),
            answers={202: ("They were taken.", named("RelevaTaken"))},
            keys=(native.SECRET_KEY,),
            refusals=_REFUSALS,
            codes=codes_but(_NEVER),
        ),
    },
    "/api/v0/profiles": {
        "post": Operation(
            name="saveRelevaProfiles",
            tag=TAG,
            summary="Make or change customers as a Releva client does",
            description=f"{_ALSO} Nothing is ever earned by it.",
            body=Body(
                schema=named("RelevaProfiles"),
                examples={
                    "a profile": {
                        "profiles": [{"profile": {"email": "ann@example.com", "firstName": "Ann"}}]
                    }
                },
            ),
            answers={202: ("They were saved.", named("RelevaTaken"))},
            keys=(native.SECRET_KEY,),
            refusals=_REFUSALS,
            codes=codes_but(_NEVER_OF_PROFILES),
        ),
    },
}
