"""The staff's start page: the pulse of a project and the way to a first award."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.models import Rollup
from analytics.rollup import roll_up
from config import pulse
from config.pulse import Days, Pulse, Steps, Window, pulse_of
from events import heartbeat
from events.models import Project
from events.projects import NewProject
from rewards.models import Rule
from tests import make
from tests.calling import Caller, buy
from tests.rewards.definitions import DAILY, definition
from tests.staff_pages import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    return Caller(keys=shop_keys)


def now_of(project: Project) -> Pulse:
    return pulse_of(project, now=make.NOW)


class TestPulse:
    def test_tells_hour_today_and_yesterday_of_the_projects_clock(self, caller: Caller) -> None:
        shop = caller.keys.project
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        caller.send(
            buy("c-1", occurred_at="2026-03-02T08:30:00Z"),
            buy("c-1", occurred_at="2026-03-02T08:40:00Z"),
            buy("c-2", occurred_at="2026-03-01T23:30:00Z"),  # after midnight in Berlin
            buy("c-3", occurred_at="2026-03-01T22:30:00Z"),
            buy("c-4", occurred_at="2026-02-28T22:30:00Z"),
        )

        told = now_of(shop)

        assert told.hour == Window(events=2, customers=1, points=20)
        assert told.days == Days(
            today=Window(events=3, customers=2, points=30),
            yesterday=Window(events=1, customers=1, points=10),
            complete_to=make.NOW,
        )

    def test_tells_of_days_what_the_dashboards_tell(self, caller: Caller) -> None:
        caller.send(
            *(buy(f"c-{number}", occurred_at="2026-03-02T08:30:00Z") for number in range(9))
        )
        before = now_of(caller.keys.project)
        roll_up(seconds=60)

        after = now_of(caller.keys.project)

        assert before.days
        assert after.days
        assert (before.days.today, before.backlog) == (after.days.today, 9)
        assert (after.days.today.events, after.backlog) == (9, 0)

    def test_says_where_it_stopped_counting(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pulse, "MOST_COUNTED_EVENTS", 2)
        caller.send(*(buy(occurred_at="2026-03-02T08:30:00Z") for _ in range(5)))

        told = now_of(caller.keys.project)

        assert (told.hour.events, told.hour.is_capped) == (3, True)
        assert told.days
        assert (told.days.today.events, told.days.today.is_capped) == (5, False)

    def test_tells_the_latest_events_of_all_types(self, caller: Caller) -> None:
        caller.send(
            *(buy(occurred_at=f"2026-03-02T07:{minute:02}:00Z") for minute in range(20)),
            buy("c-2", event="sell", occurred_at="2026-03-02T06:00:00Z"),
            buy("c-2", event="sell", occurred_at="2026-03-02T07:15:30Z"),
        )

        latest = now_of(caller.keys.project).latest

        assert [(str(each.event_type), f"{each.occurred_at:%M:%S}") for each in latest] == [
            ("buy", "19:00"),
            ("buy", "18:00"),
            ("buy", "17:00"),
            ("buy", "16:00"),
            ("sell", "15:30"),
            ("buy", "15:00"),
            ("buy", "14:00"),
            ("buy", "13:00"),
            ("buy", "12:00"),
            ("buy", "11:00"),
        ]

    def test_tells_refusals_backlog_worker_and_rules(self, caller: Caller) -> None:
        shop = caller.keys.project
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        make.rule(shop, "five", definition("buy", {"fixed": 5}), state=Rule.State.PAUSED)
        caller.send(buy(), buy(occurred_at="1969-01-01T00:00:00Z"))
        heartbeat.beat("a worker", now=make.NOW - timedelta(seconds=40))

        told = now_of(shop)

        assert (told.refused, told.backlog, told.live_rules) == (1, 1, 1)
        assert (told.silent_seconds, told.is_worker_well) == (40, False)

    def test_tells_nothing_of_another_project(self, caller: Caller, other: Project) -> None:
        make.rule(caller.keys.project, "ten", definition("buy", {"fixed": 10}))
        caller.send(buy(), buy(occurred_at="1969-01-01T00:00:00Z"))

        told = now_of(other)

        nothing = Window(events=0, customers=0, points=0)
        assert told.days
        assert (told.hour, told.days.today, told.days.yesterday) == (nothing, nothing, nothing)
        assert (told.refused, told.backlog, told.live_rules, told.latest) == (0, 0, 0, [])
        assert told.steps == Steps(event_type=False, rule=False, event=False, award=False)

    def test_asks_as_often_for_many_rows_as_for_few(self, caller: Caller) -> None:
        shop = caller.keys.project
        caller.send(*(buy(f"c-{number}") for number in range(3)))
        with CaptureQueriesContext(connection) as few:
            now_of(shop)
        caller.send(*(buy(f"c-{number}") for number in range(300)))

        with CaptureQueriesContext(connection) as many:
            now_of(shop)

        assert len(many) == len(few)


class TestFirstSteps:
    def test_are_told_one_by_one(self, caller: Caller, clock: time_machine.Traveller) -> None:
        shop = caller.keys.project
        assert now_of(shop).steps == Steps(event_type=False, rule=False, event=False, award=False)

        make.event_type(shop, "buy")
        assert now_of(shop).steps == Steps(event_type=True, rule=False, event=False, award=False)
        caller.send(buy())
        assert now_of(shop).steps == Steps(event_type=True, rule=False, event=True, award=False)
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        caller.send(buy(occurred_at="2026-02-20T00:00:00Z"))

        assert now_of(shop).steps.are_done

    def test_are_shown_until_they_are_done(self, caller: Caller, alice: User) -> None:
        staff = Staff(alice)
        page = staff.open("index")
        assert "First steps" in page.text
        assert "curl -X POST http://testserver/api/v1/events" in page.text

        make.rule(caller.keys.project, "ten", definition("buy", {"fixed": 10}))
        caller.send(buy())

        assert "First steps" not in staff.open("index").text


class TestStartPage:
    def test_shows_events_with_customer_and_points(self, caller: Caller, alice: User) -> None:
        make.streak(caller.keys.project, "daily", DAILY)
        caller.send(buy("c-7"))

        text = Staff(alice).open("index").text

        assert "2026-03-02 10:00:00" in text
        assert ">c-7</a>" in text
        assert "Days and times are those of Europe/Berlin." in text
        assert "Today and yesterday are complete to 10:00:00." in text
        assert 'href="/analytics/shop/"' in text

    def test_opens_where_the_statistics_are_unreadable(self, caller: Caller, alice: User) -> None:
        caller.send(buy("c-7"))
        roll_up(seconds=60)
        Rollup.objects.update(summary=b"\x01")

        text = Staff(alice).open("index").text

        assert "manage.py rebuild_rollups" in text
        assert ">c-7</a>" in text

    def test_shows_the_chosen_project(self, shop: Project, other: Project, bob: User) -> None:
        staff = Staff(bob)

        assert staff.open("index").context["project"] == other
        assert staff.open("index", project="shop").context["project"] == shop

    def test_offers_no_choice_of_one(self, shop: Project, other: Project, alice: User) -> None:
        page = Staff(alice).open("index", project="other")

        assert page.context["project"] == shop
        assert "other" not in page.text
        assert 'name="project"' not in page.text

    @pytest.mark.parametrize("slug", ["nobody", "\x00", "x" * 5000])
    def test_takes_any_address(self, shop: Project, alice: User, slug: str) -> None:
        assert Staff(alice).open("index", project=slug).context["project"] == shop

    def test_invites_to_a_first_project(self, bob: User) -> None:
        assert "Make the first project" in Staff(bob).open("index").text

    def test_tells_who_is_no_member(self, shop: Project) -> None:
        page = Staff(make.staff("dora")).open("index")

        assert "You are not a member of a project." in page.text
        assert "shop" not in page.text

    def test_is_for_staff_alone(self, shop: Project) -> None:
        visitor = User.objects.create_user("visitor")

        page = Staff(visitor).open("index")

        assert (page.status, page.url) == (302, "/admin/login/?next=/admin/")
