"""The endpoints of what was refused."""

from config.openapi import native
from config.openapi.parts import (
    BOOLEAN,
    COUNT,
    DAY_OR_MOMENT,
    MOMENT,
    TEXT,
    UUID,
    Body,
    Operation,
    Parameter,
    Paths,
    Schema,
    described,
    list_of,
    named,
    nullable,
    record,
    words,
)
from events import limits
from events.paging import PAGE_ROWS
from events.types import RefusalCode
from rewards.quarantine_views import SUMMARY_DAYS

TAG = "Quarantine"

_CODE = words(*RefusalCode)
_STATUS = words("standing", "taken", "repeated")
_FILTERS = {
    "code": (_CODE, "Why it was refused, by the latest reason."),
    "wire": (TEXT, "The format in which it came."),
    "client": (TEXT, "The client, as `clients` of the summary names it."),
    "from": (DAY_OR_MOMENT, "First moment, or day of the project's time zone, of the refusal."),
    "to": (DAY_OR_MOMENT, "Last moment or day of the refusal, itself included."),
    "status": (_STATUS, "`standing`: not replayed; else what became of it."),
}
_PARAMETERS = tuple(
    Parameter(name=name, description=description, schema=schema)
    for name, (schema, description) in _FILTERS.items()
)
_PAGE = (
    Parameter(
        name="limit",
        description="Rows of one page.",
        schema={
            "type": "integer",
            "minimum": 1,
            "maximum": limits.PAGE_ROWS,
            "default": PAGE_ROWS,
        },
    ),
    Parameter(name="cursor", description="`next` of the page before.", schema=UUID),
)
_ID = Parameter(
    name="id",
    place="path",
    description="Id of what was refused.",
    schema=UUID,
    example="019cae1f-e1c0-7a3b-9d53-4d6f8a1b2c3d",
)
_OF_BODIES = (
    RefusalCode.INVALID_JSON,
    RefusalCode.INVALID_FIELD,
    RefusalCode.DUPLICATE_KEY,
    RefusalCode.NUMBER_NOT_FINITE,
    RefusalCode.NUMBER_TOO_LONG,
    RefusalCode.INVALID_TEXT,
    RefusalCode.TOO_DEEP,
    *native.OF_KEYS,
    RefusalCode.BODY_TOO_LARGE,
    RefusalCode.UNSUPPORTED_MEDIA_TYPE,
    RefusalCode.TOO_BUSY,
)


def _counted(of: str, schema: Schema) -> Schema:
    standing = described(COUNT, "How many of them were not replayed.")
    return record({of: schema, "count": COUNT, "standing": standing})


SCHEMAS: dict[str, Schema] = {
    "Refused": record(
        {
            "id": UUID,
            "received_at": MOMENT,
            "wire": described(TEXT, "The format in which it came."),
            "path": described(TEXT, "Where it was sent to; empty for an imported line."),
            "client": described(TEXT, "Address and agent, or the file and the line."),
            "key": described(nullable(TEXT), "How the key begins; null for a token or a file."),
            "code": _CODE,
            "message": described(TEXT, "What was wrong, as a sentence for people."),
            "field": described(TEXT, "The path of the field that is meant; empty for none."),
            "payload": described(TEXT, "What was sent."),
            "is_whole": described(BOOLEAN, "Whether all of it is kept; else it can't be replayed."),
            "status": _STATUS,
            "replayed_at": nullable(MOMENT),
        }
    ),
    "RefusedRows": record(
        {
            "results": list_of(named("Refused")),
            "next": described(nullable(UUID), "The `cursor` of the next page; null on the last."),
        }
    ),
    "RefusedCounts": record(
        {
            "from": MOMENT,
            "to": MOMENT,
            "total": COUNT,
            "standing": described(COUNT, "How many of them were not replayed."),
            "beyond": described(
                COUNT,
                "Refusals of these days (UTC) that were counted and not kept, whatever the "
                "filters: they came beyond the limit of a day.",
            ),
            "codes": list_of(_counted("code", _CODE)),
            "clients": list_of(_counted("client", TEXT)),
            "other_clients": described(COUNT, "Rows of all clients that are not named."),
        }
    ),
    "Replayed": record(
        {
            "id": UUID,
            "outcome": described(
                words("taken", "repeated", "refused", "replayed_before", "not_whole"),
                "`taken`: its events are stored; `repeated`: the same had come in otherwise, and "
                "nothing was awarded; `refused`: it stays, with this latest reason; "
                "`replayed_before` and `not_whole`: nothing was tried.",
            ),
            "results": list_of(named("Result")),
            "error": record({"code": _CODE, "message": TEXT, "field": TEXT}),
        },
        optional=("error",),
    ),
    "ReplayedAll": record(
        {
            "taken": COUNT,
            "repeated": COUNT,
            "refused": COUNT,
            "replayed_before": described(COUNT, "Taken by another replay meanwhile."),
            "not_whole": described(COUNT, "Rows of which not all is kept."),
            "next": described(nullable(UUID), "The `cursor` to go on with; null at the end."),
        }
    ),
    "ReplayChoice": record(
        {"even_if_repeated": described(BOOLEAN, "Award it even where the same came in otherwise.")},
        optional=("even_if_repeated",),
    ),
    "ReplayFilters": record(
        {
            **{name: described(schema, text) for name, (schema, text) in _FILTERS.items()},
            "cursor": described(UUID, "`next` of the call before."),
        },
        optional=(*_FILTERS, "cursor"),
    ),
}

PATHS: Paths = {
    "/api/v1/quarantine": {
        "get": native.reading(
            "listRefused",
            tag=TAG,
            summary="List what was refused",
            description="Requests and events that were refused, the latest first.",
            parameters=(*_PARAMETERS, *_PAGE),
            answer=("One page.", named("RefusedRows")),
        ),
    },
    "/api/v1/quarantine/summary": {
        "get": native.reading(
            "countRefused",
            tag=TAG,
            summary="Count what was refused",
            description="By reason and by client, the most frequent first; of the last "
            f"{SUMMARY_DAYS} days unless said otherwise.",
            parameters=_PARAMETERS,
            answer=("The counts.", named("RefusedCounts")),
        ),
    },
    "/api/v1/quarantine/{id}/replay": {
        "post": Operation(
            name="replayRefused",
            tag=TAG,
            summary="Try one again",
            description="As if it came now for the first time, as of when it came. It is taken "
            "once, however often this is asked. The body may be left out.",
            parameters=(_ID,),
            body=Body(
                schema=named("ReplayChoice"),
                examples={"as it is": {}, "in any case": {"even_if_repeated": True}},
            ),
            answers={200: ("What became of it.", named("Replayed"))},
            keys=native.KEYS,
            refusals=native.REFUSALS,
            codes=(*_OF_BODIES, RefusalCode.NOT_FOUND),
        ),
    },
    "/api/v1/quarantine/replay": {
        "post": Operation(
            name="replayAllRefused",
            tag=TAG,
            summary="Try all again that match",
            description="Those that were not replayed, oldest first, at most "
            f"{limits.REPLAYS_PER_CALL} a call. The body may be left out: then all match.",
            body=Body(
                schema=named("ReplayFilters"),
                examples={"of one reason": {"code": "unknown_event_type", "from": "2026-03-02"}},
            ),
            answers={200: ("How many became what.", named("ReplayedAll"))},
            keys=native.KEYS,
            refusals=native.REFUSALS,
            codes=_OF_BODIES,
        ),
    },
}
