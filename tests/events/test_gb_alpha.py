"""Gameball's own Python client gb-alpha, as its users run it, against a real server."""

import json
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any
from urllib.parse import quote

import gameball
import pytest

from tests import databases
from tests.running import Installation, installation

SET_UP = {
    "event_types": [
        {"name": "place_order", "fields": [{"name": "total_amount", "type": "number"}]}
    ],
    "rules": [
        {
            "name": "Two per unit",
            "definition": {
                "trigger": "place_order",
                "award": {"per_unit": {"points": 2, "per": "1", "field": "event.total_amount"}},
            },
        }
    ],
}


@pytest.fixture(scope="module")
def keys_and_server(
    tmp_path_factory: pytest.TempPathFactory, each_database: None
) -> Iterator[tuple[Mapping[str, str], Installation]]:
    folder = tmp_path_factory.mktemp("gb_alpha")
    with databases.fresh(folder) as url:
        server = installation(folder / "data", url)
        keys = server.last_line("create_project", "shop", "--json")
        set_up = folder / "set_up.json"
        set_up.write_text(json.dumps(SET_UP))
        server.manage("import_config", str(set_up), "--project", "shop")
        with server.up():
            yield keys, server


@pytest.fixture(params=["/api/v3.0/", "/referd/", "/gameball/api/v3.0/"])
def client(
    keys_and_server: tuple[Mapping[str, str], Installation],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> ModuleType:
    """The client with another address and keys, and nothing else changed."""
    keys, server = keys_and_server
    address = f"http://127.0.0.1:{server.port}{request.param}"
    monkeypatch.setattr(gameball.constants, "api_base", address)
    monkeypatch.setattr(gameball, "api_key", keys["api_key"])
    monkeypatch.setattr(gameball, "transaction_key", keys["secret_key"])
    monkeypatch.setattr(gameball, "default_http_client", None)
    module: ModuleType = gameball
    return module


@pytest.fixture
def player_id(request: pytest.FixtureRequest) -> str:
    return f"player of {request.node.name}"[-50:]  # the client itself takes no longer ones


@pytest.fixture
def told(keys_and_server: tuple[Mapping[str, str], Installation]) -> Any:
    """Return what the native API tells of a player."""
    keys, server = keys_and_server

    def of(path: str) -> Any:
        client = server.client()
        answer = client.get(path, x_api_key=keys["api_key"])
        client.close()
        assert answer.status == 200, answer
        return answer.body

    return of


def events_of(told: Any, player_id: str) -> list[tuple[str, Any]]:
    found = told("/api/v1/events?limit=1000")["results"]
    return [(one["event"], one["metadata"]) for one in found if one["customer"] == player_id]


class TestTheClient:
    def test_sends_events_which_earn(self, client: ModuleType, player_id: str, told: Any) -> None:
        events: dict[str, Any] = {}
        event = client.eventObject(player_id, events)
        event.add_event("place_order", {"total_amount": "120.5", "category": ["books", "games"]})
        event.add_event("review", {})

        assert client.send_event(event) == {}

        assert sorted(events_of(told, player_id), key=lambda one: one[0]) == [
            ("place_order", {"total_amount": "120.5", "category": ["books", "games"]}),
            ("review", {}),
        ]
        assert client.get_player_balance(player_id)["pointsBalance"] == 241

    def test_makes_and_updates_a_player(
        self, client: ModuleType, player_id: str, told: Any
    ) -> None:
        attributes = client.playerAttributes(display_name="Ann", custom={"shoe_size": 42})
        first = client.initialize_player(client.playerObject(player_id, attributes))
        again = client.initialize_player(
            client.playerObject(player_id, client.playerAttributes(tags=["vip"]))
        )

        assert first == again
        assert first["gameballId"] > 0
        assert told(f"/api/v1/customers/{quote(player_id)}")["attributes"] == {
            "displayName": "Ann",
            "shoe_size": 42,
            "tags": ["vip"],
        }

    def test_is_told_what_was_wrong(self, client: ModuleType, player_id: str) -> None:
        answer = client.send_event(client.eventObject(player_id, {}))

        assert isinstance(answer, client.exceptions.gameball_exception.GameballException)
        assert "with error code 7" in str(answer)
        assert "events" in str(answer)

    def test_is_told_of_a_wrong_key(
        self, client: ModuleType, player_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client, "api_key", "nobody")

        answer = client.send_event(client.eventObject(player_id, {"review": {}}))

        assert isinstance(answer, client.exceptions.gameball_exception.GameballException)
        assert str(answer) == "The key is not known. (GameballException with error code 0)"

    def test_may_have_any_transaction_key(
        self, client: ModuleType, player_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It sends none without one, where the endpoint asks for none."""
        monkeypatch.setattr(client, "transaction_key", "not needed")

        assert client.send_event(client.eventObject(player_id, {"review": {}})) == {}

    def test_takes_numbers_for_the_ids_of_players(self, client: ModuleType, told: Any) -> None:
        assert client.send_event(client.eventObject(4067, {"review": None})) == {}

        assert ("review", {}) in events_of(told, "4067")

    def test_is_told_what_is_not_served(self, client: ModuleType, player_id: str) -> None:
        for answer in (
            client.get_player_info(player_id),
            client.get_player_progress(player_id),
            client.get_notifications(player_id),
            client.get_configurations(),
            client.leaderboard(),
            client.attach_tags(player_id, ["vip"]),
            client.mark_notifications([1]),
            client.get_batch(1),
        ):
            assert isinstance(answer, client.exceptions.gameball_exception.GameballException)
            assert "There is nothing at this path." in str(answer)
