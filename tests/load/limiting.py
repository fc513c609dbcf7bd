"""`python -m tests.load.limiting`: what a rate limit lets through, of several web processes."""

import argparse
import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.load import stage
from tests.load.stage import LoadError, Stage

LOCAL_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
LOCAL_REDIS = "redis://127.0.0.1:6379/15"
SENDERS = 16
MOST_SECONDS = 120
WARM_UP = 4  # seconds
BAR = 0.05  # how far off the figure may be, to either side
PAUSE_SECONDS = 0.005  # of a sender: so many that never pause would measure the machine instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A limit of one window, and how many events a request has."""

    events: int
    window_seconds: int
    batch_events: int

    @property
    def text(self) -> str:
        return f"{self.events}/{self.window_seconds}s"


CASES = (
    Case(events=100, window_seconds=1, batch_events=1),
    Case(events=400, window_seconds=4, batch_events=1),
    Case(events=300, window_seconds=1, batch_events=10),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request from just before it was sent until just after its answer was there."""

    began_at: float
    ended_at: float
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Events of a run: sent, let through in its whole windows, and at most in any one window."""

    sent: int
    accepted: int
    allowed: float
    most_in_a_window: int

    @property
    def off(self) -> float:
        return self.accepted / self.allowed - 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.limiting", description=__doc__)
    parser.add_argument("--web", type=int, default=4, help="web processes (%(default)s)")
    parser.add_argument("--seconds", type=int, default=20, help="of each limit (%(default)s)")
    options = parser.parse_args()
    if not 8 <= options.seconds <= MOST_SECONDS:
        parser.error(f"8 to {MOST_SECONDS} seconds")
    os.environ.setdefault("REDIS_URL", LOCAL_REDIS)
    try:
        with stage.stage(os.environ.get("DATABASE_URL") or LOCAL_SERVER) as at:
            return _run(at, web=options.web, seconds=options.seconds)
    except LoadError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _run(at: Stage, *, web: int, seconds: int) -> int:
    _print(
        f"{web} web processes on one Redis, {SENDERS} senders, {seconds} s each; "
        f"{os.cpu_count()} cores shared by all.\n\n"
        "| limit | events a request | sent | let through | allowed | off | most in one window |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    is_met = True
    with stage.web(at, processes=web) as url:
        # A process is slow at its first requests: it connects, and plans its statements.
        _sent(url, at.api_key, Case(events=0, window_seconds=1, batch_events=1), seconds=WARM_UP)
        for case in CASES:
            found = _measured(at, url, case, seconds=seconds)
            is_met &= abs(found.off) <= BAR and found.most_in_a_window <= case.events
            _print(
                f"| {case.text} | {case.batch_events} | {found.sent:,} | {found.accepted:,} "
                f"| {found.allowed:,.0f} | {found.off:+.1%} | {found.most_in_a_window:,} |"
            )
    _print(f"\nWithin {BAR:.0%}: {'met' if is_met else 'not met'}.")
    return 0 if is_met else 1


def _measured(at: Stage, url: str, case: Case, *, seconds: int) -> Measured:
    slug = f"limited-{case.text.replace('/', '-')}"
    printed = stage.manage(at, "create_project", slug, "--rate-limit", case.text, "--json")
    sent = _sent(url, json.loads(printed)["api_key"], case, seconds=seconds)
    wrong = {each.status for each in sent} - {200, 429}
    if wrong:
        raise LoadError(f"Answered with {wrong}.")
    accepted = sorted((each for each in sent if each.status == 200), key=lambda each: each.ended_at)
    first = min(each.began_at for each in sent)
    windows = seconds // case.window_seconds
    ends = first + windows * case.window_seconds
    counted = sum(each.ended_at <= ends for each in accepted)
    return Measured(
        sent=len(sent) * case.batch_events,
        accepted=counted * case.batch_events,
        allowed=case.events * windows,
        most_in_a_window=max(_in_each_window(accepted, case)) * case.batch_events,
    )


def _in_each_window(accepted: Sequence[Sent], case: Case) -> Iterator[int]:
    """Yield how many requests were sent and answered within a window from each one's sending."""
    for first in accepted:
        ends = first.began_at + case.window_seconds
        yield sum(first.began_at <= each.began_at and each.ended_at < ends for each in accepted)


def _sent(url: str, key: str, case: Case, *, seconds: int) -> list[Sent]:
    """Send for so long from many threads, each on a connection that it keeps."""
    event = {"event": "buy", "customer": "c-1"}
    body = json.dumps({"events": [event] * case.batch_events}).encode()
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    found: list[Sent] = []
    ends = time.monotonic() + seconds

    def send() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        while (began_at := time.monotonic()) < ends:
            connection.request("POST", "/api/v1/events", body, headers)
            answer = connection.getresponse()
            answer.read()
            found.append(Sent(began_at=began_at, ended_at=time.monotonic(), status=answer.status))
            time.sleep(PAUSE_SECONDS)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
