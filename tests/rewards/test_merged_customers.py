"""What is shown of customers who became one: on the staff's pages and through the API."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from events.models import Customer, Identity, IdentityClaim, Merge, Project
from events.projects import NewProject
from rewards.admin import story
from rewards.models import Transfer
from tests import make
from tests.calling import EVENTS, Caller
from tests.entries import event, linking, profile, sent
from tests.rewards.definitions import definition
from tests.staff_pages import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def staff(alice: User) -> Staff:
    return Staff(alice)


@pytest.fixture
def survivor(shop: Project) -> Customer:
    """The customer c-1 with two events of its own and two of a customer merged into it."""
    make.rule(shop, "ten points", definition("buy", {"fixed": 10}))
    for entry in (event("c-1"), event("c-2"), event("c-1"), event("c-2", email="c@x.test")):
        sent(shop, entry)
    sent(shop, profile("c-1", email="c@x.test"), wire=linking)
    return Identity.objects.get(project=shop, value="c-1").customer


@pytest.fixture
def loser(survivor: Customer) -> Customer:
    return survivor.merged.get()


class TestTheCustomerPage:
    def test_tells_the_events_and_points_of_both(self, survivor: Customer, staff: Staff) -> None:
        page = staff.open("events_customer_change", survivor.pk)

        assert page.context["balance"] == 40
        assert len(page.context["timeline"].rows) == 4
        assert [[one.points for one in row.earned] for row in page.context["timeline"].rows] == [
            [10],
            [10],
            [10],
            [10],
        ]
        assert [row.balance for row in page.context["ledger"].rows] == [40, 30, 20, 10]
        assert "Merged into this customer" in page.text
        assert "two identities given at once" in page.text

    def test_turns_its_pages_over_the_events_of_both(
        self, survivor: Customer, staff: Staff, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(story, "PAGE_ROWS", 3)
        first = staff.open("events_customer_change", survivor.pk).context["timeline"]
        second = staff.open("events_customer_change", survivor.pk, events_before=first.older)

        shown = [row.event.pk for row in (*first.rows, *second.context["timeline"].rows)]
        assert len(shown) == len(set(shown)) == 4

    def test_of_the_one_who_was_merged_leads_on(
        self, survivor: Customer, loser: Customer, staff: Staff
    ) -> None:
        response = staff.client.get(f"/admin/events/customer/{loser.pk}/change/")

        assert response.status_code == 302
        assert response["Location"] == f"/admin/events/customer/{survivor.pk}/change/"

    def test_of_a_stranger_leads_nowhere(self, loser: Customer, charlie: User) -> None:
        response = Staff(charlie).client.get(f"/admin/events/customer/{loser.pk}/change/")

        assert response["Location"] == "/admin/"

    def test_stands_once_in_the_list(self, survivor: Customer, staff: Staff) -> None:
        for name in ("", "c-1", "c-2", "c@x.test", " C@X.test"):
            assert staff.open("events_customer_changelist", q=name).rows == [survivor]

    def test_sets_a_customer_inactive(self, survivor: Customer, staff: Staff) -> None:
        staff.send("events_customer_change", survivor.pk, attributes="{}")

        survivor.refresh_from_db()
        assert not survivor.active
        assert Project.objects.get(pk=survivor.project_id).has_inactive_customers


class TestOtherPages:
    def test_find_the_events_of_both(self, survivor: Customer, staff: Staff) -> None:
        for name in ("c-1", "c-2", "c@x.test"):
            assert len(staff.open("events_event_changelist", q=name).rows) == 4

    def test_tell_the_transfer_of_a_merge(self, survivor: Customer, staff: Staff) -> None:
        moved = Transfer.objects.get(kind="merge")

        page = staff.open("rewards_transfer_change", moved.pk)

        assert "The points of c-2, who became a part of c-1." in page.text
        assert f"/admin/events/merge/{moved.event_id}/change/" in page.text
        listed = staff.open("rewards_transfer_changelist", q="c-2")
        assert len(listed.rows) == 5
        assert "merged customers" in listed.text

    def test_tell_the_merge(self, survivor: Customer, staff: Staff) -> None:
        text = staff.open("events_merge_change", Merge.objects.get().pk).text

        assert "two identities given at once" in text
        assert staff.open("events_merge_changelist").status == 200


class TestTheApi:
    def test_has_one_customer_under_each_name(self, survivor: Customer, caller: Caller) -> None:
        for name in ("c-1", "c-2"):
            assert caller.customer(name)["balance"] == 40

    def test_lists_the_events_of_both(self, survivor: Customer, caller: Caller) -> None:
        for name in ("c-1", "c-2"):
            found: list[Any] = caller.get(EVENTS, {"customer": name}).body["results"]
            assert len(found) == 4

    def test_lists_no_events_of_another_project(
        self, survivor: Customer, other_keys: NewProject
    ) -> None:
        sent(other_keys.project, event("c-1"))

        assert len(Caller(keys=other_keys).get(EVENTS, {"customer": "c-1"}).body["results"]) == 1

    @pytest.fixture
    def caller(self, shop_keys: NewProject) -> Caller:
        return Caller(keys=shop_keys)


class TestMergingInTheAdmin:
    def test_makes_one_of_those_selected(self, shop: Project, staff: Staff, alice: User) -> None:
        sent(shop, event("c-1"), event("c-2"))
        page = staff.act("events_customer_changelist", "merge_selected", *Customer.objects.all())

        assert "All are c-1 now" in page.text
        assert [row.label for row in page.rows] == ["c-1"]
        assert Merge.objects.get().by == alice

    def test_needs_two(self, shop: Project, staff: Staff) -> None:
        sent(shop, event("c-1"))
        page = staff.act("events_customer_changelist", "merge_selected", Customer.objects.get())

        assert "at least two" in page.text

    def test_stays_in_one_project(self, shop: Project, other: Project, bob: User) -> None:
        sent(shop, event("c-1"))
        sent(other, event("c-1"))
        page = Staff(bob).act(
            "events_customer_changelist", "merge_selected", *Customer.objects.all()
        )

        assert "all of one project" in page.text
        assert not Merge.objects.exists()

    def test_settles_duplicates(self, shop: Project, staff: Staff) -> None:
        for name in ("c-1", "c-2", "c-3"):
            sent(shop, event(name, email="a@x.test"))
        duplicates = staff.open("events_identityclaim_changelist")
        assert [row.customer.label for row in duplicates.rows] == ["c-3", "c-2"]

        page = staff.act(
            "events_identityclaim_changelist", "merge_selected", *IdentityClaim.objects.all()
        )

        assert "Customers merged: 2." in page.text
        assert page.rows == []
        assert Customer.objects.filter(merged_into=None).get().label == "c-1"


class TestSwitchingOnAMerge:
    def test_waits_until_there_are_no_duplicates(self, shop: Project, staff: Staff) -> None:
        sent(shop, event("c-1", email="a@x.test"), event("c-2", email="a@x.test"))
        sent(shop, event("c-3", email="b@x.test"), event("c-4", email="b@x.test"))
        sent(shop, event("c-5", phone="+491"))
        form = {"name": "Shop", "reward_window_days": 30, "merge_by": "email"}

        page = staff.send("events_project_change", shop.pk, **form)

        [error] = page.errors["merge_by"]
        assert "two or more customers gave: 2." in error
        shop.refresh_from_db()
        assert shop.merge_by == ""

    def test_is_done_once_they_are_merged(self, shop: Project, staff: Staff) -> None:
        sent(shop, event("c-1", email="a@x.test"), event("c-2", email="a@x.test"))
        shop.merge_by = Project.MergeBy.EMAIL
        with pytest.raises(ValidationError):
            shop.full_clean()
        staff.act("events_identityclaim_changelist", "merge_selected", *IdentityClaim.objects.all())

        shop.full_clean()
        shop.save()

        [outcome] = sent(shop, event("c-9", email="a@x.test"))
        assert outcome.customer_id == Identity.objects.get(value="c-1").customer_id

    def test_does_not_ask_for_the_other_kind(self, shop: Project) -> None:
        sent(shop, event("c-1", phone="+491"), event("c-2", phone="+491"))
        shop.merge_by = Project.MergeBy.EMAIL

        shop.full_clean()
