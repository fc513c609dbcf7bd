"""The views that take events in and list them, as a client sees them."""

import json
from typing import Any

import pytest
import time_machine
from django.test import Client

from events import limits
from events.models import ApiKey, Event, Project, Quarantine, QuarantineDay
from events.projects import NewProject
from events.types import Scope
from tests import make
from tests.calling import EVENTS, Caller, buy

pytestmark = pytest.mark.django_db

PROBLEM = "application/problem+json"


@pytest.fixture
def caller(shop_keys: NewProject, clock: time_machine.Traveller) -> Caller:
    make.event_type(shop_keys.project, "buy")
    return Caller(keys=shop_keys)


def lynes(**fields: Any) -> dict[str, Any]:
    return {"eventId": "buy", "userId": "u-1", **fields}


class TestThePathOfEvents:
    @pytest.mark.parametrize(
        "path",
        [
            "/event",
            "/event/",
            "/v0/event",
            "/v3/event/",
            "/lynes/event",
            "/lynes/v2/event",
            "/Event",
            "/LYNES/V1/EVENT/",
            "/event//",
            "/lynes///v1//event",
        ],
    )
    def test_of_lynes_comes_in_many_forms(self, caller: Caller, path: str) -> None:
        answer = caller.post(path, lynes())

        assert answer.status == 200
        assert answer.body["success"] is True

    @pytest.mark.parametrize(
        "path", ["/events", "/v4/event", "/event/x", "/api/v1/event", "/xevent"]
    )
    def test_of_lynes_is_no_other(self, caller: Caller, path: str) -> None:
        response = Client().post(
            path,
            lynes(),
            content_type="application/json",
            headers={"x-api-key": caller.keys.api_key},
        )

        assert response.status_code == 404

    @pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/events/"])
    def test_of_the_native_api_may_end_with_a_slash(self, caller: Caller, path: str) -> None:
        assert caller.post(path, buy()).status == 200


class TestAMethod:
    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
    @pytest.mark.parametrize(("path", "allowed"), [(EVENTS, "GET, POST"), ("/event", "POST")])
    def test_that_is_not_answered_says_so(
        self, caller: Caller, method: str, path: str, allowed: str
    ) -> None:
        response = Client().generic(method, path, headers={"x-api-key": caller.keys.api_key})

        assert response.status_code == 405
        assert response.headers["Allow"] == allowed
        assert b"method_not_allowed" in response.content

    def test_get_of_lynes_is_refused_in_its_envelope(self, caller: Caller) -> None:
        answer = caller.get("/event")

        assert (answer.status, answer.body["success"]) == (405, False)

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    @pytest.mark.parametrize("path", ["/v1/event", "/v1/user"])
    def test_at_a_path_of_two_vendors_is_refused_in_the_words_of_who_asks(
        self, caller: Caller, method: str, path: str
    ) -> None:
        def answer(**headers: str) -> tuple[int, str, object]:
            response = Client().generic(method, path, b"{}", headers=headers)
            return response.status_code, response.headers["Allow"], set(response.json())

        lynes, vibetrace = {"success", "error"}, {"errors"}
        assert answer(authorization=caller.keys.api_key) == (405, "POST", vibetrace)
        assert answer(authorization=f"Bearer {caller.keys.jwt}") == (405, "POST", lynes)
        assert answer(**{"x-api-key": caller.keys.api_key}) == (405, "POST", lynes)
        assert answer() == (405, "POST", lynes)


class TestTheMediaType:
    @pytest.mark.parametrize(
        "media_type",
        [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON",
            "application/vnd.shop+json",
            "text/json",
            "",
        ],
    )
    def test_is_json_in_all_its_forms(self, caller: Caller, media_type: str) -> None:
        assert caller.post(EVENTS, buy(), content_type=media_type).status == 200

    @pytest.mark.parametrize(
        "media_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "x" * 5_000,
        ],
    )
    @pytest.mark.parametrize("path", [EVENTS, "/event"])
    def test_is_refused_where_it_is_another(
        self, caller: Caller, path: str, media_type: str
    ) -> None:
        answer = caller.post(path, buy(), content_type=media_type)

        assert answer.status == 415
        assert not Event.objects.exists()


class TestTheBody:
    def test_is_refused_where_it_is_too_large(self, caller: Caller) -> None:
        answer = caller.post(EVENTS, b'"' + b"x" * limits.BODY_BYTES + b'"')

        assert (answer.status, answer.body["code"]) == (413, "body_too_large")
        kept = Quarantine.objects.get()
        assert (len(kept.payload), kept.is_cut) == (limits.QUARANTINE_PAYLOAD_BYTES, True)

    def test_is_taken_up_to_the_limit(self, caller: Caller) -> None:
        body = json.dumps(buy()).encode()
        filled = body + b" " * (limits.BODY_BYTES - len(body))

        assert caller.post(EVENTS, filled).status == 200

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "invalid_json"),
            (b"{", "invalid_json"),
            (b"\xff", "invalid_json"),
            (b"[]", "invalid_json"),
            (b'{"event":"buy","event":"view","customer":"c"}', "duplicate_key"),
            (b'{"events":[],"events":[]}', "duplicate_key"),
            (b'{"events":{}}', "invalid_field"),
            (b'{"event":"buy","customer":"c","metadata":{"a":NaN}}', "number_not_finite"),
            (b"[" * 100_000, "too_deep"),
        ],
    )
    def test_is_refused_where_it_can_not_be_read(
        self, caller: Caller, body: bytes, code: str
    ) -> None:
        answer = caller.post(EVENTS, body)

        assert (answer.status, answer.headers["Content-Type"]) == (400, PROBLEM)
        assert answer.body["code"] == code
        assert Quarantine.objects.get().code == code


class TestAuthentication:
    @pytest.mark.parametrize("path", [EVENTS, "/event"])
    @pytest.mark.parametrize("key", ["", "twa_00000000_wrong"])
    @pytest.mark.parametrize("body", [b"{", b"x" * 6_000_000], ids=["no JSON", "too large"])
    def test_is_judged_before_the_body(
        self, caller: Caller, path: str, key: str, body: bytes
    ) -> None:
        answer = caller.post(path, body, x_api_key=key, content_type="text/plain")

        assert answer.status == 401
        assert not Quarantine.objects.exists()

    def test_takes_a_secret_key_as_bearer(self, caller: Caller) -> None:
        bearer = f"Bearer {caller.keys.secret_key}"

        assert caller.post(EVENTS, buy(), x_api_key="", authorization=bearer).status == 200

    def test_needs_the_scope_of_what_is_asked(self, caller: Caller) -> None:
        ApiKey.objects.filter(kind="api_key").update(scopes=[str(Scope.READ)])
        assert caller.get(EVENTS).status == 200
        assert caller.post(EVENTS, buy()).status == 403
        assert caller.post("/event", lynes()).body["error"]["code"] == "forbidden"

    def test_of_reading_needs_its_scope_too(self, caller: Caller) -> None:
        ApiKey.objects.filter(kind="api_key").update(scopes=[str(Scope.INGEST)])

        assert caller.post(EVENTS, buy()).status == 200
        assert caller.get(EVENTS).status == 403
        assert caller.get("/api/v1/customers/c-1").status == 403

    def test_of_reading_takes_no_token(self, caller: Caller) -> None:
        bearer = f"Bearer {caller.keys.jwt}"

        assert caller.get(EVENTS, x_api_key="", authorization=bearer).status == 401


class TestQuarantine:
    def test_keeps_a_request_with_reason_key_and_client(self, caller: Caller) -> None:
        caller.post("/event", b'{"eventId": "buy"', user_agent="a client/1.0")

        kept = Quarantine.objects.get()

        assert kept.project == caller.keys.project
        assert kept.api_key == ApiKey.objects.get(prefix=caller.keys.api_key[:12])
        assert (kept.wire, kept.code, kept.payload) == (
            "lynes",
            "invalid_json",
            '{"eventId": "buy"',
        )
        assert kept.client == "127.0.0.1 a client/1.0"
        assert kept.message.startswith("The body is not JSON")
        assert (kept.received_at, kept.is_cut) == (make.NOW, False)

    def test_keeps_an_event_of_a_list_alone(self, caller: Caller) -> None:
        caller.send(buy(), buy("", event="x"), {"event": "buy", "customer": 7})

        rows = Quarantine.objects.order_by("payload")

        assert [(row.code, row.field) for row in rows] == [
            ("invalid_field", "customer"),
            ("invalid_field", "customer"),
        ]
        assert rows[0].payload == '{"event":"buy","customer":7}'

    def test_keeps_no_key_of_a_token(self, caller: Caller) -> None:
        bearer = f"Bearer {caller.keys.jwt}"

        caller.post("/event", b"{", x_api_key="", authorization=bearer)

        assert Quarantine.objects.get().api_key is None

    @pytest.mark.parametrize(
        ("body", "payload"),
        [
            (b"\x00", "\\u0000"),
            (b"\xff\xfe", "\ufffd\ufffd"),
            (b'"\\ud800"', '"\\ud800"'),
        ],
    )
    def test_keeps_what_is_no_text(self, caller: Caller, body: bytes, payload: str) -> None:
        caller.post(EVENTS, body, user_agent="\x00\xff")

        assert Quarantine.objects.get().payload == payload

    def test_keeps_an_event_whose_text_can_not_be_written(self, caller: Caller) -> None:
        caller.send({"event": "\ud800", "customer": "\x00", "\udfff": 1})

        assert "\\ud800" in Quarantine.objects.get().payload

    def test_cuts_a_payload(self, caller: Caller) -> None:
        caller.post(EVENTS, ("é" * limits.QUARANTINE_PAYLOAD_BYTES).encode())

        kept = Quarantine.objects.get()

        assert kept.is_cut
        assert len(kept.payload.encode()) == limits.QUARANTINE_PAYLOAD_BYTES

    def test_counts_what_comes_beyond_a_days_limit(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
    ) -> None:
        monkeypatch.setattr(limits, "QUARANTINE_ROWS_PER_DAY", 5)
        caller.post(EVENTS, b"{")
        caller.send(*[{}] * 3)
        caller.send(*[{}] * 3)
        caller.post(EVENTS, b"{")

        day = QuarantineDay.objects.get()
        assert (day.kept, day.beyond, str(day.date)) == (5, 3, "2026-03-02")
        assert Quarantine.objects.count() == 5

        clock.shift(86_400)
        caller.post(EVENTS, b"{")
        assert Quarantine.objects.count() == 6

    def test_of_one_project_leaves_anothers_room(
        self, caller: Caller, other_keys: NewProject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "QUARANTINE_ROWS_PER_DAY", 1)
        for one in (caller, caller, Caller(keys=other_keys)):
            one.post(EVENTS, b"{")

        assert set(Quarantine.objects.values_list("project__slug", flat=True)) == {"shop", "other"}


class TestTheListOfEvents:
    def test_tells_each_event_the_latest_first(self, caller: Caller, shop: Project) -> None:
        make.rule(shop, "ten", {"trigger": "buy", "award": {"fixed": 10}})
        first = caller.send_one(buy(amount=1.50, occurred_at="2026-03-01T13:00:00+01:00"))
        make.event_type(shop, "view")
        caller.keys.project.refresh_from_db()
        late = caller.send_one(buy("c-2", event="view", occurred_at="2020-01-01T00:00:00Z"))

        answer = caller.get(EVENTS)

        assert answer.body["next"] is None
        assert sorted(answer.body["results"], key=lambda event: event["event"]) == [
            {
                "id": first["id"],
                "event": "buy",
                "customer": "c-1",
                "occurred_at": "2026-03-01T12:00:00+00:00",
                "received_at": "2026-03-02T09:00:00+00:00",
                "wire": "native",
                "status": "accepted",
                "reason": "",
                "metadata": {"amount": 1.5},
                "points_awarded": 10,
            },
            {
                "id": late["id"],
                "event": "view",
                "customer": "c-2",
                "occurred_at": "2020-01-01T00:00:00+00:00",
                "received_at": "2026-03-02T09:00:00+00:00",
                "wire": "native",
                "status": "accepted",
                "reason": "too_late",
                "metadata": {},
                "points_awarded": 0,
            },
        ]

    @pytest.fixture
    def many(self, caller: Caller, clock: time_machine.Traveller) -> Caller:
        for number in range(7):
            clock.shift(1)
            event = "view" if number % 3 == 0 else "buy"
            day = f"2026-02-{10 + number}T12:00:00Z"
            caller.send_one(buy(f"c-{number % 2}", event=event, n=number, occurred_at=day))
        return caller

    @pytest.mark.parametrize(
        ("query", "numbers"),
        [
            ({}, [6, 5, 4, 3, 2, 1, 0]),
            ({"event": "view"}, [6, 3, 0]),
            ({"event": "unknown"}, []),
            ({"customer": "c-1"}, [5, 3, 1]),
            ({"customer": "c-1", "event": "view"}, [3]),
            ({"from": "2026-02-13T12:00:00Z"}, [6, 5, 4, 3]),
            ({"to": "2026-02-11T13:00:00+01:00"}, [1, 0]),
            ({"from": "2026-02-12", "to": "2026-02-14"}, [4, 3, 2]),
            ({"status": "accepted", "limit": "2"}, [6, 5]),
            ({"status": "discarded"}, []),
            ({"unknown": "x"}, [6, 5, 4, 3, 2, 1, 0]),
        ],
    )
    def test_is_filtered(self, many: Caller, query: dict[str, str], numbers: list[int]) -> None:
        results = many.get(EVENTS, query).body["results"]

        assert [result["metadata"]["n"] for result in results] == numbers

    def test_is_paged_by_a_cursor(self, many: Caller) -> None:
        pages = []
        query = {"limit": "3"}
        while True:
            body = many.get(EVENTS, query).body
            pages.append([result["metadata"]["n"] for result in body["results"]])
            if body["next"] is None:
                break
            query["cursor"] = body["next"]

        assert pages == [[6, 5, 4], [3, 2, 1], [0]]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"limit": "0"}, "limit"),
            ({"limit": "1001"}, "limit"),
            ({"limit": "-1"}, "limit"),
            ({"limit": "ten"}, "limit"),
            ({"limit": "1e1"}, "limit"),
            ({"limit": ""}, "limit"),
            ({"limit": "0000000001" + "9" * 20}, "limit"),
            ({"limit": "0000000001" + "9" * 5_000}, "limit"),
            ({"limit": "²"}, "limit"),
            ({"cursor": "x"}, "cursor"),
            ({"cursor": "\x00"}, "cursor"),
            ({"from": "yesterday"}, "from"),
            ({"from": "0001-01-01T00:00:00+14:00"}, "from"),
            ({"to": "9999-12-31T23:59:59-14:00"}, "to"),
            ({"to": "2026-02-30"}, "to"),
            ({"status": "duplicate"}, "status"),
            ({"event": "a\x00"}, "event"),
            ({"customer": "a\x00"}, "customer"),
        ],
    )
    def test_refuses_a_parameter_that_can_not_be(
        self, caller: Caller, query: dict[str, str], field: str
    ) -> None:
        answer = caller.get(EVENTS, query)

        assert (answer.status, answer.headers["Content-Type"]) == (400, PROBLEM)
        assert (answer.body["code"], answer.body["field"]) == ("invalid_field", field)
        assert answer.body["detail"].endswith(".")

    def test_shows_nothing_of_another_project(self, many: Caller, other_keys: NewProject) -> None:
        stranger = Caller(keys=other_keys)
        cursor = many.get(EVENTS, {"limit": "1"}).body["next"]

        for query in ({}, {"event": "buy"}, {"customer": "c-1"}, {"cursor": cursor}):
            assert stranger.get(EVENTS, query).body == {"results": [], "next": None}

    @pytest.mark.parametrize("limit", ["1", "1000", "٣"])
    def test_takes_up_to_a_thousand_a_page(self, many: Caller, limit: str) -> None:
        assert many.get(EVENTS, {"limit": limit}).status == 200

    def test_does_not_ask_more_for_more_events(
        self, many: Caller, django_assert_num_queries: Any
    ) -> None:
        many.get(EVENTS)
        with django_assert_num_queries(3):  # the project, the page, the personal fields
            many.get(EVENTS)

    def test_keeps_numbers_as_they_were_sent(self, caller: Caller) -> None:
        body = (
            b'{"event":"buy","customer":"c","metadata":{"a":1.10,"b":9007199254740993,"c":1e300}}'
        )
        assert caller.post(EVENTS, body).status == 200

        response = Client().get(EVENTS, headers={"x-api-key": caller.keys.api_key})

        assert b'"metadata":{"a":1.10,"b":9007199254740993,"c":1E+300}' in response.content
