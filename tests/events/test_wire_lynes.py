"""The Lynes wire."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from events.metadata import read_json, write_json
from events.types import (
    Credential,
    Outcome,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Request,
    StreakProgress,
)
from events.wires import lynes
from tests.events.wire_cases import Example, WireCases, as_plain, examples, outcomes_of

pytestmark = pytest.mark.once


class TestLynesWire(WireCases):
    wire = lynes.wire
    path = "/event"
    minimal = {"eventId": "daily_login", "userId": "user123"}
    fields = ("eventId", "userId", "metadata", "customerId", "amount", "timestamp")
    good_headers = {"authorization": "Bearer token"}

    @pytest.mark.parametrize("example", examples("lynes"))
    def test_reads_and_answers_the_documented_example(self, example: Example) -> None:
        sent = example["request"]
        request = self.wire.parse(sent["headers"], sent["path"], write_json(sent["body"]))
        assert isinstance(request, Request)
        assert [as_plain(entry) for entry in request.entries] == example["events"]
        reply = self.wire.render(request, outcomes_of(example))
        assert {"status": reply.status, "body": read_json(reply.body)} == example["response"]

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"eventId": None}, "null_field", "eventId"),
            ({"eventId": ""}, "invalid_field", "eventId"),
            ({"eventId": 7}, "invalid_field", "eventId"),
            ({"eventId": "e" * 101}, "name_too_long", "eventId"),
            ({"userId": None}, "null_field", "userId"),
            ({"userId": ""}, "invalid_field", "userId"),
            ({"userId": True}, "invalid_field", "userId"),
            ({"userId": Decimal("1.0")}, "invalid_field", "userId"),
            ({"userId": "u" * 201}, "customer_id_too_long", "userId"),
            ({"metadata": {"a": {"b": 1}}}, "invalid_field", "metadata.a"),
            ({"metadata": {"a": [1, {"b": 1}]}}, "invalid_field", "metadata.a"),
            ({"metadata": {"a": [[1]]}}, "invalid_field", "metadata.a"),
            ({"metadata": {"": 1}}, "invalid_field", "metadata"),
            ({"metadata": {str(n): n for n in range(11)}}, "too_many_fields", "metadata"),
            ({"amount": "a lot"}, "invalid_field", "amount"),
            ({"amount": True}, "invalid_field", "amount"),
            ({"amount": [1]}, "invalid_field", "amount"),
            ({"timestamp": "yesterday"}, "invalid_field", "timestamp"),
            ({"timestamp": -1}, "occurred_too_early", "timestamp"),
        ],
    )
    def test_refuses_what_it_cannot_take(
        self, changes: dict[str, object], code: str, field: str
    ) -> None:
        refusal = self.refusal({**self.minimal, **changes})
        assert (refusal.code, refusal.field) == (code, field)
        assert self.wire.render_error(refusal).status == 400

    @pytest.mark.parametrize("name", ["eventId", "userId"])
    def test_refuses_a_request_without_its_required_fields(self, name: str) -> None:
        body = {key: value for key, value in self.minimal.items() if key != name}
        assert self.refusal(body) == Refusal(
            code=RefusalCode.MISSING_FIELD, message=f"The field {name} is missing.", field=name
        )

    def test_takes_ten_fields_of_every_kind(self) -> None:
        metadata = {"a": 1, "b": Decimal("2.5"), "c": "x", "d": True, "e": ["x", 1, False, None]}
        metadata |= dict.fromkeys("fghij")
        assert self.event(self.with_metadata(metadata)).metadata == metadata

    def test_takes_the_last_of_a_key_given_twice(self) -> None:
        body = b'{"eventId":"a","userId":"u","eventId":"b","metadata":{"x":1,"x":2}}'
        event = self.event(body)
        assert (event.name, event.metadata) == ("b", {"x": 2})

    @pytest.mark.parametrize("user_id", [42, 12345678901234567890])
    def test_reads_a_user_id_sent_as_a_number(self, user_id: int) -> None:
        event = self.event({**self.minimal, "userId": user_id})
        assert event.customer.external_id == str(user_id)

    def test_has_no_idempotency_key(self) -> None:
        assert self.event({**self.minimal, "id": "k-1"}).key == ""

    @pytest.mark.parametrize(
        ("sent", "read"), [(12, 12), (Decimal("9.90"), Decimal("9.90")), ("9.90", Decimal("9.90"))]
    )
    def test_takes_an_amount_as_metadata_beside_the_ten(
        self, sent: object, read: int | Decimal
    ) -> None:
        metadata = {str(number): number for number in range(10)}
        event = self.event({**self.minimal, "amount": sent, "metadata": metadata})
        assert event.metadata == {**metadata, "amount": read}
        assert event.extra is None

    def test_prefers_the_amount_of_the_metadata(self) -> None:
        event = self.event({**self.minimal, "amount": 5, "metadata": {"amount": 7}})
        assert event.metadata == {"amount": 7}
        assert event.extra == {"amount": 5}

    def test_keeps_a_customer_id_aside(self) -> None:
        assert self.event({**self.minimal, "customerId": "c-1"}).extra == {"customerId": "c-1"}

    @pytest.mark.parametrize(
        "written",
        [
            1680870896789,
            Decimal("1680870896789.0"),
            "2023-04-07T12:34:56.789Z",
            "2023-04-07T14:34:56.789+02:00",
            "2023-04-07 12:34:56.789",
        ],
    )
    def test_reads_a_timestamp_with_zone_without_zone_and_in_milliseconds(
        self, written: object
    ) -> None:
        event = self.event({**self.minimal, "timestamp": written})
        assert event.occurred_at == datetime(2023, 4, 7, 12, 34, 56, 789_000, tzinfo=UTC)

    def test_takes_the_token_of_a_user(self) -> None:
        proofs = self.wire.credentials({"authorization": "bearer  a.b.c "})
        assert proofs == (Credential(kind="jwt", value="a.b.c"),)

    def test_takes_an_api_key_and_a_token_together(self) -> None:
        proofs = self.wire.credentials({"authorization": "Bearer a.b.c", "x-api-key": "k"})
        assert proofs == (
            Credential(kind="api_key", value="k"),
            Credential(kind="jwt", value="a.b.c"),
        )

    @pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic dTpw", "a.b.c"])
    def test_refuses_an_authorization_that_is_no_token(self, value: str) -> None:
        assert isinstance(self.wire.credentials({"authorization": value}), Refusal)

    def test_creates_no_event_types_and_refuses_requests_whole(self) -> None:
        assert not self.wire.creates_event_types
        assert self.wire.is_atomic

    def test_cuts_moments_to_milliseconds(self) -> None:
        moment = datetime(2023, 4, 7, 12, 34, 56, 999_999, tzinfo=UTC)
        streak = StreakProgress(
            streak="s", current=1, longest=1, milestone_reached=False, points_awarded=0,
            updated_at=moment,
        )  # fmt: skip
        request = self.parse(self.minimal)
        assert isinstance(request, Request)
        outcome = Outcome(status="accepted", occurred_at=moment, streaks=(streak,))
        body = self.wire.render(request, [outcome]).body
        assert b'"timestamp":1680870896999,' in body
        assert b'"lastUpdate":"2023-04-07T12:34:56.999Z"' in body

    def test_answers_a_refused_entry_with_its_refusal(self) -> None:
        refusal = Refusal(code=RefusalCode.UNKNOWN_EVENT_TYPE, message="Nobody knows it.")
        reply = self.wire.render(Request(entries=(RefusedEvent(refusal=refusal),)), [])
        assert reply == self.wire.render_error(refusal)


class TestLynesError:
    @pytest.mark.parametrize(
        ("code", "status"),
        [
            ("invalid_json", 400),
            ("missing_field", 400),
            ("too_many_fields", 400),
            ("missing_credentials", 401),
            ("invalid_credentials", 401),
            ("needs_api_key", 403),
            ("forbidden", 403),
            ("unknown_event_type", 404),
            ("inactive_event_type", 404),
            ("not_found", 404),
            ("method_not_allowed", 405),
            ("body_too_large", 413),
            ("unsupported_media_type", 415),
            ("rate_limited", 429),
            ("internal_error", 500),
            ("too_busy", 503),
        ],
    )
    def test_has_the_documented_status(self, code: str, status: int) -> None:
        reply = lynes.wire.render_error(Refusal(code=RefusalCode(code), message="Why."))
        assert reply.status == status
        assert read_json(reply.body) == {
            "success": False,
            "error": {"code": code, "message": "Why."},
        }

    def test_has_a_status_for_every_code(self) -> None:
        assert set(lynes.STATUS_OF) == set(RefusalCode)

    def test_names_the_field_in_its_sentence(self) -> None:
        refusal = Refusal(
            code=RefusalCode.STRING_TOO_LONG, message="It is too long.", field="metadata.note"
        )
        assert b"metadata.note: It is too long." in lynes.wire.render_error(refusal).body
