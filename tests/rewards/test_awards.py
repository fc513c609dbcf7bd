"""Awards: what an amount is worth, and how it is told."""

from decimal import Decimal

import pytest

from events.limits import POINTS_PER_AWARD
from events.types import Json, JsonObject
from rewards.awards import read_award
from tests.rewards.definitions import TABLE, occurrence, per_unit

pytestmark = pytest.mark.once


def worth(award: JsonObject, amount: Json) -> int | None:
    found = read_award(award, "award").worth(occurrence({"amount": amount}))
    return found.points if found else None


class TestPerUnitAward:
    @pytest.mark.parametrize(
        ("award", "amount", "points"),
        [
            pytest.param(per_unit(2, "1"), 10, 20, id="2 points per 1 of 10 are 20"),
            pytest.param(per_unit(2, 1), Decimal("10.99"), 21, id="21.98 is rounded down"),
            pytest.param(per_unit("0.1", 1), Decimal("0.3"), 0, id="0.03 is rounded down"),
            pytest.param(per_unit(1, "0.1"), Decimal("0.3"), 3, id="0.3 / 0.1 is 3, not 2.99…"),
            pytest.param(per_unit(1, 3), 10, 3, id="3.33… is rounded down"),
            pytest.param(per_unit(3, 3), 10, 10, id="a third and back loses nothing"),
            pytest.param(
                per_unit(1, 1, rounding="half_up"), Decimal("2.5"), 3, id="half of 2.5 goes up"
            ),
            pytest.param(
                per_unit(1, 1, rounding="half_up"), Decimal("2.49"), 2, id="2.49 half up is 2"
            ),
            pytest.param(
                per_unit(1, 1, rounding="ceil"), Decimal("2.0001"), 3, id="2.0001 up is 3"
            ),
            pytest.param(per_unit(1, 1, rounding="ceil"), 2, 2, id="2 up is 2"),
            pytest.param(per_unit(10, 5, step="whole"), Decimal("14.99"), 20, id="two whole fives"),
            pytest.param(per_unit(10, 5, step="whole"), Decimal("4.99"), 0, id="no whole five"),
            pytest.param(
                per_unit("0.5", 1, step="whole", rounding="ceil"),
                Decimal("3.9"),
                2,
                id="three whole halves are 1.5, rounded up",
            ),
            pytest.param(per_unit(min=5), 1, 5, id="2 is raised to the min of 5"),
            pytest.param(per_unit(min="5"), 0, 5, id="an amount of 0 gets the min"),
            pytest.param(per_unit(max=5), 10, 5, id="20 is cut to the max of 5"),
            pytest.param(per_unit(), 0, 0, id="an amount of 0 earns 0"),
            pytest.param(per_unit(), Decimal("-0"), 0, id="an amount of -0 earns 0"),
            pytest.param(per_unit(), 10**9, POINTS_PER_AWARD, id="2·10^9 is cut to 10^9"),
            pytest.param(per_unit(1, 3), 10**9 - 1, 333_333_333, id="a large amount is exact"),
            pytest.param(
                per_unit(1, 10**29), 10**30, 10, id="a rate far below 1 meets a huge amount"
            ),
            pytest.param(
                per_unit(),
                Decimal("1e999999999999999999"),
                POINTS_PER_AWARD,
                id="an amount that would not fit the memory is cut to 10^9",
            ),
            pytest.param(per_unit(), 10**5000, POINTS_PER_AWARD, id="10^5000 is cut to 10^9"),
            pytest.param(
                per_unit(), Decimal("1e999999"), POINTS_PER_AWARD, id="1e999999 is cut to 10^9"
            ),
            pytest.param(per_unit(), Decimal("0e999999"), 0, id="0e999999 is 0"),
            pytest.param(per_unit(), Decimal("1e-999999"), 0, id="1e-999999 is rounded down"),
            pytest.param(
                per_unit(rounding="ceil"), Decimal("1e-999999"), 1, id="1e-999999 is rounded up"
            ),
            pytest.param(
                per_unit(rounding="ceil", step="whole"),
                Decimal("1e-999999"),
                0,
                id="1e-999999 is no whole unit",
            ),
        ],
    )
    def test_is_worth(self, award: JsonObject, amount: Json, points: int) -> None:
        assert worth(award, amount) == points

    @pytest.mark.parametrize("amount", [-1, Decimal("-0.01"), None, "10", True, [10], {}])
    def test_is_worth_nothing_for_what_is_no_amount(self, amount: Json) -> None:
        assert worth(per_unit(min=5), amount) is None

    def test_tells_each_number_on_the_way(self) -> None:
        award = read_award(per_unit(1, 3, max=2), "award")
        found = award.worth(occurrence({"amount": Decimal("10.0")}))
        assert found is not None
        assert found.trace == {
            "amount": "10.0",
            "unrounded": "3.33333333333333333333333333333",
            "rounded": 3,
        }

    def test_tells_no_more_points_than_there_may_be(self) -> None:
        found = read_award(per_unit(2), "award").worth(occurrence({"amount": 10**9}))
        assert found is not None
        assert found.trace["rounded"] == POINTS_PER_AWARD


class TestTableAward:
    @pytest.mark.parametrize(
        ("amount", "points"),
        [
            pytest.param(0, 0, id="the first row begins at 0"),
            pytest.param(Decimal("19.99"), 0, id="19.99 is below 20"),
            pytest.param(20, 10, id="a row holds where it begins"),
            pytest.param(100, 50, id="a row does not hold where it ends"),
            pytest.param(Decimal("1e999999"), 50, id="the last row has no end"),
            pytest.param(-1, None, id="a negative amount is in no row"),
            pytest.param("20", None, id="a text is no amount"),
        ],
    )
    def test_gives_the_points_of_the_row(self, amount: Json, points: int | None) -> None:
        assert worth(TABLE, amount) == points

    def test_gives_nothing_between_rows(self) -> None:
        award: JsonObject = {"field": "event.amount", "table": [{"from": 5, "to": 6, "points": 1}]}
        assert worth(award, 7) is None
