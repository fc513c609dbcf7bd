"""Events by hour, day, week and month, where clocks are changed as well."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics import readings, rollup, trend
from analytics.readings import Days
from analytics.trend import Interval, TooManyPointsError, TrendPoint
from events.models import EventType, Project
from tests import make
from tests.analytics.feed import Sent, send
from tests.make import NOW

TODAY = NOW.date()
DAY = timedelta(days=1)


def days(project: Project, first: str, last: str) -> Days:
    return Days(project=project, first=date.fromisoformat(first), last=date.fromisoformat(last))


def starts(asked: Days, interval: Interval) -> list[str]:
    points = trend.trend(None, asked, interval, now=NOW).points
    return [point.at.isoformat() for point in points]


def play(project: Project) -> EventType:
    return project.event_types.get(name="play")


@pytest.mark.django_db
class TestPoints:
    def test_are_all_periods_with_what_happened_in_them(self, shop: Project) -> None:
        # A Saturday, a Sunday and a Monday; the last event waits to be folded.
        make.event_type(shop, "play")
        make.rule(shop, "ten", {"trigger": "play", "award": {"fixed": 10}})
        send(
            shop,
            Sent(metadata={}, customer="c-1", occurred_at=NOW - 2 * DAY),
            Sent(metadata={}, customer="c-1", occurred_at=NOW - DAY / 2),
            Sent(metadata={}, customer="c-2", occurred_at=NOW - DAY / 2),
        )
        rollup.roll_up(seconds=60)
        send(shop, Sent(metadata={}, customer="c-1"), Sent(metadata={}, event="other"))

        found = trend.trend(play(shop), days(shop, "2026-02-27", "2026-03-02"), "day", now=NOW)

        berlin = ZoneInfo("Europe/Berlin")
        expected = [(27, 0, 0, 0), (28, 1, 1, 1), (1, 2, 2, 0), (2, 1, 1, 0)]
        assert found.points == [
            TrendPoint(
                at=datetime(2026, 2 if day > 20 else 3, day, tzinfo=berlin),
                events=events,
                customers=customers,
                points_awarded=10 * events,
                late=late,
                customers_error=0.0,
            )
            for day, events, customers, late in expected
        ]
        assert (found.interval, found.complete_to, found.tail_rows) == ("day", NOW, 1)

    def test_of_all_types_are_of_distinct_customers(self, shop: Project) -> None:
        send(shop, Sent(metadata={}), Sent(metadata={}, event="buy"))

        [point] = trend.trend(None, days(shop, "2026-03-02", "2026-03-02"), "day", now=NOW).points

        assert (point.events, point.customers) == (2, 1)

    def test_of_a_week_have_each_customer_once(self, shop: Project) -> None:
        for back in range(14):
            send(shop, Sent(metadata={}, occurred_at=NOW - back * DAY))

        points = trend.trend(
            play(shop), days(shop, "2026-02-16", "2026-03-01"), "week", now=NOW
        ).points

        assert [(point.events, point.customers) for point in points] == [(6, 1), (7, 1)]

    @pytest.mark.parametrize(
        ("interval", "expected"),
        [
            pytest.param("day", ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02"], id="day"),
            # Monday is the second of February.
            pytest.param("week", ["2026-01-30", "2026-02-02"], id="week"),
            pytest.param("month", ["2026-01-30", "2026-02-01"], id="month"),
        ],
    )
    def test_start_with_the_first_day_asked_for(
        self, shop: Project, interval: Interval, expected: list[str]
    ) -> None:
        found = starts(days(shop, "2026-01-30", "2026-02-02"), interval)

        assert found == [f"{day}T00:00:00+01:00" for day in expected]

    @pytest.mark.parametrize(
        ("zone", "day", "count", "some"),
        [
            pytest.param("UTC", "2026-03-02", 24, "2026-03-02T23:00:00+00:00", id="utc"),
            pytest.param(
                "Europe/Berlin", "2026-03-29", 23, "2026-03-29T03:00:00+02:00", id="berlin-23"
            ),
            pytest.param(
                "Europe/Berlin", "2026-10-25", 25, "2026-10-25T02:00:00+01:00", id="berlin-25"
            ),
            pytest.param(
                "Asia/Kathmandu", "2026-03-02", 24, "2026-03-02T00:00:00+05:45", id="kathmandu"
            ),
            # Half an hour comes twice, and is skipped half a year later.
            pytest.param(
                "Australia/Lord_Howe", "2026-04-05", 25, "2026-04-05T01:30:00+10:30", id="howe-25"
            ),
            pytest.param(
                "Australia/Lord_Howe", "2026-10-04", 24, "2026-10-04T02:30:00+11:00", id="howe-24"
            ),
            # The day of the change has no midnight.
            pytest.param(
                "Africa/Cairo", "2026-04-24", 23, "2026-04-24T01:00:00+03:00", id="cairo-23"
            ),
            pytest.param(
                "Africa/Cairo", "2026-10-29", 25, "2026-10-29T23:00:00+02:00", id="cairo-25"
            ),
        ],
    )
    def test_by_the_hour_are_the_local_hours(
        self, zone: str, day: str, count: int, some: str
    ) -> None:
        project = make.project("away", time_zone=zone)

        found = starts(days(project, day, day), "hour")

        moments = [datetime.fromisoformat(start) for start in found]
        assert len(found) == count
        assert some in found
        assert moments == sorted(moments)
        assert {moment.date().isoformat() for moment in moments} == {day}

    @pytest.mark.parametrize(
        ("zone", "change"),
        [
            ("Europe/Berlin", "2025-10-26T01:00"),
            ("Australia/Lord_Howe", "2025-04-05T15:00"),
            ("Africa/Cairo", "2025-10-30T21:00"),
            ("America/Havana", "2025-11-02T05:00"),
        ],
    )
    def test_by_the_hour_hold_every_event_around_a_change(self, zone: str, change: str) -> None:
        project = make.project("away", time_zone=zone)
        middle = datetime.fromisoformat(change).replace(tzinfo=UTC)
        moments = [middle + timedelta(minutes=10 * step) for step in range(-18, 18)]
        send(project, *(Sent(metadata={}, occurred_at=moment) for moment in moments[::2]))
        rollup.roll_up(seconds=60)
        send(project, *(Sent(metadata={}, occurred_at=moment) for moment in moments[1::2]))
        around = Days(project=project, first=middle.date() - DAY, last=middle.date() + DAY)

        points = trend.trend(play(project), around, "hour", now=NOW).points

        ends = [later.at for later in points[1:]] + [datetime.max.replace(tzinfo=UTC)]
        for point, end in zip(points, ends, strict=True):
            assert point.events == sum(point.at <= moment < end for moment in moments), point
        assert sum(point.events for point in points) == len(moments)

    def test_are_refused_where_they_are_too_many(
        self, shop: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(trend, "TREND_POINTS", 24)

        assert len(starts(days(shop, "2026-03-02", "2026-03-02"), "hour")) == 24
        with pytest.raises(TooManyPointsError, match="more than 24 points by the hour"):
            starts(days(shop, "2026-03-01", "2026-03-02"), "hour")

    def test_end_where_folding_stands_when_too_much_waits(
        self, shop: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(shop, Sent(metadata={}))
        rollup.roll_up(seconds=60)
        send(shop, *[Sent(metadata={})] * 2, received_at=NOW + DAY)
        monkeypatch.setattr(readings, "TAIL_EVENTS", 1)

        found = trend.trend(
            play(shop), days(shop, "2026-03-02", "2026-03-02"), "day", now=NOW + 2 * DAY
        )

        assert [point.events for point in found.points] == [1]
        assert (found.complete_to, found.tail_rows) == (NOW + DAY, 0)
