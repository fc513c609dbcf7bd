"""What events earn on their way through the pipeline, and what is written of it."""

from typing import Any

import pytest
import time_machine

from events.models import Event, MetadataField, Project
from events.projects import NewProject
from rewards import publishing
from rewards.models import Account, LimitCounter, Rule, ShadowAward, StreakState, Transfer
from tests import make
from tests.calling import Caller, buy
from tests.ledger import differences
from tests.rewards.definitions import all_of, definition, leaf, limit, per_unit
from tests.threads import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller(shop_keys: NewProject, clock: time_machine.Traveller) -> Caller:
    return Caller(keys=shop_keys)


def awards(result: Any) -> list[tuple[str, int, int]]:
    return [(award["rule"], award["points"], award["desired"]) for award in result["awards"]]


def points(results: list[Any]) -> list[int]:
    return [result["points_awarded"] for result in results]


def streaks(result: Any) -> list[tuple[str, int, int, int]]:
    return [
        (streak["streak"], streak["current"], streak["longest"], streak["points_awarded"])
        for streak in result["streaks"]
    ]


def daily(project: Project, *milestones: tuple[int, int], name: str = "daily") -> None:
    make.streak(
        project,
        name,
        {
            "event": "buy",
            "period": "day",
            "milestones": [{"at": at, "points": each} for at, each in milestones],
        },
    )


def on_day(day: int, **fields: Any) -> dict[str, Any]:
    """Return an event at noon (UTC) of a day of February 2026, within the reward window."""
    return buy(occurred_at=f"2026-02-{day:02}T12:00:00Z", **fields)


class TestRules:
    def test_pay_in_the_order_of_their_names(self, caller: Caller, shop: Project) -> None:
        make.rule(shop, "b", definition("buy", {"fixed": 2}))
        make.rule(shop, "c", definition("view", {"fixed": 4}))
        make.rule(shop, "a", definition("buy", per_unit(1, "10")))

        result = caller.send_one(buy(amount=35))

        assert awards(result) == [("a", 3, 3), ("b", 2, 2)]
        assert (result["points_awarded"], result["balance"]) == (5, 5)

    def test_share_a_budget_in_that_order(self, caller: Caller, shop: Project) -> None:
        for name in ("b", "a"):
            budget = [limit("project points lifetime", 25)]
            make.rule(shop, name, definition("buy", {"fixed": 10}, limits=budget))

        results = caller.send(buy("c-1"), buy("c-2"), buy("c-3"))

        assert [awards(result) for result in results] == [
            [("a", 10, 10), ("b", 10, 10)],
            [("a", 5, 10), ("b", 0, 10)],
            [("a", 0, 10), ("b", 0, 10)],
        ]
        assert LimitCounter.objects.get().used == 25

    def test_write_a_transfer_from_their_account_with_the_trace(
        self, caller: Caller, shop: Project
    ) -> None:
        rule = make.rule(
            shop,
            "per euro",
            definition("buy", per_unit(2, "1"), limits=[limit("customer points month", 5)]),
        )

        result = caller.send_one(buy(amount=12.5))

        transfer = Transfer.objects.get()
        assert transfer.amount == 5
        assert str(transfer.event_id) == result["id"]
        assert (transfer.debit.owner_type, transfer.debit.owner_id) == ("rule", rule.pk)
        assert (transfer.credit.owner_type, transfer.credit.balance) == ("customer", 5)
        assert transfer.version_id == rule.versions.get().pk
        assert transfer.trace["desired"] == 25
        assert transfer.trace["granted"] == 5
        [use] = transfer.trace["uses"]
        assert (use["of"], use["window"], use["starts"], use["use"]) == (
            "points",
            "month",
            "2026-03-01",
            5,
        )

    def test_read_a_numeric_text_only_where_the_field_is_a_number(
        self, caller: Caller, shop: Project
    ) -> None:
        make.event_type(shop, "buy", fields={"amount": "number"})
        make.rule(shop, "declared", definition("buy", per_unit(1, "1")))
        undeclared = per_unit(1, "1", field="event.total")
        make.rule(shop, "undeclared", definition("buy", undeclared))

        result = caller.send_one(buy(amount="100", total="100"))

        assert awards(result) == [("declared", 100, 100)]
        assert Event.objects.get().metadata == {"amount": "100", "total": "100"}

    def test_pay_only_where_their_condition_is_met(self, caller: Caller, shop: Project) -> None:
        when = all_of(leaf("event.platform", "=", "ios"), leaf("time.hour", ">=", 10))
        make.rule(shop, "ios from ten", definition("buy", {"fixed": 7}, when=when))

        results = caller.send(
            buy(platform="ios", occurred_at="2026-03-02T09:00:00Z"),
            buy(platform="ios", occurred_at="2026-03-02T08:59:00Z"),
            buy(platform="web", occurred_at="2026-03-02T09:00:00Z"),
            buy(occurred_at="2026-03-02T09:00:00Z"),
        )

        assert points(results) == [7, 0, 0, 0]

    @pytest.mark.parametrize("state", ["paused", "archived", "draft"])
    def test_pay_nothing_unless_live(self, caller: Caller, shop: Project, state: str) -> None:
        make.rule(shop, "ten", definition(), state=Rule.State(state))

        assert awards(caller.send_one(buy())) == []

    def test_in_shadow_are_recorded_and_not_paid(self, caller: Caller, shop: Project) -> None:
        budget = [limit("project points lifetime", 15)]
        make.rule(shop, "shadow", definition(limits=budget), state=Rule.State.SHADOW)
        make.rule(shop, "live", definition(limits=budget))

        results = caller.send(buy(), buy())

        assert [awards(result) for result in results] == [[("live", 10, 10)], [("live", 5, 10)]]
        assert [award.points for award in ShadowAward.objects.all()] == [10, 10]
        assert LimitCounter.objects.get().used == 15
        assert caller.customer("c-1")["balance"] == 15


class TestTheVersionInForce:
    def test_is_that_of_the_moment_at_which_the_event_occurred(
        self, caller: Caller, shop: Project, clock: time_machine.Traveller
    ) -> None:
        make.rule(shop, "rule", definition("buy", {"fixed": 10}))
        clock.shift(3600)
        make.rule(shop, "rule", definition("buy", {"fixed": 20}), now=make.NOW.replace(hour=10))
        clock.shift(3600)

        results = caller.send(
            buy(occurred_at="2026-02-20T00:00:00Z"),
            buy(occurred_at="2026-03-02T09:59:59Z"),
            buy(occurred_at="2026-03-02T10:00:00Z"),
            buy(),
        )

        assert points(results) == [10, 10, 20, 20]
        versions = list(shop.rules.get().versions.order_by("number"))
        recorded = list(Transfer.objects.order_by("id").values_list("version_id", flat=True))
        assert recorded == [versions[0].pk, versions[0].pk, versions[1].pk, versions[1].pk]

    def test_lasts_from_and_until_as_published(self, caller: Caller, shop: Project) -> None:
        publishing.put_rule(
            shop,
            name="a day",
            state=Rule.State.LIVE,
            definition=definition(),
            in_force_from=make.NOW.replace(hour=1),
            in_force_until=make.NOW.replace(hour=5),
            by=None,
            now=make.NOW,
        )

        moments = ["00:59:59", "01:00:00", "05:00:00", "05:00:01"]
        results = caller.send(*(buy(occurred_at=f"2026-03-02T{each}Z") for each in moments))

        assert points(results) == [0, 10, 10, 0]


class TestLimits:
    @pytest.mark.parametrize(
        ("counter", "n", "over", "granted"),
        [
            ("customer points day", 15, "clip", [10, 10, 5, 0]),
            ("customer points day", 15, "refuse", [10, 10, 0, 0]),
            ("customer times day", 1, "clip", [10, 10, 0, 0]),
            ("rule points lifetime", 15, "clip", [10, 5, 0, 0]),
            ("rule points lifetime", 15, "refuse", [10, 0, 0, 0]),
            ("rule times week", 3, "refuse", [10, 10, 10, 0]),
            ("project points month", 34, "clip", [10, 10, 10, 4]),
        ],
    )
    def test_bound_what_is_granted(
        self,
        caller: Caller,
        shop: Project,
        counter: str,
        n: int,
        over: str,
        granted: list[int],
    ) -> None:
        make.rule(shop, "ten", definition(limits=[limit(counter, n, over=over)]))

        # c-1, c-2, then c-1 again twice: once in the same group, once after it.
        results = caller.send(buy("c-1"), buy("c-2"), buy("c-1"))
        results.append(caller.send_one(buy("c-1")))

        assert points(results) == granted
        assert differences() == []

    def test_count_days_in_the_projects_zone(self, caller: Caller, shop: Project) -> None:
        make.rule(shop, "ten", definition(limits=[limit("customer points day", 10)]))

        results = caller.send(
            buy(occurred_at="2026-02-27T22:30:00Z"),  # 27 February in Berlin
            buy(occurred_at="2026-02-27T23:30:00Z"),  # 28 February
            buy(occurred_at="2026-02-28T12:00:00Z"),
            buy(occurred_at="2026-02-28T23:00:00Z"),  # 1 March
        )

        assert points(results) == [10, 10, 0, 10]
        starts = [str(each.starts_date) for each in LimitCounter.objects.order_by("starts_date")]
        assert starts == ["2026-02-27", "2026-02-28", "2026-03-01"]

    def test_of_one_project_are_not_anothers(
        self, caller: Caller, shop: Project, other_keys: NewProject
    ) -> None:
        for project in (shop, other_keys.project):
            budget = [limit("project points lifetime", 15)]
            make.rule(project, "ten", definition(limits=budget))

        assert points(caller.send(buy(), buy())) == [10, 5]
        assert points(Caller(keys=other_keys).send(buy(), buy())) == [10, 5]


class TestStreaks:
    def test_grow_day_by_day_and_pay_each_milestone_once(
        self, caller: Caller, shop: Project
    ) -> None:
        daily(shop, (2, 20), (3, 30))

        results = [caller.send_one(on_day(day)) for day in (10, 11, 11, 12, 13)]

        assert [streaks(result) for result in results] == [
            [("daily", 1, 1, 0)],
            [("daily", 2, 2, 20)],
            [("daily", 2, 2, 0)],
            [("daily", 3, 3, 30)],
            [("daily", 4, 4, 0)],
        ]
        assert results[-1]["points_awarded"] == 0
        assert results[-1]["balance"] == 50
        assert set(Transfer.objects.values_list("kind", flat=True)) == {"streak"}

    def test_are_the_same_in_one_list(self, caller: Caller, shop: Project) -> None:
        daily(shop, (2, 20), (3, 30))

        results = caller.send(*(on_day(day) for day in (10, 11, 11, 12)))

        assert [streaks(result)[0][1:] for result in results] == [
            (1, 1, 0),
            (2, 2, 20),
            (2, 2, 0),
            (3, 3, 30),
        ]

    def test_join_two_runs_by_a_late_day_as_known_on_arrival(
        self, caller: Caller, shop: Project
    ) -> None:
        daily(shop, (3, 30), (7, 70))

        results = [caller.send_one(on_day(day)) for day in (1, 2, 3, 5, 6, 7, 4)]

        paid = [streak for result in results for *_, streak in streaks(result)]
        assert paid == [0, 0, 30, 0, 0, 30, 70]
        assert streaks(results[-1]) == [("daily", 7, 7, 70)]
        assert StreakState.objects.count() == 1
        assert differences() == []

    def test_are_not_lowered_by_a_day_before_them(self, caller: Caller, shop: Project) -> None:
        daily(shop)

        results = [caller.send_one(on_day(day)) for day in (20, 21, 5)]

        assert streaks(results[-1]) == [("daily", 2, 2, 0)]

    def test_take_days_in_the_projects_zone(self, caller: Caller, shop: Project) -> None:
        daily(shop)

        caller.send_one(buy(occurred_at="2026-02-10T22:59:59Z"))
        result = caller.send_one(buy(occurred_at="2026-02-10T23:00:00Z"))

        assert streaks(result) == [("daily", 2, 2, 0)]

    def test_count_only_events_that_meet_their_condition(
        self, caller: Caller, shop: Project
    ) -> None:
        when = all_of(leaf("event.amount", ">", 5))
        make.streak(shop, "big", {"event": "buy", "period": "week", "when": when})

        results = caller.send(on_day(2, amount=9), on_day(9, amount=5), on_day(16, amount=6))

        assert [streaks(result) for result in results] == [
            [("big", 1, 1, 0)],
            [],
            [("big", 1, 1, 0)],
        ]

    def test_trigger_rules_beside_what_they_pay_themselves(
        self, caller: Caller, shop: Project
    ) -> None:
        daily(shop, (2, 20))
        rule = definition({"streak": "daily", "milestone": 2}, {"fixed": 100})
        make.rule(shop, "two days", rule)

        results = caller.send(on_day(1), on_day(2), on_day(3))

        assert [awards(result) for result in results] == [[], [("two days", 100, 100)], []]
        assert results[1]["streaks"][0]["points_awarded"] == 20
        assert (results[1]["points_awarded"], results[1]["balance"]) == (100, 120)
        transfer = Transfer.objects.get(kind="award")
        assert (transfer.trace["streak"], transfer.trace["milestone"]) == ("daily", 2)

    def test_are_answered_by_lynes(self, caller: Caller, shop: Project) -> None:
        make.event_type(shop, "buy")
        make.rule(shop, "ten", definition())
        daily(shop, (1, 5))

        answer = caller.post("/event", {"eventId": "buy", "userId": "u-1"})

        assert answer.body["data"] == {
            "eventId": "buy",
            "userId": "u-1",
            "pointsAwarded": 10,
            "timestamp": 1772442000000,
            "streaks": [
                {
                    "streakId": "daily",
                    "currentCount": 1,
                    "lastUpdate": "2026-03-02T09:00:00.000Z",
                    "milestoneReached": True,
                    "pointsAwarded": 5,
                }
            ],
        }


class TestTheLedger:
    def test_keeps_one_account_for_each_customer(self, caller: Caller, shop: Project) -> None:
        make.rule(shop, "ten", definition())

        caller.send(buy("c-1"), buy("c-2"), buy("c-1"))
        caller.send(buy("c-1"))

        balances = Account.objects.filter(kind="available").order_by("owner_id")
        assert [account.balance for account in balances] == [30, 10]
        assert caller.customer("c-1")["balance"] == 30


@pytest.mark.django_db(transaction=True)
class TestASetUpChangedByAnotherProcess:
    """Another connection commits the change; what this process remembers stays warm."""

    def test_decides_the_next_request(self, shop_keys: NewProject) -> None:
        shop = shop_keys.project
        caller = Caller(keys=shop_keys)
        make.event_type(shop, "buy", fields={"amount": "text"})
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        make.rule(shop, "amount", definition("buy", per_unit(1, "1")))
        event = buy(amount="7")
        before = caller.send_one(event)

        def change() -> None:
            make.rule(shop, "ten", definition("buy", {"fixed": 10}), state=Rule.State.PAUSED)
            daily(shop)
            field = MetadataField.objects.get(name="amount")
            field.type = "number"
            field.save()

        at_once([change])
        after = caller.send_one(event)

        assert (awards(before), streaks(before)) == ([("ten", 10, 10)], [])
        assert (awards(after), streaks(after)) == ([("amount", 7, 7)], [("daily", 1, 1, 0)])

    def test_closes_an_event_type_at_once(self, shop_keys: NewProject) -> None:
        caller = Caller(keys=shop_keys)
        caller.send_one(buy())

        def close() -> None:
            event_type = shop_keys.project.event_types.get()
            event_type.active = False
            event_type.save()

        at_once([close])

        assert caller.send_one(buy(), 422)["error"]["code"] == "inactive_event_type"
