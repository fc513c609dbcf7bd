"""Gameball's paths, as its clients call them."""

from typing import Any

import pytest
import time_machine
from django.test import Client

from events import auth
from events.models import Customer, Event, EventType, Identity, Project, Quarantine
from events.projects import NewProject
from events.types import Scope
from tests import make
from tests.calling import Answer, Caller

pytestmark = pytest.mark.django_db

EVENTS = "/api/v4.0/integrations/events"
CUSTOMERS = "/api/v4.0/integrations/customers"
REVIEW = {"customerId": "c-9", "events": {"write_review": {"product_id": "p1", "rating": 5}}}
# The headers of the React Native client, in its spelling.
REACT_NATIVE = {"OS": "ios", "SDKVersion": "3.1.1", "X_GB_Agent": "GB/react-native/3.1.1"}


@pytest.fixture
def caller(shop_keys: NewProject, clock: time_machine.Traveller) -> Caller:
    shop = shop_keys.project
    make.event_type(shop, "write_review")
    make.rule(shop, "ten", {"trigger": "write_review", "award": {"fixed": 10}})
    return Caller(keys=shop_keys)


def post(caller: Caller, path: str, body: Any, *, secret: bool = True, **headers: str) -> Answer:
    keys = {"x_api_key": "", "APIKey": caller.keys.api_key}
    if secret:
        keys["SecretKey"] = caller.keys.secret_key
    return caller.post(path, body, **{**keys, **headers})


def get(caller: Caller, path: str, *, secret: bool = True, **headers: str) -> Answer:
    keys = {"x_api_key": "", "apikey": caller.keys.api_key}
    if secret:
        keys["secretkey"] = caller.keys.secret_key
    return caller.get(path, **{**keys, **headers})


class TestEvents:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/v4/integrations/events",
            "/api/v4/integrations/events/",
            "/api/v4/integrations/event",
            "/api/v4.0/integrations/events",
            "/api/v4.0/Integrations/Event/",
            "/API/V4.1/INTEGRATIONS/EVENTS",
            "/gameball/api/v4/integrations/events",
            "/gameball/api/v4.0/integrations/event",
            "/Gameball/api/v4.1/integrations/events/",
        ],
    )
    def test_are_taken_at_every_path(self, caller: Caller, path: str) -> None:
        answer = post(caller, path, REVIEW)

        assert (answer.status, answer.body) == (
            200,
            {"success": True, "message": "Events processed"},
        )
        assert Event.objects.get().wire == "gameball"
        assert caller.customer("c-9")["balance"] == 10

    @pytest.mark.parametrize(
        "path",
        [
            "/api/v4.2/integrations/events",
            "/api/v5/integrations/events",
            "/api/v40/integrations/events",
            "/v4/integrations/events",
            "/gameball/events",
        ],
    )
    def test_have_no_other_path(self, caller: Caller, path: str) -> None:
        headers = {"apikey": caller.keys.api_key, "secretkey": caller.keys.secret_key}
        response = Client().post(path, REVIEW, content_type="application/json", headers=headers)

        assert response.status_code == 404

    @pytest.mark.parametrize("path", ["/api/v4/integrations/orders", "/gameball/x", "/api/v4.1/x"])
    def test_have_no_neighbour_that_is_answered_in_other_words(
        self, caller: Caller, path: str
    ) -> None:
        answer = get(caller, path)

        assert (answer.status, answer.body["code"], answer.body["type"]) == (
            404,
            4004,
            "GENERAL_ERROR",
        )

    def test_may_be_several_of_one_customer(self, caller: Caller) -> None:
        events = {"write_review": {"rating": 5}, "place_order": {"total": "12.50"}, "visit": []}

        answer = post(caller, EVENTS, {"customerId": 7, "email": None, "events": events})

        assert answer.status == 200
        stored = {event.event_type.name: event.metadata for event in Event.objects.all()}
        assert stored == {
            "write_review": {"rating": 5},
            "place_order": {"total": "12.50"},
            "visit": {},
        }
        assert EventType.objects.get(name="visit").created_automatically

    def test_are_all_or_nothing(self, caller: Caller, shop: Project) -> None:
        make.event_type(shop, "closed", active=False)

        answer = post(caller, EVENTS, {"customerId": "c", "events": {"visit": {}, "closed": {}}})

        assert (answer.status, answer.body["code"]) == (422, 3009)
        assert not Event.objects.exists()
        assert not Customer.objects.exists()
        assert Quarantine.objects.get().wire == "gameball"

    def test_of_an_unknown_type_are_refused_in_a_strict_project(
        self, caller: Caller, shop: Project
    ) -> None:
        shop.strict = True
        shop.save()

        answer = post(caller, EVENTS, {"customerId": "c", "events": {"never": {}}})

        assert (answer.status, answer.body["code"]) == (422, 3003)

    def test_of_an_inactive_customer_are_refused(self, caller: Caller) -> None:
        post(caller, EVENTS, REVIEW)
        Customer.objects.get().set_active(False)

        answer = post(caller, EVENTS, REVIEW)

        assert (answer.status, answer.body["code"]) == (422, 3009)
        assert Event.objects.count() == 1

    def test_are_taken_as_the_react_native_client_sends_them(self, caller: Caller) -> None:
        answer = post(caller, EVENTS, REVIEW, secret=False, **REACT_NATIVE)

        assert answer.body["success"] is True

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_are_not_asked_for_otherwise(self, caller: Caller, method: str) -> None:
        response = Client().generic(method, EVENTS, headers={"apikey": "x"})

        assert (response.status_code, response.json()["type"]) == (405, "GENERAL_ERROR")


class TestKeys:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/v4/integrations/events",
            "/api/v4.1/integrations/events",
            "/api/v4.1/integrations/customers",
            "/api/v4.1/integrations/events/reward-preview",
            "/api/v4.0/integrations/batch/events",
        ],
    )
    def test_are_both_asked_for(self, caller: Caller, path: str) -> None:
        wrong = [
            post(caller, path, REVIEW, secret=False),
            post(caller, path, REVIEW, secret=False, X_GB_TOKEN="jwe"),
            post(caller, path, REVIEW, SecretKey="tws_00000000_wrong"),
            post(caller, path, REVIEW, SecretKey=caller.keys.api_key),
        ]

        assert [(each.status, each.body["code"]) for each in wrong] == [(401, 1001)] * 4
        assert "X-GB-TOKEN" in wrong[1].body["message"]
        assert not Event.objects.exists()

    @pytest.mark.parametrize(
        "path",
        [
            EVENTS,
            CUSTOMERS,
            "/api/v4/integrations/customers",
            "/api/v4.0/integrations/events/reward-preview",
        ],
    )
    def test_are_both_asked_for_in_4_0_where_the_project_demands_it(
        self, caller: Caller, shop: Project, path: str
    ) -> None:
        post(caller, EVENTS, REVIEW)
        assert post(caller, path, REVIEW, secret=False).status == 200
        shop.demands_secret_key = True
        shop.save()
        auth.forget()

        refused = post(caller, path, REVIEW, secret=False)

        assert (refused.status, refused.body["code"]) == (401, 1001)
        assert post(caller, path, REVIEW).status == 200

    def test_of_reading_are_asked_for_alike(self, caller: Caller, shop: Project) -> None:
        post(caller, EVENTS, REVIEW)
        shop.demands_secret_key = True
        shop.save()
        auth.forget()

        assert get(caller, f"{CUSTOMERS}/c-9", secret=False).body["code"] == 1001
        assert get(caller, f"{CUSTOMERS}/c-9").status == 200

    @pytest.mark.parametrize("key", ["", "twa_00000000_wrong", "\x00"])
    def test_are_refused_where_the_api_key_is_wrong(self, caller: Caller, key: str) -> None:
        answer = post(caller, EVENTS, REVIEW, secret=False, APIKey=key)

        assert (answer.status, answer.body["code"], answer.body["type"]) == (
            401,
            1000,
            "AUTHENTICATION_ERROR",
        )

    def test_must_be_of_one_project(self, caller: Caller, other_keys: NewProject) -> None:
        answer = post(caller, EVENTS, REVIEW, SecretKey=other_keys.secret_key)

        assert answer.status == 401
        assert not Event.objects.exists()

    def test_need_the_scope_of_what_is_asked(self, caller: Caller, shop: Project) -> None:
        shop.api_keys.update(scopes=[str(Scope.READ)])
        auth.forget()

        answer = post(caller, EVENTS, REVIEW)

        assert (answer.status, answer.body["code"]) == (403, 1002)


class TestTheBody:
    @pytest.mark.parametrize(
        ("body", "status", "number"),
        [(b"", 400, 3016), (b"{", 400, 3016), (b"{}", 400, 3000), (b'{"a": NaN}', 400, 3016)],
    )
    def test_is_refused_in_the_vendors_words(
        self, caller: Caller, body: bytes, status: int, number: int
    ) -> None:
        answer = post(caller, EVENTS, body)

        assert (answer.status, answer.body["code"]) == (status, number)
        assert Quarantine.objects.get().wire == "gameball"

    def test_is_refused_as_another_media_type(self, caller: Caller) -> None:
        answer = post(caller, EVENTS, REVIEW, content_type="text/plain")

        assert (answer.status, answer.body["code"]) == (415, 3013)


class TestCustomers:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/v4/integrations/customers",
            "/api/v4.0/integrations/customers/",
            "/api/v4.1/integrations/customers",
            "/gameball/API/V4.0/Integrations/Customers",
        ],
    )
    def test_are_made_at_every_path(self, caller: Caller, path: str) -> None:
        attributes = {"displayName": "Ann", "city": None, "custom": {"seats": 2}}

        answer = post(caller, path, {"customerId": "c-1", "customerAttributes": attributes})

        customer = Customer.objects.get()
        assert (answer.status, answer.body) == (200, {"gameballId": customer.pk})
        assert customer.attributes == {"displayName": "Ann", "seats": 2}
        assert not Event.objects.exists()

    def test_are_changed_and_keep_their_number(self, caller: Caller) -> None:
        first = post(caller, CUSTOMERS, {"customerId": "c-1", "customerAttributes": {"a": 1}})
        body = {"customerId": "c-1", "email": "ANN@x.test", "customerAttributes": {"b": "2"}}

        second = post(caller, CUSTOMERS, body)

        assert second.body == first.body
        assert Customer.objects.get().attributes == {"a": 1, "b": "2"}
        names = Identity.objects.order_by("kind").values_list("kind", "value")
        assert list(names) == [("email", "ann@x.test"), ("external_id", "c-1")]

    def test_are_one_by_the_channel_that_merges(self, caller: Caller, shop: Project) -> None:
        shop.merge_by = Project.MergeBy.EMAIL
        shop.save()

        online = post(caller, CUSTOMERS, {"customerId": "web-1", "email": "ann@x.test"})
        offline = post(caller, CUSTOMERS, {"customerId": "pos-1", "email": "Ann@X.test"})
        without = post(caller, CUSTOMERS, {"customerId": "pos-2"})

        assert online.body == offline.body
        assert without.body != online.body

    def test_are_shown_without_what_tells_who_they_are(self, caller: Caller) -> None:
        attributes = {"displayName": "Ann", "joinDate": "2019-09-19", "preferredLanguage": "en"}
        made = post(
            caller,
            CUSTOMERS,
            {"customerId": "a/b", "mobile": "+4930123456", "customerAttributes": attributes},
        )

        for path in (f"{CUSTOMERS}/a/b", f"{CUSTOMERS}/a/b/", f"{CUSTOMERS}/a%2Fb"):
            answer = get(caller, path, secret=False)

            assert answer.status == 200
            assert answer.body == {
                **made.body,
                "customerId": "a/b",
                "customerAttributes": {"joinDate": "2019-09-19", "preferredLanguage": "en"},
                "referralCode": None,
                "isReferred": False,
            }

    def test_have_a_balance(self, caller: Caller) -> None:
        post(caller, EVENTS, REVIEW)

        answer = get(caller, f"{CUSTOMERS}/c-9/balance")

        assert answer.status == 200
        assert answer.body["totalPointsBalance"] == 10
        assert answer.body["availablePointsBalance"] == 10
        assert answer.body["totalEarnedPoints"] == 10
        assert answer.body["pendingPoints"] == 0

    def test_show_their_balance_to_who_has_both_keys(self, caller: Caller) -> None:
        post(caller, EVENTS, REVIEW)

        assert get(caller, f"{CUSTOMERS}/c-9/balance", secret=False).body["code"] == 1001

    @pytest.mark.parametrize("path", ["/nobody", "/nobody/balance", "/%00"])
    def test_are_missed_by_the_vendors_number(self, caller: Caller, path: str) -> None:
        answer = get(caller, f"{CUSTOMERS}{path}")

        assert (answer.status, answer.body["code"], answer.body["type"]) == (
            404,
            7000,
            "CUSTOMER_ERROR",
        )

    def test_of_another_project_are_not_known(self, caller: Caller, other_keys: NewProject) -> None:
        post(caller, EVENTS, REVIEW)
        stranger = Caller(keys=other_keys)

        for path in (f"{CUSTOMERS}/c-9", f"{CUSTOMERS}/c-9/balance"):
            assert get(stranger, path).status == 404
        preview = post(stranger, f"{EVENTS}/reward-preview", REVIEW)
        assert preview.status == 404


class TestBotSettings:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1.0/Bots/BotSettings?c=mobile",
            "/gameball/api/v1.0/bots/botsettings/?c=mobile",
        ],
    )
    def test_hold_what_the_react_native_client_reads(self, caller: Caller, path: str) -> None:
        answer = get(caller, path, secret=False, **REACT_NATIVE)

        assert answer.status == 200
        assert answer.body["response"]["botMainColor"].startswith("#")

    def test_are_there_for_an_app_whatever_the_project_demands(
        self, caller: Caller, shop: Project
    ) -> None:
        shop.demands_secret_key = True
        shop.save()

        assert get(caller, "/api/v1.0/Bots/BotSettings", secret=False).status == 200

    def test_are_refused_without_a_key(self, caller: Caller) -> None:
        answer = get(caller, "/api/v1.0/Bots/BotSettings", secret=False, apikey="")

        assert (answer.status, answer.body["code"]) == (401, 1000)
