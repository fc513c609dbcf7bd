"""Tests of the editor of rules and streaks in a real browser, without a line of JSON typed."""

import json
import random
import re
import urllib.request
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from events.metadata import read_json, write_json
from events.projects import NewProject
from events.types import Json
from tests import make
from tests.browser.visit import DESKTOP_PIXELS, PHONE_PIXELS, Scheme, Visitor, visit
from tests.rewards.definitions import DAILY, all_of, any_of, definition, leaf, limit, per_unit

pytestmark = [pytest.mark.browser, pytest.mark.once]

Visitors: TypeAlias = Callable[..., Visitor]

SERIOUS = ("serious", "critical")


@pytest.fixture
def keys(transactional_db: None) -> NewProject:
    """A shop whose only member of staff is ann."""
    keys = make.keyed_project("shop", time_zone="Europe/Berlin")
    make.staff("ann", keys.project)
    return keys


@pytest.fixture
def visitors(live_server: LiveServer, chromium_path: str, keys: NewProject) -> Visitors:
    def made(**columns: Any) -> Visitor:
        return Visitor(url=live_server.url, chromium_path=chromium_path, username="ann", **columns)

    return made


def post(url: str, keys: NewProject, event: Json) -> Any:
    """Send an event as a shop's server does."""
    request = urllib.request.Request(
        f"{url}/api/v1/events",
        data=json.dumps(event).encode(),
        headers={"X-API-Key": keys.api_key, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def told(page: Page) -> Locator:
    """Return the sentence in which the editor tells what the rows say."""
    return page.locator("[data-status]")


def condition(page: Page, number: int = 1) -> Locator:
    return page.get_by_role("group", name="Condition", exact=True).nth(number - 1)


class TestMarketer:
    def test_makes_a_rule_that_pays(
        self, live_server: LiveServer, keys: NewProject, visitors: Visitors, tmp_path: Path
    ) -> None:
        with visit(visitors(), "/admin/") as opened:
            page = opened.page
            make_event_type(page)
            page.screenshot(path=tmp_path / "event-type.png", full_page=True)
            make_rule(page)
            page.screenshot(path=tmp_path / "rule.png", full_page=True)
            page.get_by_role("button", name="Save", exact=True).click()
            expect(page.get_by_text(f"Version 1 is published: {SENTENCE}")).to_be_visible()
            page.screenshot(path=tmp_path / "published.png", full_page=True)

            first, second = (
                post(live_server.url, keys, bought(amount)) for amount in ("12.50", "90")
            )

            page.goto("/admin/events/customer/")
            page.get_by_role("link", name="c-1").click()
            expect(page.get_by_text("100 points").first).to_be_visible()
            expect(page.get_by_text("Two per unit").first).to_be_visible()

            page.goto("/admin/rewards/rule/")
            page.get_by_role("link", name="Two per unit").click()
            page.get_by_label("per", exact=True).fill("0.5")
            expect(told(page)).to_contain_text("Gives 2 points per 0.5 of amount")
            page.get_by_role("button", name="Save", exact=True).click()
            expect(page.get_by_text("Version 2 is published: Gives 2 points")).to_be_visible()

        assert [first["results"][0]["points_awarded"], second["results"][0]["points_awarded"]] == [
            25,
            75,
        ]
        assert (opened.complaints, opened.strangers) == ([], [])


SENTENCE = (
    "Gives 2 points per 1 of amount, rounded down, for each purchase, only when brand is Private; "
    "at most 100 points per customer per calendar month; what is over is dropped."
)


def bought(amount: str) -> Any:
    return {
        "event": "purchase",
        "customer": "c-1",
        "metadata": {"amount": float(amount), "brand": "Private"},
    }


def make_event_type(page: Page) -> None:
    page.goto("/admin/events/eventtype/add/")
    page.locator("#id_name").fill("purchase")
    for number, (name, kind) in enumerate([("amount", "number"), ("brand", "text")]):
        page.get_by_role("link", name="Add another").click()
        page.locator(f"#id_fields-{number}-name").fill(name)
        page.locator(f"#id_fields-{number}-type").select_option(kind)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="purchase").first).to_be_visible()


def make_rule(page: Page) -> None:
    page.goto("/admin/rewards/rule/add/")
    page.locator("#id_name").fill("Two per unit")
    page.get_by_label("State").select_option("live")
    page.get_by_label("Event type").fill("purchase")
    page.get_by_role("button", name="Add condition").click()
    row = condition(page)
    row.get_by_label("Field").select_option("brand (text)")
    row.get_by_label("Value").fill("Private")
    page.get_by_label("It gives").select_option("points per unit of a number")
    page.get_by_label("Points", exact=True).fill("2")
    page.get_by_label("of", exact=True).select_option("amount (number)")
    page.get_by_role("button", name="Add limit").click()
    page.get_by_role("group", name="limit 1").get_by_label("At most").fill("100")
    expect(told(page)).to_have_text(SENTENCE)


DEFINITIONS: list[Json] = [
    definition(),
    definition({"streak": "daily", "milestone": 7}, {"fixed": 5}),
    definition(award=per_unit("1.5", "0.30", step="whole", rounding="ceil", min=1, max=900)),
    definition(
        award={
            "table": [{"from": 0, "to": "9.5", "points": 1}, {"from": 10, "points": 2}],
            "field": "customer.age",
        },
        limits=[
            limit("customer points day", 30),
            limit("project times lifetime", 9, over="refuse"),
        ],
    ),
    definition(
        when=all_of(
            leaf("event.brand", "in", ["A", "B"], case=False),
            leaf("event.weight", "between", [Decimal("0.12345678901234567890123"), 10**25]),
            leaf("time.weekday", "notIn", [6, 7]),
            any_of(
                leaf("event.gift", "is", False),
                leaf("event.odd key.€", "missing"),
                all_of(leaf("customer.level", "beginsWith", 'go"ld\\1 2'), negated=True),
            ),
        )
    ),
]


class TestEditor:
    def test_writes_what_it_read(self, keys: NewProject, visitors: Visitors) -> None:
        make.streak(keys.project, "daily", DAILY)

        with visit(visitors(), "/admin/rewards/rule/add/") as opened:
            page = opened.page
            expect(page.get_by_label("Event type")).to_be_visible()
            written = [page.evaluate(_TOUCHED, write_json(tree).decode()) for tree in DEFINITIONS]

        assert [read_json(text.encode()) for text in written] == DEFINITIONS
        assert (opened.complaints, opened.strangers) == ([], [])

    def test_takes_any_json(self, keys: NewProject, visitors: Visitors) -> None:
        chance = random.Random(7)
        texts = [json.dumps(bent(NESTED, chance)) for _ in range(500)]
        texts += ["", "[", "null", "[]", "{}", "1e999", "[" * 100_000]

        with visit(visitors(), "/admin/rewards/rule/add/") as opened:
            page = opened.page
            expect(page.get_by_label("Event type")).to_be_visible()
            page.evaluate(_SHOWN, texts)
            page.evaluate(_SHOWN, ['{"trigger": "buy", "award": {"fixed": 3}}'])
            expect(told(page)).to_contain_text("Gives 3 points for each buy.")

        assert (opened.complaints, opened.strangers) == ([], [])

    def test_suggests_what_arrived(
        self, live_server: LiveServer, keys: NewProject, visitors: Visitors
    ) -> None:
        post(live_server.url, keys, bought("12.50"))

        with visit(visitors(), "/admin/rewards/rule/add/") as opened:
            page = opened.page
            page.get_by_label("Event type").fill("purchase")
            page.get_by_role("button", name="Add condition").click()
            condition(page).get_by_label("Field").select_option("brand")
            value = condition(page).get_by_label("Value")
            suggested = page.locator(f"datalist#{value.get_attribute('list')} option")
            expect(suggested).to_have_attribute("value", "Private")
            # Told by what arrived: the operators of numbers come last.
            operators = condition(page).get_by_label("Operator").locator("option")
            expect(operators.last).to_have_text("is (yes or no)")

        assert (opened.complaints, opened.strangers) == ([], [])

    def test_shows_an_error_at_its_row(self, keys: NewProject, visitors: Visitors) -> None:
        rule = make.rule(keys.project, "nested", NESTED)

        with visit(visitors(), f"/admin/rewards/rule/{rule.pk}/change/") as opened:
            page = opened.page
            value = condition(page, 2).get_by_label("Value")
            value.fill("")
            expect(value).to_have_accessible_description("Fill this in.")
            value.fill("1,5")
            expect(condition(page, 2)).to_contain_text("Write a number, such as 1.5.")
            page.get_by_role("button", name="Save", exact=True).click()
            expect(value).to_be_focused()
            value.fill("1.5")
            expect(told(page)).to_contain_text("amount is above 1.5")
            page.get_by_role("group", name="limit 2").get_by_label("of").select_option("points")
            expect(page.get_by_role("group", name="limit 2")).to_contain_text(
                "Counts the same as another limit: customer points day."
            )
            page.get_by_role("button", name="Save", exact=True).click()
            expect(page.get_by_text("Please correct the error")).to_be_visible()
            # What was typed is there again, and so is the word at its row.
            expect(value).to_have_value("1.5")
            expect(page.get_by_role("group", name="limit 2")).to_contain_text("Counts the same")

        assert (opened.complaints, opened.strangers) == ([], [])

    def test_needs_no_mouse(self, keys: NewProject, visitors: Visitors) -> None:
        make.event_type(keys.project, "purchase", fields={"amount": "number", "brand": "text"})
        rule = make.rule(keys.project, "nested", NESTED)

        with visit(visitors(), f"/admin/rewards/rule/{rule.pk}/change/") as opened:
            page = opened.page
            press(page, "Move condition 1 down", occurrence=0)
            expect(condition(page, 2).get_by_label("Field")).to_have_value("event.brand")
            press(page, "Remove condition 2", occurrence=0)
            expect(page.get_by_role("button", name="Add condition").last).to_be_focused()
            page.keyboard.press("Enter")
            page.keyboard.type("brand")
            page.keyboard.press("Tab")
            page.keyboard.type("is one of")
            page.keyboard.press("Tab")
            for name in ("Private", "Acme"):
                page.keyboard.type(name)
                page.keyboard.press("Enter")
            expect(told(page)).to_contain_text("brand is one of Private, Acme")

        assert (opened.complaints, opened.strangers) == ([], [])

    def test_keeps_rows_and_json_in_step(self, keys: NewProject, visitors: Visitors) -> None:
        rule = make.rule(keys.project, "nested", NESTED)

        with visit(visitors(), f"/admin/rewards/rule/{rule.pk}/change/") as opened:
            page = opened.page
            page.get_by_text("As JSON").click()
            area = page.get_by_label("The definition as JSON")
            area.fill('{"trigger": "refund", "award": {"fixed": 3}}')
            expect(page.get_by_label("Event type")).to_have_value("refund")
            expect(told(page)).to_contain_text("Gives 3 points for each refund.")
            expect(told(page)).to_contain_text("refund is no event type of the project yet")
            page.get_by_label("Points", exact=True).fill("4")
            expect(area).to_have_value(re.compile('"fixed": 4'))
            area.fill('{"trigger": ')
            expect(page.get_by_text("can’t be shown in rows")).to_be_visible()

        assert (opened.complaints, opened.strangers) == ([], [])

    def test_asks_for_the_project_first(self, keys: NewProject, visitors: Visitors) -> None:
        other = make.project("other", time_zone="Asia/Kathmandu")
        other.members.add(*keys.project.members.all())
        make.event_type(other, "level_won")

        with visit(visitors(), "/admin/rewards/rule/add/") as opened:
            page = opened.page
            expect(page.get_by_text("Choose the project first")).to_be_visible()
            page.locator("#id_project").select_option("other")
            expect(page.locator("datalist option[value=level_won]")).to_be_attached()
            expect(page.get_by_text("In Asia/Kathmandu.").first).to_be_visible()

        assert (opened.complaints, opened.strangers) == ([], [])

    def test_makes_a_streak(self, keys: NewProject, visitors: Visitors) -> None:
        with visit(visitors(), "/admin/rewards/streak/add/") as opened:
            page = opened.page
            page.locator("#id_name").fill("weekly")
            page.get_by_label("Event type").fill("purchase")
            page.get_by_label("counted in").select_option("weeks")
            page.get_by_role("button", name="Add milestone").click()
            row = page.get_by_role("group", name="milestone 1")
            row.get_by_label("this many").fill("4")
            row.get_by_label("points").fill("50")
            expect(told(page)).to_contain_text("gives 50 points at 4 weeks.")
            page.get_by_role("button", name="Save", exact=True).click()
            expect(page.get_by_text("Version 1 is published: Counts weeks")).to_be_visible()

        assert (opened.complaints, opened.strangers) == ([], [])

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [DESKTOP_PIXELS, PHONE_PIXELS])
    def test_fits_the_screen_and_everyone(
        self, keys: NewProject, visitors: Visitors, tmp_path: Path, width: int, scheme: Scheme
    ) -> None:
        shop = keys.project
        bought = make.event_type(shop, "purchase", fields={"amount": "number", "brand": "text"})
        rule = make.rule(shop, "nested", NESTED)
        streak = make.streak(shop, "daily", DAILY)
        paths = {
            "rule": f"/admin/rewards/rule/{rule.pk}/change/",
            "new-rule": "/admin/rewards/rule/add/",
            "streak": f"/admin/rewards/streak/{streak.pk}/change/",
            "event-type": f"/admin/events/eventtype/{bought.pk}/change/",
        }
        too_wide: list[str] = []
        serious: dict[str, list[str]] = {}

        with visit(visitors(width=width, scheme=scheme), "/admin/") as opened:
            page = opened.page
            for name, path in paths.items():
                page.goto(path)
                page.wait_for_load_state("networkidle")
                page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png", full_page=True)
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    too_wide.append(name)
                if found := barriers(page):
                    serious[name] = found

        assert (too_wide, serious) == ([], {})
        assert (opened.complaints, opened.strangers) == ([], [])


NESTED = definition(
    "purchase",
    {
        "table": [{"from": 0, "to": 50, "points": 5}, {"from": 50, "points": 20}],
        "field": "event.amount",
    },
    when=all_of(
        leaf("event.brand", "=", "Private", case=False),
        leaf("event.amount", ">", 5),
        any_of(
            leaf("time.weekday", "in", [6, 7]),
            all_of(leaf("time.hour", "between", [18, 22]), leaf("customer.vip", "is", True)),
        ),
    ),
    limits=[limit("customer points day", 30), limit("customer times day", 3)],
)

# Puts a definition into the JSON, and says of a row that it changed: to what it was.
_TOUCHED = """(text) => {
  const area = document.querySelector("textarea[name=definition]");
  area.value = text;
  area.dispatchEvent(new Event("input"));
  document.querySelector("[data-rows] input[type=text]").dispatchEvent(new Event("input"));
  if (area.value === text) throw new Error("The rows wrote nothing.");
  return area.value;
}"""


# Writes definitions as JSON, one after the other.
_SHOWN = """(texts) => {
  const area = document.querySelector("textarea[name=definition]");
  for (const text of texts) {
    area.value = text;
    area.dispatchEvent(new Event("input"));
  }
}"""

_ODD: list[Any] = [None, True, 7, "", "x", [], {}, [None], {"rules": []}, {"field": "event.x"}]


def bent(tree: Any, chance: random.Random) -> Any:
    """Return the tree with something odd in one of its places, or without that place."""
    if not isinstance(tree, (dict, list)) or not tree or chance.random() < 0.1:
        return chance.choice(_ODD)
    places: list[Any] = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    place = chance.choice(places)
    copy: Any = tree.copy()
    if chance.random() < 0.2:
        del copy[place]
    else:
        copy[place] = bent(copy[place], chance)
    return copy


def press(page: Page, name: str, *, occurrence: int) -> None:
    page.get_by_role("button", name=name, exact=True).nth(occurrence).focus()
    page.keyboard.press("Enter")


def barriers(page: Page) -> list[str]:
    """Return what keeps people out of the editor and the forms, by axe's word."""
    violations = Axe().run(page, context="#content-main").response["violations"]
    return [
        f"{each['id']}: {node['html']}"
        for each in violations
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
