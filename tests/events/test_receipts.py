"""Receipts: the answer to a request, to be read again."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from events import limits, tasks
from events.models import Project, Receipt
from events.projects import NewProject
from tests import faults, make
from tests.calling import EVENTS, Caller, buy
from tests.rewards.definitions import definition

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    return Caller(keys=shop_keys)


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_forgotten_on", None)


def path_of(answer: Any) -> str:
    return f"/api/v1/receipts/{answer.body['receipt']}"


class TestAReceipt:
    def test_gives_the_answer_of_a_list_again(self, caller: Caller, shop: Project) -> None:
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        events = [buy(id="one"), {"customer": "c-1"}, buy("c-2", amount=1), buy(id="one")]
        answer = caller.post(EVENTS, {"events": events})

        again = caller.get(path_of(answer))

        assert (again.status, again.body) == (200, answer.body)
        assert [result["status"] for result in again.body["results"]] == [
            "accepted",
            "rejected",
            "accepted",
            "duplicate",
        ]

    @pytest.mark.parametrize(
        "body",
        [buy(), {"customer": "c-1"}, {"events": []}, {"events": [{}, {"event": "buy"}]}],
        ids=["one event", "one rejected", "an empty list", "every entry rejected"],
    )
    def test_is_kept_of_every_request_that_could_be_read(self, caller: Caller, body: Any) -> None:
        answer = caller.post(EVENTS, body)

        assert caller.get(path_of(answer)).body == answer.body

    def test_says_what_was_answered_then(self, caller: Caller, shop: Project) -> None:
        answer = caller.post(EVENTS, {"events": [buy(id="one")]})
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        later = caller.post(EVENTS, {"events": [buy(id="one"), buy(id="two")]})

        assert caller.get(path_of(answer)).body["results"][0]["balance"] == 0
        assert caller.get(path_of(later)).body["results"][1]["balance"] == 10

    def test_is_none_of_a_request_that_was_not_stored(self, caller: Caller) -> None:
        faults.be_away_on("INSERT", "events_receipt")

        assert caller.post(EVENTS, buy()).status == 503
        assert not Receipt.objects.exists()

    def test_is_none_of_another_wire(self, caller: Caller, shop: Project) -> None:
        make.event_type(shop, "buy")

        assert caller.post("/event", {"eventId": "buy", "userId": "c-1"}).status == 200
        assert not Receipt.objects.exists()

    @pytest.mark.parametrize("name", ["0198f4d2-0000-7000-8000-000000000001", "x", "1" * 40])
    def test_that_is_unknown_is_not_found(self, caller: Caller, name: str) -> None:
        answer = caller.get(f"/api/v1/receipts/{name}")

        assert (answer.status, answer.body["code"]) == (404, "not_found")
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_of_another_project_is_not_found(self, caller: Caller, other_keys: NewProject) -> None:
        answer = caller.post(EVENTS, {"events": [buy()]})

        assert Caller(keys=other_keys).get(path_of(answer)).status == 404

    def test_needs_a_key(self, caller: Caller) -> None:
        answer = caller.post(EVENTS, {"events": [buy()]})

        assert caller.get(path_of(answer), x_api_key="").status == 401


class TestOldReceipts:
    def test_are_deleted_after_their_days(
        self, caller: Caller, clock: time_machine.Traveller
    ) -> None:
        old = caller.post(EVENTS, buy())
        clock.shift(timedelta(days=limits.RECEIPT_DAYS))
        kept = caller.post(EVENTS, buy())
        assert not tasks.receipts_are_due()
        clock.shift(timedelta(days=1))
        assert tasks.receipts_are_due()

        tasks.forget_receipts()

        assert caller.get(path_of(old)).status == 404
        assert caller.get(path_of(kept)).status == 200
        assert not tasks.receipts_are_due()

    def test_are_deleted_in_many_short_transactions(
        self, caller: Caller, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tasks, "RECEIPTS_PER_TRANSACTION", 2)
        for _ in range(5):
            caller.post(EVENTS, buy())
        clock.shift(timedelta(days=limits.RECEIPT_DAYS + 1))

        tasks.forget_receipts()

        assert not Receipt.objects.exists()

    def test_are_asked_for_once_a_day(
        self, caller: Caller, django_assert_num_queries: Any, clock: time_machine.Traveller
    ) -> None:
        assert not tasks.receipts_are_due()
        with django_assert_num_queries(0):
            assert not tasks.receipts_are_due()
