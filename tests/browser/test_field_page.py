"""Tests of the pages of fields in a real browser."""

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from django.urls import reverse
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from analytics import rollup, statistics
from analytics.statistics import Question, Values
from events.models import Project
from tests import make
from tests.analytics import feed
from tests.analytics.feed import Sent
from tests.browser import month
from tests.browser.month import BRANDS, FIRST, LAST
from tests.browser.reading import cells, wait_for_charts
from tests.browser.visit import Visitor, visit

pytestmark = [pytest.mark.browser, pytest.mark.once]

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
    project = make.project("shop", time_zone="Europe/Berlin")
    month.play(project)
    return project


def expected(project: Project, name: str) -> Values:
    field = feed.field(project, name)
    question = Question(
        project=project, event_type=field.event_type, field=field, first=FIRST, last=LAST
    )
    return statistics.field_statistics(question, now=make.NOW).total


def path_of(name: str) -> str:
    return reverse("field-page", args=["shop", "play", name]) + f"?from={FIRST}&to={LAST}"


class TestAnalyst:
    def test_finds_the_figures_of_a_field(self, played: Project, visitors: Visitors) -> None:
        number = expected(played, "price").number
        assert number is not None

        with visit(visitors(), "/") as opened:
            page = opened.page
            # The events lie in the past, and the page leads there.
            page.get_by_role("link", name="Show the 30 days up to then").click()
            page.get_by_role("link", name="play", exact=True).click()
            page.get_by_role("link", name="price", exact=True).click()
            wait_for_charts(page)
            figures = dict(cells(page, "Figures of price"))
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
            page.get_by_role("link", name="Show the 30 days up to then").click()
            page.get_by_role("link", name=name, exact=True).click()
            page.get_by_role("link", name=name, exact=True).click()
            wait_for_charts(page)
            expect(page.get_by_role("heading", level=1)).to_contain_text(name)

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
