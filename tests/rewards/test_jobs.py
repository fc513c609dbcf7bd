"""Batches that are acknowledged first and worked through later."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from events import jobs as kept_jobs
from events import limits
from events.models import BatchJob, Event, EventType, Quarantine
from events.projects import NewProject
from events.tasks import forget_receipts, receipts_are_due
from rewards import jobs
from rewards.models import Transfer
from rewards.tasks import jobs_are_due, work_through_jobs
from tests import make
from tests.calling import Answer, Caller
from tests.ledger import differences
from tests.threads import at_once

pytestmark = pytest.mark.django_db

BATCH = "/api/v4.0/integrations/batch/events"
STATUS = "/api/v4.0/integrations/batches/{}/status"


@pytest.fixture
def caller(shop_keys: NewProject, clock: time_machine.Traveller) -> Caller:
    shop = shop_keys.project
    make.event_type(shop, "buy")
    make.event_type(shop, "closed", active=False)
    make.rule(shop, "ten", {"trigger": "buy", "award": {"fixed": 10}})
    return Caller(keys=shop_keys)


def element(customer: str = "c-1", **events: Any) -> dict[str, Any]:
    return {"customerId": customer, "events": events or {"buy": {}}}


def post(caller: Caller, body: Any, path: str = BATCH, **headers: str) -> Answer:
    keys = {"apikey": caller.keys.api_key, "secretkey": caller.keys.secret_key}
    return caller.post(path, body, x_api_key="", **{**keys, **headers})


def send(caller: Caller, *elements: Any) -> int:
    """Send a batch and return its number."""
    answer = post(caller, {"body": list(elements)})
    assert answer.status == 200, answer
    number: int = answer.body["jobId"]
    return number


def status_of(caller: Caller, number: object) -> Answer:
    keys = {"apikey": caller.keys.api_key, "secretkey": caller.keys.secret_key}
    return caller.get(STATUS.format(number), x_api_key="", **keys)


class TestABatch:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/v4/integrations/batch/events",
            "/api/v4.0/integrations/batch/events/",
            "/api/v4.1/Integrations/Batch/Events",
            "/gameball/api/v4.0/integrations/batch/events",
        ],
    )
    def test_is_kept_before_it_is_acknowledged(self, caller: Caller, path: str) -> None:
        answer = post(caller, {"body": [element(), element("c-2")]}, path)

        job = BatchJob.objects.get()
        assert (answer.status, answer.body) == (200, {"jobId": job.pk})
        assert 0 <= job.pk < 2**53
        assert json.loads(job.body) == {"body": [element(), element("c-2")]}
        assert not Event.objects.exists()
        assert jobs_are_due()

    def test_comes_in_as_one_request_for_each_element(self, caller: Caller) -> None:
        several = element("c-3", buy={"n": 1}, visit={"n": 2})
        number = send(caller, element("c-1"), element("c-2"), several)

        work_through_jobs()

        assert Event.objects.count() == 4
        assert set(Event.objects.values_list("wire", "received_at")) == {("gameball", make.NOW)}
        assert [caller.customer(f"c-{n}")["balance"] for n in (1, 2, 3)] == [10, 10, 10]
        assert status_of(caller, number).body == {
            "batchId": str(number),
            "status": "completed",
            "progress": 100,
            "totalItems": 3,
            "processedItems": 3,
            "failedItems": 0,
            "results": [],
            "errors": [],
        }
        assert not jobs_are_due()
        assert BatchJob.objects.get().body == ""

    def test_loses_no_neighbour_to_an_element_that_is_refused(self, caller: Caller) -> None:
        bad = element("c-2", buy={}, closed={})
        number = send(caller, element(), 7, {"customerId": "c"}, bad, element("c-3"))

        work_through_jobs()

        told = status_of(caller, number).body
        assert (told["status"], told["processedItems"], told["failedItems"]) == ("completed", 5, 3)
        assert told["errors"] == [
            {"index": 1, "message": "An element of the batch must be an object."},
            {"index": 2, "message": "The field events is missing."},
            {"index": 3, "message": "The event type “closed” is not active."},
        ]
        assert set(Event.objects.values_list("customer__label", flat=True)) == {"c-1", "c-3"}
        kept = Quarantine.objects.values_list("wire", "code", "payload")
        assert set(kept) == {
            ("gameball", "invalid_field", "7"),
            ("gameball", "missing_field", '{"customerId":"c"}'),
            ("gameball", "inactive_event_type", json.dumps(bad, separators=(",", ":"))),
        }

    @pytest.mark.parametrize("is_protected", [False, True])
    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (rb'{"customerId":"b","events":{"buy":{"t":"\ud800"}}}', "text"),
            (rb'{"customerId":"b","events":{"buy":{"\udfff":1}}}', "text"),
            (rb'{"customerId":"b","events":{"\ud800":{}}}', "text"),
            (rb'{"customerId":"\ud800","events":{"buy":{}}}', "text"),
            (rb'{"customerId":"b","events":{"buy":{}},"x":["\ud800"]}', "text"),
            (rb'{"customerId":"b","events":"\ud800"}', "must be an object"),
            (rb'"\ud800"', "must be an object"),
            (rb'{"customerId":"b","events":{"buy":{"street":"Way 1\ud800"}}}', "text"),
            (rb'{"customerId":"b","events":{"buy":{"street":"Way 1\u0000"}}}', "text"),
            (rb'{"customerId":"b","events":{"buy":{"t":"\u0000"}}}', "text"),
            (rb'{"customerId":"b","events":{"buy":{"a":1,"a":2}}}', "events.buy.a is given twice"),
            (rb'{"customerId":"b","events":{"buy":{"z":1},"buy":{"z":2}}}', "events.buy is given"),
            (rb'{"customerId":"b","customerId":"c","events":{"buy":{}}}', "customerId is given"),
            (
                rb'{"customerId":"b","events":{"buy":{"street":{"n":"Way 1","n":"Way 2"}}}}',
                "is given twice",
            ),
            (
                rb'{"customerId":"b","events":{"buy":{"street":[{"n":{"Way 1":"\ud800"}}]}}}',
                "text",
            ),
        ],
    )
    def test_loses_one_element_to_what_json_written_anew_loses(
        self, caller: Caller, bad: bytes, message: str, is_protected: bool
    ) -> None:
        if is_protected:
            buys = EventType.objects.get(name="buy")
            make.field(buys, "street", personal=True, personal_as="hash")
        good = [json.dumps(element(name)).encode() for name in ("c-1", "c-2")]
        answer = post(caller, b'{"body":[%b,%b,%b]}' % (good[0], bad, good[1]))
        assert answer.status == 200, answer
        assert not is_protected or "Way" not in BatchJob.objects.get().body

        work_through_jobs()

        told = status_of(caller, answer.body["jobId"]).body
        assert (told["processedItems"], told["failedItems"]) == (3, 1)
        [error] = told["errors"]
        assert error["index"] == 1
        assert message in error["message"]
        assert set(Event.objects.values_list("customer__label", flat=True)) == {"c-1", "c-2"}
        kept = Quarantine.objects.get()
        # What is not all that was sent must not be replayed as if it were.
        assert kept.is_cut or rb"\u0000" in bad
        assert not is_protected or "Way" not in kept.payload

    def test_has_failed_where_nothing_of_it_was_taken(self, caller: Caller) -> None:
        number = send(caller, 1, 2)

        work_through_jobs()

        assert status_of(caller, number).body["status"] == "failed"

    def test_names_its_first_errors_only(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "BATCH_ERRORS", 2)
        number = send(caller, *[1] * 5)

        work_through_jobs()

        told = status_of(caller, number).body
        assert ([error["index"] for error in told["errors"]], told["failedItems"]) == ([0, 1], 5)

    def test_keeps_numbers_and_texts_as_they_were_sent(self, caller: Caller) -> None:
        batch = '{"body": [{"customerId": "c-ü", "events": {"buy": {"n": 0.10, "t": "é🎁"}}}]}'
        post(caller, batch.encode())

        work_through_jobs()

        event = Event.objects.get()
        assert {key: str(value) for key, value in event.metadata.items()} == {
            "n": "0.10",
            "t": "é🎁",
        }

    def test_may_hold_as_many_elements_as_the_vendors(self, caller: Caller) -> None:
        elements = [element(f"c-{place}") for place in range(limits.EVENTS_PER_REQUEST)]
        number = send(caller, *elements)

        work_through_jobs()

        assert status_of(caller, number).body["processedItems"] == 1_000
        assert Event.objects.count() == Transfer.objects.count() == 1_000
        assert differences() == []

    @pytest.mark.parametrize(
        ("body", "status", "number"),
        [
            (b"{", 400, 3016),
            ({}, 400, 3000),
            ({"body": None}, 422, 3001),
            ({"body": []}, 422, 3003),
            ({"body": [1] * 1_001}, 413, 3011),
        ],
    )
    def test_is_refused_whole_where_it_can_not_be_told_apart(
        self, caller: Caller, body: Any, status: int, number: int
    ) -> None:
        answer = post(caller, body)

        assert (answer.status, answer.body["code"]) == (status, number)
        assert not BatchJob.objects.exists()
        assert Quarantine.objects.get().wire == "gameball_batch"

    def test_is_not_taken_where_too_many_wait(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "WAITING_BATCHES", 1)
        send(caller, element())

        refused = post(caller, {"body": [element()]})

        assert (refused.status, refused.body["code"]) == (503, 5003)
        assert "Retry-After" in refused.headers
        work_through_jobs()
        send(caller, element())

    def test_of_one_project_leaves_another_room(
        self, caller: Caller, other_keys: NewProject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "WAITING_BATCHES", 1)
        send(caller, element())

        send(Caller(keys=other_keys), element())

        work_through_jobs()
        assert set(Event.objects.values_list("project__slug", flat=True)) == {"shop", "other"}


class TestTheStatus:
    def test_tells_of_a_batch_that_waits(self, caller: Caller) -> None:
        told = status_of(caller, send(caller, element())).body

        assert (told["status"], told["progress"], told["totalItems"]) == ("pending", 0, 1)

    @pytest.mark.parametrize("number", ["1", "x", "-1", "9" * 30, "²"])
    def test_of_an_unknown_batch_is_not_found(self, caller: Caller, number: str) -> None:
        answer = status_of(caller, number)

        assert (answer.status, answer.body["code"]) == (404, 4004)

    def test_of_another_projects_batch_is_not_found(
        self, caller: Caller, other_keys: NewProject
    ) -> None:
        number = send(caller, element())

        assert status_of(Caller(keys=other_keys), number).status == 404

    def test_needs_both_keys(self, caller: Caller) -> None:
        number = send(caller, element())

        answer = caller.get(STATUS.format(number), x_api_key="", apikey=caller.keys.api_key)

        assert (answer.status, answer.body["code"]) == (401, 1001)


class TestAWorker:
    def test_that_died_after_its_commit_costs_no_second_award(self, caller: Caller) -> None:
        number = send(caller, element(), element("c-2", buy={}, visit={}), {"customerId": "c"})
        kept = BatchJob.objects.values().get()
        work_through_jobs()
        # What is left by one that dies between the commit of a group and the word of it.
        BatchJob.objects.filter(pk=number).update(**kept)

        work_through_jobs()

        assert Event.objects.count() == 3
        assert [caller.customer(name)["balance"] for name in ("c-1", "c-2")] == [10, 10]
        told = status_of(caller, number).body
        assert (told["processedItems"], told["failedItems"]) == (3, 1)

    def test_has_its_batch_for_itself_until_the_claim_runs_out(
        self, caller: Caller, clock: time_machine.Traveller
    ) -> None:
        send(caller, element())
        mine = kept_jobs.claim(timezone.now())

        assert mine is not None
        assert kept_jobs.claim(timezone.now()) is None
        assert not jobs_are_due()

        clock.shift(timedelta(seconds=kept_jobs.CLAIM_SECONDS + 1))
        assert jobs_are_due()
        work_through_jobs()
        assert kept_jobs.advance(mine, processed=1, refused=(), now=timezone.now()) is False
        assert Event.objects.count() == 1

    def test_takes_the_batch_that_waits_longest(
        self, caller: Caller, clock: time_machine.Traveller
    ) -> None:
        first = send(caller, element())
        clock.shift(1)
        second = send(caller, element())

        claimed = [kept_jobs.claim(timezone.now()) for _ in range(3)]

        assert [job and job.pk for job in claimed] == [first, second, None]

    def test_goes_on_where_another_stopped(self, caller: Caller) -> None:
        number = send(caller, element("c-1"), element("c-2"))
        BatchJob.objects.filter(pk=number).update(processed=1)

        jobs.work_through()

        assert Event.objects.get().customer.label == "c-2"

    def test_forgets_batches_with_the_receipts(
        self, caller: Caller, clock: time_machine.Traveller
    ) -> None:
        through = send(caller, element())
        work_through_jobs()
        waiting = send(caller, element())
        clock.shift(timedelta(days=limits.RECEIPT_DAYS))
        assert not receipts_are_due()
        clock.shift(timedelta(days=1))
        assert receipts_are_due()

        forget_receipts()

        assert status_of(caller, through).status == 404
        assert status_of(caller, waiting).status == 200


@pytest.mark.django_db(transaction=True)
class TestWorkers:
    def test_at_once_take_every_element_once(self, caller: Caller) -> None:
        numbers = [send(caller, *[element(f"c-{n % 3}") for n in range(20)], 7) for _ in range(8)]

        at_once([work_through_jobs] * 3)

        assert Event.objects.count() == Transfer.objects.count() == 160
        assert Quarantine.objects.count() == 8
        told = [status_of(caller, number).body for number in numbers]
        assert {(each["processedItems"], each["failedItems"]) for each in told} == {(21, 1)}
        assert differences() == []
