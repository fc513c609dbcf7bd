"""`python -m tests.load.folding`: folding events into rollups beside SQL over the same rows."""

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.load import stage
from tests.load.generating import Amounts, generate
from tests.load.stage import LoadError, Stage

LOCAL_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
DAYS = 90
BATCH_EVENTS = 500  # as an import sends them
AMOUNTS = Amounts(products=3_000, customers=5_000, batch_events=BATCH_EVENTS)
MOST_EVENTS = 5_000_000
MOST_ROUNDS = 20
BAR = 1.5

# What a rollup of days holds, percentiles and hours left out: for each day, field and kind the
# count, the distinct values, sums and extremes of the numbers, the ten most frequent values.
_GROUPED = """
CREATE TEMP TABLE grouped AS
SELECT day, name, kind, sum(times) AS values, count(*) AS different,
  sum(times * number) AS total, sum(times * number * number) AS squares,
  min(number) AS lowest, max(number) AS highest,
  (array_agg(value ORDER BY times DESC, value))[1:10] AS top
FROM (
  SELECT day, name, kind, value, count(*) AS times,
    CASE WHEN kind = 'number' THEN value::numeric END AS number
  FROM (
    SELECT (e.occurred_at AT TIME ZONE 'UTC')::date AS day, each.key AS name,
      json_typeof(each.value) AS kind, each.value #>> '{}' AS value
    FROM events_event e, json_each(e.metadata) AS each
    WHERE e.project_id = %s AND e.status = 'accepted'
  ) read GROUP BY 1, 2, 3, 4
) counted GROUP BY 1, 2, 3
"""

# The events themselves, by the hour and by the day.
_COUNTED = """
CREATE TEMP TABLE counted AS
SELECT date_trunc('hour', occurred_at, 'UTC') AS hour,
  (occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS events,
  count(DISTINCT customer_id) AS customers, sum(points_total) AS points
FROM events_event WHERE project_id = %s AND status = 'accepted'
GROUP BY GROUPING SETS ((1), (2))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Events to be folded: how they lie in time, and what each round took."""

    name: str
    moments: Callable[[random.Random, datetime], tuple[datetime, datetime]]
    fold_seconds: list[float] = field(default_factory=list)
    sql_seconds: list[float] = field(default_factory=list)


def _history(dice: random.Random, now: datetime) -> tuple[datetime, datetime]:
    """Return when an event occurred and was received: at any time in the past, just now."""
    return now - timedelta(days=DAYS) * dice.random(), now


def _recent(_: random.Random, now: datetime) -> tuple[datetime, datetime]:
    return now, now


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.folding", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    options = parser.parse_args()
    if not BATCH_EVENTS <= options.events <= MOST_EVENTS or not 1 <= options.rounds <= MOST_ROUNDS:
        parser.error(f"{BATCH_EVENTS} to {MOST_EVENTS} events, at most {MOST_ROUNDS} rounds")
    courses = [
        Course(name=f"history of {DAYS} days, unsorted", moments=_history),
        Course(name="as they happen, an hour", moments=_recent),
    ]
    try:
        for course in courses:
            with stage.stage(os.environ.get("DATABASE_URL") or LOCAL_SERVER) as at:
                _run(at, course, events=options.events, rounds=options.rounds)
    except LoadError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return _verdict(courses, options.events)


def _run(at: Stage, course: Course, *, events: int, rounds: int) -> None:
    with psycopg.connect(at.database_url, autocommit=True) as connection:
        generate(connection, at.project_id, _moments(course, events), AMOUNTS)
        connection.execute("CREATE TABLE waiting AS TABLE events_openbatch")
        connection.execute("ANALYZE")
        # One core for each of the two.
        connection.execute("SET max_parallel_workers_per_gather = 0")
        # They take turns: what the machine does besides hits both alike.
        for _ in range(rounds):
            course.sql_seconds.append(_grouped_seconds(connection, at.project_id))
            course.fold_seconds.append(_folded_seconds(at, connection, events))
        _compare(connection)


def _moments(course: Course, events: int) -> list[tuple[datetime, datetime]]:
    dice = random.Random(2)
    begin = datetime.now(UTC) - timedelta(hours=1)
    step = timedelta(hours=1) / events
    return [course.moments(dice, begin + step * number) for number in range(events)]


def _grouped_seconds(connection: psycopg.Connection[Any], project: int) -> float:
    connection.execute("DROP TABLE IF EXISTS grouped, counted")
    start = time.perf_counter()
    connection.execute(_GROUPED, [project])
    connection.execute(_COUNTED, [project])
    return time.perf_counter() - start


def _folded_seconds(at: Stage, connection: psycopg.Connection[Any], events: int) -> float:
    connection.execute("TRUNCATE analytics_rollup, analytics_shardstate, events_openbatch")
    connection.execute("INSERT INTO events_openbatch SELECT * FROM waiting")
    answer = json.loads(stage.manage(at, "roll_up").splitlines()[-1])
    if answer["events"] != events:
        raise LoadError(f"{events} events waited, `roll_up` says {answer}.")
    seconds: float = answer["seconds"]
    return seconds


def _compare(connection: psycopg.Connection[Any]) -> None:
    """Raise LoadError unless both counted the same values of each field and kind."""
    [differences] = connection.execute(
        "WITH folded AS (SELECT f.name, r.kind, sum(r.count) AS values FROM analytics_rollup r "
        "JOIN events_metadatafield f ON f.id = r.field_id WHERE r.grain = 'day' "
        "AND r.kind <> 'numeric_text' GROUP BY 1, 2), sql AS (SELECT name, CASE kind "
        "WHEN 'string' THEN 'text' ELSE kind END AS kind, sum(values) AS values FROM grouped "
        "GROUP BY 1, 2) SELECT count(*) FROM folded FULL JOIN sql USING (name, kind) "
        "WHERE folded.values IS DISTINCT FROM sql.values"
    ).fetchone() or (0,)
    if differences:
        raise LoadError(f"The fold and SQL differ in {differences} kinds of fields.")


def _verdict(courses: Sequence[Course], events: int) -> int:
    sys.stdout.write("\n".join([*_table(courses, events), ""]))
    return 0 if all(_ratio(course) >= BAR for course in courses) else 1


def _table(courses: Sequence[Course], events: int) -> Iterator[str]:
    yield f"{events:,} events of 8 fields, medians of {len(courses[0].fold_seconds)} rounds."
    yield "| events | fold per second | SQL per second | fold ÷ SQL | bar |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for course in courses:
        fold, sql = (
            events / statistics.median(seconds)
            for seconds in (course.fold_seconds, course.sql_seconds)
        )
        met = "met" if _ratio(course) >= BAR else "not met"
        figures = f"{fold:,.0f} | {sql:,.0f} | {_ratio(course):.2f}"
        yield f"| {course.name} | {figures} | ≥ {BAR}: {met} |"


def _ratio(course: Course) -> float:
    return statistics.median(
        sql / fold for sql, fold in zip(course.sql_seconds, course.fold_seconds, strict=True)
    )


if __name__ == "__main__":
    sys.exit(main())
