"""Tests of periods that are only part of one."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from analytics.panels.stretches import Interval, Part, Stretch, part_note, period_cell

# A Monday's evening in Berlin.
STRETCH = Stretch(
    first=date(2026, 2, 11),
    last=date(2026, 3, 2),
    complete_to=datetime(2026, 3, 2, 19, 30, tzinfo=UTC),
    zone=ZoneInfo("Europe/Berlin"),
)
PAST = Stretch(
    first=date(2026, 2, 1),
    last=date(2026, 2, 28),
    complete_to=STRETCH.complete_to,
    zone=STRETCH.zone,
)


class TestStretch:
    @pytest.mark.parametrize(
        ("day", "interval", "part"),
        [
            (date(2026, 2, 11), "day", ""),
            (date(2026, 3, 2), "day", "so far"),
            (date(2026, 2, 11), "week", "part"),
            (date(2026, 2, 9), "week", "part"),
            (date(2026, 2, 16), "week", ""),
            (date(2026, 3, 2), "week", "so far"),
            (date(2026, 2, 11), "month", "part"),
            (date(2026, 3, 1), "month", "so far"),
            (date(2026, 1, 1), "year", "so far"),
        ],
    )
    def test_marks_what_cannot_be_compared(self, day: date, interval: Interval, part: Part) -> None:
        assert STRETCH.part_of(day, interval) == part

    def test_knows_the_hour_that_is_not_over(self) -> None:
        hours = [datetime(2026, 3, 2, hour, tzinfo=STRETCH.zone) for hour in (19, 20, 21)]

        assert [STRETCH.part_of_hour(hour) for hour in hours] == ["", "so far", ""]

    def test_calls_days_before_today_a_part_of_its_month_or_week(self) -> None:
        assert PAST.part_of(date(2026, 2, 1), "month") == ""
        assert PAST.part_of(date(2026, 2, 23), "week") == "part"
        assert not PAST.has_today
        assert STRETCH.has_today


class TestPeriodCell:
    def test_gives_programs_the_date_alone(self) -> None:
        cell = period_cell("2026-03-02", "so far")

        assert (cell.text, cell.value, cell.note) == ("2026-03-02", "2026-03-02", "so far")
        assert period_cell("2026-03-01", "").is_plain


class TestPartNote:
    def test_names_the_periods(self) -> None:
        starts = ["2026-02-11", "2026-02-16", "2026-03-02"]

        assert part_note(starts, ["part", "", "so far"], "week") == (
            "Of the week from 2026-02-11 only a part is shown. "
            "The week from 2026-03-02 is not over yet."
        )
