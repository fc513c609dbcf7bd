"""The bounds of a list of events: moments, and days of the project's time zone."""

from datetime import datetime, timedelta

import pytest

from tests import make
from tests.calling import EVENTS, Caller, buy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

MICROSECOND = timedelta.resolution


def caller_in(zone: str) -> Caller:
    """Return a caller of a new project in a time zone."""
    made = make.keyed_project("far", time_zone=zone)
    make.event_type(made.project, "buy")
    return Caller(keys=made)


def moments_of(caller: Caller, **query: str) -> list[datetime]:
    """Return when the events of a list occurred, the earliest first."""
    named = {name.rstrip("_"): value for name, value in query.items()}
    results = caller.get(EVENTS, named).body["results"]
    return sorted(datetime.fromisoformat(result["occurred_at"]) for result in results)


class TestADay:
    @pytest.mark.parametrize(
        ("zone", "day", "start", "end"),
        [
            pytest.param("UTC", "2026-03-01", "2026-03-01T00", "2026-03-02T00", id="utc"),
            pytest.param(
                "Europe/Berlin", "2026-03-01", "2026-02-28T23", "2026-03-01T23", id="east"
            ),
            pytest.param(
                "America/Los_Angeles", "2026-02-28", "2026-02-28T08", "2026-03-01T08", id="west"
            ),
            pytest.param(
                "Europe/Berlin", "2025-03-30", "2025-03-29T23", "2025-03-30T22", id="23 hours"
            ),
            pytest.param(
                "Europe/Berlin", "2025-10-26", "2025-10-25T22", "2025-10-26T23", id="25 hours"
            ),
            pytest.param(
                "America/Sao_Paulo",
                "2018-11-04",
                "2018-11-04T03",
                "2018-11-05T02",
                id="no midnight",
            ),
            pytest.param(
                "America/Havana", "2025-11-02", "2025-11-02T04", "2025-11-03T05", id="two midnights"
            ),
        ],
    )
    def test_is_one_of_the_project_and_wholly_included(
        self, zone: str, day: str, start: str, end: str
    ) -> None:
        caller = caller_in(zone)
        first = datetime.fromisoformat(f"{start}:00:00Z")
        after = datetime.fromisoformat(f"{end}:00:00Z")
        last = after - MICROSECOND
        for moment in (first - MICROSECOND, first, last, after):
            caller.send_one(buy(occurred_at=moment.isoformat()))

        assert moments_of(caller, from_=day, to=day) == [first, last]
        assert moments_of(caller, from_=day) == [first, last, after]
        assert moments_of(caller, to=day) == [first - MICROSECOND, first, last]

    def test_that_its_zone_left_out_is_empty(self) -> None:
        """Samoa went over the date line from 29 to 31 December 2011."""
        caller = caller_in("Pacific/Apia")
        jump = datetime.fromisoformat("2011-12-30T10:00:00Z")
        for moment in (jump - MICROSECOND, jump):
            caller.send_one(buy(occurred_at=moment.isoformat()))

        assert moments_of(caller, from_="2011-12-30", to="2011-12-30") == []
        assert moments_of(caller, to="2011-12-30") == [jump - MICROSECOND]
        assert moments_of(caller, from_="2011-12-30") == [jump]

    @pytest.mark.parametrize(
        ("zone", "name", "day"),
        [
            ("Europe/Berlin", "from", "0001-01-01"),
            ("UTC", "to", "9999-12-31"),
            ("UTC", "to", "0000-01-01"),
        ],
    )
    def test_is_refused_outside_of_the_calendar(self, zone: str, name: str, day: str) -> None:
        answer = caller_in(zone).get(EVENTS, {name: day})

        assert (answer.status, answer.body["field"]) == (400, name)

    @pytest.mark.parametrize("day", ["2026-3-1", "20260301", "2026-W09-7", "٢٠٢٦-03-01"])
    def test_is_written_in_one_form(self, day: str) -> None:
        answer = caller_in("UTC").get(EVENTS, {"from": day})

        assert (answer.status, answer.body["code"]) == (400, "invalid_field")


class TestAMoment:
    def test_is_included_at_both_ends(self) -> None:
        caller = caller_in("Europe/Berlin")
        moments = [datetime.fromisoformat(f"2026-03-01T{hour}:00:00Z") for hour in range(10, 14)]
        for moment in moments:
            caller.send_one(buy(occurred_at=moment.isoformat()))

        found = moments_of(caller, from_="2026-03-01T12:00:00+01:00", to="2026-03-01T12:00:00Z")

        assert found == moments[1:3]

    @pytest.mark.parametrize(
        "moment", ["2026-03-01T12:00:00", "2026-03-01 12:00", "2026-03-01T00:00:00.5"]
    )
    def test_is_refused_without_its_zone(self, moment: str) -> None:
        answer = caller_in("Europe/Berlin").get(EVENTS, {"to": moment})

        assert (answer.status, answer.body["field"]) == (400, "to")
        assert answer.body["detail"] == (
            "The moment lacks its zone: end it with Z or an offset like +01:00."
        )
