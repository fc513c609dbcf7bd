"""Whatever comes in at whatever endpoint, it is answered and never a fault of ours.

The client raises in the test what a server would answer with 500.
"""

from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.projects import NewProject
from rewards.tasks import jobs_are_due, work_through_jobs
from tests import make
from tests.bodies import bodies, mutated, query_values, texts
from tests.calling import EVENTS, Answer, Caller, buy
from tests.config.described import faults
from tests.events.wire_cases import json_values
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

valid_native = {
    "event": "buy",
    "customer": "c-1",
    "identities": {"email": "a@x.test", "phone": "+4930123456"},
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


valid_referd = {
    "playerUniqueId": "u-1",
    "email": None,
    "mobile": "+49 171 234",
    "playerAttributes": {"city": "Ulm", "email": "a@x.test", "custom": {"size": 42}},
    "events": {"buy": {"amount": "12.5", "flags": [True]}, "review": []},
}
valid_gameball = {
    "customerId": "c-1",
    "email": "a@x.test",
    "mobile": "+4930123456",
    "customerAttributes": {"displayName": "Ann", "custom": {"seats": 2}},
    "events": {"buy": {"amount": 12.5, "brand": "x"}, "view": []},
    "body": [{"customerId": "c-1", "events": {"buy": {"amount": 1}}}],
}
valid_lynes_user = {"userId": "u-1", "usergroup": "subscriber", "level": 3}


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

    @given(bodies(valid_lynes_user))
    @lawful
    def test_is_answered_by_the_users_of_lynes(self, caller: Caller, body: Any) -> None:
        answer = caller.post("/user", body)

        assert is_answered(answer)
        assert answer.body["success"] is (answer.status == 200)
        assert faults(answer, "POST", "/user") == []

    @given(st.sampled_from(["/integrations/event", "/integrations/player"]), bodies(valid_referd))
    @lawful
    def test_is_answered_by_referd(self, caller: Caller, path: str, body: Any) -> None:
        answer = caller.post(path, body, apikey=caller.keys.api_key)

        assert answer.status in (200, 400, 413)
        assert faults(answer, "POST", path) == []

    @given(
        st.sampled_from(["events", "events/reward-preview", "customers", "batch/events"]),
        bodies(valid_gameball),
    )
    @lawful
    def test_is_answered_by_gameball(self, caller: Caller, path: str, body: Any) -> None:
        keys = {"apikey": caller.keys.api_key, "secretkey": caller.keys.secret_key}
        answer = caller.post(f"/api/v4.0/integrations/{path}", body, x_api_key="", **keys)
        work_through_jobs()

        assert is_answered(answer)
        assert faults(answer, "POST", f"/api/v4.0/integrations/{path}") == []
        assert not jobs_are_due()

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
        texts | st.just("c-1"),
        st.sampled_from(["points", "history", "streak"]),
        queries("limit", "offset", "types", "from", "to"),
    )
    @lawful
    def test_is_answered_for_any_user_of_lynes(
        self, caller: Caller, user: str, what: str, query: str
    ) -> None:
        caller.send(buy("c-1"))

        answer = caller.get(f"/lynes/user/{encoded(user)}/{what}?{query}")

        assert answer.status in (200, 400, 404)
        assert faults(answer, "GET", f"/user/{{user}}/{what}") == []

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
