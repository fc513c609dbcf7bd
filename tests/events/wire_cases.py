"""What every wire must hold: a vendor's tests subclass WireCases, name the wire and go on."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from events.metadata import read_json, write_json
from events.types import (
    Entry,
    Event,
    Json,
    JsonObject,
    Outcome,
    ProfileUpdate,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Reply,
    Request,
    Wire,
)

FIXTURES = Path(__file__).parent / "fixtures"
Example: TypeAlias = Mapping[str, Any]

# One law runs in the class of each vendor, which Hypothesis would else take for a mistake.
lawful = settings(deadline=None, suppress_health_check=[HealthCheck.differing_executors])

# What json.dumps writes of these: NaN, Infinity, half surrogate pairs and \u0000 among them.
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(
        ["", "\x00", "\ud800", "12.50", "2026-01-31T23:30:00Z", "2026-02-30 00:00:00"]
    )
    | st.sampled_from([10**40, -1, 1648232567123, 253_402_300_800_000])
)
keys = st.text(st.characters(), max_size=8) | st.sampled_from(["", "\x00", "\udfff", "k" * 101])
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def examples(vendor: str) -> list[Any]:
    """Return the documented examples of a vendor, one parameter for each file."""
    paths = sorted((FIXTURES / vendor).glob("*.json"))
    assert paths, f"There is no example of {vendor}."
    return [pytest.param(read_json(path.read_bytes()), id=path.stem) for path in paths]


def outcomes_of(example: Example) -> tuple[Outcome, ...]:
    """Return the outcomes of an example, typed."""
    return msgspec.json.decode(write_json(example["outcomes"]), type=tuple[Outcome, ...])


def as_plain(entry: Entry) -> dict[str, Json]:
    """Return an entry as the examples write it."""
    if isinstance(entry, RefusedEvent):
        return {"refused": str(entry.refusal.code), "field": entry.refusal.field}
    customer: JsonObject = {
        "external_id": entry.customer.external_id,
        "email": entry.customer.email,
        "phone": entry.customer.phone,
    }
    if isinstance(entry, ProfileUpdate):
        return {"customer": customer, "attributes": entry.attributes}
    written = None if entry.occurred_at is None else entry.occurred_at.isoformat()
    return {
        "name": entry.name,
        "customer": customer,
        "metadata": entry.metadata,
        "occurred_at": written and written.replace("+00:00", "Z"),
        "key": entry.key,
        "extra": entry.extra,
    }


def outcome_for(entry: Entry) -> Outcome:
    """Return what a pipeline that rewards nothing answers."""
    if isinstance(entry, RefusedEvent):
        return Outcome(status="rejected", error=entry.refusal)
    return Outcome(status="accepted", occurred_at=datetime(2026, 1, 31, tzinfo=UTC))


class WireCases:
    """The contract of a wire."""

    wire: ClassVar[Wire]
    path: ClassVar[str]
    minimal: ClassVar[JsonObject]  # the smallest good request
    fields: ClassVar[Sequence[str]]  # every name that the format gives a meaning
    good_headers: ClassVar[Mapping[str, str]]
    success_status: ClassVar[int] = 200

    def with_metadata(self, metadata: object) -> object:
        """Return the smallest good request with metadata: override where it stands elsewhere."""
        return {**self.minimal, "metadata": metadata}

    def with_unknown(self, name: str, value: object) -> object:
        """Return the smallest good request with a field that the format does not know."""
        return {**self.minimal, name: value}

    def parse(self, body: object) -> Request | Refusal:
        written = body if isinstance(body, bytes) else write_json(body)
        return self.wire.parse(self.good_headers, self.path, written)

    def event(self, body: object) -> Event:
        """Return the one event of a good body."""
        request = self.parse(body)
        assert isinstance(request, Request), request
        (entry,) = request.entries
        assert isinstance(entry, Event), entry
        return entry

    def refusal(self, body: object) -> Refusal:
        """Return why a body, or its one event, was refused."""
        request = self.parse(body)
        if isinstance(request, Refusal):
            return request
        (entry,) = request.entries
        assert isinstance(entry, RefusedEvent), entry
        return entry.refusal

    def answer(self, request: Request | Refusal) -> Reply:
        if isinstance(request, Refusal):
            return self.wire.render_error(request)
        return self.wire.render(request, [outcome_for(entry) for entry in request.entries])

    def assert_answered(self, body: bytes) -> None:
        """Assert that a body is taken or refused, that what is taken can be stored and answered."""
        request = self.parse(body)
        if isinstance(request, Request):
            for entry in request.entries:
                assert not (self.wire.is_atomic and isinstance(entry, RefusedEvent))
                plain = as_plain(entry)
                # UTF-8 holds no half surrogate pair; PostgreSQL no \u0000.
                assert b"\\u0000" not in write_json(plain).replace(b"\\\\", b"")
        reply = self.answer(request)
        assert 200 <= reply.status < 500
        assert isinstance(read_json(reply.body), dict)

    # Nothing that is sent makes a wire raise.

    @lawful
    @given(body=st.binary(max_size=60))
    @example(body=b"")
    @example(body=b"\xff")
    @example(body=b"\xef\xbb\xbf{}")
    @example(body=b"[" * 100_000)
    @example(body=b"1e9999999999999999999")
    @example(body=b'{"metadata":' * 70 + b"1" + b"}" * 70)
    def test_answers_any_bytes(self, body: bytes) -> None:
        self.assert_answered(body)

    @lawful
    @given(value=json_values)
    def test_answers_any_json(self, value: object) -> None:
        self.assert_answered(json.dumps(value).encode())

    @lawful
    @given(drawn=st.data())
    def test_answers_a_good_request_with_fields_replaced(self, drawn: st.DataObject) -> None:
        names = st.sampled_from(self.fields) | keys
        replaced = drawn.draw(st.dictionaries(names, json_values, min_size=1, max_size=3))
        self.assert_answered(json.dumps({**self.minimal, **replaced}).encode())

    @lawful
    @given(metadata=st.dictionaries(keys, json_values, max_size=4))
    def test_answers_any_metadata(self, metadata: object) -> None:
        self.assert_answered(json.dumps(self.with_metadata(metadata)).encode())

    @lawful
    @given(drawn=st.data())
    def test_answers_any_headers(self, drawn: st.DataObject) -> None:
        texts = st.text(st.characters(max_codepoint=255), max_size=30)
        names = st.sampled_from(["authorization", "apikey", "secretkey", "x-api-key", "x-gb-token"])
        headers = drawn.draw(st.dictionaries(names, texts | texts.map("Bearer {}".format)))
        proofs = self.wire.credentials(headers)
        if isinstance(proofs, Refusal):
            assert proofs.code in (
                RefusalCode.MISSING_CREDENTIALS,
                RefusalCode.MISSING_SECRET_KEY,
            )
        else:
            assert proofs
            assert all(proof.value for proof in proofs)

    # Credentials

    def test_finds_the_documented_credentials(self) -> None:
        assert not isinstance(self.wire.credentials(self.good_headers), Refusal)

    def test_refuses_a_request_without_credentials(self) -> None:
        refusal = self.wire.credentials({"content-type": "application/json"})
        assert isinstance(refusal, Refusal)
        assert refusal.code is RefusalCode.MISSING_CREDENTIALS
        assert self.wire.render_error(refusal).status in (401, 403)

    # Answers

    def test_answers_a_good_request_with_exactly_its_status(self) -> None:
        reply = self.answer(self.parse(self.minimal))
        assert reply.status == self.success_status
        assert reply.body

    @pytest.mark.parametrize("code", RefusalCode)
    def test_answers_every_refusal_in_words(self, code: RefusalCode) -> None:
        reply = self.wire.render_error(Refusal(code=code, message="This is why.", field="x"))
        assert 400 <= reply.status < 600
        assert b"This is why." in reply.body
        assert isinstance(read_json(reply.body), dict)

    @pytest.mark.parametrize("code", [RefusalCode.RATE_LIMITED, RefusalCode.TOO_BUSY])
    def test_says_when_to_come_back(self, code: RefusalCode) -> None:
        told = Refusal(code=code, message="Wait.", retry_after_seconds=7)
        untold = Refusal(code=code, message="Wait.")
        assert self.wire.render_error(told).headers["Retry-After"] == "7"
        assert self.wire.render_error(untold).headers["Retry-After"] == "1"

    # Values

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("0.1", Decimal("0.1")),
            ("120.50", Decimal("120.50")),
            ("9007199254740993", 9007199254740993),
            ("123456789012345678901234567890", Decimal("123456789012345678901234567890")),
            ("0.1234567890123456789012345678901", Decimal("0.1234567890123456789012345678901")),
            ("-1e-7", Decimal("-1e-7")),
        ],
    )
    def test_keeps_numbers_exact(self, written: str, read: Decimal | int) -> None:
        body = write_json(self.with_metadata({"n": 424242}))
        event = self.event(body.replace(b"424242", written.encode()))
        assert event.metadata == {"n": read}
        assert str(event.metadata["n"]) == str(read)

    def test_keeps_text_as_written(self) -> None:
        metadata = {"word": " Grüße 🎁 ", "number": "100", "key with spaces": "\n"}
        assert self.event(self.with_metadata(metadata)).metadata == metadata

    @pytest.mark.parametrize("none", [None, [], {}], ids=["null", "empty list", "empty object"])
    def test_takes_empty_metadata_for_none(self, none: object) -> None:
        assert self.event(self.with_metadata(none)).metadata == {}

    def test_takes_absent_metadata_for_none(self) -> None:
        assert self.event(self.minimal).metadata == {}

    @pytest.mark.parametrize("wrong", ["text", 1, True, [1], [{}]])
    def test_refuses_metadata_that_is_no_object(self, wrong: object) -> None:
        assert self.refusal(self.with_metadata(wrong)).code is RefusalCode.INVALID_FIELD

    def test_keeps_unknown_fields_aside(self) -> None:
        event = self.event(self.with_unknown("channel", {"name": "web", "version": None}))
        assert event.extra == {"channel": {"name": "web", "version": None}}
        assert event.metadata == {}

    def test_keeps_nothing_aside_where_all_is_known(self) -> None:
        assert self.event(self.minimal).extra is None

    @pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"], ids=["U+0000", "half a pair"])
    def test_refuses_text_that_cannot_be_stored(self, text: str) -> None:
        for value in (text, [text], {text: 1}):
            for body in (self.with_metadata({"word": value}), self.with_unknown("word", value)):
                refusal = self.refusal(json.dumps(body).encode())
                assert refusal.code is RefusalCode.INVALID_TEXT
                assert "word" in refusal.field

    def test_keeps_the_source_as_sent(self) -> None:
        body = self.with_metadata({"n": 1})
        assert self.event(body).source == body
