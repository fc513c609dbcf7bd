"""Laws of the ledger and of exactly-once, on the real database."""

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import pytest
import time_machine
from django.db import connection
from django.db.models import F, Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.models import Event, Project, new_id
from events.projects import NewProject
from events.types import JsonObject
from rewards.models import Account, LimitCounter, Transfer
from rewards.verification import verify
from tests import make
from tests.calling import Caller, buy
from tests.ledger import differences
from tests.rewards.definitions import definition, leaf, limit, per_unit
from tests.threads import at_once

pytestmark = pytest.mark.django_db

JsonDict: TypeAlias = dict[str, Any]

# Every example plays in a project of its own, for the tables are emptied after the test alone.
lawful = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_numbers = itertools.count()

limits = st.lists(
    st.builds(
        limit,
        st.sampled_from(
            [
                "customer points day",
                "customer points lifetime",
                "customer times week",
                "rule points month",
                "rule times lifetime",
                "project points lifetime",
                "project times day",
            ]
        ),
        st.integers(1, 60),
        over=st.sampled_from(["clip", "refuse"]),
    ),
    max_size=3,
    unique_by=lambda one: (one["per"], one["of"], one["window"]),
)
awards = st.one_of(
    st.integers(1, 30).map(lambda points: {"fixed": points}),
    st.builds(per_unit, st.integers(1, 3), st.sampled_from(["1", "2.5"])),
)
conditions = st.sampled_from(
    [None, {"combinator": "and", "rules": [leaf("event.amount", ">=", 5)]}]
)
rules = st.lists(
    st.builds(
        lambda award, limits, when: definition("buy", award, limits=limits, when=when),
        awards,
        limits,
        conditions,
    ),
    min_size=1,
    max_size=3,
)
events = st.lists(
    st.builds(
        lambda customer, day, amount: buy(
            f"c-{customer}", occurred_at=f"2026-02-{day:02}T12:00:00Z", amount=amount
        ),
        st.integers(0, 2),
        st.integers(1, 28),
        st.integers(-1, 40),
    ),
    min_size=1,
    max_size=14,
)


@pytest.fixture(autouse=True)
def _stopped(clock: time_machine.Traveller) -> None:
    """Let no reward window pass while Hypothesis thinks."""


def new_caller(definitions: Sequence[JsonObject]) -> Caller:
    """Return the client of a new project with these rules and a streak."""
    keys = make.keyed_project(f"shop-{next(_numbers)}", time_zone="Europe/Berlin")
    for number, each in enumerate(definitions):
        make.rule(keys.project, f"rule {number}", each)
    make.streak(
        keys.project,
        "daily",
        {
            "event": "buy",
            "period": "day",
            "milestones": [{"at": 1, "points": 5}, {"at": 3, "points": 30}],
        },
    )
    return Caller(keys=keys)


def keyed(each: Sequence[JsonDict]) -> list[JsonDict]:
    return [{**event, "id": f"k-{number}"} for number, event in enumerate(each)]


def earned(result: JsonDict) -> JsonDict:
    """Return all of a result but what tells one storing of an event from another."""
    return {name: value for name, value in result.items() if name not in ("id", "index")}


def prefix(project: Project) -> list[Any]:
    return list(Transfer.objects.filter(project=project).order_by("id").values_list())


class TestTheLedger:
    @given(rules, events)
    @lawful
    def test_balances_and_never_changes_what_it_holds(
        self, rules: list[JsonDict], events: list[JsonDict]
    ) -> None:
        caller = new_caller(rules)
        project = caller.keys.project
        before = prefix(project)

        for event in events:
            caller.send_one(event)
            after = prefix(project)
            assert after[: len(before)] == before
            before = after

        for account in Account.objects.filter(project=project):
            moved = sum_of(account.credits) - sum_of(account.debits)
            kept = -issued(account) if account.kind == Account.Kind.ISSUED else account.balance
            assert moved == kept
        transfers = Transfer.objects.filter(project=project)
        assert not transfers.filter(debit_id=F("credit_id")).exists()
        stored = Event.objects.filter(project=project).aggregate(sum=Sum("points_total"))["sum"]
        assert sum(amount for amount in transfers.values_list("amount", flat=True)) == stored
        assert differences() == []


def sum_of(transfers: Any) -> int:
    total: int = transfers.aggregate(sum=Sum("amount"))["sum"] or 0
    return total


def issued(account: Account) -> int:
    return sum_of(Transfer.objects.filter(debit=account))


class TestTheSameEventPostedOftenAndInAnyOrder:
    @given(rules, events, st.randoms(use_true_random=False))
    @lawful
    def test_is_awarded_once_and_answered_alike(
        self, rules: list[JsonDict], events: list[JsonDict], chance: random.Random
    ) -> None:
        caller = new_caller(rules)
        posts = keyed(events) * 3
        chance.shuffle(posts)

        results: dict[str, list[JsonDict]] = {}
        while posts:
            some = [posts.pop() for _ in range(min(len(posts), chance.randint(1, 5)))]
            for event, result in zip(some, caller.send(*some), strict=True):
                results.setdefault(event["id"], []).append(result)

        for answers in results.values():
            statuses = [answer.pop("status") for answer in answers]
            assert statuses == ["accepted", "duplicate", "duplicate"]
            assert all({**answer, "index": 0} == {**answers[0], "index": 0} for answer in answers)
        project = caller.keys.project
        assert Event.objects.filter(project=project).count() == len(events)
        assert sum_of(Transfer.objects.filter(project=project)) == sum(
            paid(answers[0]) for answers in results.values()
        )
        assert differences() == []


def paid(result: JsonDict) -> int:
    streaks: int = sum(streak["points_awarded"] for streak in result["streaks"])
    return streaks + int(result["points_awarded"])


@pytest.mark.django_db(transaction=True)
class TestTheSameEventsPostedByManyThreads:
    @pytest.mark.parametrize("seed", [1, 2])
    def test_are_awarded_once_and_answered_alike(self, seed: int) -> None:
        caps = [limit("customer points day", 25), limit("project points lifetime", 90)]
        caller = new_caller([definition("buy", {"fixed": 10}, limits=caps), definition()])
        events = keyed(
            [
                buy(f"c-{number % 3}", occurred_at=f"2026-02-{1 + number % 5:02}T12:00:00Z")
                for number in range(20)
            ]
        )

        def post(thread: int) -> dict[str, JsonDict]:
            chance = random.Random(seed * 100 + thread)
            own = Caller(keys=caller.keys)
            mine = chance.sample(events, len(events))
            answers = {}
            while mine:
                some = [mine.pop() for _ in range(min(len(mine), chance.randint(1, 4)))]
                for event, result in zip(some, own.send(*some), strict=True):
                    answers[event["id"]] = result
            return answers

        answers = at_once([partial(post, thread) for thread in range(8)])

        for key in answers[0]:
            given = [dict(each[key]) for each in answers]
            statuses = Counter(one.pop("status") for one in given)
            assert statuses == {"accepted": 1, "duplicate": 7}
            assert all({**one, "index": 0} == {**given[0], "index": 0} for one in given)
        assert Event.objects.count() == len(events)
        assert sum_of(Transfer.objects.all()) == sum(map(paid, answers[0].values()))
        assert LimitCounter.objects.get(customer_id=0).used == 90
        assert differences() == []


class TestLimits:
    @given(rules, events, st.randoms(use_true_random=False))
    @lawful
    def test_are_never_exceeded_and_a_list_is_its_events_one_by_one(
        self, rules: list[JsonDict], events: list[JsonDict], chance: random.Random
    ) -> None:
        singly, in_lists = new_caller(rules), new_caller(rules)

        one_by_one = [singly.send_one(event) for event in events]
        together: list[JsonDict] = []
        left = list(events)
        while left:
            size = chance.randint(1, len(left))
            together += in_lists.send(*left[:size])
            left = left[size:]

        assert [earned(result) for result in one_by_one] == [earned(result) for result in together]
        for caller in (singly, in_lists):
            assert_counted(caller.keys.project, rules, one_by_one)
        assert differences() == []


def assert_counted(project: Project, rules: list[JsonDict], results: list[JsonDict]) -> None:
    """Σ granted = issued by each rule, and no counter is above the cap of all who share it."""
    granted: Counter[str] = Counter()
    for result in results:
        for award in result["awards"]:
            granted[award["rule"]] += award["points"]
    by_id = {rule.pk: number for number, rule in enumerate(project.rules.order_by("name"))}
    for rule_id, number in by_id.items():
        account = Account.objects.get(owner_type="rule", owner_id=rule_id)
        assert issued(account) == granted[f"rule {number}"]
    for counter in LimitCounter.objects.filter(project=project):
        numbers = [by_id[counter.rule_id]] if counter.rule_id else range(len(rules))
        caps = [
            one["n"]
            for number in numbers
            for one in rules[number]["limits"]
            if (one["of"], one["window"]) == (counter.of, counter.window)
        ]
        assert counter.used <= max(caps)


class TestVerification:
    @pytest.fixture
    def caller(self, shop_keys: NewProject) -> Caller:
        caps = [limit("customer points lifetime", 25), limit("project times lifetime", 90)]
        make.rule(shop_keys.project, "ten", definition(limits=caps))
        make.streak(
            shop_keys.project,
            "daily",
            {"event": "buy", "period": "day", "milestones": [{"at": 1, "points": 5}]},
        )
        caller = Caller(keys=shop_keys)
        caller.send(buy(), buy(), buy("c-2"))
        assert verify().differences == []
        return caller

    def test_compares_each_balance_event_and_counter(self, caller: Caller) -> None:
        # Two balances, three events, two counters of customers and the project's.
        assert verify().checked == 8

    @pytest.mark.parametrize(
        ("statement", "said"),
        [
            pytest.param(
                "UPDATE rewards_account SET balance = balance + 1 WHERE balance = 25",
                ["is 26, its transfers say 25"],
                id="a balance",
            ),
            pytest.param(
                "DELETE FROM rewards_account WHERE balance = 15",
                ["is 0, its transfers say 15"],
                id="an account that is gone",
            ),
            pytest.param(
                "UPDATE rewards_limitcounter SET used = used - 1 WHERE used = 20",
                ["The points counter", "is 19, its transfers say 20"],
                id="a counter",
            ),
            pytest.param(
                "DELETE FROM rewards_limitcounter WHERE used = 3",
                ["The times counter", "is 0, its transfers say 3"],
                id="a counter that is gone",
            ),
        ],
    )
    def test_names_what_was_changed(self, caller: Caller, statement: str, said: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            assert cursor.rowcount == 1

        [difference] = verify().differences

        assert all(words in difference for words in said)

    def test_names_what_a_transfer_too_many_disturbs(self, caller: Caller) -> None:
        first = Transfer.objects.filter(kind="award").order_by("id")[0]
        forge(first, event_id=first.event_id)

        balance, earned = verify().differences

        assert f"account {first.credit_id} (customer {first.customer_id})" in balance
        assert "is 25, its transfers say 28" in balance
        assert "is 15, its transfers say 18" in earned
        assert earned.replace("-", "").startswith(f"What event {first.event_id.hex} earned")

    def test_names_a_transfer_of_an_event_that_never_was(self, caller: Caller) -> None:
        nowhere = new_id()
        forge(Transfer.objects.order_by("id")[0], event_id=nowhere)

        _, unknown = verify().differences

        assert "is 0, its transfers say 3" in unknown
        assert unknown.replace("-", "").startswith(f"What event {nowhere.hex} earned")


def forge(like: Transfer, *, event_id: UUID) -> None:
    """Slip in a transfer of three points between the same accounts."""
    Transfer.objects.create(
        project=like.project,
        customer_id=like.customer_id,
        debit=like.debit,
        credit=like.credit,
        amount=3,
        kind=like.kind,
        source_key="forged",
        event_id=event_id,
        version_id=like.version_id,
        trace={},
        created_at=make.NOW,
    )
