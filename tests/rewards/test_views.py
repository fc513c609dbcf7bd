"""What the native API tells of a customer."""

from urllib.parse import quote

import pytest
import time_machine

from events.models import Customer, Project
from events.projects import NewProject
from tests import make
from tests.calling import Caller, buy
from tests.rewards.definitions import definition

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller(shop_keys: NewProject, clock: time_machine.Traveller) -> Caller:
    return Caller(keys=shop_keys)


class TestACustomer:
    def test_is_told_with_all_it_has(self, caller: Caller, shop: Project) -> None:
        make.rule(shop, "ten", definition())
        make.streak(shop, "daily", {"event": "buy", "period": "day"})
        caller.send(
            buy("c-1", occurred_at="2026-03-01T12:00:00Z"),
            buy("c-1", identities={"email": "a@x.test"}, occurred_at="2026-03-02T08:00:00Z"),
        )
        Customer.objects.update(attributes={"city": "Ulm"})

        assert caller.customer("c-1") == {
            "customer": "c-1",
            "identities": {"external_id": "c-1", "email": "a@x.test"},
            "attributes": {"city": "Ulm"},
            "balance": 20,
            "streaks": [
                {
                    "streak": "daily",
                    "current": 2,
                    "longest": 2,
                    "updated_at": "2026-03-02T08:00:00+00:00",
                }
            ],
            "challenges": [],
        }

    def test_has_nothing_at_first(self, caller: Caller) -> None:
        caller.send_one(buy("c-1"))

        told = caller.customer("c-1")

        assert (told["balance"], told["streaks"], told["attributes"]) == (0, [], {})

    @pytest.mark.parametrize(
        "external_id",
        [
            "a/b",
            "a b",
            "100%",
            "?",
            "#",
            "Ünï",
            "🦊",
            "..",
            "a+b",
            "a%2Fb",
            "'",
            "a\nb",
            "c/ledger",
            "c/",
        ],
    )
    def test_is_found_by_its_percent_encoded_id(self, caller: Caller, external_id: str) -> None:
        caller.send_one(buy(external_id))

        assert caller.customer(quote(external_id, safe=""))["customer"] == external_id

    def test_is_found_with_a_slash_at_the_end_of_the_path(self, caller: Caller) -> None:
        caller.send_one(buy("c-1"))

        assert caller.customer("c-1/")["customer"] == "c-1"

    @pytest.mark.parametrize("external_id", ["c-2", "C-1", "c-1%00", "a@x.test", "%FF", "c-1%20"])
    def test_is_not_another(self, caller: Caller, external_id: str) -> None:
        caller.send_one(buy("c-1", identities={"email": "a@x.test"}))

        answer = caller.get(f"/api/v1/customers/{external_id}")

        assert answer.status == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.body["code"] == "not_found"

    def test_of_one_project_is_not_seen_by_another(
        self, caller: Caller, shop: Project, other_keys: NewProject
    ) -> None:
        make.rule(shop, "ten", definition())
        caller.send_one(buy("c-1"))
        stranger = Caller(keys=other_keys)
        assert stranger.get("/api/v1/customers/c-1").status == 404

        stranger.send_one(buy("c-1"))

        assert stranger.customer("c-1")["balance"] == 0
        assert caller.customer("c-1")["balance"] == 10

    def test_is_told_to_no_token(self, caller: Caller) -> None:
        caller.send_one(buy("c-1"))

        token = f"Bearer {caller.keys.jwt}"
        answer = caller.get("/api/v1/customers/c-1", x_api_key="", authorization=token)

        assert answer.status == 401


class TestAStreakOfACustomer:
    @pytest.mark.parametrize(
        ("days_later", "current"),
        [
            pytest.param(0, 2, id="the same day"),
            pytest.param(1, 2, id="the day after, while it can still go on"),
            pytest.param(2, 0, id="once a day was missed"),
        ],
    )
    def test_is_told_as_of_today(
        self,
        caller: Caller,
        shop: Project,
        clock: time_machine.Traveller,
        days_later: int,
        current: int,
    ) -> None:
        make.streak(shop, "daily", {"event": "buy", "period": "day"})
        caller.send(buy(occurred_at="2026-03-01T12:00:00Z"), buy())
        clock.shift(days_later * 86_400)

        [streak] = caller.customer("c-1")["streaks"]

        assert (streak["current"], streak["longest"]) == (current, 2)

    def test_stands_beside_others_by_name(self, caller: Caller, shop: Project) -> None:
        for name in ("b", "a", "c"):
            make.streak(shop, name, {"event": "buy", "period": "week"})
        caller.send_one(buy())

        assert [each["streak"] for each in caller.customer("c-1")["streaks"]] == ["a", "b", "c"]
