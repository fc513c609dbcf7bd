"""What a key may do: every endpoint is asked with and without its scope."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from events import auth
from events.projects import NewProject
from events.types import Scope
from tests.config.described import DOCUMENT, operations

pytestmark = pytest.mark.django_db(transaction=True)

SCOPE_OF_METHOD = {"GET": Scope.READ, "POST": Scope.INGEST, "PUT": Scope.INGEST}
# Where the method would say something else.
SCOPE_OF = {
    ("POST", "/api/v1/quarantine/replay"): Scope.CONFIGURE,
    ("POST", "/api/v1/quarantine/{id}/replay"): Scope.CONFIGURE,
}
TOKENS = {"userToken"}  # have no scopes to choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One operation of the API with the keys that one way of asking needs."""

    method: str
    path: str
    at: str
    body: bytes
    schemes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path} by {' and '.join(self.schemes)}"

    @property
    def scope(self) -> Scope:
        return SCOPE_OF.get((self.method, self.path), SCOPE_OF_METHOD[self.method])


def questions() -> Iterator[Question]:
    for method, path in operations():
        told = DOCUMENT["paths"][path][method.lower()]
        for need in told["security"]:
            if not TOKENS & set(need):
                yield Question(
                    method=method,
                    path=path,
                    at=path.format(**examples_of(told)),
                    body=body_of(told),
                    schemes=tuple(need),
                )


def examples_of(told: Mapping[str, Any]) -> dict[str, str]:
    return {
        each["name"]: quote(str(each["example"]))
        for each in told["parameters"]
        if each["in"] == "path"
    }


def body_of(told: Mapping[str, Any]) -> bytes:
    content = told.get("requestBody", {"content": {}})["content"]
    for media in content.values():
        for example in media.get("examples", {}).values():
            return json.dumps(example["value"]).encode()
    return b""


def headers_of(question: Question, made: NewProject) -> dict[str, str]:
    """Return the keys of a project as the document says that they are sent."""
    headers = {}
    for name in question.schemes:
        scheme = DOCUMENT["components"]["securitySchemes"][name]
        if scheme["type"] == "http":
            headers["Authorization"] = f"Bearer {made.secret_key}"
        else:
            is_secret = "secret" in scheme["name"].lower()
            headers[scheme["name"]] = made.secret_key if is_secret else made.api_key
    return headers


def ask(question: Question, made: NewProject, scopes: set[Scope]) -> Any:
    """Ask with keys of just these scopes."""
    made.project.api_keys.update(scopes=sorted(scopes))
    auth.forget()
    return Client().generic(
        question.method,
        question.at,
        question.body,
        content_type="application/json",
        headers=headers_of(question, made),
    )


def is_for_want_of_scope(answer: Any) -> bool:
    return answer.status_code in (401, 403) and "scope" in answer.content.decode()


class TestEveryEndpoint:
    @pytest.mark.parametrize("question", list(questions()), ids=str)
    def test_needs_its_scope_and_no_other(self, shop_keys: NewProject, question: Question) -> None:
        with_it = ask(question, shop_keys, {question.scope})
        without_it = ask(question, shop_keys, set(Scope) - {question.scope})

        assert is_for_want_of_scope(without_it), without_it.content
        assert with_it.status_code not in (401, 403, 500), with_it.content
