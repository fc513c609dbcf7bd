"""The staff's pages say which events were discarded, and why."""

import pytest
from django.contrib.auth.models import User

from config import pulse
from events.models import Customer, Event, EventType, Project
from events.projects import NewProject
from tests import make
from tests.calling import Caller, buy
from tests.events.test_agents import GOOGLEBOT
from tests.make import NOW
from tests.rewards.definitions import definition
from tests.staff_pages import NO_ROWS, Staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def staff(alice: User) -> Staff:
    return Staff(alice)


@pytest.fixture
def sent(clock: object, shop_keys: NewProject) -> None:
    """An order, its repeat, and a bot's."""
    project = shop_keys.project
    project.discard_bots = True
    project.save()
    make.rule(project, "ten", definition())
    make.event_type(project, "buy", unique_by="order")
    Caller(keys=shop_keys).send(
        buy(order=1), buy("c-2", order=1), buy("c-2", order=2, userAgent=GOOGLEBOT)
    )


@pytest.mark.usefixtures("sent")
class TestDiscardedEvents:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"status__exact": "discarded"}, ["bot", "unique_by"]),
            ({"status__exact": "accepted"}, [""]),
            ({"discarded": "bot"}, ["bot"]),
            ({"discarded": "unique_by"}, ["unique_by"]),
            ({"discarded": "throttle"}, []),
            ({"discarded": "whatever"}, ["", "bot", "unique_by"]),
        ],
    )
    def test_are_found_by_status_and_reason(
        self, staff: Staff, query: dict[str, str], found: list[str]
    ) -> None:
        page = staff.open("events_event_changelist", **query)

        assert sorted(row.reason for row in page.rows) == found
        assert "Repeats an earlier event" in page.text  # among the filter's choices

    def test_say_why_in_the_list_and_on_their_own_page(self, staff: Staff) -> None:
        repeated = Event.objects.get(reason="unique_by")

        assert "Discarded: a bot's" in staff.open("events_event_changelist").text
        page = staff.open("events_event_change", repeated.pk)
        assert "Discarded: repeats an earlier event" in page.text

    def test_say_why_in_the_customers_story(self, staff: Staff) -> None:
        customer = Customer.objects.get(label="c-2")

        page = staff.open("events_customer_change", customer.pk)

        assert [row.verdict for row in page.context["timeline"].rows] == [
            "Discarded: a bot's",
            "Discarded: repeats an earlier event",
        ]
        assert "Discarded: repeats an earlier event" in page.text

    def test_are_not_in_the_figures_of_the_start_page(self, shop: Project) -> None:
        hour = pulse.pulse_of(shop, now=NOW).hour

        assert (hour.events, hour.customers, hour.points) == (1, 1, 10)


class TestEventTypePage:
    @pytest.fixture
    def buys(self, shop: Project) -> EventType:
        return make.event_type(shop, "buy", fields={"order_id": "auto", 'a"b': "text"})

    def save(self, staff: Staff, buys: EventType, **values: str) -> dict[str, list[str]]:
        form = {"active": "on", "unique_by": "", "throttle_minutes": "", **values}
        page = staff.send("events_eventtype_change", buys.pk, **form, **NO_ROWS)
        buys.refresh_from_db()
        return page.errors if "adminform" in page.context else {}

    def test_sets_what_discards_events(self, staff: Staff, buys: EventType) -> None:
        assert not self.save(staff, buys, unique_by="order_id", throttle_minutes="20")
        assert (buys.unique_by, buys.throttle_minutes) == ("order_id", 20)

        assert not self.save(staff, buys)
        assert (buys.unique_by, buys.throttle_minutes) == ("", None)

    @pytest.mark.parametrize("minutes", ["0", "-1", "525601", "1.5", "soon"])
    def test_refuses_a_throttle_of_no_or_too_many_minutes(
        self, staff: Staff, buys: EventType, minutes: str
    ) -> None:
        assert list(self.save(staff, buys, throttle_minutes=minutes)) == ["throttle_minutes"]
        assert buys.throttle_minutes is None

    def test_offers_the_known_fields(self, staff: Staff, buys: EventType) -> None:
        page = staff.open("events_eventtype_change", buys.pk)

        widget = page.context["adminform"].form["unique_by"]
        assert 'list="unique_by-offers"' in str(widget)
        assert '<option value="order_id">' in str(widget)
        assert '<option value="a&quot;b">' in str(widget)

    def test_offers_nothing_for_a_new_type(self, staff: Staff, shop: Project) -> None:
        page = staff.open("events_eventtype_add")

        assert "datalist" not in str(page.context["adminform"].form["unique_by"])
