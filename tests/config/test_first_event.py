"""The first event of a fresh installation: rewarded at once, in the statistics by itself."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests import databases
from tests.running import Client, Installation, installation

VISIBLE_SECONDS = 10
SET_UP = {
    "event_types": [{"name": "daily_login"}],
    "rules": [{"name": "Login", "definition": {"trigger": "daily_login", "award": {"fixed": 10}}}],
    "streaks": [
        {
            "name": "daily_app_use",
            "event": "daily_login",
            "period": "day",
            "milestones": [{"at": 7, "points": 100}],
        }
    ],
}


# The others add nothing to SQLite: it has one host, and `up` starts its only worker.
BROKERS = ["memory"] if databases.ENGINE == "sqlite" else ["memory", "redis", "amqp"]


@pytest.fixture(params=BROKERS)
def broker_url(request: pytest.FixtureRequest) -> str:
    """Return each broker that this database goes with."""
    kind: str = request.param
    return "memory://" if kind == "memory" else str(request.getfixturevalue(f"{kind}_url"))


def statistics_when_folded(client: Client, key: str) -> dict[str, Any]:
    """Ask the statistics of `platform` until the event is folded or the time is up."""
    ends = time.monotonic() + VISIBLE_SECONDS
    path = "/api/v1/event-types/daily_login/fields/platform/statistics"
    while True:
        answer = client.get(path, x_api_key=key)
        assert answer.status == 200, answer
        statistics: dict[str, Any] = answer.body
        assert statistics["rows"] == 1  # at every moment: folded or read from the tail
        if statistics["tail_rows"] == 0 or time.monotonic() > ends:
            return statistics
        time.sleep(0.1)


class TestTheFirstEvent:
    def test_is_rewarded_at_once_and_folded_by_itself(
        self, tmp_path: Path, database_url: str, broker_url: str
    ) -> None:
        shop: Installation = installation(tmp_path / "data", database_url, broker_url)
        keys = shop.last_line("create_project", "shop", "--time-zone", "Europe/Berlin", "--json")
        (tmp_path / "set_up.json").write_text(json.dumps(SET_UP))
        counts = shop.last_line("import_config", str(tmp_path / "set_up.json"), "--project", "shop")
        assert counts == {"event_types": 1, "rules": 1, "streaks": 1, "challenges": 0}

        with shop.up():
            client = shop.client()
            answer = client.post(
                "/event",
                {"eventId": "daily_login", "userId": "user123", "metadata": {"platform": "ios"}},
                authorization=f"Bearer {keys['jwt']}",
            )
            statistics = statistics_when_folded(client, keys["api_key"])
            client.close()

        assert answer.status == 200
        assert answer.body["data"]["pointsAwarded"] == 10
        [streak] = answer.body["data"]["streaks"]
        assert (streak["streakId"], streak["currentCount"]) == ("daily_app_use", 1)
        assert statistics["tail_rows"] == 0
        assert statistics["text"]["top"] == [{"value": "ios", "count": 1}]
