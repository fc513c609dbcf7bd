"""Tests of the page that shows the API, in a real browser."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from events.projects import NewProject
from tests import make
from tests.browser.reading import barriers
from tests.browser.visit import Scheme, Visitor, visit
from tests.config.described import operations

pytestmark = [pytest.mark.browser, pytest.mark.once]


@pytest.fixture
def keys(transactional_db: None) -> NewProject:
    return make.keyed_project("shop")


def visitor(live_server: LiveServer, chromium_path: str, scheme: Scheme = "light") -> Visitor:
    return Visitor(url=live_server.url, chromium_path=chromium_path, scheme=scheme)


def settle(page: Page) -> None:
    """Wait until nothing fades any more: half-shown text has no contrast."""
    page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")


class TestApiPage:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_lists_every_endpoint_from_this_host_alone(
        self, live_server: LiveServer, chromium_path: str, scheme: Scheme
    ) -> None:
        with visit(visitor(live_server, chromium_path, scheme), "/api/docs/") as visited:
            blocks = visited.page.locator(".opblock-summary")
            expect(blocks).to_have_count(len(set(operations())))
            shown = {
                (
                    block.locator(".opblock-summary-method").inner_text(),
                    # Swagger UI puts an invisible place to break the line after each slash.
                    block.locator(".opblock-summary-path").inner_text().replace("\u200b", ""),
                )
                for block in blocks.all()
            }
            ground = visited.page.evaluate("getComputedStyle(document.body).backgroundColor")

        assert shown == set(operations())
        assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(28, 32, 34)")
        assert visited.complaints == []
        assert visited.strangers == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_keeps_nobody_out(
        self, live_server: LiveServer, chromium_path: str, scheme: Scheme
    ) -> None:
        with visit(visitor(live_server, chromium_path, scheme), "/api/docs/") as visited:
            page = visited.page
            expect(page.locator(".opblock-summary")).to_have_count(len(set(operations())))
            closed = barriers(page)
            # Some of each method: they are all made alike, and axe reads a page of all for minutes.
            for method in ("post", "get", "put"):
                blocks = page.locator(f".opblock-{method} .opblock-summary-control")
                for block in {blocks.first, blocks.last} if blocks.count() > 1 else {blocks.first}:
                    block.click()
            opened_blocks = page.locator(".opblock.is-open .responses-wrapper")
            expect(opened_blocks).to_have_count(5)
            settle(page)
            opened = barriers(page)

        assert (closed, opened) == ([], [])
        assert visited.complaints == []

    def test_opens_the_block_that_the_address_names(
        self, live_server: LiveServer, chromium_path: str
    ) -> None:
        path = "/api/docs/#/Events/listEvents"

        with visit(visitor(live_server, chromium_path), path) as visited:
            page = visited.page
            expect(page.locator("#operations-Events-listEvents.is-open")).to_be_visible()
            page.locator("#operations-Events-sendEvents .opblock-summary-control").press("Enter")
            page.wait_for_url("**/#/Events/sendEvents")

        assert visited.complaints == []

    def test_sends_an_event_with_the_reader_s_key(
        self, live_server: LiveServer, chromium_path: str, keys: NewProject
    ) -> None:
        with visit(visitor(live_server, chromium_path), "/api/docs/") as visited:
            page = visited.page
            page.get_by_role("button", name="Authorize").first.click()
            ours = page.locator(".auth-container form").filter(has_text="X-API-Key")
            ours.locator("#api_key_value").fill(keys.api_key)
            ours.get_by_role("button", name="Apply credentials").click()
            page.get_by_role("button", name="Close").first.click()
            block = page.locator("#operations-Events-sendEvents")
            block.locator(".opblock-summary").click()
            block.get_by_role("button", name="Execute").click()
            answer = block.locator(".live-responses-table")
            expect(answer).to_contain_text('"status": "accepted"')

        assert visited.complaints == []
        assert visited.strangers == []
