"""Whose names are, told from who had them before."""

import pytest

from events.linking import EVERY_KIND, Name, Owner, Plan, Sought, planned
from events.types import Identity

pytestmark = pytest.mark.once

EMAIL = frozenset({"email"})
X: Name = (1, "external_id", "x")
Y: Name = (1, "external_id", "y")
E: Name = (1, "email", "e@x.test")
P: Name = (1, "phone", "+1")


def sought(*names: Name, merging: frozenset[str] = frozenset()) -> Sought:
    given = {kind: value for _, kind, value in names}
    return Sought.of(1, Identity(**given), merging)


def owners(plan: Plan) -> list[Owner]:
    return list(plan.owners.values())


class TestNames:
    def test_tell_a_new_customer_by_the_first(self) -> None:
        plan = planned([sought(X, E)], {})

        assert owners(plan) == [X]
        assert plan.new_names == {X: X, E: X}

    def test_tell_a_known_customer_by_the_first(self) -> None:
        plan = planned([sought(X, E, P)], {X: 7, E: 8})

        assert owners(plan) == [7]
        assert plan.new_names == {P: 7}
        assert list(plan.claims) == [(E, 7)]
        assert plan.merge is None

    def test_tell_it_by_any_that_merges(self) -> None:
        plan = planned([sought(X, E, P, merging=EMAIL)], {E: 8})

        assert owners(plan) == [8]
        assert plan.new_names == {X: 8, P: 8}
        assert not plan.claims

    def test_are_claimed_where_their_kind_does_not_merge(self) -> None:
        plan = planned([sought(X, E, P, merging=EMAIL)], {X: 9, E: 8, P: 7})

        assert plan.merge is not None
        assert (plan.merge.owners, plan.merge.survivor) == ((9, 8), 8)
        assert list(plan.claims) == [(P, 8)]

    def test_of_three_make_one_of_the_oldest(self) -> None:
        plan = planned([sought(X, E, P, merging=EVERY_KIND)], {X: 9, E: 7, P: 8})

        assert plan.merge is not None
        assert (set(plan.merge.owners), plan.merge.survivor) == ({7, 8, 9}, 7)

    def test_are_those_of_the_ones_before(self) -> None:
        plan = planned([sought(X, E), sought(E), sought(Y, E, merging=EMAIL)], {})

        assert owners(plan) == [X, X, X]
        assert plan.new_names == {X: X, E: X, Y: X}

    def test_end_the_plan_at_the_first_merge(self) -> None:
        first, merging = sought(X), sought(X, E, merging=EMAIL)
        plan = planned([first, merging, sought(Y)], {E: 8})

        assert plan.merge is not None
        assert plan.merge.sought == merging
        assert plan.merge.survivor == 8  # one that is not made yet is younger
        assert list(plan.owners) == [first, merging]

    def test_of_two_projects_are_two(self) -> None:
        other = Sought.of(2, Identity(external_id="x"))

        assert owners(planned([sought(X), other], {X: 7})) == [7, (2, "external_id", "x")]
