"""Values of personal fields are in no row, no answer and no page, by whatever way they came."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import rollup
from events.models import Event, EventKey, NaturalKey, Project, Quarantine
from events.projects import NewProject
from events.protection import MASK, is_protected
from rewards import replay
from rewards.models import Transfer
from tests import faults, make
from tests.calling import EVENTS, Caller, buy
from tests.staff_pages import Staff

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "Zeltenstrasse-8152"
OTHER_SECRET = "Zeltenstrasse-9000"
NUMBER = 815_299_001


@pytest.fixture
def personal(shop_keys: NewProject) -> NewProject:
    """A shop that masks streets and hashes phone numbers of those who buy."""
    event_type = make.event_type(shop_keys.project, "buy")
    make.field(event_type, "street", personal=True)
    make.field(event_type, "phone", personal=True, personal_as="hash")
    make.field(event_type, "email", personal=True)
    return shop_keys


@pytest.fixture
def caller(personal: NewProject) -> Caller:
    return Caller(keys=personal)


def in_any_row(*secrets: object) -> list[str]:
    """Return the tables that hold a secret."""
    return [
        table
        for table, rows in faults.all_rows().items()
        if any(str(secret) in row for secret in secrets for row in rows)
    ]


def _native(caller: Caller, metadata: Any) -> Any:
    return caller.post(EVENTS, {"events": [buy(metadata=metadata)]})


def _native_extra(caller: Caller, metadata: Any) -> Any:
    return caller.post(EVENTS, {**buy(), **metadata, "deep": [{"street": SECRET}]})


def _lynes(caller: Caller, metadata: Any) -> Any:
    body = {"eventId": "buy", "userId": "c-1", "metadata": metadata}
    return caller.post("/lynes/v1/event", body)


def _referd(caller: Caller, metadata: Any) -> Any:
    body = {"playerUniqueId": "c-1", "events": {"buy": metadata}}
    return caller.post("/referd/integrations/event", body, apikey=caller.keys.api_key)


def _gameball(caller: Caller, metadata: Any) -> Any:
    body = {"customerId": "c-1", "events": {"buy": metadata}}
    keys = {"apikey": caller.keys.api_key, "secretkey": caller.keys.secret_key}
    return caller.post("/gameball/api/v4/integrations/events", body, **keys)


def _gameball_batch(caller: Caller, metadata: Any) -> Any:
    body = {"body": [{"customerId": "c-1", "events": {"buy": metadata}}]}
    keys = {"apikey": caller.keys.api_key, "secretkey": caller.keys.secret_key}
    return caller.post("/gameball/api/v4/integrations/batch/events", body, **keys)


def _releva(caller: Caller, metadata: Any) -> Any:
    pairs = [{"key": name, "values": [str(value)]} for name, value in metadata.items()]
    event = {"action": "buy", "profileId": "c-1", "custom": {"string": pairs}}
    bearer = f"Bearer {caller.keys.secret_key}"
    return caller.post(
        "/releva/api/v0/events", {"events": [event]}, authorization=bearer, x_api_key=""
    )


def _vibetrace(caller: Caller, metadata: Any) -> Any:
    caller.post("/vibetrace/v1/user", {"_id": "c-1"}, authorization=caller.keys.api_key)
    body = {
        "user": {"_id": "c-1"},
        "event": {"generic": {"generic": {"event_name": "buy", **metadata}}},
    }
    return caller.post("/vibetrace/v1/event", body, authorization=caller.keys.api_key, x_api_key="")


WAYS = (
    _native,
    _native_extra,
    _lynes,
    _referd,
    _gameball,
    _gameball_batch,
    _releva,
    _vibetrace,
)


class TestAPersonalValue:
    @pytest.mark.parametrize("way", WAYS)
    def test_is_in_no_row_of_what_was_taken(self, caller: Caller, way: Any) -> None:
        answer = way(caller, {"street": SECRET, "phone": NUMBER, "email": OTHER_SECRET})

        assert answer.status in {200, 202}, answer
        rollup.roll_up(seconds=60)
        assert in_any_row(SECRET, OTHER_SECRET, NUMBER) == []

    @pytest.mark.parametrize("way", WAYS)
    def test_is_in_no_row_of_what_was_refused(
        self, caller: Caller, way: Callable[..., Any]
    ) -> None:
        make.event_type(caller.keys.project, "sell")
        caller.keys.project.event_types.filter(name="buy").update(active=False)
        caller.keys.project.save()

        way(caller, {"street": SECRET, "phone": NUMBER, "email": OTHER_SECRET})

        assert in_any_row(SECRET, OTHER_SECRET, NUMBER) == []

    @pytest.mark.parametrize(
        "body",
        [
            b'{"event": "buy", "metadata": {"street": "%s"' % SECRET.encode(),
            b'{"event": "buy", "street": "a", "street": "%s"}' % SECRET.encode(),
            b'{"event": "buy", "customer": 5.5, "metadata": {"street": "%s"}}' % SECRET.encode(),
            b'{"event": "buy", "customer": "c", "metadata": {"street": "%s", "n": NaN}}'
            % SECRET.encode(),
            b'{"event": "buy", "metadata": "{\\"street\\": \\"%s\\"}"}' % SECRET.encode(),
            b'\xff{"street": "%s"}' % SECRET.encode(),
            b"street=%s&phone=1" % SECRET.encode(),
            json.dumps({"event": "buy", "customer": "c", "metadata": {"street": SECRET * 999}}),
            json.dumps({"event": "buy", "customer": "c", "metadata": {"street": [[[SECRET]]] * 1}}),
            json.dumps({"event": "buy" * 99, "customer": "c", "metadata": {"street": SECRET}}),
            json.dumps({"events": [{"event": "buy", "metadata": {"street": SECRET}}]}),
            json.dumps({"events": {"street": SECRET}}),
            json.dumps([{"street": SECRET}]),
        ],
    )
    def test_is_in_no_row_of_what_could_not_be_read(
        self, caller: Caller, body: bytes | str
    ) -> None:
        sent = body if isinstance(body, bytes) else body.encode()
        for path in (EVENTS, "/lynes/v1/event", "/v1/event", "/referd/integrations/event"):
            caller.post(path, sent)

        assert in_any_row(SECRET) == []

    def test_is_in_no_row_of_a_repeat_a_conflict_or_a_discarded_event(self, caller: Caller) -> None:
        types = caller.keys.project.event_types
        types.filter(name="buy").update(unique_by="phone", throttle_minutes=5)
        caller.keys.project.save()
        first = buy(id="k-1", metadata={"phone": NUMBER, "street": SECRET})
        conflicting = {**first, "metadata": {"phone": NUMBER, "amount": 5}}
        repeated = buy(customer="c-2", metadata={"phone": str(NUMBER), "street": OTHER_SECRET})

        results = caller.send(first, first, conflicting, repeated)

        statuses = [result["status"] for result in results]
        assert statuses == ["accepted", "duplicate", "rejected", "discarded"]
        rollup.roll_up(seconds=60)
        assert in_any_row(SECRET, OTHER_SECRET, NUMBER) == []

    def test_is_in_no_answer_and_on_no_page_though_it_was_stored_in_clear(
        self, shop_keys: NewProject, alice: User
    ) -> None:
        caller = Caller(keys=shop_keys)
        caller.send(buy(metadata={"street": SECRET}, extra={"street": SECRET}))
        rollup.roll_up(seconds=60)
        event = Event.objects.get()
        make_personal(shop_keys.project, "street")
        staff = Staff(alice)

        told = [
            str(caller.get(path).body)
            for path in (
                EVENTS,
                "/api/v1/event-types/buy/fields",
                "/api/v1/event-types/buy/fields/street/statistics",
                "/api/v1/quarantine",
                "/api/v1/customers/c-1",
            )
        ]
        told += [
            staff.open("events_event_change", event.pk).text,
            staff.open("events_event_changelist").text,
            staff.open("events_customer_change", event.customer_id).text,
            *(
                staff.client.get(f"/analytics/shop/{path}").content.decode()
                for path in ("", "buy/", "buy/street/", "buy/street/?csv=values", "buy/?csv=fields")
            ),
        ]

        assert [text for text in told if SECRET in text] == []

    def test_is_told_as_its_mask_or_hash(self, caller: Caller) -> None:
        caller.send(buy(metadata={"street": SECRET, "phone": NUMBER, "amount": 5, "email": None}))

        [event] = caller.get(EVENTS).body["results"]
        metadata = event["metadata"]
        assert is_protected(metadata.pop("phone"))
        assert metadata == {"street": MASK, "amount": 5, "email": None}


def make_personal(project: Project, name: str, kept_as: str = "mask") -> None:
    field = project.event_types.get(name="buy").fields.get(name=name)
    field.personal, field.personal_as = True, kept_as
    field.save()


@pytest.mark.usefixtures("personal")
class TestAQuery:
    @pytest.mark.parametrize(
        ("query", "kept"),
        [("", ""), ("upsert=false&", "?upsert=false"), ("upsert=0&", "?upsert=0")],
    )
    def test_is_kept_with_what_was_refused_only_as_far_as_a_replay_reads_it(
        self, caller: Caller, query: str, kept: str
    ) -> None:
        path = "/vibetrace/v1/user/ann@example.com"
        update = f"{path}?{query}street={SECRET}&note={OTHER_SECRET}"
        key = {"authorization": caller.keys.api_key, "x_api_key": ""}
        assert caller.put(update, {"age": 7}, **key).status == 404
        row = Quarantine.objects.get()
        assert row.path == f"{path}{kept}"
        assert in_any_row(SECRET, OTHER_SECRET) == []

        caller.post("/vibetrace/v1/user", {"_id": "u-1", "email": "ann@example.com"}, **key)

        assert replay.replay(row).became == "taken"

    @pytest.mark.parametrize("path", [EVENTS, "/lynes/v1/event"])
    def test_is_kept_of_no_wire_that_reads_none(self, caller: Caller, path: str) -> None:
        caller.post(f"{path}?upsert={SECRET}", b"[")

        assert [row.path for row in Quarantine.objects.all()] == [path]


class TestAPersonalField:
    def test_holds_no_value_that_a_rule_could_be_met_by(self, caller: Caller) -> None:
        conditions: dict[str, dict[str, Any]] = {
            "known": {"field": "event.street", "operator": "exists"},
            "is": {"field": "event.street", "operator": "=", "value": SECRET},
        }
        for name, condition in conditions.items():
            when: dict[str, Any] = {"combinator": "and", "rules": [condition]}
            make.rule(
                caller.keys.project,
                name,
                {"trigger": "buy", "when": when, "award": {"fixed": 10}},
            )

        result = caller.send_one(buy(metadata={"street": SECRET}))

        assert [award["rule"] for award in result["awards"]] == ["known"]
        assert Transfer.objects.count() == 1

    def test_tells_repeats_though_it_tells_no_value(self, caller: Caller) -> None:
        types = caller.keys.project.event_types.filter(name="buy")
        for field in ("phone", "street"):
            types.update(unique_by=field)
            caller.keys.project.save()

            results = caller.send(
                *(
                    buy(metadata={field: value})
                    for value in (7, "7", 8, MASK, MASK, {"a": 1}, {"a": 1.0})
                )
            )

            statuses = [result["status"] for result in results]
            assert statuses[:5] == ["accepted", "discarded", "accepted", "accepted", "accepted"]
            assert statuses[5:] == ["accepted", "discarded"]

    def test_lets_a_retry_be_one_though_it_was_marked_meanwhile(
        self, shop_keys: NewProject
    ) -> None:
        caller = Caller(keys=shop_keys)
        event = buy(id="k-1", metadata={"street": SECRET})
        caller.send(event)
        make_personal(shop_keys.project, "street")

        [again, after] = caller.send(event, buy(id="k-1", metadata={"street": OTHER_SECRET}))

        assert again["status"] == "duplicate"
        assert after["error"]["code"] == "idempotency_conflict"

    def test_is_the_same_event_when_it_is_replayed(self, caller: Caller) -> None:
        project = caller.keys.project
        buys = project.event_types.get(name="buy")
        buys.active = False
        buys.save()
        metadata = {"street": SECRET, "phone": NUMBER}
        caller.send(buy(metadata=metadata), buy(id="k-2", metadata=metadata))
        buys.active = True
        buys.save()
        caller.send(buy(id="k-2", metadata=metadata))
        live = Event.objects.get()

        for row in Quarantine.objects.order_by("id"):
            replay.replay(row, takes_repeats=True)

        assert EventKey.objects.count() == 1
        assert [event.metadata for event in Event.objects.all()] == [live.metadata] * 2
        assert in_any_row(SECRET, NUMBER) == []

    def test_is_recognised_in_a_replay_though_the_value_was_stored_in_clear(
        self, shop_keys: NewProject
    ) -> None:
        caller = Caller(keys=shop_keys)
        buys = make.event_type(shop_keys.project, "buy", active=False)
        make.field(buys, "street", personal=True, personal_as="hash")
        caller.send(buy(metadata={"street": SECRET}))
        buys.fields.update(personal=False)
        buys.active = True
        buys.save()
        caller.send(buy(metadata={"street": SECRET}))
        buys.fields.update(personal=True)
        buys.save()

        done = replay.replay(Quarantine.objects.get())

        assert done.became == "repeated"
        assert Event.objects.count() == 1


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_mix_of_events_leaves_a_value_anywhere(caller: Caller, data: st.DataObject) -> None:
    before = Event.objects.count()
    for way in data.draw(st.lists(st.sampled_from(WAYS), min_size=1, max_size=4)):
        nested = data.draw(
            st.sampled_from([SECRET, [SECRET], {"a": SECRET}, [{SECRET: {"street": SECRET}}]])
        )
        way(caller, {"street": nested, "phone": NUMBER, "amount": data.draw(st.integers(0, 9))})
    rollup.roll_up(seconds=60)

    assert Event.objects.count() >= before
    assert in_any_row(SECRET, NUMBER) == []


def test_natural_keys_can_not_be_guessed(caller: Caller) -> None:
    caller.keys.project.event_types.filter(name="buy").update(unique_by="phone")
    caller.keys.project.save()
    make.event_type(caller.keys.project, "plain", unique_by="phone")

    caller.send(buy(metadata={"phone": NUMBER}), buy(event="plain", metadata={"phone": NUMBER}))

    hashes = {bytes(key.value_hash) for key in NaturalKey.objects.all()}
    assert len(hashes) == 2
