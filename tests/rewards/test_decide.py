"""What one occurrence earns: limits, order, versions, milestones, shadow."""

from datetime import UTC, date, datetime, timedelta

import pytest

from events.types import JsonObject
from rewards.decide import Facts, LimitKey, Ruleset, decide, limit_keys, streak_ids
from rewards.rules import Milestone
from rewards.streaks import runs_from_json
from rewards.windows import period_index
from tests.rewards.definitions import (
    ALICE,
    NOON,
    all_of,
    definition,
    facts_after,
    leaf,
    limit,
    occurrence,
    per_unit,
    rule,
    streak,
)

pytestmark = pytest.mark.once

TODAY = date(2026, 3, 4)
DAY = period_index(TODAY, "day")
BOB = 8


def granted(tree: JsonObject, *amounts: int, used: int = 0) -> list[int]:
    """Return the points of one event after another, by a rule of 1 point per 1."""
    ruleset = Ruleset.of([rule(1, tree)], [])
    facts = Facts(used=dict.fromkeys(limit_keys(occurrence({"amount": 0}), ruleset), used))
    points = []
    for amount in amounts:
        decision = decide(occurrence({"amount": amount}), facts, ruleset)
        facts = facts_after(facts, decision)
        points.append(sum(award.points for award in decision.awards))
    return points


class TestAward:
    def test_is_due_where_the_condition_is_met(self) -> None:
        tree = definition(award=per_unit(), when=all_of(leaf("event.brand", "=", "Private")))
        ruleset = Ruleset.of([rule(1, tree, name="private", version_id=11)], [])

        (award,) = decide(occurrence({"amount": 5, "brand": "Private"}), Facts(), ruleset).awards

        assert (award.rule, award.rule_id, award.version_id) == ("private", 1, 11)
        assert (award.points, award.desired, award.uses) == (10, 10, ())
        assert award.trace == {
            "amount": "5",
            "unrounded": "10",
            "rounded": 10,
            "desired": 10,
            "limits": [],
            "granted": 10,
        }

    @pytest.mark.parametrize(
        "metadata",
        [
            pytest.param({"amount": 5, "brand": "National"}, id="the condition is not met"),
            pytest.param({"amount": 5}, id="the condition is unknown"),
            pytest.param({"amount": 0, "brand": "Private"}, id="the amount is worth nothing"),
            pytest.param({"amount": -5, "brand": "Private"}, id="the amount is negative"),
            pytest.param({"brand": "Private"}, id="the amount is unknown"),
        ],
    )
    def test_is_not_due_where(self, metadata: JsonObject) -> None:
        tree = definition(award=per_unit(), when=all_of(leaf("event.brand", "=", "Private")))
        assert decide(occurrence(metadata), Facts(), Ruleset.of([rule(1, tree)], [])).awards == ()

    def test_is_not_due_for_another_event(self) -> None:
        ruleset = Ruleset.of([rule(1, definition("view"))], [])
        assert decide(occurrence(), Facts(), ruleset).awards == ()

    def test_comes_in_the_order_of_names_then_ids(self) -> None:
        rules = [
            rule(3, definition(), name="b"),
            rule(2, definition(), name="b"),
            rule(9, definition(), name="a"),
        ]
        awards = decide(occurrence(), Facts(), Ruleset.of(rules, [])).awards
        assert [award.rule_id for award in awards] == [9, 2, 3]


class TestLimit:
    @pytest.mark.parametrize(
        ("one", "used", "amounts", "points"),
        [
            pytest.param(
                limit("customer points day", 10), 0, [6, 6, 6], [6, 4, 0], id="clips points"
            ),
            pytest.param(
                limit("customer points day", 10, over="refuse"),
                0,
                [6, 6, 4, 1],
                [6, 0, 4, 0],
                id="refuses points that go over, and takes fewer later",
            ),
            pytest.param(
                limit("customer times day", 2), 0, [6, 6, 6], [6, 6, 0], id="counts times"
            ),
            pytest.param(
                limit("customer times day", 2, over="refuse"),
                0,
                [6, 0, 6, 6],
                [6, 0, 6, 0],
                id="counts only times that gave points",
            ),
            pytest.param(
                limit("rule points day", 10),
                12,
                [6],
                [0],
                id="gives nothing where it was lowered below its use",
            ),
        ],
    )
    def test_holds(self, one: JsonObject, used: int, amounts: list[int], points: list[int]) -> None:
        tree = definition(award=per_unit(1), limits=[one])
        assert granted(tree, *amounts, used=used) == points

    def test_that_is_narrowest_decides(self) -> None:
        limits = [
            limit("customer points day", 10),
            limit("rule points lifetime", 7),
            limit("project points lifetime", 4, over="refuse"),
        ]
        assert granted(definition(award=per_unit(1), limits=limits), 5, 4, 1) == [0, 4, 0]

    def test_that_leaves_nothing_is_named_in_the_trace(self) -> None:
        tree = definition(limits=[limit("customer times day", 1)])
        ruleset = Ruleset.of([rule(1, tree)], [])
        (key,) = limit_keys(occurrence(), ruleset)

        (award,) = decide(occurrence(), Facts(used={key: 1}), ruleset).awards

        assert (award.points, award.desired, award.uses) == (0, 10, ())
        assert award.trace["limits"] == [{**limit("customer times day", 1), "room": 0, "leaves": 0}]

    def test_says_what_it_uses(self) -> None:
        limits = [limit("customer points week", 50), limit("project times month", 9)]
        ruleset = Ruleset.of([rule(1, definition(limits=limits))], [])
        (award,) = decide(occurrence(), Facts(), ruleset).awards
        assert award.uses == (
            (
                LimitKey(
                    rule_id=1,
                    customer_id=ALICE,
                    of="points",
                    window="week",
                    starts=date(2026, 3, 2),
                ),
                10,
            ),
            (
                LimitKey(
                    rule_id=0, customer_id=0, of="times", window="month", starts=date(2026, 3, 1)
                ),
                1,
            ),
        )

    @pytest.mark.parametrize(
        ("per", "points"),
        [
            pytest.param("customer", [10, 10, 10], id="per customer, each has their own"),
            pytest.param("rule", [10, 0, 10], id="per rule, customers share it"),
            pytest.param("project", [10, 0, 0], id="per project, rules share it too"),
        ],
    )
    def test_is_shared_by_scope(self, per: str, points: list[int]) -> None:
        limits = [limit(f"{per} points day", 10)]
        buys, views = definition("buy", limits=limits), definition("view", limits=limits)
        ruleset = Ruleset.of([rule(1, buys), rule(2, views)], [])
        facts, found = Facts(), []
        for event, customer_id in [("buy", ALICE), ("buy", BOB), ("view", ALICE)]:
            decision = decide(occurrence(event=event, customer_id=customer_id), facts, ruleset)
            facts = facts_after(facts, decision)
            found += [award.points for award in decision.awards]
        assert found == points

    def test_of_the_project_is_used_by_one_rule_after_another_within_one_event(self) -> None:
        budget = [limit("project points day", 15)]
        rules = [rule(number, definition(limits=budget)) for number in (1, 2, 3)]
        awards = decide(occurrence(), Facts(), Ruleset.of(rules, [])).awards
        assert [award.points for award in awards] == [10, 5, 0]

    @pytest.mark.parametrize(
        ("window", "later", "points"),
        [
            pytest.param("day", timedelta(hours=11), [10, 0], id="the same day in Berlin"),
            pytest.param("day", timedelta(hours=12), [10, 10], id="the next day in Berlin"),
            pytest.param("week", timedelta(days=4), [10, 0], id="Sunday is the same week"),
            pytest.param("week", timedelta(days=5), [10, 10], id="Monday is the next week"),
            pytest.param("month", timedelta(days=27), [10, 0], id="the 31st is the same month"),
            pytest.param("month", timedelta(days=28), [10, 10], id="the 1st is the next month"),
            pytest.param("lifetime", timedelta(days=9_999), [10, 0], id="a lifetime never ends"),
        ],
    )
    def test_begins_anew_with_its_window(
        self, window: str, later: timedelta, points: list[int]
    ) -> None:
        tree = definition(limits=[limit(f"customer points {window}", 10)])
        ruleset = Ruleset.of([rule(1, tree)], [])
        first = decide(occurrence(), Facts(), ruleset)
        second = decide(occurrence(at=NOON + later), facts_after(Facts(), first), ruleset)
        assert [award.points for award in (*first.awards, *second.awards)] == points


class TestVersions:
    MARCH, JUNE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("at", "version_ids"),
        [
            pytest.param(MARCH - timedelta(seconds=1), [1], id="the first is in force from ever"),
            pytest.param(MARCH, [2], id="a version is in force from its moment on"),
            pytest.param(NOON, [2], id="and until the next one"),
            pytest.param(JUNE, [3], id="the latest decides"),
            pytest.param(JUNE + timedelta(days=1), [3], id="until its end, which is included"),
            pytest.param(
                JUNE + timedelta(days=1, seconds=1), [], id="after its end none is in force"
            ),
        ],
    )
    def test_are_in_force_by_when_the_event_occurred(
        self, at: datetime, version_ids: list[int]
    ) -> None:
        versions = [
            rule(
                1,
                definition(),
                version_id=3,
                since=self.JUNE,
                until=self.JUNE + timedelta(days=1),
            ),
            rule(1, definition(), version_id=1),
            rule(1, definition(), version_id=2, since=self.MARCH),
        ]
        awards = decide(occurrence(at=at), Facts(), Ruleset.of(versions, [])).awards
        assert [award.version_id for award in awards] == version_ids

    def test_may_change_what_triggers_the_rule(self) -> None:
        versions = [
            rule(1, definition("buy"), version_id=1),
            rule(1, definition("view"), version_id=2, since=self.MARCH),
        ]
        ruleset = Ruleset.of(versions, [])
        assert decide(occurrence(event="buy"), Facts(), ruleset).awards == ()
        (award,) = decide(occurrence(event="view"), Facts(), ruleset).awards
        assert award.version_id == 2


class TestStreak:
    RULESET = Ruleset.of(
        [
            rule(1, definition(limits=[limit("project points day", 25)])),
            rule(
                2,
                definition(
                    {"streak": "visits", "milestone": 3},
                    {"fixed": 20},
                    limits=[limit("project points day", 25)],
                ),
                name="a bonus",
            ),
            rule(3, definition({"streak": "visits", "milestone": 4}), name="a longer bonus"),
        ],
        [streak(5, [(3, 30)], name="visits", when=all_of(leaf("event.amount", ">", 0)))],
    )

    def test_is_touched_by_an_event_that_meets_its_condition(self) -> None:
        facts = Facts(runs={5: runs_from_json([[DAY - 9, DAY - 5], [DAY - 2, DAY - 1]])})

        (due,) = decide(occurrence({"amount": 1}), facts, self.RULESET).streaks

        assert (due.streak, due.streak_id, due.version_id) == ("visits", 5, 50)
        assert due.runs == runs_from_json([[DAY - 9, DAY - 5], [DAY - 2, DAY]])
        assert (due.current, due.longest, due.milestone_reached) == (3, 5, True)
        assert (due.milestones, due.points) == ((Milestone(at=3, points=30),), 30)

    def test_is_shown_unchanged_for_a_second_event_of_the_day(self) -> None:
        facts = Facts(runs={5: runs_from_json([[DAY - 2, DAY]])})
        (due,) = decide(occurrence({"amount": 1}), facts, self.RULESET).streaks
        assert (due.runs, due.milestone_reached, due.points) == (facts.runs[5], False, 0)

    def test_is_not_touched_where_its_condition_is_not_met(self) -> None:
        assert decide(occurrence({"amount": 0}), Facts(), self.RULESET).streaks == ()
        assert streak_ids(occurrence({"amount": 0}), self.RULESET) == frozenset()

    def test_triggers_the_rules_on_its_milestone_after_those_on_the_event(self) -> None:
        facts = Facts(runs={5: runs_from_json([[DAY - 2, DAY - 1]])})

        awards = decide(occurrence({"amount": 1}), facts, self.RULESET).awards

        assert [(award.rule, award.points, award.desired) for award in awards] == [
            ("rule 1", 10, 10),
            ("a bonus", 15, 20),
        ]
        assert (awards[1].trace["streak"], awards[1].trace["milestone"]) == ("visits", 3)

    def test_triggers_a_rule_on_a_milestone_that_it_pays_nothing_for_itself(self) -> None:
        facts = Facts(runs={5: runs_from_json([[DAY - 3, DAY - 1]])})
        decision = decide(occurrence({"amount": 1}), facts, self.RULESET)
        assert [award.rule for award in decision.awards] == ["rule 1", "a longer bonus"]
        assert not decision.streaks[0].milestone_reached

    def test_names_its_state_and_counters_for_loading(self) -> None:
        seen = occurrence({"amount": 1})
        assert streak_ids(seen, self.RULESET) == {5}
        assert limit_keys(seen, self.RULESET) == {
            LimitKey(rule_id=0, customer_id=0, of="points", window="day", starts=TODAY)
        }


class TestStreakOfAnyEvent:
    def test_counts_events_of_each_type(self) -> None:
        ruleset = Ruleset.of([], [streak(5, [(2, 20)], event="*")])
        first = decide(occurrence(event="login", at=NOON - timedelta(days=1)), Facts(), ruleset)
        second = decide(occurrence(event="buy"), facts_after(Facts(), first), ruleset)
        assert [due.current for due in (*first.streaks, *second.streaks)] == [1, 2]
        assert second.streaks[0].points == 20

    def test_stands_among_the_others_by_name(self) -> None:
        streaks = [
            streak(1, name="c"),
            streak(2, name="b", event="*"),
            streak(3, name="a"),
            streak(4, name="z", event="login"),
        ]
        ruleset = Ruleset.of([], streaks)
        assert [due.streak for due in decide(occurrence(), Facts(), ruleset).streaks] == [
            "a",
            "b",
            "c",
        ]
        assert streak_ids(occurrence(event="else"), ruleset) == {2}

    def test_names_the_counters_of_what_it_triggers(self) -> None:
        bonus = definition(
            {"streak": "daily", "milestone": 1}, limits=[limit("rule points day", 15)]
        )
        ruleset = Ruleset.of([rule(1, bonus)], [streak(5, name="daily", event="*")])
        assert len(limit_keys(occurrence(event="else"), ruleset)) == 1


class TestShadow:
    def test_is_listed_apart_and_uses_no_counter(self) -> None:
        budget = [limit("project points day", 15)]
        rules = [
            rule(1, definition(limits=budget), is_shadow=True),
            rule(2, definition(limits=budget)),
        ]
        decision = decide(occurrence(), Facts(), Ruleset.of(rules, []))
        assert [(award.rule_id, award.points) for award in decision.shadow] == [(1, 10)]
        assert [(award.rule_id, award.points) for award in decision.awards] == [(2, 10)]

    def test_reads_no_counter(self) -> None:
        tree = definition(limits=[limit("rule points day", 15)])
        ruleset = Ruleset.of([rule(1, tree, is_shadow=True)], [])
        assert limit_keys(occurrence(), ruleset) == frozenset()


class TestLimitKeys:
    def test_leave_rules_out_whose_condition_is_not_met(self) -> None:
        tree = definition(
            when=all_of(leaf("event.brand", "=", "Private")),
            limits=[limit("project points lifetime", 100)],
        )
        ruleset = Ruleset.of([rule(1, tree)], [])
        assert limit_keys(occurrence(), ruleset) == frozenset()
        assert len(limit_keys(occurrence({"brand": "Private"}), ruleset)) == 1
