"""Tests of the staff's pages in a real browser."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from events import heartbeat, key_activity, keys
from events.models import Customer, Event, EventType, Project
from events.projects import NewProject
from events.types import Access
from rewards.models import Transfer
from tests import make
from tests.browser.visit import DESKTOP_PIXELS, PHONE_PIXELS, Scheme, Visitor, visit
from tests.calling import Caller, buy
from tests.rewards.definitions import DAILY, definition
from tests.staff_pages import page_url

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.usefixtures("clock")]

Visitors: TypeAlias = Callable[..., Visitor]


@pytest.fixture
def shop_keys(transactional_db: None) -> NewProject:
    return make.keyed_project("shop", time_zone="Europe/Berlin")


@pytest.fixture
def filled(shop_keys: NewProject) -> NewProject:
    """The shop with events that earned something, and one that was refused."""
    make.rule(shop_keys.project, "Ten for each buy", definition("buy", {"fixed": 10}))
    make.streak(shop_keys.project, "daily", DAILY)
    caller = Caller(keys=shop_keys)
    caller.send(*(buy("c-1", brand="Größe & Söhne") for _ in range(30)))
    caller.send(
        buy("<b>c", identities={"email": "c@example.com"}),
        buy("a-customer-with-a-rather-long-name-" + "x" * 60),
        buy(occurred_at="1969-01-01T00:00:00Z"),
    )
    heartbeat.beat("a worker", now=make.NOW)
    return shop_keys


@pytest.fixture
def visitors(live_server: LiveServer, chromium_path: str, filled: NewProject) -> Visitors:
    """Makes visitors who belong to the staff of the shop."""
    make.staff("ann", filled.project)

    def made(**columns: Any) -> Visitor:
        return Visitor(url=live_server.url, chromium_path=chromium_path, username="ann", **columns)

    return made


def paths() -> list[str]:
    """Return a page of each kind: start, lists, rows, forms."""
    customer = Customer.objects.get(label="c-1")
    names = ["project", "apikey", "eventtype", "customer", "event", "quarantine"]
    return [
        page_url("index"),
        page_url("events_customer_change", customer.pk),
        page_url("events_event_change", Event.objects.earliest("id").pk),
        page_url("rewards_transfer_change", Transfer.objects.earliest("id").pk),
        page_url("events_project_change", customer.project_id),
        page_url("events_apikey_add"),
        *key_paths(customer.project),
        page_url("rewards_transfer_changelist"),
        *(page_url(f"events_{name}_changelist") for name in names),
        reverse("set-up", args=[customer.project_id]),
    ]


def key_paths(project: Project) -> list[str]:
    """Return the page of a key that was limited and rotated, and those that replace one."""
    former = project.api_keys.earliest("id")
    if former.expires_at is None:
        keys.rotate(former, overlap=timedelta(days=1), now=make.NOW)
        access = Access(project_id=project.pk, scopes=frozenset(), key_id=former.pk)
        key_activity.note_limited(access, events=1_000, now=make.NOW)
        key_activity.write()
    return [
        page_url("events_apikey_change", former.pk),
        page_url("events_apikey_rotate", project.api_keys.latest("id").pk),
        page_url("events_project_rotate", project.pk),
    ]


def superuser_paths() -> list[str]:
    """Return the pages on which a superuser meets more than a member: choices of many, users."""
    project = Project.objects.get(slug="shop")
    return [
        page_url("events_eventtype_add"),
        page_url("events_eventtype_change", EventType.objects.earliest("id").pk),
        page_url("events_project_add"),
        page_url("events_project_change", project.pk),
        page_url("events_apikey_add"),
        page_url("rewards_rule_add"),
        page_url("rewards_streak_add"),
        page_url("auth_user_changelist"),
        page_url("auth_user_add"),
        page_url("auth_user_change", project.members.get(username="ann").pk),
    ]


def faults_of(page: Page) -> list[str]:
    """Return what axe-core finds that keeps people from using the page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {each['id']} at {each['nodes'][0]['html']}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def overflow_of(page: Page) -> int:
    """Return by how many pixels the page is wider than the screen."""
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width


class TestPages:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [DESKTOP_PIXELS, PHONE_PIXELS])
    def test_fit_the_screen_and_the_reader(
        self, visitors: Visitors, width: int, scheme: Scheme
    ) -> None:
        faults: list[str] = []
        wide: list[str] = []
        walked = paths()

        with visit(visitors(width=width, scheme=scheme), walked[0]) as opened:
            for path in walked:
                opened.page.goto(path)
                # Alpine shows what it governs once it has read the page.
                expect(opened.page.locator("html:not([x-cloak])")).to_have_count(1)
                faults += faults_of(opened.page)
                wide += [path] if overflow_of(opened.page) > 0 else []

        assert (faults, wide) == ([], [])
        assert (opened.complaints, opened.strangers) == ([], [])

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_keep_no_superuser_out(
        self, visitors: Visitors, filled: NewProject, scheme: Scheme
    ) -> None:
        make.keyed_project("other")
        make.staff("root", filled.project, is_superuser=True)
        faults: list[str] = []
        walked = superuser_paths()

        with visit(replace(visitors(scheme=scheme), username="root"), walked[0]) as opened:
            for path in walked:
                opened.page.goto(path)
                expect(opened.page.locator("html:not([x-cloak])")).to_have_count(1)
                faults += faults_of(opened.page)

        assert faults == []
        assert (opened.complaints, opened.strangers) == ([], [])

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_name_what_a_choice_of_many_opens(
        self, visitors: Visitors, filled: NewProject, scheme: Scheme
    ) -> None:
        make.keyed_project("other")
        make.staff("root", filled.project, is_superuser=True)
        visitor = replace(visitors(scheme=scheme), username="root")

        with visit(visitor, page_url("events_eventtype_add")) as opened:
            page = opened.page
            page.get_by_role("combobox", name="Project").press("Enter")
            expect(page.get_by_role("listbox", name="Project")).to_contain_text("other")
            faults = faults_of(page)
            page.get_by_role("searchbox", name="Project").fill("oth")
            expect(page.get_by_role("option")).to_have_count(1)
            page.keyboard.press("Enter")
            expect(page.get_by_role("combobox", name="Project: other")).to_be_visible()

        assert faults == []
        assert (opened.complaints, opened.strangers) == ([], [])

    def test_say_what_they_need_where_scripts_are_off(self, visitors: Visitors) -> None:
        with visit(visitors(is_scripted=False), page_url("rewards_rule_add")) as opened:
            # Playwright reads over what stands in a noscript: its text is asked of the element.
            note = opened.page.locator(".tw-noscript")
            expect(note).to_be_visible()
            assert note.inner_text().startswith("These pages need JavaScript")
            expect(opened.page.locator("#id_name")).to_be_visible()

        assert (opened.complaints, opened.strangers) == ([], [])


class TestMember:
    def test_finds_an_award_from_the_start_page(self, visitors: Visitors) -> None:
        with visit(visitors(), page_url("index")) as opened:
            page = opened.page
            expect(page.get_by_role("heading", level=1)).to_have_text("Start")
            page.get_by_role("link", name="c-1").first.click()
            ledger = page.get_by_role("region", name="Ledger").get_by_role("row")
            expect(ledger.nth(1)).to_contain_text("Ten for each buy")
            expect(ledger.nth(1)).to_contain_text("Gives 10 points for each buy.")
            page.get_by_role("link", name="Older events").click()
            expect(page.get_by_role("link", name="Newest events")).to_be_visible()
            events = page.get_by_role("region", name="Events").get_by_role("row")
            expect(events).to_have_count(1 + 5)

        assert (opened.complaints, opened.strangers) == ([], [])

    def test_filters_a_list_by_keyboard(self, visitors: Visitors) -> None:
        with visit(visitors(), page_url("events_event_changelist")) as opened:
            page = opened.page
            page.get_by_role("button", name="Filters").focus()
            page.keyboard.press("Enter")
            page.get_by_role("link", name="Discarded").click()
            page.wait_for_url("**status__exact=discarded**")
            expect(
                page.get_by_text("No results found").or_(page.get_by_text("0 events")).first
            ).to_be_visible()

        assert (opened.complaints, opened.strangers) == ([], [])

    def test_leaves_by_keyboard(self, visitors: Visitors) -> None:
        with visit(visitors(), page_url("index")) as opened:
            page = opened.page
            page.get_by_role("button", name="Account of ann").focus()
            page.keyboard.press("Enter")
            page.get_by_role("button", name="Log out").click()
            page.wait_for_url("**/login/**")

        assert (opened.complaints, opened.strangers) == ([], [])

    def test_opens_the_menu_of_a_phone(self, visitors: Visitors) -> None:
        with visit(visitors(width=PHONE_PIXELS), page_url("index")) as opened:
            page = opened.page
            page.get_by_role("button", name="Menu").click()
            page.get_by_role("link", name="Quarantine").click()
            page.wait_for_url("**/admin/events/quarantine/")

        assert (opened.complaints, opened.strangers) == ([], [])

    def test_takes_a_set_up_out_and_in(self, visitors: Visitors, filled: NewProject) -> None:
        path = reverse("set-up", args=[filled.project.pk])

        with visit(visitors(), path) as opened:
            page = opened.page
            with page.expect_download() as download:
                page.get_by_role("link", name="Export set-up").click()
            page.get_by_label("Set-up file").set_input_files(download.value.path())
            page.get_by_role("button", name="Import set-up").click()
            expect(page.get_by_role("status")).to_contain_text("Nothing to change")

        assert (opened.complaints, opened.strangers) == ([], [])
