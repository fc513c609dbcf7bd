"""Tests of how many events and values came."""

from datetime import timedelta

import pytest

from analytics import coverage, readings, rollup
from analytics.readings import Days
from events.models import EventType, Project
from tests import make
from tests.analytics import feed
from tests.analytics.feed import Sent

TODAY = make.NOW.date()


@pytest.fixture
def today(shop: Project) -> Days:
    return Days(project=shop, first=TODAY, last=TODAY)


def play(shop: Project) -> EventType:
    return shop.event_types.get(name="play")


class TestTypeCoverage:
    def test_counts_each_event_once_folded_or_not(self, shop: Project, today: Days) -> None:
        feed.send(shop, Sent(metadata={"price": 1}), Sent(metadata={"price": None}))
        rollup.roll_up(seconds=60)
        feed.send(shop, Sent(metadata={"price": "2"}), Sent(metadata={}, event="other"))

        found = coverage.type_coverage(play(shop), today, now=make.NOW)

        assert (found.rows, found.tail_rows, found.complete_to) == (3, 1, make.NOW)
        [price] = found.fields
        assert (price.field.name, price.filled) == ("price", 2)

    def test_counts_the_days_asked_for_alone(self, shop: Project, today: Days) -> None:
        # 22:59 and 23:01 UTC lie on two days in Berlin.
        midnight = make.NOW.replace(hour=23, minute=0) - timedelta(days=1)
        minute = timedelta(minutes=1)
        for moment in (midnight - minute, midnight + minute):
            feed.send(shop, Sent(metadata={"price": 1}, occurred_at=moment))

        tail = coverage.type_coverage(play(shop), today, now=make.NOW)
        rollup.roll_up(seconds=60)
        folded = coverage.type_coverage(play(shop), today, now=make.NOW)

        assert (tail.rows, tail.tail_rows) == (1, 1)
        assert (folded.rows, folded.tail_rows) == (1, 0)

    def test_ends_where_folding_stands_when_too_much_waits(
        self, shop: Project, today: Days, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feed.send_values(shop, "price", [1])
        rollup.roll_up(seconds=60)
        waiting = [Sent(metadata={"price": 1}), Sent(metadata={"price": 2})]
        feed.send(shop, *waiting, received_at=make.NOW + timedelta(seconds=5))
        monkeypatch.setattr(readings, "TAIL_EVENTS", 1)

        found = coverage.type_coverage(play(shop), today, now=make.NOW + timedelta(seconds=9))

        assert (found.rows, found.tail_rows) == (1, 0)
        assert found.complete_to == make.NOW + timedelta(seconds=5)


class TestEventCounts:
    def test_have_the_most_frequent_type_first(self, shop: Project, today: Days) -> None:
        make.event_type(shop, "never")
        feed.send(shop, Sent(metadata={}, event="a"), Sent(metadata={}, event="c"))
        rollup.roll_up(seconds=60)
        feed.send(shop, Sent(metadata={}, event="b"), Sent(metadata={}, event="c"))

        found = coverage.event_counts(today, now=make.NOW)

        assert [(counted.name, events) for counted, events in found.events] == [
            ("c", 2),
            ("a", 1),
            ("b", 1),
            ("never", 0),
        ]
        assert found.tail_rows == 2


class TestLastDay:
    def test_is_the_last_with_folded_events(self, shop: Project) -> None:
        feed.send_values(shop, "price", [1])
        feed.send_values(shop, "price", [1], occurred_at=make.NOW - timedelta(days=3))
        assert coverage.last_day(play(shop)) is None

        rollup.roll_up(seconds=60)

        assert coverage.last_day(play(shop)) == TODAY
