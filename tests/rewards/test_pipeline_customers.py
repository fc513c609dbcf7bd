"""What the pipeline does with what is said of customers, beside the events."""

from decimal import Decimal

import pytest

from events import catalogue, limits
from events.models import Batch, Customer, Event, EventType, Identity, Project, Quarantine
from events.types import JsonObject
from rewards.models import Transfer
from tests import make
from tests.entries import codes, event, profile, sent, whole
from tests.rewards.definitions import definition

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

GOLD: JsonObject = {
    "combinator": "and",
    "rules": [{"field": "customer.level", "operator": "=", "value": "gold"}],
}


def known_as(project: Project, name: str) -> Customer:
    return Identity.objects.get(project=project, value=name).customer


class TestAProfile:
    def test_makes_a_customer_and_no_event(self, shop: Project) -> None:
        [outcome] = sent(shop, profile("c-1", {"level": "gold", "visits": Decimal("2.50")}))

        customer = Customer.objects.get()
        assert outcome.status == "accepted"
        assert outcome.customer_id == customer.pk
        assert outcome.balance == 0
        assert outcome.event_id == ""
        assert customer.attributes == {"level": "gold", "visits": Decimal("2.50")}
        assert not Event.objects.exists()
        assert not Batch.objects.exists()
        assert not EventType.objects.exists()

    def test_puts_its_attributes_beside_those_that_are_there(self, shop: Project) -> None:
        sent(shop, profile("c-1", {"level": "gold", "city": "Ulm", "age": 40}))
        sent(shop, profile("c-1", {"city": None, "age": 41, "unknown": None}))

        assert known_as(shop, "c-1").attributes == {"level": "gold", "age": 41}

    def test_tells_true_from_one(self, shop: Project) -> None:
        sent(shop, profile("c-1", {"member": 1}))
        sent(shop, profile("c-1", {"member": True}))

        assert known_as(shop, "c-1").attributes["member"] is True

    def test_tells_the_balance(self, shop: Project) -> None:
        make.rule(shop, "ten points", definition("buy", {"fixed": 10}))

        first, second, third = sent(shop, profile("c-1"), event("c-1"), profile("c-1"))

        assert [first.balance, second.balance, third.balance] == [0, 10, 10]
        assert sent(shop, profile("c-1"))[0].balance == 10

    def test_adds_a_further_name(self, shop: Project) -> None:
        sent(shop, event("c-1"))
        sent(shop, profile("c-1", email="a@x.test"))

        assert known_as(shop, "a@x.test") == known_as(shop, "c-1")

    def test_is_refused_beyond_the_most_attributes(self, shop: Project) -> None:
        most = {f"a{number}": number for number in range(limits.ATTRIBUTES_PER_CUSTOMER)}
        assert codes(sent(shop, profile("c-1", most))) == [""]

        assert codes(sent(shop, profile("c-1", {"more": 1}), profile("c-1", {"a0": 7}))) == [
            "too_many_fields",
            "",
        ]

        attributes = known_as(shop, "c-1").attributes
        assert attributes == {**most, "a0": 7}
        assert Quarantine.objects.get().code == "too_many_fields"

    def test_refused_in_a_whole_request_leaves_nothing_of_it(self, shop: Project) -> None:
        most = {f"a{number}": number for number in range(limits.ATTRIBUTES_PER_CUSTOMER + 1)}

        outcomes = sent(shop, event("c-1"), profile("c-2", most), event("c-3"), wire=whole)

        assert set(codes(outcomes)) == {"too_many_fields"}
        assert not Customer.objects.exists()
        assert not Event.objects.exists()
        assert not EventType.objects.exists()
        assert Quarantine.objects.count() == 1


class TestAttributesOfAnEvent:
    def test_are_read_by_the_rules_that_decide_it(self, shop: Project) -> None:
        make.rule(shop, "gold", definition("buy", {"fixed": 10}, when=GOLD))

        outcomes = sent(
            shop,
            event("c-1"),
            event("c-1", attributes={"level": "gold"}),
            event("c-1"),
            profile("c-1", {"level": None}),
            event("c-1"),
        )

        assert [outcome.points_awarded for outcome in outcomes] == [0, 10, 10, 0, 0]
        assert known_as(shop, "c-1").attributes == {}
        assert Transfer.objects.count() == 2

    def test_are_not_put_again_by_a_retry(self, shop: Project) -> None:
        first = event("c-1", key="k", attributes={"level": "gold"})
        sent(shop, first, event("c-1", attributes={"level": "silver"}), first)
        sent(shop, first)

        assert known_as(shop, "c-1").attributes == {"level": "silver"}


class TestACustomerWhoMustExist:
    def test_is_not_made(self, shop: Project) -> None:
        outcomes = sent(shop, event("c-1"), event("c-2", must_exist=True), wire=whole)

        assert set(codes(outcomes)) == {"customer_not_found"}
        assert not Customer.objects.exists()
        assert not Event.objects.exists()
        assert Quarantine.objects.get().code == "customer_not_found"

    def test_costs_its_neighbours_nothing_in_a_list(self, shop: Project) -> None:
        outcomes = sent(shop, event("c-1"), profile("c-2", must_exist=True), event("c-3"))

        assert codes(outcomes) == ["", "customer_not_found", ""]
        assert Customer.objects.count() == 2

    def test_may_be_made_by_an_entry_before(self, shop: Project) -> None:
        outcomes = sent(
            shop,
            event("c-1", must_exist=True),
            profile("c-1", email="a@x.test"),
            event("c-1", must_exist=True),
            event(email="a@x.test", must_exist=True),
        )

        assert codes(outcomes) == ["customer_not_found", "", "", ""]
        assert Customer.objects.count() == 1

    def test_is_found_by_what_was_sent_earlier(self, shop: Project, other: Project) -> None:
        sent(shop, profile(email="a@x.test"))

        assert codes(sent(shop, event(email="a@x.test", must_exist=True))) == [""]
        assert codes(sent(other, event(email="a@x.test", must_exist=True))) == [
            "customer_not_found"
        ]


class TestAnInactiveCustomer:
    def test_has_its_events_refused_until_it_is_active_again(self, shop: Project) -> None:
        [known] = sent(shop, event("c-1", email="a@x.test"))
        customer = Customer.objects.get(pk=known.customer_id)

        customer.set_active(False)
        outcomes = sent(shop, event("c-1"), event("c-2"), event(email="a@x.test"))
        customer.set_active(True)

        assert codes(outcomes) == ["inactive_customer", "", "inactive_customer"]
        assert codes(sent(shop, event("c-1"))) == [""]
        assert Event.objects.count() == 3

    def test_refuses_a_whole_request(self, shop: Project) -> None:
        sent(shop, profile("c-1"))
        known_as(shop, "c-1").set_active(False)

        outcomes = sent(shop, event("c-2"), event("c-1"), wire=whole)

        assert set(codes(outcomes)) == {"inactive_customer"}
        assert not Event.objects.exists()
        assert Customer.objects.count() == 1

    def test_keeps_its_profile(self, shop: Project) -> None:
        sent(shop, profile("c-1"))
        known_as(shop, "c-1").set_active(False)

        assert codes(sent(shop, profile("c-1", {"level": "gold"}))) == [""]

    def test_is_looked_for_only_where_a_project_has_one(
        self, shop: Project, other: Project
    ) -> None:
        sent(shop, profile("c-1"))
        sent(other, profile("c-1"))
        one = known_as(shop, "c-1")

        def gated() -> list[bool]:
            known = catalogue.current([shop.pk, other.pk])
            return [known[shop.pk].has_inactive_customers, known[other.pk].has_inactive_customers]

        assert gated() == [False, False]
        one.set_active(False)
        assert gated() == [True, False]
        assert codes(sent(other, event("c-1"))) == [""]
        one.set_active(True)
        assert gated() == [False, False]


class TestTheNumberOfACustomer:
    def test_stands_in_every_answer_that_is_no_refusal(self, shop: Project) -> None:
        first, again, refused = sent(
            shop, event("c-1", key="k"), event("c-1", key="k"), event("c-1", key="k", amount=1)
        )

        assert first.customer_id == again.customer_id == Customer.objects.get().pk
        assert again.status == "duplicate"
        assert refused.error
        assert refused.customer_id == 0
