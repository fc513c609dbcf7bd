"""The decision: what one occurrence earns, given the facts and the rules in force."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import chain, groupby
from typing import TypeVar

from events.types import JsonObject
from rewards.awards import Worth
from rewards.conditions import Condition
from rewards.fields import Occurrence
from rewards.rules import (
    ANY_EVENT,
    Definition,
    Limit,
    Milestone,
    Of,
    StreakDefinition,
    StreakTrigger,
    Window,
)
from rewards.streaks import Runs, current, longest, milestones_crossed, with_active
from rewards.windows import local_date, period_index, window_start

__all__ = [
    "AwardDue",
    "Decision",
    "Facts",
    "LimitKey",
    "Occurrence",
    "RuleVersion",
    "Ruleset",
    "StreakDue",
    "StreakVersion",
    "decide",
    "limit_keys",
    "streak_ids",
]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LimitKey:
    """One counter. `rule_id` is 0 for a budget that the project's rules share, `customer_id` 0
    where customers share it; `starts` is the first local day of the window.

    The order of keys is the order in which counters are to be locked.
    """

    rule_id: int
    customer_id: int
    of: Of
    window: Window
    starts: date


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersion:
    """A rule as published: in force from `in_force_from` (None: always) until the next version,
    and not after `in_force_until`. A shadow is evaluated and pays nothing."""

    rule_id: int
    version_id: int
    name: str
    definition: Definition
    in_force_from: datetime | None
    in_force_until: datetime | None
    is_shadow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakVersion:
    """A streak as published, in force from `in_force_from` (None: always)."""

    streak_id: int
    version_id: int
    name: str
    definition: StreakDefinition
    in_force_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """Every version that may be in force, found by what triggers it.

    Each inner tuple holds the versions of one rule or streak, the latest first; the outer ones
    are in order of name and id, which is the order of deciding.
    """

    rules_by_event: Mapping[str, tuple[tuple[RuleVersion, ...], ...]]
    rules_by_streak: Mapping[str, tuple[tuple[RuleVersion, ...], ...]]
    streaks_by_event: Mapping[str, tuple[tuple[StreakVersion, ...], ...]]
    # Those for which a rule with limits may come into question, so that all others need no look.
    limited_events: frozenset[str]

    @classmethod
    def of(cls, rules: Iterable[RuleVersion], streaks: Iterable[StreakVersion]) -> "Ruleset":
        """Return the ruleset of these versions, given in any order."""
        by_rule = _by_identity(rules, lambda rule: rule.rule_id)
        by_streak = _by_identity(streaks, lambda streak: streak.streak_id)
        return cls(
            rules_by_event=_indexed(by_rule, _event_of),
            rules_by_streak=_indexed(by_rule, _streak_of),
            streaks_by_event=_indexed(by_streak, lambda streak: streak.definition.event),
            limited_events=frozenset(_limited(by_rule, by_streak)),
        )

    def rules_on(self, occurrence: Occurrence) -> Iterator[RuleVersion]:
        """Yield the rules in force that the event triggers."""
        for versions in self.rules_by_event.get(occurrence.event, ()):
            rule = _rule_in_force(versions, occurrence.occurred_at)
            if rule and rule.definition.trigger == occurrence.event:
                yield rule

    def rules_at(self, streak: str, occurrence: Occurrence) -> Iterator[tuple[RuleVersion, int]]:
        """Yield the rules in force that a milestone of the streak triggers, with its periods."""
        for versions in self.rules_by_streak.get(streak, ()):
            rule = _rule_in_force(versions, occurrence.occurred_at)
            if rule is None:
                continue
            trigger = rule.definition.trigger
            if isinstance(trigger, StreakTrigger) and trigger.streak == streak:
                yield rule, trigger.milestone

    def _streaks_named(self, event: str) -> Sequence[tuple[StreakVersion, ...]]:
        """Return the streaks of which a version counts the event, in the order of deciding."""
        named = self.streaks_by_event.get(event, ())
        of_any = self.streaks_by_event.get(ANY_EVENT)
        if not of_any:
            return named
        by_id = {versions[0].streak_id: versions for versions in (*named, *of_any)}
        return sorted(by_id.values(), key=lambda each: (each[0].name, each[0].streak_id))

    def streaks_on(self, occurrence: Occurrence) -> Iterator[StreakVersion]:
        """Yield the streaks in force for which the event makes its period active."""
        for versions in self._streaks_named(occurrence.event):
            streak = _in_force(versions, occurrence.occurred_at)
            if (
                streak
                and streak.definition.event in (occurrence.event, ANY_EVENT)
                and _is_met(streak.definition.when, occurrence)
            ):
                yield streak


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What had been earned before: use of each counter (absent is 0), runs of each streak."""

    used: Mapping[LimitKey, int] = field(default_factory=dict)
    runs: Mapping[int, Runs] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardDue:
    """What one rule gives: `points` after limits, `desired` before them.

    `uses` says by how much each counter grows; the trace holds each number on the way.
    """

    rule_id: int
    version_id: int
    rule: str
    points: int
    desired: int
    uses: tuple[tuple[LimitKey, int], ...]
    trace: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakDue:
    """A streak that the event touched: its state after, the milestones it crosses just now."""

    streak_id: int
    version_id: int
    streak: str
    runs: Runs
    current: int
    longest: int
    milestone_reached: bool
    milestones: tuple[Milestone, ...]
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Everything that one occurrence earns; `shadow` is what rules in shadow would have given,
    were no counter used yet."""

    awards: tuple[AwardDue, ...]
    streaks: tuple[StreakDue, ...]
    shadow: tuple[AwardDue, ...] = ()


def decide(occurrence: Occurrence, facts: Facts, ruleset: Ruleset) -> Decision:
    """Return what the occurrence earns: streaks first, then rules on the event, then rules on
    milestones, each in order; a later rule sees what an earlier one used. Never raises.
    """
    streaks = [
        (streak, facts.runs.get(streak.streak_id, ())) for streak in ruleset.streaks_on(occurrence)
    ]
    dues = tuple(_streak_due(streak, runs, occurrence) for streak, runs in streaks)
    triggered: list[tuple[RuleVersion, JsonObject]] = [
        (rule, {}) for rule in ruleset.rules_on(occurrence)
    ]
    for (streak, runs), due in zip(streaks, dues, strict=True):
        index = _period(streak, occurrence)
        for rule, at in ruleset.rules_at(streak.name, occurrence):
            # The rule's own milestone counts, whether or not the streak itself pays for it.
            if milestones_crossed(runs, due.runs, index, (Milestone(at=at, points=0),)):
                triggered.append((rule, {"streak": streak.name, "milestone": at}))
    awards, shadow = _awards_due(triggered, occurrence, facts)
    return Decision(awards=awards, streaks=dues, shadow=shadow)


def limit_keys(occurrence: Occurrence, ruleset: Ruleset) -> frozenset[LimitKey]:
    """Return every counter that `decide` may read or use, those of milestone rules included."""
    if not ruleset.limited_events & {occurrence.event, ANY_EVENT}:
        return frozenset()
    rules = [*ruleset.rules_on(occurrence)]
    for streak in ruleset.streaks_on(occurrence):
        rules += [rule for rule, _ in ruleset.rules_at(streak.name, occurrence)]
    return frozenset(
        key
        for rule in rules
        if rule.definition.limits and not rule.is_shadow
        # A counter is locked for long: not for a rule whose condition isn't even met.
        if _is_met(rule.definition.when, occurrence)
        for key in _keys(rule, occurrence)
    )


def streak_ids(occurrence: Occurrence, ruleset: Ruleset) -> frozenset[int]:
    """Return the streaks that the occurrence touches."""
    return frozenset(streak.streak_id for streak in ruleset.streaks_on(occurrence))


def _awards_due(
    triggered: Iterable[tuple[RuleVersion, JsonObject]], occurrence: Occurrence, facts: Facts
) -> tuple[tuple[AwardDue, ...], tuple[AwardDue, ...]]:
    awards: list[AwardDue] = []
    shadow: list[AwardDue] = []
    # Only what this occurrence uses: the facts may hold the counters of thousands of customers.
    used: dict[LimitKey, int] = {}
    for rule, trace in triggered:
        if rule.is_shadow:
            due = _award_due(rule, occurrence, _nothing_used)
            shadow += [_with_trigger(due, trace)] if due else []
            continue
        due = _award_due(rule, occurrence, lambda key: used.get(key, 0) + facts.used.get(key, 0))
        if due:
            awards.append(_with_trigger(due, trace))
            for key, use in due.uses:
                used[key] = used.get(key, 0) + use
    return tuple(awards), tuple(shadow)


def _with_trigger(due: AwardDue, trace: JsonObject) -> AwardDue:
    return replace(due, trace={**trace, **due.trace}) if trace else due


def _nothing_used(key: LimitKey) -> int:
    return 0


def _award_due(
    rule: RuleVersion, occurrence: Occurrence, used: Callable[[LimitKey], int]
) -> AwardDue | None:
    definition = rule.definition
    if not _is_met(definition.when, occurrence):
        return None
    worth = definition.award.worth(occurrence)
    if worth is None or worth.points == 0:
        return None
    if not definition.limits:
        return _due(rule, worth, points=worth.points)
    keys = _keys(rule, occurrence)
    rooms = [
        max(limit.n - used(key), 0) for limit, key in zip(definition.limits, keys, strict=True)
    ]
    grants = [
        _granted(worth.points, limit, room)
        for limit, room in zip(definition.limits, rooms, strict=True)
    ]
    points = min(grants)
    return _due(
        rule,
        worth,
        points=points,
        uses=tuple((key, points if key.of == "points" else 1) for key in keys if points > 0),
        steps=[
            _limit_step(limit, room, grant)
            for limit, room, grant in zip(definition.limits, rooms, grants, strict=True)
        ],
    )


def _due(
    rule: RuleVersion,
    worth: Worth,
    *,
    points: int,
    uses: tuple[tuple[LimitKey, int], ...] = (),
    steps: Sequence[JsonObject] = (),
) -> AwardDue:
    return AwardDue(
        rule_id=rule.rule_id,
        version_id=rule.version_id,
        rule=rule.name,
        points=points,
        desired=worth.points,
        uses=uses,
        trace={
            **worth.trace,
            "desired": worth.points,
            "limits": list(steps),
            "granted": points,
        },
    )


def _granted(desired: int, limit: Limit, room: int) -> int:
    """Return what one limit leaves of the points."""
    if limit.of == "times":
        return desired if room > 0 else 0
    if limit.over == "refuse":
        return desired if desired <= room else 0
    return min(desired, room)


def _limit_step(limit: Limit, room: int, grant: int) -> JsonObject:
    return {
        "per": limit.per,
        "of": limit.of,
        "window": limit.window,
        "n": limit.n,
        "over": limit.over,
        "room": room,
        "leaves": grant,
    }


def _keys(rule: RuleVersion, occurrence: Occurrence) -> list[LimitKey]:
    """Return the counter of each limit of the rule, in the limits' order."""
    today = local_date(occurrence.occurred_at, occurrence.zone)
    return [
        LimitKey(
            rule_id=0 if limit.per == "project" else rule.rule_id,
            customer_id=occurrence.customer_id if limit.per == "customer" else 0,
            of=limit.of,
            window=limit.window,
            starts=window_start(today, limit.window),
        )
        for limit in rule.definition.limits
    ]


def _streak_due(streak: StreakVersion, before: Runs, occurrence: Occurrence) -> StreakDue:
    index = _period(streak, occurrence)
    after = with_active(before, index)
    crossed = milestones_crossed(before, after, index, streak.definition.milestones)
    return StreakDue(
        streak_id=streak.streak_id,
        version_id=streak.version_id,
        streak=streak.name,
        runs=after,
        current=current(after),
        longest=longest(after),
        milestone_reached=bool(crossed),
        milestones=crossed,
        points=sum(milestone.points for milestone in crossed),
    )


def _period(streak: StreakVersion, occurrence: Occurrence) -> int:
    today = local_date(occurrence.occurred_at, occurrence.zone)
    return period_index(today, streak.definition.period)


def _is_met(when: Condition | None, occurrence: Occurrence) -> bool:
    return when is None or when.evaluate(occurrence) is True


_Version = TypeVar("_Version", RuleVersion, StreakVersion)


def _rule_in_force(versions: tuple[RuleVersion, ...], moment: datetime) -> RuleVersion | None:
    rule = _in_force(versions, moment)
    if rule is None or (rule.in_force_until and rule.in_force_until < moment):
        return None
    return rule


def _in_force(versions: tuple[_Version, ...], moment: datetime) -> _Version | None:
    for version in versions:
        if version.in_force_from is None or version.in_force_from <= moment:
            return version
    return None


def _by_identity(
    versions: Iterable[_Version], identity: Callable[[_Version], int]
) -> list[tuple[_Version, ...]]:
    """Return the versions of each rule or streak, the latest first; by name, then id.

    The latest published, not the latest to begin: it takes the place of one that was to begin
    after it.
    """
    newest_first = sorted(versions, key=lambda one: (identity(one), one.version_id), reverse=True)
    groups = [tuple(group) for _, group in groupby(newest_first, key=identity)]
    return sorted(groups, key=lambda group: (group[0].name, identity(group[0])))


def _indexed(
    groups: Iterable[tuple[_Version, ...]], key_of: Callable[[_Version], str | None]
) -> Mapping[str, tuple[tuple[_Version, ...], ...]]:
    found: dict[str, list[tuple[_Version, ...]]] = {}
    for versions in groups:
        for key in sorted({key for one in versions if (key := key_of(one)) is not None}):
            found.setdefault(key, []).append(versions)
    return {key: tuple(kept) for key, kept in found.items()}


def _limited(
    rules: Iterable[tuple[RuleVersion, ...]], streaks: Iterable[tuple[StreakVersion, ...]]
) -> Iterator[str]:
    for rule in chain.from_iterable(rules):
        if rule.definition.limits and isinstance(rule.definition.trigger, str):
            yield rule.definition.trigger
    for streak in chain.from_iterable(streaks):  # whose milestones may trigger one
        yield streak.definition.event


def _event_of(rule: RuleVersion) -> str | None:
    trigger = rule.definition.trigger
    return trigger if isinstance(trigger, str) else None


def _streak_of(rule: RuleVersion) -> str | None:
    trigger = rule.definition.trigger
    return trigger.streak if isinstance(trigger, StreakTrigger) else None
