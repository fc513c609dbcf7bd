"""Rows of rollups and of what is not folded, as they are read."""

import threading
from collections.abc import Callable, Iterable
from datetime import date, timedelta

import pytest

from analytics import readings, rollup
from analytics.coverage import type_coverage
from analytics.overview import overview
from analytics.readings import (
    CountKey,
    Days,
    EventSums,
    Selection,
    customers_of,
    folded,
    folded_counts,
    read_events,
    read_tail,
    waiting_in,
)
from analytics.sketches import EventFact, EventSummary
from analytics.statistics import type_statistics
from analytics.summaries import EVENT_FIELD_ID, RowKey
from analytics.trend import trend
from events.models import Project
from tests import make
from tests.analytics.feed import Sent, field, send
from tests.make import NOW
from tests.threads import at_once

TODAY = NOW.date()
DAY = timedelta(days=1)


def selection(
    project: Project, *types: str, back: int = 0, fields: Iterable[str] = ()
) -> Selection:
    found = [project.event_types.get(name=name) for name in types or ("play",)]
    ids = {name: field(project, name).pk for name in fields}
    return Selection(
        days=Days(project=project, first=TODAY - back * DAY, last=TODAY),
        type_ids=[event_type.pk for event_type in found],
        field_ids={found[0].pk: ids} if ids else {},
    )


def counts(asked: Selection) -> dict[tuple[int, date], int]:
    """Return the events that are read by type and day, folded or not."""
    found: dict[tuple[int, date], int] = {}

    def take(key: RowKey, events: EventSummary) -> None:
        place = (key.event_type_id, key.local_date)
        found[place] = found.get(place, 0) + events.count

    read_events(asked, take, now=NOW)
    return found


def a_day_each(back: int, **columns: str) -> list[Sent]:
    return [Sent(metadata={}, occurred_at=NOW - n * DAY, **columns) for n in range(back)]


@pytest.mark.django_db
class TestReadEvents:
    def test_leave_out_other_days_and_types(self, shop: Project) -> None:
        # Types of one project share four shards: with five, two are waiting together.
        names = ["play", "buy", "win", "lose", "quit"]
        for name in names:
            make.event_type(shop, name)
            send(shop, *a_day_each(4, event=name))
        rollup.roll_up(seconds=60)
        for name in names:
            send(shop, *a_day_each(4, event=name))
        play, buy = (shop.event_types.get(name=name).pk for name in ("play", "buy"))

        assert counts(selection(shop, back=1)) == {(play, TODAY - DAY): 2, (play, TODAY): 2}
        assert counts(selection(shop, "play", "buy")) == {(play, TODAY): 2, (buy, TODAY): 2}

    def test_of_no_types_are_none(self, shop: Project) -> None:
        send(shop, Sent(metadata={}))
        none = Selection(days=Days(project=shop, first=TODAY, last=TODAY), type_ids=[])

        assert counts(none) == {}

    def test_take_as_many_queries_for_many_types(
        self, shop: Project, django_assert_max_num_queries: pytest.FixtureRequest
    ) -> None:
        names = [f"type {n}" for n in range(12)]
        send(shop, *(Sent(metadata={}, event=name) for name in names))
        rollup.roll_up(seconds=60)
        asked = selection(shop, *names)

        with django_assert_max_num_queries(2):  # type: ignore[operator]
            assert len(counts(asked)) == 12


@pytest.mark.django_db
class TestReadTail:
    def test_has_the_values_of_the_fields_asked_for(self, shop: Project) -> None:
        send(shop, Sent(metadata={"level": 1, "map": "x"}), Sent(metadata={"level": "2"}))

        tail = read_tail(selection(shop, fields=["level"]), now=NOW)

        level = field(shop, "level").pk
        assert sorted((key.field_id, key.kind, key.grain) for key in tail.summaries) == [
            (EVENT_FIELD_ID, "event", "day"),
            (level, "number", "day"),
            (level, "numeric_text", "day"),
            (level, "text", "day"),
        ]
        assert (tail.tail_rows, tail.complete_to) == (2, NOW)

    def test_is_not_read_where_it_is_too_long(
        self, shop: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(shop, Sent(metadata={}), received_at=NOW)
        send(shop, Sent(metadata={}), received_at=NOW + DAY)
        asked = selection(shop)
        monkeypatch.setattr(readings, "TAIL_EVENTS", 1)

        tail = read_tail(asked, now=NOW + 2 * DAY)

        assert (tail.summaries, tail.tail_rows, tail.complete_to) == ({}, 0, NOW)
        assert waiting_in(asked).complete_to(NOW - DAY) == NOW - DAY


@pytest.mark.django_db
class TestFolded:
    def test_comes_by_field(self, shop: Project) -> None:
        for back in range(3):
            moment = NOW - back * DAY
            send(shop, Sent(metadata={"level": back, "map": "x"}, occurred_at=moment))
        rollup.roll_up(seconds=60)

        keys = [key for key, _ in folded(selection(shop, back=2, fields=["level", "map"]))]

        ids = [EVENT_FIELD_ID, *sorted(field(shop, name).pk for name in ("level", "map"))]
        days = [TODAY - 2 * DAY, TODAY - DAY, TODAY]
        assert [(key.field_id, key.local_date) for key in keys] == [
            (field_id, day) for field_id in ids for day in days
        ]

    def test_is_counted_without_its_summaries(self, shop: Project) -> None:
        send(shop, Sent(metadata={"level": 1}), Sent(metadata={"level": None}), *a_day_each(3))
        rollup.roll_up(seconds=60)

        found = folded_counts(selection(shop, back=1, fields=["level"]))

        level = field(shop, "level")
        assert found == {
            CountKey(level.event_type_id, EVENT_FIELD_ID, "event"): 4,
            CountKey(level.event_type_id, level.pk, "number"): 1,
            CountKey(level.event_type_id, level.pk, "null"): 1,
        }


def rows_of_overview(asked: Days) -> int:
    return overview(asked, now=NOW).current.events


def rows_of_trend(asked: Days) -> int:
    return sum(point.events for point in trend(None, asked, "hour", now=NOW).points)


def rows_of_fields(asked: Days) -> int:
    play = asked.project.event_types.get(name="play")
    found = type_statistics(play, asked, now=NOW, fields=[field(asked.project, "level")])
    [level] = found.fields
    assert level.total.filled == found.rows
    return found.rows


def rows_of_coverage(asked: Days) -> int:
    play = asked.project.event_types.get(name="play")
    found = type_coverage(play, asked, now=NOW)
    assert [field.filled for field in found.fields] == [found.rows]
    return found.rows


@pytest.mark.django_db(transaction=True)
class TestReadersDuringFolds:
    @pytest.mark.parametrize(
        "rows", [rows_of_overview, rows_of_trend, rows_of_fields, rows_of_coverage]
    )
    def test_miss_nothing_and_count_nothing_twice(
        self, shop: Project, monkeypatch: pytest.MonkeyPatch, rows: Callable[[Days], int]
    ) -> None:
        monkeypatch.setattr(rollup, "BATCHES_PER_FOLD", 1)
        for number in range(12):
            send(shop, *[Sent(metadata={"level": number})] * 2)
        asked = Days(project=shop, first=TODAY, last=TODAY)
        is_folded = threading.Event()

        def fold() -> set[int]:
            try:
                rollup.roll_up(seconds=60)
            finally:
                is_folded.set()
            return set()

        def read() -> set[int]:
            seen = {rows(asked)}
            while not is_folded.is_set():
                seen.add(rows(asked))
            return seen | {rows(asked)}

        _, seen = at_once([fold, read])

        assert seen == {24}


def events_of(*customers: str) -> EventSummary:
    return EventSummary.of(EventFact(customer=customer) for customer in customers)


class TestEventSums:
    def test_are_those_of_all_rows_however_many(self) -> None:
        sums: EventSums[str] = EventSums()
        for n in range(200):
            sums.add("a", events_of(f"c-{n}", "c-0"))
        sums.add("b", events_of("c-0"))

        assert (sums.of("a").count, sums.of("a").customers.estimate) == (400, 200)
        assert sums.of("b") == events_of("c-0")
        assert sums.of("c") == EventSummary.empty()
        assert sums.places() == ["a", "b"]


class TestCustomersOf:
    def test_are_never_more_than_the_events(self) -> None:
        for count in (0, 1, 600, 3_000):
            events = events_of(*(f"c-{n}" for n in range(count)))

            assert abs(customers_of(events) - count) <= count * events.customers.relative_error
            assert customers_of(events) <= count
