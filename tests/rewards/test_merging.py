"""Customers who turn out to be one person."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User

from events import limits
from events.models import (
    Customer,
    Event,
    Identity,
    IdentityClaim,
    Merge,
    Project,
    ThrottledMoment,
)
from rewards import merging
from rewards.models import Account, LimitCounter, StreakState, Transfer
from rewards.streaks import longest, runs_from_json
from tests import make
from tests.entries import codes, event, linking, profile, sent
from tests.ledger import differences
from tests.rewards.definitions import definition, limit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)


def named(project: Project, value: str) -> Customer:
    return Identity.objects.get(project=project, value=value).customer


def balances(project: Project) -> dict[str, int]:
    """Return what each customer has, by label; those without an account left out."""
    accounts = Account.objects.filter(project=project, owner_type="customer")
    labels = dict(Customer.objects.values_list("id", "label"))
    return {labels[owner]: points for owner, points in accounts.values_list("owner_id", "balance")}


@pytest.fixture
def ten_points(shop: Project) -> None:
    make.rule(shop, "ten points", definition("buy", {"fixed": 10}))


@pytest.mark.usefixtures("ten_points")
class TestTwoNamesGivenAtOnce:
    def test_make_one_customer_of_two(self, shop: Project) -> None:
        first, second = sent(
            shop,
            event("c-1", attributes={"level": "gold", "age": 40}),
            event(email="a@x.test", attributes={"level": "silver", "city": "Ulm"}),
        )

        [linked] = sent(shop, event("c-1", email="a@x.test"), wire=linking)

        survivor = named(shop, "c-1")
        assert named(shop, "a@x.test") == survivor
        assert survivor.pk == first.customer_id == linked.customer_id
        assert linked.balance == 30
        assert survivor.attributes == {"level": "gold", "age": 40, "city": "Ulm"}
        assert survivor.last_seq == 3  # the events of both
        assert balances(shop) == {"c-1": 30, "a@x.test": 0}
        merge = Merge.objects.get()
        assert (merge.survivor_id, merge.loser_id) == (first.customer_id, second.customer_id)
        assert (merge.cause, merge.by, merge.points_moved) == ("link", None, 10)
        moved = Transfer.objects.get(kind="merge")
        assert (moved.amount, moved.event_id, moved.version_id) == (10, merge.pk, 0)
        assert moved.customer_id == survivor.pk
        assert differences() == []

    def test_leave_what_was_written_as_it_was(self, shop: Project) -> None:
        sent(shop, event("c-1"), event(email="a@x.test"))
        events = list(Event.objects.order_by("id").values())
        transfers = list(Transfer.objects.order_by("id").values())

        sent(shop, profile("c-1", email="a@x.test"), wire=linking)

        assert list(Event.objects.order_by("id").values()) == events
        assert list(Transfer.objects.exclude(kind="merge").order_by("id").values()) == transfers

    def test_let_the_older_customer_stay(self, shop: Project) -> None:
        sent(shop, event(email="a@x.test"), event("c-1"))

        [linked] = sent(shop, event("c-1", email="a@x.test"), wire=linking)

        assert Customer.objects.get(pk=linked.customer_id).label == "a@x.test"

    def test_make_one_of_three(self, shop: Project) -> None:
        sent(shop, event("c-1"), event(email="a@x.test"), event(phone="+491"))

        [linked] = sent(shop, event("c-1", email="a@x.test", phone="+491"), wire=linking)

        assert linked.balance == 40
        assert Merge.objects.count() == 2
        assert set(Customer.objects.values_list("merged_into_id", flat=True)) == {
            None,
            linked.customer_id,
        }
        assert differences() == []

    def test_keep_paths_flat(self, shop: Project) -> None:
        sent(shop, event("c-1"), event(email="a@x.test"), event(phone="+491"))
        sent(shop, profile(email="a@x.test", phone="+491"), wire=linking)
        sent(shop, profile("c-1", phone="+491"), wire=linking)

        root = named(shop, "c-1")
        others = Customer.objects.exclude(pk=root.pk)
        assert {each.merged_into_id for each in others} == {root.pk}
        assert root.ids() == sorted([root.pk, *(each.pk for each in others)])
        assert balances(shop)["c-1"] == 30
        assert differences() == []

    def test_move_nothing_where_there_is_nothing(self, shop: Project) -> None:
        sent(shop, event("c-1"), profile(email="a@x.test"))

        sent(shop, profile("c-1", email="a@x.test"), wire=linking)

        assert not Transfer.objects.filter(kind="merge").exists()
        assert Merge.objects.get().points_moved == 0

    def test_move_what_is_owed_too(self, shop: Project) -> None:
        sent(shop, event("c-1"), event(email="a@x.test"))
        loser = named(shop, "a@x.test")
        # Nothing takes points back yet; what will, may leave a customer in debt.
        Account.objects.filter(owner_id=loser.pk, owner_type="customer").update(balance=-4)

        [linked] = sent(shop, profile("c-1", email="a@x.test"), wire=linking)

        assert linked.balance == 6
        assert balances(shop) == {"c-1": 6, "a@x.test": 0}
        moved = Transfer.objects.get(kind="merge")
        assert (moved.debit.owner_id, moved.credit.owner_id) == (linked.customer_id, loser.pk)
        assert moved.amount == 4
        assert Merge.objects.get().points_moved == -4

    def test_become_names_of_the_customer_who_has_one(self, shop: Project) -> None:
        [known] = sent(shop, event(email="a@x.test"))

        outcomes = sent(shop, event("c-1", email="a@x.test"), event("c-1"), wire=linking)

        assert {outcome.customer_id for outcome in outcomes} == {known.customer_id}
        assert Customer.objects.count() == 1
        assert not Merge.objects.exists()

    def test_are_merged_within_one_request_too(self, shop: Project) -> None:
        outcomes = sent(
            shop,
            event("c-1"),
            event(email="a@x.test"),
            event("c-1", email="a@x.test"),
            event(email="a@x.test"),
            event("c-2"),
            wire=linking,
        )

        assert [outcome.balance for outcome in outcomes] == [10, 10, 30, 40, 10]
        assert Customer.objects.count() == 3
        assert Merge.objects.count() == 1
        assert differences() == []

    def test_are_merged_beside_what_is_refused_late(self, shop: Project) -> None:
        too_many = {f"a{number}": number for number in range(limits.ATTRIBUTES_PER_CUSTOMER + 1)}

        outcomes = sent(
            shop,
            event("c-1"),
            event(email="a@x.test"),
            event("c-1", email="a@x.test"),
            profile("c-1", too_many),
            event("c-1"),
            wire=linking,
        )

        assert codes(outcomes) == ["", "", "", "too_many_fields", ""]
        assert outcomes[-1].balance == 40
        assert Merge.objects.count() == 1
        assert differences() == []

    def test_stay_two_customers_on_a_wire_that_does_not_link(self, shop: Project) -> None:
        sent(shop, event("c-1"), event(email="a@x.test"))

        for _ in range(2):
            [outcome] = sent(shop, event("c-1", email="a@x.test"))

        assert outcome.customer_id == named(shop, "c-1").pk
        claim = IdentityClaim.objects.get()
        assert (claim.kind, claim.value, claim.customer) == (
            "email",
            "a@x.test",
            named(shop, "c-1"),
        )
        assert not Merge.objects.exists()

    def test_do_not_reach_into_another_project(self, shop: Project, other: Project) -> None:
        sent(shop, event("c-1"))
        sent(other, event(email="a@x.test"))

        sent(shop, event("c-1", email="a@x.test"), wire=linking)

        assert named(shop, "a@x.test").project == shop
        assert Identity.objects.filter(value="a@x.test").count() == 2
        assert not Merge.objects.exists()

    def test_refuse_the_events_of_an_inactive_one(self, shop: Project) -> None:
        sent(shop, event("c-1"), event(email="a@x.test"))
        named(shop, "a@x.test").set_active(False)

        assert codes(sent(shop, event("c-1", email="a@x.test"), wire=linking)) == [
            "inactive_customer"
        ]
        assert not Merge.objects.exists()


@pytest.mark.usefixtures("ten_points")
class TestAProjectThatMergesByEmail:
    @pytest.fixture(autouse=True)
    def _by_email(self, shop: Project) -> None:
        shop.merge_by = Project.MergeBy.EMAIL
        shop.save()

    def test_has_one_customer_for_an_address(self, shop: Project) -> None:
        outcomes = sent(
            shop, event("web-1", email="a@x.test"), event("app-1", email="a@x.test"), event("app-1")
        )

        assert [outcome.balance for outcome in outcomes] == [10, 20, 30]
        assert Customer.objects.count() == 1
        assert Identity.objects.count() == 3

    def test_merges_two_who_were_known_without_it(self, shop: Project) -> None:
        sent(shop, event("web-1"), event("app-1", email="a@x.test"))

        sent(shop, event("web-1", email="a@x.test"))

        assert named(shop, "app-1") == named(shop, "web-1")
        assert Merge.objects.get().cause == "channel"

    def test_keeps_apart_who_comes_without_it(self, shop: Project) -> None:
        sent(shop, event("web-1", phone="+491"), event("app-1", phone="+491"))

        assert Customer.objects.count() == 2
        assert IdentityClaim.objects.get().customer == named(shop, "app-1")

    def test_settles_the_claims_of_who_is_merged(self, shop: Project) -> None:
        sent(shop, event("web-1", phone="+491"), event("app-1", phone="+491", email="a@x.test"))
        assert IdentityClaim.objects.count() == 1

        sent(shop, event("web-1", email="a@x.test"))

        assert not IdentityClaim.objects.exists()


class TestWhatIsMerged:
    def test_holds_what_a_limit_has_used(self, shop: Project) -> None:
        make.rule(
            shop,
            "daily",
            definition("buy", {"fixed": 10}, limits=[limit("customer points day", 25)]),
        )
        outcomes = sent(
            shop,
            event("c-1"),
            event(email="a@x.test"),
            event("c-1", email="a@x.test"),
            event("c-1"),
            wire=linking,
        )

        assert [outcome.points_awarded for outcome in outcomes] == [10, 10, 5, 0]
        assert LimitCounter.objects.get().used == 25
        assert differences() == []

    def test_has_the_days_of_both_in_a_streak(
        self, shop: Project, clock: time_machine.Traveller
    ) -> None:
        make.streak(
            shop,
            "daily",
            {"event": "buy", "period": "day", "milestones": [{"at": 3, "points": 50}]},
        )
        sent(shop, event("c-1"))
        clock.shift(DAY)
        sent(shop, event(email="a@x.test"))
        clock.shift(DAY)

        # The third day in a row, but for none of them alone.
        [linked] = sent(shop, event("c-1", email="a@x.test"), wire=linking)

        assert linked.streaks[0].current == 3
        assert linked.streaks[0].milestone_reached
        assert linked.balance == 50
        state = StreakState.objects.get()
        assert state.customer_id == linked.customer_id
        assert longest(runs_from_json(state.runs)) == 3
        assert differences() == []

    def test_is_paid_no_milestone_for_the_merge_itself(
        self, shop: Project, clock: time_machine.Traveller
    ) -> None:
        make.streak(
            shop,
            "daily",
            {"event": "buy", "period": "day", "milestones": [{"at": 2, "points": 50}]},
        )
        sent(shop, event("c-1"))
        clock.shift(DAY)
        sent(shop, event(email="a@x.test"))

        [linked] = sent(shop, profile("c-1", email="a@x.test"), wire=linking)

        assert linked.balance == 0
        assert longest(runs_from_json(StreakState.objects.get().runs)) == 2

    def test_is_throttled_as_one(self, shop: Project) -> None:
        make.event_type(shop, "buy", throttle_minutes=20)
        sent(shop, event("c-1"), profile(email="a@x.test"))

        sent(shop, profile(email="a@x.test", phone="+491"), wire=linking)
        [linked] = sent(shop, event("c-1", email="a@x.test"), wire=linking)

        assert linked.status == "discarded"
        assert ThrottledMoment.objects.get().customer_id == linked.customer_id

    def test_takes_over_the_throttle_of_who_goes(self, shop: Project) -> None:
        make.event_type(shop, "buy", throttle_minutes=20)
        sent(shop, profile("c-1"), event(email="a@x.test"))

        sent(shop, profile("c-1", email="a@x.test"), wire=linking)

        assert [each.status for each in sent(shop, event("c-1"))] == ["discarded"]


class TestAMergeByStaff:
    def test_makes_one_customer_of_those_named(self, shop: Project, alice: User) -> None:
        make.rule(shop, "ten points", definition("buy", {"fixed": 10}))
        ids = [each.customer_id for each in sent(shop, event("c-1"), event("c-2"), event("c-3"))]

        survivor = merging.merge(shop, ids[::-1], by=alice)

        assert survivor == named(shop, "c-3") == named(shop, "c-1")
        assert balances(shop) == {"c-1": 30, "c-2": 0, "c-3": 0}
        assert {(each.cause, each.by) for each in Merge.objects.all()} == {("staff", alice)}
        assert differences() == []

    def test_is_no_merge_of_one(self, shop: Project, alice: User) -> None:
        ids = [each.customer_id for each in sent(shop, event("c-1"), event("c-2"))]
        merging.merge(shop, ids, by=alice)

        with pytest.raises(merging.CannotMergeError):
            merging.merge(shop, ids, by=alice)

    def test_is_refused_across_projects(self, shop: Project, other: Project, alice: User) -> None:
        [one] = sent(shop, event("c-1"))
        [stranger] = sent(other, event("c-1"))

        with pytest.raises(merging.CannotMergeError):
            merging.merge(shop, [one.customer_id, stranger.customer_id], by=alice)

    def test_leaves_it_inactive_where_one_was(self, shop: Project, alice: User) -> None:
        ids = [each.customer_id for each in sent(shop, event("c-1"), event("c-2"))]
        named(shop, "c-2").set_active(False)

        assert not merging.merge(shop, ids, by=alice).active
