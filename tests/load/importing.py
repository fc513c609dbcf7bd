"""`python -m tests.load.importing`: `import_events` beside raw COPY of the same rows."""

import argparse
import gzip
import itertools
import json
import os
import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from tests.load import stage
from tests.load.stage import LoadError, Stage

LOCAL_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
REAL_EVENTS = "grocery_loyalty.ndjson.gz"
MOST_EVENTS = 10_000_000
MOST_ROUNDS = 20
EVENTS_PER_COMMIT = 1_000
CUSTOMERS = 2_400
PER_SECOND_BAR, RATIO_BAR = 5_000, 0.15

_AMOUNT = {"points": 2, "per": "1", "field": "event.sales_value", "step": "exact"}
_PRIVATE = {"field": "event.brand", "operator": "=", "value": "Private"}
SET_UP = {
    "rules": [
        {
            "name": "2 points per 1 of sales_value",
            "state": "live",
            "definition": {
                "trigger": "purchase_line",
                "award": {"per_unit": {**_AMOUNT, "rounding": "floor"}},
            },
        },
        {
            "name": "1 point for private brands",
            "state": "live",
            "definition": {
                "trigger": "purchase_line",
                "when": {"combinator": "and", "rules": [_PRIVATE]},
                "award": {"fixed": 1},
            },
        },
    ]
}

# What an import writes for each event, and by what the rows of one commit belong together.
_TABLES = {
    "events_event": "SELECT * FROM events_event WHERE project_id = %(project)s ORDER BY id",
    "events_eventkey": "SELECT k.* FROM events_eventkey k WHERE k.project_id = %(project)s "
    "ORDER BY k.event_id",
    "rewards_transfer": "SELECT t.* FROM rewards_transfer t WHERE t.project_id = %(project)s "
    "ORDER BY t.event_id, t.id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    events: int | None
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Events per second of one round: imported, copied with all their rows, copied alone; and
    what an event cost the command (not PostgreSQL) of a core, which a busy machine changes less."""

    cpu_microseconds: float
    imported: float
    copied: float
    copied_alone: float

    @property
    def ratio(self) -> float:
        return self.imported / self.copied


def main() -> int:
    options = _options()
    try:
        with stage.stage(os.environ.get("DATABASE_URL") or LOCAL_SERVER) as at:
            return _run(at, options)
    except LoadError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.load.importing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each (%(default)s)")
    parser.add_argument("--events", type=int, help="of the file (all, or 80,000 made ones)")
    given = parser.parse_args()
    if not 1 <= given.rounds <= MOST_ROUNDS or not 1 <= (given.events or 1) <= MOST_EVENTS:
        parser.error(f"at most {MOST_ROUNDS} rounds of at most {MOST_EVENTS:,} events")
    return Options(events=given.events, rounds=given.rounds)


def _run(at: Stage, options: Options) -> int:
    set_up = at.data_dir / "rules.json"
    set_up.write_text(json.dumps(SET_UP))
    file, source = _file(at.data_dir, options.events)
    rounds = [
        _round(at, file, project=f"import-{number}", set_up=set_up)
        for number in range(1, options.rounds + 1)
    ]
    _print(
        f"{source}, two rules; {os.cpu_count()} cores; PostgreSQL "
        f"{at.rows('SHOW server_version')[0]['server_version']}, fsync "
        f"{at.rows('SHOW fsync')[0]['fsync']}; the median of {options.rounds} alternating rounds."
    )
    _print(_table(rounds))
    _print(_verdicts(rounds))
    return 0


def _file(folder: Path, events: int | None) -> tuple[Path, str]:
    """Return a file of events, real ones where they are, and in words what they are."""
    real = Path(os.environ.get("TRACKWARD_REAL_DATA") or folder / "none") / REAL_EVENTS
    if real.exists() and events is None:
        return real, f"All events of {REAL_EVENTS}"
    file = folder / "events.ndjson"
    with file.open("wb") as written:
        if real.exists():
            with gzip.open(real) as lines:
                written.writelines(itertools.islice(lines, events))
            return file, f"The first {events:,} events of {REAL_EVENTS}"
        wanted = events or 80_000
        written.writelines(itertools.islice(_made_lines(), wanted))
    return file, f"{wanted:,} made events"


def _made_lines() -> Iterator[bytes]:
    """Yield purchase lines like the real ones, the same in each run."""
    chance = random.Random(1)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for number in itertools.count():
        event = {
            "id": f"made-{number}",
            "event": "purchase_line",
            "customer": str(chance.randrange(CUSTOMERS)),
            "occurred_at": (start + timedelta(seconds=chance.randrange(31_536_000))).isoformat(),
            "metadata": {
                "basket_id": str(31_000_000_000 + number // 3),
                "store_id": str(chance.randrange(400)),
                "product_id": str(chance.randrange(800_000, 850_000)),
                "quantity": chance.randint(1, 4),
                "sales_value": chance.randrange(1, 2_000) / 100,
                "retail_disc": chance.randrange(300) / 100,
                "coupon_disc": 0,
                "week": chance.randint(1, 53),
                "brand": chance.choice(["National", "National", "National", "Private"]),
                "department": chance.choice(["GROCERY", "PRODUCE", "DRUG GM", "MEAT"]),
            },
        }
        yield json.dumps(event, separators=(",", ":")).encode() + b"\n"


def _round(at: Stage, file: Path, *, project: str, set_up: Path) -> Round:
    stage.manage(at, "create_project", project)
    stage.manage(at, "import_config", str(set_up), "--project", project)
    before = _cpu_seconds()
    printed = stage.manage(at, "import_events", str(file), "--project", project)
    cpu_seconds = _cpu_seconds() - before
    counts: dict[str, Any] = json.loads(printed.splitlines()[-1])
    if counts["rejected"] or counts["duplicate"] or not counts["accepted"]:
        raise LoadError(f"Not every event was taken: {printed}")
    again = json.loads(stage.manage(at, "import_events", str(file), "--project", project))
    if again["duplicate"] != counts["accepted"] or again["accepted"]:
        raise LoadError(f"The second import was not all duplicates: {again}")
    rows = _rows(at, project)
    events = len(rows["events_event"])
    alone = {"events_event": rows["events_event"]}
    return Round(
        cpu_microseconds=cpu_seconds / counts["accepted"] * 1e6,
        imported=counts["accepted"] / counts["seconds"],
        copied=events / _copy_seconds(at, rows, events=events),
        copied_alone=events / _copy_seconds(at, alone, events=events),
    )


def _cpu_seconds() -> float:
    """Return what the commands that ended have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _rows(at: Stage, project: str) -> dict[str, list[bytes]]:
    """Return the rows that the import wrote, by table, as COPY has them."""
    [found] = at.rows("SELECT id FROM events_project WHERE slug = %(slug)s", {"slug": project})
    rows = {}
    with psycopg.connect(at.database_url) as connection, connection.cursor() as cursor:
        for table, query in _TABLES.items():
            selected = query.replace("%(project)s", str(found["id"]))
            with cursor.copy(f"COPY ({selected}) TO STDOUT") as copied:
                rows[table] = [bytes(row) for row in copied]
    return rows


def _copy_seconds(at: Stage, rows: dict[str, list[bytes]], *, events: int) -> float:
    """Return how long one connection takes to copy the rows into empty tables of the same shape."""
    commits = -(-events // EVENTS_PER_COMMIT)
    with psycopg.connect(at.database_url, autocommit=True) as connection:
        for table in rows:
            connection.execute(f"DROP TABLE IF EXISTS copy_of_{table}")
            connection.execute(f"CREATE TABLE copy_of_{table} (LIKE {table} INCLUDING ALL)")
        started = time.monotonic()
        for number in range(commits):
            with connection.transaction(), connection.cursor() as cursor:
                for table, lines in rows.items():
                    share = slice(
                        len(lines) * number // commits, len(lines) * (number + 1) // commits
                    )
                    with cursor.copy(f"COPY copy_of_{table} FROM STDIN") as copy:
                        copy.write(b"".join(lines[share]))
        return time.monotonic() - started


def _table(rounds: Sequence[Round]) -> str:
    figures = {
        "import_events": [one.imported for one in rounds],
        "raw COPY of its events, keys and transfers": [one.copied for one in rounds],
        "raw COPY of its events alone": [one.copied_alone for one in rounds],
    }
    lines = ["| what | events per second | each round |", "| --- | ---: | --- |"]
    for name, values in figures.items():
        each = ", ".join(f"{value:,.0f}" for value in values)
        lines.append(f"| {name} | {statistics.median(values):,.0f} | {each} |")
    cost = statistics.median(one.cpu_microseconds for one in rounds)
    return "\n".join([*lines, "", f"The command used {cost:.0f} µs of a core for each event."])


def _verdicts(rounds: Sequence[Round]) -> str:
    speed = statistics.median(one.imported for one in rounds)
    ratio = statistics.median(one.ratio for one in rounds)
    return "\n".join(
        [
            "| target | bar | measured | |",
            "| --- | --- | ---: | --- |",
            f"| events per second | ≥ {PER_SECOND_BAR:,} | {speed:,.0f} "
            f"| {_met(speed >= PER_SECOND_BAR)} |",
            f"| ÷ raw COPY | ≥ {RATIO_BAR} | {ratio:.2f} | {_met(ratio >= RATIO_BAR)} |",
        ]
    )


def _met(is_met: bool) -> str:
    return "met" if is_met else "not met"


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
