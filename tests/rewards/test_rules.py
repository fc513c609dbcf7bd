"""What definitions say, what they refuse, and what awards are worth."""

from decimal import Decimal

import pytest

from events.types import Json, JsonObject
from rewards.rules import (
    RULE_SCHEMA,
    RuleError,
    describe,
    describe_streak,
    read_definition,
    read_streak,
)
from tests.rewards.definitions import TABLE, all_of, definition, leaf, limit, per_unit

pytestmark = pytest.mark.once


class TestReadDefinition:
    def test_fills_defaults_in(self) -> None:
        bare = definition(
            award=per_unit("2.0", "0.50", min=0),
            limits=[{"per": "rule", "of": "times", "window": "day", "n": "3"}],
        )
        assert read_definition(bare).source == {
            "trigger": "buy",
            "when": None,
            "award": {
                "per_unit": {
                    "points": 2,
                    "per": "0.5",
                    "field": "event.amount",
                    "step": "exact",
                    "rounding": "floor",
                    "min": None,
                    "max": None,
                }
            },
            "limits": [limit("rule times day", 3)],
        }

    def test_reads_its_own_normal_form(self) -> None:
        first = read_definition(definition(when=all_of(leaf("event.x", "=", 1))))
        assert read_definition(first.source) == first

    def test_takes_an_empty_builder_as_no_condition(self) -> None:
        assert read_definition(definition(when=all_of())).when is None

    @pytest.mark.parametrize(
        ("tree", "path", "message"),
        [
            pytest.param(5, "", "The definition must be an object, not 5.", id="not an object"),
            pytest.param({"trigger": "buy"}, "award", "award is missing.", id="an award is needed"),
            pytest.param(
                definition(cooldown=5),
                "cooldown",
                "cooldown is not known; known here: trigger, award, when, limits.",
                id="an unknown key is named",
            ),
            pytest.param(
                definition(**{"\ud800": 1}),
                "\\ud800",
                "\\ud800 is not known; known here: trigger, award, when, limits.",
                id="a message can be sent whatever the key",
            ),
            pytest.param(
                definition(trigger={"challenge": "ten books"}),
                "trigger.challenge",
                "trigger.challenge can't be used yet; name an event or a streak.",
                id="no challenge yet",
            ),
            pytest.param(
                definition(trigger={"streak": "visits"}),
                "trigger.milestone",
                "trigger.milestone is missing.",
                id="a streak needs a milestone",
            ),
            pytest.param(
                definition(trigger=""),
                "trigger",
                "trigger has 0 characters; from 1 to 100 are taken.",
                id="an event has a name",
            ),
            pytest.param(
                definition(when=all_of(negated=True)),
                "when.rules",
                "when.rules has 0 elements; from 1 to 40 are taken.",
                id="the opposite of nothing is no condition",
            ),
            pytest.param(
                definition(award={"multiply": "2"}),
                "award.multiply",
                "award.multiply can't be used yet; give fixed, per_unit or table instead.",
                id="no multiplier yet",
            ),
            pytest.param(
                definition(award={}),
                "award",
                "award must have exactly one of fixed, per_unit and table.",
                id="an award has a kind",
            ),
            pytest.param(
                definition(award={"fixed": 10, "field": "event.x"}),
                "award.field",
                "award.field is not known; known here: fixed.",
                id="a fixed award has no field",
            ),
            pytest.param(
                definition(award={"fixed": Decimal("1.5")}),
                "award.fixed",
                "award.fixed must be a whole number from 1 to 1000000000, not 1.5.",
                id="points are whole",
            ),
            pytest.param(
                definition(award=per_unit(per="0")),
                "award.per_unit.per",
                "award.per_unit.per must be above 0, not 0.",
                id="a unit is above 0",
            ),
            pytest.param(
                definition(award=per_unit(step="")),
                "award.per_unit.step",
                'award.per_unit.step must be one of exact, whole, not "".',
                id="a step is exact or whole",
            ),
            pytest.param(
                definition(award=per_unit(min=9, max=5)),
                "award.per_unit.max",
                "award.per_unit.max must not be below the min of 9.",
                id="max is not below min",
            ),
            pytest.param(
                definition(award=per_unit(field="time.hour")),
                "award.per_unit.field",
                "award.per_unit.field must be event.<key> or customer.<attribute>, not time.hour.",
                id="an hour is no amount",
            ),
            pytest.param(
                definition(
                    award={
                        "field": "event.x",
                        "table": [{"to": 10, "points": 1}, {"from": 9, "points": 2}],
                    }
                ),
                "award.table",
                "award.table has two rows that hold 9.",
                id="rows of a table are apart",
            ),
            pytest.param(
                definition(limits=[limit("customer points year", 5)]),
                "limits[0].window",
                'limits[0].window must be one of day, week, month, lifetime, not "year".',
                id="a window is known",
            ),
            pytest.param(
                definition(limits=[limit("customer points day", 0)]),
                "limits[0].n",
                "limits[0].n must be a whole number from 1 to 1000000000000000, not 0.",
                id="a limit lets something through",
            ),
            pytest.param(
                definition(
                    limits=[
                        limit("rule points day", 5),
                        limit("rule points day", 9, over="refuse"),
                    ]
                ),
                "limits[1]",
                "limits[1] counts the same as another limit: rule points day.",
                id="limits differ in what they count",
            ),
        ],
    )
    def test_refuses_with_the_path(self, tree: Json, path: str, message: str) -> None:
        with pytest.raises(RuleError) as refused:
            read_definition(tree)
        assert (refused.value.path, str(refused.value)) == (path, message)


class TestReadStreak:
    def test_sorts_milestones_and_fills_defaults_in(self) -> None:
        read = read_streak(
            {
                "event": "visit",
                "period": "day",
                "milestones": [{"at": 7, "points": 50}, {"at": "3", "points": 10}],
            }
        )
        assert read.source == {
            "event": "visit",
            "when": None,
            "period": "day",
            "milestones": [{"at": 3, "points": 10}, {"at": 7, "points": 50}],
        }
        assert read_streak(read.source) == read

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param(
                {"period": "hour"},
                'period must be one of day, week, month, not "hour".',
                id="a period is known",
            ),
            pytest.param(
                {"grace": 1},
                "grace is not known; known here: event, period, when, milestones.",
                id="an unknown key is named",
            ),
            pytest.param(
                {"milestones": [{"at": 3, "points": 1}, {"at": 3, "points": 2}]},
                "milestones names the milestone 3 twice.",
                id="a milestone comes once",
            ),
            pytest.param(
                {"milestones": [{"at": 0, "points": 1}]},
                "milestones[0].at must be a whole number from 1 to 100000, not 0.",
                id="no run is shorter than 1",
            ),
        ],
    )
    def test_refuses_with_the_path(self, change: JsonObject, message: str) -> None:
        with pytest.raises(RuleError) as refused:
            read_streak({"event": "visit", "period": "day", **change})
        assert str(refused.value) == message


class TestDescribe:
    @pytest.mark.parametrize(
        ("tree", "sentence"),
        [
            (definition(), "Gives 10 points for each buy."),
            (
                definition(
                    "purchase_line",
                    per_unit(field="event.sales_value"),
                    when=all_of(leaf("event.brand", "=", "Private")),
                    limits=[limit("customer points month", 500)],
                ),
                "Gives 2 points per 1 of sales_value, rounded down, for each purchase_line, only "
                "when brand is Private; at most 500 points per customer per calendar month; what "
                "is over is dropped.",
            ),
            (
                definition(
                    award=per_unit(1, 5, step="whole", min=2, max=100),
                    limits=[
                        limit("rule times day", 1),
                        limit("project points lifetime", 10_000, over="refuse"),
                    ],
                ),
                "Gives 1 point per whole 5 of amount, at least 2 and at most 100, for each buy; "
                "at most once for all customers together per calendar day; further ones give "
                "nothing; at most 10000 points for all rules of the project that share this "
                "budget in total; an award that would go over gives nothing.",
            ),
            (
                definition(
                    award=per_unit("0.5", "2.50", step="whole", rounding="half_up"),
                ),
                "Gives 0.5 points per whole 2.5 of amount, rounded half up, for each buy.",
            ),
            (
                definition(
                    {"streak": "daily visits", "milestone": 7},
                    TABLE,
                    when=all_of(leaf("customer.tier", "in", ["gold", "silver"])),
                ),
                "Gives points by amount (0 points from 0 to below 20; 10 points from 20 to below "
                "100; 50 points from 100) each time the streak “daily visits” reaches 7, only "
                "when the customer's tier is one of gold, silver.",
            ),
        ],
    )
    def test_says_the_rule_in_one_sentence(self, tree: JsonObject, sentence: str) -> None:
        assert describe(read_definition(tree)) == sentence

    def test_says_the_streak_in_one_sentence(self) -> None:
        tree: JsonObject = {
            "event": "visit",
            "period": "day",
            "when": all_of(leaf("event.seconds", ">=", 30)),
            "milestones": [{"at": 1, "points": 1}, {"at": 7, "points": 50}],
        }
        assert describe_streak(read_streak(tree)) == (
            "Counts days in a row with visit, only when seconds is at least 30; gives 1 point at "
            "1 day, 50 points at 7 days."
        )


class TestDescribeStreak:
    def test_tells_that_any_event_counts(self) -> None:
        told = describe_streak(read_streak({"event": "*", "period": "day"}))
        assert told == "Counts days in a row with any event."


class TestRuleSchema:
    def test_names_the_keys_that_the_reader_takes(self) -> None:
        """The reader's own refusal lists the keys it knows: the schema must list the same."""
        places: dict[str, tuple[Json, Json]] = {
            "": (RULE_SCHEMA, definition(unheard_of=1)),
            "award.per_unit.": (
                _within(RULE_SCHEMA, "properties", "award", "oneOf", 1, "properties", "per_unit"),
                definition(award=per_unit(unheard_of=1)),
            ),
            "limits[0].": (
                _within(RULE_SCHEMA, "properties", "limits", "items"),
                definition(limits=[{**limit("rule times day", 1), "unheard_of": 1}]),
            ),
            "when.": (
                _within(RULE_SCHEMA, "$defs", "condition"),
                definition(when={**all_of(leaf("event.x", "exists")), "unheard_of": 1}),
            ),
            "when.rules[0].": (
                _within(
                    RULE_SCHEMA, "$defs", "condition", "properties", "rules", "items", "anyOf", 0
                ),
                definition(when=all_of(leaf("event.x", "exists", unheard_of=1))),
            ),
        }
        for place, (schema, tree) in places.items():
            with pytest.raises(RuleError) as refused:
                read_definition(tree)
            known = str(refused.value).split("known here: ")[1].rstrip(".").split(", ")
            properties = _within(schema, "properties")
            assert isinstance(properties, dict)
            assert refused.value.path == f"{place}unheard_of"
            assert sorted(properties) == sorted(known)


def _within(tree: Json, *steps: str | int) -> Json:
    for step in steps:
        tree = tree[step]  # type: ignore[index]
    return tree
