"""Tests of the filter that pages and API share."""

from datetime import date
from urllib.parse import parse_qs

import pytest

from analytics.filters import MOST_DAYS, RangeFilter, days_asked, page_filter
from analytics.trend import Interval

TODAY = date(2026, 3, 20)


class TestRangeFilter:
    def test_reads_days_and_choices(self) -> None:
        asked = RangeFilter({"from": "2026-03-01", "interval": "week", "scale": "log", "to": ""})

        assert asked.refusals() == {}
        assert asked.given() == {"from": date(2026, 3, 1), "interval": "week", "scale": "log"}

    @pytest.mark.parametrize(
        ("query", "refusals"),
        [
            (
                {"from": "1.3.2026"},
                {"from": ["Date has wrong format. Write it as YYYY-MM-DD."]},
            ),
            ({"to": "0001-01-01"}, {"to": ["The year lies between 1970 and 9000."]}),
            ({"from": "9999-12-31"}, {"from": ["The year lies between 1970 and 9000."]}),
            (
                {"from": "2026-03-02", "to": "2026-03-01"},
                {"from": ["The first day lies after the last one."]},
            ),
            (
                {"scale": "cubic"},
                {"scale": ["“cubic” is not a valid choice: choose one of linear, log, quantile."]},
            ),
        ],
    )
    def test_says_what_it_could_not_read(
        self, query: dict[str, str], refusals: dict[str, list[str]]
    ) -> None:
        assert RangeFilter(query).refusals() == refusals


class TestDaysAsked:
    @pytest.mark.parametrize(
        ("given", "first", "last"),
        [
            ({}, date(2026, 2, 19), TODAY),
            ({"to": date(2025, 1, 30)}, date(2025, 1, 1), date(2025, 1, 30)),
            ({"from": date(2026, 3, 1)}, date(2026, 3, 1), TODAY),
            ({"from": date(2026, 4, 1)}, date(2026, 4, 1), date(2026, 4, 1)),
            ({"to": date(1970, 1, 2)}, date(1970, 1, 1), date(1970, 1, 2)),
        ],
    )
    def test_are_30_unless_told(self, given: dict[str, date], first: date, last: date) -> None:
        assert days_asked(given, TODAY) == (first, last)


class TestPageFilter:
    def test_keeps_what_could_be_read(self) -> None:
        asked = page_filter({"from": "x", "to": "2026-03-10", "interval": "week"}, TODAY)

        assert asked.errors.keys() == {"from"}
        assert (asked.last, asked.interval, asked.days) == (date(2026, 3, 10), "week", 30)

    @pytest.mark.parametrize(
        ("days", "interval"),
        [(1, "hour"), (2, "day"), (120, "day"), (121, "week"), (800, "week"), (801, "month")],
    )
    def test_chooses_the_shortest_interval_that_is_readable(self, days: int, interval: str) -> None:
        first = date.fromordinal(TODAY.toordinal() - days + 1)

        assert page_filter({"from": str(first)}, TODAY).point_interval == interval

    @pytest.mark.parametrize("interval", list(MOST_DAYS))
    def test_refuses_more_points_than_can_be_told_apart(self, interval: Interval) -> None:
        longest = date.fromordinal(TODAY.toordinal() - MOST_DAYS[interval] + 1)
        longer = date.fromordinal(longest.toordinal() - 1)

        fits = page_filter({"from": str(longest), "interval": interval}, TODAY)
        refused = page_filter({"from": str(longer), "interval": interval}, TODAY)

        assert (fits.errors, fits.point_interval) == ({}, interval)
        assert refused.errors.keys() == {"interval"}
        assert refused.first == longer

    def test_hands_days_and_comparison_to_other_pages(self) -> None:
        asked = page_filter(
            {"from": "2026-03-01", "compare": "none", "scale": "log", "page": "2"}, TODAY
        )

        assert parse_qs(asked.query[1:]) == {"from": ["2026-03-01"], "compare": ["none"]}

    def test_names_ranges_up_to_today(self) -> None:
        asked = page_filter({"from": "2026-03-01", "scale": "log", "page": "3"}, TODAY)

        ranges = {
            preset.name: (parse_qs(preset.query[1:]), preset.is_shown) for preset in asked.presets
        }

        to = {"to": ["2026-03-20"], "scale": ["log"]}
        assert ranges == {
            "7 days": ({"from": ["2026-03-14"], **to}, False),
            "30 days": ({"from": ["2026-02-19"], **to}, False),
            "90 days": ({"from": ["2025-12-21"], **to}, False),
            "This month": ({"from": ["2026-03-01"], **to}, True),
        }

    @pytest.mark.parametrize("page", ["0", "-1", "x", "1001", "1.5"])
    def test_refuses_pages_that_cannot_be(self, page: str) -> None:
        assert page_filter({"page": page}, TODAY).errors == {"page": f"There is no page “{page}”."}
