"""Data frames: what is known by day, beside the days of which nothing is known."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal, TypeAlias

import pandas as pd

from analytics.sketches import NumberSummary

Interval: TypeAlias = Literal["day", "week", "month", "year"]

MOST_POINTS = 400  # more can't be told apart in a chart, and a table of more is not read

# Weeks start on Monday, so they end on Sunday.
_FREQUENCIES: Mapping[Interval, str] = {"day": "D", "week": "W-SUN", "month": "M", "year": "Y"}


def percentiles_over_time(
    days: Mapping[date, NumberSummary], *, first: date, last: date, percents: Sequence[int]
) -> pd.DataFrame:
    """Return the count and the percentiles of numbers by day, from the first day to the last.

    The index holds every period and is named after its length: days, or weeks, months or years
    where there would be more than MOST_POINTS. So long a stretch begins and ends with the numbers.
    The columns are "count" (0 without numbers) and "p50" for 50 (NaN without numbers).
    """
    if (last - first).days >= MOST_POINTS:
        first, last = max(first, min(days, default=last)), min(last, max(days, default=last))
    interval = _interval(first, last)
    summaries = _merged(days, _FREQUENCIES[interval])
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
    every = pd.period_range(first, last, freq=_FREQUENCIES[interval], name=interval)
    return frame.reindex(every).fillna({"count": 0}).astype({"count": "int64"})


def _interval(first: date, last: date) -> Interval:
    """Return the shortest interval of which there are not too many."""
    for interval, frequency in _FREQUENCIES.items():
        if pd.period_range(first, last, freq=frequency).size <= MOST_POINTS:
            return interval
    return "year"


def _merged(days: Mapping[date, NumberSummary], frequency: str) -> dict[pd.Period, NumberSummary]:
    parts: dict[pd.Period, list[NumberSummary]] = {}
    for day, summary in days.items():
        parts.setdefault(pd.Period(day, freq="D").asfreq(frequency), []).append(summary)
    return {period: NumberSummary.merge_all(found) for period, found in parts.items()}
