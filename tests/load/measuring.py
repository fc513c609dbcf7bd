"""One measured round of each contender: ours and a reference over HTTP, pgbench on the tables."""

import json
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.load.stage import EVENT, METADATA, LoadError, Stage

CLIENTS = 32
_HERE = Path(__file__).resolve().parent
_MICROSECONDS_FIELD = 2  # of a line of pgbench's log: client, transaction, time, …
_PER_SECOND = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_SHARDS = 4  # events.models.SHARDS, which can't be imported without Django


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round of a contender did: requests or transactions, and how long they took."""

    done: int
    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How long a round lasts, and among how many customers its events are spread."""

    seconds: int
    customers: int


def lynes_event(at: Stage, url: str, load: Load) -> Round:
    """Post single rewarded Lynes events."""
    body = {"eventId": EVENT, "userId": "user-%d", "metadata": METADATA}
    return _post(f"{url}/event", json.dumps(body), load, header=f"x-api-key: {at.api_key}")


def plain_create(url: str, load: Load) -> Round:
    """Post the same to a plain ModelViewSet."""
    body = {"event": EVENT, "customer": "user-%d", "metadata": METADATA}
    return _post(f"{url}/events/", json.dumps(body), load, header="Accept: application/json")


def _post(url: str, body: str, load: Load, *, header: str) -> Round:
    command = ["wrk", "--threads=1", f"--connections={CLIENTS}", f"--duration={load.seconds}s"]
    headers = ["--header=Content-Type: application/json", f"--header={header}"]
    script = ["--timeout=30s", f"--script={_HERE / 'post.lua'}", url, "--"]
    output = _output([*command, *headers, *script, body, str(load.customers)])
    figures = json.loads(output.splitlines()[-1])
    if figures["refused"] or figures["broken"]:
        raise LoadError(f"Not every request was answered with success: {figures}")
    return Round(
        done=figures["requests"],
        per_second=figures["requests"] / figures["seconds"],
        p50_ms=figures["p50_ms"],
        p99_ms=figures["p99_ms"],
    )


def six_statements(at: Stage, load: Load) -> Round:
    """Run the rewarded event as six statements a transaction, on the same tables."""
    with tempfile.TemporaryDirectory(prefix="trackward-pgbench-") as folder:
        command = ["pgbench", "--no-vacuum", "--protocol=prepared", "--jobs=2"]
        log = ["--log", f"--log-prefix={folder}/log"]
        amount = [f"--client={CLIENTS}", f"--time={load.seconds}"]
        script = [f"--file={_HERE / 'rewarded_event.sql'}", *_variables(at)]
        output = _output([*command, *log, *amount, *script, at.database_url])
        milliseconds = sorted(
            int(line.split()[_MICROSECONDS_FIELD]) / 1000
            for file in Path(folder).iterdir()
            for line in file.read_text().splitlines()
        )
    [per_second] = _PER_SECOND.findall(output)
    return Round(
        done=len(milliseconds),
        per_second=float(per_second),
        p50_ms=_percentile(milliseconds, 50),
        p99_ms=_percentile(milliseconds, 99),
    )


def _variables(at: Stage) -> list[str]:
    """Return the ids that the script needs, as options of pgbench."""
    [ids] = at.rows(
        "SELECT t.project_id AS project, t.id AS event_type, t.id %% %(shards)s AS shard, "
        "a.id AS issued_account, "
        "(SELECT min(id) FROM events_customer) AS first_customer, "
        "(SELECT max(id) FROM events_customer) AS last_customer "
        "FROM events_eventtype t, rewards_account a WHERE a.owner_type = 'rule'",
        {"shards": _SHARDS},
    )
    return [f"--define={name}={value}" for name, value in ids.items()]


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
