from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import Settings
from time_machine import Traveller

from config.health import WORKER_SILENCE_SECONDS
from events import heartbeat
from events.models import OpenBatch, Project
from tests import make
from tests.config.stage import DATABASE_FILE, health_of, until
from tests.running import Installation


def beat(*, seconds_ago: float) -> None:
    heartbeat.beat("worker-1", now=datetime.now(UTC) - timedelta(seconds=seconds_ago))


def answer(client: Client) -> tuple[int, dict[str, Any]]:
    response = client.get("/health")
    return response.status_code, response.json()


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestHealth:
    def test_is_good_where_all_is_there(self, client: Client) -> None:
        beat(seconds_ago=1.2)

        assert answer(client) == (
            200,
            {
                "status": "ok",
                "database": {"ok": True},
                "broker": {"ok": True, "kind": "memory"},
                "worker": {"ok": True, "seen_seconds_ago": 1.2},
                "backlog": {"ok": True, "events": 0},
            },
        )

    def test_fails_where_no_worker_was_ever_seen(self, client: Client) -> None:
        status, body = answer(client)

        assert (status, body["status"]) == (503, "failing")
        assert body["worker"] == {"ok": False, "seen_seconds_ago": None}
        assert body["database"] == {"ok": True}

    def test_fails_where_the_workers_have_gone_silent(
        self, client: Client, clock: Traveller
    ) -> None:
        beat(seconds_ago=WORKER_SILENCE_SECONDS)
        before = answer(client)[0]
        clock.shift(1)

        status, body = answer(client)

        assert (before, status) == (200, 503)
        assert body["worker"] == {"ok": False, "seen_seconds_ago": 31.0}

    def test_is_good_where_one_of_two_workers_lives(self, client: Client) -> None:
        heartbeat.beat("worker-2", now=datetime.now(UTC) - timedelta(hours=1))
        beat(seconds_ago=2)

        assert answer(client)[1]["worker"] == {"ok": True, "seen_seconds_ago": 2.0}

    def test_bears_a_worker_whose_clock_is_ahead(self, client: Client) -> None:
        beat(seconds_ago=-3)

        assert answer(client)[1]["worker"] == {"ok": True, "seen_seconds_ago": 0.0}

    def test_tells_the_backlog_and_stays_good(self, client: Client, shop: Project) -> None:
        beat(seconds_ago=0)
        for batch_id, events in ((1, 40), (2, 2)):
            OpenBatch.objects.create(
                batch_id=batch_id,
                shard=0,
                project=shop,
                events=events,
                first_event_id=UUID(int=1),
                last_event_id=UUID(int=2),
                first_received_at=make.NOW,
            )

        status, body = answer(client)

        assert (status, body["backlog"]) == (200, {"ok": True, "events": 42})

    def test_fails_where_the_broker_is_gone(self, client: Client, settings: Settings) -> None:
        beat(seconds_ago=0)
        settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"  # nobody listens on port 1

        status, body = answer(client)

        assert (status, body["broker"]) == (503, {"ok": False, "kind": "redis"})

    def test_names_a_broker_that_is_there(
        self, client: Client, settings: Settings, redis_url: str
    ) -> None:
        settings.CELERY_BROKER_URL = redis_url

        assert answer(client)[1]["broker"] == {"ok": True, "kind": "redis"}

    def test_is_not_kept_by_caches(self, client: Client) -> None:
        assert "no-store" in client.get("/health")["Cache-Control"]

    def test_is_only_read(self, client: Client) -> None:
        assert client.post("/health").status_code == 405


@pytest.mark.once("sqlite")
class TestHealthInAnOutage:
    def test_tells_that_the_database_is_gone_until_it_is_back(self, running: Installation) -> None:
        database = running.data_dir / DATABASE_FILE
        away = database.rename(running.data_dir / "away.sqlite3")
        database.mkdir()  # can't be opened, not even by root
        client = running.client()
        try:
            gone = client.get("/health")
        finally:
            database.rmdir()
            away.rename(database)
            client.close()

        assert gone.status == 503
        assert gone.body == {
            "status": "failing",
            "database": {"ok": False},
            "broker": {"ok": True, "kind": "memory"},
            "worker": {"ok": False, "seen_seconds_ago": None},
            "backlog": {"ok": False, "events": None},
        }
        assert until(lambda: health_of(running) == 200)
