"""What conditions say of an occurrence, and which trees they are read from."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from events.metadata import RepeatedKeys
from events.types import Json, JsonObject
from rewards.conditions import FailedLeaf, describe_condition, read_condition
from rewards.operators import OPERATORS
from rewards.reading import RuleError
from tests.rewards.definitions import all_of, any_of, leaf, occurrence

pytestmark = pytest.mark.once

TRUE = leaf("event.yes", "is", True)
FALSE = leaf("event.yes", "is", False)
UNKNOWN = leaf("event.never_sent", "=", 1)


def said(tree: JsonObject, metadata: JsonObject | None = None) -> bool | None:
    seen = occurrence({"yes": True, **(metadata or {})}, attributes={"tier": "gold"})
    return read_condition(tree, "when").evaluate(seen)


class TestComparison:
    @pytest.mark.parametrize(
        ("seen", "operator", "value", "expected"),
        [
            pytest.param(5, "=", 5, True, id="5 is 5"),
            pytest.param(Decimal("5.0"), "=", 5, True, id="5.0 is 5"),
            pytest.param(5, "=", Decimal("5.00"), True, id="5 is 5.00"),
            pytest.param(Decimal("0.1"), "=", Decimal("0.1"), True, id="0.1 is 0.1 exactly"),
            pytest.param(2**53 + 1, "=", 2**53, False, id="2^53 + 1 is not 2^53"),
            pytest.param(5, "!=", 6, True, id="5 is not 6"),
            pytest.param(5, "<", 5, False, id="5 is not below 5"),
            pytest.param(5, "<=", 5, True, id="5 is at most 5"),
            pytest.param(Decimal("1e400"), ">", 5, True, id="1e400 is above 5"),
            pytest.param(Decimal("1e999999"), "<", 5, False, id="1e999999 is not below 5"),
            pytest.param(5, ">", "4.5", True, id="a bound may come as its text"),
            pytest.param(5, ">=", 6, False, id="5 is not at least 6"),
            pytest.param(5, "between", [5, 9], True, id="between includes the lower bound"),
            pytest.param(9, "between", [5, 9], True, id="between includes the upper bound"),
            pytest.param(9, "notBetween", [5, 9], False, id="notBetween is its opposite"),
            pytest.param(5, "in", [4, 5], True, id="5 is one of 4 and 5"),
            pytest.param(5, "notIn", [4, 6], True, id="5 is none of 4 and 6"),
            pytest.param("ios", "=", "ios", True, id="texts are compared whole"),
            pytest.param("iOS", "=", "ios", False, id="texts are compared in their case"),
            pytest.param("", "=", "", True, id="an empty text is a text"),
            pytest.param("ios", "!=", "web", True, id="ios is not web"),
            pytest.param("ios", "in", ["web", "ios"], True, id="ios is one of web and ios"),
            pytest.param("ios", "notIn", ["web", "ios"], False, id="ios is not none of them"),
            pytest.param("Straße", "contains", "raß", True, id="a text contains a part"),
            pytest.param("ios", "beginsWith", "os", False, id="ios does not begin with os"),
            pytest.param("ios", "endsWith", "os", True, id="ios ends with os"),
            pytest.param(True, "=", True, True, id="true is true"),
            pytest.param(True, "!=", False, True, id="true is not false"),
            pytest.param(False, "is", True, False, id="false is not true"),
            pytest.param(0, "exists", None, True, id="0 exists"),
            pytest.param("", "exists", None, True, id="an empty text exists"),
            pytest.param(None, "exists", None, False, id="null does not exist"),
            pytest.param(None, "missing", None, True, id="null is missing"),
            pytest.param([], "missing", None, False, id="an empty array is not missing"),
        ],
    )
    def test_compares(self, seen: Json, operator: str, value: Json, expected: bool) -> None:
        assert said(all_of(leaf("event.x", operator, value)), {"x": seen}) is expected

    @pytest.mark.parametrize(
        ("seen", "operator", "value"),
        [
            pytest.param(None, "=", 5, id="null against a number"),
            pytest.param(None, "!=", 5, id="null is not even unequal"),
            pytest.param("5", "=", 5, id="a text against a number"),
            pytest.param("5", ">", 4, id="a text against a bound"),
            pytest.param(True, "=", 1, id="true is not the number 1"),
            pytest.param(1, "is", True, id="the number 1 is not true"),
            pytest.param(5, "=", "5", id="a number against a text"),
            pytest.param(5, "contains", "5", id="a number contains no text"),
            pytest.param(5, "notIn", ["5"], id="a number against a list of texts"),
            pytest.param(["ios"], "=", "ios", id="an array against a text"),
            pytest.param({"a": 1}, "!=", "ios", id="an object against a text"),
            pytest.param(Decimal("NaN"), "<", 5, id="a number that is none"),
        ],
    )
    def test_of_another_kind_is_unknown(self, seen: Json, operator: str, value: Json) -> None:
        assert said(all_of(leaf("event.x", operator, value)), {"x": seen}) is None

    @pytest.mark.parametrize(
        ("operator", "value"),
        [
            ("=", "STRASSE"),
            ("in", ["web", "STRASSE"]),
            ("contains", "ASS"),
            ("beginsWith", "STRA"),
            ("endsWith", "E"),
        ],
    )
    def test_ignores_case_where_told(self, operator: str, value: Json) -> None:
        tree = all_of(leaf("event.x", operator, value, case=False))
        assert said(tree, {"x": "Straße"}) is True

    def test_reads_attributes_of_the_customer(self) -> None:
        assert said(all_of(leaf("customer.tier", "=", "gold"))) is True

    def test_reads_keys_with_dots_whole(self) -> None:
        assert said(all_of(leaf("event.a.b", "=", 1)), {"a.b": 1, "a": {"b": 2}}) is True

    @pytest.mark.parametrize(
        ("zone", "tree"),
        [
            ("Europe/Berlin", all_of(leaf("time.hour", "=", 0), leaf("time.weekday", "=", 1))),
            ("UTC", all_of(leaf("time.hour", "=", "23"), leaf("time.weekday", "in", [6, 7]))),
        ],
    )
    def test_takes_hours_and_weekdays_in_the_zone(self, zone: str, tree: JsonObject) -> None:
        sunday_night = datetime(2026, 3, 8, 23, 30, tzinfo=UTC)
        seen = occurrence(at=sunday_night, zone=ZoneInfo(zone))
        assert read_condition(tree, "when").evaluate(seen) is True


class TestGroup:
    @pytest.mark.parametrize(
        ("tree", "expected"),
        [
            pytest.param(all_of(TRUE, TRUE), True, id="true and true is true"),
            pytest.param(all_of(TRUE, FALSE), False, id="true and false is false"),
            pytest.param(all_of(UNKNOWN, TRUE), None, id="unknown and true is unknown"),
            pytest.param(all_of(UNKNOWN, FALSE), False, id="unknown and false is false"),
            pytest.param(any_of(FALSE, FALSE), False, id="false or false is false"),
            pytest.param(any_of(FALSE, TRUE), True, id="false or true is true"),
            pytest.param(any_of(UNKNOWN, TRUE), True, id="unknown or true is true"),
            pytest.param(any_of(UNKNOWN, FALSE), None, id="unknown or false is unknown"),
            pytest.param(all_of(TRUE, negated=True), False, id="not true is false"),
            pytest.param(any_of(FALSE, negated=True), True, id="not false is true"),
            pytest.param(all_of(UNKNOWN, negated=True), None, id="not unknown is unknown"),
            pytest.param(
                any_of(FALSE, all_of(TRUE, any_of(FALSE, all_of(TRUE)))), True, id="groups nest"
            ),
        ],
    )
    def test_joins_three_values(self, tree: JsonObject, expected: bool | None) -> None:
        assert said(tree) is expected


class TestExplanation:
    def test_is_empty_where_the_condition_is_met(self) -> None:
        assert read_condition(all_of(TRUE), "when").explain(occurrence({"yes": True})) == []

    def test_names_what_failed_with_the_value_seen_and_wanted(self) -> None:
        tree = all_of(
            TRUE,
            any_of(leaf("event.brand", "=", "Private"), leaf("event.amount", ">", 5)),
            all_of(leaf("event.refund", "exists"), negated=True),
        )
        seen = occurrence({"yes": True, "brand": "National", "refund": 3})

        failed = read_condition(tree, "when").explain(seen)

        assert failed == [
            FailedLeaf(
                field="event.brand",
                operator="=",
                wanted="Private",
                seen="National",
                is_unknown=False,
                is_unwanted=False,
            ),
            FailedLeaf(
                field="event.amount",
                operator=">",
                wanted=5,
                seen=None,
                is_unknown=True,
                is_unwanted=False,
            ),
            FailedLeaf(
                field="event.refund",
                operator="exists",
                wanted=None,
                seen=3,
                is_unknown=False,
                is_unwanted=True,
            ),
        ]


class TestReading:
    @pytest.mark.parametrize(
        ("tree", "path", "message"),
        [
            pytest.param(
                leaf("event.x", "=", 1),
                "when.field",
                "when.field is not known; known here: combinator, rules, not.",
                id="a leaf alone is no group",
            ),
            pytest.param(
                all_of({"combinator": "and"}),
                "when.rules[0].rules",
                "when.rules[0].rules is missing.",
                id="a group needs rules",
            ),
            pytest.param(
                all_of(all_of()),
                "when.rules[0].rules",
                "when.rules[0].rules has 0 elements; from 1 to 40 are taken.",
                id="a group inside needs a rule",
            ),
            pytest.param(
                all_of({**leaf("event.x", "=", 1), "id": "r1"}),
                "when.rules[0].id",
                "when.rules[0].id is not known; known here: field, operator, value, case.",
                id="an unknown key is named",
            ),
            pytest.param(
                {"combinator": "xor", "rules": [TRUE]},
                "when.combinator",
                'when.combinator must be one of and, or, not "xor".',
                id="only and and or join",
            ),
            pytest.param(
                {"combinator": "and", "not": 1, "rules": [TRUE]},
                "when.not",
                "when.not must be true or false, not 1.",
                id="not is a boolean",
            ),
            pytest.param(
                all_of(leaf("brand", "=", 1)),
                "when.rules[0].field",
                "when.rules[0].field must be event.<key>, customer.<attribute>, time.hour or "
                'time.weekday, not "brand".',
                id="a field has a scope",
            ),
            pytest.param(
                all_of(leaf("event.x", "~", 1)),
                "when.rules[0].operator",
                f'when.rules[0].operator must be one of {", ".join(OPERATORS)}, not "~".',
                id="an unknown operator is named",
            ),
            pytest.param(
                all_of(leaf("event.x", "<", "many")),
                "when.rules[0].value",
                'when.rules[0].value must be a number, not "many".',
                id="a bound is a number",
            ),
            pytest.param(
                all_of(leaf("event.x", "=", Decimal("1e30"))),
                "when.rules[0].value",
                "when.rules[0].value must be below 10^30 and have at most 30 digits.",
                id="a number has its bounds",
            ),
            pytest.param(
                all_of(leaf("event.x", "between", [9, 5])),
                "when.rules[0].value",
                "when.rules[0].value must give the lower bound first.",
                id="between gives the lower bound first",
            ),
            pytest.param(
                all_of(leaf("event.x", "in", ["a", 1])),
                "when.rules[0].value",
                "when.rules[0].value must hold only texts or only numbers.",
                id="a list is of one kind",
            ),
            pytest.param(
                all_of(leaf("event.x", "contains", "")),
                "when.rules[0].value",
                "when.rules[0].value has 0 characters; from 1 to 2000 are taken.",
                id="every text contains nothing",
            ),
            pytest.param(
                all_of(leaf("event.x", "=", "a\x00")),
                "when.rules[0].value",
                "when.rules[0].value holds a character that can't be stored.",
                id="a text can be stored",
            ),
            pytest.param(
                all_of(leaf("event.x", "exists", True)),
                "when.rules[0].value",
                "when.rules[0].value has no meaning for this operator; leave it out.",
                id="exists takes no value",
            ),
            pytest.param(
                all_of(leaf("event.x", "=", 5, case=False)),
                "when.rules[0].case",
                "when.rules[0].case only goes with a comparison of texts.",
                id="numbers have no case",
            ),
            pytest.param(
                all_of(leaf("time.hour", "contains", "1")),
                "when.rules[0].value",
                "when.rules[0].value must be a number, as time.hour is one.",
                id="an hour is no text",
            ),
            pytest.param(
                all_of(all_of(all_of(all_of(all_of(TRUE))))),
                "when.rules[0].rules[0].rules[0].rules[0]",
                "when.rules[0].rules[0].rules[0].rules[0] is nested deeper than 4 levels of "
                "groups.",
                id="groups nest four deep",
            ),
            pytest.param(
                all_of(all_of(*[TRUE] * 21), all_of(*[TRUE] * 20)),
                "when",
                "when has 41 comparisons; at most 40 are taken.",
                id="a tree has forty leaves",
            ),
        ],
    )
    def test_refuses_with_the_path(self, tree: Json, path: str, message: str) -> None:
        with pytest.raises(RuleError) as refused:
            read_condition(tree, "when")
        assert (refused.value.path, str(refused.value)) == (path, message)

    def test_refuses_a_key_given_twice(self) -> None:
        tree = RepeatedKeys(all_of(TRUE))
        tree.repeated = "rules"
        with pytest.raises(RuleError, match=r"^when\.rules is given twice\.$"):
            read_condition(tree, "when")

    def test_takes_four_levels_and_forty_leaves(self) -> None:
        tree = all_of(all_of(all_of(all_of(*[TRUE] * 40))))
        assert said(tree) is True

    def test_keeps_every_digit_of_a_number(self) -> None:
        number = Decimal("0.123456789012345678901234567891")
        tree = all_of(leaf("event.x", "=", number))
        assert read_condition(tree, "when").source == tree
        assert said(tree, {"x": number}) is True

    def test_fills_defaults_in(self) -> None:
        bare: JsonObject = {
            "combinator": "and",
            "rules": [leaf("event.x", "<", "2.50", case=None), leaf("event.y", "exists")],
        }
        assert read_condition(bare, "when").source == {
            "combinator": "and",
            "not": False,
            "rules": [
                {"field": "event.x", "operator": "<", "value": Decimal("2.5")},
                {"field": "event.y", "operator": "exists"},
            ],
        }


class TestWords:
    @pytest.mark.parametrize(
        ("tree", "words"),
        [
            (all_of(leaf("event.brand", "=", "Private")), "brand is Private"),
            (all_of(leaf("event.brand", "=", "5")), "brand is “5”"),
            (all_of(leaf("event.brand", "=", "Häagen Dazs")), "brand is “Häagen Dazs”"),
            (all_of(leaf("event.paid", "!=", True)), "paid is not true"),
            (all_of(leaf("event.x", "between", [1, "2.5"])), "x is between 1 and 2.5"),
            (all_of(leaf("event.x", "in", ["a", "b c"])), "x is one of a, “b c”"),
            (all_of(leaf("customer.tier", "missing")), "the customer's tier is not given"),
            (
                all_of(leaf("event.os", "beginsWith", "ios", case=False)),
                "os begins with ios (in upper or lower case)",
            ),
            (
                any_of(all_of(TRUE, leaf("time.hour", "<", 9)), all_of(FALSE, negated=True)),
                "(yes is true and the local hour is below 9) or not (yes is false)",
            ),
        ],
    )
    def test_say_what_is_wanted(self, tree: JsonObject, words: str) -> None:
        assert describe_condition(read_condition(tree, "when")) == words
