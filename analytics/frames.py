"""Data frames: what is known by day, beside the days of which nothing is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

import pandas as pd

from analytics.sketches import NumberSummary

Length: TypeAlias = Literal["day", "week", "month", "year"]

MOST_POINTS = 400  # more can't be told apart in a chart, and a table of more is not read

# Weeks start on Monday, so they end on Sunday.
_FREQUENCIES: Mapping[Length, str] = {"day": "D", "week": "W-SUN", "month": "M", "year": "Y"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The days of a chart, and how long its periods are at least."""

    first: date
    last: date
    shortest: Length = "day"


def percentiles_over_time(
    days: Mapping[date, NumberSummary], span: Span, *, percents: Sequence[int]
) -> pd.DataFrame:
    """Return the count and the percentiles of numbers by period, from the first to the last.

    The index holds every period and is named after its length: the shortest of which there are
    not more than MOST_POINTS. A stretch that long begins and ends with the numbers. The columns
    are "count" (0 without numbers) and "p50" for 50 (NaN without numbers).
    """
    every = _periods(span, known=days)
    summaries = _merged(days, every.freqstr)
    frame = pd.DataFrame(
        {
            "count": {period: summary.count for period, summary in summaries.items()},
            **{
                f"p{percent}": {
                    period: summary.percentile(percent) for period, summary in summaries.items()
                }
                for percent in percents
            },
        },
        dtype="float64",
    )
    return frame.reindex(every).fillna({"count": 0}).astype({"count": "int64"})


def counts_over_time(days: Mapping[date, Mapping[str, int]], span: Span) -> pd.DataFrame:
    """Return counts by period: a column for each name, 0 where nothing was counted.

    The index is that of `percentiles_over_time`.
    """
    every = _periods(span, known=days)
    names = list(dict.fromkeys(name for counts in days.values() for name in counts))
    frame = pd.DataFrame(
        {name: [counts.get(name, 0) for counts in days.values()] for name in names},
        index=pd.PeriodIndex(list(days), freq="D").asfreq(every.freqstr),
        dtype="int64",
    )
    summed: pd.DataFrame = frame.groupby(level=0).sum().reindex(every, fill_value=0)
    return summed


def starts(frame: pd.DataFrame) -> list[str]:
    """Return the first day of each period of a frame (ISO 8601)."""
    return [period.start_time.date().isoformat() for period in frame.index]


def line(frame: pd.DataFrame, column: str) -> list[float | None]:
    """Return a column with None where nothing is known."""
    return [None if pd.isna(value) else float(value) for value in frame[column]]


def _periods(span: Span, *, known: Mapping[date, object]) -> pd.PeriodIndex:
    """Return every period of a span, of the shortest length of which there are not too many."""
    first, last = span.first, span.last
    if (last - first).days >= MOST_POINTS:
        first, last = max(first, min(known, default=last)), min(last, max(known, default=last))
    lengths = list(_FREQUENCIES)
    for length in lengths[lengths.index(span.shortest) :]:
        every = pd.period_range(first, last, freq=_FREQUENCIES[length], name=length)
        if every.size <= MOST_POINTS:
            break
    return every


def _merged(days: Mapping[date, NumberSummary], frequency: str) -> dict[pd.Period, NumberSummary]:
    parts: dict[pd.Period, list[NumberSummary]] = {}
    for day, summary in days.items():
        parts.setdefault(pd.Period(day, freq="D").asfreq(frequency), []).append(summary)
    return {period: NumberSummary.merge_all(found) for period, found in parts.items()}
