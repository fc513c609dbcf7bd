"""Conditions over one occurrence: groups of comparisons in three-valued logic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from events.types import Json, JsonObject
from rewards.fields import Field, Occurrence, read_field
from rewards.operators import OPERATORS, VALUE_SCHEMA, Draft
from rewards.reading import (
    RuleError,
    inner,
    quoted,
    read_choice,
    read_flag,
    read_list,
    read_object,
)

DEPTH_LEVELS = 4  # deeper trees are not understood by the person who must answer for them
LEAVES = 40

Combinator: TypeAlias = Literal["and", "or"]
Test: TypeAlias = Callable[[Occurrence], bool | None]

COMBINATORS: tuple[Combinator, ...] = ("and", "or")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One comparison; `wanted` is None where the operator takes no value."""

    field: Field
    operator: str
    wanted: Json
    is_cased: bool
    test: Test


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Nodes joined by and/or, the result turned round where `is_negated`."""

    combinator: Combinator
    is_negated: bool
    nodes: "tuple[Leaf | Group, ...]"
    test: Test


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedLeaf:
    """A comparison that kept a condition from being met, with the value seen and the one wanted.

    `is_unknown`: the value was absent, null or of another kind. `is_unwanted`: a `not` around the
    leaf wanted it to be false.
    """

    field: str
    operator: str
    wanted: Json
    seen: Json
    is_unknown: bool
    is_unwanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A compiled tree of comparisons; equal trees are equal conditions.

    `source` is the tree in the react-querybuilder's JSON, defaults filled in.
    """

    source: JsonObject
    root: Group = field(compare=False, repr=False)

    def evaluate(self, occurrence: Occurrence) -> bool | None:
        """Return whether it is met; None is unknown, which does not pay."""
        return self.root.test(occurrence)

    def explain(self, occurrence: Occurrence) -> list[FailedLeaf]:
        """Return the leaves that kept it from being met; none where it is met."""
        return _failures(self.root, occurrence, wanted=True)


def read_condition(tree: Json, path: str) -> Condition:
    """Return the compiled condition; raise RuleError where the tree is not one."""
    root = _read_group(tree, path, level=1)
    leaves = _leaf_count(root)
    if leaves > LEAVES:
        raise RuleError(path, f"has {leaves} comparisons; at most {LEAVES} are taken")
    return Condition(source=_group_json(root), root=root)


def describe_condition(condition: Condition) -> str:
    """Return the condition in words: "brand is Private and amount is above 5"."""
    return _group_words(condition.root)


def _read_group(tree: Json, path: str, *, level: int) -> Group:
    if level > DEPTH_LEVELS:
        raise RuleError(path, f"is nested deeper than {DEPTH_LEVELS} levels of groups")
    given = read_object(tree, path, required=("combinator", "rules"), optional=("not",))
    combinator = read_choice(given["combinator"], inner(path, "combinator"), COMBINATORS)
    negation = given.get("not")
    is_negated = negation is not None and read_flag(negation, inner(path, "not"))
    nodes = read_list(
        given["rules"],
        inner(path, "rules"),
        lambda node, node_path: _read_node(node, node_path, level=level + 1),
        least=1,
        most=LEAVES,
    )
    joined = (_any if combinator == "or" else _all)(tuple(node.test for node in nodes))
    return Group(
        combinator=combinator,
        is_negated=is_negated,
        nodes=nodes,
        test=_opposite(joined) if is_negated else joined,
    )


def _read_node(node: Json, path: str, *, level: int) -> Leaf | Group:
    if isinstance(node, Mapping) and "field" not in node:
        return _read_group(node, path, level=level)
    return _read_leaf(node, path)


def _all(tests: tuple[Test, ...]) -> Test:
    def test(occurrence: Occurrence) -> bool | None:
        result: bool | None = True
        for one in tests:
            match one(occurrence):
                case False:
                    return False
                case None:
                    result = None
        return result

    return test


def _any(tests: tuple[Test, ...]) -> Test:
    def test(occurrence: Occurrence) -> bool | None:
        result: bool | None = False
        for one in tests:
            match one(occurrence):
                case True:
                    return True
                case None:
                    result = None
        return result

    return test


def _opposite(test: Test) -> Test:
    def negated(occurrence: Occurrence) -> bool | None:
        result = test(occurrence)
        return None if result is None else not result

    return negated


def _leaf_count(group: Group) -> int:
    return sum(_leaf_count(node) if isinstance(node, Group) else 1 for node in group.nodes)


def _read_leaf(node: Json, path: str) -> Leaf:
    given = read_object(node, path, required=("field", "operator"), optional=("value", "case"))
    looked_at = read_field(given["field"], inner(path, "field"))
    operator = read_choice(given["operator"], inner(path, "operator"), tuple(OPERATORS))
    case = given.get("case")
    draft = Draft(
        field=looked_at,
        value=given.get("value"),
        path=inner(path, "value"),
        is_cased=None if case is None else read_flag(case, inner(path, "case")),
    )
    comparison = OPERATORS[operator].read(draft)
    if draft.is_cased is not None and not comparison.is_text:
        raise RuleError(inner(path, "case"), "only goes with a comparison of texts")
    if comparison.is_text and looked_at.is_number:
        raise RuleError(draft.path, f"must be a number, as {looked_at.name} is one")
    judge, seen = comparison.judge, looked_at.seen
    return Leaf(
        field=looked_at,
        operator=operator,
        wanted=comparison.wanted,
        is_cased=draft.is_cased is not False,
        test=lambda occurrence: judge(seen(occurrence)),
    )


def _group_json(group: Group) -> JsonObject:
    return {
        "combinator": group.combinator,
        "not": group.is_negated,
        "rules": [
            _group_json(node) if isinstance(node, Group) else _leaf_json(node)
            for node in group.nodes
        ],
    }


def _leaf_json(leaf: Leaf) -> JsonObject:
    tree: dict[str, Json] = {"field": leaf.field.name, "operator": leaf.operator}
    if leaf.wanted is not None:
        tree["value"] = leaf.wanted
    if not leaf.is_cased:
        tree["case"] = False
    return tree


def _failures(node: Leaf | Group, occurrence: Occurrence, *, wanted: bool) -> list[FailedLeaf]:
    """Return the leaves below that kept the node from being what was wanted of it."""
    result = node.test(occurrence)
    if result is wanted:
        return []
    if isinstance(node, Group):
        inside = wanted is not node.is_negated
        return [leaf for one in node.nodes for leaf in _failures(one, occurrence, wanted=inside)]
    return [
        FailedLeaf(
            field=node.field.name,
            operator=node.operator,
            wanted=node.wanted,
            seen=node.field.seen(occurrence),
            is_unknown=result is None,
            is_unwanted=not wanted,
        )
    ]


def _group_words(group: Group) -> str:
    words = f" {group.combinator} ".join(_node_words(node) for node in group.nodes)
    return f"not ({words})" if group.is_negated else words


def _node_words(node: Leaf | Group) -> str:
    if isinstance(node, Leaf):
        return _leaf_words(node)
    words = _group_words(node)
    return words if node.is_negated or len(node.nodes) == 1 else f"({words})"


def _leaf_words(leaf: Leaf) -> str:
    words = f"{leaf.field.words} {OPERATORS[leaf.operator].words}"
    match leaf.wanted:
        case None:
            pass
        case [low, high] if leaf.operator in ("between", "notBetween"):
            words += f" {quoted(low)} and {quoted(high)}"
        case list() as listed:
            words += f" {', '.join(quoted(value) for value in listed)}"
        case value:
            words += f" {quoted(value)}"
    return words if leaf.is_cased else f"{words} (in upper or lower case)"


_LEAF_SCHEMA: JsonObject = {
    "type": "object",
    "required": ["field", "operator"],
    "additionalProperties": False,
    "properties": {
        "field": {
            "type": "string",
            "pattern": r"^((event|customer)\..+|time\.(hour|weekday))$",
        },
        "operator": {"enum": list(OPERATORS)},
        "value": VALUE_SCHEMA,
        "case": {"type": ["boolean", "null"], "default": True},
    },
}

CONDITION_SCHEMA: JsonObject = {
    "type": "object",
    "required": ["combinator", "rules"],
    "additionalProperties": False,
    "properties": {
        "combinator": {"enum": list(COMBINATORS)},
        "not": {"type": ["boolean", "null"], "default": False},
        "rules": {
            "type": "array",
            "maxItems": LEAVES,
            "items": {"anyOf": [_LEAF_SCHEMA, {"$ref": "#/$defs/condition"}]},
        },
    },
}
"""A group as JSON Schema, to stand at #/$defs/condition; depth and leaves are checked besides."""
