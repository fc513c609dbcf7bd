"""Tests of the small pictures in tables."""

import re

from hypothesis import given
from hypothesis import strategies as st

from analytics import sparks


def numbers(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", path)]


class TestLine:
    def test_goes_from_left_to_right_over_zero(self) -> None:
        assert sparks.line([0, 5, 10], label="").path == "M0 22L50 12L100 2"

    def test_of_one_value_is_level(self) -> None:
        assert sparks.line([7], label="").path == "M0 2L100 2"

    def test_of_nothing_is_empty(self) -> None:
        assert sparks.line([], label="").path == ""

    @given(st.lists(st.integers(0, 10**12), min_size=1, max_size=1_000))
    def test_stays_within_its_field(self, values: list[int]) -> None:
        drawn = numbers(sparks.line(values, label="").path)

        assert len(drawn) <= 2 * max(2, sparks.MOST_POINTS)
        assert all(0 <= x <= sparks.WIDTH for x in drawn[::2])
        assert all(0 <= y <= sparks.HEIGHT for y in drawn[1::2])


class TestBars:
    def test_are_as_high_as_their_counts(self) -> None:
        assert sparks.bars([1, 2], label="").path == "M0 24V12H42.5V24ZM50 24V0H92.5V24Z"

    def test_leave_out_nothing_that_there_is(self) -> None:
        path = sparks.bars([0, 1, 1_000_000], label="").path

        assert path.count("M") == 2
        assert "V23H" in path


class TestShare:
    def test_is_filled_as_far_as_the_part_goes(self) -> None:
        assert sparks.share(1, 4, label="").path == "M0 7H25V17H0Z"

    def test_of_nothing_is_empty(self) -> None:
        assert sparks.share(0, 0, label="").path == ""
