"""Tests of the analysts' pages in a real browser."""

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from analytics import rollup, statistics
from analytics.statistics import Question, Values
from events.models import Project
from events.types import Json
from tests import make
from tests.analytics import feed
from tests.analytics.feed import Sent
from tests.browser.visit import DESKTOP_PIXELS, PHONE_PIXELS, Scheme, Visitor, visit

pytestmark = [pytest.mark.browser, pytest.mark.once]

FIELDS = ("price", "wide", "brand", "gift", "mixed")
BRANDS = [
    "Acme",
    "Größe & Söhne",
    "<b>bold</b>",
    "$x$",
    "a rather long name of a brand",
    "",
    " ",
    "%{y}",
]
MIXED: list[Json] = [None, 1, Decimal("2.5"), "1", "b", True, ["x", "y"]]
DAYS = 30
LAST = make.NOW.date()
FIRST = LAST - timedelta(days=DAYS - 1)

Visitors: TypeAlias = Callable[..., Visitor]


@pytest.fixture
def visitors(live_server: LiveServer, chromium_path: str, played: Project) -> Visitors:
    """Makes visitors who belong to the staff of the shop."""
    make.staff("ann", played)

    def made(**columns: Any) -> Visitor:
        return Visitor(url=live_server.url, chromium_path=chromium_path, username="ann", **columns)

    return made


@pytest.fixture
def played(transactional_db: None) -> Project:
    """A shop with a month of events, folded but for the last."""
    project = make.project("shop", time_zone="Europe/Berlin")
    chance = random.Random(7)
    feed.send(project, *(_played(chance, day) for day in range(DAYS) for _ in range(12)))
    rollup.roll_up(seconds=60)
    feed.send(project, _played(chance, 0))
    return project


def _played(chance: random.Random, days_ago: int) -> Sent:
    [brand] = chance.choices(BRANDS, weights=range(len(BRANDS), 0, -1))
    metadata: dict[str, Json] = {
        "price": Decimal(f"{chance.lognormvariate(3, 1.5):.2f}"),
        "wide": Decimal(chance.randrange(1, 99)).scaleb(chance.randrange(-9, 18)),
        "brand": brand,
        "gift": chance.random() < 0.3,
        "mixed": chance.choice(MIXED),
    }
    return Sent(
        occurred_at=make.NOW - timedelta(days=days_ago, seconds=chance.randrange(3600)),
        metadata=metadata if chance.random() < 0.9 else {},
    )


def expected(project: Project, name: str) -> Values:
    field = feed.field(project, name)
    question = Question(
        project=project, event_type=field.event_type, field=field, first=FIRST, last=LAST
    )
    return statistics.field_statistics(question, now=make.NOW).total


def path_of(name: str) -> str:
    return reverse("field-page", args=["shop", "play", name]) + f"?from={FIRST}&to={LAST}"


def wait_for_charts(page: Page, scheme: Scheme = "light") -> None:
    for chart in page.locator("[data-figure]").all():
        expect(chart).to_have_attribute("data-drawn", scheme)


def cells(page: Page, caption: str) -> list[list[str]]:
    """Return a table's body, numbers as programs read them."""
    rows: list[list[str]] = page.get_by_role("table", name=caption).evaluate(
        """(table) => Array.from(table.tBodies[0].rows, (row) => Array.from(row.cells, (cell) =>
            cell.querySelector("data")?.value ?? cell.textContent.trim()))"""
    )
    return rows


class TestAnalyst:
    def test_finds_the_figures_of_a_field(self, played: Project, visitors: Visitors) -> None:
        number = expected(played, "price").number
        assert number is not None

        with visit(visitors(), "/") as opened:
            page = opened.page
            page.get_by_role("link", name="play").click()
            # The events lie in the past, and the page leads there.
            page.get_by_role("link", name="Show the 30 days up to then").click()
            page.get_by_role("link", name="price").click()
            wait_for_charts(page)
            figures = dict(cells(page, "Figures of the numbers"))
            page.get_by_text("Table", exact=True).first.click()
            bins = cells(page, "Distribution of price")
            bars = page.locator("#distribution .bars .point")
            drawn = bars.count()
            edges = page.locator("#distribution .xtick").all_text_contents()

        assert figures == {
            "Count": str(number.count),
            "Min": f"{number.minimum:f}",
            "Median": repr(number.percentile(50)),
            "Mean": repr(float(number.mean or 0)),
            "Standard deviation": repr(float(number.std or 0)),
            "Max": f"{number.maximum:f}",
            "Sum": f"{number.sum:f}",
        }
        assert sum(int(count) for _, _, count, _ in bins) == number.count
        assert drawn == len(bins)
        assert (len(edges), edges[0]) == (6, f"{number.minimum:f}")
        assert (opened.complaints, opened.strangers) == ([], [])

    def test_chooses_days_and_bins_by_the_address(self, visitors: Visitors) -> None:
        with visit(visitors(), path_of("price")) as opened:
            page = opened.page
            page.get_by_label("From", exact=True).fill("2026-03-01")
            page.get_by_label("Bins", exact=True).select_option("quantile")
            page.get_by_role("button", name="Show").click()
            page.wait_for_url(f"**/price/?from=2026-03-01&to={LAST}&scale=quantile")
            wait_for_charts(page)

            expect(page.locator("#distribution h2")).to_contain_text("quantile bins")
            expect(page.get_by_label("Bins", exact=True)).to_have_value("quantile")
            expect(page.get_by_label("From", exact=True)).to_have_value("2026-03-01")

    def test_opens_fields_of_any_name(self, played: Project, visitors: Visitors) -> None:
        name = "../a/b%2F<script>alert(1)</script>?#"
        feed.send(played, Sent(event=name, metadata={name: 41}))
        rollup.roll_up(seconds=60)

        with visit(visitors(), "/") as opened:
            page = opened.page
            page.get_by_role("link", name=name).click()
            page.get_by_role("link", name="Show the 30 days up to then").click()
            page.get_by_role("link", name=name).click()
            wait_for_charts(page)
            expect(page.get_by_role("heading", level=1)).to_contain_text(name)

        assert (opened.complaints, opened.strangers) == ([], [])

    def test_needs_no_mouse(self, visitors: Visitors, tmp_path: Path) -> None:
        with visit(visitors(), path_of("price")) as opened:
            page = opened.page
            wait_for_charts(page)
            page.keyboard.press("Tab")
            expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
            page.get_by_role("button", name="Save as PNG").first.focus()
            with page.expect_download() as download:
                page.keyboard.press("Enter")
            download.value.save_as(tmp_path / "chart.png")
            file_name = download.value.suggested_filename
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            expect(page.get_by_role("table", name="Distribution of price")).to_be_visible()

        assert file_name == "Distribution of price, logarithmic bins.png"
        assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
        assert (opened.complaints, opened.strangers) == ([], [])


class TestChart:
    def test_offers_no_way_to_send_data_away(self, visitors: Visitors) -> None:
        with visit(visitors(), path_of("price")) as opened:
            page = opened.page
            wait_for_charts(page)
            page.locator("#distribution .chart").hover()
            buttons: list[str] = page.locator("#distribution .modebar-btn").evaluate_all(
                "(buttons) => buttons.map((button) => button.dataset.title)"
            )
            settings = page.evaluate(
                """() => { const chart = document.querySelector("[data-figure]")._context;
                return [chart.showSendToCloud, chart.plotlyServerURL, chart.displaylogo]; }"""
            )

        assert buttons
        assert [title for title in buttons if "loud" in title or "hare" in title] == []
        assert settings == [False, "", False]

    def test_follows_the_scheme_of_the_system(self, visitors: Visitors) -> None:
        paper = """() => getComputedStyle(document.querySelector(".main-svg")).backgroundColor"""

        with visit(visitors(), path_of("brand")) as opened:
            page = opened.page
            wait_for_charts(page, "light")
            light = page.evaluate(paper)
            page.emulate_media(color_scheme="dark")
            wait_for_charts(page, "dark")
            dark = page.evaluate(paper)

        assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 32, 36)")

    def test_shows_values_as_they_are(self, visitors: Visitors) -> None:
        with visit(visitors(), path_of("brand")) as opened:
            wait_for_charts(opened.page)
            labels = set(opened.page.locator("#top .ytick").all_text_contents())
            values = {value for value, *_ in cells(opened.page, "Top values of brand")}

        assert labels == {*BRANDS, "(empty)", "“ ”", "a rather long name …"} - {
            "",
            " ",
            "a rather long name of a brand",
        }
        assert values == {*BRANDS, "(empty)", "“ ”"} - {"", " "}


class TestPage:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [DESKTOP_PIXELS, PHONE_PIXELS])
    def test_fits_the_screen(
        self, visitors: Visitors, tmp_path: Path, width: int, scheme: Scheme
    ) -> None:
        days = f"?from={FIRST}&to={LAST}"
        paths = {
            "projects": "/analytics/",
            "event-type": f"/analytics/shop/play/{days}",
            "nothing": "/analytics/shop/play/price/",
            "refused": "/analytics/shop/play/?from=2026-03-02&to=2026-03-01",
        } | {name: path_of(name) for name in FIELDS}
        too_wide: list[str] = []
        cut: dict[str, list[str]] = {}

        with visit(visitors(width=width, scheme=scheme), "/") as opened:
            page = opened.page
            for name, path in paths.items():
                page.goto(path)
                wait_for_charts(page, scheme)
                page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png", full_page=True)
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    too_wide.append(name)
                cut |= {name: texts} if (texts := page.evaluate(_CUT_TEXTS)) else {}

        assert (too_wide, cut) == ([], {})
        assert (opened.complaints, opened.strangers) == ([_REFUSED], [])


# What a browser's console says of the one page that answers 400.
_REFUSED = "Failed to load resource: the server responded with a status of 400 (Bad Request)"


# The texts of charts that stand out of their chart, or over one another.
_CUT_TEXTS = """() => Array.from(document.querySelectorAll(".chart")).flatMap((chart) => {
  const frame = chart.getBoundingClientRect();
  const texts = Array.from(chart.querySelectorAll("text"))
    .map((text) => [text.textContent, text.getBoundingClientRect()])
    .filter(([text, box]) => text && box.width);
  const cut = texts.filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1
    || box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
  const met = texts.filter(([, box], place) => texts.slice(place + 1).some(([, other]) =>
    Math.min(box.right, other.right) - Math.max(box.left, other.left) > 1
    && Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top) > 4));
  return [...cut, ...met].map(([text]) => text);
})"""
