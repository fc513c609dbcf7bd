"""The Referd wires, which are Gameball's of the API 2.0 and 3.0."""

from decimal import Decimal

import pytest

from events.limits import ATTRIBUTES_PER_CUSTOMER, STRING_BYTES
from events.metadata import read_json, write_json
from events.types import (
    Credential,
    Event,
    Identity,
    Json,
    JsonObject,
    Outcome,
    ProfileUpdate,
    Refusal,
    RefusalCode,
    Request,
)
from events.wires import referd
from tests.events.wire_cases import Example, WireCases, as_plain, examples, outcomes_of

pytestmark = pytest.mark.once

LONG = "x" * (STRING_BYTES + 1)


class TestReferdWire(WireCases):
    wire = referd.wire
    path = "/integrations/event"
    minimal = {"playerUniqueId": "u-77", "events": {"review": {}}}
    fields = ("playerUniqueId", "events", "mobile", "email", "playerAttributes")
    good_headers = {"apikey": "key"}

    def with_metadata(self, metadata: object) -> object:
        return {**self.minimal, "events": {"review": metadata}}

    def entries(self, body: object) -> list[Event]:
        request = self.parse(body)
        assert isinstance(request, Request), request
        return [entry for entry in request.entries if isinstance(entry, Event)]

    @pytest.mark.parametrize("example", examples("referd"))
    def test_reads_and_answers_the_documented_example(self, example: Example) -> None:
        sent = example["request"]
        request = self.wire.parse(sent["headers"], sent["path"], write_json(sent["body"]))
        assert isinstance(request, Request)
        assert [as_plain(entry) for entry in request.entries] == example["events"]
        reply = self.wire.render(request, outcomes_of(example))
        assert {"status": reply.status, "body": read_json(reply.body)} == example["response"]

    def test_is_not_named_by_what_looks_like_no_address(self) -> None:
        inner = {"email": "ann@x.test", "mobile": "+1", "mobileNumber": "+4930123456"}
        names = {"email": "n/a", "mobile": "none", "playerAttributes": inner}
        event = self.event({**self.minimal, **names})
        assert event.customer == Identity(
            external_id=event.customer.external_id, email="ann@x.test", phone="+4930123456"
        )
        assert event.extra == {"email": "n/a", "mobile": "none"}
        assert event.attributes == {"mobile": "+1"}

    @pytest.mark.parametrize(
        ("changes", "code", "field", "number"),
        [
            ({"playerUniqueId": None}, "null_field", "playerUniqueId", 5),
            ({"playerUniqueId": ""}, "invalid_field", "playerUniqueId", 7),
            ({"playerUniqueId": True}, "invalid_field", "playerUniqueId", 7),
            ({"playerUniqueId": Decimal("1.5")}, "invalid_field", "playerUniqueId", 7),
            ({"playerUniqueId": "u" * 101}, "customer_id_too_long", "playerUniqueId", 7),
            ({"events": None}, "null_field", "events", 5),
            ({"events": {}}, "invalid_field", "events", 7),
            ({"events": []}, "invalid_field", "events", 7),
            ({"events": [{"review": {}}]}, "invalid_field", "events", 7),
            ({"events": "review"}, "invalid_field", "events", 7),
            ({"events": {"": {}}}, "invalid_field", "events", 7),
            ({"events": {"e" * 101: {}}}, "name_too_long", "events", 7),
            ({"events": {"a": {}, "b": 1}}, "invalid_field", "events.b", 7),
            ({"events": {"a": {"": 1}}}, "invalid_field", "events.a", 7),
            ({"events": {"a": {"k": LONG}}}, "string_too_long", "events.a.k", 7),
            ({"events": {"a\x00": {}}}, "invalid_text", "events", 7),
            ({"email": 7}, "invalid_field", "email", 7),
            ({"email": "a" * 321}, "email_too_long", "email", 7),
            ({"mobile": ["1"]}, "invalid_field", "mobile", 7),
            ({"playerAttributes": "x"}, "invalid_field", "playerAttributes", 7),
            ({"playerAttributes": [1]}, "invalid_field", "playerAttributes", 7),
            ({"playerAttributes": {"custom": 1}}, "invalid_field", "playerAttributes.custom", 7),
            ({"playerAttributes": {"email": 1}}, "invalid_field", "playerAttributes.email", 7),
            ({"playerAttributes": {"": 1}}, "invalid_field", "playerAttributes", 7),
        ],
    )
    def test_refuses_what_it_cannot_take(
        self, changes: JsonObject, code: str, field: str, number: int
    ) -> None:
        refusal = self.refusal({**self.minimal, **changes})
        reply = self.wire.render_error(refusal)
        assert (refusal.code, refusal.field) == (code, field)
        assert reply.status == 400
        answer = read_json(reply.body)
        assert isinstance(answer, dict)
        assert answer["code"] == number
        assert field in answer["message"]

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("playerUniqueId", "The PlayerUniqueId field is required."),
            ("events", "The Events field is required."),
        ],
    )
    def test_says_in_the_vendors_words_what_is_missing(self, name: str, message: str) -> None:
        body = {key: value for key, value in self.minimal.items() if key != name}
        reply = self.wire.render_error(self.refusal(body))
        assert (reply.status, read_json(reply.body)) == (400, {"code": 4, "message": message})

    @pytest.mark.parametrize("body", ["[]", '"text"', "null", "7"])
    def test_refuses_a_body_that_is_no_object(self, body: str) -> None:
        assert self.refusal(body.encode()).code is RefusalCode.INVALID_JSON

    @pytest.mark.parametrize(
        "body",
        [
            b'{"playerUniqueId":"u","events":{"a":{},"a":{}}}',
            b'{"playerUniqueId":"u","events":{"a":{"k":1,"k":1}}}',
            b'{"playerUniqueId":"u","events":{"a":{"k":{"in":1,"in":1}}}}',
            b'{"playerUniqueId":"u","playerUniqueId":"u","events":{"a":{}}}',
        ],
        ids=["event", "key", "inner key", "field"],
    )
    def test_refuses_a_name_given_twice(self, body: bytes) -> None:
        refusal = self.refusal(body)
        assert refusal.code is RefusalCode.DUPLICATE_KEY
        assert read_json(self.wire.render_error(refusal).body)["code"] == 7  # type: ignore[index,call-overload]

    def test_takes_any_number_of_events_up_to_a_thousand(self) -> None:
        names = [f"event {number}" for number in range(1_000)]
        found = self.entries({**self.minimal, "events": dict.fromkeys(names)})
        assert [event.name for event in found] == names

    def test_refuses_more_than_a_thousand(self) -> None:
        names = [f"event {number}" for number in range(1_001)]
        refusal = self.refusal({**self.minimal, "events": dict.fromkeys(names)})
        assert refusal.code is RefusalCode.TOO_MANY_EVENTS
        assert self.wire.render_error(refusal).status == 413

    @pytest.mark.parametrize("none", [None, [], {}], ids=["null", "empty list", "empty object"])
    def test_takes_an_event_without_metadata(self, none: Json) -> None:
        found = self.entries({"playerUniqueId": "u", "events": {"a": none, "b": {"k": 1}}})
        assert [event.metadata for event in found] == [{}, {"k": 1}]

    def test_keeps_numbers_as_text_as_they_are(self) -> None:
        assert self.event(self.with_metadata({"n": "100"})).metadata == {"n": "100"}

    @pytest.mark.parametrize("player_id", [42, 12345678901234567890])
    def test_reads_a_player_id_sent_as_a_number(self, player_id: int) -> None:
        event = self.event({**self.minimal, "playerUniqueId": player_id})
        assert event.customer.external_id == str(player_id)

    @pytest.mark.parametrize("none", [None, ""])
    def test_takes_no_name_for_none(self, none: object) -> None:
        event = self.event({**self.minimal, "mobile": none, "email": none})
        assert (event.customer.email, event.customer.phone) == ("", "")

    def test_takes_email_and_mobile_as_names(self) -> None:
        event = self.event({**self.minimal, "mobile": "0049 171 1", "email": " Ann@X.test "})
        assert event.customer.email == "ann@x.test"
        assert event.customer.phone.endswith("491711")

    def test_puts_attributes_on_the_player_once(self) -> None:
        told = {"city": "Ulm", "tags": ["vip"], "gender": None, "custom": {"size": 42, "city": "X"}}
        first, second = self.entries(
            {"playerUniqueId": "u", "playerAttributes": told, "events": {"a": {}, "b": {}}}
        )
        assert first.attributes == {"city": "Ulm", "tags": ["vip"], "size": 42}
        assert second.attributes is None

    @pytest.mark.parametrize("none", [None, [], {}, {"custom": []}, {"city": None}])
    def test_has_no_attributes_where_none_are_given(self, none: object) -> None:
        assert self.event({**self.minimal, "playerAttributes": none}).attributes is None

    def test_refuses_too_many_attributes(self) -> None:
        many = {f"a{number}": 1 for number in range(ATTRIBUTES_PER_CUSTOMER + 1)}
        refusal = self.refusal({**self.minimal, "playerAttributes": many})
        assert (refusal.code, refusal.field) == ("too_many_fields", "playerAttributes")

    def test_keeps_of_each_event_a_request_of_its_own(self) -> None:
        body = {
            "playerUniqueId": "u", "channel": "web", "playerAttributes": {"city": "Ulm"},
            "events": {"a": {"k": 1}, "b": None},
        }  # fmt: skip
        first, second = self.entries(body)
        assert first.source == {**body, "events": {"a": {"k": 1}}}
        assert second.source == {"playerUniqueId": "u", "events": {"b": None}}
        assert (first.extra, second.extra) == ({"channel": "web"}, None)
        assert self.event(second.source).name == "b"

    def test_has_no_idempotency_key(self) -> None:
        assert self.event({**self.minimal, "id": "k-1"}).key == ""

    def test_asks_for_an_api_key(self) -> None:
        proofs = self.wire.credentials({"apikey": " k "})
        assert proofs == (Credential(kind="api_key", value="k"),)

    def test_takes_a_secret_key_along_which_may_fail(self) -> None:
        proofs = self.wire.credentials({"apikey": "k", "secretkey": "s"})
        assert proofs == (
            Credential(kind="api_key", value="k"),
            Credential(kind="secret_key", value="s", may_fail=True),
        )

    @pytest.mark.parametrize("headers", [{"secretkey": "s"}, {"apikey": " "}, {"x-api-key": "k"}])
    def test_refuses_a_request_without_its_api_key(self, headers: dict[str, str]) -> None:
        refusal = self.wire.credentials(headers)
        assert isinstance(refusal, Refusal)
        assert self.wire.render_error(refusal).status == 403

    def test_creates_event_types_and_refuses_requests_whole(self) -> None:
        assert self.wire.creates_event_types
        assert self.wire.is_atomic


class TestReferdPlayerWire:
    @pytest.mark.parametrize("example", examples("referd_player"))
    def test_reads_and_answers_the_documented_example(self, example: Example) -> None:
        sent = example["request"]
        request = parsed(sent["body"])
        assert isinstance(request, Request)
        assert [as_plain(entry) for entry in request.entries] == example["events"]
        reply = referd.player_wire.render(request, outcomes_of(example))
        assert {"status": reply.status, "body": read_json(reply.body)} == example["response"]

    def test_needs_only_an_id(self) -> None:
        assert profile({"playerUniqueId": 7}) == {}

    def test_takes_null_for_not_given(self) -> None:
        assert profile({"playerUniqueId": "u", "playerAttributes": {"city": None}}) == {}

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "missing_field"),
            ({"playerUniqueId": None}, "null_field"),
            ({"playerUniqueId": ""}, "invalid_field"),
            ({"playerUniqueId": "u", "playerAttributes": 1}, "invalid_field"),
            ({"playerUniqueId": "u", "referrerCode": "a\x00"}, "invalid_text"),
            ([], "invalid_json"),
        ],
    )
    def test_refuses_what_it_cannot_take(self, body: object, code: str) -> None:
        refusal = parsed(body)
        assert isinstance(refusal, Refusal)
        assert refusal.code == code
        assert referd.player_wire.render_error(refusal).status == 400

    def test_refuses_a_key_given_twice(self) -> None:
        body = b'{"playerUniqueId":"u","playerAttributes":{"a":1,"a":2}}'
        refusal = referd.player_wire.parse({}, "/integrations/player", body)
        assert isinstance(refusal, Refusal)
        assert refusal.code is RefusalCode.DUPLICATE_KEY

    def test_answers_with_the_number_of_the_customer(self) -> None:
        request = parsed({"playerUniqueId": "u"})
        assert isinstance(request, Request)
        reply = referd.player_wire.render(request, [Outcome(status="accepted", customer_id=12)])
        assert (reply.status, reply.body) == (200, b'{"gameballId":12}')


def parsed(body: object) -> Request | Refusal:
    return referd.player_wire.parse({}, "/integrations/player", write_json(body))


def profile(body: object) -> JsonObject:
    request = parsed(body)
    assert isinstance(request, Request), request
    [entry] = request.entries
    assert isinstance(entry, ProfileUpdate)
    return entry.attributes


class TestReferdError:
    @pytest.mark.parametrize(
        ("code", "status", "number"),
        [
            ("invalid_json", 400, 7),
            ("missing_field", 400, 4),
            ("null_field", 400, 5),
            ("invalid_field", 400, 7),
            ("unknown_event_type", 400, 7),
            ("inactive_event_type", 400, 16),
            ("inactive_customer", 400, 16),
            ("invalid_credentials", 401, 0),
            ("missing_credentials", 403, 0),
            ("missing_secret_key", 403, 0),
            ("forbidden", 403, 0),
            ("not_found", 404, 0),
            ("customer_not_found", 404, 101),
            ("method_not_allowed", 405, 0),
            ("body_too_large", 413, 0),
            ("unsupported_media_type", 415, 0),
            ("rate_limited", 429, 0),
            ("internal_error", 500, 0),
            ("too_busy", 503, 0),
        ],
    )
    def test_has_the_documented_status_and_number(
        self, code: str, status: int, number: int
    ) -> None:
        reply = referd.render_error(Refusal(code=RefusalCode(code), message="Why."))
        assert reply.status == status
        assert read_json(reply.body) == {"code": number, "message": "Why."}

    def test_has_a_status_for_every_code(self) -> None:
        assert set(referd.STATUS_OF) == set(RefusalCode)
