"""The staff's lists of what is written once: how they are kept, found and asked for."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.admin.lists import CappedPaginator
from events.models import Customer, Event, Project
from events.projects import NewProject
from rewards.models import Transfer
from tests import make
from tests.calling import Caller, buy
from tests.rewards.definitions import DAILY, definition
from tests.staff_pages import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    return Caller(keys=shop_keys)


@pytest.fixture
def staff(alice: User) -> Staff:
    return Staff(alice)


class TestRecords:
    """Events, transfers and refusals, which are written by the pipeline alone."""

    @pytest.fixture
    def sent(self, shop: Project, caller: Caller, clock: time_machine.Traveller) -> None:
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        make.streak(shop, "daily", DAILY)
        caller.send(buy("c-1", identities={"email": "one@example.com"}), buy("c-2"))
        clock.shift(timedelta(days=10))
        caller.send(buy("c-1", event="sell"), buy("c-3", occurred_at="1969-01-01T00:00:00Z"))

    @pytest.mark.usefixtures("sent")
    @pytest.mark.parametrize("name", ["events_event", "rewards_transfer", "events_quarantine"])
    def test_are_written_by_nobody(self, bob: User, name: str) -> None:
        staff = Staff(bob)
        [row, *_] = staff.open(f"{name}_changelist").rows
        rows = type(row).objects.order_by("pk")
        before = list(rows.values())

        assert staff.open(f"{name}_change", row.pk).status == 200
        assert staff.open(f"{name}_add").status == 403
        assert staff.send(f"{name}_add", wire="native").status == 403
        assert staff.send(f"{name}_change", row.pk, wire="lynes", amount="5").status == 403
        assert staff.send(f"{name}_delete", row.pk, post="yes").status == 403
        assert list(rows.values()) == before

    @pytest.mark.usefixtures("sent")
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            pytest.param({}, ["buy c-1", "buy c-2", "sell c-1"], id="without a filter"),
            pytest.param({"q": "c-1"}, ["buy c-1", "sell c-1"], id="by the external id"),
            pytest.param({"q": "one@example.com"}, ["buy c-1", "sell c-1"], id="by the email"),
            pytest.param({"q": "c"}, [], id="by a part of the id"),
            pytest.param({"received": "7-days"}, ["sell c-1"], id="by the time"),
            pytest.param({"status__exact": "discarded"}, [], id="by the status"),
        ],
    )
    def test_are_found(self, staff: Staff, query: dict[str, str], found: list[str]) -> None:
        rows = staff.open("events_event_changelist", **query).rows

        # Ids of one millisecond come in any order.
        assert sorted(f"{row.event_type} {row.customer}" for row in rows) == found

    @pytest.mark.usefixtures("sent")
    def test_are_listed_up_to_a_limit_that_is_told(
        self, staff: Staff, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "3 events" in staff.open("events_event_changelist").text

        monkeypatch.setattr(CappedPaginator, "most_rows", 2)

        text = staff.open("events_event_changelist").text
        assert "The first 2 events; filter or search to reach others" in text

    @pytest.mark.usefixtures("sent")
    def test_are_found_by_the_event(self, staff: Staff) -> None:
        event = Event.objects.get(customer_seq=1, customer__label="c-1")

        assert staff.open("events_event_changelist", q=str(event.pk)).rows == [event]
        transfers = staff.open("rewards_transfer_changelist", q=str(event.pk)).rows
        assert {(each.kind, each.source_name) for each in transfers} == {
            ("award", "ten"),
            ("streak", "daily"),
        }

    @pytest.mark.usefixtures("sent")
    def test_of_the_ledger_name_rule_customer_and_event(self, staff: Staff) -> None:
        text = staff.open("rewards_transfer_changelist", q="c-2").text
        transfer = Transfer.objects.get(
            kind="award", customer_id=Customer.objects.get(label="c-2").pk
        )

        assert re.search(r'<td class="field-source[^>]*>\s*ten\s*</td>', text)
        assert f'/admin/events/customer/{transfer.customer_id}/change/">c-2</a>' in text
        assert f"/admin/events/event/{transfer.event_id}/change/" in text


class TestQueries:
    """A page asks the database as often for many rows as for few."""

    def fill(self, caller: Caller, first: int, last: int) -> None:
        for number in range(first, last):
            make.rule(caller.keys.project, f"rule {number}", definition("buy", {"fixed": 10}))
            make.streak(caller.keys.project, f"streak {number}", DAILY)
            caller.send(
                buy("c-0", occurred_at=f"2026-02-{number + 10}T12:00:00Z", identities={}),
                buy(f"c-{number}", event=f"event {number}"),
                buy(occurred_at="1969-01-01T00:00:00Z"),
            )

    @pytest.mark.parametrize(
        "name",
        [
            "events_event",
            "rewards_transfer",
            "events_customer",
            "events_quarantine",
            "events_eventtype",
            "events_apikey",
            "rewards_rule",
            "rewards_streak",
        ],
    )
    def test_of_a_list_are_as_many(self, caller: Caller, staff: Staff, name: str) -> None:
        self.fill(caller, 0, 2)
        before = queries(staff, f"{name}_changelist")
        self.fill(caller, 2, 8)

        assert queries(staff, f"{name}_changelist") == before
        assert before <= 12

    def test_of_a_customer_are_few(self, caller: Caller, staff: Staff) -> None:
        self.fill(caller, 0, 1)
        customer = Customer.objects.get(label="c-0")
        before = queries(staff, "events_customer_change", customer.pk)
        self.fill(caller, 1, 8)

        assert queries(staff, "events_customer_change", customer.pk) == before
        assert before <= 24


def queries(staff: Staff, name: str, *args: object) -> int:
    staff.open(name, *args)  # the first one fills Django's cache of content types
    with CaptureQueriesContext(connection) as captured:
        assert staff.open(name, *args).status == 200
    return len(captured)
