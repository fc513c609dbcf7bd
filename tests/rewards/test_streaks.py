"""Runs of active periods, against a set of days counted by hand, in every kind of time zone."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.decide import Decision, Facts, Ruleset, decide
from rewards.rules import Milestone
from rewards.streaks import (
    Run,
    Runs,
    current,
    current_on,
    longest,
    milestones_crossed,
    runs_from_json,
    runs_to_json,
    union,
    with_active,
)
from rewards.windows import Period, Window, local_date, period_index, period_start, window_start
from tests.rewards.definitions import definition, facts_after, limit, occurrence, rule, streak

pytestmark = pytest.mark.once

law = settings(deadline=None)
days = st.integers(min_value=0, max_value=25)
arrivals = st.lists(days, max_size=40)
milestone_sets = st.sets(st.integers(min_value=1, max_value=12), max_size=4).map(
    lambda ats: tuple(Milestone(at=at, points=at * 10) for at in sorted(ats))
)


def runs_of(*active: int) -> Runs:
    runs: Runs = ()
    for index in active:
        runs = with_active(runs, index)
    return runs


def paid(arrived: list[int], milestones: tuple[Milestone, ...]) -> list[int]:
    """Return the milestones paid, in the order in which they were."""
    runs: Runs = ()
    crossed: list[int] = []
    for index in arrived:
        after = with_active(runs, index)
        crossed += [one.at for one in milestones_crossed(runs, after, index, milestones)]
        runs = after
    return crossed


def reach(active: set[int], start: int, step: int) -> int:
    """Return how many active days follow one another from a day on, in one direction."""
    length = 0
    while start + length * step in active:
        length += 1
    return length


def paid_by_hand(arrived: list[int], milestones: tuple[Milestone, ...]) -> list[int]:
    active: set[int] = set()
    crossed: list[int] = []
    for index in arrived:
        if index in active:
            continue
        left, right = reach(active, index - 1, -1), reach(active, index + 1, 1)
        active.add(index)
        crossed += [one.at for one in milestones if max(left, right) < one.at <= left + 1 + right]
    return crossed


class TestRuns:
    @pytest.mark.parametrize(
        ("active", "pairs"),
        [
            pytest.param([], [], id="no day is no run"),
            pytest.param([5], [[5, 5]], id="one day is a run of one"),
            pytest.param([5, 6], [[5, 6]], id="the next day joins"),
            pytest.param([6, 5], [[5, 6]], id="the day before joins"),
            pytest.param([5, 7], [[5, 5], [7, 7]], id="a gap parts"),
            pytest.param([5, 7, 6], [[5, 7]], id="the day between joins both"),
            pytest.param([5, 5], [[5, 5]], id="a day counts once"),
        ],
    )
    def test_hold_the_active_days(self, active: list[int], pairs: list[list[int]]) -> None:
        assert runs_to_json(runs_of(*active)) == pairs

    @law
    @given(arrivals, st.randoms(use_true_random=False))
    def test_are_the_same_in_any_order_and_with_duplicates(self, arrived, random) -> None:  # type: ignore[no-untyped-def]
        shuffled = [*arrived, *arrived[: len(arrived) // 2]]
        random.shuffle(shuffled)
        assert runs_of(*shuffled) == runs_of(*arrived)

    @law
    @given(arrivals)
    def test_are_the_days_of_the_set(self, arrived: list[int]) -> None:
        runs, active = runs_of(*arrived), set(arrived)
        held = [day for run in runs for day in range(run.first, run.last + 1)]
        assert held == sorted(active)
        assert all(one.last + 1 < following.first for one, following in pairwise(runs))
        assert current(runs) == (reach(active, max(active), -1) if active else 0)
        assert longest(runs) == max((reach(active, day, 1) for day in active), default=0)

    @law
    @given(arrivals, days)
    def test_are_never_lowered_by_an_active_day(self, arrived: list[int], late: int) -> None:
        before = runs_of(*arrived)
        after = with_active(before, late)
        assert longest(after) >= longest(before)
        if arrived and late <= max(arrived):
            assert current(after) >= current(before)

    @law
    @given(arrivals)
    def test_survive_json(self, arrived: list[int]) -> None:
        runs = runs_of(*arrived)
        assert runs_from_json(runs_to_json(runs)) == runs

    @pytest.mark.parametrize(
        ("today", "length"),
        [
            pytest.param(7, 3, id="today is active"),
            pytest.param(8, 3, id="today may still become active"),
            pytest.param(9, 0, id="yesterday was missed"),
        ],
    )
    def test_are_current_until_a_whole_period_is_missed(self, today: int, length: int) -> None:
        assert current_on((Run(first=5, last=7),), today) == length

    def test_are_not_current_where_there_is_none(self) -> None:
        assert current_on((), 5) == 0


class TestUnion:
    """Of the runs of several customers who are one person."""

    @law
    @given(arrivals, arrivals)
    def test_is_what_the_days_of_all_give(self, ours: list[int], theirs: list[int]) -> None:
        assert union(runs_of(*ours), runs_of(*theirs)) == runs_of(*ours, *theirs)

    @law
    @given(arrivals, arrivals, arrivals)
    def test_is_the_same_in_any_order(
        self, ours: list[int], theirs: list[int], others: list[int]
    ) -> None:
        a, b, c = runs_of(*ours), runs_of(*theirs), runs_of(*others)
        assert union(a, b) == union(b, a)
        assert union(union(a, b), c) == union(a, union(b, c)) == union(c, a, b)

    @law
    @given(arrivals, arrivals)
    def test_adds_nothing_twice(self, ours: list[int], theirs: list[int]) -> None:
        a, both = runs_of(*ours), union(runs_of(*ours), runs_of(*theirs))
        assert union(a, a) == union(a) == union(a, ()) == a
        assert union(both, a) == both


class TestMilestones:
    @pytest.mark.parametrize(
        ("arrived", "expected"),
        [
            pytest.param([1, 2], [], id="two days reach nothing"),
            pytest.param([1, 2, 3], [3], id="the third day pays"),
            pytest.param([1, 2, 3, 3, 3], [3], id="a day again pays nothing"),
            pytest.param([1, 2, 3, 4, 5], [3], id="a run pays a milestone once"),
            pytest.param([3, 1, 2], [3], id="days may come in any order"),
            pytest.param([1, 2, 3, 5, 6, 7], [3, 3], id="a second run pays again"),
            pytest.param(
                [1, 2, 3, 5, 6, 7, 4], [3, 3, 7], id="a late day joins two paid runs to a longer"
            ),
            pytest.param([1, 2, 4, 5, 3], [3], id="a late day joins two unpaid runs"),
            pytest.param([1, 2, 3, 5, 6, 4, 7], [3, 7], id="a paid run takes a short one in"),
        ],
    )
    def test_of_three_and_seven_are_paid(self, arrived: list[int], expected: list[int]) -> None:
        milestones = (Milestone(at=3, points=30), Milestone(at=7, points=70))
        assert paid(arrived, milestones) == expected

    def test_can_be_crossed_two_at_once(self) -> None:
        milestones = (Milestone(at=2, points=1), Milestone(at=3, points=1))
        assert paid([1, 3, 2], milestones) == [2, 3]

    @law
    @given(arrivals, milestone_sets)
    def test_are_paid_as_counted_by_hand(
        self, arrived: list[int], milestones: tuple[Milestone, ...]
    ) -> None:
        assert paid(arrived, milestones) == paid_by_hand(arrived, milestones)


class TestWindows:
    @pytest.mark.parametrize(
        ("window", "start"),
        [
            ("day", date(2026, 3, 1)),
            ("week", date(2026, 2, 23)),
            ("month", date(2026, 3, 1)),
            ("lifetime", date(1970, 1, 1)),
        ],
    )
    def test_start_on_the_first_local_day(self, window: Window, start: date) -> None:
        sunday = date(2026, 3, 1)
        assert window_start(sunday, window) == start

    @pytest.mark.parametrize("period", ["day", "week", "month"])
    def test_are_numbered_without_a_gap(self, period: Period) -> None:
        index = period_index(date(1999, 12, 31), period)
        starts = [period_start(number, period) for number in range(index, index + 200)]
        for start, following in pairwise(starts):
            last_day = following - timedelta(days=1)
            assert period_index(last_day, period) == period_index(start, period)
            assert period_index(following, period) == period_index(start, period) + 1

    def test_begin_weeks_on_monday(self) -> None:
        assert period_start(period_index(date(2026, 3, 4), "week"), "week").isoweekday() == 1

    def test_take_the_date_on_the_wall(self) -> None:
        moment = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)
        assert local_date(moment, ZoneInfo("Asia/Kathmandu")) == date(2026, 3, 5)


ZONES = (
    "Asia/Kathmandu",  # 5:45 ahead, no change
    "Australia/Lord_Howe",  # changes by half an hour
    "Europe/Berlin",
    "Africa/Cairo",  # changes at midnight: no 00:30 on that day
    "America/New_York",
    "Pacific/Apia",  # 13 hours ahead
    "America/Sao_Paulo",  # changed at midnight, until 2019
    "Africa/Casablanca",  # goes back for Ramadan
    "America/Nuuk",  # changes on the evening before
    "Asia/Beirut",
)
SPAN_DAYS = 9
HOURS = (time(0, 0), time(0, 30), time(2, 30), time(12, 0), time(23, 30), time(23, 59, 59))


def changes(zone: ZoneInfo) -> list[date]:
    """Return each date from 2020 to 2030 whose noon has another offset than the noon before."""
    start = datetime(2020, 1, 1, 12, tzinfo=zone)
    noons = [start + timedelta(days=number) for number in range(11 * 366)]
    return [
        noon.date() for before, noon in pairwise(noons) if before.utcoffset() != noon.utcoffset()
    ]


def moment_on(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return that time on that local day in UTC; noon where the wall shows no such time."""
    moment = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).date() == day:
        return moment
    return datetime.combine(day, time(12), tzinfo=zone).astimezone(UTC)


class TestDaylightSaving:
    RULESET = Ruleset.of(
        [rule(1, definition(limits=[limit("customer times day", 1)]))],
        [streak(1, [(SPAN_DAYS, 100)])],
    )

    @pytest.mark.parametrize("name", ZONES)
    def test_gives_n_for_one_event_on_each_of_n_local_days(self, name: str) -> None:
        zone = ZoneInfo(name)
        for change in [*changes(zone), date(2024, 2, 28)]:
            first = change - timedelta(days=SPAN_DAYS // 2)
            moments = [
                moment_on(first + timedelta(days=number), HOURS[number % len(HOURS)], zone)
                for number in range(SPAN_DAYS)
            ]
            self.assert_counted_once_each(moments, zone)
            self.assert_counted_once_each(moments[::-1], zone)

    def assert_counted_once_each(self, moments: list[datetime], zone: ZoneInfo) -> None:
        facts, last = Facts(), Decision(awards=(), streaks=())
        awarded = 0
        for moment in moments:
            last = decide(occurrence(at=moment, zone=zone), facts, self.RULESET)
            facts = facts_after(facts, last)
            awarded += sum(award.points > 0 for award in last.awards)
        (due,) = last.streaks
        counted = (awarded, due.current, due.longest, due.points)
        assert counted == (SPAN_DAYS, SPAN_DAYS, SPAN_DAYS, 100), moments

    def test_is_tried_on_real_changes(self) -> None:
        found = {name: len(changes(ZoneInfo(name))) for name in ZONES}
        assert found["Europe/Berlin"] == found["Australia/Lord_Howe"] == 22
        assert found["Asia/Kathmandu"] == 0
        assert found["Africa/Cairo"] > 10
