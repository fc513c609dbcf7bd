"""Which vendor is meant at the paths that two of them have."""

import json

import pytest

from events.wires import collision, lynes, vibetrace

pytestmark = pytest.mark.once

RAW, BEARER, API_KEY = "tw_key", "Bearer a.b.c", "tw_key"
VIBETRACE = {"user": {"email": "a@example.com"}, "event": {"update": {}}}
LYNES = {"eventId": "daily_login", "userId": "u-1"}


class TestCredentials:
    @pytest.mark.parametrize(
        ("headers", "vendor"),
        [
            ({"authorization": RAW}, "vibetrace"),
            ({"authorization": f" {RAW} ", "x-api-key": " "}, "vibetrace"),
            ({"authorization": BEARER}, "lynes"),
            ({"authorization": "bearer a.b.c"}, "lynes"),
            ({"authorization": "Bearer"}, "lynes"),
            ({"authorization": "Bearer "}, "lynes"),
            ({"x-api-key": API_KEY}, "lynes"),
            ({"authorization": BEARER, "x-api-key": API_KEY}, "lynes"),
            ({"authorization": RAW, "x-api-key": API_KEY}, None),
            ({}, None),
            ({"authorization": "", "x-api-key": ""}, None),
        ],
    )
    def test_tell_the_vendor_unless_both_bring_such(
        self, headers: dict[str, str], vendor: str | None
    ) -> None:
        assert collision.vendor_of(headers) == vendor

    @pytest.mark.parametrize("body", [VIBETRACE, LYNES, {}, []])
    def test_count_before_the_body(self, body: object) -> None:
        written = json.dumps(body).encode()
        assert collision.event_wire({"authorization": RAW}, written) is vibetrace.wire
        assert collision.event_wire({"authorization": BEARER}, written) is lynes.wire
        assert collision.user_wire({"authorization": RAW}, written) is vibetrace.wire
        assert collision.user_wire({"x-api-key": API_KEY}, written) is lynes.user_wire


BOTH = [{}, {"authorization": RAW, "x-api-key": API_KEY}]


class TestBody:
    @pytest.mark.parametrize("headers", BOTH, ids=["neither", "both"])
    @pytest.mark.parametrize(
        ("body", "is_vibetrace"),
        [
            (VIBETRACE, True),
            ({"user": {}, "event": {}}, True),
            (LYNES, False),
            ({**LYNES, "user": "ann", "event": "x"}, False),
            ({"user": {"email": "a@example.com"}}, False),
            ({}, False),
            ([], False),
            (None, False),
        ],
    )
    def test_of_an_event_settles_a_tie(
        self, headers: dict[str, str], body: object, is_vibetrace: bool
    ) -> None:
        wire = collision.event_wire(headers, json.dumps(body).encode())
        assert wire is (vibetrace.wire if is_vibetrace else lynes.wire)

    @pytest.mark.parametrize("headers", BOTH, ids=["neither", "both"])
    @pytest.mark.parametrize(
        ("body", "is_vibetrace"),
        [
            ({"email": "a@example.com"}, True),
            ({"_id": "u-1", "firstname": "Ann"}, True),
            ({"userId": "u-1"}, False),
            ({"userId": "u-1", "email": "a@example.com"}, False),
            ({"firstname": "Ann"}, False),
            ([], False),
        ],
    )
    def test_of_a_user_settles_a_tie(
        self, headers: dict[str, str], body: object, is_vibetrace: bool
    ) -> None:
        wire = collision.user_wire(headers, json.dumps(body).encode())
        assert wire is (vibetrace.wire if is_vibetrace else lynes.user_wire)

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
    def test_may_be_anything(self, body: bytes) -> None:
        assert collision.event_wire({}, body) is lynes.wire
        assert collision.user_wire({}, body) is lynes.user_wire
