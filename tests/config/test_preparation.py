"""What a start does about statistics that another release wrote."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client

from analytics import rollup
from config import preparation
from events.projects import NewProject
from tests.analytics.feed import send_values
from tests.analytics.former import leave_as_former_release
from tests.config.stage import install

LEAVE_AS_FORMER = "from tests.analytics import former; former.leave_as_former_release()"


@pytest.fixture
def former(shop_keys: NewProject) -> NewProject:
    """The shop with statistics that this release can't read."""
    send_values(shop_keys.project, "level", [1, 2, 3])
    rollup.roll_up(seconds=60)
    leave_as_former_release()
    return shop_keys


def answer(keys: NewProject) -> tuple[int, object]:
    response = Client().get(
        "/api/v1/overview?from=2026-03-02&to=2026-03-02", headers={"X-API-Key": keys.api_key}
    )
    body = response.json()
    return response.status_code, body["current"]["events"] if "current" in body else body["code"]


@pytest.mark.usefixtures("clock")
class TestRenewRollups:
    def test_makes_statistics_readable(
        self, former: NewProject, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert answer(former) == (503, "too_busy")

        preparation.renew_rollups()

        assert answer(former) == (200, 3)
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err == (
            "Another release wrote the statistics: counting 1 day of event types anew …\n"
        )

    def test_is_silent_where_there_is_nothing_to_do(
        self, former: NewProject, capsys: pytest.CaptureFixture[str]
    ) -> None:
        preparation.renew_rollups()
        capsys.readouterr()

        preparation.renew_rollups()

        assert capsys.readouterr() == ("", "")

    def test_goes_before_the_ready_line(self, tmp_path: Path, database_url: str) -> None:
        made = install(tmp_path / "var", database_url=database_url)
        key = made.last_line("create_project", "shop", "--json")["api_key"]
        history = tmp_path / "history.ndjson"
        history.write_text('{"event": "play", "customer": "c-1", "metadata": {"level": 1}}\n')
        made.manage("import_events", str(history), "--project=shop")
        made.manage("roll_up")
        made.manage("shell", "-c", LEAVE_AS_FORMER)

        with made.up():
            client = made.client()
            found = client.get("/api/v1/overview", x_api_key=key)
            client.close()

        assert (found.status, found.body["current"]["events"]) == (200, 1)
        lines = [line.split(":")[0] for line in made.log]
        assert lines.index("Another release wrote the statistics") < lines.index("ready http")

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.postgresql
    def test_lets_hosts_start_at_once(
        self, former: NewProject, capsys: pytest.CaptureFixture[str]
    ) -> None:
        hosts = 3
        barrier = threading.Barrier(hosts)

        def start() -> None:
            try:
                barrier.wait()
                preparation.renew_rollups()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(hosts) as pool:
            for started in [pool.submit(start) for _ in range(hosts)]:
                started.result()

        assert answer(former) == (200, 3)
        assert capsys.readouterr().err.count("\n") == 1
