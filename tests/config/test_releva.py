"""Releva's clients at their paths: events, all or nothing, and profiles."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import time_machine
from django.test import Client

from events import limits
from events.models import Customer, Event, Identity, Quarantine
from events.projects import NewProject
from rewards.models import Transfer
from tests import make
from tests.calling import Answer

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS = "/api/v0/events"
PROFILES = "/api/v0/profiles"
BOUGHT = {
    "action": "bought",
    "email": "ann@example.com",
    "custom": {"numeric": [{"key": "total", "values": [10]}]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevaClient:
    """Sends JSON, or bytes as they are, with a secret key."""

    keys: NewProject

    def post(self, body: Any, path: str = EVENTS, authorization: str | None = None) -> Answer:
        sent = f"Bearer {self.keys.secret_key}" if authorization is None else authorization
        written = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = Client().post(
            path, written, content_type="application/json", headers={"authorization": sent}
        )
        return Answer(
            status=response.status_code,
            body=json.loads(response.content),
            headers=dict(response.headers),
        )

    def events(self, *events: Any) -> Answer:
        return self.post({"events": list(events)})

    def profiles(self, *profiles: Any) -> Answer:
        return self.post({"profiles": [{"profile": each} for each in profiles]}, PROFILES)


@pytest.fixture
def client(shop_keys: NewProject, clock: time_machine.Traveller) -> RelevaClient:
    return RelevaClient(keys=shop_keys)


def stored(*columns: str) -> Sequence[Any]:
    return list(Event.objects.order_by("batch_id", "customer_seq").values_list(*columns))


def names() -> set[tuple[str, str]]:
    return set(Identity.objects.values_list("kind", "value"))


class TestEvents:
    @pytest.mark.parametrize(
        "path",
        [EVENTS, f"{EVENTS}/", "/API/V0/Events", "/releva/api/v0/events", "/Releva/Api/v0/EVENTS/"],
    )
    def test_are_taken_at_each_path(self, client: RelevaClient, path: str) -> None:
        answer = client.post({"events": [BOUGHT]}, path)

        assert (answer.status, answer.body) == (202, {})
        assert stored("wire", "event_type__name", "metadata", "customer__label") == [
            ("releva", "bought", {"total": 10}, "ann@example.com")
        ]

    def test_earn_what_the_rules_say(self, client: RelevaClient) -> None:
        make.event_type(client.keys.project, "bought")
        make.rule(
            client.keys.project,
            "Two per unit",
            {
                "trigger": "bought",
                "award": {"per_unit": {"points": 2, "per": "1", "field": "event.total"}},
            },
        )

        client.events(BOUGHT, BOUGHT)

        assert list(Transfer.objects.values_list("amount", flat=True)) == [20, 20]

    def test_link_the_names_that_are_given_together(self, client: RelevaClient) -> None:
        client.events(BOUGHT, {"action": "bought", "phoneNumber": "+359123"})
        assert Customer.objects.filter(merged_into=None).count() == 2

        client.events({**BOUGHT, "phoneNumber": "+359123", "profileId": "c-1"})

        assert Customer.objects.filter(merged_into=None).count() == 1
        assert names() == {
            ("external_id", "c-1"),
            ("email", "ann@example.com"),
            ("phone", "+359123"),
        }

    def test_link_no_strangers_who_share_a_placeholder(self, client: RelevaClient) -> None:
        placeholders = {"email": "n/a", "phoneNumber": "+000000"}
        client.events(*({**BOUGHT, **placeholders, "profileId": each} for each in ("c-1", "c-2")))

        assert Customer.objects.filter(merged_into=None).count() == 2
        assert names() == {("external_id", "c-1"), ("external_id", "c-2")}
        assert [each.extra for each in Event.objects.all()] == [placeholders] * 2

    def test_are_refused_whole_with_the_place_of_the_first(self, client: RelevaClient) -> None:
        answer = client.events(BOUGHT, {"action": "bought"}, BOUGHT, {})

        assert (answer.status, answer.body) == (
            400,
            {"message": "events[1]: set at least one of email, phoneNumber or profileId."},
        )
        assert stored("id") == []
        assert Customer.objects.count() == 0
        assert Quarantine.objects.get().field == "events[1]"

    @pytest.mark.parametrize(("path", "name"), [(EVENTS, "events"), (PROFILES, "profiles")])
    def test_are_refused_where_there_is_none(
        self, client: RelevaClient, path: str, name: str
    ) -> None:
        answer = client.post({name: []}, path)

        message = f"The field {name} is empty; send at least one of them."
        assert (answer.status, answer.body) == (400, {"message": message})
        assert Quarantine.objects.get().field == name

    def test_are_refused_with_the_place_of_a_date_that_no_calendar_has(
        self, client: RelevaClient
    ) -> None:
        due = {"date": [{"key": "due", "values": ["2026-02-30"]}]}
        answer = client.events(BOUGHT, {**BOUGHT, "custom": due})

        assert answer.status == 400
        assert answer.body["message"].startswith("events[1].custom.date[0].values: ")
        assert "2026-03-02T09:00:00Z" in answer.body["message"]
        assert stored("id") == []

    def test_are_refused_with_their_place_by_the_catalogue_too(self, client: RelevaClient) -> None:
        make.event_type(client.keys.project, "closed", active=False)

        answer = client.events(BOUGHT, BOUGHT, {**BOUGHT, "action": "closed"})

        message = "events[2].action: the event type “closed” is not active."
        assert (answer.status, answer.body) == (400, {"message": message})
        assert stored("id") == []
        kept = Quarantine.objects.get()
        assert (kept.code, kept.field) == ("inactive_event_type", "events[2].event")
        assert len(json.loads(kept.payload)["events"]) == 3

    def test_are_refused_with_their_place_by_a_strict_project(self, db: None) -> None:
        client = RelevaClient(keys=make.keyed_project("strict", strict=True))

        answer = client.events(BOUGHT)

        assert answer.status == 400
        assert answer.body["message"].startswith("events[0].action: the event type “bought” is not")

    def test_are_refused_with_their_place_where_they_lie_ahead(self, client: RelevaClient) -> None:
        answer = client.events(BOUGHT, {**BOUGHT, "timestamp": "2030-01-01T00:00:00"})

        assert answer.body["message"].startswith("events[1].timestamp: the event lies more than")

    def test_are_refused_with_their_place_where_a_customer_is_inactive(
        self, client: RelevaClient
    ) -> None:
        client.events(BOUGHT)
        Customer.objects.get().set_active(False)

        answer = client.events({**BOUGHT, "email": "bob@example.com"}, BOUGHT)

        assert answer.status == 403
        assert answer.body["message"].startswith("events[1]: the customer is inactive")
        assert len(stored("id")) == 1

    def test_are_a_thousand_at_most(self, client: RelevaClient) -> None:
        taken = client.events(*[BOUGHT] * limits.EVENTS_PER_REQUEST)
        refused = client.events(*[BOUGHT] * (limits.EVENTS_PER_REQUEST + 1))

        assert (taken.status, refused.status) == (202, 413)
        assert len(stored("id")) == limits.EVENTS_PER_REQUEST

    def test_are_five_megabytes_at_most(self, client: RelevaClient) -> None:
        answer = client.post(b'{"events": ["' + b"x" * limits.BODY_BYTES + b'"]}')

        assert (answer.status, list(answer.body)) == (413, ["message"])

    @pytest.mark.parametrize("authorization", ["", "Bearer nobody", "Bearer ", "nobody"])
    def test_need_a_secret_key(self, client: RelevaClient, authorization: str) -> None:
        answer = client.post({"events": [BOUGHT]}, authorization=authorization)

        assert (answer.status, list(answer.body)) == (401, ["message"])

    def test_are_not_taken_with_an_api_key(self, client: RelevaClient) -> None:
        answer = client.post({"events": [BOUGHT]}, authorization=f"Bearer {client.keys.api_key}")

        assert answer.status == 401

    @pytest.mark.parametrize("path", [EVENTS, PROFILES])
    def test_are_only_sent(self, path: str) -> None:
        response = Client().get(path)

        assert (response.status_code, list(response.json())) == (405, ["message"])

    @pytest.mark.parametrize("path", ["/releva/api/v0/push", "/api/v0/register"])
    def test_have_no_other_path(self, client: RelevaClient, path: str) -> None:
        answer = client.post({}, path)

        assert (answer.status, answer.body) == (404, {"message": "There is nothing at this path."})


class TestProfiles:
    @pytest.mark.parametrize("path", [PROFILES, f"{PROFILES}/", "/RELEVA/api/V0/Profiles"])
    def test_are_taken_at_each_path(self, client: RelevaClient, path: str) -> None:
        answer = client.post({"profiles": [{"profile": {"id": "c-1", "a": 1}}]}, path)

        assert (answer.status, answer.body) == (202, {})
        assert Customer.objects.get().attributes == {"a": 1}

    def test_are_put_beside_what_is_known(self, client: RelevaClient) -> None:
        custom = {"string": [{"key": "gender", "values": ["F"]}]}
        client.profiles({"id": "c-1", "firstName": "Ann", "addTags": ["vip"]})
        client.profiles({"id": "c-1", "email": "Ann@example.com", "custom": custom})

        assert Customer.objects.get().attributes == {
            "firstName": "Ann",
            "tags": ["vip"],
            "gender": "F",
        }
        assert names() == {("external_id", "c-1"), ("email", "ann@example.com")}

    def test_earn_nothing(self, client: RelevaClient) -> None:
        make.event_type(client.keys.project, "bought")
        make.rule(client.keys.project, "Ten", {"trigger": "bought", "award": {"fixed": 10}})

        client.profiles({"id": "c-1", "action": "bought"})

        assert stored("id") == []
        assert Transfer.objects.count() == 0

    def test_are_refused_whole_with_the_place_of_the_first(self, client: RelevaClient) -> None:
        answer = client.profiles({"id": "c-1"}, {"firstName": "Nobody"})

        assert (answer.status, answer.body) == (
            400,
            {"message": "profiles[1]: set at least one of email, phoneNumber or id."},
        )
        assert Customer.objects.count() == 0
