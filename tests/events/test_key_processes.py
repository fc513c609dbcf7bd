"""Keys before several web processes: what one learns, all must know."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from events.auth import ACCESS_SECONDS
from events.key_activity import WRITE_SECONDS
from events.rates.windows import SLOTS
from tests.calling import EVENTS
from tests.running import Installation, installation

EVENT = {"event": "buy", "customer": "c-1"}
LIMIT_EVENTS = 40
SEND_SECONDS = 5.0
SENDERS = 8
MARGIN_SECONDS = 3.0  # of a machine that does other things


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request from just before it was sent until just after its answer was there."""

    began_at: float
    ended_at: float
    status: int


@pytest.fixture
def running(
    tmp_path: Path, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """An installation with four web processes that share a Redis."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    made = installation(tmp_path / "data", database_url)
    with made.up("--web", "4"):
        yield made


def statuses(running: Installation, key: str, requests: int) -> list[int]:
    """Send requests on connections of their own, which the processes share out among them."""
    found = []
    for _ in range(requests):
        client = running.client()
        found.append(client.post(EVENTS, EVENT, x_api_key=key).status)
        client.close()
    return found


def until(is_so: Callable[[], bool], *, seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True


def asked(running: Installation, expression: str) -> Any:
    """Return what the database says, as JSON that a shell of its own prints."""
    code = (
        "import json\nfrom events.models import ApiKey, LimitedDay\n"
        f"print(json.dumps({expression}, default=str))"
    )
    return json.loads(running.manage("shell", "-v0", "-c", code).stdout.splitlines()[-1])


@pytest.mark.once("postgresql")
class TestAKeyThatNoLongerHolds:
    def test_is_refused_by_every_process_within_seconds(self, running: Installation) -> None:
        made = running.last_line("create_project", "shop", "--json")
        key = made["api_key"]
        assert set(statuses(running, key, 40)) == {200}

        new = running.last_line("rotate_key", key[:12], "--overlap-hours", "0", "--json")

        time.sleep(ACCESS_SECONDS)
        assert until(lambda: set(statuses(running, key, 10)) == {401}, seconds=MARGIN_SECONDS)
        assert set(statuses(running, key, 40)) == {401}
        assert set(statuses(running, new["api_key"], 40)) == {200}
        used = "list(ApiKey.objects.order_by('id').values_list('last_used_at', flat=True))"
        time.sleep(WRITE_SECONDS)
        assert until(lambda: None not in asked(running, used)[::2], seconds=10 * MARGIN_SECONDS)


@pytest.mark.once("postgresql")
class TestALimitedKey:
    def test_is_held_to_its_limit_by_all_processes_together(self, running: Installation) -> None:
        made = running.last_line(
            "create_project", "shop", "--rate-limit", f"{LIMIT_EVENTS}/s", "--json"
        )

        sent = sent_by_many(running, made["api_key"])

        accepted = [each for each in sent if each.status == 200]
        refused = [each for each in sent if each.status == 429]
        assert len(accepted) + len(refused) == len(sent)
        assert len(accepted) > LIMIT_EVENTS
        # What was sent and answered within a second was judged within it.
        assert most_within(accepted, 1.0) <= LIMIT_EVENTS
        # Who was refused found the window full: of what was on its way in it, so many were taken.
        window_seconds = 1.0 + 1.0 / SLOTS
        unjust = [
            each for each in refused if taken_before(accepted, each, window_seconds) < LIMIT_EVENTS
        ]
        assert unjust == []
        assert is_told(running, len(refused))


def is_told(running: Installation, refused: int) -> bool:
    """Tell whether the database knows in the end how many were refused."""
    counts = "list(LimitedDay.objects.values_list('requests', 'events'))"
    time.sleep(WRITE_SECONDS)
    expected = [refused, refused]
    # Midnight may lie between.
    return until(
        lambda: [sum(each) for each in zip(*asked(running, counts), strict=True)] == expected,
        seconds=10 * MARGIN_SECONDS,
    )


def sent_by_many(running: Installation, key: str) -> list[Sent]:
    """Send for some seconds as fast as the answers come."""
    ends = time.monotonic() + SEND_SECONDS
    sent: list[list[Sent]] = [[] for _ in range(SENDERS)]

    def send(mine: list[Sent]) -> None:
        client = running.client()
        while (began_at := time.monotonic()) < ends:
            status = client.post(EVENTS, EVENT, x_api_key=key).status
            mine.append(Sent(began_at=began_at, ended_at=time.monotonic(), status=status))
        client.close()

    threads = [threading.Thread(target=send, args=(mine,)) for mine in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(itertools.chain(*sent))


def most_within(sent: list[Sent], seconds: float) -> int:
    """Return the most requests that were sent and answered in one stretch."""
    return max(
        sum(
            first.began_at <= each.began_at and each.ended_at < first.began_at + seconds
            for each in sent
        )
        for first in sent
    )


def taken_before(accepted: list[Sent], refused: Sent, window_seconds: float) -> int:
    """Return how many may have stood in the window when this one was refused."""
    return sum(
        each.ended_at >= refused.began_at - window_seconds and each.began_at <= refused.ended_at
        for each in accepted
    )
