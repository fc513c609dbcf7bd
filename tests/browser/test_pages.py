"""Tests of an analyst's way through the pages, in a real browser."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from events.models import Project
from tests import make, running
from tests.browser import month
from tests.browser.month import FIELDS, FIRST, LAST
from tests.browser.reading import (
    barriers,
    cells,
    cut_texts,
    hidden_columns,
    overflow,
    wait_for_charts,
)
from tests.browser.visit import DESKTOP_PIXELS, PHONE_PIXELS, Scheme, Visitor, visit

pytestmark = [pytest.mark.browser, pytest.mark.once]

Visitors: TypeAlias = Callable[..., Visitor]

SCHEMES: tuple[Scheme, ...] = ("light", "dark")

# One page of each kind; "mixed" has the panels of numbers, texts, booleans and arrays.
MAIN_PATHS = [
    "/analytics/",
    "/analytics/shop/",
    "/analytics/shop/play/",
    "/analytics/shop/play/mixed/",
    "/analytics/shop/?from=2026-03-02&to=2026-03-01",
]
OTHER_PATHS = [
    "/analytics/empty/",
    "/analytics/nowhere/",
    "/analytics/shop/play/?from=2020-01-01&to=2020-01-02",
    *(f"/analytics/shop/play/{name}/" for name in ("wide", "brand", "app", "due", "order")),
    "/analytics/shop/play/street/",
]

# What a browser's console says of a page that answers 400 or 404, as these do on purpose.
REFUSED = "Failed to load resource: the server responded with a status of "


@pytest.fixture
def shop(transactional_db: None) -> Project:
    project = make.project("shop", time_zone="Europe/Berlin")
    make.project("empty")
    month.play(project)
    return project


@pytest.fixture
def visitors(live_server: LiveServer, chromium_path: str, shop: Project, clock: None) -> Visitors:
    """Makes visitors who see every project, on the day of the last event."""
    make.staff("bob", is_superuser=True)

    def made(**columns: Any) -> Visitor:
        return Visitor(url=live_server.url, chromium_path=chromium_path, username="bob", **columns)

    return made


def downloaded(page: Page, panel: str) -> list[list[str]]:
    """Return what the link for CSV of a panel gives."""
    with page.expect_download() as download:
        page.get_by_role("link", name=f"CSV of {panel}", exact=True).click()
    text = Path(download.value.path()).read_bytes().decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def faults_of(page: Page) -> list[str]:
    """Return what is cut, too wide or in somebody's way."""
    wide = [f"{overflow(page)} pixels too wide"] if overflow(page) > 0 else []
    return [
        f"{page.url} at {page.viewport_size}: {fault}"
        for fault in (*cut_texts(page), *wide, *barriers(page))
    ]


class TestAnalyst:
    def test_walks_from_the_overview_to_a_field(self, visitors: Visitors) -> None:
        with visit(visitors(), "/") as opened:
            page = opened.page
            page.get_by_role("main").get_by_role("link", name="shop").click()
            wait_for_charts(page)
            tiles = page.locator(".tile data").evaluate_all("(all) => all.map((one) => one.value)")
            [[event_type, _, events, *_]] = cells(page, "Event types")
            by_day = cells(page, "Events by day")
            file = downloaded(page, "Events by day")
            page.get_by_role("link", name="play", exact=True).click()
            wait_for_charts(page)
            listed = {name: type_ for name, type_, *_ in cells(page, "Fields of the metadata")}
            page.get_by_role("link", name="order", exact=True).click()
            figures = dict(cells(page, "Identifiers in order"))

        assert tiles[0] == events == "361"
        assert tiles[2] == str(5 * 361)
        assert event_type == "play"
        assert sum(int(row[1]) for row in by_day) == 361
        assert sum(int(row[2]) for row in by_day) == 240
        assert [row[:3] for row in file[1:]] == [row[:3] for row in by_day]
        assert set(listed) == set(FIELDS)
        assert {name: listed[name] for name in ("app", "due", "gift", "order", "price")} == {
            "app": "version",
            "due": "date",
            "gift": "boolean",
            "order": "identifier",
            "price": "number",
        }
        assert figures["Values"] == figures["Distinct"]
        assert (opened.complaints, opened.strangers) == ([], [])

    def test_changes_what_is_shown_and_goes_back(self, visitors: Visitors) -> None:
        with visit(visitors(), "/analytics/shop/") as opened:
            page = opened.page
            page.evaluate("window.isFirstPage = true")
            page.get_by_label("Interval").select_option("week")
            page.wait_for_url(f"**/shop/?from={FIRST}&to={LAST}&interval=week&compare=previous")
            weeks = cells(page, "Events by week")
            wait_for_charts(page)
            page.get_by_label("Compare with").select_option("none")
            page.wait_for_url("**&compare=none")
            wait_for_charts(page)
            page.get_by_role("link", name="7 days").click()
            page.wait_for_url("**/shop/?from=2026-02-24&*")
            wait_for_charts(page)
            expect(page.locator("[aria-current]", has_text="7 days")).to_be_visible()
            is_same_page = page.evaluate("window.isFirstPage")
            days = cells(page, "Events by week")
            page.go_back()
            expect(page.get_by_label("From", exact=True)).to_have_value(str(FIRST))
            wait_for_charts(page)
            expect(page.get_by_label("Compare with")).to_have_value("none")
            again = cells(page, "Events by week")

        assert is_same_page
        assert sum(int(row[1]) for row in weeks) == 361
        assert len(weeks[0]) == len(again[0]) + 2
        assert sum(int(row[1]) for row in days) == 7 * 12 + 1
        assert [row[:2] for row in again] == [row[:2] for row in weeks]
        assert (opened.complaints, opened.strangers) == ([], [])

    def test_types_days_and_searches_fields(self, visitors: Visitors) -> None:
        with visit(visitors(), "/analytics/shop/play/") as opened:
            page = opened.page
            page.get_by_label("Search fields").press_sequentially("ri")
            page.wait_for_url("**q=ri&**")
            expect(page.get_by_label("Search fields")).to_be_focused()
            found = [name for name, *_ in cells(page, "Fields of the metadata")]
            page.get_by_label("From", exact=True).fill(str(LAST))
            page.wait_for_url(f"**/play/?from={LAST}&**")
            expect(page.get_by_role("heading", name="customers by hour")).to_be_visible()

        assert found == ["price"]
        assert (opened.complaints, opened.strangers) == ([], [])

    def test_needs_no_mouse(self, visitors: Visitors, tmp_path: Path) -> None:
        with visit(visitors(), "/analytics/shop/play/price/") as opened:
            page = opened.page
            wait_for_charts(page)
            page.keyboard.press("Tab")
            expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
            page.keyboard.press("Enter")
            expect(page.get_by_role("main")).to_be_focused()
            page.locator(".switch summary").focus()
            page.keyboard.press("Enter")
            page.keyboard.press("Tab")
            expect(page.get_by_role("link", name="empty", exact=True)).to_be_focused()
            page.keyboard.press("Escape")
            expect(page.get_by_role("link", name="empty", exact=True)).to_be_hidden()
            page.get_by_role("button", name="PNG of Distribution of price").focus()
            with page.expect_download() as download:
                page.keyboard.press("Enter")
            download.value.save_as(tmp_path / "chart.png")
            file_name = download.value.suggested_filename
            page.keyboard.press("Tab")
            expect(page.get_by_role("link", name="CSV of Distribution of price")).to_be_focused()

        assert file_name == "Distribution of price, logarithmic bins.png"
        assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
        assert (opened.complaints, opened.strangers) == ([], [])


class TestPage:
    @pytest.mark.parametrize(
        ("scheme", "paths"), [("light", [*MAIN_PATHS, *OTHER_PATHS]), ("dark", MAIN_PATHS)]
    )
    def test_fits_every_screen_and_reader(
        self, visitors: Visitors, scheme: Scheme, paths: list[str]
    ) -> None:
        faults: list[str] = []

        with visit(visitors(scheme=scheme), "/") as opened:
            page = opened.page
            for width in (DESKTOP_PIXELS, PHONE_PIXELS):
                page.set_viewport_size({"width": width, "height": 900})
                for path in paths:
                    page.goto(path)
                    wait_for_charts(page, scheme)
                    faults += faults_of(page)

        assert faults == []
        assert [told for told in opened.complaints if not told.startswith(REFUSED)] == []
        assert opened.strangers == []

    @pytest.mark.parametrize("path", ["/analytics/shop/play/", "/analytics/shop/play/price/"])
    def test_shows_all_columns_on_a_phone(self, visitors: Visitors, path: str) -> None:
        with visit(visitors(width=PHONE_PIXELS), path) as opened:
            page = opened.page
            wait_for_charts(page)
            page.locator("details.figures").evaluate_all("(all) => all.map((one) => one.open = 1)")
            hidden = hidden_columns(page)
            headers = page.get_by_role("columnheader").count()
            labels = page.locator("tbody tr:first-child [data-label]").count()

        assert hidden == []
        assert headers == labels > 0

    def test_works_without_scripts(
        self, live_server: LiveServer, chromium_path: str, visitors: Visitors
    ) -> None:
        with visit(visitors(is_scripted=False), "/analytics/shop/") as opened:
            page = opened.page
            page.get_by_label("Interval").select_option("month")
            page.get_by_role("button", name="Show").click()
            page.wait_for_url("**interval=month**")
            months = cells(page, "Events by month")
            expect(page.locator(".chart:visible")).to_have_count(0)

        assert sum(int(row[1]) for row in months) == 361


# Each kind of page, of what the demo brings.
PICTURES = {
    "overview": "/analytics/shop/",
    "event-type": "/analytics/shop/order_placed/",
    "field": "/analytics/shop/order_placed/total/",
    "admin": "/admin/",
}


# A machine that does other work meanwhile takes longer to seed the demo than the 60 s promised.
BUSY_SECONDS = 300


class TestDemo:
    def test_has_its_picture_taken(
        self, screenshots: Path, tmp_path: Path, database_url: str, chromium_path: str
    ) -> None:
        installation = running.installation(tmp_path / "var", database_url)

        with installation.up(command="demo", ready_seconds=BUSY_SECONDS):
            login = json.loads((installation.data_dir / "demo.json").read_text())
            visitor = Visitor(
                url=f"http://127.0.0.1:{installation.port}",
                chromium_path=chromium_path,
                username=login["login"],
                password=login["password"],
            )
            with visit(visitor, "/") as opened:
                paths = PICTURES | {"rule-editor": path_of_a_rule(opened.page)}
                for name, path in paths.items():
                    take_pictures(opened.page, path, screenshots / name)

        assert (opened.complaints, opened.strangers) == ([], [])
        assert len(list(screenshots.glob("*.png"))) >= 4 * len(paths)


def path_of_a_rule(page: Page) -> str:
    """Return where the first rule with a condition is edited in the admin."""
    page.goto("/admin/rewards/rule/")
    rule = page.locator("#result_list tr", has_text="only when").first
    path = rule.locator("a[href*='/change/']").first.get_attribute("href")
    assert path
    return path


def take_pictures(page: Page, path: str, name: Path) -> None:
    """Write one for each scheme and width, like overview-375-dark.png."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in (DESKTOP_PIXELS, PHONE_PIXELS):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(path)
            wait_for_charts(page, scheme)
            # Alpine shows what it governs in the admin once it has read the page.
            expect(page.locator("html:not([x-cloak])")).to_have_count(1)
            # What sticks to the end of the window is at the end of the page then.
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=f"{name}-{width}-{scheme}.png", full_page=True)
