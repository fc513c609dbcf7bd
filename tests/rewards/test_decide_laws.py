"""What holds for every event, every definition and every sequence of them."""

import math
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from events.limits import POINTS_PER_AWARD
from events.metadata import read_json, write_json
from events.types import Json, JsonObject
from rewards.awards import PerUnitAward, read_award
from rewards.conditions import describe_condition, read_condition
from rewards.decide import Decision, Facts, LimitKey, Ruleset, decide, limit_keys, streak_ids
from rewards.rules import (
    Definition,
    RuleError,
    describe,
    describe_streak,
    read_definition,
    read_streak,
)
from tests.rewards.definitions import (
    BERLIN,
    all_of,
    any_of,
    definition,
    facts_after,
    occurrence,
    per_unit,
    rule,
)
from tests.rewards.strategies import (
    conditions,
    definitions,
    fields,
    json_values,
    leaves,
    limit_lists,
    numbers,
    occurrences,
    per_unit_awards,
    rulesets,
    scalars,
    streaks,
    texts,
)

pytestmark = pytest.mark.once

law = settings(deadline=None)


# JSON as it may arrive, far beyond what anyone computes with.
def negated(tree: JsonObject) -> JsonObject:
    return all_of(tree, negated=True)


def through_json(tree: JsonObject) -> Json:
    value = read_json(write_json(tree))
    assert isinstance(value, Mapping), value
    return value


class TestReader:
    @law
    @given(st.one_of(json_values, st.dictionaries(st.sampled_from(["trigger"]), json_values)))
    def test_refuses_any_json_that_is_no_definition(self, tree: Json) -> None:
        for read in (read_definition, read_streak):
            with pytest.raises(RuleError):
                read(tree)

    @law
    @given(definitions, st.data())
    def test_reads_or_refuses_a_definition_bent_anywhere(
        self, tree: JsonObject, data: st.DataObject
    ) -> None:
        bent = _bent(tree, data)
        read = _read_or_refused(bent)
        if isinstance(read, RuleError):
            assert read.path in str(read)
            assert str(read).encode()
        else:
            assert read_definition(read.source) == read

    @law
    @given(definitions)
    def test_takes_every_definition_and_its_normal_form(self, tree: JsonObject) -> None:
        read = read_definition(tree)
        again = read_definition(through_json(read.source))
        assert again == read
        assert again.source == read.source
        assert describe(again).endswith(".")

    @law
    @given(streaks)
    def test_takes_every_streak_and_its_normal_form(self, tree: JsonObject) -> None:
        read = read_streak(tree)
        assert read_streak(through_json(read.source)) == read
        assert describe_streak(read).endswith(".")


def _read_or_refused(tree: Json) -> Definition | RuleError:
    try:
        return read_definition(tree)
    except RuleError as error:
        return error


def _bent(tree: Any, data: st.DataObject) -> Any:
    """Return the tree with one value within it replaced by any JSON, or one key added."""
    if data.draw(st.integers(0, 4)) and tree and isinstance(tree, dict | list):
        bent: Any = tree.copy()
        key = data.draw(st.sampled_from([*tree] if isinstance(tree, dict) else range(len(tree))))
        bent[key] = _bent(tree[key], data)
        return bent
    if isinstance(tree, dict) and data.draw(st.booleans()):
        return {**tree, data.draw(texts): data.draw(scalars)}
    return data.draw(json_values)


class TestCondition:
    @law
    @given(conditions, occurrences)
    def test_survives_the_builders_json(self, tree: JsonObject, seen: Any) -> None:
        first = read_condition(tree, "when")
        again = read_condition(through_json(first.source), "when")
        assert again == first
        assert again.evaluate(seen) is first.evaluate(seen)
        assert describe_condition(again) == describe_condition(first)

    @law
    @given(st.lists(leaves, min_size=1, max_size=4), occurrences)
    def test_obeys_de_morgan(self, nodes: list[JsonObject], seen: Any) -> None:
        def said(tree: JsonObject) -> bool | None:
            return read_condition(tree, "when").evaluate(seen)

        opposites = [negated(node) for node in nodes]
        assert said(all_of(*nodes, negated=True)) is said(any_of(*opposites))
        assert said(any_of(*nodes, negated=True)) is said(all_of(*opposites))

    @law
    @given(conditions, occurrences)
    def test_is_explained_exactly_where_it_is_not_met(self, tree: JsonObject, seen: Any) -> None:
        condition = read_condition(tree, "when")
        assert bool(condition.explain(seen)) is (condition.evaluate(seen) is not True)

    @law
    @given(st.sampled_from(["exists", "missing"]), fields, occurrences)
    def test_of_presence_is_never_unknown(self, operator: str, field: str, seen: Any) -> None:
        tree = all_of({"field": field, "operator": operator})
        assert read_condition(tree, "when").evaluate(seen) is not None


class TestPerUnitAward:
    @law
    @given(
        per_unit_awards,
        st.one_of(st.integers(0, 10**12), st.decimals(min_value=0, max_value=10**8)),
    )
    def test_is_exact_to_the_last_digit(self, tree: JsonObject, amount: int | Decimal) -> None:
        award = _per_unit(tree)
        units = Fraction(amount) / Fraction(award.per)
        if award.step == "whole":
            units = Fraction(math.floor(units))
        unrounded = units * Fraction(award.points)
        expected = {
            "floor": math.floor(unrounded),
            "ceil": math.ceil(unrounded),
            "half_up": math.floor(unrounded + Fraction(1, 2)),
        }[award.rounding]
        assert award.points_for(amount) == min(expected, POINTS_PER_AWARD)

    @law
    @given(per_unit_awards, numbers, numbers)
    def test_grows_with_the_amount(self, tree: JsonObject, one: Any, other: Any) -> None:
        assume(one >= 0 and other >= 0)
        low, high = sorted([one, other])
        award = _per_unit(tree)
        less, more = (award.worth(occurrence({"amount": amount})) for amount in (low, high))
        assert less is not None
        assert more is not None
        assert award.min_points <= less.points <= more.points <= award.max_points


def _per_unit(tree: JsonObject) -> PerUnitAward:
    award = read_award(tree, "award")
    assert isinstance(award, PerUnitAward)
    return award


class ReadKeys(dict[LimitKey, int]):
    """Counters that remember which of them were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[LimitKey] = set()

    def get(self, key: LimitKey, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


class TestDecide:
    @law
    @given(rulesets, occurrences)
    def test_never_raises_and_never_gives_more_than_desired(
        self, ruleset: Ruleset, seen: Any
    ) -> None:
        decision = decide(seen, Facts(), ruleset)
        assert decision == decide(seen, Facts(), ruleset)
        for award in decision.awards:
            assert 0 <= award.points <= award.desired <= POINTS_PER_AWARD
            assert award.desired > 0
            assert read_json(write_json(award.trace)) == award.trace

    @law
    @given(rulesets, occurrences)
    def test_reads_and_uses_only_the_counters_it_names(self, ruleset: Ruleset, seen: Any) -> None:
        used = ReadKeys()
        decision = decide(seen, Facts(used=used), ruleset)
        named = limit_keys(seen, ruleset)
        assert used.asked <= named
        assert {key for award in decision.awards for key, _ in award.uses} <= named
        assert {due.streak_id for due in decision.streaks} == streak_ids(seen, ruleset)


START = datetime(2026, 2, 25, tzinfo=UTC)
shop_events = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(0, 24 * 70).map(lambda hours: START + timedelta(hours=hours)),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=40,
)
limited_rules = st.lists(st.tuples(st.integers(1, 3), limit_lists), min_size=1, max_size=3)


def folded(ruleset: Ruleset, events: Any) -> tuple[Facts, list[tuple[Any, Decision]]]:
    facts, decisions = Facts(), []
    for event in events:
        customer_id, at, amount = event
        decision = decide(
            occurrence({"amount": amount}, at=at, zone=BERLIN, customer_id=customer_id),
            facts,
            ruleset,
        )
        facts = facts_after(facts, decision)
        decisions.append((event, decision))
    return facts, decisions


def window_by_hand(at: datetime, window: str) -> tuple[int, ...]:
    local = at.astimezone(BERLIN)
    return {
        "day": (local.year, local.month, local.day),
        "week": tuple(local.isocalendar()[:2]),
        "month": (local.year, local.month),
        "lifetime": (),
    }[window]


class TestLimits:
    @law
    @given(limited_rules, shop_events)
    def test_are_never_exceeded_over_any_events(self, rules: Any, events: Any) -> None:
        trees = [definition(award=per_unit(points), limits=limits) for points, limits in rules]
        ruleset = Ruleset.of([rule(number + 1, tree) for number, tree in enumerate(trees)], [])

        facts, decisions = folded(ruleset, events)

        spent, most = self.counted_by_hand(trees, decisions)
        assert all(spent[counter] <= most[counter] for counter in spent)
        assert sorted(use for use in facts.used.values() if use) == sorted(spent.values())

    def counted_by_hand(
        self, trees: list[JsonObject], decisions: list[tuple[Any, Decision]]
    ) -> tuple[Counter[Any], dict[Any, int]]:
        """Return what each counter must hold, and the most that any rule lets it hold."""
        spent: Counter[Any] = Counter()
        most: dict[Any, int] = {}
        for (customer_id, at, _), decision in decisions:
            for award in decision.awards:
                limits: Any = trees[award.rule_id - 1].get("limits", [])
                for one in limits if award.points else []:
                    owner = {
                        "customer": (award.rule_id, customer_id),
                        "rule": (award.rule_id,),
                        "project": (),
                    }[one["per"]]
                    window = (one["window"], window_by_hand(at, one["window"]))
                    counter = (one["per"], owner, one["of"], window)
                    spent[counter] += award.points if one["of"] == "points" else 1
                    most[counter] = max(most.get(counter, 0), one["n"])
        return spent, most

    @law
    @given(limit_lists, shop_events)
    def test_give_all_that_is_desired_where_there_is_room(self, limits: Any, events: Any) -> None:
        roomy: list[Json] = [{**one, "n": 10**6} for one in limits]
        ruleset = Ruleset.of([rule(1, definition(award=per_unit(1), limits=roomy))], [])
        _, decisions = folded(ruleset, events)
        for (_, _, amount), decision in decisions:
            assert [award.points for award in decision.awards] == ([amount] if amount else [])
