"""The laws that every summary keeps, as a mixin for the tests of each."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.sketches import Summary, UnreadableSummaryError

# One law is run by many classes, on purpose; a slow machine breaks no law.
LAW = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
)


class SketchLaws:
    """A subclass names its summary, how a list of values is drawn, and some fixed values."""

    summary: ClassVar[Any]
    values: ClassVar[st.SearchStrategy[list[Any]]]
    example: ClassVar[Sequence[Any]]

    def assert_same(self, found: Summary, expected: Summary) -> None:
        assert found == expected
        assert found.to_bytes() == expected.to_bytes()

    @LAW
    @given(data=st.data())
    def test_is_unchanged_by_the_empty_summary(self, data: st.DataObject) -> None:
        one = self.summary.of(data.draw(self.values))

        self.assert_same(one.merge(self.summary.empty()), one)
        self.assert_same(self.summary.empty().merge(one), one)

    @LAW
    @given(data=st.data())
    def test_does_not_depend_on_the_order_of_values(self, data: st.DataObject) -> None:
        values = data.draw(self.values)

        shuffled = data.draw(st.permutations(values))

        self.assert_same(self.summary.of(shuffled), self.summary.of(values))

    @LAW
    @given(data=st.data())
    def test_does_not_depend_on_the_split_of_values(self, data: st.DataObject) -> None:
        values = data.draw(self.values)
        cuts = data.draw(st.lists(st.integers(0, len(values)), max_size=4))
        borders = [0, *sorted(cuts), len(values)]
        parts = [self.summary.of(values[start:end]) for start, end in pairwise(borders)]

        one_by_one = self.summary.empty()
        for part in parts:
            one_by_one = one_by_one.merge(part)

        self.assert_same(one_by_one, self.summary.of(values))
        self.assert_same(self.summary.merge_all(parts), self.summary.of(values))

    @LAW
    @given(data=st.data())
    def test_merges_in_any_order_and_grouping(self, data: st.DataObject) -> None:
        a, b, c = (self.summary.of(data.draw(self.values)) for _ in range(3))

        self.assert_same(a.merge(b), b.merge(a))
        self.assert_same(a.merge(b).merge(c), a.merge(b.merge(c)))

    @LAW
    @given(data=st.data())
    def test_leaves_what_it_merges_as_it_was(self, data: st.DataObject) -> None:
        a, b = (self.summary.of(data.draw(self.values)) for _ in range(2))
        before = a.to_bytes(), b.to_bytes()

        a.merge(b)

        assert (a.to_bytes(), b.to_bytes()) == before

    @LAW
    @given(data=st.data())
    def test_comes_back_from_its_bytes(self, data: st.DataObject) -> None:
        one = self.summary.of(data.draw(self.values))

        self.assert_same(self.summary.from_bytes(one.to_bytes()), one)

    @LAW
    @given(data=st.data())
    def test_is_the_same_for_reading(self, data: st.DataObject) -> None:
        """Below the caps of what is stored."""
        parts = [self.summary.of(data.draw(self.values)) for _ in range(3)]

        self.assert_same(self.summary.merge_for_reading(parts), self.summary.merge_all(parts))

    def test_tells_other_values_apart(self) -> None:
        assert self.summary.of(self.example) != self.summary.empty()

    def test_is_empty_without_values(self) -> None:
        self.assert_same(self.summary.of([]), self.summary.empty())

    def test_refuses_bytes_of_another_version(self) -> None:
        stored = self.summary.of(self.example).to_bytes()

        with pytest.raises(UnreadableSummaryError, match="reads version 2"):
            self.summary.from_bytes(b"\x63" + stored[1:])

    def test_refuses_bytes_that_break_off(self) -> None:
        stored = self.summary.of(self.example).to_bytes()

        for length in range(len(stored)):
            with pytest.raises(UnreadableSummaryError):
                self.summary.from_bytes(stored[:length])
