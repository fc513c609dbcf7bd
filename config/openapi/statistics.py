"""The endpoints that say what happened, and what the metadata says."""

from config.openapi import native
from config.openapi.parts import (
    ANYTHING,
    BOOLEAN,
    COUNT,
    DAY,
    INTEGER,
    MOMENT,
    NUMBER,
    TEXT,
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
from events.types import RefusalCode

TAG = "Statistics"

# Where another release wrote them and they have not been made anew yet.
_UNREADABLE = (RefusalCode.TOO_BUSY,)

_JSON_KINDS = ("number", "text", "boolean", "array", "object")
_DECLARED_TYPES = ("number", "text", "boolean", "date", "version", "array")

_DAYS: dict[str, Schema] = {
    "from": DAY,
    "to": DAY,
    "time_zone": described(TEXT, "In which days begin."),
}
_COMPLETENESS: dict[str, Schema] = {
    "complete_to": described(MOMENT, "Up to when everything is counted."),
    "tail_rows": described(COUNT, "Events read one by one, because no summary has them yet."),
}
_ROWS: dict[str, Schema] = {
    "rows": described(COUNT, "Events of the type: missing + null + all types."),
    "late": described(COUNT, "Events received more than a day, at most 30, after they happened."),
}
_HEADLINE: dict[str, Schema] = {
    "events": COUNT,
    "customers": described(COUNT, "Different customers."),
    "customers_error": described(NUMBER, "The share by which `customers` may be off."),
    "points_awarded": described(INTEGER, "Given by rules."),
    "points_total": described(INTEGER, "Given by rules, streaks and challenges."),
    "late": _ROWS["late"],
}
_COUNTS: dict[str, Schema] = {
    "missing": described(COUNT, "Events without the field."),
    "null": COUNT,
    "type": nullable(words(*_DECLARED_TYPES, "identifier", "mixed")),
    "types": record(dict.fromkeys(_JSON_KINDS, COUNT)),
}
_EVIDENCE: dict[str, Schema] = {
    "evidence": described(list_of(named("Evidence")), "As what the values arrived."),
    "conflicts": described(
        list_of(named("Evidence")), "Values of another kind than the field's type."
    ),
}
_MASKED = described(
    BOOLEAN, "The field is personal: values are shown masked or hashed, and none that is a figure."
)
_TOP = list_of(record({"value": TEXT, "count": COUNT}))

SCHEMAS: dict[str, Schema] = {
    "Evidence": record(
        {
            "kind": words(
                "number", "numeric_text", "boolean", "date", "version", "text", "array", "object"
            ),
            "count": COUNT,
            "share": described(NUMBER, "Of all values, from 0 to 1."),
            "samples": list_of(ANYTHING, maxItems=3),
            "first_day": DAY,
            "last_day": DAY,
        }
    ),
    "NumberStatistics": record(
        {
            "count": COUNT,
            "outside": described(COUNT, "Numbers too long to enter the figures beside it."),
            "sum": nullable(NUMBER),
            "min": nullable(NUMBER),
            "max": nullable(NUMBER),
            "mean": nullable(NUMBER),
            "std": described(nullable(NUMBER), "Of a sample: with n − 1."),
            "std_population": nullable(NUMBER),
            "percentiles": nullable(
                {
                    "type": "object",
                    "description": "Under each percentage as it was asked for.",
                    "additionalProperties": nullable(NUMBER),
                }
            ),
            "relative_error": described(nullable(NUMBER), "How far off a percentile may be."),
            "histogram": nullable(list_of(record({"from": NUMBER, "to": NUMBER, "count": COUNT}))),
            "approximate": nullable(BOOLEAN),
        }
    ),
    "NumberInShort": record(
        {
            "count": COUNT,
            "min": nullable(NUMBER),
            "median": nullable(NUMBER),
            "mean": nullable(NUMBER),
            "max": nullable(NUMBER),
        }
    ),
    "TextStatistics": record(
        {
            "distinct": COUNT,
            "distinct_error": described(NUMBER, "The most by which `distinct` may be off."),
            "top": _TOP,
            "count_error": described(COUNT, "The most by which a count may be off."),
            "other": described(COUNT, "Texts that are not among the top ones."),
        }
    ),
    "BooleanStatistics": record({"true": nullable(COUNT), "false": nullable(COUNT)}),
    "ArrayStatistics": record(
        {"lengths": named("NumberStatistics"), "elements": list_of(named("Element"))}
    ),
    "ArrayInShort": record(
        {"lengths": named("NumberInShort"), "elements": list_of(named("Element"))}
    ),
    "Element": record(
        {
            "value": TEXT,
            "count": COUNT,
            "rows": described(nullable(COUNT), "Events that hold it; null where it is too rare."),
        }
    ),
    "FieldStatistics": record(
        {
            "event": TEXT,
            "field": TEXT,
            **_DAYS,
            **_COMPLETENESS,
            **_ROWS,
            **_COUNTS,
            "masked": _MASKED,
            "number": nullable(named("NumberStatistics")),
            "text": nullable(named("TextStatistics")),
            "boolean": nullable(named("BooleanStatistics")),
            "array": nullable(named("ArrayStatistics")),
            **_EVIDENCE,
        }
    ),
    "FieldInShort": record(
        {
            "name": TEXT,
            "declared": words("auto", *_DECLARED_TYPES),
            "dimension": BOOLEAN,
            "personal": BOOLEAN,
            "masked": _MASKED,
            "filled": described(COUNT, "Events that hold a value which is not null."),
            **_COUNTS,
            "number": nullable(named("NumberInShort")),
            "text": nullable(named("TextStatistics")),
            "boolean": nullable(named("BooleanStatistics")),
            "array": nullable(named("ArrayInShort")),
            **_EVIDENCE,
        }
    ),
    "Fields": record(
        {
            "event": TEXT,
            **_DAYS,
            **_COMPLETENESS,
            **_ROWS,
            "discarded": named("Discarded"),
            "results": list_of(named("FieldInShort")),
            "next": described(nullable(TEXT), "The `cursor` of the next page; null on the last."),
        }
    ),
    "EventTypes": record(
        {
            **_DAYS,
            **_COMPLETENESS,
            "results": list_of(
                record(
                    {
                        "name": TEXT,
                        "active": BOOLEAN,
                        "created_automatically": BOOLEAN,
                        "fields": described(COUNT, "Fields of its metadata."),
                        **_HEADLINE,
                        "discarded": named("Discarded"),
                        "first_day": described(nullable(DAY), "First of the days with events."),
                        "last_day": nullable(DAY),
                    }
                )
            ),
        }
    ),
    "Discarded": described(
        record(
            {
                "unique_by": described(COUNT, "Repeats of the field that makes them unique."),
                "throttle": described(COUNT, "Too soon after another of the same customer."),
                "bot": described(COUNT, "Of a bot."),
            }
        ),
        "Events that were recorded as discarded, by reason: no other figure has them.",
    ),
    "Headline": record(_HEADLINE),
    "Overview": record(
        {
            **_DAYS,
            **_COMPLETENESS,
            "current": named("Headline"),
            "previous": described(
                record({"from": DAY, "to": DAY, **_HEADLINE}), "As many days just before."
            ),
            "daily": described(list_of(record({"date": DAY, **_HEADLINE})), "Days with events."),
            "event_types": list_of(
                record({"name": TEXT, "current": named("Headline"), "previous": named("Headline")})
            ),
        }
    ),
    "Trend": record(
        {
            "event": TEXT,
            **_DAYS,
            "interval": words("hour", "day", "week", "month"),
            **_COMPLETENESS,
            "points": list_of(
                record(
                    {
                        "at": described(MOMENT, "When the period begins."),
                        "events": COUNT,
                        "customers": COUNT,
                        "customers_error": _HEADLINE["customers_error"],
                        "points_awarded": INTEGER,
                        "late": COUNT,
                    }
                )
            ),
        }
    ),
}


def _number(default: int, most: int) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": most, "default": default}


_RANGE = (
    Parameter(
        name="from",
        description="First day, of the project's time zone; by default 30 days in all.",
        schema=DAY,
    ),
    Parameter(name="to", description="Last day, itself included; by default today.", schema=DAY),
)
_INTERVAL = Parameter(
    name="interval",
    description=f"Length of a period; at most {limits.TREND_POINTS:,} periods are given.",
    schema={**words("hour", "day", "week", "month"), "default": "day"},
)
_PAGE = (
    Parameter(
        name="limit",
        description="Fields of one page.",
        schema=_number(limits.LISTED_FIELDS, limits.LISTED_FIELDS),
    ),
    Parameter(name="cursor", description="`next` of the page before."),
)
_SHAPE = (
    Parameter(
        name="percentiles",
        description=f"Percentages parted by commas, at most {limits.PERCENTILES}.",
        schema={"type": "string", "default": "50,95,99"},
    ),
    Parameter(
        name="top",
        description="How many of the most frequent values.",
        schema=_number(20, limits.TOP_VALUES),
    ),
    Parameter(
        name="bins",
        description="How many bars the histogram has.",
        schema=_number(10, limits.HISTOGRAM_BINS),
    ),
    Parameter(
        name="scale",
        description="How the bars part the range: in equal widths, equal ratios or equal counts.",
        schema={**words("linear", "log", "quantile"), "default": "linear"},
    ),
)


PATHS: Paths = {
    "/api/v1/overview": {
        "get": native.reading(
            "overview",
            tag=TAG,
            summary="Read what happened in the project",
            description="Events, customers and points of some days, beside as many days before.",
            parameters=_RANGE,
            answer=("The overview.", named("Overview")),
            codes=_UNREADABLE,
        ),
    },
    "/api/v1/event-types": {
        "get": native.reading(
            "listEventTypes",
            tag=TAG,
            summary="List the event types",
            description="Every event type of the project with what came of it in these days.",
            parameters=_RANGE,
            answer=("The event types, the one with the most events first.", named("EventTypes")),
            codes=_UNREADABLE,
        ),
    },
    "/api/v1/event-types/{event}/trend": {
        "get": native.reading(
            "trend",
            tag=TAG,
            summary="Read an event type over time",
            description="Every period of these days, those without events too.",
            parameters=(native.EVENT, *_RANGE, _INTERVAL),
            answer=("The trend.", named("Trend")),
            codes=_UNREADABLE,
        ),
    },
    "/api/v1/event-types/{event}/fields": {
        "get": native.reading(
            "listFields",
            tag=TAG,
            summary="List the fields of an event type",
            description="Every field of its metadata with its statistics in short, by name.",
            parameters=(native.EVENT, *_RANGE, *_PAGE),
            answer=("One page.", named("Fields")),
            codes=_UNREADABLE,
        ),
    },
    "/api/v1/event-types/{event}/fields/{field}/statistics": {
        "get": native.reading(
            "fieldStatistics",
            tag=TAG,
            summary="Read the statistics of a metadata field",
            description="Over all events of the type in these days, complete up to `complete_to`.",
            parameters=(native.EVENT, native.FIELD, *_RANGE, *_SHAPE),
            answer=("The statistics.", named("FieldStatistics")),
            codes=_UNREADABLE,
        ),
    },
}
