"""Rollups folded by two workers that are killed while they fold."""

import itertools
import os
import random
import signal
import threading
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.running import Client, Installation, children, command_of, installation

REQUESTS = 60
EVENTS_PER_REQUEST = 100


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Installation:
    return installation(tmp_path / "data", database_url)


def events(dice: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "event": dice.choice(["buy", "look"]),
            "customer": f"c-{dice.randrange(40)}",
            "metadata": {
                "amount": dice.choice([dice.randrange(-50, 5000), None, "12", True]),
                "brand": dice.choice(["Private", "National", f"b-{dice.randrange(30)}"]),
            },
        }
        for _ in range(EVENTS_PER_REQUEST)
    ]


def kill_a_worker(shop: Installation) -> bool:
    """Kill one of the workers that run at the moment; tell whether there was one."""
    assert shop.process is not None
    workers = [
        pid for pid in children(shop.process.pid) if "config.celery" in " ".join(command_of(pid))
    ]
    if not workers:
        return False
    os.kill(random.choice(workers), signal.SIGKILL)
    return True


def recount(sent: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Count the same figures plainly."""
    amounts = [each["metadata"]["amount"] for each in sent if each["event"] == name]
    numbers = [value for value in amounts if type(value) is int]
    return {
        "rows": len(amounts),
        "null": amounts.count(None),
        "types": {
            "number": len(numbers),
            "text": sum(isinstance(value, str) for value in amounts),
            "boolean": sum(value is True for value in amounts),
            "array": 0,
            "object": 0,
        },
        "sum": sum(numbers),
        "min": min(numbers),
        "max": max(numbers),
    }


def figures(client: Client, key: str, name: str) -> dict[str, Any]:
    path = f"/api/v1/event-types/{name}/fields/amount/statistics"
    body = client.get(path, x_api_key=key).body
    return {key: body[key] for key in ("rows", "null", "types")} | {
        key: int(Decimal(str(body["number"][key]))) for key in ("sum", "min", "max")
    }


class TestWorkersKilledWhileFolding:
    def test_count_every_event_once(self, shop: Installation) -> None:
        key = shop.last_line("create_project", "shop", "--json")["api_key"]
        dice = random.Random(7)
        requests = [events(dice) for _ in range(REQUESTS)]
        sent = list(itertools.chain.from_iterable(requests))
        done = threading.Event()

        killed: list[bool] = []

        def kill_now_and_then() -> None:
            while not done.wait(0.5):
                killed.append(kill_a_worker(shop))

        with shop.up("--workers", "2"):
            killer = threading.Thread(target=kill_now_and_then)
            killer.start()
            client = shop.client()
            for request in requests:
                answer = client.post("/api/v1/events", {"events": request}, x_api_key=key)
                statuses = Counter(result["status"] for result in answer.body["results"])
                assert statuses == {"accepted": EVENTS_PER_REQUEST}
                # At any moment, folded or not, exactly what was answered is counted.
            before = {name: figures(client, key, name) for name in ("buy", "look")}
            done.set()
            killer.join()
            shop.manage("roll_up")
            after = {name: figures(client, key, name) for name in ("buy", "look")}
            client.close()

        expected = {name: recount(sent, name) for name in ("buy", "look")}
        assert any(killed)
        assert before == expected
        assert after == expected
        assert shop.last_line("rebuild_rollups", "--check")["differences"] == 0
        assert shop.last_line("verify_ledger")["differences"] == 0
