"""Tests of the data frames."""

import math
from datetime import date, timedelta
from decimal import Decimal

import pytest

from analytics.frames import (
    MOST_POINTS,
    Span,
    counts_over_time,
    line,
    percentiles_over_time,
    starts,
)
from analytics.sketches import NumberSummary

MONDAY = date(2026, 3, 2)


def after(days: int) -> date:
    return MONDAY + timedelta(days=days)


def texts(index: object) -> list[str]:
    return [str(period.start_time.date()) for period in index]  # type: ignore[attr-defined]


class TestPercentilesOverTime:
    def test_have_a_row_for_every_day(self) -> None:
        days = {after(0): NumberSummary.of([1, 2, 3]), after(2): NumberSummary.of([Decimal("7.5")])}

        frame = percentiles_over_time(days, Span(first=after(-1), last=after(3)), percents=(50, 99))

        assert frame.index.name == "day"
        assert list(frame.columns) == ["count", "p50", "p99"]
        assert texts(frame.index) == [
            "2026-03-01",
            "2026-03-02",
            "2026-03-03",
            "2026-03-04",
            "2026-03-05",
        ]
        assert frame["count"].tolist() == [0, 3, 0, 1, 0]
        medians = frame["p50"].tolist()
        assert [math.isnan(median) for median in medians] == [True, False, True, False, True]
        assert medians[1] == pytest.approx(2, rel=0.01)
        assert medians[3] == 7.5

    def test_are_those_of_the_summaries(self) -> None:
        summary = NumberSummary.of(range(1, 1001))

        frame = percentiles_over_time(
            {MONDAY: summary}, Span(first=MONDAY, last=MONDAY), percents=(50, 90, 99)
        )

        assert frame.iloc[0].tolist() == [
            1000,
            summary.percentile(50),
            summary.percentile(90),
            summary.percentile(99),
        ]

    def test_merge_days_of_one_week_from_monday_on(self) -> None:
        days = {
            after(0): NumberSummary.of([1, 2]),
            after(6): NumberSummary.of([3]),
            after(7): NumberSummary.of([50]),
            after(7 + MOST_POINTS): NumberSummary.of([4]),
        }

        frame = percentiles_over_time(
            days, Span(first=after(0), last=after(7 + MOST_POINTS)), percents=(50,)
        )

        assert frame.index.name == "week"
        assert texts(frame.index)[:2] == ["2026-03-02", "2026-03-09"]
        assert frame["count"].tolist()[:2] == [3, 1]
        assert frame["p50"].iloc[0] == NumberSummary.of([1, 2, 3]).percentile(50)
        assert frame["count"].sum() == 5

    def test_begin_and_end_with_the_numbers_where_the_range_is_long(self) -> None:
        days = {after(0): NumberSummary.of([1]), after(9): NumberSummary.of([2])}

        frame = percentiles_over_time(
            days, Span(first=date(1970, 1, 1), last=date(9000, 1, 1)), percents=(50,)
        )

        assert frame.index.name == "day"
        assert texts(frame.index)[0] == "2026-03-02"
        assert len(frame) == 10

    @pytest.mark.parametrize(
        ("years", "interval"), [(1, "day"), (2, "week"), (20, "month"), (57, "year")]
    )
    def test_never_have_more_rows_than_a_chart_shows(self, years: int, interval: str) -> None:
        first, last = date(1970, 1, 1), date(1970 + years, 1, 1)
        days = {first: NumberSummary.of([1]), last: NumberSummary.of([2])}

        frame = percentiles_over_time(days, Span(first=first, last=last), percents=(50,))

        assert frame.index.name == interval
        assert len(frame) <= MOST_POINTS
        assert frame["count"].sum() == 2

    def test_of_numbers_out_of_range_are_missing(self) -> None:
        frame = percentiles_over_time(
            {MONDAY: NumberSummary(outside=2)}, Span(first=MONDAY, last=MONDAY), percents=(50,)
        )

        assert frame["count"].tolist() == [0]
        assert math.isnan(frame["p50"].iloc[0])

    def test_are_of_periods_as_long_as_told_at_least(self) -> None:
        span = Span(first=after(-20), last=after(20), shortest="month")

        frame = percentiles_over_time({MONDAY: NumberSummary.of([1])}, span, percents=(50,))

        assert starts(frame) == ["2026-02-01", "2026-03-01"]
        assert line(frame, "p50") == [None, 1.0]


class TestCountsOverTime:
    def test_have_a_row_for_every_day(self) -> None:
        days = {after(0): {"a": 1, "b": 2}, after(2): {"a": 3}}

        frame = counts_over_time(days, Span(first=after(-1), last=after(2)))

        assert frame["a"].tolist() == [0, 1, 0, 3]
        assert frame["b"].tolist() == [0, 2, 0, 0]

    def test_add_up_the_days_of_a_period(self) -> None:
        days = {after(0): {"a": 1}, after(6): {"a": 2}, after(7): {"a": 4}}

        frame = counts_over_time(days, Span(first=after(0), last=after(8), shortest="week"))

        assert starts(frame) == ["2026-03-02", "2026-03-09"]
        assert frame["a"].tolist() == [3, 4]
