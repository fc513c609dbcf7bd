"""What every vendor's client meets on the wire: a real server, a real socket, its own habits."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests import databases
from tests.events.contract import (
    EVENT,
    SET_UP,
    TIMEOUT_SECONDS,
    Answer,
    Contract,
    Shop,
    ask,
)
from tests.running import installation


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, each_database: None) -> Iterator[Shop]:
    """The shop on this worker's database, with one event type and a rule for it."""
    folder = tmp_path_factory.mktemp("contract")
    with databases.fresh(folder) as url:
        installed = installation(folder / "data", url)
        keys = installed.last_line("create_project", "shop", "--json")
        set_up = folder / "set_up.json"
        set_up.write_text(json.dumps(SET_UP))
        installed.manage("import_config", str(set_up), "--project", "shop")
        with installed.up():
            yield Shop(installed=installed, keys=keys)


class TestNative(Contract):
    wire = "native"
    paths = ("/api/v1/events",)

    def headers(self, shop: Shop) -> dict[str, str]:
        return {"X-API-Key": shop.keys["api_key"]}

    def body(self, customer: str, metadata: Any, event: str = EVENT) -> dict[str, Any]:
        return {"event": event, "customer": customer, "metadata": metadata}

    def assert_error(self, answer: Answer) -> None:
        assert answer.status >= 400
        if "results" in answer.body:
            assert answer.body["results"][0]["error"]["message"]
            return
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.body["detail"]

    def assert_success(self, answer: Answer) -> None:
        assert answer.status == 200, answer
        assert answer.body["results"][0]["status"] in ("accepted", "discarded")

    @pytest.mark.parametrize("style", [str, "{}/".format])
    def test_answers_at_each_path_in_any_case(self, shop: Shop, style: Any) -> None:
        super().test_answers_at_each_path_in_any_case(shop, style)


class TestReferd(Contract):
    wire = "referd"
    paths = (
        "/integrations/event",
        "/api/v3.0/integrations/event",
        "/api/v2.0/Integrations/Event",
        "/v2.0/Integrations/Event",
        "/referd/integrations/event",
        "/referd/api/v3.0/integrations/event",
    )

    def headers(self, shop: Shop) -> dict[str, str]:
        return {"APIKey": shop.keys["api_key"]}

    def body(self, customer: str, metadata: Any, event: str = EVENT) -> dict[str, Any]:
        return {
            "playerUniqueId": customer,
            "mobile": None,
            "email": None,
            "events": {event: metadata},
        }

    def assert_error(self, answer: Answer) -> None:
        assert answer.status >= 400
        assert set(answer.body) == {"code", "message"}
        assert isinstance(answer.body["code"], int)
        assert answer.body["code"] >= 0

    def assert_success(self, answer: Answer) -> None:
        assert (answer.status, answer.body) == (200, {})


class TestGameball(Contract):
    wire = "gameball"
    paths = (
        "/api/v4/integrations/events",
        "/api/v4/integrations/event",
        "/api/v4.0/integrations/events",
        "/api/v4.1/integrations/events",
        "/gameball/api/v4/integrations/events",
    )

    def headers(self, shop: Shop) -> dict[str, str]:
        return {"apikey": shop.keys["api_key"], "secretkey": shop.keys["secret_key"]}

    def body(self, customer: str, metadata: Any, event: str = EVENT) -> dict[str, Any]:
        return {"customerId": customer, "events": {event: metadata}}

    def assert_error(self, answer: Answer) -> None:
        assert answer.status >= 400
        assert set(answer.body) == {"code", "type", "message", "documentationUrl", "requestId"}
        assert isinstance(answer.body["code"], int)

    def assert_success(self, answer: Answer) -> None:
        expected = {"success": True, "message": "Events processed"}
        assert (answer.status, answer.body) == (200, expected)

    def test_takes_a_batch_in_by_a_worker(self, shop: Shop) -> None:
        customer = self.new_customer(shop)
        elements = [self.body(customer, {"total": 5}), {"customerId": customer}]
        answer = self.send(shop, {"body": elements}, "/gameball/api/v4.0/integrations/batch/events")
        status = f"/api/v4.0/integrations/batches/{answer.body['jobId']}/status"

        deadline = time.monotonic() + TIMEOUT_SECONDS
        while (told := ask(shop, "GET", status, self.headers(shop)).body)["progress"] < 100:
            assert time.monotonic() < deadline, told
            time.sleep(0.1)

        assert (told["status"], told["processedItems"], told["failedItems"]) == ("completed", 2, 1)
        assert [event["metadata"] for event in shop.stored(customer)] == [{"total": 5}]


class TestVibetrace(Contract):
    wire = "vibetrace"
    paths = ("/vibetrace/v1/event", "/v1/event")
    refuses_repeated_keys = False

    def headers(self, shop: Shop) -> dict[str, str]:
        return {"Authorization": shop.keys["api_key"]}

    def prepare(self, shop: Shop, customer: str) -> None:
        body = json.dumps({"email": customer}).encode()
        assert ask(shop, "POST", "/v1/user", self.headers(shop), body).status == 200

    def body(self, customer: str, metadata: Any, event: str = EVENT) -> dict[str, Any]:
        inner = {"event_name": event, **metadata} if isinstance(metadata, dict) else metadata
        kind = {"generic": {"generic": inner}} if inner else {"generic": {"generic": metadata}}
        return {"user": {"email": customer}, "event": kind}

    def assert_error(self, answer: Answer) -> None:
        assert answer.status >= 400
        [error] = answer.body["errors"]
        assert set(error) == {"message", "description"}

    def assert_success(self, answer: Answer) -> None:
        assert answer.status == 200, answer
        assert answer.body["results"]["message"] == "Event created"

    @pytest.mark.parametrize("none", [{}], ids=["object"])
    def test_takes_empty_metadata_for_none(self, shop: Shop, none: Any) -> None:
        super().test_takes_empty_metadata_for_none(shop, none)


class TestLynes(Contract):
    wire = "lynes"
    paths = ("/event", "/v0/event", "/v1/event", "/v3/event", "/lynes/event", "/lynes/v1/event")
    refuses_repeated_keys = False

    def headers(self, shop: Shop) -> dict[str, str]:
        return {"Authorization": f"Bearer {shop.keys['jwt']}"}

    def body(self, customer: str, metadata: Any, event: str = EVENT) -> dict[str, Any]:
        return {"eventId": event, "userId": customer, "metadata": metadata}

    def assert_error(self, answer: Answer) -> None:
        assert answer.status >= 400
        assert answer.body["success"] is False
        assert set(answer.body["error"]) == {"code", "message"}

    def assert_success(self, answer: Answer) -> None:
        assert answer.status == 200, answer
        assert answer.body["success"] is True


class TestReleva(Contract):
    wire = "releva"
    status = 202
    paths = ("/api/v0/events", "/releva/api/v0/events")
    has_plain_metadata = False

    def headers(self, shop: Shop) -> dict[str, str]:
        return {"Authorization": f"Bearer {shop.keys['secret_key']}"}

    def body(self, customer: str, metadata: Any, event: str = EVENT) -> dict[str, Any]:
        return {"events": [{"action": event, "email": customer, "custom": groups(metadata or {})}]}

    def assert_error(self, answer: Answer) -> None:
        assert answer.status >= 400
        assert set(answer.body) == {"message"}

    def assert_success(self, answer: Answer) -> None:
        assert (answer.status, answer.body) == (202, {})


def groups(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as Releva's custom fields."""
    found: dict[str, list[Any]] = {}
    for key, value in metadata.items():
        values = value if isinstance(value, list) else [value]
        kind = {bool: "boolean", str: "string"}.get(type(values[0]), "numeric")
        found.setdefault(kind, []).append({"key": key, "values": values})
    return found
