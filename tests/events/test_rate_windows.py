"""Sliding windows in the memory of one process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.rate_limits import read_rate_limits
from events.rates.windows import SLOTS, LocalWindows, Window
from events.types import RateLimit
from tests.threads import at_once


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A request of some events, so many seconds after the one before."""

    after: float
    events: int


tries = st.lists(
    st.builds(
        Try,
        after=st.sampled_from([0.0, 0.001, 0.03, 0.5, 1.0, 9.0]) | st.floats(0, 3),
        events=st.integers(1, 6),
    ),
    min_size=1,
    max_size=120,
)


def taken_by(window: Window, tried: Sequence[Try]) -> Iterator[tuple[float, int]]:
    """Yield the moment and the events of each request that the window takes."""
    now = 0.0
    for each in tried:
        now += each.after
        if window.wait_seconds(each.events, now) == 0:
            window.take(each.events, now)
            yield now, each.events


class TestWindow:
    @settings(deadline=None)
    @given(tried=tries, events=st.integers(6, 20), seconds=st.integers(1, 10))
    def test_never_takes_more_than_its_limit_in_any_stretch(
        self, tried: list[Try], events: int, seconds: int
    ) -> None:
        taken = list(taken_by(Window(RateLimit(events=events, seconds=seconds)), tried))

        for start, _ in taken:
            stretch = [size for at, size in taken if start <= at < start + seconds]
            assert sum(stretch) <= events

    @settings(deadline=None)
    @given(tried=tries, events=st.integers(6, 20), seconds=st.integers(1, 10))
    def test_takes_what_fits_once_the_wait_is_over(
        self, tried: list[Try], events: int, seconds: int
    ) -> None:
        window = Window(RateLimit(events=events, seconds=seconds))
        now = 0.0
        for each in tried:
            now += each.after
            if wait := window.wait_seconds(each.events, now):
                assert wait <= seconds + 1e-6
                now += wait
                assert window.wait_seconds(each.events, now) == pytest.approx(0, abs=1e-6)
            window.take(each.events, now)

    def test_takes_all_of_it_at_once_each_time(self) -> None:
        window = Window(RateLimit(events=100, seconds=30))

        tried = [Try(after=30.0 if each == 0 else 0.0, events=1) for each in range(100)] * 5

        assert len(list(taken_by(window, tried))) == 500

    def test_gives_who_always_sends_his_share_within_a_hundredth(self) -> None:
        window = Window(RateLimit(events=200, seconds=10))

        taken = list(taken_by(window, [Try(after=0.01, events=1)] * 100_000))

        assert 19_800 <= len(taken) <= 20_200

    def test_takes_more_than_its_limit_alone_and_then_nothing_for_as_long_as_that_lasts(
        self,
    ) -> None:
        window = Window(RateLimit(events=100, seconds=1))

        assert list(taken_by(window, [Try(after=0.0, events=1_000)])) == [(0.0, 1_000)]
        assert window.wait_seconds(1, 0.0) == 10.0
        assert window.wait_seconds(1_000, 9.5) == 0.5
        assert window.wait_seconds(1_000, 10.0) == 0.0

    def test_takes_more_than_its_limit_beside_a_steady_flow(self) -> None:
        window = Window(RateLimit(events=100, seconds=1))
        list(taken_by(window, [Try(after=0.02, events=1)] * 200))

        assert window.wait_seconds(1_000, 4.0) == 0.0

    def test_keeps_no_more_than_its_slots(self) -> None:
        window = Window(RateLimit(events=1_000_000, seconds=10))

        list(taken_by(window, [Try(after=0.001, events=1)] * 30_000))

        assert len(window._slots) <= SLOTS + 1


class TestManyWindows:
    def test_take_in_all_or_in_none(self) -> None:
        windows = LocalWindows()
        limits = read_rate_limits("5/s, 7/h")

        assert windows.take("key-1", limits, 5) is None
        assert windows.take("key-1", limits[1:], 1) is None
        assert windows.take("key-1", limits[1:], 2) is not None
        assert windows.take("key-1", limits[1:], 1) is None

    def test_name_the_limit_that_is_full_longest(self) -> None:
        windows = LocalWindows()
        limits = read_rate_limits("5/s, 5/h")
        windows.take("key-1", limits, 5)

        excess = windows.take("key-1", limits, 1)

        assert excess is not None
        assert excess.limit == limits[1]
        assert 3_500 < excess.wait_seconds <= 3_600

    def test_count_each_key_for_itself(self) -> None:
        windows = LocalWindows()
        limits = read_rate_limits("5/h")

        assert windows.take("key-1", limits, 5) is None
        assert windows.take("key-2", limits, 5) is None

    def test_count_the_threads_of_a_process_together(self) -> None:
        windows = LocalWindows()
        limits = read_rate_limits("500/h")

        def send() -> int:
            return sum(windows.take("key-1", limits, 1) is None for _ in range(100))

        assert sum(at_once([send] * 16)) == 500
