"""The parameters and the JSON of the statistics API."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias, TypedDict

from rest_framework import serializers

from analytics.overview import Headline, Overview, TypeLine
from analytics.profiles import Evidence
from analytics.readings import Days
from analytics.sketches import (
    ArraySummary,
    BooleanSummary,
    NumberSummary,
    Scale,
    TextSummary,
)
from analytics.statistics import (
    FieldStatistics,
    FieldSummary,
    TypeStatistics,
    Values,
)
from analytics.trend import Trend
from events import catalogue
from events.limits import HISTOGRAM_BINS, LISTED_FIELDS, PERCENTILES, TOP_VALUES
from events.models import EventType, MetadataField
from events.protection import MASK, Protection
from events.types import DiscardReason

Cover: TypeAlias = Callable[[str], str]

LISTED_TOP = 3  # of each field in the list of a type's fields

_PERCENTILE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How much of a summary is shown; `percentiles` are as they were written.

    Where it is masked, no value is shown in clear: only counts, how many distinct values there
    were, and of texts what `cover` makes of them.
    """

    percentiles: Sequence[str] = ("50", "95", "99")
    top: int = 20
    bins: int = 10
    scale: Scale = "linear"
    is_masked: bool = False
    cover: Cover | None = None


class _Masking(TypedDict):
    is_masked: bool
    cover: Cover | None


def personal_in(event_type: EventType) -> Protection | None:
    """Return how the personal fields of a type are kept, None where it has none."""
    return catalogue.protections([event_type]).get(event_type.pk)


def _masking(field: MetadataField, personal: Protection | None) -> _Masking:
    if not field.personal or personal is None:
        return {"is_masked": field.personal, "cover": None}
    return {"is_masked": True, "cover": partial(personal.text, field.name)}


class PercentilesField(serializers.CharField):
    """Percentages parted by commas."""

    def to_internal_value(self, data: Any) -> Any:
        parts = [part.strip() for part in super().to_internal_value(data).split(",")]
        if len(parts) > PERCENTILES:
            raise serializers.ValidationError(
                f"{len(parts)} percentiles were asked for; at most {PERCENTILES} are given."
            )
        for part in parts:
            if not _PERCENTILE.fullmatch(part) or float(part) > 100:
                raise serializers.ValidationError(
                    f"“{part[:40]}” is not a percentile: they are numbers from 0 to 100, "
                    "parted by commas."
                )
        return tuple(dict.fromkeys(parts))


class StatisticsParameters(serializers.Serializer[Any]):
    """`percentiles`, `top`, `bins`: how much of a field's statistics is given."""

    percentiles = PercentilesField(required=False)
    top = serializers.IntegerField(required=False, min_value=1, max_value=TOP_VALUES)
    bins = serializers.IntegerField(required=False, min_value=1, max_value=HISTOGRAM_BINS)
    by = serializers.CharField(required=False)

    def validate_by(self, _value: str) -> None:
        raise serializers.ValidationError(
            "Statistics can't be split by another field yet; leave this parameter out."
        )

    def shape(self, scale: Scale, field: MetadataField) -> Shape:
        """Return how much is to be shown."""
        personal = personal_in(field.event_type) if field.personal else None
        return Shape(**self.validated_data, scale=scale, **_masking(field, personal))


class FieldsParameters(serializers.Serializer[Any]):
    """`limit` and `cursor`: which of a type's fields are given."""

    limit = serializers.IntegerField(required=False, min_value=1, max_value=LISTED_FIELDS)
    # A name, as the last answer gave it.
    cursor = serializers.CharField(required=False, trim_whitespace=False)


def statistics_json(statistics: FieldStatistics, shape: Shape) -> dict[str, object]:
    """Return the statistics of one field, numbers exact where they are."""
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
        "late": total.events.late,
        **_counts_json(total),
        "masked": shape.is_masked,
        **_kinds_json(total, shape),
        "evidence": [evidence_json(found) for found in statistics.evidence],
        "conflicts": [evidence_json(found) for found in statistics.conflicts],
    }


def _counts_json(total: Values) -> dict[str, object]:
    return {
        "missing": total.missing,
        "null": total.null,
        "type": total.shown_type,
        "types": total.types,
    }


def _kinds_json(values: Values, shape: Shape) -> dict[str, object]:
    number, text, boolean, array = values.number, values.text, values.boolean, values.array
    return {
        "number": None if number is None else number_json(number, shape),
        "text": None if text is None else text_json(text, shape),
        "boolean": None if boolean is None else boolean_json(boolean, shape),
        "array": None if array is None else array_json(array, shape),
    }


def number_json(number: NumberSummary, shape: Shape) -> dict[str, object]:
    """`outside` counts the numbers too long to enter the rest, which `types` counts too."""
    figures = {
        "sum": number.sum,
        "min": number.minimum,
        "max": number.maximum,
        "mean": _rounded(number.mean),
        "std": _rounded(number.std),
        "std_population": _rounded(number.std_population),
        "percentiles": {
            written: number.percentile(float(written)) for written in shape.percentiles
        },
        "relative_error": number.relative_error,
        "histogram": [
            {"from": bar.lower, "to": bar.upper, "count": bar.count}
            for bar in number.bins(shape.bins, shape.scale)
        ],
        "approximate": not number.is_exact,
    }
    return {
        "count": number.count,
        "outside": number.outside,
        # One number alone is its own sum and mean: so these are values too.
        **(dict.fromkeys(figures) if shape.is_masked else figures),
    }


def text_json(text: TextSummary, shape: Shape) -> dict[str, object]:
    top = _shown_top(text, shape)
    is_one = is_all_masked(top)
    return {
        "distinct": 1 if is_one else text.distinct,
        "distinct_error": 0.0 if is_one else text.distinct_error,
        "top": [{"value": value, "count": count} for value, count in top],
        "count_error": 0 if is_one else text.count_error,
        "other": text.total - sum(count for _, count in top),
    }


def _shown_top(text: TextSummary, shape: Shape) -> list[tuple[str, int]]:
    """Return the most frequent texts; those of a personal field masked, or hashed.

    What was stored in clear before a field became personal is so covered too.
    """
    if not shape.is_masked:
        return text.top(shape.top)
    if shape.cover is None or not text.total:
        return []
    covered: Counter[str] = Counter()
    for value, count in text.top(shape.top):
        covered[shape.cover(value)] += count
    if is_all_masked(list(covered.items())):
        return [(MASK, text.total)]
    return sorted(covered.items(), key=lambda each: (-each[1], each[0]))


def is_all_masked(top: Sequence[tuple[str, int]]) -> bool:
    return [value for value, _ in top] == [MASK]


def boolean_json(boolean: BooleanSummary, shape: Shape) -> dict[str, object]:
    counts = {"true": boolean.true, "false": boolean.false}
    return dict.fromkeys(counts) if shape.is_masked else dict(counts)


def array_json(array: ArraySummary, shape: Shape) -> dict[str, object]:
    """An element's `rows` is null where it was too rare to be kept among the most frequent."""
    return {
        # How many there were tells nothing of what they were.
        "lengths": number_json(array.lengths, replace(shape, is_masked=False)),
        "elements": elements_json(array, shape),
    }


def elements_json(array: ArraySummary, shape: Shape) -> list[dict[str, object]]:
    return [
        {"value": value, "count": count, "rows": array.rows.counts.get(value)}
        for value, count in _shown_top(array.elements, shape)
    ]


def evidence_json(found: Evidence) -> dict[str, object]:
    return {
        "kind": found.kind,
        "count": found.count,
        "share": found.share,
        "samples": found.samples,
        "first_day": found.first_day,
        "last_day": found.last_day,
    }


def fields_json(
    event_type: EventType, days: Days, found: TypeStatistics, following: str | None
) -> dict[str, object]:
    """Return a page of a type's fields, each in short; `following` is the cursor of the next."""
    personal = personal_in(event_type)
    return {
        "event": event_type.name,
        **_days_json(days),
        "complete_to": found.complete_to,
        "tail_rows": found.tail_rows,
        "rows": found.rows,
        "late": sum(events.late for events in found.daily.values()),
        "discarded": discarded_json(found.discarded),
        "results": [field_json(summary, personal) for summary in found.fields],
        "next": following,
    }


def field_json(summary: FieldSummary, personal: Protection | None = None) -> dict[str, object]:
    """Return one field in short."""
    field, total = summary.field, summary.total
    shape = Shape(top=LISTED_TOP, **_masking(field, personal))
    number, text, boolean, array = total.number, total.text, total.boolean, total.array
    return {
        "name": field.name,
        "declared": field.type,
        "dimension": field.dimension,
        "personal": field.personal,
        "masked": shape.is_masked,
        "filled": total.filled,
        **_counts_json(total),
        "number": None if number is None else _short_number_json(number, shape),
        "text": None if text is None else text_json(text, shape),
        "boolean": None if boolean is None else boolean_json(boolean, shape),
        "array": None if array is None else _short_array_json(array, shape),
        "evidence": [evidence_json(found) for found in summary.evidence],
        "conflicts": [evidence_json(found) for found in summary.conflicts],
    }


def _short_number_json(number: NumberSummary, shape: Shape) -> dict[str, object]:
    figures = {
        "min": number.minimum,
        "median": number.percentile(50),
        "mean": _rounded(number.mean),
        "max": number.maximum,
    }
    return {"count": number.count, **(dict.fromkeys(figures) if shape.is_masked else figures)}


def _short_array_json(array: ArraySummary, shape: Shape) -> dict[str, object]:
    return {
        "lengths": _short_number_json(array.lengths, replace(shape, is_masked=False)),
        "elements": elements_json(array, shape),
    }


def event_types_json(found: Overview) -> dict[str, object]:
    """Return every event type of a project with what came in the days."""
    return {
        **_days_json(found.days),
        "complete_to": found.complete_to,
        "tail_rows": found.tail_rows,
        "results": [_event_type_json(line) for line in found.event_types],
    }


def _event_type_json(line: TypeLine) -> dict[str, object]:
    return {
        "name": line.event_type.name,
        "active": line.event_type.active,
        "created_automatically": line.event_type.created_automatically,
        "fields": line.fields,
        **headline_json(line.current),
        "discarded": discarded_json(line.discarded),
        "first_day": min(line.daily, default=None),
        "last_day": max(line.daily, default=None),
    }


def discarded_json(discarded: Mapping[str, int]) -> dict[str, int]:
    """Return how many events were discarded for each reason."""
    return {reason: discarded.get(reason, 0) for reason in DiscardReason}


def headline_json(headline: Headline) -> dict[str, object]:
    return {
        "events": headline.events,
        "customers": headline.customers,
        "customers_error": headline.customers_error,
        "points_awarded": headline.points_awarded,
        "points_total": headline.points_total,
        "late": headline.late,
    }


def overview_json(found: Overview) -> dict[str, object]:
    """Return a project's days beside those before."""
    return {
        **_days_json(found.days),
        "complete_to": found.complete_to,
        "tail_rows": found.tail_rows,
        "current": headline_json(found.current),
        "previous": {
            "from": found.previous_days.first,
            "to": found.previous_days.last,
            **headline_json(found.previous),
        },
        "daily": [
            {"date": day, **headline_json(headline)} for day, headline in found.daily.items()
        ],
        "event_types": [
            {
                "name": line.event_type.name,
                "current": headline_json(line.current),
                "previous": headline_json(line.previous),
            }
            for line in found.event_types
        ],
    }


def trend_json(event_type: EventType, days: Days, found: Trend) -> dict[str, object]:
    """Return the periods of a trend, in order."""
    return {
        "event": event_type.name,
        **_days_json(days),
        "interval": found.interval,
        "complete_to": found.complete_to,
        "tail_rows": found.tail_rows,
        "points": [
            {
                "at": point.at,
                "events": point.events,
                "customers": point.customers,
                "customers_error": point.customers_error,
                "points_awarded": point.points_awarded,
                "late": point.late,
            }
            for point in found.points
        ],
    }


def _days_json(days: Days) -> dict[str, object]:
    return {"from": days.first, "to": days.last, "time_zone": days.project.time_zone}


def _rounded(number: Any) -> float | None:
    return None if number is None else float(number)
