"""Natural duplicates, throttled events and bots: recorded, answered, and worth nothing."""

import itertools
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.models import Event, EventType, MetadataField, NaturalKey, Project
from events.projects import NewProject
from events.types import Access, Identity, Json, Reception, Request, Scope, TypeDefaults
from events.types import Event as CanonicalEvent
from events.wires import native
from rewards import pipeline
from rewards.models import Transfer
from rewards.submissions import Submission
from tests import make
from tests.calling import Caller, buy
from tests.entries import sent
from tests.events.test_agents import GOOGLEBOT, SAFARI
from tests.ledger import differences
from tests.rewards.definitions import definition
from tests.rewards.test_import_events import file_of, imported
from tests.threads import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

JsonDict: TypeAlias = dict[str, Any]

MINUTES = 20


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    make.rule(shop_keys.project, "ten", definition())
    make.streak(
        shop_keys.project,
        "daily",
        {"event": "buy", "period": "day", "milestones": [{"at": 1, "points": 5}]},
    )
    return Caller(keys=shop_keys)


def at(minute: int) -> str:
    return (make.NOW - timedelta(hours=1) + timedelta(minutes=minute)).isoformat()


def reasons(results: list[Any]) -> list[str]:
    return [f"{each['status']} {each.get('reason') or ''}".strip() for each in results]


class TestAnEventOfTheSameOrder:
    @pytest.fixture
    def bought(self, caller: Caller) -> EventType:
        return make.event_type(caller.keys.project, "buy", unique_by="order")

    def test_is_recorded_as_discarded_and_earns_nothing(
        self, caller: Caller, bought: EventType
    ) -> None:
        first = caller.send_one(buy(order=7))
        second = caller.send_one(buy("c-2", order="7"))

        assert (first["status"], first["points_awarded"], first["balance"]) == ("accepted", 10, 15)
        assert second == {
            "index": 0,
            "status": "discarded",
            "reason": "unique_by",
            "id": second["id"],
            "points_awarded": 0,
            "awards": [],
            "streaks": [],
            "challenges": [],
            "balance": 0,
        }
        stored = Event.objects.get(pk=second["id"])
        assert (stored.status, stored.reason) == ("discarded", "unique_by")
        assert (stored.metadata, stored.points_total) == ({"order": "7"}, 0)
        assert Transfer.objects.count() == 2
        assert differences() == []

    def test_within_one_list_counts_once(self, caller: Caller, bought: EventType) -> None:
        results = caller.send(buy(order=1), buy(order="1"), buy(order=2), buy(order=1))

        assert reasons(results) == [
            "accepted",
            "discarded unique_by",
            "accepted",
            "discarded unique_by",
        ]
        assert [each["balance"] for each in results] == [15, 15, 25, 25]

    def test_is_none_where_no_order_is_named(self, caller: Caller, bought: EventType) -> None:
        unnamed = [buy(), buy(order=None), buy(order=""), buy(order=[1]), buy(order={"id": 1})]

        assert reasons(caller.send(*unnamed, *unnamed)) == ["accepted"] * 10

    def test_is_answered_as_lynes_would(self, caller: Caller, bought: EventType) -> None:
        body = {"eventId": "buy", "userId": "c-1", "metadata": {"order": 7}}

        first, second = (caller.post("/v1/event", body) for _ in range(2))

        assert (first.status, second.status) == (200, 200)
        told = [answer.body["data"]["pointsAwarded"] for answer in (first, second)]
        assert told == [10, 0]
        assert second.body["data"]["streaks"] == []
        assert second.body.keys() == first.body.keys()

    def test_is_counted_by_an_import(
        self, caller: Caller, bought: EventType, tmp_path: Path
    ) -> None:
        path = file_of(tmp_path, buy(order=1), buy("c-2", order=1), buy(order=2))

        first, second = imported(path), imported(path)

        assert first == {"accepted": 2, "duplicate": 0, "discarded": 1, "rejected": 0}
        assert second == {"accepted": 0, "duplicate": 3, "discarded": 0, "rejected": 0}

    def test_keeps_its_idempotency_key(self, caller: Caller, bought: EventType) -> None:
        caller.send(buy(order=1, id="first"))
        second = caller.send_one(buy(order=1, id="second"))

        again = caller.send_one(buy(order=1, id="second"))
        other = caller.send_one(buy(order=2, id="second"), status=422)

        assert again == {**second, "status": "duplicate"}
        assert other["error"]["code"] == "idempotency_conflict"

    def test_may_come_in_each_project_and_event_type(
        self, caller: Caller, bought: EventType, other_keys: NewProject
    ) -> None:
        make.event_type(other_keys.project, "buy", unique_by="order")
        make.event_type(caller.keys.project, "sell", unique_by="order")
        caller.send(buy(order=1))

        assert reasons(Caller(keys=other_keys).send(buy(order=1))) == ["accepted"]
        assert reasons(caller.send({**buy(order=1), "event": "sell"})) == ["accepted"]

    def test_is_told_by_what_a_type_is_unique_by_from_now_on(
        self, caller: Caller, bought: EventType
    ) -> None:
        caller.send(buy(order=1, basket=1))
        bought.unique_by = "basket"
        bought.save()

        assert reasons(caller.send(buy(order=1, basket=1), buy(order=2, basket=1))) == [
            "accepted",
            "discarded unique_by",
        ]
        bought.unique_by = ""
        bought.save()
        assert reasons(caller.send(buy(basket=1))) == ["accepted"]

    @pytest.mark.parametrize("kept_as", MetadataField.PersonalAs.values)
    def test_is_known_though_the_field_is_personal(
        self, caller: Caller, bought: EventType, kept_as: str
    ) -> None:
        make.field(bought, "order", personal=True, personal_as=kept_as)

        results = caller.send(buy(order="0171 1"), buy(order="0171 2"), buy(order="0171 1"))

        assert reasons(results) == ["accepted", "accepted", "discarded unique_by"]
        assert "0171" not in str(Event.objects.values_list("metadata", flat=True))


class TestAnEventSoonAfterAnother:
    @pytest.fixture
    def bought(self, caller: Caller) -> EventType:
        return make.event_type(caller.keys.project, "buy", throttle_minutes=MINUTES)

    def test_is_discarded_within_the_window_of_the_first(
        self, caller: Caller, bought: EventType
    ) -> None:
        moments = [0, 19, 20, 39, 40]

        results = [caller.send_one(buy(occurred_at=at(each))) for each in moments]

        # The one at 19 opens no window of its own, else that at 20 would be in it.
        assert reasons(results) == [
            "accepted",
            "discarded throttle",
            "accepted",
            "discarded throttle",
            "accepted",
        ]
        assert [each["points_awarded"] for each in results] == [10, 0, 10, 0, 10]

    def test_is_another_customers_own(self, caller: Caller, bought: EventType) -> None:
        results = caller.send(buy("c-1"), buy("c-2"), buy("c-1"))

        assert reasons(results) == ["accepted", "accepted", "discarded throttle"]


@dataclass
class Model:
    """Which events count, told one by one from plain lists."""

    orders: set[str] = field(default_factory=set)
    opened: list[tuple[str, datetime]] = field(default_factory=list)

    def verdict(self, event: JsonDict) -> str:
        customer, order = event["customer"], event["metadata"].get("order")
        moment = datetime.fromisoformat(event["occurred_at"])
        if order is not None and str(order) in self.orders:
            return "discarded unique_by"
        for whose, opened in self.opened:
            if whose == customer and opened <= moment < opened + timedelta(minutes=MINUTES):
                return "discarded throttle"
        self.opened.append((customer, moment))
        if order is not None:
            self.orders.add(str(order))
        return "accepted"


_numbers = itertools.count()
_events = st.lists(
    st.builds(
        lambda customer, minute, order: buy(
            f"c-{customer}",
            occurred_at=at(minute),
            **({} if order is None else {"order": order}),
        ),
        st.integers(0, 2),
        st.integers(0, 60),
        st.sampled_from([None, 1, "1", 2, "2", 3, 4, "a", "b"]),
    ),
    min_size=1,
    max_size=24,
)


class TestEventsInAnyOrderAndAnySplit:
    @given(_events, st.randoms(use_true_random=False))
    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    def test_are_judged_as_one_by_one(self, events: list[JsonDict], chance: random.Random) -> None:
        keys = make.keyed_project(f"shop-{next(_numbers)}")
        make.event_type(keys.project, "buy", unique_by="order", throttle_minutes=MINUTES)
        make.rule(keys.project, "ten", definition())
        caller, model = Caller(keys=keys), Model()
        expected = [model.verdict(each) for each in events]

        results: list[JsonDict] = []
        left = list(events)
        while left:
            size = chance.randint(1, min(len(left), 6))
            results += caller.send(*left[:size])
            left = left[size:]

        assert reasons(results) == expected
        accepted = expected.count("accepted")
        assert sum(each["points_awarded"] for each in results) == 10 * accepted
        assert Event.objects.filter(project=keys.project, status="accepted").count() == accepted
        assert differences() == []


class TestABot:
    @pytest.fixture
    def caller(self, caller: Caller) -> Caller:
        project = caller.keys.project
        project.discard_bots = True
        project.save()
        return caller

    def test_is_discarded_by_the_agent_in_its_events(self, caller: Caller) -> None:
        beside = {**buy(), "user_agent": GOOGLEBOT}

        results = caller.send(buy(userAgent=GOOGLEBOT), beside, buy(user_agent=SAFARI), buy())

        assert reasons(results) == ["discarded bot", "discarded bot", "accepted", "accepted"]
        assert [each["balance"] for each in results] == [0, 0, 15, 25]
        assert differences() == []

    def test_is_never_told_by_who_calls(self, caller: Caller) -> None:
        answer = caller.post("/api/v1/events", buy(), user_agent=GOOGLEBOT)

        assert answer.body["results"][0]["status"] == "accepted"

    def test_sends_with_no_secret(self, caller: Caller) -> None:
        secret = {"x_api_key": "", "authorization": f"Bearer {caller.keys.secret_key}"}

        answer = caller.post("/api/v1/events", buy(user_agent=GOOGLEBOT), **secret)

        assert answer.body["results"][0]["status"] == "accepted"

    def test_is_welcome_where_the_project_does_not_mind(
        self, caller: Caller, other_keys: NewProject
    ) -> None:
        assert reasons(Caller(keys=other_keys).send(buy(user_agent=GOOGLEBOT))) == ["accepted"]

    def test_is_minded_from_the_next_request_on(self, other_keys: NewProject) -> None:
        caller = Caller(keys=other_keys)
        caller.send(buy())  # the catalogue is remembered from here
        other_keys.project.discard_bots = True
        other_keys.project.save()

        assert reasons(caller.send(buy(user_agent=GOOGLEBOT))) == ["discarded bot"]

    def test_takes_no_order_and_opens_no_window(self, caller: Caller) -> None:
        make.event_type(caller.keys.project, "buy", unique_by="order", throttle_minutes=MINUTES)

        results = caller.send(buy(order=1, user_agent=GOOGLEBOT), buy(order=1))

        assert reasons(results) == ["discarded bot", "accepted"]


class TestATypeThatAWireMakes:
    wire = replace(
        native.wire,
        type_defaults={
            "confirmation": TypeDefaults(unique_by="orderId"),
            "email_open": TypeDefaults(throttle_minutes=MINUTES),
        },
    )

    def test_has_the_conditions_of_the_wire(self, shop: Project) -> None:
        order, opened = event("confirmation", orderId=1), event("email_open")

        outcomes = sent(shop, order, order, opened, opened, event("buy"), wire=self.wire)

        assert [each.reason for each in outcomes] == ["", "unique_by", "", "throttle", ""]
        made = EventType.objects.order_by("name").values_list(
            "name", "unique_by", "throttle_minutes"
        )
        assert list(made) == [
            ("buy", "", None),
            ("confirmation", "orderId", None),
            ("email_open", "", MINUTES),
        ]

    def test_stays_as_it_was_made_by_others(self, shop: Project) -> None:
        make.event_type(shop, "confirmation")
        order = event("confirmation", orderId=1)

        outcomes = sent(shop, order, order, wire=self.wire)

        assert [each.status for each in outcomes] == ["accepted"] * 2


def event(name: str, customer: str = "c-1", **metadata: Json) -> CanonicalEvent:
    return CanonicalEvent(name=name, customer=Identity(external_id=customer), metadata=metadata)


@pytest.mark.django_db(transaction=True)
class TestTheSameOrdersOfManyThreads:
    """Without idempotency keys, and each for a customer of its own: no lock is shared but that of
    the order."""

    def test_are_awarded_once_each(self, shop_keys: NewProject) -> None:
        make.rule(shop_keys.project, "ten", definition())
        make.event_type(shop_keys.project, "buy", unique_by="order")
        orders = range(60)

        access = Access(project_id=shop_keys.project.pk, scopes=frozenset({Scope.INGEST}))

        def post(thread: int) -> list[str]:
            chance = random.Random(thread)
            mine = [event("buy", f"c-{thread}", order=order) for order in orders]
            chance.shuffle(mine)
            told: list[str] = []
            while mine:
                some = tuple(mine.pop() for _ in range(min(len(mine), chance.randint(1, 4))))
                reception = Reception(access=access, received_at=make.NOW)
                # Past the queue, in which one process commits one group at a time.
                outcomes = pipeline.commit_alone(
                    Submission.of(native.wire, Request(entries=some, is_list=True), reception)
                )
                told += [f"{each.status} {each.reason}".strip() for each in outcomes]
            return told

        answers = at_once([partial(post, thread) for thread in range(16)])

        assert Counter(reason for told in answers for reason in told) == {
            "accepted": len(orders),
            "discarded unique_by": 15 * len(orders),
        }
        accepted = Event.objects.filter(status="accepted")
        assert sorted(each.metadata["order"] for each in accepted) == list(orders)
        assert set(NaturalKey.objects.values_list("event_id", flat=True)) == set(
            accepted.values_list("pk", flat=True)
        )
        assert sum(Transfer.objects.values_list("amount", flat=True)) == 10 * len(orders)
        assert differences() == []
