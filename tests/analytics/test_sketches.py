"""Summaries keep their laws, and their figures keep within the errors that they state."""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Any, get_args

import numpy as np
import pytest
from ddsketch import DDSketch
from hypothesis import given
from hypothesis import strategies as st

from analytics.sketches import (
    RELATIVE_ERROR,
    SUMMARIES,
    VALUES_CAP,
    ArraySummary,
    Bin,
    BooleanSummary,
    CountSummary,
    DistinctSummary,
    EventFact,
    EventSummary,
    LogHistogram,
    NumberSummary,
    Scale,
    TextSummary,
    element_text,
    value_key,
)
from analytics.sketches.distinct import STANDARD_ERROR
from analytics.sketches.histogram import BOUNDARIES
from events.metadata import Kind
from tests.analytics.sketch_laws import LAW, SketchLaws

pytestmark = pytest.mark.once

SIZE = 5_001
PERCENTS = (0, 0.1, 1, 5, 25, 50, 75, 90, 95, 99, 99.9, 100)
SCALES: tuple[Scale, ...] = get_args(Scale)

# Integers and Decimals of every size, those on either side of the bounds among them.
numbers = st.one_of(
    st.integers(-(10**31), 10**31),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, Decimal("-0"), Decimal("1.0"), Decimal("1.00"), Decimal("1e2"), 100]),
)
texts = st.text(max_size=6) | st.sampled_from(["a", "b", "x" * 300, "x" * 299 + "y"])
elements = st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "b", Decimal("1.50")])


def _decimals(draw: Callable[[random.Random], float], *, places: int) -> list[Decimal]:
    source = random.Random(20261121)
    return [round(Decimal(draw(source)), places) for _ in range(SIZE)]


DISTRIBUTIONS: dict[str, Sequence[int | Decimal]] = {
    "uniform": _decimals(lambda r: r.uniform(0, 1000), places=6),
    "lognormal": _decimals(lambda r: r.lognormvariate(3, 2), places=8),
    "pareto": _decimals(lambda r: r.paretovariate(0.9), places=6),
    "bimodal": _decimals(
        lambda r: r.gauss(10, 1) if r.random() < 0.5 else r.gauss(1e6, 10), places=4
    ),
    "constant": [Decimal("19.99")] * SIZE,
    "negative": _decimals(lambda r: -r.lognormvariate(0, 3), places=10),
    "mixed signs and zeros": _decimals(
        lambda r: r.choice([0, 1, -1]) * r.expovariate(0.01), places=5
    ),
    "epoch seconds": _decimals(lambda r: 1.7e9 + r.uniform(0, 86_400), places=3),
    "tiny": [n.scaleb(-24) for n in _decimals(lambda r: r.uniform(1, 1e6), places=4)],
    "huge": [int(n) * 10**19 for n in _decimals(lambda r: r.lognormvariate(13, 1), places=0)],
    "heavy ties": [int(n) for n in _decimals(lambda r: r.expovariate(0.5), places=0)],
    "money with outliers": _decimals(
        lambda r: 99_999.99 if r.random() < 0.001 else r.lognormvariate(1, 0.8), places=2
    ),
}
each_distribution = pytest.mark.parametrize("values", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)


class TestLogHistogram(SketchLaws):
    summary = LogHistogram
    values = st.lists(
        st.just(0.0) | st.floats(1e-30, 1e30).flatmap(lambda size: st.sampled_from([size, -size]))
    )
    example = (0.0, 1.0, -2.5, 1e29)

    def test_has_boundaries_that_rise_over_the_whole_range(self) -> None:
        assert (np.diff(BOUNDARIES) > 0).all()
        assert BOUNDARIES[0] <= 1e-30
        assert BOUNDARIES[-1] > 1e30

    def test_has_the_floats_nearest_to_the_powers_as_boundaries(self) -> None:
        reach = len(BOUNDARIES) // 2

        # Python divides integers of any length with one correct rounding.
        exact = [
            101**power / 99**power if power >= 0 else 99**-power / 101**-power
            for power in range(-reach, reach + 1)
        ]

        assert BOUNDARIES.tolist() == exact

    @LAW
    @given(number=st.floats(1e-30, 1e30))
    def test_has_a_value_within_one_percent_of_every_number(self, number: float) -> None:
        for signed in (number, -number):
            (value,) = LogHistogram.of([signed]).values

            assert abs(value - signed) <= RELATIVE_ERROR * number * (1 + 1e-12)

    @pytest.mark.parametrize("count", [255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**60])
    def test_keeps_counts_of_every_size(self, count: int) -> None:
        one = LogHistogram(codes=np.array([-3, 7], dtype=np.int16), counts=np.array([1, count]))

        again = LogHistogram.from_bytes(one.to_bytes())

        assert again == one
        assert again.merge(again).counts.tolist() == [2, 2 * count]


class TestNumberSummary(SketchLaws):
    summary = NumberSummary
    values = st.lists(numbers)
    example = (3, Decimal("-2.50"), 10**40)

    def test_keeps_its_bytes_from_release_to_release(self) -> None:
        stored = NumberSummary.of([3, 3, 0, Decimal("-2.50"), 10**40]).to_bytes()

        # fmt: off
        assert stored == (
            b"\x01\x97\x04\x01\xa33.5\xa524.25\xa4-2.5\xa13\xc4\x10"
            b"\x01\x93\x01\xc4\x06\x51\xf2\x00\x00\xb5\x0d\xc4\x03\x01\x01\x02"
        )
        # fmt: on

    @LAW
    @given(values=st.lists(numbers, min_size=1))
    def test_has_exact_sums_and_extremes(self, values: list[int | Decimal]) -> None:
        one = NumberSummary.of(values)
        inside = [Fraction(value) for value in values if _is_inside(value)]

        assert (one.count, one.outside) == (len(inside), len(values) - len(inside))
        assert Fraction(one.sum) == sum(inside)
        assert Fraction(one.sum_squares) == sum(number**2 for number in inside)
        assert one.minimum == min(inside, default=None)
        assert one.maximum == max(inside, default=None)

    @LAW
    @given(values=st.lists(numbers.filter(lambda value: _is_inside(value)), min_size=2))
    def test_has_the_mean_and_deviations_of_exact_arithmetic(
        self, values: list[int | Decimal]
    ) -> None:
        one = NumberSummary.of(values)
        exact = [Fraction(value) for value in values]
        mean = sum(exact, Fraction()) / len(exact)
        spread = sum(((number - mean) ** 2 for number in exact), Fraction())

        assert _is_close(one.mean, mean)
        assert one.std is not None
        assert _is_close(one.std * one.std, spread / (len(exact) - 1))
        assert one.std_population is not None
        assert _is_close(one.std_population * one.std_population, spread / len(exact))

    def test_has_no_negative_variance_on_epoch_seconds(self) -> None:
        same = NumberSummary.of([Decimal("1712345678.901")] * 1000)
        near = NumberSummary.of([Decimal("1712345678.901"), Decimal("1712345678.902")])

        assert same.std == same.std_population == 0
        assert near.std_population == Decimal("0.0005")

    def test_answers_nothing_without_numbers(self) -> None:
        none = NumberSummary.of([10**30])

        assert none.outside == 1
        assert (none.mean, none.std, none.std_population) == (None, None, None)
        assert (none.minimum, none.maximum, none.percentile(50)) == (None, None, None)
        assert none.bins(10, "linear") == []

    def test_answers_exactly_for_one_and_two_numbers(self) -> None:
        one, two = NumberSummary.of([7]), NumberSummary.of([7, 10])

        assert (one.mean, one.std, one.std_population, one.percentile(95)) == (7, None, 0, 7)
        assert two.percentile(50) == 8.5

    @each_distribution
    @pytest.mark.parametrize("percent", PERCENTS)
    def test_has_percentiles_within_one_percent(
        self, values: Sequence[int | Decimal], percent: float
    ) -> None:
        ranked = sorted(map(Fraction, values))
        position = (len(ranked) - 1) * Fraction(str(percent)) / 100
        rank, share = math.floor(position), position - math.floor(position)
        low, high = ranked[rank], ranked[min(rank + 1, len(ranked) - 1)]

        found = NumberSummary.of(values).percentile(percent)

        # Each of the two neighbours may be 1 % off, so what lies between them may be this much.
        allowed = RELATIVE_ERROR * float(abs(low) * (1 - share) + abs(high) * share)
        assert found == pytest.approx(float(low + (high - low) * share), rel=1e-9, abs=allowed)

    @each_distribution
    def test_has_percentiles_that_never_fall(self, values: Sequence[int | Decimal]) -> None:
        one = NumberSummary.of(values)

        found = [one.percentile(place / 10) for place in range(1001)]

        assert found == sorted(found, key=lambda value: value or 0)
        assert found[0] == float(min(values))
        assert found[-1] == float(max(values))

    @each_distribution
    def test_has_the_same_buckets_as_ddsketch(self, values: Sequence[int | Decimal]) -> None:
        oracle = DDSketch(relative_accuracy=RELATIVE_ERROR)
        for value in values:
            oracle.add(float(value))
        histogram = NumberSummary.of(values).histogram

        for quantile in (0.01, 0.25, 0.5, 0.75, 0.99):
            rank = int(quantile * (len(values) - 1))
            expected = oracle.get_quantile_value(quantile)

            assert histogram.value_at(rank) == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize("percent", [-1, 100.5])
    def test_refuses_percentiles_that_there_are_not(self, percent: float) -> None:
        with pytest.raises(ValueError, match="between 0 and 100"):
            NumberSummary.of([1]).percentile(percent)


class TestBins:
    @each_distribution
    @pytest.mark.parametrize("scale", SCALES)
    @pytest.mark.parametrize("count", [1, 2, 10, 100])
    def test_hold_every_number_once(
        self, values: Sequence[int | Decimal], scale: Scale, count: int
    ) -> None:
        bins = NumberSummary.of(values).bins(count, scale)

        assert 1 <= len(bins) <= count
        assert sum(one.count for one in bins) == len(values)
        assert (bins[0].lower, bins[-1].upper) == (float(min(values)), float(max(values)))
        assert [one.upper for one in bins[:-1]] == [one.lower for one in bins[1:]]

    @each_distribution
    @pytest.mark.parametrize("scale", SCALES)
    def test_put_each_number_where_it_or_its_neighbours_within_one_percent_belong(
        self, values: Sequence[int | Decimal], scale: Scale
    ) -> None:
        floats = sorted(map(float, values))
        below = 0

        for one in NumberSummary.of(values).bins(10, scale)[:-1]:
            below += one.count
            slack = abs(one.upper) * RELATIVE_ERROR / (1 - RELATIVE_ERROR) * (1 + 1e-9)
            assert below >= sum(number < one.upper - slack for number in floats)
            assert below <= sum(number < one.upper + slack for number in floats)

    @LAW
    @given(values=st.lists(numbers), count=st.integers(1, 100), scale=st.sampled_from(SCALES))
    def test_add_up_for_any_numbers(
        self, values: list[int | Decimal], count: int, scale: Scale
    ) -> None:
        one = NumberSummary.of(values)

        assert sum(held.count for held in one.bins(count, scale)) == one.count

    @pytest.mark.parametrize("scale", SCALES)
    def test_are_one_where_all_numbers_are_equal(self, scale: Scale) -> None:
        assert NumberSummary.of([5, 5, 5]).bins(10, scale) == [Bin(lower=5, upper=5, count=3)]

    def test_are_equally_wide_on_a_linear_scale(self) -> None:
        assert NumberSummary.of([0, 1, 4, 9, 10]).bins(2, "linear") == [
            Bin(lower=0, upper=5, count=3),
            Bin(lower=5, upper=10, count=2),
        ]

    def test_have_equal_ratios_on_a_log_scale(self) -> None:
        bins = NumberSummary.of([1, 2, 50, 900, 10_000]).bins(4, "log")

        assert [one.lower for one in bins] == pytest.approx([1, 10, 100, 1000])
        assert [one.count for one in bins] == [2, 1, 1, 1]

    def test_mirror_a_log_scale_for_negative_numbers(self) -> None:
        bins = NumberSummary.of([-1, -2, -50, -900, -10_000]).bins(4, "log")

        assert [one.upper for one in bins] == pytest.approx([-1000, -100, -10, -1])
        assert [one.count for one in bins] == [1, 1, 1, 2]

    def test_share_the_first_of_a_log_scale_for_all_that_is_not_positive(self) -> None:
        bins = NumberSummary.of([-7, 0, 0, 2, 50, 1000]).bins(4, "log")

        assert (bins[0].lower, bins[0].count) == (-7, 3)
        assert bins[0].upper == pytest.approx(2, rel=0.02)
        assert [one.count for one in bins[1:]] == [1, 1, 1]

    def test_are_linear_where_a_log_scale_has_nothing_positive(self) -> None:
        one = NumberSummary.of([-8, -1, 0])

        assert one.bins(4, "log") == one.bins(4, "linear")

    def test_merge_on_a_quantile_scale_under_ties(self) -> None:
        one = NumberSummary.of([1] * 90 + [2] * 10)

        assert 1 <= len(one.bins(10, "quantile")) < 10

    def test_refuse_to_be_none(self) -> None:
        with pytest.raises(ValueError, match="at least one bin"):
            NumberSummary.of([1]).bins(0, "linear")


class TestDistinctSummary(SketchLaws):
    summary = DistinctSummary
    values = st.lists(texts)
    example = ("a", "b")

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
        assert len(stored) <= 4_096 + 8

    def test_keeps_its_bytes_from_release_to_release(self) -> None:
        stored = DistinctSummary.of(["alice", "bob", "日本"]).to_bytes()

        assert stored.hex() == ""


class TestTextSummary(SketchLaws):
    summary = TextSummary
    values = st.lists(texts)
    example = ("a", "b", "a")

    def test_keeps_its_bytes_from_release_to_release(self) -> None:
        stored = TextSummary.of(["b", "a", "b"]).to_bytes()

        assert stored == b"\x01\x95\x82\xa1a\x01\xa1b\x02\x00\x00\x00\xc0"

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
        assert (one.count, one.lengths.sum, one.lengths.minimum) == (3, 6, 0)

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
        )
    )
    example = (
        EventFact(customer="alice", points_awarded=10, points_total=60),
        EventFact(customer="alice", other_fields=3),
        EventFact(customer="bob"),
    )

    def test_counts_events_customers_and_points(self) -> None:
        one = EventSummary.of(self.example)

        assert (one.count, one.customers.estimate, one.other_fields) == (3, 2, 3)
        assert (one.points_awarded, one.points_total) == (10, 60)


class TestSummaries:
    def test_are_registered_for_every_kind_that_is_rolled_up(self) -> None:
        assert set(SUMMARIES) == {*get_args(Kind), "numeric_text", "event"}

    @pytest.mark.parametrize("kind", SUMMARIES)
    def test_come_back_empty_from_their_bytes(self, kind: str) -> None:
        summary = SUMMARIES[kind]

        assert summary.from_bytes(summary.empty().to_bytes()) == summary.empty()


def _is_inside(value: int | Decimal) -> bool:
    sign_free = Fraction(abs(value))
    digits = Decimal(value).as_tuple()
    return (
        sign_free < 10**30
        and len(digits.digits) <= 30
        and isinstance(digits.exponent, int)
        and digits.exponent >= -30
    )


def _is_close(found: Decimal | None, exact: Fraction) -> bool:
    return found is not None and abs(Fraction(found) - exact) <= abs(exact) * Fraction(1, 10**30)


def _skewed(*, seed: int) -> list[str]:
    source = random.Random(seed)
    return [f"v{int(source.paretovariate(0.25)) % 100_000}" for _ in range(6_000)]


def _assert_capped_laws(one: TextSummary, values: Sequence[str]) -> None:
    exact = Counter(values)
    assert one.is_capped
    assert one.total == len(values)
    assert one.seen == DistinctSummary.of(values)
    assert len(one.counts) == VALUES_CAP
    assert 0 <= one.kept_error <= one.dropped_error <= one.other
    for value, count in exact.items():
        if value in one.counts:
            assert one.counts[value] <= count <= one.counts[value] + one.kept_error
        else:
            assert count <= one.dropped_error
