"""The documentation names everything that there is, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from config.set_up import read_set_up
from events.limits import LIMITS, Limit
from events.metadata import read_json
from events.models import Project
from events.projects import NewProject
from events.types import Refusal, RefusalCode
from events.wires import native
from rewards.operators import OPERATORS
from tests import make
from tests.test_tools import PACKAGES

ROW = re.compile(r"^\| `(\w+)[^|]*\|(.*)\|$", re.MULTILINE)
HEADING = re.compile(r"^### (\w+)$", re.MULTILINE)
ENDPOINT = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`?\s]*)")
OPERATOR = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")
CURL = re.compile(r"curl http://127\.0\.0\.1:8000(\S+) .*?-d '(.*?)'\n", re.DOTALL)
FENCED = re.compile(r"^```\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
SHARED_BY_WIRES = {"reading", "replies"}


def page(name: str) -> str:
    return (settings.BASE_DIR / "docs" / f"{name}.md").read_text()


def section(text: str, heading: str) -> str:
    """Return what stands under a heading of the second level."""
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def rows(text: str) -> dict[str, str]:
    """Return the rest of each table row by the name that stands first in it."""
    return dict(ROW.findall(text))


class TestLimits:
    @pytest.mark.parametrize("limit", LIMITS, ids=[limit.name for limit in LIMITS])
    def test_stand_with_value_and_code(self, limit: Limit) -> None:
        # A year is no quantity and has no thousands.
        value = str(limit.value) if limit.unit == "year" else f"{limit.value:,}"
        code = f"`{limit.code}`" if limit.code else ""
        cells = [cell.strip() for cell in rows(page("limits"))[limit.name].split("|")]

        assert cells == [value, limit.unit, code, limit.meaning]

    def test_are_all_there_are(self) -> None:
        assert set(rows(page("limits"))) == {limit.name for limit in LIMITS}


class TestSettings:
    def test_are_those_that_are_read(self) -> None:
        assert set(rows(section(page("operations"), "Settings"))) == set(settings_read())


def settings_read() -> Iterator[str]:
    tree = ast.parse((settings.BASE_DIR / "config" / "settings.py").read_text())
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="env")),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name


class TestCommands:
    def test_are_those_that_there_are(self) -> None:
        assert set(rows(section(page("operations"), "Commands"))) == set(commands())


def commands() -> Iterator[str]:
    for package in PACKAGES:
        folder = settings.BASE_DIR / package / "management" / "commands"
        yield from (path.stem for path in folder.glob("[!_]*.py"))


class TestWires:
    def test_are_those_that_there_are(self) -> None:
        folder: Path = settings.BASE_DIR / "events" / "wires"
        wires = {path.stem for path in folder.glob("[!_]*.py")} - SHARED_BY_WIRES

        assert set(HEADING.findall(section(page("api"), "Wires"))) == wires


class TestErrorCodes:
    def test_stand_with_their_status(self) -> None:
        documented = {
            code: int(rest.split("|")[0])
            for code, rest in rows(section(page("api"), "Error codes")).items()
        }

        assert documented == {str(code): native.STATUS_OF[code] for code in RefusalCode}


class TestEndpoints:
    def test_are_all_there_are(self) -> None:
        """A path that stands in the documentation and leads nowhere raises Resolver404."""
        documented = {resolve(example).route for example in documented_paths()}

        assert our_routes() <= documented


def documented_paths() -> Iterator[str]:
    """Yield each path that a page names with its method, an example's name in each brace."""
    for _, path in ENDPOINT.findall(page("api") + page("operations")):
        yield path.replace("{", "").replace("}", "")


def our_routes() -> set[str]:
    return {
        route
        for route, pattern in leaves("", get_resolver())
        if pattern.callback.__module__.split(".")[0] in PACKAGES
        if not route.startswith("admin/")
    }


def leaves(prefix: str, resolver: URLResolver) -> Iterator[tuple[str, URLPattern]]:
    """Yield every pattern below the resolver with its whole route, as ResolverMatch has it."""
    for entry in resolver.url_patterns:
        part = str(entry.pattern)
        route = prefix + part.removeprefix("^") if prefix else part
        if isinstance(entry, URLResolver):
            yield from leaves(route, entry)
        else:
            yield route, entry


class TestExamples:
    """The requests that the pages show are sent as they stand there."""

    def test_of_the_readme_is_accepted(self, client: Client, shop_keys: NewProject) -> None:
        readme = (settings.BASE_DIR / "README.md").read_text()
        [(path, body)] = CURL.findall(readme)

        answer = client.post(
            path, body, "application/json", headers={"X-API-Key": shop_keys.api_key}
        )

        assert answer.status_code == 200
        assert answer.json()["results"][0]["status"] == "accepted"

    @pytest.mark.parametrize("wire", ["native", "lynes"])
    def test_of_a_wire_is_accepted(self, client: Client, shop_keys: NewProject, wire: str) -> None:
        make.event_type(shop_keys.project, "purchase_completed")
        text = page("api").split(f"\n### {wire}\n", 1)[1]
        _, path = ENDPOINT.findall(text)[0]
        body = FENCED.findall(text)[0]

        answer = client.post(
            path, body, "application/json", headers={"X-API-Key": shop_keys.api_key}
        )

        assert answer.status_code == 200


class TestRules:
    def test_name_every_operator(self) -> None:
        assert OPERATOR.findall(section(page("rules"), "Conditions")) == list(OPERATORS)

    def test_show_a_set_up_that_is_read(self, shop: Project) -> None:
        [shown] = FENCED.findall(page("rules"))
        given = read_json(shown.encode())
        assert not isinstance(given, Refusal)

        counts = read_set_up(shop, given, by=None, now=make.NOW)

        assert (counts.event_types, counts.rules, counts.streaks) == (1, 1, 1)


class TestLinks:
    def test_lead_somewhere(self) -> None:
        pages = [settings.BASE_DIR / "README.md", *(settings.BASE_DIR / "docs").rglob("*.md")]
        dead = [
            (page.name, link)
            for page in pages
            for link in LINK.findall(page.read_text())
            if not (page.parent / link).exists()
        ]

        assert dead == []
