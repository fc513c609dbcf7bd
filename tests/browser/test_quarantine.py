"""Tests of the pages of what was refused in a real browser."""

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from events.models import Quarantine
from events.projects import NewProject
from tests import make
from tests.browser.test_admin import faults_of, overflow_of
from tests.browser.visit import DESKTOP_PIXELS, PHONE_PIXELS, Scheme, Visitor, visit
from tests.calling import EVENTS, Caller, buy
from tests.rewards.definitions import definition
from tests.staff_pages import page_url

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.usefixtures("clock")]

Visitors: TypeAlias = Callable[..., Visitor]
LIST = "events_quarantine_changelist"


@pytest.fixture
def shop_keys(transactional_db: None) -> NewProject:
    return make.keyed_project("shop", time_zone="Europe/Berlin")


@pytest.fixture
def refused(shop_keys: NewProject) -> NewProject:
    """The shop with refusals of several reasons and clients; the type of most is open by now."""
    shop = shop_keys.project
    event_type = make.event_type(shop, "buy", active=False)
    make.rule(shop, "Ten for each buy", definition("buy", {"fixed": 10}))
    caller = Caller(keys=shop_keys)
    for number in range(5):
        caller.post(EVENTS, buy(f"c-{number}", brand="Größe & Söhne"), user_agent="till/1.0")
    caller.post(
        EVENTS, buy(occurred_at="1969-01-01T00:00:00Z"), user_agent="<b>app</b>/" + "2" * 90
    )
    caller.post(EVENTS, b'{"event": "buy"')
    event_type.active = True
    event_type.save()
    return shop_keys


@pytest.fixture
def visitors(live_server: LiveServer, chromium_path: str, refused: NewProject) -> Visitors:
    make.staff("ann", refused.project)

    def made(**columns: Any) -> Visitor:
        return Visitor(url=live_server.url, chromium_path=chromium_path, username="ann", **columns)

    return made


def first_row() -> str:
    rows = Quarantine.objects.filter(code="inactive_event_type")
    return page_url("events_quarantine_change", rows.earliest("id").pk)


class TestPages:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [DESKTOP_PIXELS, PHONE_PIXELS])
    def test_fit_the_screen_and_the_reader(
        self, visitors: Visitors, width: int, scheme: Scheme
    ) -> None:
        faults: list[str] = []
        wide: list[str] = []
        walked = [page_url(LIST), first_row(), page_url("events_quarantine_replay_all")]

        with visit(visitors(width=width, scheme=scheme), walked[0]) as opened:
            for path in walked:
                opened.page.goto(path)
                expect(opened.page.locator("html:not([x-cloak])")).to_have_count(1)
                faults += faults_of(opened.page)
                wide += [path] if overflow_of(opened.page) > 0 else []

        assert (faults, wide) == ([], [])
        assert (opened.complaints, opened.strangers) == ([], [])


class TestReplay:
    def test_of_a_row_and_of_all_the_others(self, visitors: Visitors) -> None:
        path = first_row()
        with visit(visitors(), path) as opened:
            page = opened.page
            page.get_by_role("button", name="Replay").click()
            expect(page.get_by_text("Taken: its events are stored")).to_be_visible()
            page.goto(page_url(LIST))
            page.get_by_role("link", name="inactive_event_type").click()
            page.get_by_role("link", name="Replay all that match").click()
            page.get_by_role("button", name="Replay").click()
            expect(page.get_by_role("status")).to_contain_text("Taken: 4")

        assert (opened.complaints, opened.strangers) == ([], [])
        assert Quarantine.objects.filter(replay="taken").count() == 5
