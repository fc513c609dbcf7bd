"""The documentation names everything that there is, and nothing else."""

import ast
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import resolve

from analytics import filters
from analytics.sketches import RELATIVE_ERROR, VALUES_CAP
from analytics.summaries import LATE_HOURS
from config.demo import WORLDS, shop
from config.demo.world import DAYS
from config.set_up import Counts as SetUpCounts
from config.set_up import read_set_up
from events import heartbeat, limits, paging
from events.limits import LIMITS, Limit
from events.metadata import read_json
from events.models import Project
from events.projects import NewProject
from events.types import Refusal, RefusalCode
from events.wires import native
from rewards import conditions
from rewards.operators import OPERATORS
from tests import make
from tests.calling import Answer, Caller
from tests.config.described import operations, route_of_path
from tests.examples import FENCED, Example, curl_examples, differences, examples, texts_in
from tests.routes import our_routes
from tests.test_tools import PACKAGES

ROW = re.compile(r"^\| `(\w+)[^|]*\|(.*)\|$", re.MULTILINE)
DOTTED_ROW = re.compile(r"^\| `(\w+(?:\.\w+)+)` \| ([\d,]+) \|", re.MULTILINE)
HEADING = re.compile(r"^### (\w+)$", re.MULTILINE)
ENDPOINT = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`?\s]*)")
OPERATOR = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")
WIRE_PAGE = re.compile(r"^\|.*\(wires/(\w+)\.md\)", re.MULTILINE)
CURL_OF_READING = re.compile(r'curl "?http://127\.0\.0\.1:8000([^"\s]+)"? -H')
CURL = re.compile(r"curl http://127\.0\.0\.1:8000(\S+) .*?-d '(.*?)'\n", re.DOTALL)
VOCABULARY = {
    "project", "api key", "customer", "profile update", "claim", "merge", "event", "event type",
    "metadata", "field", "wire", "outcome", "discard", "receipt", "batch", "quarantine", "rule",
    "version", "condition", "award", "streak", "ledger", "rollup", "sketch", "profile",
}  # fmt: skip
NO_WIRES = {"named_events", "reading", "replies", "registry", "collision"}
VENDORS = sorted(path.stem for path in (settings.BASE_DIR / "docs" / "wires").glob("*.md"))


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
        cells = [cell.strip() for cell in rows(limits_of_requests())[limit.name].split("|")]

        assert cells == [value, limit.unit, code, limit.meaning]

    def test_are_all_there_are(self) -> None:
        assert set(rows(limits_of_requests())) == {limit.name for limit in LIMITS}

    def test_of_set_ups_and_statistics_are_those_of_the_code(self) -> None:
        documented = dict(DOTTED_ROW.findall(page("limits")))
        held = {name: f"{constant(name):,}" for name in documented}

        assert documented == held
        assert documented


def limits_of_requests() -> str:
    return page("limits").split("\n## ", 1)[0]


def constant(dotted: str) -> int:
    module, name = dotted.rsplit(".", 1)
    found: int = getattr(import_module(module), name)
    return found


class TestFigures:
    """What the pages say with a number, said as the code has it."""

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("api", f"A list of up to {limits.EVENTS_PER_REQUEST:,}"),
            ("api", f"({paging.PAGE_ROWS} rows unless said otherwise)"),
            ("api", f"in short, {limits.LISTED_FIELDS} to a page"),
            ("api", f"Receipts are kept for {limits.RECEIPT_DAYS} days"),
            ("api", f"default: the last {filters.DEFAULT_DAYS} days"),
            ("quickstart", f"happened in the last {filters.DEFAULT_DAYS} days"),
            ("rules", f"at most {conditions.DEPTH_LEVELS} levels and {conditions.LEAVES} comp"),
            ("rules", f"reward window ({Project().reward_window_days} days)"),
            ("statistics", f"10^{limits.EXACT_DIGITS} with at most {limits.EXACT_DIGITS} digits"),
            ("statistics", f"no day has more than {VALUES_CAP:,} different values"),
            ("statistics", f"A day with more than {VALUES_CAP:,} values"),
            ("statistics", f"more than {LATE_HOURS} hours after they happened"),
            ("statistics", f"within {RELATIVE_ERROR * 100:g} % of the value"),
        ],
    )
    def test_are_those_of_the_code(self, name: str, told: str) -> None:
        assert told in " ".join(page(name).split())


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
        wires = {path.stem for path in folder.glob("[!_]*")} - NO_WIRES

        assert {*HEADING.findall(section(page("api"), "Wires")), *VENDORS} == wires

    def test_of_vendors_stand_in_the_table(self) -> None:
        table = section(page("api"), "Wires")

        assert sorted(WIRE_PAGE.findall(table)) == VENDORS


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

        assert set(our_routes()) <= documented


def documented_paths() -> Iterator[str]:
    """Yield each path that a page names with its method, an example's name in each brace."""
    pages = ["api", "operations", *wire_pages()]
    for _, path in ENDPOINT.findall("".join(map(page, pages))):
        yield path.replace("{", "").replace("}", "")


def wire_pages() -> list[str]:
    return [f"wires/{vendor}" for vendor in VENDORS]


class TestExamples:
    """The requests that the pages show are sent as they stand there."""

    def test_of_the_readme_is_accepted(self, shop_keys: NewProject) -> None:
        [(path, body)] = CURL.findall(readme())

        answer = Caller(keys=shop_keys).post(path, body.encode())

        assert answer.status == 200
        assert answer.body["results"][0]["status"] == "accepted"

    def test_of_the_quick_start_is_answered_as_shown_in_the_demo(
        self, shop_keys: NewProject, clock: time_machine.Traveller
    ) -> None:
        read_set_up(shop_keys.project, shop.WORLD.set_up(make.NOW.date()), by=None, now=make.NOW)
        [(path, body)] = CURL.findall(page("quickstart"))
        [shown] = [text for text in FENCED.findall(page("quickstart")) if text.startswith("{")]
        caller = Caller(keys=shop_keys)

        answer = caller.post(path, body.encode())
        again = caller.post(path, body.encode())

        assert differences(json.loads(shown), answer.body) == []
        assert again.body["results"][0]["status"] == "duplicate"

    def test_of_what_the_quick_start_reads_are_answered(
        self, shop_keys: NewProject, clock: time_machine.Traveller
    ) -> None:
        caller = Caller(keys=shop_keys)
        [(path, body)] = CURL.findall(page("quickstart"))
        caller.post(path, body.encode())

        asked = CURL_OF_READING.findall(page("quickstart"))
        statuses = {path: caller.get(path).status for path in asked}

        assert set(statuses.values()) == {200}
        assert len(statuses) == 2

    def test_of_the_api_are_answered_as_shown(
        self, shop_keys: NewProject, clock: time_machine.Traveller
    ) -> None:
        set_up_as_shown(shop_keys.project)
        heartbeat.beat("worker-1", now=make.NOW)
        caller = Caller(keys=shop_keys)
        known: dict[str, str] = {}
        wrong: dict[str, list[str]] = {}

        for example in examples(page("api")):
            answer = answer_to(example, caller, example.path_with(known))
            known |= dict(texts_in(answer.body))
            if found := differences(example.shown, answer.body):
                wrong[f"{example.method} {example.path}"] = found

        assert wrong == {}

    @pytest.mark.parametrize("name", wire_pages())
    def test_of_a_wire_are_answered_as_shown(
        self, name: str, shop_keys: NewProject, clock: time_machine.Traveller
    ) -> None:
        set_up_as_shown(shop_keys.project)
        known: dict[str, str] = {}
        wrong: dict[str, list[str]] = {}

        shown = list(curl_examples(page(name), keys_of(shop_keys)))
        for example in shown:
            answer = answer_to_curl(example, example.path_with(known))
            known |= dict(texts_in(answer.body))
            found = differences(example.shown, answer.body)
            if answer.status != example.status:
                found.append(f"{answer.status}, shown as {example.status}")
            if found:
                wrong[f"{example.method} {example.path} {example.body}"] = found

        assert wrong == {}
        assert shown

    def test_of_the_api_are_there_for_every_endpoint(self) -> None:
        shown = {(example.method, route_of(example)) for example in examples_of_all_pages()}
        told = {(method, route_of_path(path)) for method, path in operations()}

        assert shown == told


def route_of(example: Example) -> str:
    path = example.path.split("?")[0]
    return str(resolve(path.replace("{", "").replace("}", "")).route)


def examples_of_all_pages() -> Iterator[Example]:
    yield from examples(page("api"))
    for name in wire_pages():
        shown = curl_examples(page(name), {})
        # Some show what is not served.
        yield from (example for example in shown if example.status != 404)


def keys_of(keys: NewProject) -> dict[str, str]:
    return {"API_KEY": keys.api_key, "SECRET_KEY": keys.secret_key, "TOKEN": keys.jwt}


def answer_to_curl(example: Example, path: str) -> Answer:
    headers = dict(example.headers)
    response = Client().generic(
        example.method,
        path,
        example.body.encode(),
        content_type=headers.pop("content-type", ""),
        headers=headers,
    )
    return Answer(
        status=response.status_code,
        body=json.loads(response.content),
        headers=dict(response.headers),
    )


def answer_to(example: Example, caller: Caller, path: str) -> Answer:
    if example.method == "POST":
        return caller.post(path, example.body.encode())
    return caller.get(path)


def set_up_as_shown(project: Project) -> SetUpCounts:
    """Read the set-up that docs/rules.md shows."""
    [shown] = FENCED.findall(page("rules"))
    given = read_json(shown.encode())
    assert not isinstance(given, Refusal)
    return read_set_up(project, given, by=None, now=make.NOW)


class TestConcepts:
    def test_are_the_words_that_the_pages_use(self) -> None:
        headings = re.findall(r"^### (.+)$", page("concepts"), re.MULTILINE)

        assert {heading.lower() for heading in headings} == VOCABULARY


class TestReadme:
    def test_tells_of_the_demo_as_it_is(self) -> None:
        assert f"{DAYS} days of events" in readme()
        assert {world.slug for world in WORLDS} == {"shop", "game"}

    def test_names_every_page_of_the_documentation(self) -> None:
        pages = {path.name for path in (settings.BASE_DIR / "docs").glob("*.md")}
        pages |= {f"{vendor}.md" for vendor in VENDORS}

        assert pages <= {link.rsplit("/", 1)[-1] for link in LINK.findall(readme())}


def readme() -> str:
    return (settings.BASE_DIR / "README.md").read_text()


class TestRules:
    def test_name_every_operator(self) -> None:
        assert OPERATOR.findall(section(page("rules"), "Conditions")) == list(OPERATORS)

    def test_show_a_set_up_that_is_read(self, shop: Project) -> None:
        counts = set_up_as_shown(shop)

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
