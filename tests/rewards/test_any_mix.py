"""The law of all that may happen: events, repeats, refusals, replays and merges in any order give
each person the points of each thing that happened, once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import auth, catalogue
from events.models import Customer, Event, EventType, Project, Quarantine
from events.projects import NewProject
from rewards import merging, replay, ruleset
from rewards.merging import CannotMergeError
from tests import make
from tests.calling import Caller, buy
from tests.conftest import empty_tables
from tests.ledger import differences
from tests.rewards.definitions import definition, per_unit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

CUSTOMERS = ("a", "b", "c", "d")
EMAILS = ("", "x@example.com", "y@example.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something that a customer did; `number` tells it from all others and is what it earns."""

    number: int
    customer: str
    email: str
    has_key: bool

    def body(self) -> dict[str, Any]:
        key = {"id": f"thing-{self.number}"} if self.has_key else {}
        identities = {"identities": {"email": self.email}} if self.email else {}
        return buy(self.customer, amount=self.number, **key, **identities)


@dataclass(slots=True)
class Persons:
    """Which names are one person's, by what was taken and merged; what each earned."""

    groups: list[set[str]] = field(default_factory=list)
    earned: dict[int, str] = field(default_factory=dict)

    def join(self, names: Iterable[str]) -> None:
        together = set(names)
        for group in [group for group in self.groups if group & together]:
            together |= group
            self.groups.remove(group)
        self.groups.append(together)

    def owed(self) -> dict[frozenset[str], int]:
        """Return the points of each person, by all names."""
        return {
            frozenset(group): sum(
                number for number, customer in self.earned.items() if customer in group
            )
            for group in self.groups
        }


@dataclass(slots=True)
class World:
    """The shop as it is, and what should be of it."""

    keys: NewProject
    things: dict[int, Thing]
    persons: Persons = field(default_factory=Persons)

    @property
    def project(self) -> Project:
        return self.keys.project

    def take(self, thing: Thing) -> None:
        self.persons.join(filter(None, (thing.customer, thing.email)))
        self.persons.earned[thing.number] = thing.customer

    def send(self, number: int) -> None:
        """Send a thing, unless its client has no reason to: it was taken, and has no key."""
        thing = self.things[number]
        is_taken = number in self.persons.earned
        if is_taken and not thing.has_key:
            return
        answer = Caller(keys=self.keys).post("/api/v1/events", thing.body())
        status = answer.body["results"][0]["status"]
        if status == "accepted":
            assert not is_taken
            self.take(thing)
        else:
            # A retry gets its answer even while the type is closed.
            assert status == ("duplicate" if is_taken else "rejected")

    def open(self, is_open: bool) -> None:
        event_type = EventType.objects.get(project=self.project, name="buy")
        event_type.active = is_open
        event_type.save()

    def replay(self) -> None:
        for row in Quarantine.objects.filter(project=self.project, replayed_at=None).order_by("id"):
            if replay.replay(row).became == "taken":
                [number] = self._stored() - self.persons.earned.keys()
                self.take(self.things[number])

    def _stored(self) -> set[int]:
        stored = Event.objects.filter(project=self.project).values_list("metadata", flat=True)
        return {int(metadata["amount"]) for metadata in stored}

    def merge(self, one: str, other: str) -> None:
        found = {
            name: Customer.objects.filter(project=self.project, identities__value=name).first()
            for name in (one, other)
        }
        ids = [customer.pk for customer in found.values() if customer]
        try:
            merging.merge(self.project, ids, by=User.objects.get(username="merger"))
        except CannotMergeError:
            return
        self.persons.join((one, other))

    def balances(self) -> dict[frozenset[str], int]:
        roots = Customer.objects.filter(project=self.project, merged_into=None)
        caller = Caller(keys=self.keys)
        return {
            frozenset(root.identities.values_list("value", flat=True)): caller.customer(
                root.identities.filter(kind="external_id").values_list("value", flat=True)[0]
            )["balance"]
            for root in roots
        }


things = st.lists(
    st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(EMAILS), st.booleans()),
    min_size=4,
    max_size=6,
)
numbers = st.integers(0, 5)
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("send"), numbers),
        st.tuples(st.just("send"), numbers),
        st.tuples(st.just("open"), st.booleans()),
        st.tuples(st.just("replay")),
        st.tuples(st.just("merge"), st.sampled_from(CUSTOMERS), st.sampled_from(CUSTOMERS)),
    ),
    min_size=12,
    max_size=25,
)


class TestAnyMix:
    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(drawn=things, done=deeds)
    def test_gives_the_balances_of_a_clean_recount(self, drawn: Any, done: Any, clock: Any) -> None:
        world = new_world(drawn)

        for deed, *about in done:
            clock.shift(60)
            told = [about[0] % len(drawn) + 1] if deed == "send" else about
            getattr(world, deed)(*told)

        assert world.balances() == world.persons.owed()
        assert Event.objects.count() == len(world.persons.earned)
        assert differences() == []


def new_world(drawn: Iterable[tuple[str, str, bool]]) -> World:
    empty_tables()  # one example's rows are not the next one's
    auth.forget()
    catalogue.forget()
    ruleset.forget()
    keys = make.keyed_project("shop")
    keys.project.merge_by = Project.MergeBy.EMAIL
    keys.project.save()
    make.event_type(keys.project, "buy")
    make.rule(keys.project, "one a unit", definition("buy", per_unit(1)))
    make.staff("merger", keys.project)
    return World(
        keys=keys,
        things={
            number: Thing(number=number, customer=customer, email=email, has_key=has_key)
            for number, (customer, email, has_key) in enumerate(drawn, 1)
        },
    )
