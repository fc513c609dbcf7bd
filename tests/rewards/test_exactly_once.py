"""Exactly-once rewards through real web processes, raced, slowed and killed."""

import http.client
import json
import os
import random
import signal
import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.running import Client, Installation, children, command_of, installation

THREADS = 16
KEYS = 60
CUSTOMERS = 6
BUDGET = 200
DAILY = 25

SET_UP = {
    "event_types": [{"name": "buy"}, {"name": "order", "unique_by": "orderId"}],
    "rules": [
        {"name": "per order", "definition": {"trigger": "order", "award": {"fixed": 10}}},
        {"name": "plain", "definition": {"trigger": "buy", "award": {"fixed": 10}}},
        {
            "name": "daily",
            "definition": {
                "trigger": "buy",
                "award": {"fixed": 10},
                "limits": [
                    {
                        "per": "customer",
                        "of": "points",
                        "window": "day",
                        "n": DAILY,
                        "over": "clip",
                    }
                ],
            },
        },
        {
            "name": "budget",
            "definition": {
                "trigger": "buy",
                "award": {"fixed": 7},
                "limits": [
                    {
                        "per": "project",
                        "of": "points",
                        "window": "lifetime",
                        "n": BUDGET,
                        "over": "clip",
                    }
                ],
            },
        },
    ],
    "streaks": [
        {
            "name": "every-day",
            "event": "buy",
            "period": "day",
            "milestones": [{"at": 1, "points": 5}],
        }
    ],
}

# Between the look-up of a key and its insertion: where a check-then-insert would pay twice.
_POSTGRESQL_GAP = """
CREATE FUNCTION gap() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
CREATE TRIGGER gap BEFORE INSERT ON events_eventkey FOR EACH ROW EXECUTE FUNCTION gap();
CREATE TRIGGER gap BEFORE INSERT ON events_identity FOR EACH ROW EXECUTE FUNCTION gap();
CREATE TRIGGER gap BEFORE INSERT ON events_naturalkey FOR EACH ROW EXECUTE FUNCTION gap();
"""
_SQLITE_GAP = """
CREATE TABLE gap (n INTEGER);
INSERT INTO gap VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10);
CREATE TRIGGER gap_key BEFORE INSERT ON events_eventkey BEGIN
    SELECT count(*) FROM gap a, gap b, gap c, gap d, gap e;
END;
CREATE TRIGGER gap_order BEFORE INSERT ON events_naturalkey BEGIN
    SELECT count(*) FROM gap a, gap b, gap c, gap d, gap e;
END;
"""


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Installation:
    made = installation(tmp_path / "data", database_url)
    keys = made.last_line("create_project", "shop", "--json")
    (made.data_dir / "keys.json").write_text(json.dumps(keys))
    (made.data_dir / "set_up.json").write_text(json.dumps(SET_UP))
    made.manage("import_config", str(made.data_dir / "set_up.json"), "--project", "shop")
    return made


def force_a_gap(shop: Installation) -> None:
    url = shop.environment["DATABASE_URL"]
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.executescript(_SQLITE_GAP)
        connection.close()
        return
    with psycopg.connect(url) as server:
        server.execute(_POSTGRESQL_GAP)


def keys_of(shop: Installation) -> dict[str, str]:
    keys: dict[str, str] = json.loads((shop.data_dir / "keys.json").read_text())
    return keys


def event(number: int) -> dict[str, Any]:
    return {
        "event": "buy",
        "customer": f"c-{number % CUSTOMERS}",
        "id": f"key-{number}",
        "metadata": {"amount": number},
    }


def post_all(client: Client, barrier: threading.Barrier, *, seed: int, key: str) -> dict[str, Any]:
    """Post every event in an order of one's own, a third of them in lists; return the results."""
    numbers = list(range(KEYS))
    random.Random(seed).shuffle(numbers)
    results: dict[str, Any] = {}
    barrier.wait(30)
    while numbers:
        some = [numbers.pop() for _ in range(min(len(numbers), 1 if seed % 3 else 4))]
        body = [event(number) for number in some]
        answer = client.post(
            "/api/v1/events", {"events": body} if len(body) > 1 else body[0], x_api_key=key
        )
        assert answer.status == 200, answer
        for number, result in zip(some, answer.body["results"], strict=True):
            results[f"key-{number}"] = result
    client.close()
    return results


@pytest.mark.parametrize("gap", [False, True], ids=["as it is", "with a forced gap"])
class TestParallelPostsOfTheSameKeys:
    def test_give_each_award_once_and_identical_answers(
        self, shop: Installation, gap: bool
    ) -> None:
        if gap:
            force_a_gap(shop)
        key = keys_of(shop)["api_key"]
        barrier = threading.Barrier(THREADS)
        with shop.up("--web", "2"), ThreadPoolExecutor(THREADS) as pool:
            runs = [
                pool.submit(post_all, shop.client(), barrier, seed=seed, key=key)
                for seed in range(THREADS)
            ]
            answers = [run.result() for run in runs]
            reader = shop.client()
            stored = reader.get("/api/v1/events?limit=1000", x_api_key=key).body["results"]
            customers = [
                reader.get(f"/api/v1/customers/c-{number}", x_api_key=key).body
                for number in range(CUSTOMERS)
            ]
            reader.close()

        assert len(stored) == KEYS
        for name in answers[0]:
            given = [dict(answer[name]) for answer in answers]
            statuses = Counter(each.pop("status") for each in given)
            assert statuses == {"accepted": 1, "duplicate": THREADS - 1}
            assert all({**each, "index": 0} == {**given[0], "index": 0} for each in given), name

        paid: Counter[str] = Counter()
        daily: Counter[str] = Counter()
        streaks = 0
        for name, result in answers[0].items():
            for award in result["awards"]:
                paid[award["rule"]] += award["points"]
                if award["rule"] == "daily":
                    daily[f"c-{int(name.removeprefix('key-')) % CUSTOMERS}"] += award["points"]
            streaks += sum(streak["points_awarded"] for streak in result["streaks"])
        assert paid == {"plain": 10 * KEYS, "daily": DAILY * CUSTOMERS, "budget": BUDGET}
        assert set(daily.values()) == {DAILY}
        assert streaks == 5 * CUSTOMERS
        balances = sum(customer["balance"] for customer in customers)
        assert balances == 10 * KEYS + DAILY * CUSTOMERS + BUDGET + 5 * CUSTOMERS
        assert shop.last_line("verify_ledger")["differences"] == 0


@pytest.mark.parametrize("gap", [False, True], ids=["as it is", "with a forced gap"])
class TestParallelPostsOfTheSameOrders:
    """Without idempotency keys, and each for a customer of its own: nothing but the order's own
    value tells that it has come before."""

    def test_give_each_award_once(self, shop: Installation, gap: bool) -> None:
        if gap:
            force_a_gap(shop)
        key = keys_of(shop)["api_key"]
        barrier = threading.Barrier(THREADS)

        with shop.up("--web", "2"), ThreadPoolExecutor(THREADS) as pool:
            runs = [
                pool.submit(post_orders, shop.client(), barrier, seed=seed, key=key)
                for seed in range(THREADS)
            ]
            answers = [run.result() for run in runs]
            reader = shop.client()
            path = "/api/v1/events?limit=1000&status=accepted"
            stored = reader.get(path, x_api_key=key).body["results"]
            balances = [
                reader.get(f"/api/v1/customers/c-{seed}", x_api_key=key).body["balance"]
                for seed in range(THREADS)
            ]
            reader.close()

        statuses = Counter(each["status"] for answer in answers for each in answer.values())
        assert statuses == {"accepted": KEYS, "discarded": KEYS * (THREADS - 1)}
        for order in range(KEYS):
            awarded = [each[order]["points_awarded"] for each in answers]
            assert sorted(awarded) == [0] * (THREADS - 1) + [10]
        assert sorted(int(each["metadata"]["orderId"]) for each in stored) == list(range(KEYS))
        assert sum(balances) == 10 * KEYS
        assert shop.last_line("verify_ledger")["differences"] == 0


def post_orders(
    client: Client, barrier: threading.Barrier, *, seed: int, key: str
) -> dict[int, Any]:
    """Post every order for one's own customer, in lists; return the results."""
    numbers = list(range(KEYS))
    random.Random(seed).shuffle(numbers)
    results: dict[int, Any] = {}
    barrier.wait(30)
    while numbers:
        some = [numbers.pop() for _ in range(min(len(numbers), 1 + seed % 4))]
        body = [
            # The same order, as one client writes it and as another does.
            {
                "event": "order",
                "customer": f"c-{seed}",
                "metadata": {"orderId": number if seed % 2 else str(number)},
            }
            for number in some
        ]
        answer = client.post("/api/v1/events", {"events": body}, x_api_key=key)
        assert answer.status == 200, answer
        results |= zip(some, answer.body["results"], strict=True)
    client.close()
    return results


class TestAKilledWebProcess:
    def test_loses_nothing_that_was_answered_and_pays_nothing_twice(
        self, shop: Installation
    ) -> None:
        key = keys_of(shop)["api_key"]
        posted = 600
        acknowledged: dict[int, Any] = {}
        numbers = iter(range(posted))
        mutex = threading.Lock()

        def post_some() -> None:
            client = shop.client()
            while True:
                with mutex:
                    number = next(numbers, None)
                if number is None:
                    break
                while number not in acknowledged:
                    try:
                        answer = client.post("/api/v1/events", event(number), x_api_key=key)
                    except (http.client.HTTPException, ConnectionError):
                        client.close()  # the process died: ask the next one, with the same key
                        continue
                    if answer.status == 200:
                        acknowledged[number] = answer.body["results"][0]
            client.close()

        with shop.up("--web", "2"), ThreadPoolExecutor(8) as pool:
            runs = [pool.submit(post_some) for _ in range(8)]
            for share in (posted // 6, posted // 3, posted // 2):
                while len(acknowledged) < share and not all(run.done() for run in runs):
                    threading.Event().wait(0.005)
                os.kill(_a_web_worker(shop), signal.SIGKILL)
            for run in runs:
                run.result()
            stored = []
            reader = shop.client()
            path = "/api/v1/events?limit=1000"
            stored = reader.get(path, x_api_key=key).body["results"]
            reader.close()

        assert len(acknowledged) == posted
        assert Counter(each["id"] for each in stored) == Counter(
            each["id"] for each in acknowledged.values()
        )
        plain = sum(
            award["points"]
            for each in acknowledged.values()
            for award in each["awards"]
            if award["rule"] == "plain"
        )
        assert plain == 10 * posted
        assert shop.last_line("verify_ledger")["differences"] == 0


def _a_web_worker(shop: Installation) -> int:
    """Return a process that serves requests: a child of granian's main process."""
    assert shop.process is not None
    [main] = [pid for pid in children(shop.process.pid) if "config.web" in command_of(pid)]
    while not (workers := [pid for pid in children(main) if _serves(pid)]):
        threading.Event().wait(0.01)
    return random.choice(workers)


def _serves(pid: int) -> bool:
    # multiprocessing starts a resource tracker beside the workers.
    return "resource_tracker" not in " ".join(command_of(pid))
