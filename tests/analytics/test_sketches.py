"""Summaries keep their laws, and their figures keep within the errors that they state."""

import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.sketches import (
    DISTINCT_ERROR,
    EXACT_TEXTS,
    SUMMARIES,
    VALUES_CAP,
    ArraySummary,
    BooleanSummary,
    CountSummary,
    DistinctSummary,
    EventFact,
    EventSummary,
    TextSummary,
    element_text,
    value_key,
)
from analytics.sketches import texts as texts_module
from analytics.sketches.distinct import STANDARD_ERROR
from events.metadata import Kind
from events.types import DiscardReason
from tests.analytics.sketch_laws import LAW, SketchLaws

pytestmark = pytest.mark.once

texts = st.text(max_size=6) | st.sampled_from(["a", "b", "x" * 300, "x" * 299 + "y"])
elements = st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "b", Decimal("1.50")])


# Lists on either side of the bound up to which a distinct count is exact.
crowds = st.builds(
    lambda first, count: [f"t{place}" for place in range(first, first + count)],
    st.integers(0, 300),
    st.integers(EXACT_TEXTS - 200, EXACT_TEXTS + 100),
)


class TestDistinctSummary(SketchLaws):
    summary = DistinctSummary
    values = st.lists(texts) | crowds
    example = ("a", "b")

    @pytest.mark.parametrize("count", [0, 1, EXACT_TEXTS])
    def test_is_exact_while_texts_are_few(self, count: int) -> None:
        one = DistinctSummary.of(map(str, range(count)))

        assert (one.is_exact, one.relative_error, one.estimate) == (True, 0, count)

    def test_says_how_far_it_may_be_off_beyond(self) -> None:
        one = DistinctSummary.of(map(str, range(EXACT_TEXTS + 1)))

        assert (one.is_exact, one.relative_error) == (False, DISTINCT_ERROR)
        assert one.estimate > EXACT_TEXTS

    def test_forgets_texts_by_their_number_alone(self) -> None:
        """A part that holds no new text tips nothing over."""
        full = DistinctSummary.of(map(str, range(EXACT_TEXTS)))

        assert full.merge(full).is_exact
        assert not full.merge(DistinctSummary.of(["new"])).is_exact

    @pytest.mark.parametrize("count", [0, 1, 10, 1_000, 5_000, 11_000, 20_000, 100_000])
    @pytest.mark.parametrize("seed", ["a", "b", "c"])
    def test_estimates_within_three_standard_errors(self, count: int, seed: str) -> None:
        estimate = DistinctSummary.of(f"{seed}-{place}" for place in range(count)).estimate

        assert abs(estimate - count) <= 3 * STANDARD_ERROR * count

    def test_counts_a_text_once_however_often_it_comes(self) -> None:
        assert DistinctSummary.of(["", "a", "a", "ä"] * 100).estimate == 3

    @pytest.mark.parametrize("count", [100, 1_000, 2_000, 50_000])
    def test_comes_back_from_its_bytes_dense_or_sparse(self, count: int) -> None:
        one = DistinctSummary.of(map(str, range(count)))

        stored = one.to_bytes()

        self.assert_same(DistinctSummary.from_bytes(stored), one)
        assert len(stored) <= 4_096 + 9

    def test_keeps_its_bytes_from_release_to_release(self) -> None:
        stored = DistinctSummary.of(["alice", "bob", "日本"]).to_bytes()

        assert stored.hex() == "0293c4184deaec0cce54da8974f32b2bb966a492e83335cfe1549b3ac400c400"


class TestTextSummary(SketchLaws):
    summary = TextSummary
    values = st.lists(texts)
    example = ("a", "b", "a")

    def test_keeps_its_bytes_from_release_to_release(self) -> None:
        stored = TextSummary.of(["b", "a", "b"]).to_bytes()

        assert stored == b"\x02\x97\x82\xa1a\x01\xa1b\x02\x00\x00\x00\xc0\x00\x00"

    def test_is_exact_up_to_the_cap(self) -> None:
        one = TextSummary.of([str(place) for place in range(VALUES_CAP)] + ["7"])

        assert not one.is_capped
        assert (one.total, one.distinct, one.distinct_error) == (VALUES_CAP + 1, VALUES_CAP, 0)
        assert (one.count_error, one.top(1)) == (0, [("7", 2)])

    def test_lists_the_most_frequent_then_the_lowest_code_point(self) -> None:
        one = TextSummary.of(["b", "é", "a", "Z", "b"])

        assert one.top(3) == [("b", 2), ("Z", 1), ("a", 1)]
        assert one.other_after(3) == 1
        assert one.top(99) == [("b", 2), ("Z", 1), ("a", 1), ("é", 1)]
        assert one.other_after(99) == 0

    def test_counts_long_texts_under_a_short_key(self) -> None:
        whole, long, other = "x" * 256, "x" * 257, "x" * 256 + "y"

        one = TextSummary.of([whole, long, long, other])

        assert one.top(3) == [
            (value_key(long), 2),
            *sorted([(whole, 1), (value_key(other), 1)]),
        ]
        assert value_key(long).startswith("x" * 200 + "…")
        assert len(value_key(long)) == 217

    def test_keeps_the_exact_top_where_one_part_is_capped_at_once(self) -> None:
        values = _skewed(seed=1)
        exact = Counter(values)

        one = TextSummary.of(values)

        assert one.is_capped
        assert dict(one.counts).items() <= exact.items()
        assert one.top(20) == sorted(exact.items(), key=lambda item: (-item[1], item[0]))[:20]
        assert one.count_error == 0
        _assert_capped_laws(one, values)

    @LAW
    @given(seed=st.integers(0, 10**6), parts=st.integers(1, 12))
    def test_states_how_far_counts_are_off_once_capped(self, seed: int, parts: int) -> None:
        values = _skewed(seed=seed)
        split = [TextSummary.of(values[part::parts]) for part in range(parts)]

        one_by_one = reduce(TextSummary.merge, split)
        at_once = TextSummary.merge_all(split)

        _assert_capped_laws(one_by_one, values)
        _assert_capped_laws(at_once, values)
        self.assert_same(reduce(TextSummary.merge, split, TextSummary.empty()), one_by_one)
        self.assert_same(TextSummary.from_bytes(one_by_one.to_bytes()), one_by_one)
        self.assert_same(TextSummary.merge_all(reversed(split)), at_once)

    def test_is_capped_by_parts_that_are_exact(self) -> None:
        left = TextSummary.of([f"l{place}" for place in range(600)] + ["both"] * 3)
        right = TextSummary.of([f"r{place}" for place in range(600)] + ["both"] * 4)

        one = left.merge(right)

        assert one.top(1) == [("both", 7)]
        assert (one.total, len(one.counts), one.other) == (1_207, VALUES_CAP, 201)
        assert (one.kept_error, one.dropped_error) == (0, 1)
        assert abs(one.distinct - 1_201) <= one.distinct_error * 1_201

    def test_carries_its_errors_into_every_merge(self) -> None:
        kept = {f"v{place}": 10 for place in range(VALUES_CAP)}
        seen = DistinctSummary.of([*kept, "lost"])
        capped = TextSummary(counts=kept, other=20, kept_error=5, dropped_error=8, seen=seen)

        known = capped.merge(TextSummary.of(["v1"]))
        new = capped.merge(TextSummary.of(["new"]))
        twice = capped.merge(capped)

        assert (known.kept_error, known.dropped_error, known.other) == (5, 8, 20)
        assert (new.kept_error, new.dropped_error, new.other) == (5, 9, 21)
        assert (twice.kept_error, twice.dropped_error, twice.other) == (10, 16, 40)

    def test_counts_dates_and_versions(self) -> None:
        some = ["2026-03-02", "2026-03-02", "2.10.0", "1.5", "cave", "x" * 300]

        one = TextSummary.of(some).merge(TextSummary.of(["v1.2"]))

        assert (one.dates, one.versions) == (2, 2)

    def test_counts_dates_and_versions_beyond_its_cap(self) -> None:
        parts = [
            TextSummary.of([f"{major}.{place}.0" for place in range(900)] + ["2026-03-02"])
            for major in range(4)
        ]

        for one in (reduce(TextSummary.merge, parts), TextSummary.merge_all(parts)):
            assert one.is_capped
            assert (one.dates, one.versions) == (4, 3_600)

    def test_is_exact_for_reading_where_no_part_is_capped(self) -> None:
        days = [[f"order {day} {place}" for place in range(900)] + ["gift"] for day in range(5)]

        one = TextSummary.merge_for_reading(map(TextSummary.of, days))

        assert not one.is_capped
        assert (one.distinct, one.distinct_error, one.count_error) == (4_501, 0, 0)
        assert one.top(1) == [("gift", 5)]

    def test_tells_more_for_reading_where_parts_are_capped(self) -> None:
        parts = [_skewed(seed=1), _skewed(seed=2)]
        values = parts[0] + parts[1]

        one = TextSummary.merge_for_reading(map(TextSummary.of, parts))

        assert len(one.counts) > VALUES_CAP
        _assert_bounds(one, values)

    def test_is_capped_for_reading_where_values_are_too_many(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(texts_module, "READING_CAP", 1_500)
        days = [[f"order {day} {place}" for place in range(900)] for day in range(3)]

        one = TextSummary.merge_for_reading(map(TextSummary.of, days))

        assert one.is_capped
        assert (one.total, len(one.counts), one.other) == (2_700, 1_500, 1_200)
        _assert_bounds(one, [value for day in days for value in day])

    def test_takes_counts_that_were_made_elsewhere(self) -> None:
        assert TextSummary.of_counts({"a": 2, "b": 1}) == TextSummary.of(["a", "b", "a"])


class TestBooleanSummary(SketchLaws):
    summary = BooleanSummary
    values = st.lists(st.booleans())
    example = (True, False, True)

    def test_counts_both(self) -> None:
        one = BooleanSummary.of(self.example)

        assert (one.true, one.false, one.count) == (2, 1, 3)


class TestCountSummary(SketchLaws):
    summary = CountSummary
    values = st.lists(st.none())
    example = (None, None)

    def test_counts(self) -> None:
        assert CountSummary.of(self.example).count == 2


class TestArraySummary(SketchLaws):
    summary = ArraySummary
    values = st.lists(st.lists(elements, max_size=5))
    example = (["a", "a", "b"], [], [1, Decimal("1.0"), None])

    def test_counts_occurrences_and_rows_apart(self) -> None:
        one = ArraySummary.of(self.example)

        assert one.elements.top(9) == [("1", 2), ("a", 2), ("b", 1), ("null", 1)]
        assert one.rows.top(9) == [("1", 1), ("a", 1), ("b", 1), ("null", 1)]
        assert (one.count, one.elements.total, one.rows.total) == (3, 6, 4)

    @pytest.mark.parametrize(
        ("element", "text"),
        [
            ("a b", "a b"),
            (True, "true"),
            (None, "null"),
            (100, "100"),
            (Decimal("1.50"), "1.5"),
            (Decimal("1e2"), "100"),
            (Decimal("-0.0"), "0"),
            (Decimal("1e300"), "1E+300"),
            ({"b": [1, "x"], "a": None}, '{"a":null,"b":[1,"x"]}'),
            (["é"], '["é"]'),
        ],
    )
    def test_counts_an_element_under_its_text(self, element: Any, text: str) -> None:
        assert element_text(element) == text


class TestEventSummary(SketchLaws):
    summary = EventSummary
    values = st.lists(
        st.builds(
            EventFact,
            customer=texts,
            points_awarded=st.integers(0, 10**9),
            points_total=st.integers(0, 10**9),
            other_fields=st.integers(0, 64),
            is_late=st.booleans(),
        )
    )
    example = (
        EventFact(customer="alice", points_awarded=10, points_total=60),
        EventFact(customer="alice", other_fields=3, is_late=True),
        EventFact(customer="bob"),
    )

    def test_counts_events_customers_and_points(self) -> None:
        one = EventSummary.of(self.example)

        assert (one.count, one.customers.estimate, one.other_fields) == (3, 2, 3)
        assert (one.points_awarded, one.points_total, one.late) == (10, 60, 1)


class TestSummaries:
    def test_are_registered_for_every_kind_that_is_rolled_up(self) -> None:
        assert set(SUMMARIES) == {*get_args(Kind), "numeric_text", "event", *DiscardReason}

    @pytest.mark.parametrize("kind", SUMMARIES)
    def test_come_back_empty_from_their_bytes(self, kind: str) -> None:
        summary = SUMMARIES[kind]

        assert summary.from_bytes(summary.empty().to_bytes()) == summary.empty()


def _skewed(*, seed: int) -> list[str]:
    source = random.Random(seed)
    return [f"v{int(source.paretovariate(0.25)) % 100_000}" for _ in range(6_000)]


def _assert_capped_laws(one: TextSummary, values: Sequence[str]) -> None:
    assert len(one.counts) == VALUES_CAP
    _assert_bounds(one, values)


def _assert_bounds(one: TextSummary, values: Sequence[str]) -> None:
    exact = Counter(values)
    assert one.is_capped
    assert one.total == len(values)
    assert one.seen == DistinctSummary.of(values)
    assert abs(one.distinct - len(exact)) <= one.distinct_error * len(exact)
    assert 0 <= one.kept_error <= one.dropped_error <= one.other
    for value, count in exact.items():
        if value in one.counts:
            assert one.counts[value] <= count <= one.counts[value] + one.kept_error
        else:
            assert count <= one.dropped_error
