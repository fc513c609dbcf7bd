"""What customers had earned before: loaded for a whole commit group, kept as it grows, saved."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from events.metadata import read_json, write_json
from events.sql import execute, given, row_lock, text_of
from rewards.decide import (
    Decision,
    Facts,
    LimitKey,
    Occurrence,
    Ruleset,
    StreakDue,
    limit_keys,
    streak_ids,
)
from rewards.streaks import Runs, runs_from_json, runs_to_json

# (project id, key): a project's shared budget has no other mark of the project.
ProjectKey = tuple[int, LimitKey]
# (streak id, customer id)
StateKey = tuple[int, int]

# Quoted: WINDOW is a word of SQL.
_COUNTER = 'project_id, rule_id, customer_id, "of", "window", starts_date'
_COUNTER_TYPES = ("bigint", "bigint", "bigint", "text", "text", "date")


@dataclass(slots=True)
class GroupFacts:
    """The facts of every customer of a commit group. Each decision sees the ones before it."""

    used: dict[int, dict[LimitKey, int]] = field(default_factory=dict)
    runs: dict[int, dict[int, Runs]] = field(default_factory=dict)
    balances: dict[int, int] = field(default_factory=dict)
    _changed_counters: set[ProjectKey] = field(default_factory=set)
    _changed_runs: dict[StateKey, datetime] = field(default_factory=dict)

    def of(self, project_id: int, customer_id: int) -> Facts:
        """Return what the decision on one customer's event may look at."""
        return Facts(
            used=self.used.get(project_id, {}),
            runs=self.runs.get(customer_id, {}),
        )

    def balance(self, customer_id: int) -> int:
        return self.balances.get(customer_id, 0)

    def apply(self, decision: Decision, *, project_id: int, occurrence: Occurrence) -> None:
        """Take in what was decided, before the next event of the group is."""
        for award in decision.awards:
            self._earn(occurrence.customer_id, award.points)
            for key, use in award.uses:
                counters = self.used.setdefault(project_id, {})
                counters[key] = counters.get(key, 0) + use
                self._changed_counters.add((project_id, key))
        for streak in decision.streaks:
            self._earn(occurrence.customer_id, streak.points)
            self._run(streak, occurrence)

    def _earn(self, customer_id: int, points: int) -> None:
        self.balances[customer_id] = self.balance(customer_id) + points

    def _run(self, streak: StreakDue, occurrence: Occurrence) -> None:
        runs = self.runs.setdefault(occurrence.customer_id, {})
        if runs.get(streak.streak_id) == streak.runs:
            return
        runs[streak.streak_id] = streak.runs
        key = (streak.streak_id, occurrence.customer_id)
        self._changed_runs[key] = occurrence.occurred_at

    def save(self) -> None:
        """Write counters and streaks that changed, in the caller's transaction."""
        self._save_counters()
        self._save_runs()

    def _save_counters(self) -> None:
        rows = [
            (*_counter_row(project_id, key), self.used[project_id][key])
            for project_id, key in sorted(self._changed_counters)
        ]
        if rows:
            query, parameters = given(rows, *_COUNTER_TYPES, "bigint")
            execute(
                f"WITH given({_COUNTER}, used) AS ({query}) "
                f"INSERT INTO rewards_limitcounter ({_COUNTER}, used) "
                f"SELECT * FROM given WHERE true ON CONFLICT ({_COUNTER}) "
                "DO UPDATE SET used = excluded.used",
                parameters,
            )

    def _save_runs(self) -> None:
        rows = [
            (
                streak_id,
                customer_id,
                write_json(runs_to_json(self.runs[customer_id][streak_id])).decode(),
                occurred_at,
            )
            for (streak_id, customer_id), occurred_at in sorted(self._changed_runs.items())
        ]
        if rows:
            query, parameters = given(rows, "bigint", "bigint", "json", "timestamptz")
            execute(
                f"WITH given(streak_id, customer_id, runs, updated_at) AS ({query}) "
                "INSERT INTO rewards_streakstate (streak_id, customer_id, runs, updated_at) "
                "SELECT * FROM given WHERE true ON CONFLICT (streak_id, customer_id) "
                "DO UPDATE SET runs = excluded.runs, updated_at = excluded.updated_at",
                parameters,
            )


def load(
    occurrences: Iterable[tuple[int, Occurrence, Ruleset]], *, customer_ids: Collection[int]
) -> GroupFacts:
    """Return all that deciding these (project id, occurrence, ruleset) may need, and the balances
    of the customers, whose events may be too late to earn.

    The customers are locked by the caller; shared budgets are locked here, in order, after them.
    The number of queries does not grow with the group.
    """
    counters: set[ProjectKey] = set()
    states: set[StateKey] = set()
    for project_id, occurrence, ruleset in occurrences:
        counters |= {(project_id, key) for key in limit_keys(occurrence, ruleset)}
        states |= {
            (streak_id, occurrence.customer_id) for streak_id in streak_ids(occurrence, ruleset)
        }
    facts = GroupFacts()
    facts.balances = _balances(customer_ids)
    _load_runs(facts, states)
    _load_counters(facts, counters)
    return facts


def _balances(customer_ids: Collection[int]) -> dict[int, int]:
    if not customer_ids:
        return {}
    query, parameters = given([(customer_id,) for customer_id in sorted(customer_ids)], "bigint")
    rows = execute(
        f"WITH given(id) AS ({query}) SELECT a.owner_id, a.balance FROM given "
        "JOIN rewards_account a ON a.owner_type = 'customer' AND a.owner_id = given.id "
        "AND a.kind = 'available'",
        parameters,
    )
    return dict(rows)


def _load_runs(facts: GroupFacts, states: Collection[StateKey]) -> None:
    if not states:
        return
    query, parameters = given(sorted(states), "bigint", "bigint")
    rows = execute(
        f"WITH given(streak_id, customer_id) AS ({query}) "
        f"SELECT s.streak_id, s.customer_id, {text_of('s.runs')} FROM given "
        "JOIN rewards_streakstate s ON s.streak_id = given.streak_id "
        "AND s.customer_id = given.customer_id",
        parameters,
    )
    for streak_id, customer_id, text in rows:
        facts.runs.setdefault(customer_id, {})[streak_id] = _runs(text)


def _runs(text: str) -> Runs:
    pairs: Any = read_json(text.encode())
    return runs_from_json(pairs)


def _load_counters(facts: GroupFacts, counters: Collection[ProjectKey]) -> None:
    if not counters:
        return
    rows = [_counter_row(project_id, key) for project_id, key in sorted(counters)]
    shared = [row for row in rows if not row[2]]
    if shared:
        # A lock on no row locks nothing: the row of a new window is made before it is read.
        _insert_counters(shared)
    query, parameters = given(rows, *_COUNTER_TYPES)
    found = execute(
        f"WITH given({_COUNTER}) AS ({query}) SELECT c.project_id, c.rule_id, c.customer_id, "
        'c."of", c."window", c.starts_date, c.used FROM given JOIN rewards_limitcounter c '
        "ON c.project_id = given.project_id AND c.rule_id = given.rule_id "
        'AND c.customer_id = given.customer_id AND c."of" = given."of" '
        'AND c."window" = given."window" AND c.starts_date = given.starts_date '
        'ORDER BY c.project_id, c.rule_id, c.customer_id, c."of", c."window", c.starts_date '
        f"{row_lock('c')}",
        parameters,
    )
    used_by_row = {tuple(map(str, row[:6])): row[6] for row in found}
    for project_id, key in counters:
        row = tuple(map(str, _counter_row(project_id, key)))
        facts.used.setdefault(project_id, {})[key] = used_by_row.get(row, 0)


def _insert_counters(rows: list[tuple[object, ...]]) -> None:
    query, parameters = given([(*row, 0) for row in rows], *_COUNTER_TYPES, "bigint")
    execute(
        f"WITH given({_COUNTER}, used) AS ({query}) "
        f"INSERT INTO rewards_limitcounter ({_COUNTER}, used) "
        f"SELECT * FROM given WHERE true ON CONFLICT ({_COUNTER}) DO NOTHING",
        parameters,
    )


def _counter_row(project_id: int, key: LimitKey) -> tuple[object, ...]:
    return (project_id, key.rule_id, key.customer_id, key.of, key.window, key.starts)
