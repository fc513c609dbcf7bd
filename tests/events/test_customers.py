"""Customers, found by the names under which events come."""

from collections.abc import Iterable

import pytest

from events import customers
from events.linking import Sought
from events.models import Customer, Identity, Project
from events.projects import NewProject
from events.types import Identity as Names
from tests import make
from tests.calling import Caller, buy

pytestmark = pytest.mark.django_db

ALICE = Names(external_id="alice", email="alice@x.test")
BOB = Names(external_id="bob", email="alice@x.test")  # he gives the address of another


def known(project: Project) -> dict[str, set[tuple[str, str]]]:
    """Return the names of every customer of the project, by label."""
    found: dict[str, set[tuple[str, str]]] = {}
    for customer in Customer.objects.filter(project=project).order_by("id"):
        assert customer.label not in found
        found[customer.label] = set(customer.identities.values_list("kind", "value"))
    return found


def locked(project: Project, *wanted: Names) -> list[int]:
    """Ask for customers; return their ids in the order asked."""
    sought = [Sought.of(project.pk, names) for names in wanted]
    found = customers.locked(sought, make.NOW).customers
    return [found[each].id for each in sought]


class TestANewCustomer:
    def test_gets_every_name_that_it_comes_with(self, shop: Project) -> None:
        locked(shop, Names(external_id="c-1", email="a@x.test", phone="+49"))

        assert known(shop) == {
            "c-1": {("external_id", "c-1"), ("email", "a@x.test"), ("phone", "+49")}
        }

    @pytest.mark.parametrize(
        ("names", "label"),
        [
            (Names(email="a@x.test"), "a@x.test"),
            (Names(phone="+49"), "+49"),
            (Names(email="a@x.test", phone="+49"), "a@x.test"),
        ],
    )
    def test_needs_no_external_id(self, shop: Project, names: Names, label: str) -> None:
        assert locked(shop, names) == locked(shop, names)
        assert list(known(shop)) == [label]

    def test_is_another_where_the_same_text_is_a_name_of_another_kind(self, shop: Project) -> None:
        one, other = locked(shop, Names(external_id="a@x.test"), Names(email="a@x.test"))

        assert one != other

    def test_is_another_in_another_project(self, shop: Project, other: Project) -> None:
        assert locked(shop, ALICE) != locked(other, ALICE)
        assert list(known(shop)) == list(known(other)) == ["alice"]

    @pytest.mark.parametrize(
        "value", ["Ünï", "ünï", "a b", "a/b", "%", "_", "'", "\n", "🦊", "e\u0301", "\u00e9"]
    )
    def test_is_found_by_exactly_its_name(self, shop: Project, value: str) -> None:
        decoys = locked(shop, Names(external_id=f"{value}x"), Names(external_id=value.swapcase()))

        [found] = locked(shop, Names(external_id=value))

        assert [found] == locked(shop, Names(external_id=value))
        assert found != decoys[0]


class TestAKnownCustomer:
    def test_is_found_by_each_of_its_names(self, shop: Project) -> None:
        [alice] = locked(shop, ALICE)

        assert locked(shop, Names(external_id="alice"), Names(email="alice@x.test")) == [
            alice,
            alice,
        ]

    def test_gets_further_names(self, shop: Project) -> None:
        [alice] = locked(shop, Names(external_id="alice"))

        assert locked(shop, ALICE) == [alice]
        assert locked(shop, Names(email="alice@x.test")) == [alice]

    def test_keeps_a_name_that_another_comes_with(self, shop: Project) -> None:
        [alice] = locked(shop, ALICE)

        [bob] = locked(shop, BOB)

        assert bob != alice
        assert locked(shop, Names(email="alice@x.test")) == [alice]
        assert known(shop)["bob"] == {("external_id", "bob")}

    def test_has_its_attributes_and_its_last_number(self, shop: Project) -> None:
        [alice] = locked(shop, ALICE)
        Customer.objects.filter(pk=alice).update(attributes={"city": "Ulm"}, last_seq=7)

        found = customers.locked([Sought.of(shop.pk, ALICE)], make.NOW).customers[
            Sought.of(shop.pk, ALICE)
        ]

        assert (found.attributes, found.seq) == ({"city": "Ulm"}, 7)


def one_by_one(project: Project, wanted: Iterable[Names]) -> list[int]:
    return [locked(project, names)[0] for names in wanted]


def same_partition(left: list[int], right: list[int]) -> bool:
    """Tell whether two lists name the same customers by other ids."""
    return [left.index(each) for each in left] == [right.index(each) for each in right]


class TestCustomersAskedForTogether:
    @pytest.mark.parametrize(
        "wanted",
        [
            pytest.param([ALICE, Names(email="alice@x.test")], id="a name learned a moment ago"),
            pytest.param([Names(email="alice@x.test"), ALICE], id="a name that was taken before"),
            pytest.param(
                [
                    ALICE,
                    Names(external_id="bob", email="alice@x.test"),
                    Names(email="alice@x.test"),
                ],
                id="two that come with the same name",
            ),
            pytest.param(
                [BOB, ALICE, Names(email="alice@x.test"), Names(external_id="alice")],
                id="the same two the other way round",
            ),
            pytest.param(
                [
                    Names(email="e@x.test", phone="+1"),
                    Names(phone="+1"),
                    Names(external_id="x", phone="+1"),
                    Names(external_id="x", email="f@x.test"),
                    Names(email="f@x.test"),
                ],
                id="a chain of names",
            ),
        ],
    )
    def test_are_the_same_as_one_by_one(
        self, shop: Project, other: Project, wanted: list[Names]
    ) -> None:
        together = locked(shop, *wanted)

        assert same_partition(together, one_by_one(other, wanted))
        assert known(shop) == known(other)

    def test_have_no_name_twice(self, shop: Project) -> None:
        locked(shop, *[ALICE] * 3, Names(external_id="alice"))

        assert Identity.objects.count() == 2


class TestEventsOfOneCustomer:
    def test_may_come_under_different_names(self, shop_keys: NewProject) -> None:
        caller = Caller(keys=shop_keys)

        caller.send(
            buy("c-1", identities={"email": "a@x.test", "phone": "+4930123456"}),
            {"event": "buy", "identities": {"email": "a@x.test"}},
            {"event": "buy", "identities": {"phone": "+4930123456"}},
        )

        assert Customer.objects.get().last_seq == 3
        assert caller.customer("c-1")["identities"] == {
            "external_id": "c-1",
            "email": "a@x.test",
            "phone": "+4930123456",
        }
