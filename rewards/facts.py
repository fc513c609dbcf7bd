"""What customers had earned before: loaded for a whole commit group, kept as it grows, saved."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from events.metadata import read_json, write_json
from events.sql import NO_ROWS, Answer, execute, given, row_lock, send, text_of
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
from rewards.streaks import Runs, runs_from_json, runs_to_json, union

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
            send(
                f"WITH given({_COUNTER}, used) AS ({query}) "
                f"INSERT INTO rewards_limitcounter ({_COUNTER}, used) "
                f"SELECT * FROM given WHERE true ON CONFLICT ({_COUNTER}) "
                "DO UPDATE SET used = excluded.used",
                parameters,
            )

    def _save_runs(self) -> None:
        _write_runs(
            [
                (streak_id, customer_id, self.runs[customer_id][streak_id], occurred_at)
                for (streak_id, customer_id), occurred_at in sorted(self._changed_runs.items())
            ]
        )


def _write_runs(states: Sequence[tuple[int, int, Runs, Any]]) -> None:
    """Write (streak id, customer id, runs, moment) of each state."""
    rows = [
        (streak_id, customer_id, write_json(runs_to_json(runs)).decode(), occurred_at)
        for streak_id, customer_id, runs, occurred_at in states
    ]
    if rows:
        query, parameters = given(rows, "bigint", "bigint", "json", "timestamptz")
        send(
            f"WITH given(streak_id, customer_id, runs, updated_at) AS ({query}) "
            "INSERT INTO rewards_streakstate (streak_id, customer_id, runs, updated_at) "
            "SELECT * FROM given WHERE true ON CONFLICT (streak_id, customer_id) "
            "DO UPDATE SET runs = excluded.runs, updated_at = CASE "
            # A late event leaves the moment of the latest.
            "WHEN excluded.updated_at > rewards_streakstate.updated_at "
            "THEN excluded.updated_at ELSE rewards_streakstate.updated_at END",
            parameters,
        )


def load(
    occurrences: Iterable[tuple[int, Occurrence, Ruleset]],
    *,
    customer_ids: Collection[int],
    locks: bool = True,
) -> GroupFacts:
    """Return all that deciding these (project id, occurrence, ruleset) may need, and the balances
    of the customers, whose events may be too late to earn.

    The customers are locked by the caller; shared budgets are locked here, in order, after them,
    but for who only looks and writes nothing. The number of queries does not grow with the group.
    """
    counters: set[ProjectKey] = set()
    states: set[StateKey] = set()
    for project_id, occurrence, ruleset in occurrences:
        counters |= {(project_id, key) for key in limit_keys(occurrence, ruleset)}
        states |= {
            (streak_id, occurrence.customer_id) for streak_id in streak_ids(occurrence, ruleset)
        }
    # Asked for together, for each answer that is waited for by itself is a trip to the database.
    balances = _balances(customer_ids)
    runs = _runs(states)
    used = _used(counters, locks=locks)
    facts = GroupFacts(balances=dict(balances.rows()))
    for streak_id, customer_id, text in runs.rows():
        if text is not None:
            facts.runs.setdefault(customer_id, {})[streak_id] = _read_runs(text)
    used_by_row = {tuple(map(str, row[:6])): row[6] for row in used.rows()}
    for project_id, key in counters:
        row = tuple(map(str, _counter_row(project_id, key)))
        facts.used.setdefault(project_id, {})[key] = used_by_row.get(row, 0)
    return facts


def _balances(customer_ids: Collection[int]) -> Answer:
    if not customer_ids:
        return NO_ROWS
    query, parameters = given([(customer_id,) for customer_id in sorted(customer_ids)], "bigint")
    return send(
        f"WITH given(id) AS ({query}) SELECT given.id, coalesce((SELECT a.balance "
        "FROM rewards_account a WHERE a.owner_type = 'customer' AND a.owner_id = given.id "
        "AND a.kind = 'available'), 0) FROM given",
        parameters,
    )


def _runs(states: Collection[StateKey]) -> Answer:
    if not states:
        return NO_ROWS
    query, parameters = given(sorted(states), "bigint", "bigint")
    return send(
        f"WITH given(streak_id, customer_id) AS ({query}) "
        f"SELECT streak_id, customer_id, (SELECT {text_of('s.runs')} FROM rewards_streakstate s "
        "WHERE s.streak_id = given.streak_id AND s.customer_id = given.customer_id) FROM given",
        parameters,
    )


def _read_runs(text: str) -> Runs:
    pairs: Any = read_json(text.encode())
    return runs_from_json(pairs)


def _used(counters: Collection[ProjectKey], *, locks: bool) -> Answer:
    if not counters:
        return NO_ROWS
    rows = [_counter_row(project_id, key) for project_id, key in sorted(counters)]
    shared = [row for row in rows if not row[2]]
    if shared and locks:
        # A lock on no row locks nothing: the row of a new window is made before it is read.
        _insert_counters(shared)
    query, parameters = given(rows, *_COUNTER_TYPES)
    return send(
        f"WITH given({_COUNTER}) AS ({query}) SELECT c.project_id, c.rule_id, c.customer_id, "
        'c."of", c."window", c.starts_date, c.used FROM given JOIN rewards_limitcounter c '
        "ON c.project_id = given.project_id AND c.rule_id = given.rule_id "
        'AND c.customer_id = given.customer_id AND c."of" = given."of" '
        'AND c."window" = given."window" AND c.starts_date = given.starts_date '
        'ORDER BY c.project_id, c.rule_id, c.customer_id, c."of", c."window", c.starts_date '
        f"{row_lock('c') if locks else ''}",
        parameters,
    )


def _insert_counters(rows: list[tuple[object, ...]]) -> None:
    query, parameters = given([(*row, 0) for row in rows], *_COUNTER_TYPES, "bigint")
    send(
        f"WITH given({_COUNTER}, used) AS ({query}) "
        f"INSERT INTO rewards_limitcounter ({_COUNTER}, used) "
        f"SELECT * FROM given WHERE true ON CONFLICT ({_COUNTER}) DO NOTHING",
        parameters,
    )


def merge(project_id: int, *, survivor_id: int, loser_id: int) -> None:
    """Give the survivor what the loser has used and the periods in which it was active, in the
    caller's transaction, which holds both."""
    _merge_counters(project_id, survivor_id, loser_id)
    _merge_states(survivor_id, loser_id)


def _merge_counters(project_id: int, survivor_id: int, loser_id: int) -> None:
    # By the project's rules, for the key of a counter begins with them. Budgets that customers
    # share stay as they are.
    of_loser = (
        "project_id = %s AND customer_id = %s "
        "AND rule_id IN (SELECT id FROM rewards_rule WHERE project_id = %s)"
    )
    loser = [project_id, loser_id, project_id]
    send(
        f"INSERT INTO rewards_limitcounter ({_COUNTER}, used) "
        'SELECT project_id, rule_id, %s, "of", "window", starts_date, used '
        f"FROM rewards_limitcounter WHERE {of_loser} ON CONFLICT ({_COUNTER}) "
        "DO UPDATE SET used = rewards_limitcounter.used + excluded.used",
        [survivor_id, *loser],
    )
    send(f"DELETE FROM rewards_limitcounter WHERE {of_loser}", loser)


def _merge_states(survivor_id: int, loser_id: int) -> None:
    rows = execute(
        f"SELECT streak_id, {text_of('runs')}, updated_at FROM rewards_streakstate "
        "WHERE customer_id IN (%s, %s) AND streak_id IN "
        "(SELECT streak_id FROM rewards_streakstate WHERE customer_id = %s)",
        [survivor_id, loser_id, loser_id],
    )
    runs: dict[int, Runs] = {}
    moments: dict[int, Any] = {}
    for streak_id, text, updated_at in rows:
        runs[streak_id] = union(runs.get(streak_id, ()), _read_runs(text))
        moments[streak_id] = max(moments.get(streak_id, updated_at), updated_at)
    _write_runs(
        [
            (streak_id, survivor_id, runs[streak_id], moments[streak_id])
            for streak_id in sorted(runs)
        ]
    )
    send("DELETE FROM rewards_streakstate WHERE customer_id = %s", [loser_id])


def _counter_row(project_id: int, key: LimitKey) -> tuple[object, ...]:
    return (project_id, key.rule_id, key.customer_id, key.of, key.window, key.starts)
