"""`python -m tests.load.visibility`: how soon a Releva event is in the statistics after its 202."""

import argparse
import http.client
import json
import math
import os
import platform
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.load import stage
from tests.load.stage import EVENT, HOST, LoadError, Stage

MOST_SECONDS, MOST_RATE = 600, 2_000
BAR_SECONDS = 10.0
SENDERS = 32
POLL_SECONDS = 0.25
TIMEOUT_SECONDS = 30.0
# The statistics name at most 1,000 values. All events of a stretch of time share one, so that a
# count tells that every one of them is there.
MOST_STRETCHES = 900
STRETCH_SECONDS = 0.1
# Fewer than this share of the wanted requests, and the run would tell of the sender's own limits.
LEAST_SHARE = 0.95
CUSTOMERS = 1_000
FIELD = "stretch"
STATISTICS = f"/api/v1/event-types/{EVENT}/fields/{FIELD}/statistics?top=1000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many requests a second, for how long; each holds one event."""

    rate: int
    seconds: int

    @property
    def requests(self) -> int:
        return self.rate * self.seconds

    def stretch_of(self, number: int) -> str:
        """Return the value that an event shares with those that are sent at about its time."""
        width = max(STRETCH_SECONDS, self.seconds / MOST_STRETCHES)
        return f"s-{int(number / self.rate / width)}"


@dataclass(slots=True)
class Record:
    """What happened when, by the monotonic clock. Each list is only appended to."""

    answered: list[tuple[int, float, float]] = field(default_factory=list)  # number, took, at
    polls: list[tuple[float, Mapping[str, int], int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def main() -> int:
    load, server_url = _options()
    try:
        with stage.stage(server_url) as at, stage.up(at) as port:
            record = _measured(at, port, load)
    except LoadError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return _told(record, load, server_url)


def _options() -> tuple[Load, str]:
    parser = argparse.ArgumentParser(prog="python -m tests.load.visibility", description=__doc__)
    parser.add_argument("--rate", type=int, default=200, help="requests a second (%(default)s)")
    parser.add_argument("--seconds", type=int, default=60, help="of sending (%(default)s)")
    given = parser.parse_args()
    if not 1 <= given.seconds <= MOST_SECONDS or not 1 <= given.rate <= MOST_RATE:
        parser.error(f"at most {MOST_RATE} requests a second for at most {MOST_SECONDS} seconds")
    load = Load(rate=given.rate, seconds=given.seconds)
    return load, os.environ.get("DATABASE_URL") or stage.SQLITE


def _measured(at: Stage, port: int, load: Load) -> Record:
    """Send at an even pace and read meanwhile, until all is visible or the time is over."""
    record = Record()
    numbers = iter(range(load.requests))
    taking, sent = threading.Lock(), threading.Event()
    start = time.monotonic()
    senders = [
        threading.Thread(target=_send, args=(at, port), kwargs={
            "load": load, "record": record, "numbers": numbers, "taking": taking, "start": start,
        })
        for _ in range(SENDERS)
    ]  # fmt: skip
    reader = threading.Thread(target=_read, args=(at, port), kwargs={
        "load": load, "record": record, "sent": sent,
    })  # fmt: skip
    for thread in (*senders, reader):
        thread.start()
    for thread in senders:
        thread.join()
    sent.set()
    reader.join()
    return record


def _send(
    at: Stage,
    port: int,
    *,
    load: Load,
    record: Record,
    numbers: Any,
    taking: threading.Lock,
    start: float,
) -> None:
    """Take the next request and send it at its time, which does not wait for answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT_SECONDS)
    headers = {
        "Authorization": f"Bearer {at.secret_key}",
        "Content-Type": "application/json",
    }
    try:
        while True:
            with taking:
                number = next(numbers, None)
            if number is None:
                return
            due = start + number / load.rate
            time.sleep(max(0.0, due - time.monotonic()))
            connection.request("POST", "/api/v0/events", _body(number, load), headers)
            answer = connection.getresponse()
            text = answer.read()
            now = time.monotonic()
            if (answer.status, text) != (202, b"{}"):
                record.faults.append(f"{answer.status} {text[:200]!r}")
                return
            record.answered.append((number, now - due, now))
    except (OSError, http.client.HTTPException) as error:
        record.faults.append(f"A request was not answered: {error}")
    finally:
        connection.close()


def _body(number: int, load: Load) -> bytes:
    custom = {
        "string": [{"key": FIELD, "values": [load.stretch_of(number)]}],
        "numeric": [{"key": "total", "values": [number % 100]}],
    }
    email = f"user-{number % CUSTOMERS}@example.com"
    event = {"action": EVENT, "email": email, "products": [{"id": "1"}], "custom": custom}
    return json.dumps({"events": [event]}).encode()


def _read(at: Stage, port: int, *, load: Load, record: Record, sent: threading.Event) -> None:
    """Ask for the statistics again and again; stop when all is there, or when it should be."""
    connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT_SECONDS)
    ends: float | None = None
    try:
        while ends is None or time.monotonic() < ends:
            if sent.is_set() and ends is None:
                ends = time.monotonic() + 2 * BAR_SECONDS
            connection.request("GET", STATISTICS, headers={"X-API-Key": at.api_key})
            answer = connection.getresponse()
            told = json.loads(answer.read())
            # The field is not known before the first event is.
            if answer.status == 200:
                counts = {each["value"]: each["count"] for each in told["text"]["top"]}
                record.polls.append((time.monotonic(), counts, told["rows"]))
                if ends and told["rows"] >= len(record.answered):
                    return
            elif answer.status != 404:
                record.faults.append(f"{answer.status} {told}")
                return
            time.sleep(POLL_SECONDS)
    except (OSError, http.client.HTTPException) as error:
        record.faults.append(f"The statistics were not answered: {error}")
    finally:
        connection.close()


def _told(record: Record, load: Load, server_url: str) -> int:
    waits, missing = _waits(record, load)
    found = [*record.faults[:5], *_shortcomings(record, load, waits, missing)]
    database = "SQLite" if server_url == stage.SQLITE else "PostgreSQL"
    lines = [
        f"{os.cpu_count()} cores shared by sender, web, worker and database; "
        f"Python {platform.python_version()}; load average {os.getloadavg()[0]:.1f}.",
        "",
        "| database | requests | per second | 202 p50 ms | 202 p99 ms | visible p50 s "
        "| visible p99 s | visible max s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    if waits:
        took = sorted(each for _, each, _ in record.answered)
        figures = [f"{1000 * _percentile(took, percent):.1f}" for percent in (50, 99)]
        figures += [f"{_percentile(waits, percent):.2f}" for percent in (50, 99, 100)]
        rate = f"{len(record.answered) / load.seconds:.0f}"
        lines.append(f"| {database} | {len(record.answered):,} | {rate} | {' | '.join(figures)} |")
    lines += ["", *(found or [f"Every event was visible within {BAR_SECONDS:.0f} s."])]
    sys.stdout.write("\n".join([*lines, ""]))
    return 1 if found else 0


def _waits(record: Record, load: Load) -> tuple[list[float], int]:
    """Return how long each event took from its answer until it was surely visible, sorted, and how
    many never were. An event is when all of its stretch are: so none is taken for another."""
    wanted = Counter(load.stretch_of(number) for number, _, _ in record.answered)
    visible_at: dict[str, float] = {}
    for at, counts, _ in record.polls:
        for stretch, count in counts.items():
            if count >= wanted[stretch]:
                visible_at.setdefault(stretch, at)
    found = [
        max(0.0, visible_at[stretch] - at)
        for number, _, at in record.answered
        if (stretch := load.stretch_of(number)) in visible_at
    ]
    return sorted(found), len(record.answered) - len(found)


def _shortcomings(record: Record, load: Load, waits: Sequence[float], missing: int) -> list[str]:
    found = []
    rows = record.polls[-1][2] if record.polls else 0
    if rows != len(record.answered):
        found.append(f"{len(record.answered):,} were answered with 202, {rows:,} are counted.")
    if missing:
        found.append(f"{missing:,} events were never visible.")
    if waits and waits[-1] > BAR_SECONDS:
        late = sum(wait > BAR_SECONDS for wait in waits)
        found.append(f"{late:,} events were visible after more than {BAR_SECONDS:.0f} s.")
    last = max((at for _, _, at in record.answered), default=0.0)
    first = min((at for _, _, at in record.answered), default=0.0)
    if (last - first) * LEAST_SHARE > load.seconds:
        found.append(
            f"The requests took {last - first:.0f} s in place of {load.seconds}: the rate was not "
            "kept, and the run tells nothing of it."
        )
    return found


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(len(ordered) * percent / 100) - 1)]


if __name__ == "__main__":
    sys.exit(main())
