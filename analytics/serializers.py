"""The parameters and the JSON of the statistics API."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from rest_framework import serializers

from analytics.sketches import (
    RELATIVE_ERROR,
    ArraySummary,
    BooleanSummary,
    NumberSummary,
    Scale,
    TextSummary,
)
from analytics.statistics import FieldStatistics, Values
from events.limits import EARLIEST_YEAR

MOST_BINS = 100
MOST_TOP = 1_000
MOST_PERCENTILES = 20
DEFAULT_DAYS = 30
LATEST_YEAR = 9_000  # leaves a calendar room to count on

_PERCENTILE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How much of a summary is shown; `percentiles` are as they were written."""

    percentiles: Sequence[str] = ("50", "95", "99")
    top: int = 20
    bins: int = 10
    scale: Scale = "linear"


class PercentilesField(serializers.CharField):
    """Percentages parted by commas."""

    def to_internal_value(self, data: Any) -> Any:
        parts = [part.strip() for part in super().to_internal_value(data).split(",")]
        if len(parts) > MOST_PERCENTILES:
            raise serializers.ValidationError(
                f"{len(parts)} percentiles were asked for; at most {MOST_PERCENTILES} are given."
            )
        for part in parts:
            if not _PERCENTILE.fullmatch(part) or float(part) > 100:
                raise serializers.ValidationError(
                    f"“{part[:40]}” is not a percentile: they are numbers from 0 to 100, "
                    "parted by commas."
                )
        return tuple(dict.fromkeys(parts))


class StatisticsParameters(serializers.Serializer[Any]):
    """`from`, `to`, `percentiles`, `top`, `bins`, `scale`."""

    percentiles = PercentilesField(required=False)
    top = serializers.IntegerField(required=False, min_value=1, max_value=MOST_TOP)
    bins = serializers.IntegerField(required=False, min_value=1, max_value=MOST_BINS)
    scale = serializers.ChoiceField(required=False, choices=("linear", "log", "quantile"))
    by = serializers.CharField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of Python, so these two can't be class attributes.
        dates = {name: serializers.DateField(required=False) for name in ("from", "to")}
        return super().get_fields() | dates

    def validate_by(self, _value: str) -> None:
        raise serializers.ValidationError(
            "Statistics can't be split by another field yet; leave this parameter out."
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("from", "to"):
            day = attrs.get(name)
            if day is not None and not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
                raise serializers.ValidationError(
                    {name: f"The year lies between {EARLIEST_YEAR} and {LATEST_YEAR}."}
                )
        if "from" in attrs and "to" in attrs and attrs["from"] > attrs["to"]:
            raise serializers.ValidationError({"from": "The first day lies after the last one."})
        return attrs

    def days(self, today: date) -> tuple[date, date]:
        """Return the first and the last day asked for; by default the last 30 days."""
        given: dict[str, Any] = self.validated_data
        before = timedelta(days=DEFAULT_DAYS - 1)
        first = given.get("from")
        last = given.get("to") or (today if first is None else max(today, first))
        return first or max(last - before, date(EARLIEST_YEAR, 1, 1)), last

    def shape(self) -> Shape:
        """Return how much is to be shown."""
        given: dict[str, Any] = self.validated_data
        names = ("percentiles", "top", "bins", "scale")
        return Shape(**{name: given[name] for name in names if name in given})


def statistics_json(statistics: FieldStatistics, shape: Shape) -> dict[str, object]:
    """Return the answer of the API, numbers exact where they are."""
    question, total = statistics.question, statistics.total
    return {
        "event": question.event_type.name,
        "field": question.field.name,
        "from": question.first,
        "to": question.last,
        "time_zone": question.project.time_zone,
        "complete_to": statistics.complete_to,
        "tail_rows": statistics.tail_rows,
        "rows": total.rows,
        "missing": total.missing,
        "null": total.null,
        "type": total.shown_type,
        "types": total.types,
        **_kinds_json(total, shape),
    }


def _kinds_json(values: Values, shape: Shape) -> dict[str, object]:
    number, text, boolean, array = values.number, values.text, values.boolean, values.array
    return {
        "number": None if number is None else number_json(number, shape),
        "text": None if text is None else text_json(text, shape),
        "boolean": None if boolean is None else boolean_json(boolean),
        "array": None if array is None else array_json(array, shape),
    }


def number_json(number: NumberSummary, shape: Shape) -> dict[str, object]:
    """`outside` counts the numbers too long to enter the rest, which `types` counts too."""
    return {
        "count": number.count,
        "outside": number.outside,
        "sum": number.sum,
        "min": number.minimum,
        "max": number.maximum,
        "mean": _rounded(number.mean),
        "std": _rounded(number.std),
        "std_population": _rounded(number.std_population),
        "percentiles": {
            written: number.percentile(float(written)) for written in shape.percentiles
        },
        "relative_error": RELATIVE_ERROR,
        "histogram": [
            {"from": bar.lower, "to": bar.upper, "count": bar.count}
            for bar in number.bins(shape.bins, shape.scale)
        ],
        "approximate": True,
    }


def text_json(text: TextSummary, shape: Shape) -> dict[str, object]:
    return {
        "distinct": text.distinct,
        "distinct_error": text.distinct_error,
        "top": [{"value": value, "count": count} for value, count in text.top(shape.top)],
        "count_error": text.count_error,
        "other": text.other_after(shape.top),
    }


def boolean_json(boolean: BooleanSummary) -> dict[str, object]:
    return {"true": boolean.true, "false": boolean.false}


def array_json(array: ArraySummary, shape: Shape) -> dict[str, object]:
    """An element's `rows` is null where it was too rare to be kept among the most frequent."""
    return {
        "lengths": number_json(array.lengths, shape),
        "elements": [
            {"value": value, "count": count, "rows": array.rows.counts.get(value)}
            for value, count in array.elements.top(shape.top)
        ],
    }


def _rounded(number: Any) -> float | None:
    return None if number is None else float(number)
