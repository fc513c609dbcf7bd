"""What holds for every wire over a real socket: a vendor's tests subclass Contract."""

import http.client
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from events import limits
from tests.running import Installation

TIMEOUT_SECONDS = 30
EVENT = "place_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A running installation with a project and its keys."""

    installed: Installation
    keys: Mapping[str, str]

    def stored(self, customer: str) -> list[Any]:
        """Return the customer's events by the native API, the latest first."""
        answer = self.native("GET", "/api/v1/events?limit=20")
        assert answer.status == 200, answer
        return [event for event in answer.body["results"] if event["customer"] == customer]

    def native(self, method: str, path: str, body: Any = None) -> "Answer":
        sent = None if body is None else json.dumps(body).encode()
        return ask(self, method, path, {"X-API-Key": self.keys["api_key"]}, sent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer with its headers in lower case; `body` is its JSON."""

    status: int
    body: Any
    headers: Mapping[str, str]


def ask(
    shop: Shop,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | Sequence[bytes] | None = None,
) -> Answer:
    """Send a request just so: a list of pieces goes chunked, without a length."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", shop.installed.port, timeout=TIMEOUT_SECONDS
    )
    is_chunked = body is not None and not isinstance(body, bytes)
    sent = {"Content-Type": "application/json", **headers}
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in sent.items():
        if value:
            connection.putheader(name, value)
    if is_chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    elif body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body, encode_chunked=is_chunked)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    assert text, f"{method} {path}: an empty answer of {response.status}"
    return Answer(
        status=response.status,
        body=json.loads(text),
        headers={name.lower(): value for name, value in response.getheaders()},
    )


SET_UP = {
    "event_types": [
        {"name": EVENT, "fields": [{"name": "total", "type": "number"}]},
        {"name": "once", "unique_by": "order"},
        {"name": "closed", "active": False},
    ],
    "rules": [
        {
            "name": "Two per unit",
            "definition": {
                "trigger": EVENT,
                "award": {"per_unit": {"points": 2, "per": "1", "field": "event.total"}},
            },
        }
    ],
}


class Contract:
    """What holds for every wire; a vendor's class says how it speaks."""

    wire: ClassVar[str]
    paths: ClassVar[Sequence[str]]
    status: ClassVar[int] = 200
    # Whether a key that an object has twice is refused, or counts as given last.
    refuses_repeated_keys: ClassVar[bool] = True
    # Of a format whose metadata is no object.
    has_plain_metadata: ClassVar[bool] = True

    def headers(self, shop: Shop) -> dict[str, str]:
        raise AssertionError

    def body(self, customer: str, metadata: Any, event: str = EVENT) -> dict[str, Any]:
        """Return a request in the vendor's format."""
        raise AssertionError

    def prepare(self, shop: Shop, customer: str) -> None:
        """Make what must be there before the event."""

    def assert_error(self, answer: Answer) -> None:
        """Assert the vendor's envelope."""
        raise AssertionError

    def assert_success(self, answer: Answer) -> None:
        """Assert the vendor's answer to an event that was taken."""
        raise AssertionError

    # Helpers of the tests below

    def new_customer(self, shop: Shop) -> str:
        customer = f"{uuid.uuid4().hex}@example.com"
        self.prepare(shop, customer)
        return customer

    def send(self, shop: Shop, body: Any, path: str = "", **headers: str) -> Answer:
        written = body if isinstance(body, (bytes, list)) else json.dumps(body).encode()
        return ask(shop, "POST", path or self.paths[0], {**self.headers(shop), **headers}, written)

    def taken(self, shop: Shop, metadata: Any, event: str = EVENT) -> Any:
        """Send an event of a new customer; return it as it is stored."""
        customer = self.new_customer(shop)
        self.assert_success(self.send(shop, self.body(customer, metadata, event)))
        [stored] = self.events_of(shop, customer)
        return stored

    def events_of(self, shop: Shop, customer: str) -> list[Any]:
        return shop.stored(customer)

    # Paths

    @pytest.mark.parametrize("style", [str, str.upper, str.title, "{}/".format])
    def test_answers_at_each_path_in_any_case(self, shop: Shop, style: Any) -> None:
        for path in self.paths:
            customer = self.new_customer(shop)
            answer = self.send(shop, self.body(customer, {"total": 7}), path=style(path))
            self.assert_success(answer)
            [stored] = self.events_of(shop, customer)
            assert (stored["wire"], stored["event"]) == (self.wire, EVENT), path

    @pytest.mark.parametrize("slashed", ["/{}", "/{}//", "{}//"])
    def test_takes_several_slashes_for_one(self, shop: Shop, slashed: str) -> None:
        for path in self.paths:
            customer = self.new_customer(shop)
            doubled = slashed.format(path).replace("/", "//", 2)
            self.assert_success(self.send(shop, self.body(customer, {"total": 7}), path=doubled))
            [stored] = self.events_of(shop, customer)
            assert (stored["wire"], stored["event"]) == (self.wire, EVENT), doubled

    def test_never_redirects(self, shop: Shop) -> None:
        for path in self.paths:
            for method in ("GET", "DELETE"):
                answer = ask(shop, method, path, self.headers(shop))
                assert answer.status in (200, 404, 405), (method, path)

    # Bodies

    def test_takes_a_chunked_body(self, shop: Shop) -> None:
        customer = self.new_customer(shop)
        text = json.dumps(self.body(customer, {"total": 7})).encode()

        self.assert_success(self.send(shop, [text[:9], text[9:10], text[10:]]))

        assert len(self.events_of(shop, customer)) == 1

    @pytest.mark.parametrize(
        "media_type", ["application/json; charset=utf-8", "APPLICATION/JSON", ""]
    )
    def test_takes_the_media_types_that_clients_send(self, shop: Shop, media_type: str) -> None:
        customer = self.new_customer(shop)
        headers = {"Content-Type": media_type}

        answer = ask(
            shop,
            "POST",
            self.paths[0],
            {**self.headers(shop), **headers},
            json.dumps(self.body(customer, {})).encode(),
        )

        self.assert_success(answer)

    def test_takes_utf_8_as_it_is(self, shop: Shop) -> None:
        customer = self.new_customer(shop)
        body = json.dumps(self.body(customer, {"word": "Größe 🎁"}), ensure_ascii=False)

        self.assert_success(self.send(shop, body.encode()))

        [stored] = self.events_of(shop, customer)
        assert stored["metadata"]["word"] == "Größe 🎁"

    @pytest.mark.parametrize("none", [None, [], {}], ids=["null", "list", "object"])
    def test_takes_empty_metadata_for_none(self, shop: Shop, none: Any) -> None:
        if self.has_plain_metadata:
            assert self.taken(shop, none)["metadata"] == {}

    def test_reads_a_number_from_text_where_the_field_is_one(self, shop: Shop) -> None:
        stored = self.taken(shop, {"total": "100", "word": "100"})

        assert stored["points_awarded"] == 200
        assert stored["metadata"]["word"] == "100"

    def test_leaves_unknown_fields_alone(self, shop: Shop) -> None:
        customer = self.new_customer(shop)
        body = self.body(customer, {"total": 1}) | {"whatever": {"a": [None]}, "other": None}

        self.assert_success(self.send(shop, body))

    def test_takes_every_kind_of_value(self, shop: Shop) -> None:
        metadata = {"total": 1.5, "text": "x", "yes": True, "list": ["a", "b"]}

        stored = self.taken(shop, metadata)

        assert stored["metadata"] == metadata
        assert stored["points_awarded"] == 3

    def test_settles_keys_given_twice_as_the_vendor_does(self, shop: Shop) -> None:
        customer = self.new_customer(shop)
        text = json.dumps(self.body(customer, {"word": "first"}))
        twice = text.replace('"word": "first"', '"word": "first", "word": "last"')
        if twice == text:
            return

        answer = self.send(shop, twice.encode())

        if self.refuses_repeated_keys:
            self.assert_error(answer)
            assert answer.status in (400, 422)
            assert self.events_of(shop, customer) == []
        else:
            self.assert_success(answer)
            [stored] = self.events_of(shop, customer)
            assert stored["metadata"]["word"] == "last"

    # Headers

    @pytest.mark.parametrize("style", [str.upper, str.lower, str.title, str.swapcase])
    def test_reads_header_names_in_any_case(self, shop: Shop, style: Any) -> None:
        customer = self.new_customer(shop)
        headers = {style(name): value for name, value in self.headers(shop).items()}

        answer = ask(
            shop,
            "POST",
            self.paths[0],
            {"Content-Type": "", style("Content-Type"): "application/json", **headers},
            json.dumps(self.body(customer, {})).encode(),
        )

        self.assert_success(answer)

    # Refusals

    @pytest.mark.parametrize("sent", ["none", "wrong"])
    def test_judges_the_key_before_the_body(self, shop: Shop, sent: str) -> None:
        headers = {
            name: "" if sent == "none" else re.sub(r"\S+$", "wrong", value)
            for name, value in self.headers(shop).items()
        }

        answer = ask(shop, "POST", self.paths[0], headers, b"{")

        self.assert_error(answer)
        assert answer.status in (401, 403)

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"null", b"[]", b'"text"', b"\xff\xfe", b"{}", b"1e400", b"[" * 5_000]
    )
    def test_refuses_what_it_cannot_read_and_keeps_it(self, shop: Shop, body: bytes) -> None:
        before = refusals(shop)

        answer = self.send(shop, body)

        self.assert_error(answer)
        assert answer.status in (400, 422)
        assert refusals(shop) == before + 1

    def test_refuses_what_is_too_large(self, shop: Shop) -> None:
        answer = self.send(shop, b'{"a": "' + b"x" * limits.BODY_BYTES + b'"}')

        self.assert_error(answer)
        assert answer.status == 413

    def test_refuses_another_media_type(self, shop: Shop) -> None:
        answer = self.send(shop, {}, **{"Content-Type": "text/csv"})

        self.assert_error(answer)
        assert answer.status == 415

    def test_refuses_an_inactive_event_type(self, shop: Shop) -> None:
        customer = self.new_customer(shop)

        answer = self.send(shop, self.body(customer, {}, event="closed"))

        self.assert_error(answer)
        assert self.events_of(shop, customer) == []

    def test_refuses_text_that_cannot_be_stored(self, shop: Shop) -> None:
        customer = self.new_customer(shop)

        answer = self.send(shop, self.body(customer, {"word": "a\x00b"}))

        self.assert_error(answer)
        assert self.events_of(shop, customer) == []

    # Discards

    def test_answers_a_discarded_event_like_one_that_is_taken(self, shop: Shop) -> None:
        customer = self.new_customer(shop)
        order = uuid.uuid4().hex
        for _ in range(2):
            body = self.body(customer, {"order": order}, event="once")
            self.assert_success(self.send(shop, body))

        statuses = [event["status"] for event in self.events_of(shop, customer)]
        assert statuses == ["discarded", "accepted"]


def refusals(shop: Shop) -> int:
    """Return how many refusals are kept."""
    answer = shop.native("GET", "/api/v1/quarantine/summary")
    assert answer.status == 200, answer
    total: int = answer.body["total"]
    return total
