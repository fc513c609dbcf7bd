"""Nothing crosses projects: every endpoint is asked with another project's keys."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client

from events.models import Project, Quarantine
from events.projects import NewProject
from events.wires.registry import WIRES
from tests import make
from tests.calling import EVENTS, Caller, buy
from tests.config.described import DOCUMENT, operations
from tests.rewards.definitions import definition
from tests.test_architecture import our_models

pytestmark = pytest.mark.django_db(transaction=True)

# Stands in every value of the shop that an answer could give away.
MARKER = "zebra"
EMAIL = f"{MARKER}@example.com"
# Every operation by every kind of key, as the vendors' clients send them.
KEYS_OF: Mapping[str, Callable[[NewProject], dict[str, str]]] = {
    "api key": lambda keys: {"x-api-key": keys.api_key},
    "API key": lambda keys: {"apikey": keys.api_key},
    "both keys": lambda keys: {"apikey": keys.api_key, "secretkey": keys.secret_key},
    "raw key": lambda keys: {"authorization": keys.api_key},
    "secret key": lambda keys: {"authorization": f"Bearer {keys.secret_key}"},
    "token": lambda keys: {"authorization": f"Bearer {keys.jwt}"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request that an operation of the document stands for."""

    method: str
    path: str
    body: bytes = b""
    takes_two_keys: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def asked(self, client: Client, headers: Mapping[str, str]) -> Any:
        return client.generic(
            self.method,
            self.path,
            self.body,
            content_type="application/json",
            headers=dict(headers),
        )


@dataclass(slots=True)
class Stage:
    """The shop with something of everything, and the names under which it is found."""

    shop: NewProject
    other: NewProject
    names: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def stage(shop_keys: NewProject, other_keys: NewProject) -> Stage:
    shop = shop_keys.project
    make.event_type(shop, "place_order", fields={"total": "number", "note": "text"})
    make.rule(shop, f"{MARKER} rule", definition("place_order", {"fixed": 4321}))
    make.streak(shop, f"{MARKER} streak", {"event": "place_order", "period": "day"})
    caller = Caller(keys=shop_keys)
    answer = caller.post(
        EVENTS,
        {
            "events": [
                buy(
                    "c-1",
                    event="place_order",
                    id="order-1",
                    identities={"email": EMAIL, "phone": "+491701234567"},
                    metadata={"total": 59.9, "note": f"{MARKER} note"},
                ),
                buy("c-1", event="place_order", note="\x00", secret=MARKER),
            ]
        },
    )
    assert [each["status"] for each in answer.body["results"]] == ["accepted", "rejected"]
    refused = Quarantine.objects.get(project=shop)
    batch = caller.post(
        "/api/v4/integrations/batch/events",
        {"body": [{"customerId": "c-1", "events": {"place_order": {"note": MARKER}}}]},
        apikey=shop_keys.api_key,
        secretkey=shop_keys.secret_key,
    )
    names = {
        "batch": str(batch.body["jobId"]),
        "user": "c-1",
        "player": "c-1",
        "receipt": answer.body["receipt"],
        "customer": "c-1",
        "event": "place_order",
        "field": "note",
        "email": EMAIL,
        "id": str(refused.pk),
    }
    return Stage(shop=shop_keys, other=other_keys, names=names)


def questions(names: Mapping[str, str]) -> Iterator[Question]:
    """Yield a request for each operation and each example of its body, about the shop's things."""
    for method, path in operations():
        told = DOCUMENT["paths"][path][method.lower()]
        values = {
            parameter["name"]: quote(names.get(parameter["name"], str(parameter["example"])))
            for parameter in told["parameters"]
            if parameter["in"] == "path"
        }
        at = path.format(**values)
        takes_two = takes_two_keys(told)
        content = told.get("requestBody", {"content": {}})["content"].get("application/json", {})
        for example in content.get("examples", {}).values():
            body = json.dumps(example["value"]).encode()
            yield Question(method=method, path=at, body=body, takes_two_keys=takes_two)
        if not content:
            yield Question(method=method, path=at, takes_two_keys=takes_two)


def takes_two_keys(told: Mapping[str, Any]) -> bool:
    """Tell whether both keys are judged where both are sent."""
    ways = [set(way) for way in told["security"]]
    return ({"apiKey"} in ways and {"secretKey"} in ways) or any(len(way) > 1 for way in ways)


def rows(project: Project) -> set[str]:
    """Return every row of every table, but what belongs to the project, as text."""
    found: set[str] = set()
    with connection.cursor() as cursor:
        for model in our_models():
            columns = [column.column for column in model._meta.concrete_fields]
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                values = dict(zip(names, map(str, row), strict=True))
                if values.get("project_id") != str(project.pk) and columns:
                    found.add(f"{model._meta.db_table} {sorted(values.items())}")
    return found


class TestEveryEndpoint:
    @pytest.mark.parametrize("kind", KEYS_OF)
    def test_tells_another_project_nothing(self, stage: Stage, kind: str) -> None:
        client = Client()
        headers = KEYS_OF[kind](stage.other)

        told = [
            str(question)
            for question in questions(stage.names)
            if MARKER in says(question.asked(client, headers), stage)
        ]

        assert told == []

    @pytest.mark.parametrize("kind", KEYS_OF)
    def test_changes_nothing_of_another_project(self, stage: Stage, kind: str) -> None:
        client = Client()
        headers = KEYS_OF[kind](stage.other)
        before = rows(stage.other.project)

        for question in questions(stage.names):
            question.asked(client, headers)

        lost = {row for row in before - rows(stage.other.project) if not is_of_other(row, stage)}
        assert lost == set()
        new = rows(stage.other.project) - before
        assert [row for row in new if f"('project_id', '{stage.shop.project.pk}')" in row] == []

    @pytest.mark.parametrize("is_first", [True, False])
    def test_refuses_the_keys_of_two_projects_together(self, stage: Stage, is_first: bool) -> None:
        client = Client()
        one, two = (stage.shop, stage.other) if is_first else (stage.other, stage.shop)
        headers = {
            "apikey": one.api_key,
            "x-api-key": one.api_key,
            "secretkey": two.secret_key,
            "authorization": f"Bearer {two.secret_key}",
        }
        asked = [each for each in questions(stage.names) if each.takes_two_keys]

        statuses = {each.asked(client, headers).status_code for each in asked}

        assert asked
        assert statuses == {401}

    def test_is_asked_in_every_wire(self, stage: Stage) -> None:
        """Each wire takes the other project's keys at one of the documented paths."""
        client = Client()
        for make_headers in KEYS_OF.values():
            for question in questions(stage.names):
                question.asked(client, make_headers(stage.other))

        uses = set(stage.other.project.wire_uses.values_list("wire", flat=True))
        refused = Quarantine.objects.filter(project=stage.other.project)
        # A batch is kept, and taken by a worker later.
        later = {"gameball_batch"}
        assert set(WIRES) - later <= uses | set(refused.values_list("wire", flat=True))


def is_of_other(row: str, stage: Stage) -> bool:
    """Tell whether a row without a project is the other project's own, or its keys'."""
    return row.startswith("events_project ") and f"('slug', '{stage.other.project.slug}')" in row


def says(answer: Any, stage: Stage) -> str:
    """Return the text of an answer without the names that the question itself brought."""
    text: str = answer.content.decode()
    for name in stage.names.values():
        text = text.replace(name, "")
    return text
