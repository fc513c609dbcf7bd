"""The Gameball wires."""

import json
from decimal import Decimal
from typing import Any

import pytest

from events.metadata import read_json, write_json
from events.types import (
    Credential,
    Event,
    Identity,
    ProfileUpdate,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Request,
    Wire,
)
from events.wires import gameball
from tests.events.wire_cases import Example, WireCases, as_plain, examples, outcomes_of

pytestmark = pytest.mark.once

BOTH = {"apikey": "key", "secretkey": "secret"}


def assert_reads_and_answers(wire: Wire, example: Example) -> None:
    sent = example["request"]
    assert not isinstance(wire.credentials(sent["headers"]), Refusal)
    request = wire.parse(sent["headers"], sent["path"], write_json(sent["body"]))
    assert isinstance(request, Request), request
    assert [as_plain(entry) for entry in request.entries] == example["events"]
    reply = wire.render(request, outcomes_of(example))
    assert {"status": reply.status, "body": read_json(reply.body)} == example["response"]


class TestGameballWire(WireCases):
    wire = gameball.wire
    path = "/api/v4/integrations/events"
    minimal = {"customerId": "c-9", "events": {"write_review": {}}}
    fields = ("customerId", "email", "mobile", "events")
    good_headers = BOTH

    def with_metadata(self, metadata: object) -> object:
        return {**self.minimal, "events": {"write_review": metadata}}

    @pytest.mark.parametrize("example", examples("gameball"))
    def test_reads_and_answers_the_documented_example(self, example: Example) -> None:
        assert_reads_and_answers(gameball.open_wire, example)

    @pytest.mark.parametrize(
        ("changes", "code", "field", "status", "number"),
        [
            ({"customerId": None}, "null_field", "customerId", 422, 3001),
            ({"customerId": ""}, "invalid_field", "customerId", 422, 3003),
            ({"customerId": True}, "invalid_field", "customerId", 422, 3003),
            ({"customerId": ["c"]}, "invalid_field", "customerId", 422, 3003),
            ({"customerId": "c" * 101}, "customer_id_too_long", "customerId", 422, 3003),
            ({"email": 7}, "invalid_field", "email", 422, 3003),
            ({"email": "e" * 255}, "email_too_long", "email", 422, 3003),
            ({"mobile": "1" * 33}, "phone_too_long", "mobile", 422, 3003),
            ({"events": None}, "null_field", "events", 422, 3001),
            ({"events": {}}, "invalid_field", "events", 422, 3003),
            ({"events": []}, "invalid_field", "events", 422, 3003),
            ({"events": ["write_review"]}, "invalid_field", "events", 422, 3003),
            ({"events": "write_review"}, "invalid_field", "events", 422, 3003),
            ({"events": {"": {}}}, "invalid_field", "events", 422, 3003),
            ({"events": {"e" * 101: {}}}, "name_too_long", "events", 422, 3003),
            ({"events": {"a": {"": 1}}}, "invalid_field", "events.a", 422, 3003),
            ({"events": {"a": {"k" * 101: 1}}}, "metadata_key_too_long", "events.a", 422, 3003),
            ({"events": {"a": {str(n): n for n in range(65)}}}, "too_many_fields", "events.a",
             422, 3003),
            ({"events": dict.fromkeys(map(str, range(1_001)))}, "too_many_events", "events",
             413, 3011),
        ],
    )  # fmt: skip
    def test_refuses_what_it_cannot_take(
        self, changes: dict[str, object], code: str, field: str, status: int, number: int
    ) -> None:
        refusal = self.refusal({**self.minimal, **changes})
        reply = self.wire.render_error(refusal)
        assert (refusal.code, refusal.field) == (code, field)
        assert (reply.status, error_of(refusal)["code"]) == (status, number)

    @pytest.mark.parametrize("name", ["customerId", "events"])
    def test_refuses_a_request_without_its_required_fields(self, name: str) -> None:
        body = {key: value for key, value in self.minimal.items() if key != name}
        refusal = self.refusal(body)
        assert (refusal.code, refusal.field) == (RefusalCode.MISSING_FIELD, name)
        assert self.wire.render_error(refusal).status == 400
        assert error_of(refusal)["code"] == 3000

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ('{"customerId":"c","events":{"a":{},"a":{}}}', "a"),
            ('{"customerId":"c","events":{"a":{"x":1,"x":2}}}', "x"),
            ('{"customerId":"c","customerId":"d","events":{"a":{}}}', "customerId"),
        ],
    )
    def test_refuses_a_name_that_is_given_twice(self, body: str, field: str) -> None:
        refusal = self.refusal(body.encode())
        assert refusal.code is RefusalCode.DUPLICATE_KEY
        assert refusal.field.endswith(field)
        assert self.wire.render_error(refusal).status == 422

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff"])
    def test_refuses_what_is_no_object(self, body: bytes) -> None:
        refusal = self.refusal(body)
        assert refusal.code is RefusalCode.INVALID_JSON
        assert self.wire.render_error(refusal).status == 400
        assert error_of(refusal)["code"] == 3016

    def test_takes_every_kind_of_metadata(self) -> None:
        metadata = {
            "text": "x",
            "number": Decimal("2.5"),
            "numeric text": "100",
            "flag": True,
            "nothing": None,
            "array": ["x", 1, False, None, {"a": [1]}],
            "nested": {"a": {"b": 1}},
        }
        assert self.event(self.with_metadata(metadata)).metadata == metadata

    @pytest.mark.parametrize(
        ("sent", "read"),
        [
            ({"email": " Ann@Example.com "}, ("ann@example.com", "")),
            ({"email": "", "mobile": ""}, ("", "")),
            ({"email": None, "mobile": None}, ("", "")),
            ({"mobile": "0020 (123) 456-7890"}, ("", "+201234567890")),
            ({"mobile": 201234567890}, ("", "201234567890")),
        ],
    )
    def test_reads_the_names_of_the_customer(
        self, sent: dict[str, object], read: tuple[str, str]
    ) -> None:
        customer = self.event({**self.minimal, **sent}).customer
        assert (customer.external_id, customer.email, customer.phone) == ("c-9", *read)

    def test_takes_a_number_for_the_customers_id(self) -> None:
        assert self.event({**self.minimal, "customerId": 42}).customer.external_id == "42"

    def test_keeps_the_order_of_events_and_what_is_said_once_with_the_first(self) -> None:
        body = {"customerId": "c", "channel": "web", "events": {"b": {"n": 1}, "a": {}}}
        request = self.parse(body)
        assert isinstance(request, Request)
        first, second = request.entries
        assert isinstance(first, Event)
        assert isinstance(second, Event)
        assert (first.name, first.extra, first.source) == (
            "b",
            {"channel": "web"},
            {"customerId": "c", "channel": "web", "events": {"b": {"n": 1}}},
        )
        assert (second.name, second.extra, second.source) == (
            "a",
            None,
            {"customerId": "c", "events": {"a": {}}},
        )

    def test_answers_with_the_vendors_sentence(self) -> None:
        reply = self.answer(self.parse(self.minimal))
        assert read_json(reply.body) == {"success": True, "message": "Events processed"}


class TestOpenGameballWire(TestGameballWire):
    """Version 4.0, which shares all but the keys."""

    wire = gameball.open_wire
    path = "/api/v4.0/integrations/events"
    good_headers = {"apikey": "key"}


class TestCredentials:
    API_KEY = Credential(kind="api_key", value="key")
    SECRET = Credential(kind="secret_key", value="secret")

    def test_of_4_and_4_1_are_both_keys(self) -> None:
        assert gameball.wire.credentials(BOTH) == (self.API_KEY, self.SECRET)

    def test_of_4_0_are_what_comes_along(self) -> None:
        assert gameball.open_wire.credentials({"apikey": "key"}) == (self.API_KEY,)
        assert gameball.open_wire.credentials(BOTH) == (self.API_KEY, self.SECRET)

    @pytest.mark.parametrize(
        ("headers", "code", "words"),
        [
            ({}, "missing_credentials", "apikey"),
            ({"apikey": " "}, "missing_credentials", "apikey"),
            ({"secretkey": "secret"}, "missing_credentials", "apikey"),
            ({"apikey": "key"}, "missing_secret_key", "secretkey"),
            ({"apikey": "key", "secretkey": " "}, "missing_secret_key", "secretkey"),
            ({"apikey": "key", "x-gb-token": "jwe"}, "missing_secret_key", "X-GB-TOKEN"),
        ],
    )
    def test_of_4_1_are_missed_by_name(
        self, headers: dict[str, str], code: str, words: str
    ) -> None:
        refusal = gameball.wire.credentials(headers)
        assert isinstance(refusal, Refusal)
        assert refusal.code == code
        assert words in refusal.message

    def test_take_a_session_token_along_with_both_keys(self) -> None:
        found = gameball.wire.credentials({**BOTH, "x-gb-token": "jwe"})
        assert found == (self.API_KEY, self.SECRET)


def error_of(refusal: Refusal) -> Any:
    return json.loads(gameball.wire.render_error(refusal).body)


class TestErrorObject:
    def test_has_every_field_of_the_vendors(self) -> None:
        error = error_of(
            Refusal(code=RefusalCode.INVALID_FIELD, message="This is why.", field="events.a")
        )
        request_id = error.pop("requestId")
        assert len(request_id) == 32
        assert error == {
            "code": 3003,
            "type": "PAYLOAD_ERROR",
            "message": "events.a: This is why.",
            "documentationUrl": "/api/docs/",
        }

    def test_has_an_id_of_its_own_each_time(self) -> None:
        refusal = Refusal(code=RefusalCode.INVALID_JSON, message="This is why.")
        assert len({error_of(refusal)["requestId"] for _ in range(100)}) == 100

    @pytest.mark.parametrize(
        ("code", "status", "number", "kind"),
        [
            ("missing_credentials", 401, 1000, "AUTHENTICATION_ERROR"),
            ("invalid_credentials", 401, 1000, "AUTHENTICATION_ERROR"),
            ("missing_secret_key", 401, 1001, "AUTHENTICATION_ERROR"),
            ("invalid_secret_key", 401, 1001, "AUTHENTICATION_ERROR"),
            ("forbidden", 403, 1002, "AUTHENTICATION_ERROR"),
            ("rate_limited", 429, 2002, "REQUEST_ERROR"),
            ("invalid_json", 400, 3016, "PAYLOAD_ERROR"),
            ("missing_field", 400, 3000, "PAYLOAD_ERROR"),
            ("null_field", 422, 3001, "PAYLOAD_ERROR"),
            ("unknown_event_type", 422, 3003, "PAYLOAD_ERROR"),
            ("inactive_customer", 422, 3009, "PAYLOAD_ERROR"),
            ("inactive_event_type", 422, 3009, "PAYLOAD_ERROR"),
            ("unsupported_media_type", 415, 3013, "PAYLOAD_ERROR"),
            ("body_too_large", 413, 3011, "PAYLOAD_ERROR"),
            ("not_found", 404, 4004, "GENERAL_ERROR"),
            ("method_not_allowed", 405, 4000, "GENERAL_ERROR"),
            ("internal_error", 500, 5000, "SERVER_ERROR"),
            ("too_busy", 503, 5003, "SERVER_ERROR"),
            ("customer_not_found", 404, 7000, "CUSTOMER_ERROR"),
        ],
    )
    def test_has_the_vendors_number_status_and_type(
        self, code: str, status: int, number: int, kind: str
    ) -> None:
        refusal = Refusal(code=RefusalCode(code), message="This is why.")
        error = error_of(refusal)
        assert gameball.wire.render_error(refusal).status == gameball.STATUS_OF[refusal.code]
        assert gameball.STATUS_OF[refusal.code] == status
        assert (error["code"], error["type"]) == (number, kind)


class TestCustomers:
    def parse(self, body: object) -> Request | Refusal:
        return gameball.customer_wire.parse({}, "", json.dumps(body).encode())

    @pytest.mark.parametrize("example", examples("gameball_customer"))
    def test_are_read_and_answered_as_documented(self, example: Example) -> None:
        assert_reads_and_answers(gameball.open_customer_wire, example)

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "missing_field"),
            ({"customerId": None}, "null_field"),
            ({"customerId": "c", "customerAttributes": "x"}, "invalid_field"),
            ({"customerId": "c", "customerAttributes": {"custom": [1]}}, "invalid_field"),
            ({"customerId": "c", "customerAttributes": {"email": 7}}, "invalid_field"),
            ({"customerId": "c", "customerAttributes": {"a": "\x00"}}, "invalid_text"),
            ({"customerId": "c", "deviceToken": "\x00"}, "invalid_text"),
            (
                {"customerId": "c", "customerAttributes": {str(n): n for n in range(201)}},
                "too_many_fields",
            ),
        ],
    )
    def test_are_refused_where_they_cannot_be_kept(self, body: object, code: str) -> None:
        refusal = self.parse(body)
        assert isinstance(refusal, Refusal)
        assert refusal.code == code

    @pytest.mark.parametrize("none", [None, [], {}, {"custom": None}, {"displayName": None}])
    def test_may_say_nothing_of_themselves(self, none: object) -> None:
        request = self.parse({"customerId": "c", "customerAttributes": none})
        assert isinstance(request, Request)
        [update] = request.entries
        assert isinstance(update, ProfileUpdate)
        assert update.attributes == {}

    def test_are_named_at_the_top_before_their_attributes(self) -> None:
        request = self.parse(
            {
                "customerId": "c",
                "email": "top@x.test",
                "customerAttributes": {"email": "inner@x.test", "mobile": "+4930123456"},
            }
        )
        assert isinstance(request, Request)
        [update] = request.entries
        assert isinstance(update, ProfileUpdate)
        assert (update.customer.email, update.customer.phone) == ("top@x.test", "+4930123456")

    def test_are_not_named_by_what_looks_like_no_address(self) -> None:
        request = self.parse(
            {
                "customerId": "c",
                "email": "n/a",
                "mobile": 0,
                "customerAttributes": {"email": "inner@x.test", "mobile": "+1", "city": "Ulm"},
            }
        )
        assert isinstance(request, Request)
        [update] = request.entries
        assert isinstance(update, ProfileUpdate)
        assert update.customer == Identity(external_id="c", email="inner@x.test")
        assert update.attributes == {"email": "n/a", "mobile": "+1", "city": "Ulm"}

    def test_are_not_named_by_it_in_events(self) -> None:
        body = {"customerId": "c", "email": "-", "mobile": "call me", "events": {"a": {}}}
        request = gameball.wire.parse({}, "", json.dumps(body).encode())
        assert isinstance(request, Request)
        [event] = request.entries
        assert isinstance(event, Event)
        assert event.customer == Identity(external_id="c")
        assert event.extra == {"email": "-", "mobile": "call me"}


class TestBatches:
    ELEMENT = {"customerId": "c", "events": {"a": {}, "b": {"n": 1}}}

    def parse(self, body: bytes | object) -> Request | Refusal:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return gameball.batch_wire.parse({}, "", sent)

    def test_hold_the_events_of_their_elements(self) -> None:
        request = self.parse({"body": [self.ELEMENT, {"customerId": 1}, self.ELEMENT, "x"]})
        assert isinstance(request, Request)
        assert request.lines == (0, 0, 1, 2, 2, 3)
        assert [isinstance(entry, RefusedEvent) for entry in request.entries] == [
            False,
            False,
            True,
            False,
            False,
            True,
        ]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"[]", "invalid_json"),
            ({}, "missing_field"),
            ({"body": None}, "null_field"),
            ({"body": []}, "invalid_field"),
            ({"body": {"customerId": "c"}}, "invalid_field"),
            ({"body": [1] * 1_001}, "too_many_events"),
            (b'{"body": [{}], "body": []}', "duplicate_key"),
        ],
    )
    def test_are_refused_where_their_elements_cannot_be_told(
        self, body: bytes | object, code: str
    ) -> None:
        refusal = self.parse(body)
        assert isinstance(refusal, Refusal)
        assert refusal.code == code

    def test_lose_no_neighbour_to_a_key_that_an_element_repeats(self) -> None:
        request = self.parse(
            b'{"body": [{"customerId":"c","events":{"a":{},"a":{}}},'
            b'{"customerId":"c","events":{"a":{}}}]}'
        )
        assert isinstance(request, Request)
        assert [isinstance(entry, RefusedEvent) for entry in request.entries] == [True, False]

    def test_have_a_number_that_javascript_reads_exactly(self) -> None:
        receipts = ["019d4f80-2c00-7000-bfff-ffffffffffff", "019d4f80-2c00-7000-8000-000000000001"]
        assert [gameball.job_number(receipt) for receipt in receipts] == [2**53 - 1, 1]

    @pytest.mark.parametrize(
        ("processed", "failed", "is_finished", "status", "progress"),
        [
            (0, 0, False, "pending", 0),
            (1, 0, False, "processing", 33),
            (3, 2, True, "completed", 100),
            (3, 3, True, "failed", 100),
        ],
    )
    def test_tell_how_far_they_are(
        self, processed: int, failed: int, is_finished: bool, status: str, progress: int
    ) -> None:
        job = gameball.Job(
            number=5,
            elements=3,
            processed=processed,
            failed=failed,
            is_finished=is_finished,
            errors=[(1, "This is why.")],
        )
        assert json.loads(gameball.render_job(job).body) == {
            "batchId": "5",
            "status": status,
            "progress": progress,
            "totalItems": 3,
            "processedItems": processed,
            "failedItems": failed,
            "results": [],
            "errors": [{"index": 1, "message": "This is why."}],
        }
