"""Referd's paths, as its clients and those of Gameball's API 2.0 and 3.0 ask them."""

import json
from typing import Any

import pytest
import time_machine
from django.test import Client

from events.models import Customer, Event, EventType, Project, Quarantine
from events.projects import NewProject
from tests import make
from tests.calling import Answer, Caller
from tests.rewards.definitions import definition

pytestmark = pytest.mark.django_db

EVENT = "/integrations/event"
PLAYER = "/integrations/player"
PREFIXES = (
    "",
    "/api/v3.0",
    "/api/v2.0",
    "/v2.0",
    "/api/v3",
    "/referd",
    "/referd/api/v3.0",
    "/referd/api/v2.0",
    "/referd/v2.0",
    "/gameball/api/v3.0",
)


def referd(**fields: Any) -> dict[str, Any]:
    return {"playerUniqueId": "u-77", "events": {"buy": {"total": 5}, "review": []}, **fields}


@pytest.fixture
def caller(shop_keys: NewProject, clock: time_machine.Traveller) -> Caller:
    return Caller(keys=shop_keys)


def send(caller: Caller, path: str, body: Any, **headers: str) -> Answer:
    return caller.post(path, body, **{"x_api_key": "", "apikey": caller.keys.api_key, **headers})


class TestAPath:
    @pytest.mark.parametrize("prefix", PREFIXES)
    @pytest.mark.parametrize("style", [str, str.upper, str.title, "{}/".format])
    def test_is_served_in_any_case_and_with_a_slash(
        self, caller: Caller, prefix: str, style: Any
    ) -> None:
        event = send(caller, style(prefix + EVENT), referd())
        player = send(caller, style(prefix + PLAYER), {"playerUniqueId": "u-77"})

        assert (event.status, event.body) == (200, {})
        assert player.status == 200
        assert player.body == {"gameballId": Customer.objects.get().pk}

    @pytest.mark.parametrize(
        "path",
        [
            "/integrations/events",
            "/integrations/order",
            "/api/v3.0/integrations/transaction/balance",
            "/API/V2.0/Integrations/Player/Info",
            "/referd/integrations/action/",
            "/referd/anything",
            "/gameball/api/v3.0/integrations/config",
        ],
    )
    def test_of_nothing_is_refused_in_the_vendors_words(self, caller: Caller, path: str) -> None:
        for answer in (send(caller, path, {}), caller.get(path)):
            assert answer.status == 404
            assert answer.body == {"code": 0, "message": "There is nothing at this path."}

    @pytest.mark.parametrize("path", [EVENT, PLAYER])
    def test_takes_no_other_method(self, caller: Caller, path: str) -> None:
        answer = caller.get(path, apikey=caller.keys.api_key)

        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert answer.body == {"code": 0, "message": "GET is not answered here."}


class TestAnEvent:
    def test_is_stored_and_earns(self, caller: Caller, shop: Project) -> None:
        make.rule(shop, "ten", definition())
        make.rule(shop, "four", {**definition(), "trigger": "review", "award": {"fixed": 4}})

        send(caller, EVENT, referd())

        assert caller.customer("u-77")["balance"] == 14
        stored = Event.objects.order_by("customer_seq").values_list("event_type__name", "metadata")
        assert list(stored) == [("buy", {"total": 5}), ("review", {})]
        assert set(Event.objects.values_list("wire", flat=True)) == {"referd"}

    def test_earns_again_where_it_is_sent_again(self, caller: Caller, shop: Project) -> None:
        make.rule(shop, "ten", definition())
        for _ in range(2):
            send(caller, EVENT, referd())

        assert caller.customer("u-77")["balance"] == 20

    def test_puts_attributes_and_names_on_its_customer(self, caller: Caller) -> None:
        told = {"city": "Ulm", "gender": None, "email": "Ann@x.test", "custom": {"size": 42}}
        send(caller, EVENT, referd(mobile=None, playerAttributes=told))
        send(caller, EVENT, referd(playerAttributes={"city": None, "tags": ["vip"]}))

        customer = caller.customer("u-77")
        assert customer["attributes"] == {"city": "Ulm", "size": 42, "tags": ["vip"]}
        assert customer["identities"] == {"external_id": "u-77", "email": "ann@x.test"}

    def test_lets_a_rule_read_a_number_sent_as_text_where_it_is_declared(
        self, caller: Caller, shop: Project
    ) -> None:
        make.event_type(shop, "buy", fields={"total": "number"})
        award: Any = {"per_unit": {"points": 2, "per": "1", "field": "event.total"}}
        make.rule(shop, "two", {"trigger": "buy", "award": award})

        send(caller, EVENT, referd(events={"buy": {"total": "12.50", "note": "12"}}))

        assert caller.customer("u-77")["balance"] == 25
        assert Event.objects.get().metadata == {"total": "12.50", "note": "12"}

    def test_that_is_refused_costs_the_whole_request(self, caller: Caller, shop: Project) -> None:
        make.event_type(shop, "closed", active=False)

        answer = send(caller, EVENT, referd(events={"buy": {}, "closed": {}}))

        assert (answer.status, answer.body["code"]) == (400, 16)
        assert Event.objects.count() == Customer.objects.count() == 0
        assert not EventType.objects.filter(name="buy").exists()
        assert Quarantine.objects.get().code == "inactive_event_type"

    def test_of_an_unknown_type_is_refused_in_a_strict_project(
        self, caller: Caller, shop: Project
    ) -> None:
        Project.objects.filter(pk=shop.pk).update(strict=True)
        make.event_type(shop, "known")

        answer = send(caller, EVENT, referd())

        assert (answer.status, answer.body["code"]) == (400, 7)
        assert "buy" in answer.body["message"]


class TestAKey:
    @pytest.mark.parametrize("path", [EVENT, PLAYER])
    @pytest.mark.parametrize(
        ("headers", "status"), [({"apikey": ""}, 403), ({"apikey": "nobody"}, 401)]
    )
    def test_must_be_there_and_hold(
        self, caller: Caller, path: str, headers: dict[str, str], status: int
    ) -> None:
        answer = send(caller, path, referd(), **headers)

        assert answer.status == status
        assert answer.body["code"] == 0
        assert answer.body["message"]

    def test_of_another_kind_does_not_hold(self, caller: Caller) -> None:
        assert send(caller, EVENT, referd(), apikey=caller.keys.secret_key).status == 401

    def test_may_stand_in_a_header_of_any_case(self, caller: Caller) -> None:
        headers = {"aPiKeY": caller.keys.api_key}
        response = Client().post(EVENT, referd(), "application/json", headers=headers)

        assert response.status_code == 200

    @pytest.mark.parametrize("secret", ["right", "wrong"])
    def test_may_have_a_secret_along_that_need_not_hold(self, caller: Caller, secret: str) -> None:
        """Clients send what they were set up with, where the endpoint asks for none."""
        secret_key = caller.keys.secret_key if secret == "right" else "not-needed"

        assert send(caller, EVENT, referd(), secretkey=secret_key).status == 200

    def test_may_have_no_secret_of_another_project_along(
        self, caller: Caller, other_keys: NewProject
    ) -> None:
        assert send(caller, EVENT, referd(), secretkey=other_keys.secret_key).status == 401


class TestAPlayer:
    def test_is_made_and_updated(self, caller: Caller) -> None:
        first = send(caller, PLAYER, {"playerUniqueId": 7, "playerAttributes": {"city": "Ulm"}})
        again = send(
            caller,
            PLAYER,
            {"playerUniqueId": "7", "email": "a@x.test", "playerAttributes": {"tags": ["vip"]}},
        )

        assert (first.status, again.status) == (200, 200)
        assert first.body == again.body == {"gameballId": Customer.objects.get().pk}
        customer = caller.customer("7")
        assert customer["attributes"] == {"city": "Ulm", "tags": ["vip"]}
        assert customer["identities"]["email"] == "a@x.test"
        assert Event.objects.count() == 0

    def test_keeps_the_exact_numbers_of_its_attributes(self, caller: Caller) -> None:
        body = b'{"playerUniqueId":"u","playerAttributes":{"totalSpent":120.50}}'

        send(caller, PLAYER, body)

        response = Client().get("/api/v1/customers/u", headers={"x-api-key": caller.keys.api_key})
        assert b'"totalSpent":120.50' in response.content

    def test_has_a_balance(self, caller: Caller, shop: Project) -> None:
        make.rule(shop, "ten", definition())
        send(caller, EVENT, referd())

        for prefix in PREFIXES:
            answer = caller.get(f"{prefix}/Integrations/player/u-77/balance/", **keyed(caller))

            assert answer.status == 200
            assert answer.body["pointsBalance"] == 10
            assert answer.body["pendingPoints"] == 0

    def test_that_nobody_knows_has_none(self, caller: Caller) -> None:
        answer = caller.get("/api/v3.0/integrations/player/nobody/balance", **keyed(caller))

        assert (answer.status, answer.body["code"]) == (404, 101)

    def test_of_another_project_is_not_told(self, caller: Caller, other_keys: NewProject) -> None:
        send(caller, EVENT, referd())

        answer = caller.get(
            "/integrations/player/u-77/balance", x_api_key="", apikey=other_keys.api_key
        )

        assert answer.status == 404


def keyed(caller: Caller) -> dict[str, str]:
    return {"x_api_key": "", "apikey": caller.keys.api_key}


class TestALongRequest:
    def test_of_many_events_is_stored_whole(self, caller: Caller, shop: Project) -> None:
        names = [f"event {number}" for number in range(120)]
        told = {"playerAttributes": {"note": "x" * 2_000}}

        answer = send(
            caller, EVENT, json.dumps(referd(events=dict.fromkeys(names), **told)).encode()
        )

        assert answer.status == 200
        stored = Event.objects.order_by("customer_seq").values_list("event_type__name", flat=True)
        assert list(stored) == names
