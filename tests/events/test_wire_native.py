"""The native wire."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from events import limits
from events.metadata import read_json, write_json
from events.types import (
    Event,
    Identity,
    Json,
    Outcome,
    ProfileUpdate,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Reply,
    Request,
)
from events.wires import native
from tests.events.wire_cases import Example, WireCases, as_plain, examples, outcomes_of

pytestmark = pytest.mark.once

RECEIPT = "0198f4d2-0000-7000-8000-000000000001"


def without_receipt(reply: Reply) -> dict[str, Json]:
    """Return an answer without its receipt, which must be the request's."""
    answer = read_json(reply.body)
    assert isinstance(answer, dict)
    assert answer.pop("receipt") == RECEIPT
    return answer


class TestNativeWire(WireCases):
    wire = native.wire
    path = "/api/v1/events"
    minimal = {"event": "buy", "customer": "c-1"}
    fields = ("event", "events", "customer", "identities", "id", "occurred_at", "metadata")
    good_headers = {"x-api-key": "key"}

    @pytest.mark.parametrize("example", examples("native"))
    def test_reads_and_answers_the_documented_example(self, example: Example) -> None:
        sent = example["request"]
        request = self.wire.parse(sent["headers"], sent["path"], write_json(sent["body"]))
        assert isinstance(request, Request)
        assert [as_plain(entry) for entry in request.entries] == example["events"]
        reply = self.wire.render(replace(request, receipt=RECEIPT), outcomes_of(example))
        answer = {"status": reply.status, "body": without_receipt(reply)}
        assert answer == example["response"]

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"event": None}, "null_field", "event"),
            ({"event": ""}, "invalid_field", "event"),
            ({"event": 7}, "invalid_field", "event"),
            ({"event": "a\x00b"}, "invalid_text", "event"),
            ({"event": "e" * 101}, "name_too_long", "event"),
            ({"customer": None}, "null_field", "customer"),
            ({"customer": ""}, "invalid_field", "customer"),
            ({"customer": 7}, "invalid_field", "customer"),
            ({"customer": "c" * 201}, "customer_id_too_long", "customer"),
            ({"identities": "ada"}, "invalid_field", "identities"),
            ({"identities": {"email": 1}}, "invalid_field", "identities.email"),
            ({"identities": {"email": "e" * 255}}, "email_too_long", "identities.email"),
            ({"identities": {"phone": "1" * 33}}, "phone_too_long", "identities.phone"),
            ({"id": ""}, "invalid_field", "id"),
            ({"id": True}, "invalid_field", "id"),
            ({"id": Decimal("1e3")}, "invalid_field", "id"),
            ({"id": "k" * 201}, "event_key_too_long", "id"),
            ({"metadata": {str(n): n for n in range(65)}}, "too_many_fields", "metadata"),
            ({"metadata": {"k" * 101: 1}}, "metadata_key_too_long", "metadata"),
            ({"metadata": {"a": "é" * 4097}}, "string_too_long", "metadata.a"),
            ({"metadata": {"a": [0] * 2001}}, "array_too_long", "metadata.a"),
        ],
    )
    def test_refuses_what_it_cannot_take(
        self, changes: dict[str, object], code: str, field: str
    ) -> None:
        refusal = self.refusal({**self.minimal, **changes})
        assert (refusal.code, refusal.field) == (code, field)

    def test_refuses_an_event_without_a_name(self) -> None:
        assert self.refusal({"customer": "c-1"}).code is RefusalCode.MISSING_FIELD

    @pytest.mark.parametrize("identities", [None, {}, [], {"email": None, "phone": ""}])
    def test_refuses_an_event_of_nobody(self, identities: object) -> None:
        refusal = self.refusal({"event": "buy", "identities": identities})
        assert (refusal.code, refusal.field) == (RefusalCode.MISSING_FIELD, "customer")

    @pytest.mark.parametrize("customer", [{}, {"customer": "c-1"}])
    @pytest.mark.parametrize(
        ("identities", "field", "says"),
        [
            ({"email": "n/a"}, "identities.email", "an email address, as in ann@example.com"),
            ({"email": "none@none"}, "identities.email", "an email address"),
            ({"email": "a@x.test", "phone": "+000000"}, "identities.phone", "5 to 15 digits"),
            ({"phone": "1" * limits.PHONE_CHARACTERS}, "identities.phone", "5 to 15 digits"),
            ({"phone": " "}, "identities.phone", "5 to 15 digits"),
        ],
    )
    def test_refuses_names_that_look_like_no_address(
        self, identities: dict[str, str], field: str, says: str, customer: dict[str, str]
    ) -> None:
        refusal = self.refusal({"event": "buy", **customer, "identities": identities})
        assert (refusal.code, refusal.field) == (RefusalCode.INVALID_FIELD, field)
        assert says in refusal.message

    def test_takes_names_at_their_limits(self) -> None:
        event = self.event(
            {
                "event": "é" * limits.NAME_CHARACTERS,
                "customer": "c" * limits.CUSTOMER_ID_CHARACTERS,
                "id": "k" * limits.EVENT_KEY_CHARACTERS,
                "identities": {
                    "email": "ann@example.com".rjust(limits.EMAIL_CHARACTERS, "e"),
                    "phone": "+4930123456".ljust(limits.PHONE_CHARACTERS),
                },
                "metadata": {f"{n:0100}": "s" * 8192 for n in range(64)},
            }
        )
        assert (len(event.name), len(event.key), len(event.metadata)) == (100, 200, 64)

    def test_takes_null_for_absent(self) -> None:
        nulls = dict.fromkeys(["identities", "id", "occurred_at", "metadata"])
        body = {**self.minimal, **nulls}
        assert self.event(body) == Event(
            name="buy", customer=Identity(external_id="c-1"), metadata={}, source=body
        )

    @pytest.mark.parametrize("key", [17, 12345678901234567890])
    def test_takes_an_integer_for_the_text_of_a_key(self, key: int) -> None:
        assert self.event({**self.minimal, "id": key}).key == str(key)

    def test_keeps_unknown_identities_aside(self) -> None:
        body = {**self.minimal, "channel": "web", "identities": {"card": "4711"}}
        assert self.event(body).extra == {"channel": "web", "identities": {"card": "4711"}}

    def test_creates_event_types_and_answers_event_by_event(self) -> None:
        assert self.wire.creates_event_types
        assert not self.wire.is_atomic


class TestNativeMoment:
    @pytest.mark.parametrize(
        "written",
        [
            "2026-01-31T22:30:00.25Z",
            "2026-01-31t22:30:00.250z",
            "2026-01-31 22:30:00.250000000+00:00",
            "2026-01-31T23:30:00.25+01:00",
            "2026-01-31T17:00:00.25-05:30",
            1769898600250,
            Decimal("1769898600250.0"),
        ],
    )
    def test_is_read_in_utc(self, written: object) -> None:
        assert moment(written) == datetime(2026, 1, 31, 22, 30, 0, 250_000, tzinfo=UTC)

    def test_keeps_its_microseconds(self) -> None:
        assert moment(Decimal("0.001")) == datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)

    @pytest.mark.parametrize(
        "written",
        [
            "",
            "now",
            "2026-01-31",
            "20260131T223000Z",
            "2026-W05-6T22:30:00Z",
            "2026-01-31T22:30Z",
            "2026-01-31T22:30:00",
            "2026-02-30T00:00:00Z",
            "2026-01-31T25:00:00Z",
            "2026-01-31T22:30:00+25:00",
            "2026-01-31T22:30:00Z\n",
            "٢٠٢٦-01-31T22:30:00Z",
            "9999-12-31T23:59:59-01:00",
            "0001-01-01T00:00:00+01:00",
            "2026-01-31T22:30:00." + "0" * 100 + "Z",
            "1769898600250",
            253_402_300_800_000,
            Decimal("1e300"),
            True,
            [],
            {},
        ],
    )
    def test_is_refused_where_it_is_no_moment(self, written: object) -> None:
        assert moment(written) is RefusalCode.INVALID_FIELD

    @pytest.mark.parametrize(
        "written", [-1, Decimal("-1e300"), "1969-12-31T23:59:59Z", "1970-01-01T00:30:00+01:00"]
    )
    def test_is_refused_before_1970(self, written: object) -> None:
        assert moment(written) is RefusalCode.OCCURRED_TOO_EARLY

    def test_may_be_the_first_of_1970(self) -> None:
        assert moment(0) == datetime(1970, 1, 1, tzinfo=UTC)


def moment(written: object) -> datetime | RefusalCode | None:
    """Return what is read of a moment, or why it is not."""
    body = {"event": "buy", "customer": "c-1", "occurred_at": written}
    request = native.wire.parse({}, "", write_json(body))
    assert isinstance(request, Request)
    (entry,) = request.entries
    assert not isinstance(entry, ProfileUpdate)
    return entry.refusal.code if isinstance(entry, RefusedEvent) else entry.occurred_at


class TestNativeList:
    def test_keeps_a_bad_event_beside_its_neighbours(self) -> None:
        good = {"event": "buy", "customer": "c-1"}
        request = listed([good, 7, {"event": "buy"}, good])
        assert [type(entry) for entry in request.entries] == [
            Event,
            RefusedEvent,
            RefusedEvent,
            Event,
        ]
        assert request.is_list

    def test_keeps_what_was_sent_with_the_refusal(self) -> None:
        assert listed([{"event": "buy"}]).entries == (
            RefusedEvent(
                refusal=Refusal(
                    code=RefusalCode.MISSING_FIELD,
                    message="Name the customer: set customer, identities.email or "
                    "identities.phone.",
                    field="customer",
                ),
                source={"event": "buy"},
            ),
        )

    def test_refuses_only_the_event_with_a_key_given_twice(self) -> None:
        twice = b'{"event":"buy","customer":"c-1","metadata":{"a":[{"b":1,"b":2}]}}'
        request = native.wire.parse(
            {}, "", b'{"events":[{"event":"buy","customer":"c-1"},' + twice + b"]}"
        )
        assert isinstance(request, Request)
        good, bad = request.entries
        assert isinstance(good, Event)
        assert isinstance(bad, RefusedEvent)
        assert bad.refusal.code is RefusalCode.DUPLICATE_KEY
        assert bad.refusal.field == "metadata.a[0].b"

    def test_takes_a_thousand_events(self) -> None:
        good = {"event": "buy", "customer": "c-1"}
        assert len(listed([good] * 1000).entries) == 1000

    def test_is_a_list_even_of_one(self) -> None:
        request = listed([{"event": "buy"}])
        reply = native.wire.render(request, [rejected("missing_field")])
        assert reply.status == 200

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            (b"", "invalid_json", ""),
            (b"3", "invalid_json", ""),
            (b"null", "invalid_json", ""),
            (b'[{"event":"buy","customer":"c-1"}]', "invalid_json", ""),
            (b'{"events":null}', "invalid_field", "events"),
            (b'{"events":{}}', "invalid_field", "events"),
            (b'{"events":[],"event":"buy","customer":"c-1"}', "invalid_field", "events"),
            (b'{"events":[],"events":[]}', "duplicate_key", "events"),
            (b'{"events":[],"x":1,"x":2}', "duplicate_key", "x"),
            (b'{"event":"a","event":"b","customer":"c-1"}', "duplicate_key", "event"),
            (b'{"event":"a","metadata":{"":1,"":2}}', "duplicate_key", 'metadata.""'),
            (b'{"event":"a","\\ud800":1,"\\ud800":2}', "duplicate_key", "\ufffd"),
            (b'{"events":[],"x":{"a":NaN}}', "number_not_finite", "x.a"),
            (b'{"event":"a","metadata":{"a":NaN}}', "number_not_finite", "metadata.a"),
        ],
    )
    def test_is_refused_whole_where_it_cannot_be_read(
        self, body: bytes, code: str, field: str
    ) -> None:
        refusal = native.wire.parse({}, "", body)
        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.field) == (code, field)
        assert native.wire.render_error(refusal).status == 400

    def test_loses_only_the_events_whose_numbers_cannot_be_read(self) -> None:
        numbers = ("1", "NaN", "1e400", "1" * 1001, "2.50")
        events = [f'{{"event":"buy","customer":"c","metadata":{{"a":[{n}]}}}}' for n in numbers]
        request = native.wire.parse({}, "", f'{{"events":[{",".join(events)}]}}'.encode())
        assert isinstance(request, Request)
        assert request.is_list
        assert [
            (entry.refusal.code, entry.refusal.field)
            if isinstance(entry, RefusedEvent)
            else entry.metadata["a"]
            for entry in request.entries
            if not isinstance(entry, ProfileUpdate)
        ] == [
            [1],
            ("number_not_finite", "metadata.a[0]"),
            [Decimal("1e400")],
            ("number_too_long", "metadata.a[0]"),
            [Decimal("2.50")],
        ]
        # What is refused can still be kept.
        assert all(write_json(entry.source) for entry in request.entries)

    def test_is_refused_whole_where_it_is_too_long(self) -> None:
        refusal = native.wire.parse({}, "", write_json({"events": [{}] * 1001}))
        assert isinstance(refusal, Refusal)
        assert refusal.code is RefusalCode.TOO_MANY_EVENTS
        assert native.wire.render_error(refusal).status == 413


def listed(events: list[object]) -> Request:
    """Return the request that holds a list of events."""
    request = native.wire.parse({}, "", write_json({"events": events}))
    assert isinstance(request, Request)
    return request


def rejected(code: str) -> Outcome:
    """Return the outcome of a rejected event."""
    return Outcome(status="rejected", error=Refusal(code=RefusalCode(code), message="Why."))


class TestNativeCredentials:
    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            ({"x-api-key": " k "}, [("api_key", "k")]),
            ({"authorization": "BEARER s"}, [("secret_key", "s")]),
            (
                {"x-api-key": "k", "authorization": "Bearer s"},
                [("api_key", "k"), ("secret_key", "s")],
            ),
        ],
    )
    def test_are_all_that_were_sent(
        self, headers: dict[str, str], expected: list[tuple[str, str]]
    ) -> None:
        found = native.wire.credentials(headers)
        assert not isinstance(found, Refusal)
        assert [(proof.kind, proof.value) for proof in found] == expected


class TestNativeError:
    @pytest.mark.parametrize(
        ("code", "status", "title"),
        [
            ("invalid_json", 400, "Bad Request"),
            ("missing_credentials", 401, "Unauthorized"),
            ("invalid_credentials", 401, "Unauthorized"),
            ("forbidden", 403, "Forbidden"),
            ("not_found", 404, "Not Found"),
            ("method_not_allowed", 405, "Method Not Allowed"),
            ("unsupported_media_type", 415, "Unsupported Media Type"),
            ("rate_limited", 429, "Too Many Requests"),
            ("internal_error", 500, "Internal Server Error"),
            ("too_busy", 503, "Service Unavailable"),
        ],
    )
    def test_is_a_problem_document(self, code: str, status: int, title: str) -> None:
        reply = native.wire.render_error(Refusal(code=RefusalCode(code), message="Why."))
        assert (reply.status, reply.content_type) == (status, "application/problem+json")
        assert read_json(reply.body) == {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": "Why.",
            "code": code,
        }

    def test_names_the_field_where_there_is_one(self) -> None:
        refusal = Refusal(code=RefusalCode.INVALID_FIELD, message="Why.", field="metadata.a")
        assert b'"field":"metadata.a"' in native.wire.render_error(refusal).body

    def test_is_too_large_with_413(self) -> None:
        refusal = Refusal(code=RefusalCode.BODY_TOO_LARGE, message="Why.")
        assert native.wire.render_error(refusal).status == 413

    def test_has_a_status_for_every_code(self) -> None:
        assert set(native.STATUS_OF) == set(RefusalCode)
