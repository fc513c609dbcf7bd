"""Vibetrace's clients at their paths: events, users, and what they share with Lynes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import time_machine
from django.test import Client

from events.models import Customer, Event, EventType, Quarantine
from events.projects import NewProject
from tests import faults, make
from tests.calling import Answer

pytestmark = pytest.mark.django_db(transaction=True)

ANN = {"email": "ann@example.com"}
EVENT_CREATED = {
    "results": {"message": "Event created", "email": "Event was created for the specified user"}
}
USER_SAVED = {
    "results": {"message": "User saved", "email": "User was saved with the given attributes"}
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VibetraceClient:
    """Sends JSON with a raw key, or with other headers."""

    keys: NewProject

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        sent = {"authorization": self.keys.api_key} if headers is None else headers
        written = b"" if body is None else json.dumps(body).encode()
        response = Client(raise_request_exception=False).generic(
            method, path, written, content_type="application/json", headers=sent
        )
        return Answer(
            status=response.status_code,
            body=json.loads(response.content),
            headers=dict(response.headers),
        )

    def event(self, kind: str, fields: Any, *, user: Any = ANN, path: str = "/v1/event") -> Answer:
        return self.send("POST", path, {"user": user, "event": {kind: fields}})

    def user(self, **fields: Any) -> Answer:
        return self.send("POST", "/v1/user", {**ANN, **fields})


@pytest.fixture
def vibetrace(shop_keys: NewProject, clock: time_machine.Traveller) -> VibetraceClient:
    client = VibetraceClient(keys=shop_keys)
    assert client.user(firstname="Ann").body == USER_SAVED
    return client


def stored(*columns: str) -> Sequence[Any]:
    return list(Event.objects.order_by("batch_id", "customer_seq").values_list(*columns))


def errors_of(answer: Answer) -> tuple[int, str, str]:
    [error] = answer.body["errors"]
    return answer.status, error["message"], error["description"]


class TestEvent:
    @pytest.mark.parametrize(
        "path",
        ["/v1/event", "/v1/event/", "/V1/Event", "/vibetrace/v1/event", "/VIBETRACE/V1/EVENT/"],
    )
    def test_is_taken_at_each_path(self, vibetrace: VibetraceClient, path: str) -> None:
        answer = vibetrace.event("viewitem", {"itemId": "1"}, path=path)

        assert (answer.status, answer.body) == (200, EVENT_CREATED)
        assert stored("wire", "event_type__name", "metadata", "customer__label") == [
            ("vibetrace", "viewitem", {"itemId": "1"}, "ann@example.com")
        ]

    def test_of_the_clients_own_is_taken(self, vibetrace: VibetraceClient) -> None:
        own = {"generic": {"event_name": "my_event", "firstname": "Ann"}}

        assert vibetrace.event("generic", own).body == EVENT_CREATED
        assert stored("event_type__name", "metadata") == [("my_event", {"firstname": "Ann"})]

    @pytest.mark.parametrize("user", [{"email": "bob@example.com"}, {"_id": "nobody"}])
    def test_needs_its_user(self, vibetrace: VibetraceClient, user: Any) -> None:
        answer = vibetrace.event("viewitem", {}, user=user)

        assert errors_of(answer)[:2] == (404, "User not found")
        assert stored("id") == []
        assert Customer.objects.count() == 1
        assert Quarantine.objects.get().code == "customer_not_found"

    @pytest.mark.parametrize("kind", ["update", "login"])
    def test_sets_attributes(self, vibetrace: VibetraceClient, kind: str) -> None:
        vibetrace.event(kind, {"city": "Iași", "firstname": None})

        assert Customer.objects.get().attributes == {"city": "Iași"}
        assert stored("event_type__name") == [(kind,)]

    def test_sets_no_attributes_by_other_kinds(self, vibetrace: VibetraceClient) -> None:
        vibetrace.event("viewitem", {"city": "Iași"})

        assert Customer.objects.get().attributes == {"firstname": "Ann"}

    def test_counts_a_confirmation_once_for_its_order(self, vibetrace: VibetraceClient) -> None:
        own = {"generic": {"event_name": "confirmation", "orderId": 1001}}
        answers = [
            vibetrace.event("confirmation", {"orderId": 1001}),
            vibetrace.event("confirmation", {"orderId": "1001"}),
            vibetrace.event("generic", own),
            vibetrace.event("confirmation", {"orderId": "1002"}),
        ]

        assert [answer.body for answer in answers] == [EVENT_CREATED] * 4
        assert stored("status", "reason") == [
            ("accepted", ""),
            ("discarded", "unique_by"),
            ("discarded", "unique_by"),
            ("accepted", ""),
        ]

    def test_counts_one_email_open_in_twenty_minutes(
        self, vibetrace: VibetraceClient, clock: time_machine.Traveller
    ) -> None:
        for seconds in (0, 60, 19 * 60 - 1, 60 + 1):
            clock.shift(seconds)
            assert vibetrace.event("emailOpen", {}).body == EVENT_CREATED

        assert stored("status", "reason") == [
            ("accepted", ""),
            ("discarded", "throttle"),
            ("discarded", "throttle"),
            ("accepted", ""),
        ]
        event_type = EventType.objects.get(name="email_open")
        assert event_type.throttle_minutes == 20

    def test_of_an_unknown_kind_is_kept(self, vibetrace: VibetraceClient) -> None:
        assert vibetrace.event("never_heard_of", {}).body == EVENT_CREATED
        assert stored("event_type__name") == [("never_heard_of",)]

    def test_of_an_unknown_kind_is_refused_by_a_strict_project(self, db: None) -> None:
        client = VibetraceClient(keys=make.keyed_project("strict", strict=True))
        client.user()

        status, message, description = errors_of(client.event("viewitem", {}))

        assert (status, message) == (400, "Bad request")
        assert "“viewitem” is not in the project's catalogue" in description

    @pytest.mark.parametrize(
        ("body", "message", "description"),
        [
            (
                {"user": ANN},
                "Missing event information",
                "Please send event information along with user",
            ),
            (
                {"event": {"update": {}}, "user": None},
                "Missing user information",
                "Please send user information along with event",
            ),
        ],
    )
    def test_is_refused_in_the_vendors_words(
        self, vibetrace: VibetraceClient, body: Any, message: str, description: str
    ) -> None:
        answer = vibetrace.send("POST", "/v1/event", body)

        assert errors_of(answer) == (400, message, description)
        assert Quarantine.objects.get().wire == "vibetrace"

    @pytest.mark.parametrize("key", ["", "nobody"])
    def test_is_refused_without_a_key(self, vibetrace: VibetraceClient, key: str) -> None:
        answer = vibetrace.send(
            "POST", "/vibetrace/v1/event", {"user": ANN}, {"authorization": key}
        )

        assert errors_of(answer)[:2] == (401, "Unauthorized")

    @pytest.mark.parametrize("path", ["/vibetrace/v1/events", "/Vibetrace/"])
    def test_has_no_other_path(self, vibetrace: VibetraceClient, path: str) -> None:
        assert errors_of(vibetrace.send("POST", path, {}))[:2] == (404, "Not found")

    def test_is_only_sent(self, vibetrace: VibetraceClient) -> None:
        answer = vibetrace.send("GET", "/vibetrace/v1/event")

        assert errors_of(answer)[:2] == (405, "Method not allowed")


class TestUser:
    @pytest.mark.parametrize("path", ["/v1/user", "/V1/User/", "/vibetrace/v1/user"])
    def test_is_made_and_changed_by_post(self, vibetrace: VibetraceClient, path: str) -> None:
        made = vibetrace.send("POST", path, {"_id": "u-9", "city": "Cluj"})
        changed = vibetrace.send("POST", path, {"_id": "u-9", "age": 9, "email": "x@example.com"})

        assert (made.body, changed.body) == (USER_SAVED, USER_SAVED)
        read = vibetrace.send("GET", "/v1/user/u-9")
        assert read.body == {
            "results": {"_id": "u-9", "email": "x@example.com", "city": "Cluj", "age": 9}
        }
        assert stored("id") == []

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/user/ann@example.com",
            "/V1/USER/ann%40example.com/",
            "/vibetrace/v1/user/ANN@example.com",
        ],
    )
    def test_is_read_and_changed_at_its_address(
        self, vibetrace: VibetraceClient, path: str
    ) -> None:
        assert vibetrace.send("PUT", path, {"firstname": "Anna"}).body == USER_SAVED

        read = vibetrace.send("GET", path)

        assert (read.status, read.body) == (200, {"results": {**ANN, "firstname": "Anna"}})

    def test_is_made_by_put_only_where_wanted(self, vibetrace: VibetraceClient) -> None:
        path = "/v1/user/bob@example.com"

        assert errors_of(vibetrace.send("PUT", path, {"a": 1}))[:2] == (404, "User not found")
        assert errors_of(vibetrace.send("GET", path))[:2] == (404, "User not found")
        assert vibetrace.send("PUT", f"{path}?upsert=true", {"a": 1}).body == USER_SAVED
        assert vibetrace.send("GET", path).body == {"results": {"email": "bob@example.com", "a": 1}}

    @pytest.mark.parametrize("name", ["%00", "u" * 300, "a@b%00", "%FF"])
    def test_of_any_name_is_answered(self, vibetrace: VibetraceClient, name: str) -> None:
        for method in ("GET", "PUT"):
            assert vibetrace.send(method, f"/v1/user/{name}", {}).status in (400, 404)

    @pytest.mark.parametrize("headers", [{}, {"authorization": "nobody"}])
    def test_is_read_with_a_key_only(
        self, vibetrace: VibetraceClient, headers: dict[str, str]
    ) -> None:
        answer = vibetrace.send("GET", "/v1/user/ann@example.com", None, headers)

        assert errors_of(answer)[:2] == (401, "Unauthorized")

    def test_is_not_shown_to_another_project(
        self, vibetrace: VibetraceClient, other_keys: NewProject
    ) -> None:
        answer = VibetraceClient(keys=other_keys).send("GET", "/v1/user/ann@example.com")

        assert errors_of(answer)[:2] == (404, "User not found")

    def test_is_refused_in_the_vendors_words(self, vibetrace: VibetraceClient) -> None:
        answer = vibetrace.send("POST", "/v1/user", {"firstname": "Nobody"})

        assert errors_of(answer)[:2] == (400, "Missing user information")

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("PUT", "/vibetrace/v1/user", "POST"),
            ("POST", "/v1/user/ann@example.com", "GET, PUT"),
            ("DELETE", "/v1/user/ann@example.com", "GET, PUT"),
        ],
    )
    def test_takes_only_the_methods_it_names(
        self, vibetrace: VibetraceClient, method: str, path: str, allowed: str
    ) -> None:
        answer = vibetrace.send(method, path, {})

        assert errors_of(answer)[:2] == (405, "Method not allowed")
        assert answer.headers["Allow"] == allowed


class TestCollision:
    def test_of_events_is_settled_by_credentials(self, vibetrace: VibetraceClient) -> None:
        make.event_type(vibetrace.keys.project, "daily_login")
        lynes = {"eventId": "daily_login", "userId": "u-1"}
        keys = vibetrace.keys
        for headers in ({"x-api-key": keys.api_key}, {"authorization": f"Bearer {keys.jwt}"}):
            assert vibetrace.send("POST", "/v1/event", lynes, headers).body["success"] is True
        vibetrace.event("viewitem", {})

        assert stored("wire") == [("lynes",), ("lynes",), ("vibetrace",)]

    def test_of_events_is_settled_by_the_body_where_both_keys_come(
        self, vibetrace: VibetraceClient
    ) -> None:
        make.event_type(vibetrace.keys.project, "daily_login")
        key = vibetrace.keys.api_key
        both = {"x-api-key": key, "authorization": key}
        theirs = {"user": ANN, "event": {"viewitem": {}}}
        lynes = {"eventId": "daily_login", "userId": "u-1"}

        assert vibetrace.send("POST", "/v1/event", theirs, both).body == EVENT_CREATED
        assert vibetrace.send("POST", "/v1/event/", lynes, both).body["success"] is True

    def test_of_events_without_keys_is_refused_in_the_words_of_the_body(
        self, vibetrace: VibetraceClient
    ) -> None:
        theirs = {"user": ANN, "event": {"viewitem": {}}}

        assert errors_of(vibetrace.send("POST", "/v1/event", theirs, {}))[0] == 401
        assert vibetrace.send("POST", "/v1/event", {"userId": "u"}, {}).body["success"] is False

    def test_of_users_is_settled_in_the_same_way(self, vibetrace: VibetraceClient) -> None:
        key = vibetrace.keys.api_key
        both = {"x-api-key": key, "authorization": key}

        assert vibetrace.send("POST", "/v1/user", {"_id": "u-1"}, both).body == USER_SAVED
        for headers in (both, {"x-api-key": key}):
            answer = vibetrace.send("POST", "/v1/user", {"userId": "u-1"}, headers)
            assert answer.body["success"] is True

    @pytest.mark.parametrize(
        ("force", "status", "title"),
        [(faults.raise_on, 500, "Server error"), (faults.be_away_on, 503, "Service unavailable")],
    )
    def test_is_settled_for_faults_of_ours_too(
        self, vibetrace: VibetraceClient, force: Any, status: int, title: str
    ) -> None:
        force("INSERT", "events_event")
        try:
            answer = vibetrace.event("viewitem", {})
        finally:
            faults.relent("events_event")

        assert errors_of(answer)[:2] == (status, title)

    def test_is_none_under_a_prefix(self, vibetrace: VibetraceClient) -> None:
        """A raw key means nothing to Lynes, nor a token to Vibetrace."""
        body = {"user": ANN, "event": {"viewitem": {}}}
        token = {"authorization": f"Bearer {vibetrace.keys.jwt}"}

        lynes = vibetrace.send("POST", "/lynes/v1/event", body)
        theirs = vibetrace.send("POST", "/vibetrace/v1/event", body, token)

        assert (lynes.status, lynes.body["success"]) == (401, False)
        assert errors_of(theirs)[:2] == (401, "Unauthorized")
