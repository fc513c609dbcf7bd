"""Tests of the page that leads a client here, in a real browser."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from events.projects import NewProject
from tests import make
from tests.browser.visit import DESKTOP_PIXELS, PHONE_PIXELS, Scheme, Visitor, visit

pytestmark = [pytest.mark.browser, pytest.mark.once]


@pytest.fixture
def keys(transactional_db: None) -> NewProject:
    keys = make.keyed_project("shop", time_zone="Europe/Berlin")
    make.event_type(keys.project, "place_order")
    make.staff("ann", keys.project)
    return keys


@pytest.fixture
def visitors(live_server: LiveServer, chromium_path: str) -> Callable[..., Visitor]:
    def made(**columns: Any) -> Visitor:
        return Visitor(url=live_server.url, chromium_path=chromium_path, username="ann", **columns)

    return made


class TestConnectPage:
    def test_turns_a_light_green_when_the_copied_curl_is_run(
        self, keys: NewProject, visitors: Callable[..., Visitor]
    ) -> None:
        with visit(visitors(), reverse("connect", args=[keys.project.pk])) as opened:
            lights = opened.page.locator("#lights")
            expect(lights).not_to_contain_text("Connected")

            opened.page.get_by_label("API key").fill(keys.api_key)
            copied = opened.page.locator("#native-curl-text").text_content() or ""
            assert keys.api_key in copied
            assert "API_KEY" not in copied
            subprocess.run(["sh", "-ec", copied], check=True, capture_output=True, timeout=60)

            expect(lights).to_contain_text("Connected", timeout=10_000)
            assert opened.complaints == []
            assert opened.strangers == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [DESKTOP_PIXELS, PHONE_PIXELS])
    def test_can_be_read_by_everybody(
        self, keys: NewProject, visitors: Callable[..., Visitor], width: int, scheme: Scheme
    ) -> None:
        visitor = visitors(width=width, scheme=scheme)
        with visit(visitor, reverse("connect", args=[keys.project.pk])) as opened:
            expect(opened.page.get_by_role("heading", name="Gameball v4")).to_be_visible()
            found = Axe().run(opened.page).response["violations"]
            wide = opened.page.evaluate("document.documentElement.scrollWidth")

            assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
            assert wide <= width
            assert opened.complaints == []
