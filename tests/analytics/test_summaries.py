"""Raw events become rows: the same however they come, and as counted plainly."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import cells, summaries
from analytics.periods import Calendar, Period
from analytics.sketches import SUMMARIES, EventFact, EventSummary, NumberSummary, Summary
from analytics.summaries import EVENT_FIELD_ID, RawEvent, RowKey, Summariser
from events.metadata import kind_of, number_in
from events.types import DiscardReason, Json
from tests.analytics.sketch_laws import LAW
from tests.make import NOW

pytestmark = pytest.mark.once

BERLIN = ZoneInfo("Europe/Berlin")
FIELD_IDS = {7: {"a": 1, "b": 2, "c": 3}, 8: {"a": 4}}
NAMES = ("a", "b", "c", "unknown")

# Equal values of different kinds, equal numbers of different forms, texts of every length.
values: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, True, False, 0, 1, Decimal("1.0"), Decimal("-0"), Decimal("1e2"), 100]),
    st.sampled_from(
        ["1", "1.0", "100", "1e2", "0012", "-5", "", "x" * 300, "1" * 300, "x" * 1_001]
    ),
    st.integers(-(10**31), 10**31),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-99, max_value=99),
    st.lists(st.sampled_from([1, "a", None, Decimal("1.0")]), max_size=3),
    st.just({"x": 1}),
)
events = st.lists(
    st.builds(
        lambda metadata, type_id, customer, hours_ago, delay, discarded: RawEvent(
            event_type_id=type_id,
            customer_id=customer,
            occurred_at=NOW - timedelta(hours=hours_ago),
            received_at=NOW - timedelta(hours=hours_ago) + timedelta(hours=delay),
            points_awarded=customer,
            points_total=2 * customer,
            metadata=metadata,
            characters=100,
            discarded=discarded,
        ),
        st.dictionaries(st.sampled_from(NAMES), values),
        st.sampled_from([7, 8]),
        st.integers(1, 9),
        st.integers(0, 60),
        st.sampled_from([0, 23, 25, 47, 49]),
        st.sampled_from(["", "", "", *DiscardReason]),
    ),
    max_size=30,
)


def rows_of(given_events: Sequence[RawEvent]) -> dict[RowKey, Summary]:
    summariser = Summariser(Calendar(BERLIN), FIELD_IDS)
    summariser.add(given_events)
    return summariser.rows()


def plain_rows_of(given_events: Sequence[RawEvent]) -> dict[RowKey, Summary]:
    """Sort every value into a list of its row, and summarise the lists."""
    calendar = Calendar(BERLIN)
    held: dict[RowKey, list[Any]] = defaultdict(list)
    for event in given_events:
        place = calendar.place_of(event.occurred_at)
        delay = event.received_at - event.occurred_at
        if event.discarded:
            held[_row_key(event, "day", place.day, EVENT_FIELD_ID, event.discarded)].append(None)
            continue
        for grain, period in (("hour", place.hour), ("day", place.day)):
            row = partial(_row_key, event, grain, period)
            held[row(EVENT_FIELD_ID, "event")].append(_fact(event, delay))
            if grain == "day" or delay <= timedelta(hours=summaries.RECENT_HOURS):
                for field_id, value in _known_values(event):
                    held[row(field_id, kind_of(value))].append(value)
                    if isinstance(value, str) and (number := number_in(value)) is not None:
                        held[row(field_id, "numeric_text")].append(number)
    return {key: _summary(key.kind, found) for key, found in held.items()}


def _row_key(event: RawEvent, grain: str, period: Period, field_id: int, kind: str) -> RowKey:
    place = (grain, period.starts_at, kind, period.local_date)
    return RowKey(event.event_type_id, field_id, *place)


def _known_values(event: RawEvent) -> Iterator[tuple[int, Json]]:
    ids = FIELD_IDS[event.event_type_id]
    return ((ids[name], value) for name, value in event.metadata.items() if name in ids)


def _summary(kind: str, found: list[Any]) -> Summary:
    made: Summary = SUMMARIES[kind].of(found)  # type: ignore[attr-defined]  # all of them have it
    return made


def _fact(event: RawEvent, delay: timedelta) -> EventFact:
    return EventFact(
        customer=str(event.customer_id),
        points_awarded=event.points_awarded,
        points_total=event.points_total,
        other_fields=len(event.metadata.keys() - FIELD_IDS[event.event_type_id].keys()),
        is_late=timedelta(hours=summaries.LATE_HOURS)
        < delay
        <= timedelta(days=summaries.HISTORY_DAYS),
    )


class TestSummariser:
    @LAW
    @given(given_events=events)
    def test_makes_the_rows_of_a_plain_count(self, given_events: list[RawEvent]) -> None:
        assert rows_of(given_events) == plain_rows_of(given_events)

    @LAW
    @given(given_events=events, data=st.data())
    def test_does_not_depend_on_the_order_of_events(
        self, given_events: list[RawEvent], data: st.DataObject
    ) -> None:
        shuffled = data.draw(st.permutations(given_events))

        assert rows_of(shuffled) == rows_of(given_events)

    def test_makes_the_same_rows_however_little_it_holds_back(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        numbers: list[Json] = [*range(400), *(Decimal(n) / 8 for n in range(400)), "7", True]
        some = [_event({"a": number, "b": [number]}) for number in numbers * 2]
        expected = rows_of(some)

        monkeypatch.setattr(summaries, "_HELD_CHARACTERS", 1_000)
        monkeypatch.setattr(cells, "_HELD_NUMBERS", 30)

        assert rows_of(some) == expected

    def test_gives_the_same_rows_again(self) -> None:
        summariser = Summariser(Calendar(BERLIN), FIELD_IDS)
        summariser.add([_event({"a": 1, "b": "x"}), _event({"a": True, "c": None})])

        assert summariser.rows() == summariser.rows()

    def test_leaves_out_fields_that_are_not_asked_for(self) -> None:
        summariser = Summariser(Calendar(BERLIN), {7: {"a": None, "b": 2}})
        summariser.add([_event({"a": 1, "b": 5, "c": 2})])

        found = {(key.field_id, key.kind): one for key, one in summariser.rows().items()}

        assert found.keys() == {(EVENT_FIELD_ID, "event"), (2, "number")}
        assert found[2, "number"] == NumberSummary.of([5])
        events_row = found[EVENT_FIELD_ID, "event"]
        assert isinstance(events_row, EventSummary)
        assert events_row.other_fields == 1


def _event(metadata: dict[str, Json], occurred_at: datetime = NOW) -> RawEvent:
    return RawEvent(
        event_type_id=7,
        customer_id=1,
        occurred_at=occurred_at,
        received_at=occurred_at,
        points_awarded=0,
        points_total=0,
        metadata=metadata,
        characters=100,
    )
