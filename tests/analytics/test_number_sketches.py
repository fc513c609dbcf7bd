"""Sums of numbers are exact, and their percentiles and bins within the error that they state."""

import hashlib
import math
import random
import statistics
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, get_args

import numpy as np
import pytest
from ddsketch import DDSketch
from hypothesis import given
from hypothesis import strategies as st

from analytics.sketches import (
    EXACT_NUMBERS,
    RELATIVE_ERROR,
    Bin,
    LogHistogram,
    Moments,
    NumberSummary,
    Scale,
)
from analytics.sketches import numbers as numbers_module
from analytics.sketches.histogram import BOUNDARIES
from tests.analytics.sketch_laws import LAW, SketchLaws

pytestmark = pytest.mark.once

SIZE = 5_001
PERCENTS = (0, 0.1, 1, 5, 25, 50, 75, 90, 95, 99, 99.9, 100)
SCALES: tuple[Scale, ...] = get_args(Scale)

# Integers and Decimals of every size, those on either side of the bounds among them.
numbers: st.SearchStrategy[int | Decimal] = st.one_of(
    st.integers(-(10**31), 10**31),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, Decimal("-0"), Decimal("1.0"), Decimal("1.00"), Decimal("1e2"), 100]),
)


def _is_inside(value: int | Decimal) -> bool:
    written = Decimal(value).as_tuple()
    return (
        abs(Fraction(value)) < 10**30
        and len(written.digits) <= 30
        and isinstance(written.exponent, int)
        and written.exponent >= -30
    )


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
    "years": [int(n) for n in _decimals(lambda r: r.uniform(1950, 2027), places=0)],
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
        wide = Context(prec=100)
        step = wide.ln(wide.divide(Decimal(101), Decimal(99)))
        reach = Decimal(len(BOUNDARIES) - 1) / 2
        powers = (Decimal(place) - reach for place in range(len(BOUNDARIES)))

        expected = [float(wide.exp(wide.multiply(step, power))) for power in powers]

        assert BOUNDARIES.tolist() == expected

    @LAW
    @given(number=st.floats(1e-30, 1e30))
    def test_has_a_value_within_one_percent_of_every_number(self, number: float) -> None:
        for signed in (number, -number):
            (value,) = LogHistogram.of([signed]).values

            assert abs(value - signed) <= RELATIVE_ERROR * number

    @pytest.mark.parametrize("count", [255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**60])
    def test_keeps_counts_of_every_size(self, count: int) -> None:
        one = LogHistogram(codes=np.array([-3, 7], dtype=np.int16), counts=np.array([1, count]))

        again = LogHistogram.from_bytes(one.to_bytes())

        assert again == one
        assert again.merge(again).counts.tolist() == [2, 2 * count]


class TestMoments(SketchLaws):
    summary = Moments
    values = st.lists(numbers.filter(_is_inside).map(Decimal))
    example = (Decimal(3), Decimal("-2.50"))


# Lists on either side of the bound up to which numbers are known one by one.
crowds = st.builds(
    lambda first, count: [Decimal(place) / 4 for place in range(first, first + count)],
    st.integers(-50, 50),
    st.integers(EXACT_NUMBERS - 100, EXACT_NUMBERS + 50),
)


class TestNumberSummary(SketchLaws):
    summary = NumberSummary
    values = st.lists(numbers) | crowds
    example = (3, Decimal("-2.50"), 10**40)

    @LAW
    @given(data=st.data())
    def test_is_the_same_for_reading(self, data: st.DataObject) -> None:
        """What is read may tell more numbers apart than what is stored."""
        parts = [NumberSummary.of(data.draw(self.values)) for _ in range(3)]

        read = NumberSummary.merge_for_reading(parts)

        self.assert_same(read.merge(NumberSummary.empty()), NumberSummary.merge_all(parts))

    def test_is_exact_while_numbers_are_few(self) -> None:
        one = NumberSummary.of([*range(EXACT_NUMBERS), 3, Decimal("3.0"), 10**40])

        assert (one.is_exact, one.relative_error) == (True, 0)
        assert (one.distinct, one.count, one.outside) == (EXACT_NUMBERS, EXACT_NUMBERS + 2, 1)

    def test_says_how_far_ranks_may_be_off_beyond(self) -> None:
        one = NumberSummary.of(range(EXACT_NUMBERS + 1))

        assert (one.is_exact, one.relative_error) == (False, RELATIVE_ERROR)
        assert (one.distinct, one.count) == (None, EXACT_NUMBERS + 1)

    def test_stays_exact_over_days_that_are_when_it_is_only_read(self) -> None:
        days = [range(first, first + EXACT_NUMBERS) for first in range(0, 10_000, EXACT_NUMBERS)]
        every = [number for day in days for number in day]

        one = NumberSummary.merge_for_reading(map(NumberSummary.of, days))

        assert one.is_exact
        assert (one.count, one.distinct) == (len(every), len(every))
        assert one.sum == sum(every)
        assert one.percentile(50) == statistics.median(every)

    def test_is_a_sketch_when_read_beyond_the_bound_of_reading(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(numbers_module, "READING_NUMBERS", 300)
        days = [NumberSummary.of(range(200)), NumberSummary.of(range(150, 301))]

        one = NumberSummary.merge_for_reading(days)

        assert (one.is_exact, one.count) == (False, 351)

    def test_forgets_numbers_by_how_many_there_are_alone(self) -> None:
        """A part that holds no new number tips nothing over."""
        full = NumberSummary.of(range(EXACT_NUMBERS))

        assert full.merge(full).is_exact
        assert not full.merge(NumberSummary.of([-1])).is_exact

    def test_takes_counts_that_were_made_elsewhere(self) -> None:
        assert NumberSummary.of_counts({3: 2, Decimal("0.5"): 1, 10**40: 4}) == NumberSummary.of(
            [3, Decimal("0.5"), 3, *[10**40] * 4]
        )

    @pytest.mark.parametrize(
        "values", [[1, 2, 3, 4, 4], [2010, 2011, 2012, 2026], [Decimal("-0.1")]]
    )
    def test_has_the_percentiles_of_few_numbers_exactly(
        self, values: Sequence[int | Decimal]
    ) -> None:
        found = [NumberSummary.of(values).percentile(percent) for percent in PERCENTS]

        exact = np.percentile(np.array(values, dtype=np.float64), PERCENTS)
        assert found == pytest.approx(exact.tolist(), rel=1e-15)

    def test_keeps_its_bytes_from_release_to_release(self) -> None:
        stored = NumberSummary.of([3, 3, 0, Decimal("-2.50"), 10**40]).to_bytes()

        assert stored == b"\x02\x93\x01\x83\xa4-2.5\x01\xa10\x01\xa13\x02\xc0"

    def test_keeps_its_bytes_beyond_its_bound_from_release_to_release(self) -> None:
        stored = NumberSummary.of([*range(300), 299]).to_bytes()

        assert (
            hashlib.sha256(stored).hexdigest()
            == "d5ef2c69f934b672eafcc6895e7e4f1bc76ea050d9c736f2163db59f56bc5f11"
        )

    def test_keeps_the_bytes_of_a_histogram_from_release_to_release(self) -> None:
        stored = LogHistogram.of([3.0, 3.0, 0.0, -2.5]).to_bytes()

        # fmt: off
        assert stored == (
            b"\x02\x93\x01\xc4\x06\x53\xf2\x00\x00\xb6\x0d\xc4\x03\x01\x01\x02"
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
    @given(values=st.lists(numbers.filter(_is_inside), min_size=2))
    def test_has_the_mean_and_deviations_of_exact_arithmetic(
        self, values: list[int | Decimal]
    ) -> None:
        one = NumberSummary.of(values)
        exact = [Fraction(value) for value in values]
        mean = sum(exact, Fraction()) / len(exact)
        spread = sum(((number - mean) ** 2 for number in exact), Fraction())

        assert _is_close(Fraction(one.mean or 0), mean)
        assert _is_close(Fraction(one.std or 0) ** 2, spread / (len(exact) - 1))
        assert _is_close(Fraction(one.std_population or 0) ** 2, spread / len(exact))

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

        assert (one.mean, one.std) == (Decimal(7), None)
        assert (one.std_population, one.percentile(95)) == (Decimal(0), 7.0)
        assert two.percentile(50) == 8.5

    @each_distribution
    def test_has_percentiles_within_one_percent(self, values: Sequence[int | Decimal]) -> None:
        one, ranked = NumberSummary.of(values), sorted(values)

        for percent in PERCENTS:
            position = (len(ranked) - 1) * Fraction(str(percent)) / 100
            rank, share = math.floor(position), position - math.floor(position)
            low, high = Fraction(ranked[rank]), Fraction(ranked[min(rank + 1, len(ranked) - 1)])
            # Each neighbour may be 1 % off, so what is drawn between them may be this much.
            allowed = RELATIVE_ERROR * float(abs(low) * (1 - share) + abs(high) * share)

            expected = float(low + (high - low) * share)

            assert one.percentile(percent) == pytest.approx(expected, rel=1e-12, abs=allowed)

    def test_has_percentiles_of_a_common_one_without_error(self) -> None:
        assert NumberSummary.of([1] * 80 + [2, 3, 50]).percentile(50) == 1

    @each_distribution
    def test_has_percentiles_that_never_fall(self, values: Sequence[int | Decimal]) -> None:
        one = NumberSummary.of(values)

        found = [one.percentile(place / 2) or 0 for place in range(201)]

        assert found == sorted(found)
        assert (found[0], found[-1]) == (float(min(values)), float(max(values)))

    @each_distribution
    def test_has_the_same_buckets_as_ddsketch(self, values: Sequence[int | Decimal]) -> None:
        # Its buckets begin at whole powers of gamma, ours half a step beside them.
        half_step = math.sqrt(101 / 99)
        oracle: Any = DDSketch(relative_accuracy=RELATIVE_ERROR)
        for value in values:
            oracle.add(float(value) * half_step)
        histogram = NumberSummary.of(values).histogram

        for quantile in (0.01, 0.25, 0.5, 0.75, 0.99):
            expected = oracle.get_quantile_value(quantile) / half_step
            rank = int(quantile * (len(values) - 1))
            place = np.searchsorted(np.cumsum(histogram.counts), rank, side="right")

            assert histogram.values[place] == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize("percent", [-1, 100.5])
    def test_refuses_percentiles_that_there_are_not(self, percent: float) -> None:
        with pytest.raises(ValueError, match="between 0 and 100"):
            NumberSummary.of([1]).percentile(percent)


class TestBins:
    @each_distribution
    @pytest.mark.parametrize("scale", SCALES)
    def test_hold_every_number_once(self, values: Sequence[int | Decimal], scale: Scale) -> None:
        summary = NumberSummary.of(values)

        for count in (1, 2, 10, 100):
            bins = summary.bins(count, scale)

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

    def test_put_each_of_few_numbers_where_it_belongs(self) -> None:
        """Years differ by less than the error of a bucket."""
        bins = NumberSummary.of([*range(2001, 2011), 2011]).bins(10, "linear")

        assert [one.count for one in bins] == [1] * 9 + [2]

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


def _is_close(found: Fraction, exact: Fraction) -> bool:
    return abs(found - exact) <= abs(exact) * Fraction(1, 10**30)
