"""Laws that statistics obey for any events in any zone, wherever folding stands."""

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import rollup, trend
from analytics.overview import overview
from analytics.readings import Days
from analytics.statistics import TypeStatistics, Values, type_statistics
from analytics.trend import Interval
from events.metadata import number_in
from events.models import Project
from events.types import Json
from tests import make
from tests.analytics.feed import Sent, send
from tests.analytics.recount import Recount
from tests.make import NOW

FIELDS = ("level", "note", "tags")
# A day is not late yet; after two, values have no hour of their own.
DELAYS = {
    "c-1": timedelta(hours=24),
    "c-2": timedelta(hours=24, seconds=1),
    "ç 3": timedelta(hours=72),
}

# Each with the moments at which its clock was put forward and back, in the last two years.
CHANGES: Mapping[str, Sequence[str]] = {
    "Asia/Kathmandu": ["2025-03-30T18:15"],  # never: its midnight
    "Australia/Lord_Howe": ["2025-04-05T15:00", "2025-10-04T15:30"],
    "Europe/Berlin": ["2025-03-30T01:00", "2025-10-26T01:00"],
    "Africa/Cairo": ["2025-04-24T22:00", "2025-10-30T21:00"],
}

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**31), 10**31),
    st.integers(-3, 3),
    st.decimals(-100, 100, places=2),
    st.sampled_from(["", "12", "0012", "1.2.3", "2026-03-02", "é", "ünïcode 🎲", "1" * 300]),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=4),
)
VALUES: st.SearchStrategy[Json] = st.one_of(
    SCALARS,
    st.lists(st.one_of(SCALARS, st.lists(SCALARS, max_size=2)), max_size=4),
    st.dictionaries(st.sampled_from("ab"), SCALARS, max_size=2),
)
METADATA = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3)


@st.composite
def sent_events(draw: st.DrawFn, zone: str) -> Sent:
    """Draw an event within two hours and two days of a change of the zone's clock."""
    change = datetime.fromisoformat(draw(st.sampled_from(CHANGES[zone]))).replace(tzinfo=UTC)
    near = st.integers(-7_200_000, 7_200_000)
    apart = draw(st.one_of(near, near, st.integers(-172_800_000, 172_800_000)))
    return Sent(
        metadata=draw(METADATA),
        event=draw(st.sampled_from(["play", "play", "buy"])),
        customer=draw(st.sampled_from(sorted(DELAYS))),
        occurred_at=change + timedelta(milliseconds=apart),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Events of a zone in the order in which they come; only the first `folded` are folded."""

    zone: str
    events: Sequence[Sent]
    folded: int

    @property
    def played(self) -> Sequence[Sent]:
        return [event for event in self.events if event.event == "play"]

    def date_of(self, event: Sent) -> date:
        return event.occurred_at.astimezone(ZoneInfo(self.zone)).date()


@st.composite
def stories(draw: st.DrawFn) -> Story:
    zone = draw(st.sampled_from(sorted(CHANGES)))
    events = draw(st.lists(sent_events(zone), min_size=1, max_size=20))
    return Story(zone=zone, events=events, folded=draw(st.integers(0, len(events))))


def told(story: Story) -> Project:
    """Send a story's events, some of them just in time, some late and some very late."""
    project = make.project(uuid.uuid4().hex, time_zone=story.zone)
    for name in ("play", "buy"):
        make.event_type(project, name, fields=dict.fromkeys(FIELDS, "auto"))
    for part in (story.events[: story.folded], story.events[story.folded :]):
        rollup.roll_up(seconds=60)
        for event in part:
            send(project, event, received_at=received_at(event))
    return project


def received_at(event: Sent) -> datetime:
    return event.occurred_at + DELAYS[event.customer]


def all_days(project: Project) -> Days:
    return Days(project=project, first=date(2025, 1, 1), last=date(2025, 12, 31))


def all_statistics(project: Project) -> TypeStatistics:
    play = project.event_types.get(name="play")
    fields = list(play.fields.order_by("name"))
    return type_statistics(play, all_days(project), now=NOW, fields=fields)


law = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.django_db
class TestStatistics:
    @law
    @given(story=stories())
    def test_add_up(self, story: Story) -> None:
        found = all_statistics(told(story))

        assert found.rows == len(story.played)
        for summary in found.fields:
            total = summary.total
            assert total.rows == total.missing + total.null + sum(total.types.values())
            assert sum(total.kinds.values()) == sum(total.types.values()) == total.filled
            assert sum(summary.daily.values()) == total.filled
            assert sum(evidence.count for evidence in summary.evidence) == total.filled
            if total.text:
                top = sum(count for _, count in total.text.top(2))
                assert top + total.text.other_after(2) == total.types["text"]
                assert total.kinds["numeric_text"] <= total.types["text"]
            if total.boolean:
                assert total.boolean.true + total.boolean.false == total.types["boolean"]

    @law
    @given(story=stories())
    def test_equal_a_plain_recount(self, story: Story) -> None:
        found = all_statistics(told(story))

        metadata = [event.metadata for event in story.played]
        for summary in found.fields:
            assert_equal(summary.total, Recount.of(metadata, summary.field.name))

    @law
    @given(story=stories())
    def test_are_of_the_local_calendar_date(self, story: Story) -> None:
        found = all_statistics(told(story))

        expected = Counter(map(story.date_of, story.played))
        assert {day: events.count for day, events in found.daily.items()} == expected
        late = Counter(story.date_of(event) for event in story.played if event.customer != "c-1")
        assert +Counter({day: events.late for day, events in found.daily.items()}) == late
        for summary in found.fields:
            filled = Counter(
                story.date_of(event)
                for event in story.played
                if event.metadata.get(summary.field.name) is not None
            )
            assert summary.daily == filled

    @law
    @given(story=stories(), seed=st.integers(0, 100))
    def test_depend_on_neither_order_nor_folding(self, story: Story, seed: int) -> None:
        events = list(story.events)
        random.Random(seed).shuffle(events)
        other = Story(zone=story.zone, events=events, folded=len(events) - story.folded)

        assert comparable(told(story)) == comparable(told(other))


def comparable(project: Project) -> list[object]:
    return [
        (
            summary.field.name,
            summary.total.types,
            [kept.to_bytes() for _, kept in sorted(summary.total.summaries.items())],
            summary.daily,
            summary.evidence,
        )
        for summary in all_statistics(project).fields
    ]


def assert_equal(found: Values, expected: Recount) -> None:
    assert (found.rows, found.missing, found.null, found.types) == (
        expected.rows,
        expected.missing,
        expected.null,
        expected.types,
    )
    numbers = expected.numbers
    if found.number:
        assert found.number.count == len(numbers)
        assert Fraction(found.number.sum) == expected.total
        ends = (min(numbers, default=None), max(numbers, default=None))
        assert (found.number.minimum, found.number.maximum) == ends
    if found.text:
        assert found.text.distinct == len(expected.top)
        assert [count for _, count in found.text.top(20)] == [count for _, count in expected.top]
        read_as_numbers = sum(count for text, count in expected.top if number_in(text) is not None)
        assert found.kinds["numeric_text"] == read_as_numbers
    if found.array:
        lengths = found.array.lengths
        assert lengths.count == len(expected.lengths)
        assert int(lengths.sum) == sum(expected.lengths)


def periods(story: Story, interval: Interval) -> Callable[[Sent], object]:
    def period(event: Sent) -> object:
        day = story.date_of(event)
        match interval:
            case "week":
                return max(date(2025, 1, 1), day - timedelta(days=day.weekday()))
            case "month":
                return day.replace(day=1)
            case _:
                return day

    return period


@pytest.mark.django_db
class TestTrend:
    @law
    @given(story=stories(), interval=st.sampled_from(["day", "week", "month"]))
    def test_has_each_event_in_its_period(self, story: Story, interval: Interval) -> None:
        project = told(story)

        points = trend.trend(None, all_days(project), interval, now=NOW).points

        found = {point.at.date(): point.events for point in points if point.events}
        assert found == Counter(map(periods(story, interval), story.events))
        for point in points:
            assert (point.at.hour, point.at.minute) in {(0, 0), (1, 0)}  # Cairo skips midnights
            assert point.customers <= min(3, point.events)

    @law
    @given(story=stories())
    def test_by_the_hour_has_each_event_between_two_starts(self, story: Story) -> None:
        project = told(story)
        days = sorted(map(story.date_of, story.events))
        play = project.event_types.get(name="play")

        for first, last in stretches(days):
            asked = Days(project=project, first=first, last=last)
            points = trend.trend(play, asked, "hour", now=NOW).points

            of_these = [e.occurred_at for e in story.played if first <= story.date_of(e) <= last]
            ends = [point.at for point in points[1:]] + [datetime.max.replace(tzinfo=UTC)]
            counted = [
                sum(point.at <= moment < end for moment in of_these)
                for point, end in zip(points, ends, strict=True)
            ]
            assert [point.events for point in points] == counted
            assert sum(counted) == len(of_these)

    @law
    @given(story=stories())
    def test_agrees_with_overview_and_statistics(self, story: Story) -> None:
        project = told(story)
        play = project.event_types.get(name="play")

        found = overview(all_days(project), now=NOW)

        rows = all_statistics(project).rows
        [line] = [line for line in found.event_types if line.event_type == play]
        points = trend.trend(play, all_days(project), "day", now=NOW).points
        assert rows == line.current.events == sum(point.events for point in points)
        assert line.current.customers == len({event.customer for event in story.played})
        assert found.current.customers == len({event.customer for event in story.events})
        assert found.current.events == len(story.events)


def stretches(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Yield the first and the last day of each stretch of days that lie close together."""
    first = last = days[0]
    for day in days[1:]:
        if (day - last).days > 7:
            yield first, last
            first = day
        last = day
    yield first, last
