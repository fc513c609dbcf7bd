"""Plain builders of definitions, occurrences and rulesets, as JSON and as the domain's values."""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from events.types import Json, JsonObject
from rewards.decide import Decision, Facts, LimitKey, Occurrence, RuleVersion, StreakVersion
from rewards.rules import read_definition, read_streak

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Berlin
ALICE = 7

DAILY: JsonObject = {"event": "buy", "period": "day", "milestones": [{"at": 1, "points": 5}]}

# Out of order, and as text or number: what a reader of tables must bear.
TABLE: JsonObject = {
    "field": "event.amount",
    "table": [
        {"from": "100", "points": 50},
        {"to": 20, "points": 0},
        {"from": 20, "to": 100, "points": 10},
    ],
}


def leaf(field: str, operator: str, value: Json = None, **rest: Json) -> JsonObject:
    tree: dict[str, Json] = {"field": field, "operator": operator, **rest}
    return tree if value is None else {**tree, "value": value}


def all_of(*nodes: Json, negated: bool = False) -> JsonObject:
    return {"combinator": "and", "not": negated, "rules": list(nodes)}


def any_of(*nodes: Json, negated: bool = False) -> JsonObject:
    return {"combinator": "or", "not": negated, "rules": list(nodes)}


def per_unit(points: Json = 2, per: Json = "1", **rest: Json) -> JsonObject:
    return {"per_unit": {"points": points, "per": per, "field": "event.amount", **rest}}


def limit(counter: str, n: int, *, over: str = "clip") -> JsonObject:
    """Return a limit, its counter told as "customer points day"."""
    per, of, window = counter.split()
    return {"per": per, "of": of, "window": window, "n": n, "over": over}


def definition(trigger: Json = "buy", award: Json = None, **rest: Json) -> JsonObject:
    return {"trigger": trigger, "award": {"fixed": 10} if award is None else award, **rest}


def occurrence(
    metadata: JsonObject | None = None,
    *,
    event: str = "buy",
    attributes: JsonObject | None = None,
    at: datetime = NOON,
    zone: ZoneInfo = BERLIN,
    customer_id: int = ALICE,
) -> Occurrence:
    return Occurrence(
        event=event,
        metadata=metadata or {},
        attributes=attributes or {},
        occurred_at=at,
        zone=zone,
        customer_id=customer_id,
    )


def rule(
    rule_id: int,
    tree: JsonObject,
    *,
    name: str = "",
    version_id: int = 0,
    since: datetime | None = None,
    until: datetime | None = None,
    is_shadow: bool = False,
) -> RuleVersion:
    return RuleVersion(
        rule_id=rule_id,
        version_id=version_id or rule_id * 10,
        name=name or f"rule {rule_id}",
        definition=read_definition(tree),
        in_force_from=since,
        in_force_until=until,
        is_shadow=is_shadow,
    )


def streak(
    streak_id: int,
    milestones: Iterable[tuple[int, int]] = (),
    *,
    name: str = "",
    event: str = "buy",
    period: str = "day",
    when: Json = None,
) -> StreakVersion:
    tree: JsonObject = {
        "event": event,
        "when": when,
        "period": period,
        "milestones": [{"at": at, "points": points} for at, points in milestones],
    }
    return StreakVersion(
        streak_id=streak_id,
        version_id=streak_id * 10,
        name=name or f"streak {streak_id}",
        definition=read_streak(tree),
    )


def facts_after(facts: Facts, decision: Decision) -> Facts:
    """Return the facts as the next decision finds them."""
    used: dict[LimitKey, int] = dict(facts.used)
    for award in decision.awards:
        for key, use in award.uses:
            used[key] = used.get(key, 0) + use
    runs = {**facts.runs, **{due.streak_id: due.runs for due in decision.streaks}}
    return Facts(used=used, runs=runs)
