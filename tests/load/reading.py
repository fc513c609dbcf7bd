"""`python -m tests.load.reading`: a field's statistics over a million events beside raw SQL."""

import argparse
import http.client
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.load import stage
from tests.load.generating import Amounts, event_type_id, generate
from tests.load.stage import EVENT, LoadError, Stage

LOCAL_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
DAYS = 90
MOST_EVENTS = 20_000_000
BATCH_EVENTS = 10_000
AMOUNTS = Amounts(products=800, customers=20_000, batch_events=BATCH_EVENTS)
NUMBER_FIELD, TEXT_FIELD = "orderValue", "productId"
BAR_MS, BAR_RATIO = 50.0, 50.0

# The figures that the answer holds, of the same rows: the raw SQL that an analyst would write.
_ROWS = """
FROM events_event WHERE project_id = %(project)s AND event_type_id = %(event_type)s
  AND status = 'accepted' AND occurred_at >= %(start)s AND occurred_at < %(end)s
"""


def _of_kinds(field: str) -> str:
    """What arrived: rows by kind, with null and missing, and the days on which each came."""
    return f"""
SELECT CASE coalesce(json_typeof(metadata -> '{field}'), 'missing') WHEN 'string' THEN
    CASE WHEN metadata ->> '{field}' ~ '^-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?$'
           THEN 'numeric text'
         WHEN metadata ->> '{field}' ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}' THEN 'date'
         WHEN metadata ->> '{field}' ~ '^v?[0-9]+(\\.[0-9]+){{1,3}}([-+].*)?$' THEN 'version'
         ELSE 'text' END
  ELSE json_typeof(metadata -> '{field}') END AS kind, count(*),
  min((occurred_at AT TIME ZONE 'UTC')::date), max((occurred_at AT TIME ZONE 'UTC')::date)
{_ROWS} GROUP BY 1
"""


_OF_NUMBERS = f"""
WITH value AS MATERIALIZED (
  SELECT (metadata ->> '{NUMBER_FIELD}')::numeric AS x {_ROWS}
    AND json_typeof(metadata -> '{NUMBER_FIELD}') = 'number'
), extremes AS (SELECT min(x) AS low, max(x) AS high FROM value)
SELECT count(*), sum(x), min(x), max(x), avg(x), stddev_samp(x), stddev_pop(x),
  percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY x),
  (SELECT array_agg(bin ORDER BY place) FROM (
    SELECT least(floor((x - low) / (high - low) * 10), 9) AS place, count(*) AS bin
    FROM value, extremes GROUP BY 1) bins)
FROM value
"""
_OF_TEXTS = f"""
WITH counted AS MATERIALIZED (
  SELECT metadata ->> '{TEXT_FIELD}' AS text, count(*) AS times {_ROWS}
    AND json_typeof(metadata -> '{TEXT_FIELD}') = 'string' GROUP BY 1
), top AS (SELECT text, times FROM counted ORDER BY times DESC, text LIMIT 20)
SELECT sum(times), count(*), (SELECT array_agg(times ORDER BY times DESC, text) FROM top)
FROM counted
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of the generated events, and raw SQL for its figures."""

    name: str
    kind: str
    query: str


FIELDS = (
    Field(name=NUMBER_FIELD, kind="number", query=_OF_NUMBERS),
    Field(name=TEXT_FIELD, kind="text", query=_OF_TEXTS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """What one field took, in milliseconds: each request, each query."""

    field: Field
    api_ms: list[float]
    sql_ms: list[float]

    @property
    def ratio(self) -> float:
        return statistics.median(self.sql_ms) / statistics.median(self.api_ms)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.reading", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    options = parser.parse_args()
    if not BATCH_EVENTS <= options.events <= MOST_EVENTS or not 1 <= options.rounds <= 20:
        parser.error(f"{BATCH_EVENTS} to {MOST_EVENTS} events, 1 to 20 rounds")
    try:
        with stage.stage(os.environ.get("DATABASE_URL") or LOCAL_SERVER) as at:
            return _run(at, options.events, options.rounds)
    except LoadError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _run(at: Stage, events: int, rounds: int) -> int:
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    made_seconds = _timed(lambda: _generated(at, events, end))[1]
    folded, fold_seconds = _timed(lambda: stage.manage(at, "roll_up"))
    _print(f"{events:,} events of {DAYS} days; made in {made_seconds:.0f} s, `roll_up` said")
    _print(f"{folded.strip().splitlines()[-1]} ({events / fold_seconds:,.0f} events/s).\n")
    with stage.web(at, processes=1) as url, psycopg.connect(at.database_url) as connection:
        connection.execute("ANALYZE events_event")
        found = [_measured(at, url, connection, field, end, rounds) for field in FIELDS]
    return _verdict(found)


def _generated(at: Stage, events: int, end: datetime) -> None:
    """Write events, spread evenly over the days, as if they had come while they happened."""
    start, step = end - timedelta(days=DAYS), timedelta(days=DAYS) / events
    moments = [start + step * number for number in range(events)]
    with psycopg.connect(at.database_url, autocommit=True) as connection:
        generate(connection, at.project_id, [(each, each) for each in moments], AMOUNTS)


def _measured(
    at: Stage,
    url: str,
    connection: psycopg.Connection[Any],
    field: Field,
    end: datetime,
    rounds: int,
) -> Timed:
    """Time the API and the raw query in turn; raises LoadError where they don't agree."""
    parameters = {
        "project": at.project_id,
        "event_type": event_type_id(connection),
        "start": end - timedelta(days=DAYS),
        "end": end,
    }
    timed = Timed(field=field, api_ms=[], sql_ms=[])
    _ask(at, url, field, end)  # the first request loads numpy
    for _ in range(rounds):
        for _ in range(10):
            answer, seconds = _timed(lambda: _ask(at, url, field, end))
            timed.api_ms.append(seconds * 1000)
        (kinds, row), seconds = _timed(lambda: _queried(connection, field, parameters))
        timed.sql_ms.append(seconds * 1000)
        _compare(field, answer, kinds=kinds, row=row)
    return timed


def _queried(
    connection: psycopg.Connection[Any], field: Field, parameters: dict[str, Any]
) -> tuple[dict[str, int], Any]:
    kinds = connection.execute(_of_kinds(field.name), parameters).fetchall()
    counts = {kind or "missing": count for kind, count, *_ in kinds}
    return counts, connection.execute(field.query, parameters).fetchone()


def _ask(at: Stage, url: str, field: Field, end: datetime) -> Any:
    address = urlsplit(url)
    first, last = (end - timedelta(days=DAYS)).date(), (end - timedelta(days=1)).date()
    path = f"/api/v1/event-types/{EVENT}/fields/{field.name}/statistics?from={first}&to={last}"
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        connection.request("GET", path, headers={"X-API-Key": at.api_key})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise LoadError(f"{path} answered {answer.status}: {body[:300]!r}")
    return json.loads(body, parse_float=Decimal)


def _compare(field: Field, answer: Any, *, kinds: dict[str, int], row: Any) -> None:
    """Raise LoadError unless both gave the same, percentiles within 1 %."""
    if answer["rows"] != sum(kinds.values()) or answer["missing"] != kinds.get("missing", 0):
        raise LoadError(f"The API says {answer} of {field.name}, SQL {kinds}.")
    if field.kind == "text":
        text = answer["text"]
        found = (text["distinct"], [one["count"] for one in text["top"]])
        if found != (row[1], row[2]):
            raise LoadError(f"The API says {found} of {field.name}, SQL {row}.")
        return
    number = answer["number"]
    if (number["count"], number["sum"], number["min"], number["max"]) != row[:4]:
        raise LoadError(f"The API says {number} of {field.name}, SQL {row}.")
    for name, exact in zip(("50", "95", "99"), row[7], strict=True):
        if not math.isclose(float(number["percentiles"][name]), exact, rel_tol=0.011):
            raise LoadError(f"p{name} of {field.name}: {number['percentiles'][name]} for {exact}.")


def _timed(run: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = run()
    return result, time.perf_counter() - start


def _verdict(found: list[Timed]) -> int:
    lines = [
        "| field | API p50 ms | API p95 ms | raw SQL ms | SQL ÷ API | bars |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    met = True
    for timed in found:
        p50 = statistics.median(timed.api_ms)
        p95 = statistics.quantiles(timed.api_ms, n=20)[-1]
        is_met = p50 <= BAR_MS and timed.ratio >= BAR_RATIO
        met = met and is_met
        lines.append(
            f"| {timed.field.name} ({timed.field.kind}) | {p50:.1f} | {p95:.1f} "
            f"| {statistics.median(timed.sql_ms):,.0f} | {timed.ratio:,.0f} "
            f"| ≤ {BAR_MS:.0f} ms, ≥ {BAR_RATIO:.0f}×: {'met' if is_met else 'not met'} |"
        )
    _print("\n".join([*lines, ""]))
    return 0 if met else 1


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
