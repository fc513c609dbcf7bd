"""What the pipeline answers and stores for events, whatever they earn."""

import sqlite3
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from events import catalogue, limits
from events.models import Customer, Event, EventKey, EventType, MetadataField, Project, Quarantine
from events.projects import NewProject
from events.types import Access, Identity, Outcome, Reception, RefusalCode, Scope
from events.types import Event as CanonicalEvent
from events.types import Request as CanonicalRequest
from events.wires import lynes
from rewards import ruleset
from rewards.models import Rule, Transfer
from rewards.pipeline import process
from tests import make
from tests.calling import Caller, buy
from tests.ledger import differences
from tests.rewards.definitions import definition, limit

FEWEST_PARAMETERS = 32_766  # of a SQLite that was built without further thought
WINDOWS = ("day", "week", "month", "lifetime")

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    return Caller(keys=shop_keys)


@pytest.fixture
def ten_points(shop: Project) -> Rule:
    return make.rule(shop, "ten points", definition("buy", {"fixed": 10}))


def without_status(result: Any) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name not in ("status", "index")}


def is_duplicate_of(result: Any, original: Any) -> bool:
    return result["status"] == "duplicate" and without_status(result) == without_status(original)


def become_another_process() -> None:
    catalogue.forget()
    ruleset.forget()


@pytest.mark.usefixtures("ten_points")
class TestTheSameKeyAgain:
    def test_gets_the_original_answer_marked_duplicate(self, caller: Caller) -> None:
        make.streak(
            caller.keys.project,
            "daily",
            {"event": "buy", "period": "day", "milestones": [{"at": 1, "points": 5}]},
        )
        original = caller.send_one(buy(id="k"))
        caller.send_one(buy(id="another"))

        again = caller.send_one(buy(id="k"))

        assert original["status"] == "accepted"
        assert original["points_awarded"] == 10
        assert original["balance"] == 15
        assert is_duplicate_of(again, original)
        assert Event.objects.count() == 2
        assert Transfer.objects.count() == 3

    def test_gets_it_within_one_list_too(self, caller: Caller) -> None:
        first, second, third = caller.send(buy(id="k"), buy("c-2"), buy(id="k"))

        assert second["status"] == "accepted"
        assert is_duplicate_of(third, first)
        assert Event.objects.count() == 2

    def test_gets_it_after_the_rule_has_changed(self, caller: Caller, shop: Project) -> None:
        original = caller.send_one(buy(id="k"))
        make.rule(shop, "ten points", definition("buy", {"fixed": 99}))

        assert is_duplicate_of(caller.send_one(buy(id="k")), original)

    def test_gets_it_after_the_type_was_closed(self, caller: Caller, shop: Project) -> None:
        original = caller.send_one(buy(id="k"))
        closed = shop.event_types.get(name="buy")
        closed.active = False
        closed.save()

        assert is_duplicate_of(caller.send_one(buy(id="k")), original)
        assert caller.send_one(buy(id="new"), 422)["error"]["code"] == "inactive_event_type"

    def test_gets_it_from_a_process_that_has_only_just_started(self, caller: Caller) -> None:
        original = caller.send_one(buy(id="k"))
        become_another_process()

        assert is_duplicate_of(caller.send_one(buy(id="k")), original)

    def test_gets_it_although_its_moment_has_left_the_reward_window(
        self, caller: Caller, clock: time_machine.Traveller
    ) -> None:
        event = buy(id="k", occurred_at="2026-03-01T12:00:00Z")
        original = caller.send_one(event)
        clock.shift(timedelta(days=60))

        assert is_duplicate_of(caller.send_one(event), original)

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            pytest.param({"amount": 1}, {"amount": 1.0}, id="numbers spelled otherwise"),
            pytest.param({"a": 1, "b": [1, 2]}, {"b": [1.0, 2], "a": 1e0}, id="keys in any order"),
            pytest.param(
                {"occurred_at": "2026-03-01T12:00:00Z"},
                {"occurred_at": "2026-03-01T13:00:00+01:00"},
                id="a moment told in another zone",
            ),
        ],
    )
    def test_gets_it_for_an_equal_body(self, caller: Caller, first: Any, second: Any) -> None:
        original = caller.send_one(buy(id="k", **first))

        assert is_duplicate_of(caller.send_one(buy(id="k", **second)), original)

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(buy(id="k", amount=2), id="metadata"),
            pytest.param(buy("c-2", id="k", amount=1), id="customer"),
            pytest.param(buy(id="k", event="view", amount=1), id="event"),
            pytest.param(buy(id="k", identities={"email": "a@x.test"}, amount=1), id="identities"),
            pytest.param(buy(id="k", occurred_at="2026-03-01T12:00:00Z", amount=1), id="moment"),
            pytest.param(buy(id="k", amount="1"), id="a text for a number"),
        ],
    )
    def test_is_refused_with_another_body(self, caller: Caller, other: Any) -> None:
        original = caller.send_one(buy(id="k", amount=1))

        result = caller.send_one(other, 422)

        assert result["status"] == "rejected"
        assert result["error"]["code"] == "idempotency_conflict"
        assert Event.objects.count() == 1
        assert Quarantine.objects.get().code == "idempotency_conflict"
        assert is_duplicate_of(caller.send_one(buy(id="k", amount=1)), original)

    def test_is_refused_with_another_body_in_the_same_list(self, caller: Caller) -> None:
        first, second = caller.send(buy(id="k", amount=1), buy(id="k", amount=2))

        assert first["status"] == "accepted"
        assert second["error"]["code"] == "idempotency_conflict"
        assert Event.objects.count() == 1

    def test_is_another_key_in_another_project(
        self, caller: Caller, other_keys: NewProject
    ) -> None:
        caller.send_one(buy(id="k"))

        assert Caller(keys=other_keys).send_one(buy(id="k"))["status"] == "accepted"


class TestARejectedEvent:
    def test_does_not_take_its_key(self, caller: Caller) -> None:
        caller.send_one(buy(id="k", occurred_at="2026-03-09T00:00:00Z"), 422)

        assert not EventKey.objects.exists()
        assert caller.send_one(buy(id="k"))["status"] == "accepted"

    def test_costs_its_neighbours_nothing(self, caller: Caller) -> None:
        results = caller.send(
            buy("c-1"),
            {"customer": "c-2"},
            buy("c-3", occurred_at="2099-01-01T00:00:00Z"),
            7,
            buy("c-4"),
        )

        assert [result["index"] for result in results] == [0, 1, 2, 3, 4]
        assert [result["status"] for result in results] == [
            "accepted",
            "rejected",
            "rejected",
            "rejected",
            "accepted",
        ]
        assert [results[index]["error"]["code"] for index in (1, 2, 3)] == [
            "missing_field",
            "occurred_in_future",
            "invalid_field",
        ]
        assert Event.objects.count() == 2

    def test_is_kept_with_its_reason(self, caller: Caller) -> None:
        caller.send(buy(), {"customer": "c-2", "extra": 1.50})

        kept = Quarantine.objects.get()

        assert kept.project == caller.keys.project
        assert (kept.wire, kept.code, kept.field) == ("native", "missing_field", "event")
        assert kept.payload == '{"customer":"c-2","extra":1.5}'

    def test_makes_neither_customer_nor_type(self, caller: Caller) -> None:
        caller.send(buy("c-9", event="walk", occurred_at="2099-01-01T00:00:00Z"))

        assert not Customer.objects.exists()
        assert not EventType.objects.exists()


class TestAList:
    def test_may_be_empty(self, caller: Caller) -> None:
        assert caller.send() == []
        assert not Event.objects.exists()

    def test_takes_a_thousand_events(self, caller: Caller, shop: Project) -> None:
        make.rule(shop, "ten points", definition("buy", {"fixed": 10}))

        results = caller.send(*(buy(f"c-{number % 400}", id=str(number)) for number in range(1000)))

        assert {result["status"] for result in results} == {"accepted"}
        assert Event.objects.count() == 1000
        assert Customer.objects.count() == 400
        assert Transfer.objects.count() == 1000

    @pytest.mark.sqlite
    def test_of_a_thousand_fits_any_build_of_sqlite(self, caller: Caller, shop: Project) -> None:
        """Debian's takes 250,000 parameters a statement, the default is 32,766."""
        counters = [f"{of} {window}" for of in ("points", "times") for window in WINDOWS]
        caps = [limit(f"customer {counter}", 9) for counter in counters]
        for name in "abcd":
            make.rule(shop, name, definition(limits=caps))
            make.rule(shop, f"shadow {name}", definition(), state=Rule.State.SHADOW)
            make.streak(shop, name, {"event": "buy", "period": "day"})
        previous = connection.connection.setlimit(
            sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, FEWEST_PARAMETERS
        )
        try:
            results = caller.send(*(buy(f"c-{number}") for number in range(1000)))
        finally:
            connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, previous)

        assert {result["points_awarded"] for result in results} == {36}
        assert differences() == []

    def test_of_more_is_refused_whole(self, caller: Caller) -> None:
        answer = caller.post("/api/v1/events", {"events": [buy()] * 1001})

        assert answer.status == 413
        assert answer.body["code"] == "too_many_events"
        assert not Event.objects.exists()

    def test_gives_each_customer_numbers_in_the_order_of_the_list(self, caller: Caller) -> None:
        caller.send(buy("c-1", n=1), buy("c-2", n=2), buy("c-1", n=3))
        caller.send(buy("c-1", n=4))

        numbered = Event.objects.filter(customer__label="c-1").order_by("customer_seq")

        assert [(event.customer_seq, event.metadata["n"]) for event in numbered] == [
            (1, 1),
            (2, 3),
            (3, 4),
        ]


class TestARequestOfAnAtomicWire:
    def test_is_refused_whole_for_one_event(self, shop: Project) -> None:
        make.event_type(shop, "buy")
        access = Access(project_id=shop.pk, scopes=frozenset({Scope.INGEST}))
        reception = Reception(access=access, received_at=make.NOW)
        entries = tuple(
            CanonicalEvent(
                name=name,
                customer=Identity(external_id="c-1"),
                metadata={},
                source={"eventId": name},
            )
            for name in ("buy", "unknown", "buy")
        )

        outcomes = process(lynes.wire, CanonicalRequest(entries=entries), reception)

        assert {outcome.status for outcome in outcomes} == {"rejected"}
        assert {code_of(outcome) for outcome in outcomes} == {RefusalCode.UNKNOWN_EVENT_TYPE}
        assert not Event.objects.exists()
        assert not Customer.objects.exists()
        kept = Quarantine.objects.get()
        assert kept.payload == '[{"eventId":"buy"},{"eventId":"unknown"},{"eventId":"buy"}]'


def code_of(outcome: Outcome) -> RefusalCode | None:
    return outcome.error.code if outcome.error else None


class TestAnUnknownEventType:
    def test_is_created_and_marked_with_its_fields(self, caller: Caller, shop: Project) -> None:
        caller.send(buy(amount=1, brand="x"), buy(city="y"))

        made = shop.event_types.get()

        assert (made.name, made.created_automatically, made.active) == ("buy", True, True)
        assert [
            (field.name, field.type, field.created_automatically) for field in made.fields.all()
        ] == [("amount", "auto", True), ("brand", "auto", True), ("city", "auto", True)]

    def test_gets_further_fields_from_further_events(self, caller: Caller, shop: Project) -> None:
        caller.send_one(buy(amount=1))
        caller.send_one(buy(amount=1, brand="x"))

        assert set(shop.event_types.get().fields.values_list("name", flat=True)) == {
            "amount",
            "brand",
        }

    def test_is_refused_by_a_strict_project(self, caller: Caller, shop: Project) -> None:
        shop.strict = True
        shop.save()

        result = caller.send_one(buy(), 422)

        assert result["error"]["code"] == "unknown_event_type"
        assert not EventType.objects.exists()

    def test_is_never_made_by_lynes(self, caller: Caller) -> None:
        answer = caller.post("/event", {"eventId": "buy", "userId": "u-1"})

        assert answer.status == 404
        assert answer.body["error"]["code"] == "unknown_event_type"
        assert not EventType.objects.exists()

    def test_is_refused_beyond_five_hundred_made_so(
        self, caller: Caller, shop: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "EVENT_TYPES_PER_PROJECT", 3)
        make.event_type(shop, "by hand")
        caller.send(buy(event="one"), buy(event="two"))

        statuses = [
            result["status"]
            for result in caller.send(
                buy(event="three"), buy(event="four"), buy(event="by hand"), buy(event="three")
            )
        ]

        assert statuses == ["accepted", "rejected", "accepted", "accepted"]
        assert shop.event_types.filter(created_automatically=True).count() == 3
        assert Quarantine.objects.get().code == "too_many_event_types"

    def test_keeps_fields_beyond_a_thousand_with_the_event_alone(
        self, caller: Caller, shop: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "FIELDS_PER_EVENT_TYPE", 3)

        caller.send_one(buy(a=1, b=2))
        caller.send_one(buy(c=3, d=4))
        caller.send_one(buy(event="view", metadata=dict.fromkeys("abcde", 1)))

        assert [field.name for field in shop.event_types.get(name="buy").fields.all()] == [
            "a",
            "b",
            "c",
        ]
        assert MetadataField.objects.filter(event_type__name="view").count() == 3
        assert [event.metadata for event in shop.events.order_by("customer_seq")][1] == {
            "c": 3,
            "d": 4,
        }


class TestAKnownEventType:
    def test_is_refused_while_inactive(self, caller: Caller, shop: Project) -> None:
        make.event_type(shop, "buy", active=False)

        assert caller.send_one(buy(), 422)["error"]["code"] == "inactive_event_type"
        lynes_answer = caller.post("/event", {"eventId": "buy", "userId": "u-1"})
        assert lynes_answer.status == 404

    def test_is_refused_from_a_token_where_it_needs_a_key(
        self, caller: Caller, shop: Project
    ) -> None:
        make.event_type(shop, "buy", server_only=True)
        body = {"eventId": "buy", "userId": "u-1"}

        token = caller.keys.jwt
        refused = caller.post("/event", body, x_api_key="", authorization=f"Bearer {token}")

        assert refused.status == 403
        assert refused.body["error"]["code"] == "needs_api_key"
        assert caller.post("/event", body).status == 200


class TestTheMomentOfAnEvent:
    @pytest.mark.parametrize(
        ("occurred_at", "status", "code"),
        [
            ("2026-03-03T09:00:00Z", 200, None),
            ("2026-03-03T09:00:00.001Z", 422, "occurred_in_future"),
            ("1970-01-01T00:00:00Z", 200, None),
            ("1969-12-31T23:59:59Z", 422, "occurred_too_early"),
        ],
    )
    def test_lies_from_1970_to_a_day_ahead(
        self, caller: Caller, occurred_at: str, status: int, code: str | None
    ) -> None:
        result = caller.send_one(buy(occurred_at=occurred_at), status)

        assert result.get("error", {}).get("code") == code

    def test_is_when_we_received_it_where_it_is_not_told(self, caller: Caller) -> None:
        caller.send_one(buy())

        assert Event.objects.get().occurred_at == make.NOW

    @pytest.mark.usefixtures("ten_points")
    def test_before_the_reward_window_is_stored_and_earns_nothing(self, caller: Caller) -> None:
        make.streak(caller.keys.project, "daily", {"event": "buy", "period": "day"})
        caller.send_one(buy())

        late = caller.send_one(buy(occurred_at="2026-01-31T08:59:59Z"))
        just = caller.send_one(buy(occurred_at="2026-01-31T09:00:00Z"))

        assert (late["status"], late["reason"]) == ("accepted", "too_late")
        assert (late["points_awarded"], late["awards"], late["streaks"]) == (0, [], [])
        assert late["balance"] == 10
        assert "reason" not in just
        assert just["points_awarded"] == 10
        assert Event.objects.get(reason="too_late").points_total == 0
