"""Definitions of rules and streaks: read from JSON, checked, told in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from events.limits import NAME_CHARACTERS, POINTS_PER_AWARD
from events.types import Json, JsonObject
from rewards.awards import (
    AWARD_SCHEMA,
    Award,
    FixedAward,
    PerUnitAward,
    TableAward,
    award_json,
    describe_award,
    points_words,
    read_award,
)
from rewards.conditions import (
    COMBINATORS,
    CONDITION_SCHEMA,
    Condition,
    describe_condition,
    read_condition,
)
from rewards.reading import (
    RuleError,
    inner,
    quoted,
    read_choice,
    read_choice_or_first,
    read_flag,
    read_list,
    read_object,
    read_text,
    read_whole,
)
from rewards.windows import Period, Window

__all__ = [
    "ANY_EVENT",
    "RULE_SCHEMA",
    "Award",
    "Condition",
    "Definition",
    "FixedAward",
    "Limit",
    "Milestone",
    "Of",
    "Over",
    "Per",
    "PerUnitAward",
    "Period",
    "RuleError",
    "StreakDefinition",
    "StreakTrigger",
    "TableAward",
    "Window",
    "describe",
    "describe_streak",
    "read_definition",
    "read_streak",
]

# The streak's event that stands for each of them.
ANY_EVENT = "*"

LIMITS_PER_RULE = 20
MILESTONES_PER_STREAK = 100
MILESTONE_PERIODS = 100_000  # 273 years of days
LIMIT_MOST = 10**15  # summed over every limit it still fits 64 bits

Of: TypeAlias = Literal["points", "times"]
Per: TypeAlias = Literal["customer", "rule", "project"]
Over: TypeAlias = Literal["clip", "refuse"]

OFS: tuple[Of, ...] = ("points", "times")
PERS: tuple[Per, ...] = ("customer", "rule", "project")
WINDOWS: tuple[Window, ...] = ("day", "week", "month", "lifetime")
OVERS: tuple[Over, ...] = ("clip", "refuse")
PERIODS: tuple[Period, ...] = ("day", "week", "month")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `n` points or times per scope and window; what is over is clipped or refused."""

    per: Per
    of: Of
    window: Window
    n: int
    over: Over


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakTrigger:
    """The moment at which a streak's run reaches `milestone` periods."""

    streak: str
    milestone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a rule says. `trigger` is the name of an event type or a streak's milestone;
    `source` is the JSON with defaults filled in, equal for equal definitions."""

    trigger: str | StreakTrigger
    when: Condition | None
    award: Award
    limits: tuple[Limit, ...]
    source: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """Points for a run of `at` periods."""

    at: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakDefinition:
    """What a streak says: a period is active where one event of the type, or of any type where
    that is ANY_EVENT, meets `when`.

    Milestones come in ascending order; `source` as in Definition.
    """

    event: str
    when: Condition | None
    period: Period
    milestones: tuple[Milestone, ...]
    source: JsonObject


def read_definition(definition: Json) -> Definition:
    """Return the checked and compiled rule; raise RuleError where it can't be used."""
    given = read_object(definition, "", required=("trigger", "award"), optional=("when", "limits"))
    trigger = _read_trigger(given["trigger"], "trigger")
    when = _read_when(given.get("when"), "when")
    award = read_award(given["award"], "award")
    limits = _read_limits(given.get("limits"), "limits")
    source: JsonObject = {
        "trigger": _trigger_json(trigger),
        "when": when.source if when else None,
        "award": award_json(award),
        "limits": [_limit_json(limit) for limit in limits],
    }
    return Definition(trigger=trigger, when=when, award=award, limits=limits, source=source)


def read_streak(definition: Json) -> StreakDefinition:
    """Return the checked and compiled streak; raise RuleError where it can't be used."""
    given = read_object(
        definition, "", required=("event", "period"), optional=("when", "milestones")
    )
    event = read_text(given["event"], "event", most=NAME_CHARACTERS)
    when = _read_when(given.get("when"), "when")
    period = read_choice(given["period"], "period", PERIODS)
    milestones = _read_milestones(given.get("milestones"), "milestones")
    source: JsonObject = {
        "event": event,
        "when": when.source if when else None,
        "period": period,
        "milestones": [{"at": one.at, "points": one.points} for one in milestones],
    }
    return StreakDefinition(
        event=event, when=when, period=period, milestones=milestones, source=source
    )


def describe(definition: Definition) -> str:
    """Return the rule as one sentence for the person who answers for it."""
    gift = describe_award(definition.award)
    comma = "," if "," in gift else ""
    words = f"Gives {gift}{comma} {_trigger_words(definition.trigger)}"
    if definition.when:
        words += f", only when {describe_condition(definition.when)}"
    return "; ".join([words, *(_limit_words(limit) for limit in definition.limits)]) + "."


def describe_streak(definition: StreakDefinition) -> str:
    """Return the streak as one sentence."""
    period = definition.period
    event = "any event" if definition.event == ANY_EVENT else quoted(definition.event)
    words = f"Counts {period}s in a row with {event}"
    if definition.when:
        words += f", only when {describe_condition(definition.when)}"
    steps = [
        f"{points_words(one.points)} at {one.at} {period}{'' if one.at == 1 else 's'}"
        for one in definition.milestones
    ]
    return f"{words}; gives {', '.join(steps)}." if steps else f"{words}."


def _trigger_words(trigger: str | StreakTrigger) -> str:
    if isinstance(trigger, str):
        return f"for each {quoted(trigger)}"
    return f"each time the streak {quoted(trigger.streak)} reaches {trigger.milestone}"


def _limit_words(limit: Limit) -> str:
    most = points_words(limit.n) if limit.of == "points" else _times_words(limit.n)
    over = _OVER_WORDS[limit.of, limit.over]
    return f"at most {most} {_PER_WORDS[limit.per]} {_WINDOW_WORDS[limit.window]}; {over}"


def _times_words(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


_PER_WORDS: Mapping[Per, str] = {
    "customer": "per customer",
    "rule": "for all customers together",
    "project": "for all rules of the project that share this budget",
}
_WINDOW_WORDS: Mapping[Window, str] = {
    "day": "per calendar day",
    "week": "per calendar week",
    "month": "per calendar month",
    "lifetime": "in total",
}
_OVER_WORDS: Mapping[tuple[Of, Over], str] = {
    ("points", "clip"): "what is over is dropped",
    ("points", "refuse"): "an award that would go over gives nothing",
    ("times", "clip"): "further ones give nothing",
    ("times", "refuse"): "further ones give nothing",
}


def _read_trigger(value: Json, path: str) -> str | StreakTrigger:
    if not isinstance(value, Mapping):
        return read_text(value, path, most=NAME_CHARACTERS)
    if "challenge" in value:
        raise RuleError(inner(path, "challenge"), "can't be used yet; name an event or a streak")
    given = read_object(value, path, required=("streak", "milestone"))
    return StreakTrigger(
        streak=read_text(given["streak"], inner(path, "streak"), most=NAME_CHARACTERS),
        milestone=_read_periods(given["milestone"], inner(path, "milestone")),
    )


def _trigger_json(trigger: str | StreakTrigger) -> Json:
    if isinstance(trigger, str):
        return trigger
    return {"streak": trigger.streak, "milestone": trigger.milestone}


def _read_when(value: Json, path: str) -> Condition | None:
    # A builder in which nobody has added a row yet sends an empty group: no condition.
    if value is None or (isinstance(value, Mapping) and _is_empty_group(value, path)):
        return None
    return read_condition(value, path)


def _is_empty_group(value: JsonObject, path: str) -> bool:
    if value.get("rules") != [] or value.get("not") is True:
        return False
    given = read_object(value, path, required=("combinator", "rules"), optional=("not",))
    read_choice(given["combinator"], inner(path, "combinator"), COMBINATORS)
    if given.get("not") is not None:
        read_flag(given["not"], inner(path, "not"))
    return True


def _read_limits(value: Json, path: str) -> tuple[Limit, ...]:
    if value is None:
        return ()
    limits = read_list(value, path, _read_limit, most=LIMITS_PER_RULE)
    counters = [(limit.per, limit.of, limit.window) for limit in limits]
    for index, counter in enumerate(counters):
        if counter in counters[:index]:
            raise RuleError(
                f"{path}[{index}]", f"counts the same as another limit: {' '.join(counter)}"
            )
    return limits


def _read_limit(value: Json, path: str) -> Limit:
    given = read_object(value, path, required=("per", "of", "window", "n"), optional=("over",))
    return Limit(
        per=read_choice(given["per"], inner(path, "per"), PERS),
        of=read_choice(given["of"], inner(path, "of"), OFS),
        window=read_choice(given["window"], inner(path, "window"), WINDOWS),
        n=read_whole(given["n"], inner(path, "n"), least=1, most=LIMIT_MOST),
        over=read_choice_or_first(given.get("over"), inner(path, "over"), OVERS),
    )


def _limit_json(limit: Limit) -> JsonObject:
    return {
        "per": limit.per,
        "of": limit.of,
        "window": limit.window,
        "n": limit.n,
        "over": limit.over,
    }


def _read_milestones(value: Json, path: str) -> tuple[Milestone, ...]:
    if value is None:
        return ()
    given = read_list(value, path, _read_milestone, most=MILESTONES_PER_STREAK)
    milestones = tuple(sorted(given, key=lambda milestone: milestone.at))
    for milestone, following in pairwise(milestones):
        if milestone.at == following.at:
            raise RuleError(path, f"names the milestone {milestone.at} twice")
    return milestones


def _read_milestone(value: Json, path: str) -> Milestone:
    given = read_object(value, path, required=("at", "points"))
    return Milestone(
        at=_read_periods(given["at"], inner(path, "at")),
        points=read_whole(given["points"], inner(path, "points"), least=0, most=POINTS_PER_AWARD),
    )


def _read_periods(value: Json, path: str) -> int:
    return read_whole(value, path, least=1, most=MILESTONE_PERIODS)


_LIMIT_SCHEMA: JsonObject = {
    "type": "object",
    "required": ["per", "of", "window", "n"],
    "additionalProperties": False,
    "properties": {
        "per": {"enum": list(PERS)},
        "of": {"enum": list(OFS)},
        "window": {"enum": list(WINDOWS)},
        "n": {"type": ["integer", "string"], "minimum": 1, "maximum": LIMIT_MOST},
        "over": {"enum": [*OVERS, None], "default": OVERS[0]},
    },
}
_NAME_SCHEMA: JsonObject = {"type": "string", "minLength": 1, "maxLength": NAME_CHARACTERS}
_TRIGGER_SCHEMA: JsonObject = {
    "type": "object",
    "required": ["streak", "milestone"],
    "additionalProperties": False,
    "properties": {
        "streak": _NAME_SCHEMA,
        "milestone": {"type": ["integer", "string"], "minimum": 1, "maximum": MILESTONE_PERIODS},
    },
}

RULE_SCHEMA: JsonObject = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Definition of a reward rule",
    "type": "object",
    "required": ["trigger", "award"],
    "additionalProperties": False,
    "properties": {
        "trigger": {"anyOf": [_NAME_SCHEMA, _TRIGGER_SCHEMA]},
        "when": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/condition"}]},
        "award": AWARD_SCHEMA,
        "limits": {"type": ["array", "null"], "maxItems": LIMITS_PER_RULE, "items": _LIMIT_SCHEMA},
    },
    "$defs": {"condition": CONDITION_SCHEMA},
}
"""What a definition may hold, for builders and for the documentation."""
