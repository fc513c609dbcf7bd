"""Tests of the OpenAPI document and the page that shows it."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import URLPattern
from openapi_spec_validator import validate

from events import auth, heartbeat, limits
from events.models import Project
from events.projects import NewProject
from events.types import JsonObject, RefusalCode
from tests import make
from tests.calling import Answer, Caller
from tests.config.described import (
    DOCUMENT,
    faults,
    operations,
    route_of_path,
    validation_faults,
)
from tests.routes import our_routes

PROBLEM = "application/problem+json"
# What no case below can bring about, or what is asked of the document elsewhere.
NOT_TRIED = {"429", "500", "503"}


class TestDocument:
    def test_is_openapi(self) -> None:
        validate(DOCUMENT)

        assert DOCUMENT["openapi"].startswith("3.1.")

    def test_names_every_endpoint_of_the_api(self) -> None:
        """A path that stands in the document and leads nowhere raises Resolver404."""
        assert {route_of_path(path) for _, path in operations()} == set(api_routes())

    def test_names_the_methods_that_each_endpoint_answers(self) -> None:
        routes = api_routes()
        told: dict[str, set[str]] = {}
        for method, path in operations():
            told.setdefault(route_of_path(path), set()).add(method)

        assert told == {route: methods_of(pattern) for route, pattern in routes.items()}

    def test_knows_every_refusal(self) -> None:
        assert set(DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == {
            str(code) for code in RefusalCode
        }

    def test_gives_every_operation_a_name_of_its_own(self) -> None:
        names = [one["operationId"] for one in each_operation()]

        assert len(set(names)) == len(names)

    def test_asks_for_a_known_key_but_where_none_is_needed(self) -> None:
        schemes = set(DOCUMENT["components"]["securitySchemes"])
        asked = {
            one["operationId"]: {name for need in one["security"] for name in need}
            for one in each_operation()
        }

        assert {name for name, keys in asked.items() if not keys} == {"health"}
        assert set().union(*asked.values()) == schemes

    def test_shows_requests_of_their_own_schema(self) -> None:
        for one in each_operation():
            for media in one.get("requestBody", {"content": {}})["content"].values():
                for name, example in media["examples"].items():
                    assert validation_faults(example["value"], media["schema"]) == [], name

    def test_refuses_what_lies_beyond_the_limits(self) -> None:
        schema = DOCUMENT["components"]["schemas"]["NewEvent"]
        event = {"event": "e" * limits.NAME_CHARACTERS, "customer": "c-1"}

        assert validation_faults(event, schema) == []
        assert validation_faults(event | {"event": event["event"] + "e"}, schema) != []


def each_operation() -> list[dict[str, Any]]:
    return [DOCUMENT["paths"][path][method.lower()] for method, path in operations()]


def api_routes() -> dict[str, URLPattern]:
    """Return what the document must hold: all under /api/, the wires, and /health."""
    return {
        route: pattern
        for route, pattern in our_routes().items()
        if is_of_api(route, pattern)
        if not pattern.callback.__module__.startswith("config.openapi.")
    }


def is_of_api(route: str, pattern: URLPattern) -> bool:
    return route.lstrip("^").startswith(("api/", "health")) or "wire" in initial(pattern)


def initial(pattern: URLPattern) -> dict[str, Any]:
    """Return what a view was given by `as_view`."""
    return getattr(pattern.callback, "view_initkwargs", getattr(pattern.callback, "initkwargs", {}))


def methods_of(pattern: URLPattern) -> set[str]:
    view = getattr(pattern.callback, "view_class", None)
    if view is None:
        return {"GET"}
    methods = {name.upper() for name in ("get", "post") if hasattr(view, name)}
    is_posted_alone = "wire" in initial(pattern) and not initial(pattern).get("on_get")
    return methods - {"GET"} if is_posted_alone else methods


class TestView:
    def test_needs_no_key(self, client: Client) -> None:
        answer = client.get("/api/schema/")

        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/json"
        assert answer.json() == DOCUMENT

    def test_lets_clients_keep_it(self, client: Client) -> None:
        first = client.get("/api/schema/")

        again = client.get("/api/schema/", headers={"If-None-Match": first["ETag"]})

        assert "public" in first["Cache-Control"]
        assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
    def test_is_only_read(self, client: Client, path: str) -> None:
        assert client.post(path).status_code == 405


class TestPage:
    def test_names_no_other_host(self, client: Client) -> None:
        text = client.get("/api/docs/").content.decode()

        assert "//" not in text
        assert "<style" not in text
        assert "script>" not in text.replace("></script>", "")

    def test_keeps_the_strict_policy(self, client: Client) -> None:
        policy = client.get("/api/docs/")["Content-Security-Policy"]

        assert "default-src 'self'" in policy
        assert "unsafe-eval" not in policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request, the path under which the document has it, and the status it is answered with."""

    path: str
    asked: str = ""
    method: str = "GET"
    body: Any = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.asked or self.path} {self.status}"


EVENTS = "/api/v1/events"
RECEIPT = "/api/v1/receipts/{receipt}"
CUSTOMER = "/api/v1/customers/{customer}"
STATISTICS = "/api/v1/event-types/{event}/fields/{field}/statistics"
OVERVIEW = "/api/v1/overview"
TYPES = "/api/v1/event-types"
TREND = "/api/v1/event-types/{event}/trend"
FIELDS = "/api/v1/event-types/{event}/fields"
LYNES = "/event"
ORDER = {"event": "place_order", "customer": "c-1", "metadata": {"total": 5}}
LYNES_ORDER = {"eventId": "place_order", "userId": "c-1", "metadata": {"total": 5}}
NO_KEY = (("x_api_key", ""),)
WRONG_KEY = (("x_api_key", "nobody"),)
TEXT = (("content_type", "text/plain"),)


def statistics_of(field: str, query: str = "") -> Case:
    asked = f"/api/v1/event-types/place_order/fields/{field}/statistics{query}"
    return Case(path=STATISTICS, asked=asked)


def of_order(path: str, query: str = "", **columns: Any) -> Case:
    return Case(path=path, asked=tried(path) + query, **columns)


def ranged(path: str) -> list[Case]:
    """Return what every path that takes days is asked."""
    return [
        of_order(path),
        of_order(path, "?from=1999-01-01&to=1999-01-02"),
        of_order(path, "?from=2026-03-02&to=2026-03-01", status=400),
        of_order(path, status=401, headers=NO_KEY),
    ]


def tried(path: str) -> str:
    """Return a path of the document as it is asked for."""
    return path.format(event="place_order", field="total", customer="c-1", receipt="r-1")


def posted(path: str, body: Any, status: int = 200, **columns: Any) -> Case:
    return Case(path=path, method="POST", body=body, status=status, **columns)


CASES = [
    posted(EVENTS, ORDER),
    posted(EVENTS, {"events": [ORDER, {"event": 1}, ORDER | {"occurred_at": 0}]}),
    posted(EVENTS, {"events": []}),
    posted(EVENTS, {"event": "place_order"}, 422),
    posted(EVENTS, b"{", 400),
    posted(EVENTS, b'{"events": [], "events": []}', 400),
    posted(EVENTS, ORDER, 401, headers=NO_KEY),
    posted(EVENTS, ORDER, 401, headers=WRONG_KEY),
    posted(EVENTS, b" " * (limits.BODY_BYTES + 1), 413),
    posted(EVENTS, {"events": [1] * (limits.EVENTS_PER_REQUEST + 1)}, 413),
    posted(EVENTS, ORDER, 415, headers=TEXT),
    posted(LYNES, LYNES_ORDER),
    posted(LYNES, {"userId": "c-1"}, 400),
    posted(LYNES, LYNES_ORDER | {"eventId": "never"}, 404),
    posted(LYNES, LYNES_ORDER, 401, headers=NO_KEY),
    posted(LYNES, b" " * (limits.BODY_BYTES + 1), 413),
    posted(LYNES, LYNES_ORDER, 415, headers=TEXT),
    Case(path=EVENTS),
    Case(path=EVENTS, asked=f"{EVENTS}?limit=1&event=place_order&customer=c-1&status=accepted"),
    Case(path=EVENTS, asked=f"{EVENTS}?from=2026-03-02&to=2026-03-02T10:00:00Z"),
    Case(path=EVENTS, asked=f"{EVENTS}?limit=0", status=400),
    Case(path=EVENTS, asked=f"{EVENTS}?from=never", status=400),
    Case(path=EVENTS, status=401, headers=NO_KEY),
    Case(path=RECEIPT, asked="/api/v1/receipts/{receipt}"),
    Case(path=RECEIPT, asked="/api/v1/receipts/never", status=404),
    Case(path=RECEIPT, asked="/api/v1/receipts/never", status=401, headers=NO_KEY),
    Case(path=CUSTOMER, asked="/api/v1/customers/c-1"),
    Case(path=CUSTOMER, asked="/api/v1/customers/nobody", status=404),
    Case(path=CUSTOMER, asked="/api/v1/customers/c-1", status=401, headers=NO_KEY),
    *(case for path in (OVERVIEW, TYPES, TREND, FIELDS) for case in ranged(path)),
    of_order(TREND, "?interval=week"),
    of_order(TREND, "?interval=hour&from=1999-01-01", status=400),
    of_order(FIELDS, "?limit=2"),
    of_order(FIELDS, "?limit=2&cursor=gift"),
    Case(path=TREND, asked="/api/v1/event-types/never/trend", status=404),
    Case(path=FIELDS, asked="/api/v1/event-types/never/fields", status=404),
    statistics_of("total"),
    statistics_of("email"),
    statistics_of("total", "?percentiles=0,50,99.9&top=3&bins=4&scale=log"),
    statistics_of("total", "?from=1999-01-01&to=1999-01-02"),
    statistics_of("brand"),
    statistics_of("gift"),
    statistics_of("items"),
    statistics_of("parcel"),
    Case(
        path=STATISTICS,
        asked="/api/v1/event-types/place_order/fields/total/statistics?bins=101",
        status=400,
    ),
    Case(
        path=STATISTICS,
        asked="/api/v1/event-types/place_order/fields/never/statistics",
        status=404,
    ),
    Case(
        path=STATISTICS,
        asked="/api/v1/event-types/place_order/fields/total/statistics",
        status=401,
        headers=NO_KEY,
    ),
    Case(path="/health"),
]


@pytest.fixture
def caller(shop_keys: NewProject, clock: time_machine.Traveller) -> Caller:
    """A shop with a rule, a streak and orders of every kind of metadata."""
    shop = shop_keys.project
    made = make.event_type(shop, "place_order", fields={"total": "number", "brand": "text"})
    make.field(made, "email", personal=True)
    award: JsonObject = {"per_unit": {"points": 2, "per": "1", "field": "event.total"}}
    make.rule(shop, "two a unit", {"trigger": "place_order", "award": award})
    milestones = [{"at": 1, "points": 5}]
    make.streak(shop, "daily", {"event": "place_order", "period": "day", "milestones": milestones})
    heartbeat.beat("worker-1", now=make.NOW)
    caller = Caller(keys=shop_keys)
    caller.send(
        ORDER | {"metadata": {"total": 59.9, "brand": "Private", "gift": True}, "id": "k-1"},
        ORDER | {"metadata": {"total": "12.50", "brand": "3.1", "items": ["a", "b"]}},
        ORDER | {"metadata": {"email": "ann@example.com"}, "occurred_at": "2026-03-01T09:00:00Z"},
        ORDER | {"metadata": {"total": None, "brand": 7, "parcel": {"weight": 3}}},
    )
    return caller


def answer_to(case: Case, caller: Caller) -> Answer:
    headers = dict(case.headers)
    if case.method == "POST":
        return caller.post(case.asked or case.path, case.body, **headers)
    return caller.get(case.asked or case.path, **headers)


class TestFaults:
    def test_are_fields_that_the_document_lacks(self) -> None:
        whole = {"rule": "r", "points": 1, "desired": 1}

        assert validation_faults(whole, {"$ref": "#/components/schemas/Award"}) == []
        assert validation_faults(whole | {"more": 1}, {"$ref": "#/components/schemas/Award"}) != []
        assert validation_faults({"rule": "r"}, {"$ref": "#/components/schemas/Award"}) != []


class TestAnswers:
    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_are_as_the_document_says(self, caller: Caller, case: Case) -> None:
        receipt = caller.post(EVENTS, {"events": [ORDER]}).body["receipt"]

        answer = answer_to(replace(case, asked=case.asked.format(receipt=receipt)), caller)

        assert answer.status == case.status, answer
        assert faults(answer, case.method, case.path) == []

    def test_of_an_installation_without_a_worker_are(self, client: Client, db: None) -> None:
        response = client.get("/health")
        answer = Answer(
            status=response.status_code, body=response.json(), headers=dict(response.headers)
        )

        assert answer.status == 503
        assert faults(answer, "GET", "/health") == []

    def test_of_a_key_without_the_scope_are(self, caller: Caller, shop: Project) -> None:
        shop.api_keys.update(scopes=[])
        auth.forget()

        for method, path in operations():
            if path != "/health":
                case = Case(path=path, method=method, body=ORDER, asked=tried(path))
                answer = answer_to(case, caller)
                assert answer.status == 403, path
                assert faults(answer, method, path) == []

    def test_are_tried_with_every_status(self) -> None:
        told = {
            (method, path, status)
            for method, path in operations()
            for status in DOCUMENT["paths"][path][method.lower()]["responses"]
            if status not in NOT_TRIED | {"403"}
        }
        tried_here = {(case.method, case.path, str(case.status)) for case in CASES}

        assert told <= tried_here
