"""The staff's pages of customers, and of their events with what these earned."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import Customer, Event, Project
from events.projects import NewProject
from events.protection import MASK
from rewards.admin import story
from rewards.models import Transfer
from tests import make
from tests.calling import Caller, buy
from tests.rewards.definitions import DAILY, all_of, definition, leaf, limit, per_unit
from tests.staff_pages import Staff, page_url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    return Caller(keys=shop_keys)


@pytest.fixture
def staff(alice: User) -> Staff:
    return Staff(alice)


class TestCustomerPage:
    @pytest.fixture
    def customer(self, shop: Project, caller: Caller) -> Customer:
        make.rule(
            shop,
            "two per unit",
            definition("buy", per_unit(2), limits=[limit("customer points day", 30)]),
        )
        make.streak(shop, "daily", DAILY)
        caller.send_one(buy(amount=10, identities={"email": "c@example.com"}))
        caller.send_one(buy(amount="7.5"))
        caller.send_one(buy(amount=7))
        return Customer.objects.get()

    def test_tells_who_it_is_and_what_it_has(self, customer: Customer, staff: Staff) -> None:
        text = staff.open("events_customer_change", customer.pk).text

        for name, value in [
            ("Email", "c@example.com"),
            ("External id", "c-1"),
            ("Balance", "<strong>35 points</strong>"),
            ("Events", "3"),
            ("First seen", "2026-03-02 10:00:00"),
            ("Last seen", "2026-03-02 10:00:00"),
        ]:
            assert f"<dt>{name}</dt><dd>{value}</dd>" in text

    def test_lists_events_with_their_points(self, customer: Customer, staff: Staff) -> None:
        page = staff.open("events_customer_change", customer.pk)

        assert told(page.context["timeline"].rows) == [
            (3, 10, ["two per unit 10"]),
            (2, 0, []),
            (1, 25, ["two per unit 20", "daily 5"]),
        ]
        for event in customer.events.all():
            assert f"/admin/events/event/{event.pk}/change/" in page.text

    def test_tells_where_points_came_from(self, customer: Customer, staff: Staff) -> None:
        page = staff.open("events_customer_change", customer.pk)

        last, *_ = page.context["ledger"].rows
        assert (last.kind, last.points, last.source, last.number) == (
            "Award",
            10,
            "two per unit",
            1,
        )
        assert [(row.name, row.value) for row in last.trace] == [
            ("amount", "7"),
            ("unrounded", "14"),
            ("rounded", "14"),
            ("points worked out", "14"),
            (
                "limit of 30 points per customer, day",
                "10 points were left; it leaves 10 points",
            ),
            ("points given", "10"),
        ]
        assert "Gives 2 points per 1 of amount" in page.text
        assert "gives 5 points at 1 day" in page.text

    def test_leads_from_points_to_their_rule(self, customer: Customer, staff: Staff) -> None:
        rule, streak = customer.project.rules.get(), customer.project.streaks.get()

        text = staff.open("events_customer_change", customer.pk).text

        assert f'<a href="/admin/rewards/rule/{rule.pk}/change/">two per unit</a>' in text
        assert f'<a href="/admin/rewards/streak/{streak.pk}/change/">daily</a>' in text

    def test_keeps_a_running_balance(self, customer: Customer, staff: Staff) -> None:
        page = staff.open("events_customer_change", customer.pk)

        assert [(row.points, row.balance) for row in page.context["ledger"].rows] == [
            (10, 35),
            (5, 25),
            (20, 20),
        ]

    def test_turns_to_what_is_older(
        self, customer: Customer, staff: Staff, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(story, "PAGE_ROWS", 2)
        first = staff.open("events_customer_change", customer.pk)
        timeline, ledger = first.context["timeline"], first.context["ledger"]
        assert [row.event.customer_seq for row in timeline.rows] == [3, 2]
        assert f"events_before={timeline.older}#events" in first.text

        second = staff.open(
            "events_customer_change",
            customer.pk,
            events_before=timeline.older,
            ledger_before=ledger.older,
        )

        timeline, ledger = second.context["timeline"], second.context["ledger"]
        assert [row.event.customer_seq for row in timeline.rows] == [1]
        assert [(row.points, row.balance) for row in ledger.rows] == [(20, 20)]
        assert (timeline.older, ledger.older) == (None, None)

    @pytest.mark.parametrize("number", ["x", "-1", "²", "9" * 18, "9" * 5000, "\x00", ""])
    def test_takes_any_address(self, customer: Customer, staff: Staff, number: str) -> None:
        query = {"events_before": number, "ledger_before": number}

        assert staff.open("events_customer_change", customer.pk, **query).status == 200

    def test_shows_times_of_the_projects_zone(self, customer: Customer, staff: Staff) -> None:
        text = staff.open("events_customer_change", customer.pk).text

        assert "2026-03-02 10:00:00" in text
        assert "Times are those of Europe/Berlin." in text

    def test_changes_attributes_and_nothing_else(
        self, customer: Customer, staff: Staff, caller: Caller, shop: Project
    ) -> None:
        make.rule(
            shop,
            "gold",
            definition("sell", {"fixed": 3}, when=all_of(leaf("customer.level", "=", "gold"))),
        )
        exact = "0.1234567890123456789012345"

        staff.send(
            "events_customer_change",
            customer.pk,
            active="on",
            attributes=f'{{"level": "gold", "rate": {exact}}}',
            label="another",
            last_seq=0,
        )

        result = caller.send_one(buy(event="sell"))
        customer.refresh_from_db()
        assert result["points_awarded"] == 3
        assert (customer.label, customer.last_seq) == ("c-1", 4)
        assert customer.attributes == {"level": "gold", "rate": Decimal(exact)}

    def test_leaves_what_an_event_changed_meanwhile(
        self, customer: Customer, caller: Caller
    ) -> None:
        caller.send_one(buy())

        customer.put_attributes({"level": "gold"})

        customer.refresh_from_db()
        assert (customer.attributes, customer.last_seq) == ({"level": "gold"}, 4)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("[]", "Attributes are a JSON object", id="a list"),
            pytest.param('{"a": 1, "a": 2}', "The key a is given twice.", id="a key twice"),
            pytest.param('{"a": "\\u0000"}', "attributes.a: The text holds U+0000", id="NUL"),
            pytest.param("{", "The text is not JSON", id="no JSON"),
        ],
    )
    def test_refuses_what_attributes_cannot_be(
        self, customer: Customer, staff: Staff, text: str, message: str
    ) -> None:
        page = staff.send("events_customer_change", customer.pk, attributes=text)

        [error] = page.errors["attributes"]
        customer.refresh_from_db()
        assert message in error
        assert customer.attributes == {}

    def test_is_found_by_each_identity(self, customer: Customer, staff: Staff) -> None:
        for name, found in [("c-1", [customer]), ("c@example.com", [customer]), ("c-", [])]:
            assert staff.open("events_customer_changelist", q=name).rows == found

    def test_is_neither_made_nor_deleted(self, customer: Customer, bob: User) -> None:
        staff = Staff(bob)

        assert staff.open("events_customer_add").status == 403
        assert staff.send("events_customer_delete", customer.pk, post="yes").status == 403


def told(rows: list[Any]) -> list[tuple[int, int, list[str]]]:
    """Return each event's number, its points, and what gave them."""
    return [
        (
            row.event.customer_seq,
            row.event.points_total,
            [f"{one.source} {one.points}" for one in row.earned],
        )
        for row in rows
    ]


class TestStreaksOfACustomer:
    MILESTONES = {**DAILY, "milestones": [{"at": 2, "points": 5}, {"at": 7, "points": 50}]}

    def test_tell_the_next_milestone(
        self, shop: Project, staff: Staff, caller: Caller, clock: time_machine.Traveller
    ) -> None:
        make.streak(shop, "daily", self.MILESTONES)
        for _ in range(3):
            caller.send_one(buy(occurred_at=None))
            clock.shift(timedelta(days=1))

        page = staff.open("events_customer_change", Customer.objects.get().pk)

        [row] = page.context["streaks"]
        assert (row.current, row.longest, row.next_at, row.next_points, row.missing) == (
            3,
            3,
            7,
            50,
            4,
        )
        assert "50 points at 7 days: 4 to go" in page.text

    def test_begin_anew_after_a_day_without(
        self, shop: Project, staff: Staff, caller: Caller, clock: time_machine.Traveller
    ) -> None:
        make.streak(shop, "daily", self.MILESTONES)
        caller.send_one(buy())
        clock.shift(timedelta(days=3))

        page = staff.open("events_customer_change", Customer.objects.get().pk)

        [row] = page.context["streaks"]
        assert (row.current, row.longest, row.next_at) == (0, 1, 2)


class TestQueries:
    def test_of_a_customer_read_one_page(self, shop: Project, staff: Staff, caller: Caller) -> None:
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        for _ in range(3):
            caller.send(*(buy() for _ in range(100)))
        customer = Customer.objects.get()

        with CaptureQueriesContext(connection) as captured:
            page = staff.open("events_customer_change", customer.pk)

        assert len(page.context["timeline"].rows) == len(page.context["ledger"].rows) == 25
        assert Transfer.objects.count() == 300
        long = [each["sql"] for each in captured if "LIMIT" not in each["sql"]]
        assert [sql for sql in long if 'FROM "events_event"' in sql] == []


class TestEventPage:
    def test_shows_metadata_and_what_was_earned(
        self, shop: Project, staff: Staff, caller: Caller
    ) -> None:
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        caller.send_one(buy(brand="Private", price=1.50, tags=["a", "b"]))

        text = staff.open("events_event_change", Event.objects.get().pk).text

        assert "<dt>brand</dt><dd>Private</dd>" in text
        assert "<dt>price</dt><dd>1.5</dd>" in text
        assert '<dt>tags</dt><dd>["a","b"]</dd>' in text
        assert "Gives 10 points for each buy." in text

    def test_keeps_personal_values_to_itself(
        self, shop: Project, staff: Staff, caller: Caller
    ) -> None:
        make.field(make.event_type(shop, "buy"), "name", personal=True)
        caller.send_one(buy(metadata={"name": "Ada Lovelace", "brand": "Private"}))

        text = staff.open("events_event_change", Event.objects.get().pk).text

        assert f"<dt>name</dt><dd>{MASK}</dd>" in text
        assert "Ada Lovelace" not in text

    def test_escapes_what_clients_sent(self, staff: Staff, caller: Caller, shop: Project) -> None:
        caller.send_one(buy("<b>c", event="<i>e", metadata={"<u>k": "<script>x"}))
        event = Event.objects.get()

        for page in (("events_event_changelist",), ("events_event_change", event.pk)):
            html = staff.client.get(page_url(*page)).content.decode()
            assert "&lt;b&gt;c" in html
            for tag in ("<b>c", "<i>e", "<u>k", "<script>x"):
                assert tag not in html
