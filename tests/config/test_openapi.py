"""Tests of the OpenAPI document and the page that shows it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern
from openapi_spec_validator import validate

from events import limits
from events.types import RefusalCode
from events.views import IngestView
from tests.config.described import (
    DOCUMENT,
    operations,
    route_of_path,
    validation_faults,
)
from tests.routes import our_routes


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
    if issubclass(view, IngestView):
        given = initial(pattern)
        return {*given.get("takes", view.takes), *(["GET"] if given.get("on_get") else [])}
    return {name.upper() for name in ("get", "post", "put", "delete") if hasattr(view, name)}


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
