"""Local hours and days, where clocks are changed and where they are off the hour."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.periods import Calendar

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Monrovia",
    "Pacific/Apia",
    "America/Havana",
]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# From the second day of 1970 to 2040, to the millisecond.
MOMENTS = st.integers(86_400_000, 2_208_988_800_000).map(
    lambda milliseconds: EPOCH + timedelta(milliseconds=milliseconds)
)


def calendar(zone: str) -> Calendar:
    return Calendar(ZoneInfo(zone))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestHour:
    @pytest.mark.parametrize(
        ("zone", "moment", "starts_at"),
        [
            pytest.param("UTC", "2026-03-02T09:59:59", "2026-03-02T09:00", id="utc"),
            pytest.param("Asia/Kathmandu", "2026-03-02T09:20", "2026-03-02T09:15", id="45-past"),
            pytest.param("Asia/Kathmandu", "2026-03-02T09:14", "2026-03-02T08:15", id="45-before"),
            pytest.param("Asia/Kolkata", "2026-03-02T09:29", "2026-03-02T08:30", id="half"),
            pytest.param(
                "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T00:00", id="two-o-clock-in-summer"
            ),
            pytest.param(
                "Europe/Berlin", "2026-10-25T01:30", "2026-10-25T01:00", id="two-o-clock-in-winter"
            ),
            # The clock goes from 02:00 (+11) back to 01:30 (+10:30).
            pytest.param(
                "Australia/Lord_Howe",
                "2026-04-04T14:59",
                "2026-04-04T14:00",
                id="lord-howe-one-o-clock",
            ),
            pytest.param(
                "Australia/Lord_Howe",
                "2026-04-04T15:10",
                "2026-04-04T15:00",
                id="lord-howe-half-past-one-again",
            ),
            pytest.param(
                "Australia/Lord_Howe",
                "2026-04-04T15:40",
                "2026-04-04T15:30",
                id="lord-howe-two-o-clock",
            ),
            # The clock goes from 02:00 (+10:30) on to 02:30 (+11).
            pytest.param(
                "Australia/Lord_Howe",
                "2026-10-03T15:50",
                "2026-10-03T15:30",
                id="lord-howe-half-past-two",
            ),
        ],
    )
    def test_starts_where_the_local_clock_shows_it(
        self, zone: str, moment: str, starts_at: str
    ) -> None:
        assert calendar(zone).place_of(utc(moment)).hour.starts_at == utc(starts_at)

    @pytest.mark.parametrize("zone", ZONES)
    @given(moment=MOMENTS)
    def test_holds_its_moment_and_begins_its_own_hour(self, zone: str, moment: datetime) -> None:
        hour = calendar(zone).place_of(moment).hour

        assert timedelta() <= moment - hour.starts_at < timedelta(hours=1)
        assert calendar(zone).place_of(hour.starts_at).hour == hour
        assert hour.local_date == moment.astimezone(ZoneInfo(zone)).date()

    @pytest.mark.parametrize("zone", ZONES)
    @given(moments=st.lists(MOMENTS, max_size=20))
    def test_is_the_same_whatever_was_asked_before(
        self, zone: str, moments: list[datetime]
    ) -> None:
        asked_often = calendar(zone)
        near = [moment + timedelta(seconds=n) for moment in moments for n in (0, 59, 1_000)]

        assert [asked_often.place_of(moment) for moment in near] == [
            calendar(zone).place_of(moment) for moment in near
        ]


class TestDay:
    @pytest.mark.parametrize(
        ("zone", "day", "starts_at", "hours"),
        [
            pytest.param("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", 23, id="spring"),
            pytest.param("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", 25, id="autumn"),
            pytest.param("Asia/Kathmandu", "2026-03-02", "2026-03-01T18:15", 24, id="kathmandu"),
            pytest.param("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00", 24.5, id="howe"),
            pytest.param(
                "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", 23, id="midnight-is-skipped"
            ),
            pytest.param(
                "America/Havana", "2026-11-01", "2026-11-01T04:00", 25, id="midnight-twice"
            ),
        ],
    )
    def test_starts_with_the_first_instant_of_its_date(
        self, zone: str, day: str, starts_at: str, hours: float
    ) -> None:
        local = calendar(zone)
        start, end = local.span(date.fromisoformat(day))

        assert start == utc(starts_at) == local.day(date.fromisoformat(day)).starts_at
        assert end - start == timedelta(hours=hours)

    @pytest.mark.parametrize("zone", ZONES)
    @given(moment=MOMENTS)
    def test_spans_every_moment_of_its_date(self, zone: str, moment: datetime) -> None:
        local = calendar(zone)
        day = local.place_of(moment).day
        start, end = local.span(day.local_date)

        assert day.local_date == moment.astimezone(ZoneInfo(zone)).date()
        assert start <= moment < end
        assert local.date_of(day.starts_at) == day.local_date
        assert local.date_of(day.starts_at - timedelta(microseconds=1)) < day.local_date

    def test_spans_the_minutes_that_come_back_after_midnight(self) -> None:
        """St John's put its clock back at 00:01, so 23:01 to 24:00 came again."""
        local = calendar("America/St_Johns")
        again = utc("2010-11-07T02:45")

        assert local.date_of(utc("2010-11-07T02:30:30")) == date(2010, 11, 7)
        assert local.date_of(again) == date(2010, 11, 6)
        start, end = local.span(date(2010, 11, 6))
        assert start <= again < end


class TestHours:
    @given(zone=st.sampled_from(ZONES), moment=MOMENTS)
    def test_of_a_day_hold_each_of_its_moments_in_one_hour(
        self, zone: str, moment: datetime
    ) -> None:
        found = calendar(zone)
        hour = found.place_of(moment).hour

        hours = list(found.hours(hour.local_date))

        assert hours.count(hour) == 1
        assert [one.starts_at for one in hours] == sorted({one.starts_at for one in hours})
        assert {one.local_date for one in hours} == {hour.local_date}
