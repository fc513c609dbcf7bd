"""What events would earn, asked without sending them."""

from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import Customer, Event, EventKey, NaturalKey, Project, Quarantine
from events.projects import NewProject
from events.types import JsonObject
from rewards.models import Account, LimitCounter, StreakState, Transfer
from tests import make
from tests.calling import Answer, Caller

EVENTS = "/api/v4.0/integrations/events"
PATHS = [
    "/api/v4/integrations/events/reward-preview",
    "/api/v4.0/integrations/events/reward-preview",
    "/api/v4.1/integrations/Events/Reward-Preview/",
    "/gameball/api/v4.0/integrations/event/reward-preview",
]

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller(shop_keys: NewProject, clock: time_machine.Traveller) -> Caller:
    """A shop whose customer c-1 has bought nothing yet."""
    shop = shop_keys.project
    make.event_type(shop, "buy", fields={"amount": "number"})
    make.rule(
        shop,
        "two a unit",
        {
            "trigger": "buy",
            "award": {"per_unit": {"points": 2, "per": "1", "field": "event.amount"}},
            "limits": [
                {"per": "customer", "of": "points", "window": "day", "n": 50, "over": "clip"},
                {"per": "project", "of": "points", "window": "day", "n": 500, "over": "clip"},
            ],
        },
    )
    when: JsonObject = {
        "combinator": "and",
        "rules": [{"field": "event.gift", "operator": "is", "value": True}],
    }
    make.rule(shop, "gift", {"trigger": "buy", "when": when, "award": {"fixed": 5}})
    milestones = [{"at": 1, "points": 3}]
    make.streak(shop, "daily", {"event": "buy", "period": "day", "milestones": milestones})
    caller = Caller(keys=shop_keys)
    send(caller, {"visit": {}})
    return caller


def send(caller: Caller, events: Any, path: str = EVENTS, customer: str = "c-1") -> Answer:
    return caller.post(
        path,
        {"customerId": customer, "events": events},
        x_api_key="",
        apikey=caller.keys.api_key,
        secretkey=caller.keys.secret_key,
    )


def ask(caller: Caller, events: Any, customer: str = "c-1") -> Answer:
    return send(caller, events, PATHS[1], customer)


def campaigns(event: Any) -> list[tuple[str, str, int]]:
    return [(each["campaignName"], each["reason"], each["points"]) for each in event["campaigns"]]


class TestAPreview:
    @pytest.mark.parametrize("path", PATHS)
    def test_tells_what_an_event_would_earn(self, caller: Caller, path: str) -> None:
        answer = send(caller, {"buy": {"amount": "10"}}, path)

        assert answer.status == 200
        assert (answer.body["customerId"], answer.body["totalPoints"]) == ("c-1", 23)
        [event] = answer.body["events"]
        assert (event["eventName"], event["valid"], event["totalPoints"]) == ("buy", True, 23)
        assert campaigns(event) == [
            ("two a unit", "Rewarded", 20),
            ("gift", "NoMatchingConditions", 0),
            ("daily", "Rewarded", 3),
        ]

    def test_is_what_the_event_then_earns(self, caller: Caller) -> None:
        events = {"buy": {"amount": 12.5, "gift": True}}
        told = ask(caller, events).body["totalPoints"]

        send(caller, events)

        assert caller.customer("c-1")["balance"] == told == 33

    def test_sees_what_was_earned_before(self, caller: Caller) -> None:
        send(caller, {"buy": {"amount": 20}})

        [event] = ask(caller, {"buy": {"amount": 20}}).body["events"]

        assert campaigns(event) == [
            ("two a unit", "Rewarded", 10),
            ("gift", "NoMatchingConditions", 0),
            ("daily", "ProgressOnly", 0),
        ]

    def test_leaves_out_what_is_used_up(self, caller: Caller) -> None:
        send(caller, {"buy": {"amount": 25}})

        [event] = ask(caller, {"buy": {"amount": 20}}).body["events"]

        assert [name for name, _, _ in campaigns(event)] == ["gift", "daily"]
        assert event["totalPoints"] == 0

    def test_knows_no_event_type_that_was_never_sent(self, caller: Caller, shop: Project) -> None:
        make.event_type(shop, "closed", active=False)

        answer = ask(caller, {"never": {}, "closed": {}, "buy": {"amount": 1}})

        assert [
            (event["eventName"], event["valid"], event["invalidReason"])
            for event in answer.body["events"]
        ] == [
            ("never", False, "EventNotFound"),
            ("closed", False, "EventNotFound"),
            ("buy", True, None),
        ]
        assert answer.body["totalPoints"] == 5
        assert not shop.event_types.filter(name="never").exists()

    @pytest.mark.parametrize("condition", [{"unique_by": "order"}, {"throttle_minutes": 20}])
    def test_promises_nothing_for_what_would_be_discarded(
        self, caller: Caller, shop: Project, condition: dict[str, Any]
    ) -> None:
        made = shop.event_types.get(name="buy")
        for name, value in condition.items():
            setattr(made, name, value)
        made.save()
        events = {"buy": {"amount": 5, "order": 7}}
        assert ask(caller, events).body["totalPoints"] == 13
        assert ask(caller, events).body["totalPoints"] == 13  # it claims nothing
        send(caller, events)

        again = ask(caller, events)

        assert again.body["totalPoints"] == 0
        assert again.body["events"][0]["campaigns"] == []

    def test_of_somebody_unknown_is_not_found(self, caller: Caller) -> None:
        answer = ask(caller, {"buy": {}}, customer="nobody")

        assert (answer.status, answer.body["code"]) == (404, 7000)
        assert not Customer.objects.filter(label="nobody").exists()

    def test_of_an_inactive_customer_is_refused(self, caller: Caller) -> None:
        Customer.objects.get().set_active(False)

        answer = ask(caller, {"buy": {}})

        assert (answer.status, answer.body["code"]) == (422, 3009)

    def test_finds_the_customer_by_the_channel_that_merges(
        self, caller: Caller, shop: Project
    ) -> None:
        shop.merge_by = Project.MergeBy.EMAIL
        shop.save()
        keys = {"x_api_key": "", "apikey": caller.keys.api_key}
        body = {"customerId": "web-1", "email": "ann@x.test", "events": {"visit": {}}}
        caller.post(EVENTS, body, **keys)
        asked = {"customerId": "pos-1", "email": "Ann@x.test", "events": {"buy": {"amount": 1}}}

        assert caller.post(PATHS[1], asked, **keys).body["totalPoints"] == 5
        assert caller.post(PATHS[1], asked | {"email": None}, **keys).status == 404

    @pytest.mark.parametrize("body", [b"{", b"{}", b'{"customerId":"c-1","events":{}}'])
    def test_that_can_not_be_read_is_not_kept(self, caller: Caller, body: bytes) -> None:
        answer = caller.post(PATHS[1], body, x_api_key="", apikey=caller.keys.api_key)

        assert answer.status in (400, 422)
        assert not Quarantine.objects.exists()

    def test_leaves_no_trace(self, caller: Caller) -> None:
        tables = (Event, EventKey, NaturalKey, Account, LimitCounter, StreakState, Transfer)
        before = [model.objects.count() for model in tables]

        with CaptureQueriesContext(connection) as queries:
            ask(caller, {"buy": {"amount": 10, "gift": True}, "never": {}})

        assert [model.objects.count() for model in tables] == before
        assert not [
            query["sql"]
            for query in queries
            if query["sql"].lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))
            or "FOR UPDATE" in query["sql"]
            or "FOR NO KEY UPDATE" in query["sql"]
        ]


@pytest.mark.django_db(transaction=True)
class TestASnapshot:
    def test_is_all_that_a_preview_takes(self, caller: Caller) -> None:
        """Outside of a test's transaction the database itself refuses to write in it."""
        assert ask(caller, {"buy": {"amount": 10}}).body["totalPoints"] == 23
        assert Transfer.objects.count() == 0
