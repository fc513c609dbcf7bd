"""How rules and streaks come into force as versions."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from events.models import Project
from events.types import JsonObject
from rewards import publishing, ruleset
from rewards.decide import Occurrence, RuleVersion
from rewards.models import Account, Rule, Streak
from rewards.models import RuleVersion as RuleVersionRow
from rewards.reading import RuleError
from tests import make
from tests.rewards.definitions import all_of, definition, leaf, limit, per_unit

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(hours=1)
NEXT_DAY = make.NOW + timedelta(days=1)


def put(project: Project, tree: Any, **changes: Any) -> Rule:
    given: dict[str, Any] = {
        "name": "rule",
        "state": Rule.State.LIVE,
        "definition": tree,
        "in_force_from": None,
        "in_force_until": None,
        "by": None,
        "now": make.NOW,
    }
    return publishing.put_rule(project, **(given | changes))


def versions(rule: Rule) -> list[RuleVersionRow]:
    return list(rule.versions.order_by("number"))


def points_at(project: Project, moment: datetime) -> list[int]:
    """Return what the rules in force at a moment give for a purchase."""
    ruleset.forget()
    rules = ruleset._read(project.pk, 1).ruleset
    occurrence = Occurrence(
        event="buy",
        metadata={},
        attributes={},
        occurred_at=moment,
        zone=project.zone,
        customer_id=1,
    )
    found: list[RuleVersion] = list(rules.rules_on(occurrence))
    worths = [rule.definition.award.worth(occurrence) for rule in found]
    return [worth.points for worth in worths if worth]


class TestTheFirstVersion:
    def test_has_always_been_in_force(self, shop: Project) -> None:
        [version] = versions(put(shop, definition()))

        assert (version.number, version.in_force_from, version.in_force_until) == (1, None, None)
        assert version.published_at == make.NOW

    def test_may_reach_into_the_past_to_a_moment(self, shop: Project) -> None:
        started = make.NOW - timedelta(days=9)

        [version] = versions(put(shop, definition(), in_force_from=started))

        assert version.in_force_from == version.starts_at == started

    def test_opens_the_account_that_its_points_come_from(self, shop: Project) -> None:
        rule = put(shop, definition())

        account = Account.objects.get()
        assert (account.kind, account.owner_type, account.owner_id) == ("issued", "rule", rule.pk)

    def test_names_who_published_it(self, shop: Project, alice: User) -> None:
        [version] = versions(put(shop, definition(), by=alice))

        assert version.published_by == alice


class TestALaterVersion:
    def test_is_in_force_from_its_publication(self, shop: Project) -> None:
        put(shop, definition("buy", {"fixed": 1}))
        put(shop, definition("buy", {"fixed": 2}), now=LATER, in_force_from=make.NOW)

        assert points_at(shop, LATER - timedelta(seconds=1)) == [1]
        assert points_at(shop, LATER) == [2]

    def test_may_come_into_force_later_still(self, shop: Project) -> None:
        put(shop, definition("buy", {"fixed": 1}))
        rule = put(shop, definition("buy", {"fixed": 2}), now=LATER, in_force_from=NEXT_DAY)

        assert versions(rule)[1].in_force_from == NEXT_DAY
        assert points_at(shop, LATER) == [1]
        assert points_at(shop, NEXT_DAY) == [2]

    def test_takes_the_place_of_one_that_was_not_in_force_yet(self, shop: Project) -> None:
        put(shop, definition("buy", {"fixed": 1}))
        put(shop, definition("buy", {"fixed": 2}), in_force_from=NEXT_DAY)
        put(shop, definition("buy", {"fixed": 3}), now=LATER)

        assert points_at(shop, make.NOW) == [1]
        assert points_at(shop, LATER) == [3]
        assert points_at(shop, NEXT_DAY) == [3]

    @pytest.mark.parametrize(
        ("tree", "equal"),
        [
            pytest.param(
                {"trigger": "buy", "award": {"fixed": 10}},
                {"award": {"fixed": "10"}, "trigger": "buy", "when": None, "limits": []},
                id="defaults filled in",
            ),
            pytest.param(
                definition("buy", per_unit("1.50", "1.0")),
                definition("buy", per_unit("1.5", 1, step="exact", rounding="floor", min=None)),
                id="numbers spelled otherwise",
            ),
            pytest.param(
                definition(
                    when=all_of(leaf("event.a", "in", ["x", "y"]), leaf("event.b", ">", 2)),
                    limits=[limit("customer points day", 5)],
                ),
                definition(
                    when={
                        "combinator": "and",
                        "rules": [
                            {"operator": "in", "field": "event.a", "value": ["x", "y"]},
                            {"operator": ">", "field": "event.b", "value": Decimal("2.0")},
                        ],
                    },
                    limits=[{"per": "customer", "of": "points", "window": "day", "n": 5}],
                ),
                id="conditions and limits",
            ),
        ],
    )
    def test_is_not_made_of_an_equal_definition(self, shop: Project, tree: Any, equal: Any) -> None:
        put(shop, tree)

        assert len(versions(put(shop, equal, now=LATER))) == 1

    @pytest.mark.parametrize(
        "changes",
        [{"in_force_from": NEXT_DAY}, {"in_force_until": NEXT_DAY}],
    )
    def test_is_made_of_another_schedule(self, shop: Project, changes: Any) -> None:
        put(shop, definition())
        rule = put(shop, definition(), now=LATER, **changes)

        assert len(versions(rule)) == 2
        assert len(versions(put(shop, definition(), now=NEXT_DAY, **changes))) == 2

    def test_is_not_made_of_another_state_alone(self, shop: Project) -> None:
        put(shop, definition())
        rule = put(shop, definition(), state=Rule.State.PAUSED, now=LATER)

        assert (rule.state, len(versions(rule))) == ("paused", 1)
        assert points_at(shop, LATER) == []


class TestADraft:
    def test_has_no_version(self, shop: Project) -> None:
        rule = put(shop, definition(), state=Rule.State.DRAFT)

        assert (rule.state, versions(rule)) == ("draft", [])
        assert rule.draft == {**definition(), "when": None, "limits": []}

    def test_leaves_what_is_published_in_force(self, shop: Project) -> None:
        put(shop, definition("buy", {"fixed": 1}))
        rule = put(shop, definition("buy", {"fixed": 2}), state=Rule.State.DRAFT, now=LATER)

        assert (rule.state, len(versions(rule))) == ("live", 1)
        assert points_at(shop, LATER) == [1]

    def test_is_gone_once_published(self, shop: Project) -> None:
        put(shop, definition(), state=Rule.State.DRAFT)
        rule = put(shop, definition(), now=LATER)
        rule.refresh_from_db()

        assert (rule.state, rule.draft) == ("live", None)

    def test_that_can_not_be_read_changes_nothing(self, shop: Project) -> None:
        with pytest.raises(RuleError, match=r"award\.fixed"):
            put(shop, {"trigger": "buy", "award": {"fixed": -1}}, state=Rule.State.DRAFT)

        assert not Rule.objects.exists()
        assert not Account.objects.exists()


class TestAState:
    def test_holds_without_a_new_version(self, shop: Project) -> None:
        rule = put(shop, definition("buy", {"fixed": 1}))

        publishing.set_state(rule, Rule.State.PAUSED)
        paused = points_at(shop, make.NOW)
        publishing.set_state(rule, Rule.State.LIVE)

        assert (paused, points_at(shop, make.NOW)) == ([], [1])
        assert len(versions(rule)) == 1

    def test_can_not_be_had_by_a_draft(self, shop: Project) -> None:
        rule = put(shop, definition(), state=Rule.State.DRAFT)

        with pytest.raises(RuleError, match="can't become live"):
            publishing.set_state(rule, Rule.State.LIVE)

    def test_can_not_be_a_draft_again(self, shop: Project) -> None:
        rule = put(shop, definition())

        with pytest.raises(RuleError, match="can't become draft"):
            publishing.set_state(rule, Rule.State.DRAFT)


class TestAChange:
    def test_is_in_force_for_the_next_request(self, shop: Project) -> None:
        for change in (
            lambda: put(shop, definition()),
            lambda: put(shop, definition(), state=Rule.State.SHADOW),
            lambda: publishing.set_state(Rule.objects.get(), Rule.State.PAUSED),
            lambda: make.streak(shop, "daily", {"event": "buy", "period": "day"}),
        ):
            before = setup_version(shop)
            change()
            assert setup_version(shop) > before


def setup_version(project: Project) -> int:
    return Project.objects.get(pk=project.pk).setup_version


class TestAStreak:
    def test_is_published_as_versions_too(self, shop: Project) -> None:
        make.streak(shop, "daily", {"event": "buy", "period": "day"})
        again: JsonObject = {"event": "buy", "period": "day", "when": None, "milestones": []}
        streak = make.streak(shop, "daily", again, now=LATER)
        assert streak.versions.count() == 1

        changed: JsonObject = {
            "event": "buy",
            "period": "day",
            "milestones": [{"at": 3, "points": 5}],
        }
        make.streak(shop, "daily", changed, now=LATER)

        first, second = streak.versions.order_by("number")
        assert (first.in_force_from, second.in_force_from) == (None, LATER)
        assert second.definition["milestones"] == [{"at": 3, "points": 5}]

    def test_keeps_its_period(self, shop: Project) -> None:
        make.streak(shop, "daily", {"event": "buy", "period": "day"})

        with pytest.raises(RuleError, match="the runs of “daily” are counted in days"):
            make.streak(shop, "daily", {"event": "buy", "period": "week"})

        assert Streak.objects.get().versions.count() == 1
