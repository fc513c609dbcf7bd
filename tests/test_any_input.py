"""Whatever comes in at whatever endpoint, it is answered and never a fault of ours.

The client raises in the test what a server would answer with 500.
"""

import json
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.projects import NewProject
from tests import make
from tests.calling import EVENTS, Answer, Caller, buy
from tests.config.described import faults
from tests.events.wire_cases import json_values, keys, scalars
from tests.ledger import differences
from tests.rewards.definitions import all_of, definition, leaf, limit, per_unit

pytestmark = pytest.mark.django_db

STATISTICS = "/api/v1/event-types/{event}/fields/{field}/statistics"

lawful = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Numbers as no encoder writes them: too long, too large, too small, none at all.
numbers = st.sampled_from(
    [
        "1e999999999",
        "-1E-999999999",
        "1" * 400,
        "1" * 401,
        "0." + "0" * 399 + "1",
        "1e400",
        "-0",
        "1e-400",
        "9223372036854775808",
        "1e18",
        "NaN",
        "-Infinity",
        "01",
        "1.",
        "+1",
    ]
)
texts = st.text(st.characters(), max_size=30)
valid_native = {
    "event": "buy",
    "customer": "c-1",
    "identities": {"email": "a@x.test", "phone": "+49"},
    "id": "k-1",
    "occurred_at": "2026-03-01T12:00:00Z",
    "metadata": {"amount": 12.5, "brand": "x", "tags": ["a", 1, None, {"b": []}]},
}
valid_lynes = {
    "eventId": "buy",
    "userId": "u-1",
    "amount": "7",
    "timestamp": 1772442000000,
    "metadata": {"amount": "12.5", "flags": [True]},
}


@pytest.fixture
def caller(shop_keys: NewProject, clock: time_machine.Traveller) -> Caller:
    """A shop whose rules look at what may come."""
    shop = shop_keys.project
    make.event_type(shop, "buy", fields={"amount": "number", "brand": "text"})
    conditions = all_of(
        leaf("event.amount", ">", 1), leaf("event.brand", "!=", "y"), leaf("time.hour", ">=", 0)
    )
    caps = [limit("customer points day", 50), limit("project times month", 9)]
    make.rule(shop, "amount", definition("buy", per_unit(1, "3"), limits=caps))
    make.rule(shop, "if", definition("buy", {"fixed": 1}, when=conditions))
    make.streak(
        shop,
        "daily",
        {"event": "buy", "period": "day", "milestones": [{"at": 1, "points": 2}]},
    )
    return Caller(keys=shop_keys)


@st.composite
def mutated(draw: st.DrawFn, valid: dict[str, Any]) -> dict[str, Any]:
    """Return a valid body with one or two places changed, taken away or made double."""
    body: dict[str, Any] = json.loads(json.dumps(valid))
    for _ in range(draw(st.integers(1, 2))):
        place = body
        while True:
            name = draw(st.sampled_from(sorted(place)))
            if not (isinstance(place[name], dict) and place[name]) or draw(st.booleans()):
                break
            place = place[name]
        match draw(st.sampled_from(["value", "key", "gone"])):
            case "value":
                place[name] = draw(json_values)
            case "key":
                place[draw(keys)] = place[name]
            case _:
                del place[name]
        if not body:
            return body
    return body


@st.composite
def with_numbers(draw: st.DrawFn, valid: dict[str, Any]) -> bytes:
    """Return the text of a valid body with such a number somewhere."""
    text = json.dumps(valid)
    place = draw(st.sampled_from(['"c-1"', '"u-1"', "12.5", '"12.5"', "[", '"buy"', '"7"']))
    number = draw(numbers)
    return text.replace(place, f"[{number}," if place == "[" else number, 1).encode()


@st.composite
def cut_or_flipped(draw: st.DrawFn, valid: dict[str, Any]) -> bytes:
    """Return the bytes of a valid body, some of them others, the end missing."""
    body = bytearray(json.dumps(valid).encode())
    for _ in range(draw(st.integers(0, 4))):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body[: draw(st.integers(0, len(body)))])


def bodies(valid: dict[str, Any]) -> st.SearchStrategy[Any]:
    return (
        json_values
        | mutated(valid)
        | with_numbers(valid)
        | cut_or_flipped(valid)
        | st.binary(max_size=60)
    )


def is_answered(answer: Answer) -> bool:
    return answer.status < 500 and answer.body is not None


class TestAnyBody:
    @given(bodies(valid_native))
    @lawful
    def test_is_answered_by_the_native_api(self, caller: Caller, body: Any) -> None:
        answer = caller.post(EVENTS, body)

        assert is_answered(answer)
        assert answer.status in (200, 400, 413, 422)
        assert faults(answer, "POST", EVENTS) == []

    @given(st.lists(json_values | mutated(valid_native) | st.just(buy(amount=1)), max_size=5))
    @lawful
    def test_is_answered_event_by_event_in_a_list(self, caller: Caller, events: list[Any]) -> None:
        answer = caller.post(EVENTS, {"events": events})

        assert answer.status in (200, 400)
        assert faults(answer, "POST", EVENTS) == []
        if answer.status == 200:
            results = answer.body["results"]
            assert [result["index"] for result in results] == list(range(len(events)))
            assert all(("error" in each) == (each["status"] == "rejected") for each in results)

    @given(bodies(valid_lynes))
    @lawful
    def test_is_answered_by_lynes(self, caller: Caller, body: Any) -> None:
        answer = caller.post("/event", body)

        assert is_answered(answer)
        assert answer.body["success"] is (answer.status == 200)
        assert faults(answer, "POST", "/event") == []

    @given(st.lists(mutated(valid_native), min_size=1, max_size=4))
    @lawful
    def test_leaves_a_ledger_that_balances(self, caller: Caller, events: list[Any]) -> None:
        caller.post(EVENTS, {"events": events})

        assert differences() == []

    @given(st.dictionaries(st.sampled_from(["x-api-key", "authorization", "content-type"]), texts))
    @lawful
    def test_is_answered_under_any_header(self, caller: Caller, sent: dict[str, str]) -> None:
        headers = {name.replace("-", "_"): latin(value) for name, value in sent.items()}
        for path in (EVENTS, "/event"):
            assert is_answered(caller.post(path, buy(), **headers))


def latin(text: str) -> str:
    """Return a header as WSGI gives it to us."""
    return text.encode("utf-8", "replace").decode("latin-1")


query_values = (
    texts
    | st.sampled_from(
        [
            "",
            "1",
            "1000",
            "-1",
            "1e3",
            "9" * 40,
            "²",
            "2026-02-30",
            "0001-01-01",
            "9999-12-31T23:59:59+14:00",
            "0001-01-01T00:00:00+14:00",
            "2026-03-01",
            "accepted",
            "00000000-0000-0000-0000-000000000000",
            "linear",
            "1,2,3",
            "50,nan",
            "inf",
            "0",
            "NaN",
            "null",
            "[]",
        ]
    )
    | scalars.map(str)
)


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def queries(*names: str) -> st.SearchStrategy[str]:
    """Return query strings of known and unknown parameters, some given twice."""
    pair = st.tuples(st.sampled_from(names) | texts, query_values)
    return st.lists(pair, max_size=4).map(
        lambda pairs: "&".join(f"{encoded(name)}={encoded(value)}" for name, value in pairs)
    )


class TestAnyQuestion:
    @given(queries("event", "customer", "from", "to", "status", "cursor", "limit"))
    @lawful
    def test_is_answered_by_the_list_of_events(self, caller: Caller, query: str) -> None:
        answer = caller.get(f"{EVENTS}?{query}")

        assert answer.status in (200, 400)
        assert faults(answer, "GET", EVENTS) == []

    @given(st.binary(max_size=30) | texts.map(lambda text: text.encode("utf-8", "surrogatepass")))
    @lawful
    def test_is_answered_for_any_customer(self, caller: Caller, name: bytes) -> None:
        answer = caller.get(f"/api/v1/customers/{quote(name, safe='')}")

        assert answer.status in (200, 404)

    @given(
        texts | st.just("buy"),
        texts | st.sampled_from(["amount", "brand"]),
        queries("from", "to", "by", "percentiles", "top", "bins", "scale"),
    )
    @lawful
    def test_is_answered_by_the_statistics(
        self, caller: Caller, event: str, field: str, query: str
    ) -> None:
        path = f"/api/v1/event-types/{encoded(event)}/fields/{encoded(field)}/statistics"

        answer = caller.get(f"{path}?{query}")

        assert answer.status in (200, 400, 404)

    @given(queries("from", "to", "by", "percentiles", "top", "bins", "scale"))
    @lawful
    def test_is_answered_by_the_statistics_of_a_known_field(
        self, caller: Caller, query: str
    ) -> None:
        answer = caller.get(f"/api/v1/event-types/buy/fields/amount/statistics?{query}")

        assert answer.status in (200, 400)
        assert faults(answer, "GET", STATISTICS) == []

    @given(
        st.sampled_from(
            ["overview", "event-types", "event-types/buy/trend", "event-types/buy/fields"]
        ),
        queries("from", "to", "interval", "scale", "limit", "cursor"),
    )
    @lawful
    def test_is_answered_by_what_tells_of_days(self, caller: Caller, path: str, query: str) -> None:
        answer = caller.get(f"/api/v1/{path}?{query}")

        assert answer.status in (200, 400)
        assert faults(answer, "GET", f"/api/v1/{path.replace('buy', '{event}')}") == []
