"""Customers made and merged by several transactions at the same moment."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from events.models import Customer, Identity, Merge, Project
from events.types import Access, Entry, Outcome, Reception, Request, Scope, Wire
from rewards import merging
from rewards.models import Account
from rewards.pipeline import commit_alone
from rewards.submissions import Submission
from rewards.verification import verify
from tests import make
from tests.entries import event, linking, plain, profile, sent
from tests.rewards.definitions import definition
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

# Before a name is made or given away: where who looked a moment ago knows what is no longer so.
_GAP = """
CREATE FUNCTION gap() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
CREATE TRIGGER gap BEFORE INSERT OR UPDATE ON events_identity
FOR EACH ROW EXECUTE FUNCTION gap();
"""
_NO_GAP = "DROP TRIGGER gap ON events_identity; DROP FUNCTION gap();"

THREADS = 8
ROUNDS = 6


@pytest.fixture(autouse=True)
def _ten_points(shop: Project) -> None:
    make.rule(shop, "ten points", definition("buy", {"fixed": 10}), now=timezone.now())
    sent(shop, event("somebody"))  # makes the event type, which all of them would wait for


@pytest.fixture(autouse=True)
def _gap(_ten_points: None) -> Iterator[None]:
    """Force the gap; SQLite has one writer at a time, and no gap that another could use."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(_GAP)
    yield
    with connection.cursor() as cursor:
        cursor.execute(_NO_GAP)


def work(project: Project, *entries: Entry, wire: Wire = plain) -> Callable[[], Sequence[Outcome]]:
    """Return the commit of a request in a transaction of its own."""
    access = Access(project_id=project.pk, scopes=frozenset({Scope.INGEST}))
    reception = Reception(access=access, received_at=timezone.now())
    submission = Submission.of(wire, Request(entries=entries, is_list=True), reception)
    return partial(commit_alone, submission)


def roots(project: Project, *names: str) -> set[int]:
    found = Identity.objects.filter(project=project, value__in=names)
    return set(found.values_list("customer_id", flat=True))


def points(customer_id: int) -> int:
    return Account.objects.get(owner_type="customer", owner_id=customer_id).balance


class TestTheFirstEventsOfACustomer:
    def test_make_one_customer(self, shop: Project) -> None:
        for number in range(ROUNDS):
            name = f"new-{number}"
            answers = at_once([work(shop, event(name)) for _ in range(THREADS)])

            [root] = roots(shop, name)
            assert {outcome.customer_id for [outcome] in answers} == {root}
            assert {outcome.balance for [outcome] in answers} == {
                10 * (n + 1) for n in range(THREADS)
            }
        assert Customer.objects.count() == ROUNDS + 1
        assert verify().differences == []

    def test_make_one_customer_under_names_given_in_pairs(self, shop: Project) -> None:
        for number in range(ROUNDS):
            name, email = f"new-{number}", f"new-{number}@x.test"
            together = work(shop, event(name, email=email), wire=linking)
            alone = [
                work(shop, event(name), wire=linking),
                work(shop, event(email=email), wire=linking),
            ]

            at_once([together, *alone, together, *alone])

            [root] = roots(shop, name, email)
            assert points(root) == 60
        assert verify().differences == []


class TestTwoCustomersNamedFromBothSides:
    def test_become_one_with_all_their_points(self, shop: Project) -> None:
        for number in range(ROUNDS):
            x, y = f"x-{number}", f"y-{number}@x.test"
            sent(shop, event(x), event(email=y), event(email=y))
            one_way = work(shop, event(x, email=y), wire=linking)
            other_way = work(
                shop, profile(email=y), profile(x, email=y), event(email=y), wire=linking
            )

            at_once([one_way, other_way] * (THREADS // 2))

            [root] = roots(shop, x, y)
            assert points(root) == 10 * (3 + THREADS)
        assert Merge.objects.count() == ROUNDS
        assert not Account.objects.exclude(owner_id__in=_roots()).exclude(balance=0).exists()
        assert verify().differences == []

    def test_become_one_in_a_ring(self, shop: Project) -> None:
        """Each transaction merges two of three; whatever comes first, one is left."""
        for number in range(ROUNDS):
            x, y, z = f"x-{number}", f"y-{number}@x.test", f"+49{number}"
            sent(shop, event(x), event(email=y), event(phone=z))
            ring = [
                work(shop, event(x, email=y), wire=linking),
                work(shop, event(email=y, phone=z), wire=linking),
                work(shop, event(x, phone=z), wire=linking),
            ]

            at_once(ring * 2)

            [root] = roots(shop, x, y, z)
            assert points(root) == 90
        assert Merge.objects.count() == 2 * ROUNDS
        assert verify().differences == []

    def test_become_one_while_staff_merge_them(self, shop: Project) -> None:
        alice = make.staff("alice", shop)
        for number in range(ROUNDS):
            x, y = f"x-{number}", f"y-{number}@x.test"
            ids = [outcome.customer_id for outcome in sent(shop, event(x), event(email=y))]

            works: list[Callable[[], Sequence[Outcome]]] = [
                partial(_merged_by, alice, shop, ids),
                work(shop, event(x, email=y), wire=linking),
                work(shop, event(x)),
                work(shop, event(email=y)),
            ]
            at_once(works)

            [root] = roots(shop, x, y)
            assert points(root) == 50
        assert Merge.objects.count() == ROUNDS
        assert verify().differences == []


def _merged_by(user: User, project: Project, ids: list[int]) -> Sequence[Outcome]:
    with suppress(merging.CannotMergeError):  # where the event was first
        merging.merge(project, ids, by=user)
    return ()


def _roots() -> list[int]:
    return list(Customer.objects.filter(merged_into=None).values_list("pk", flat=True))
