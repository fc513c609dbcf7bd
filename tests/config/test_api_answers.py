"""Answers of every status, held against what the OpenAPI document says of them."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import time_machine
from django.test import Client

from events import auth, heartbeat, limits
from events.models import BatchJob, Project
from events.projects import NewProject
from events.types import JsonObject
from tests import make
from tests.calling import Answer, Caller
from tests.config.described import (
    DOCUMENT,
    faults,
    operations,
    validation_faults,
)

# What no case below can bring about, or what is asked of the document elsewhere.
NOT_TRIED = {"429", "500", "503"}


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
QUARANTINE = "/api/v1/quarantine"
SUMMARY = "/api/v1/quarantine/summary"
REPLAY = "/api/v1/quarantine/{id}/replay"
REPLAY_ALL = "/api/v1/quarantine/replay"
STATISTICS = "/api/v1/event-types/{event}/fields/{field}/statistics"
OVERVIEW = "/api/v1/overview"
TYPES = "/api/v1/event-types"
TREND = "/api/v1/event-types/{event}/trend"
FIELDS = "/api/v1/event-types/{event}/fields"
LYNES = "/event"
LYNES_USER = "/user"
LYNES_POINTS = "/user/{user}/points"
LYNES_HISTORY = "/user/{user}/history"
LYNES_STREAK = "/user/{user}/streak"
REFERD = "/integrations/event"
REFERD_PLAYER = "/integrations/player"
REFERD_BALANCE = "/integrations/player/{player}/balance"
EITHER_EVENT = "/v1/event"
EITHER_USER = "/v1/user"
VIBETRACE_EVENT = "/vibetrace/v1/event"
VIBETRACE_USER = "/vibetrace/v1/user"
NAMED_USER = "/v1/user/{email}"
ANN = "/v1/user/ann@example.com"
RELEVA = "/api/v0/events"
RELEVA_PROFILES = "/api/v0/profiles"
GAMEBALL = "/api/v4/integrations/events"
GAMEBALL_OPEN = "/api/v4.0/integrations/events"
GAMEBALL_PREVIEW = "/api/v4.1/integrations/events/reward-preview"
GAMEBALL_PREVIEW_OPEN = "/api/v4.0/integrations/events/reward-preview"
GAMEBALL_CUSTOMERS = "/api/v4.1/integrations/customers"
GAMEBALL_CUSTOMERS_OPEN = "/api/v4.0/integrations/customers"
GAMEBALL_BATCH = "/api/v4.0/integrations/batch/events"
GAMEBALL_STATUS = "/api/v4.0/integrations/batches/{batch}/status"
GAMEBALL_BOTS = "/api/v1.0/Bots/BotSettings"
ORDER = {"event": "place_order", "customer": "c-1", "metadata": {"total": 5}}
REFERD_ORDER = {"playerUniqueId": "c-1", "events": {"place_order": {"total": 5}, "review": []}}
GAMEBALL_ORDER = {"customerId": "c-1", "events": {"place_order": {"total": 5}, "review": []}}
LYNES_ORDER = {"eventId": "place_order", "userId": "c-1", "metadata": {"total": 5}}
VIBETRACE_ORDER = {"user": {"_id": "c-1"}, "event": {"checkout": {"total": 5}}}
RELEVA_ORDER = {"action": "place_order", "profileId": "c-1"}
NO_KEY = (("key", ""),)
WRONG_KEY = (("key", "nobody"),)
OF_LYNES = (("key", ""), ("x_api_key", "{api_key}"))
# Where a scheme of the document has its key; "key" stands for that of the operation.
HEADER_OF = {
    "apiKey": "x_api_key",
    "gameballKey": "apikey",
    "rawKey": "authorization",
    "referdKey": "apikey",
    "secretKey": "authorization",
}
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


def about_user(path: str) -> list[Case]:
    """Return what every path about one user is asked."""
    asked = tried(path)
    return [
        Case(path=path, asked=asked),
        Case(path=path, asked=asked.replace("c-1", "nobody"), status=404),
        Case(path=path, asked=asked, status=401, headers=WRONG_KEY),
    ]


def unreadable(path: str) -> list[Case]:
    """Return what every path that takes a body must refuse."""
    return [
        posted(path, {}, 401, headers=WRONG_KEY),
        posted(path, b" " * (limits.BODY_BYTES + 1), 413),
        posted(path, {}, 415, headers=TEXT),
    ]


def gameball(path: str, body: Any) -> list[Case]:
    """Return what every path of Gameball that takes a body is asked and told."""
    required = next(iter(body))
    return [
        posted(path, body),
        posted(path, {}, 400),
        posted(path, body | {required: None}, 422),
        *unreadable(path),
    ]


def vibetrace_user(method: str) -> list[Case]:
    """Return what the path of a user is asked and told; `c-1` is known."""
    known = tried(NAMED_USER)
    return [
        Case(path=NAMED_USER, method=method, asked=known, body={"age": 7}),
        Case(path=NAMED_USER, method=method, asked=f"{ANN}.nobody", body={}, status=404),
        Case(path=NAMED_USER, method=method, asked=f"/v1/user/{'u' * 201}", body={}, status=400),
        Case(path=NAMED_USER, method=method, asked=known, body={}, status=401, headers=WRONG_KEY),
    ]


def tried(path: str) -> str:
    """Return a path of the document as it is asked for."""
    numbers = {"batch": "1"}
    names = numbers | dict.fromkeys(("customer", "email", "user", "player"), "c-1")
    return path.format(event="place_order", field="total", receipt="r-1", id="never", **names)


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
    posted(LYNES_USER, {"userId": "c-9", "usergroup": "subscriber"}),
    posted(LYNES_USER, {}, 400),
    *about_user(LYNES_POINTS),
    *about_user(LYNES_HISTORY),
    Case(path=LYNES_HISTORY, asked="/user/c-1/history?limit=1&offset=1&types=event"),
    Case(path=LYNES_HISTORY, asked="/user/c-1/history?limit=101", status=400),
    *about_user(LYNES_STREAK),
    posted(REFERD, REFERD_ORDER),
    posted(REFERD, {"playerUniqueId": "c-1"}, 400),
    posted(REFERD, {"playerUniqueId": "c-1", "events": dict.fromkeys(map(str, range(1001)))}, 413),
    posted(REFERD_PLAYER, {"playerUniqueId": "c-1", "playerAttributes": {"city": "Ulm"}}),
    posted(REFERD_PLAYER, {}, 400),
    *about_user(REFERD_BALANCE),
    *(case for path in (LYNES_USER, REFERD, REFERD_PLAYER) for case in unreadable(path)),
    *gameball(GAMEBALL, GAMEBALL_ORDER),
    *gameball(GAMEBALL_OPEN, GAMEBALL_ORDER),
    *gameball(GAMEBALL_PREVIEW, GAMEBALL_ORDER),
    *gameball(GAMEBALL_PREVIEW_OPEN, GAMEBALL_ORDER),
    posted(GAMEBALL_PREVIEW, GAMEBALL_ORDER | {"customerId": "nobody"}, 404),
    posted(GAMEBALL_PREVIEW_OPEN, GAMEBALL_ORDER | {"customerId": "nobody"}, 404),
    *gameball(GAMEBALL_CUSTOMERS, {"customerId": "c-1", "customerAttributes": {"joinDate": 7}}),
    *gameball(GAMEBALL_CUSTOMERS_OPEN, {"customerId": "c-1", "customerAttributes": None}),
    *gameball(GAMEBALL_BATCH, {"body": [GAMEBALL_ORDER, 7]}),
    *about_user(f"{GAMEBALL_CUSTOMERS}/{{customer}}"),
    *about_user(f"{GAMEBALL_CUSTOMERS_OPEN}/{{customer}}"),
    *about_user(f"{GAMEBALL_CUSTOMERS_OPEN}/{{customer}}/balance"),
    Case(path=GAMEBALL_STATUS, asked=tried(GAMEBALL_STATUS)),
    Case(path=GAMEBALL_STATUS, asked=GAMEBALL_STATUS.replace("{batch}", "2"), status=404),
    Case(path=GAMEBALL_STATUS, asked=tried(GAMEBALL_STATUS), status=401, headers=WRONG_KEY),
    Case(path=GAMEBALL_BOTS),
    Case(path=GAMEBALL_BOTS, status=401, headers=WRONG_KEY),
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
    posted(EITHER_EVENT, VIBETRACE_ORDER),
    posted(EITHER_EVENT, VIBETRACE_ORDER | {"user": {"_id": "nobody"}}, 404),
    posted(EITHER_EVENT, LYNES_ORDER, headers=OF_LYNES),
    posted(EITHER_EVENT, {"user": VIBETRACE_ORDER["user"]}, 400),
    posted(EITHER_EVENT, {}, 400, headers=OF_LYNES),
    *unreadable(EITHER_EVENT),
    posted(VIBETRACE_EVENT, VIBETRACE_ORDER),
    posted(VIBETRACE_EVENT, VIBETRACE_ORDER | {"user": {"_id": "nobody"}}, 404),
    posted(VIBETRACE_EVENT, VIBETRACE_ORDER | {"user": {}}, 400),
    *unreadable(VIBETRACE_EVENT),
    posted(EITHER_USER, {"_id": "c-2", "age": 7}),
    posted(EITHER_USER, {"userId": "c-2"}, headers=OF_LYNES),
    posted(EITHER_USER, {}, 400),
    posted(EITHER_USER, {}, 400, headers=OF_LYNES),
    *unreadable(EITHER_USER),
    posted(VIBETRACE_USER, {"email": "ann@example.com"}),
    posted(VIBETRACE_USER, [], 400),
    *unreadable(VIBETRACE_USER),
    *vibetrace_user("GET"),
    *vibetrace_user("PUT"),
    Case(path=NAMED_USER, method="PUT", asked=f"{ANN}?upsert=true", body={"age": 7}),
    *(replace(case, method="PUT", asked=ANN) for case in unreadable(NAMED_USER)),
    posted(RELEVA, {"events": [RELEVA_ORDER, RELEVA_ORDER]}, 202),
    posted(RELEVA, {"events": [RELEVA_ORDER, {}]}, 400),
    *unreadable(RELEVA),
    posted(RELEVA_PROFILES, {"profiles": [{"profile": {"id": "c-1", "age": 7}}]}, 202),
    posted(RELEVA_PROFILES, {"profiles": [{}]}, 400),
    *unreadable(RELEVA_PROFILES),
    Case(path=QUARANTINE),
    Case(path=QUARANTINE, asked=f"{QUARANTINE}?limit=1&status=standing&from=2026-03-02"),
    Case(path=QUARANTINE, asked=f"{QUARANTINE}?code=never", status=400),
    Case(path=QUARANTINE, status=401, headers=NO_KEY),
    Case(path=SUMMARY),
    Case(path=SUMMARY, asked=f"{SUMMARY}?wire=native&to=2026-03-02"),
    Case(path=SUMMARY, asked=f"{SUMMARY}?status=never", status=400),
    Case(path=SUMMARY, status=401, headers=NO_KEY),
    posted(REPLAY, {}, asked="/api/v1/quarantine/{refused}/replay"),
    posted(REPLAY, {"even_if_repeated": 1}, 400, asked="/api/v1/quarantine/{refused}/replay"),
    posted(REPLAY, {}, 404, asked="/api/v1/quarantine/never/replay"),
    posted(REPLAY_ALL, {}),
    posted(REPLAY_ALL, {"code": "inactive_event_type", "to": "2026-03-02", "wire": "native"}),
    posted(REPLAY_ALL, {"cod": "inactive_event_type"}, 400),
    *(
        replace(case, asked=path.format(id="never"))
        for path in (REPLAY, REPLAY_ALL)
        for case in unreadable(path)
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
    BatchJob.objects.create(
        id=1, project=shop, body="", total=1, errors=[[0, "Not taken."]], created_at=make.NOW
    )
    caller = Caller(keys=shop_keys)
    caller.send(
        ORDER | {"metadata": {"total": 59.9, "brand": "Private", "gift": True}, "id": "k-1"},
        ORDER | {"metadata": {"total": "12.50", "brand": "3.1", "items": ["a", "b"]}},
        ORDER | {"metadata": {"email": "ann@example.com"}, "occurred_at": "2026-03-01T09:00:00Z"},
        ORDER | {"metadata": {"total": None, "brand": 7, "parcel": {"weight": 3}}},
    )
    return caller


def answer_to(case: Case, caller: Caller) -> Answer:
    scheme = scheme_of(case)
    is_secret = scheme == "secretKey"
    key = f"Bearer {caller.keys.secret_key}" if is_secret else caller.keys.api_key
    given = {name: text.format(api_key=caller.keys.api_key) for name, text in case.headers}
    headers = {"key": key, **given}
    headers = {"x_api_key": "", HEADER_OF[scheme]: headers.pop("key"), **headers}
    if scheme == "gameballKey":
        headers["secretkey"] = caller.keys.secret_key
    if case.method in ("POST", "PUT"):
        send = caller.post if case.method == "POST" else caller.put
        return send(case.asked or case.path, case.body, **headers)
    return caller.get(case.asked or case.path, **headers)


def scheme_of(case: Case) -> str:
    """Return the first scheme by which the operation takes a key."""
    schemes = DOCUMENT["paths"][case.path][case.method.lower()]["security"]
    return str(next(iter(schemes[0]))) if schemes else "apiKey"


class TestFaults:
    def test_are_fields_that_the_document_lacks(self) -> None:
        whole = {"rule": "r", "points": 1, "desired": 1}

        assert validation_faults(whole, {"$ref": "#/components/schemas/Award"}) == []
        assert validation_faults(whole | {"more": 1}, {"$ref": "#/components/schemas/Award"}) != []
        assert validation_faults({"rule": "r"}, {"$ref": "#/components/schemas/Award"}) != []


class TestAnswers:
    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_are_as_the_document_says(self, caller: Caller, case: Case) -> None:
        names = {"receipt": caller.post(EVENTS, {"events": [ORDER, {}]}).body["receipt"]}
        names["refused"] = caller.get(QUARANTINE).body["results"][0]["id"]

        answer = answer_to(replace(case, asked=case.asked.format(**names)), caller)

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
