"""What happened in a project's days, beside the days before."""

from datetime import date, datetime, timedelta

import pytest

from analytics import readings, rollup
from analytics.overview import Headline, Overview, TypeLine, days_before, overview
from analytics.readings import Days
from events.models import Project
from tests import make
from tests.analytics.feed import Sent, send
from tests.make import NOW

TODAY = NOW.date()
DAY = timedelta(days=1)
NOTHING = Headline(
    events=0, customers=0, points_awarded=0, points_total=0, late=0, customers_error=0.0
)


def days(project: Project, *, back: int = 0) -> Days:
    return Days(project=project, first=TODAY - back * DAY, last=TODAY)


def headline(events: int, customers: int, **rest: int) -> Headline:
    columns = {"points_awarded": 0, "points_total": 0, "late": 0}
    return Headline(events=events, customers=customers, customers_error=0.0, **columns | rest)


def daily(found: Overview) -> dict[date, int]:
    return {day: line.events for day, line in found.daily.items()}


@pytest.mark.django_db
class TestOverview:
    def test_counts_folded_and_waiting_events_of_both_periods(self, shop: Project) -> None:
        never = make.event_type(shop, "never")
        send(
            shop,
            Sent(metadata={"a": 1, "b": 2}, customer="c-1"),
            Sent(metadata={}, customer="c-2", occurred_at=NOW - DAY),
            Sent(metadata={}, customer="c-1", occurred_at=NOW - 2 * DAY),
            Sent(metadata={}, customer="c-9", occurred_at=NOW - 4 * DAY),
        )
        rollup.roll_up(seconds=60)
        send(
            shop,
            Sent(metadata={}, customer="c-1", event="buy"),
            Sent(metadata={}, customer="c-3"),
            Sent(metadata={}, customer="c-3", occurred_at=NOW - 3 * DAY),
        )
        asked = days(shop, back=1)

        found = overview(asked, now=NOW)

        play, buy = (shop.event_types.get(name=name) for name in ("play", "buy"))
        assert found == Overview(
            days=asked,
            previous_days=Days(project=shop, first=TODAY - 3 * DAY, last=TODAY - 2 * DAY),
            current=headline(4, 3),
            previous=headline(2, 2, late=2),
            daily={TODAY - DAY: headline(1, 1), TODAY: headline(3, 2)},
            event_types=[
                TypeLine(
                    event_type=play,
                    fields=2,
                    current=headline(3, 3),
                    previous=headline(2, 2, late=2),
                    daily={TODAY - DAY: 1, TODAY: 2},
                    discarded={},
                ),
                TypeLine(
                    event_type=buy,
                    fields=0,
                    current=headline(1, 1),
                    previous=NOTHING,
                    daily={TODAY: 1},
                    discarded={},
                ),
                TypeLine(
                    event_type=never,
                    fields=0,
                    current=NOTHING,
                    previous=NOTHING,
                    daily={},
                    discarded={},
                ),
            ],
            complete_to=NOW,
            tail_rows=3,
        )

    def test_is_the_same_once_all_is_folded(self, shop: Project) -> None:
        events = [
            Sent(metadata={}, customer=f"c-{n % 7}", event="abc"[n % 3], occurred_at=NOW - n * DAY)
            for n in range(20)
        ]
        send(shop, *events)
        before = overview(days(shop, back=9), now=NOW)

        rollup.roll_up(seconds=60)
        after = overview(days(shop, back=9), now=NOW)

        assert (before.tail_rows, after.tail_rows) == (20, 0)
        for name in ("current", "previous", "daily", "event_types"):
            assert getattr(before, name) == getattr(after, name)

    def test_counts_points(self, shop: Project) -> None:
        make.event_type(shop, "buy")
        make.rule(shop, "ten", {"trigger": "buy", "award": {"fixed": 10}})
        make.streak(
            shop,
            "daily",
            {"event": "buy", "period": "day", "milestones": [{"at": 1, "points": 5}]},
        )
        send(shop, Sent(metadata={}, event="buy"))

        found = overview(days(shop), now=NOW)

        assert found.current == headline(1, 1, points_awarded=10, points_total=15)

    def test_says_how_far_many_customers_may_be_off(self, shop: Project) -> None:
        send(shop, *(Sent(metadata={}, customer=f"c-{n}") for n in range(600)))

        current = overview(days(shop), now=NOW).current

        assert 0 < current.customers_error < 0.05
        assert abs(current.customers - 600) <= 600 * current.customers_error
        assert current.customers <= current.events

    def test_has_days_of_the_local_calendar(self) -> None:
        # Kathmandu is 5:45 ahead: its day starts at 18:15.
        project = make.project("away", time_zone="Asia/Kathmandu")
        for moment in ("2026-03-01T18:14:59+00:00", "2026-03-01T18:15:00+00:00"):
            send(project, Sent(metadata={}, occurred_at=datetime.fromisoformat(moment)))

        found = overview(days(project), now=NOW)

        assert (found.current.events, found.previous.events) == (1, 1)
        assert daily(found) == {TODAY: 1}

    def test_ends_where_folding_stands_when_too_much_waits(
        self, shop: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(shop, Sent(metadata={}))
        rollup.roll_up(seconds=60)
        send(shop, Sent(metadata={}), Sent(metadata={}, event="buy"), received_at=NOW + DAY)
        monkeypatch.setattr(readings, "TAIL_EVENTS", 1)

        found = overview(days(shop, back=0), now=NOW + 2 * DAY)

        assert (found.current.events, found.tail_rows) == (1, 0)
        assert found.complete_to == NOW + DAY

    def test_of_an_empty_project_is_empty(self, shop: Project) -> None:
        found = overview(days(shop), now=NOW)

        assert (found.current, found.previous) == (NOTHING, NOTHING)
        assert (found.daily, found.event_types, found.complete_to) == ({}, [], NOW)

    def test_shows_nothing_of_another_project(self, shop: Project, other: Project) -> None:
        send(shop, Sent(metadata={}))
        rollup.roll_up(seconds=60)
        send(shop, Sent(metadata={}))

        assert overview(days(other), now=NOW).current == NOTHING


class TestDaysBefore:
    @pytest.mark.parametrize(
        ("first", "last", "expected"),
        [
            ("2026-03-02", "2026-03-02", ("2026-03-01", "2026-03-01")),
            ("2026-03-01", "2026-03-31", ("2026-01-29", "2026-02-28")),
            ("1970-01-01", "9000-12-31", ("1969-12-31", "1969-12-31")),
            ("1970-01-03", "1970-01-31", ("1969-12-31", "1970-01-02")),
        ],
    )
    def test_are_as_many_but_none_before_the_first_year(
        self, shop: Project, first: str, last: str, expected: tuple[str, str]
    ) -> None:
        asked = Days(project=shop, first=date.fromisoformat(first), last=date.fromisoformat(last))

        before = days_before(asked)

        assert (str(before.first), str(before.last)) == expected
