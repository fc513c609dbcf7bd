"""What the native API's endpoints have in common: keys, refusals, names in paths."""

from collections.abc import Sequence

from config.openapi.parts import (
    TEXT,
    Operation,
    Parameter,
    Refusals,
    Schema,
    described,
    named,
    record,
    words,
)
from events.limits import CUSTOMER_ID_CHARACTERS, METADATA_KEY_CHARACTERS, NAME_CHARACTERS
from events.types import RefusalCode
from events.wires import native

API_KEY = "apiKey"
SECRET_KEY = "secretKey"  # noqa: S105 - the name of a scheme
KEYS = (API_KEY, SECRET_KEY)

KEY_SCHEMES: dict[str, Schema] = {
    API_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The project's `api_key`: it sends events, reads and configures.",
    },
    SECRET_KEY: {
        "type": "http",
        "scheme": "bearer",
        "description": "The project's `secret_key`: it may do all that the API key may, "
        "and move points.",
    },
}

REFUSALS = Refusals(
    media_type="application/problem+json", status_of=native.STATUS_OF, schema=named("Problem")
)

# What can happen to any request that brings a key.
OF_KEYS = (
    RefusalCode.MISSING_CREDENTIALS,
    RefusalCode.INVALID_CREDENTIALS,
    RefusalCode.INVALID_SECRET_KEY,
    RefusalCode.FORBIDDEN,
)

SCHEMAS: dict[str, Schema] = {
    "Problem": described(
        record(
            {
                "type": words("about:blank"),
                "title": described(TEXT, "The status in words."),
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "detail": described(TEXT, "What was wrong, as a sentence for people."),
                "code": described(words(*RefusalCode), "What was wrong, for machines."),
                "field": described(TEXT, "The path of the field that is meant, where one is."),
            },
            optional=("field",),
        ),
        "A refusal, as RFC 9457 has it.",
    ),
}

EVENT = Parameter(
    name="event",
    place="path",
    description="Name of an event type, percent-encoded.",
    schema={"type": "string", "minLength": 1, "maxLength": NAME_CHARACTERS},
    example="place_order",
)
FIELD = Parameter(
    name="field",
    place="path",
    description="Name of a metadata field, percent-encoded.",
    schema={"type": "string", "minLength": 1, "maxLength": METADATA_KEY_CHARACTERS},
    example="total",
)
CUSTOMER = Parameter(
    name="customer",
    place="path",
    description="External id of a customer, percent-encoded; it may hold slashes.",
    schema={"type": "string", "minLength": 1, "maxLength": CUSTOMER_ID_CHARACTERS},
    example="c-1",
)


def reading(
    name: str,
    *,
    tag: str,
    summary: str,
    description: str,
    answer: tuple[str, Schema],
    parameters: Sequence[Parameter] = (),
    codes: Sequence[RefusalCode] = (),
) -> Operation:
    """Return a `GET` that needs a key; what its parameters make possible is refused as such.

    `codes` are those of its other refusals.
    """
    places = {parameter.place for parameter in parameters}
    possible = (
        *((RefusalCode.INVALID_FIELD,) if "query" in places else ()),
        *OF_KEYS,
        *((RefusalCode.NOT_FOUND,) if "path" in places else ()),
        *codes,
    )
    return Operation(
        name=name,
        tag=tag,
        summary=summary,
        description=description,
        answers={200: answer},
        parameters=parameters,
        keys=KEYS,
        refusals=REFUSALS,
        codes=possible,
    )
