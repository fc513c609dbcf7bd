"""What Gameball's and Referd's clients send alike: who it is, and events each under its name."""

from config.openapi.parts import INTEGER, OBJECT_OR_NOTHING, Schema, described
from events import limits

NAMES: dict[str, Schema] = {
    "email": {"type": ["string", "null"], "maxLength": limits.EMAIL_CHARACTERS},
    "mobile": {"type": ["string", "integer", "null"], "maxLength": limits.PHONE_CHARACTERS},
}
NAMED_EVENTS: Schema = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": limits.EVENTS_PER_REQUEST,
    "propertyNames": {"minLength": 1, "maxLength": limits.NAME_CHARACTERS},
    "additionalProperties": OBJECT_OR_NOTHING,
    "description": "The metadata of each event by its name.",
}
ATTRIBUTES = described(
    OBJECT_OR_NOTHING,
    "Attributes of the customer, those under `custom` beside the others; null is not given.",
)


def external_id(description: str) -> Schema:
    """Return the schema of the id by which a client names a customer."""
    text = {"type": "string", "minLength": 1, "maxLength": limits.GAMEBALL_ID_CHARACTERS}
    return described({"anyOf": [text, INTEGER]}, description)
