"""Definitions, rulesets and occurrences as Hypothesis draws them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from rewards.decide import Ruleset
from tests.rewards.definitions import (
    limit,
    occurrence,
    per_unit,
    rule,
    streak,
)

numbers = st.one_of(
    st.integers(),
    st.integers(min_value=10**300, max_value=10**310),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [Decimal(text) for text in ("1e400", "-1e400", "1e999999", "1e-999999", "-0", "0e99999")]
    ),
)
texts = st.one_of(
    st.sampled_from(["", "Private", "private", "5", "true", "ß", "İ", "\x00", "\ud800"]),
    st.text(max_size=8),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
KEYS = ("amount", "brand", "yes")
objects = st.one_of(
    st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, json_values)),
    st.dictionaries(texts, json_values, max_size=4),
)
zones = st.sampled_from(["UTC", "Asia/Kathmandu", "Europe/Berlin", "Pacific/Apia"]).map(ZoneInfo)
moments = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
occurrences = st.builds(
    lambda metadata, attributes, at, zone: occurrence(
        metadata, attributes=attributes, at=at, zone=zone
    ),
    objects,
    objects,
    moments,
    zones,
)

# Definitions that must be taken.
exact = st.decimals(min_value=-1000, max_value=1000, places=2)
plain_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
short_texts = plain_texts.filter(bool).map(lambda text: text[:20])
fields = st.sampled_from([*(f"event.{key}" for key in KEYS), "customer.brand", "event.a.b"])
cases = st.sampled_from([{}, {"case": False}, {"case": True}])


def leaves_of(operators: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda field, operator, value: {"field": field, "operator": operator, "value": value},
        fields,
        st.sampled_from(operators),
        values,
    )


text_leaves = st.one_of(
    leaves_of(["=", "!=", "contains", "beginsWith", "endsWith"], short_texts),
    leaves_of(["in", "notIn"], st.lists(short_texts, min_size=1, max_size=3)),
)
leaves: st.SearchStrategy[Any] = st.one_of(
    leaves_of(["=", "!=", "<", "<=", ">", ">="], exact),
    leaves_of(["<", ">="], exact.map(str)),
    leaves_of(["between", "notBetween"], st.lists(exact, min_size=2, max_size=2).map(sorted)),
    leaves_of(["in", "notIn"], st.lists(exact, min_size=1, max_size=3)),
    leaves_of(["=", "!=", "is"], st.booleans()),
    st.builds(lambda leaf, case: {**leaf, **case}, text_leaves, cases),
    st.builds(
        lambda field, operator: {"field": field, "operator": operator},
        fields,
        st.sampled_from(["exists", "missing"]),
    ),
    st.builds(
        lambda field, operator, value: {"field": field, "operator": operator, "value": value},
        st.sampled_from(["time.hour", "time.weekday"]),
        st.sampled_from(["=", "!=", "<", ">="]),
        st.integers(0, 23),
    ),
)


def groups(level: int) -> st.SearchStrategy[Any]:
    nodes = leaves if level == 4 else st.one_of(leaves, groups(level + 1))
    return st.fixed_dictionaries(
        {
            "combinator": st.sampled_from(["and", "or"]),
            "rules": st.lists(nodes, min_size=1, max_size=2),
        },
        optional={"not": st.booleans()},
    )


conditions = groups(1)
rates = st.decimals(min_value="0.01", max_value=1000, places=2)
bounds = st.tuples(st.integers(0, 50), st.integers(50, 10**9))
per_unit_awards = st.builds(
    lambda points, per, step, rounding, bound, bounded: per_unit(
        str(points),
        per,
        step=step,
        rounding=rounding,
        **(dict(zip(("min", "max"), bound, strict=True)) if bounded else {}),
    ),
    rates,
    rates,
    st.sampled_from(["exact", "whole"]),
    st.sampled_from(["floor", "half_up", "ceil"]),
    bounds,
    st.booleans(),
)
awards: st.SearchStrategy[Any] = st.one_of(
    st.integers(1, 50).map(lambda points: {"fixed": points}),
    per_unit_awards,
    st.just(
        {
            "field": "event.amount",
            "table": [{"to": 10, "points": 1}, {"from": "10.5", "points": 9}],
        }
    ),
)
limit_lists = st.lists(
    st.builds(
        lambda per, of, window, n, over: limit(f"{per} {of} {window}", n, over=over),
        st.sampled_from(["customer", "rule", "project"]),
        st.sampled_from(["points", "times"]),
        st.sampled_from(["day", "week", "month", "lifetime"]),
        st.integers(1, 60),
        st.sampled_from(["clip", "refuse"]),
    ),
    max_size=3,
    unique_by=lambda one: (one["per"], one["of"], one["window"]),
)
triggers = st.sampled_from(["buy", {"streak": "visits", "milestone": 2}])
definitions: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"trigger": triggers, "award": awards},
    optional={"when": st.one_of(st.none(), conditions), "limits": limit_lists},
)
streaks: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"event": st.just("buy"), "period": st.sampled_from(["day", "week", "month"])},
    optional={
        "when": conditions,
        "milestones": st.lists(
            st.fixed_dictionaries({"at": st.integers(1, 9), "points": st.integers(0, 99)}),
            max_size=3,
            unique_by=lambda one: one["at"],
        ),
    },
)
rulesets = st.lists(definitions, min_size=1, max_size=4).map(
    lambda trees: Ruleset.of(
        [rule(number + 1, tree) for number, tree in enumerate(trees)],
        [streak(1, [(2, 20), (3, 30)], name="visits")],
    )
)
