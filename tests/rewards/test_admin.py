"""The staff's pages of rules and streaks."""

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from events.metadata import write_json
from events.models import Project
from events.projects import NewProject
from events.types import Json, JsonObject
from rewards import publishing
from rewards.admin.editor import OPERATOR_VALUES
from rewards.models import Rule, Streak
from rewards.operators import OPERATORS
from tests import make
from tests.calling import Caller, buy
from tests.rewards.definitions import (
    DAILY,
    all_of,
    any_of,
    definition,
    leaf,
    limit,
    per_unit,
)
from tests.staff_pages import Page, Staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NO_SCHEDULE = {
    "in_force_from_0": "",
    "in_force_from_1": "",
    "in_force_until_0": "",
    "in_force_until_1": "",
}


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    return Caller(keys=shop_keys)


@pytest.fixture
def staff(alice: User) -> Staff:
    return Staff(alice)


def save_rule(
    staff: Staff, rule: Rule, tree: Json, *, state: str = "live", **values: object
) -> Page:
    text = tree if isinstance(tree, str) else write_json(tree).decode()
    form = {**NO_SCHEDULE, "state": state, "definition": text, **values}
    return staff.send("rewards_rule_change", rule.pk, **form)


def versions(row: Rule | Streak) -> list[tuple[int, Any, str]]:
    return [
        (each.number, each.definition, str(each.published_by))
        for each in row.versions.order_by("id")
    ]


def cell(page: Page, name: str) -> str:
    """Return what the first row of a list says in a column."""
    found = re.search(rf"<td[^>]*\bfield-{name}\b[^>]*>(.*?)</td>", page.text, re.DOTALL)
    return re.sub(r"<[^>]*>", "", found[1]).strip() if found else ""


class TestRuleList:
    def test_tells_each_rule_in_words(self, shop: Project, staff: Staff) -> None:
        make.rule(
            shop, "ten", definition("buy", {"fixed": 10}, limits=[limit("rule times day", 3)])
        )

        page = staff.open("rewards_rule_changelist")

        assert (
            "Gives 10 points for each buy; at most 3 times for all customers together per "
            "calendar day; further ones give nothing." in page.text
        )

    def test_tells_the_last_version_and_since_when(self, shop: Project, staff: Staff) -> None:
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        make.rule(shop, "ten", definition("buy", {"fixed": 20}))

        page = staff.open("rewards_rule_changelist")

        assert "Gives 20 points" in page.text
        assert "Gives 10 points" not in page.text
        assert cell(page, "version") == "2"
        assert cell(page, "since") == "2026-03-02 10:00:00 CET"

    def test_tells_drafts_as_drafts(self, shop: Project, staff: Staff) -> None:
        make.rule(shop, "ten", definition("buy", {"fixed": 10}), state=Rule.State.DRAFT)

        page = staff.open("rewards_rule_changelist")

        assert "Draft: Gives 10 points for each buy." in page.text
        assert cell(page, "version") == "none yet"

    def test_pauses_and_revives_what_pays(
        self, shop: Project, staff: Staff, caller: Caller
    ) -> None:
        rule = make.rule(shop, "ten", definition("buy", {"fixed": 10}))

        staff.act("rewards_rule_changelist", "pause", rule)
        assert caller.send_one(buy())["points_awarded"] == 0
        staff.act("rewards_rule_changelist", "make_live", rule)
        assert caller.send_one(buy())["points_awarded"] == 10
        staff.act("rewards_rule_changelist", "archive", rule)
        assert caller.send_one(buy())["points_awarded"] == 0
        assert [number for number, _, _ in versions(rule)] == [1]

    def test_revives_no_rule_that_was_never_published(self, shop: Project, staff: Staff) -> None:
        rule = make.rule(shop, "ten", definition(), state=Rule.State.DRAFT)

        page = staff.act("rewards_rule_changelist", "make_live", rule)

        rule.refresh_from_db()
        assert "of “ten” can't become live" in page.text
        assert rule.state == "draft"


class TestRulePage:
    @pytest.fixture
    def rule(self, shop: Project) -> Rule:
        return make.rule(shop, "ten", definition("buy", {"fixed": 10}))

    def test_publishes_a_new_rule(self, shop: Project, staff: Staff, caller: Caller) -> None:
        staff.send(
            "rewards_rule_add",
            **NO_SCHEDULE,
            project=shop.pk,
            name="two per unit",
            state="live",
            definition=json.dumps(definition("buy", per_unit(2, "0.30"))),
        )

        rule = Rule.objects.get()
        [(number, source, by)] = versions(rule)
        assert (rule.project, rule.state, number, by) == (shop, "live", 1, "alice")
        assert source["award"]["per_unit"]["points"] == 2
        assert caller.send_one(buy(amount=3))["points_awarded"] == 20

    def test_publishes_each_change_as_a_version_for_the_next_event(
        self, rule: Rule, staff: Staff, caller: Caller
    ) -> None:
        assert caller.send_one(buy())["points_awarded"] == 10
        [first] = versions(rule)

        page = save_rule(staff, rule, definition("buy", {"fixed": 25}))

        assert page.url == "/admin/rewards/rule/"
        before, after = versions(rule)
        assert before == first
        assert (after[0], after[1]["award"], after[2]) == (2, {"fixed": 25}, "alice")
        assert caller.send_one(buy())["points_awarded"] == 25

    def test_publishes_nothing_where_nothing_changed(self, rule: Rule, staff: Staff) -> None:
        save_rule(staff, rule, definition("buy", {"fixed": 10}))

        assert len(versions(rule)) == 1

    def test_keeps_a_moment_that_the_form_shows_in_seconds(
        self, shop: Project, staff: Staff
    ) -> None:
        rule = publishing.put_rule(
            shop,
            name="ten",
            state=Rule.State.LIVE,
            definition=definition("buy", {"fixed": 10}),
            in_force_from=make.NOW + timedelta(microseconds=123),
            in_force_until=None,
            by=None,
            now=make.NOW,
        )

        save_rule(
            staff,
            rule,
            definition("buy", {"fixed": 10}),
            in_force_from_0="2026-03-02",
            in_force_from_1="10:00:00",
        )

        assert len(versions(rule)) == 1

    def test_publishes_a_schedule(self, rule: Rule, staff: Staff) -> None:
        save_rule(
            staff,
            rule,
            definition("buy", {"fixed": 10}),
            in_force_until_0="2026-04-01",
            in_force_until_1="12:00:00",
        )

        newest = rule.versions.get(number=2)
        assert newest.in_force_until == datetime.fromisoformat("2026-04-01T10:00:00Z")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("{}", "trigger is missing.", id="nothing in it"),
            pytest.param(
                '{"trigger": "buy", "award": {"fixed": "many"}}',
                'award.fixed must be a number, not "many".',
                id="a number that is none",
            ),
            pytest.param(
                '{"trigger": "buy", "trigger": "sell", "award": {"fixed": 1}}',
                "trigger is given twice.",
                id="a key given twice",
            ),
            pytest.param(
                '{"trigger": ',
                "The text is not JSON: Expecting value at line 1, column 13.",
                id="no JSON",
            ),
            pytest.param("[" * 100_000, "nested deeper", id="a deep nest"),
        ],
    )
    def test_says_what_is_wrong_and_publishes_nothing(
        self, rule: Rule, staff: Staff, text: str, message: str
    ) -> None:
        page = save_rule(staff, rule, text)

        [error] = page.errors["definition"]
        assert message in error
        assert text in page.text
        assert len(versions(rule)) == 1

    def test_keeps_a_draft_beside_what_pays(self, rule: Rule, staff: Staff, caller: Caller) -> None:
        save_rule(staff, rule, definition("buy", {"fixed": 99}), state="draft")

        form = staff.open("rewards_rule_change", rule.pk).context["adminform"].form
        assert caller.send_one(buy())["points_awarded"] == 10
        assert form["state"].value() == "draft"
        assert '"fixed": 99' in form["definition"].value()

    def test_shows_every_version_in_words(self, rule: Rule, staff: Staff) -> None:
        save_rule(staff, rule, definition("buy", {"fixed": 25}))

        text = staff.open("rewards_rule_change", rule.pk).text

        assert "Gives 10 points for each buy." in text
        assert "Gives 25 points for each buy." in text
        assert "the command line" in text

    def test_deletes_nothing(self, rule: Rule, bob: User) -> None:
        page = Staff(bob).send("rewards_rule_delete", rule.pk, post="yes")

        assert page.status == 403
        assert Rule.objects.filter(pk=rule.pk).exists()


class TestStreakPage:
    def test_publishes_a_streak(self, shop: Project, staff: Staff, caller: Caller) -> None:
        staff.send(
            "rewards_streak_add", project=shop.pk, name="daily", definition=json.dumps(DAILY)
        )

        [(number, _, by)] = versions(Streak.objects.get())
        assert (number, by) == (1, "alice")
        assert caller.send_one(buy())["streaks"][0]["points_awarded"] == 5
        assert (
            "Counts days in a row with buy; gives 5 points at 1 day."
            in staff.open("rewards_streak_changelist").text
        )

    def test_publishes_each_change_as_a_version(self, shop: Project, staff: Staff) -> None:
        streak = make.streak(shop, "daily", DAILY)

        staff.send(
            "rewards_streak_change", streak.pk, definition=json.dumps({**DAILY, "milestones": []})
        )

        assert [each[1]["milestones"] for each in versions(streak)] == [
            [{"at": 1, "points": 5}],
            [],
        ]

    def test_says_that_the_period_stays(self, shop: Project, staff: Staff) -> None:
        streak = make.streak(shop, "daily", DAILY)

        page = staff.send(
            "rewards_streak_change", streak.pk, definition=json.dumps({**DAILY, "period": "week"})
        )

        assert page.errors["definition"] == [
            "period can't change: the runs of “daily” are counted in days; make a new streak "
            "instead."
        ]
        assert len(versions(streak)) == 1


# One of each kind of definition that rules can have.
DEFINITIONS = [
    definition(),
    definition(award={"fixed": "10"}),
    definition(award=per_unit("1.5", "0.30", step="whole", rounding="ceil", min=1, max=900)),
    definition(award=per_unit(2, 1, field="customer.rate", step="exact", rounding="half_up")),
    definition(
        award={
            "table": [{"points": 1, "to": "9.5"}, {"from": 10, "points": 2}],
            "field": "event.amount",
        }
    ),
    definition(
        when=any_of(
            leaf("event.brand", "in", ["A", "B"], case=False),
            leaf("event.weight", "between", [Decimal("0.12345678901234567890123"), 10**25]),
            leaf("time.weekday", "notIn", [6, 7]),
            all_of(leaf("event.odd key.€", "missing"), leaf("event.gift", "is", False)),
            all_of(leaf("customer.level", "beginsWith", 'go"ld\\1 2'), negated=True),
        ),
        limits=[limit("customer points day", 30), limit("project times lifetime", 9)],
    ),
    definition({"streak": "daily", "milestone": 7}),
]


class TestEditorOfRules:
    """The widget in which a definition is posted as one JSON, whoever wrote its rows."""

    @pytest.mark.parametrize("tree", DEFINITIONS)
    def test_gives_back_what_it_was_given(
        self, shop: Project, staff: Staff, tree: JsonObject
    ) -> None:
        make.streak(shop, "daily", DAILY)
        rule = make.rule(shop, "one", tree)
        form = staff.open("rewards_rule_change", rule.pk).context["adminform"].form

        page = save_rule(staff, rule, form["definition"].value())

        assert page.url == "/admin/rewards/rule/"
        assert len(versions(rule)) == 1

    def test_gives_back_streaks_too(self, shop: Project, staff: Staff) -> None:
        when = all_of(leaf("event.amount", ">=", 5))
        streak = make.streak(shop, "daily", {**DAILY, "when": when})
        form = staff.open("rewards_streak_change", streak.pk).context["adminform"].form

        staff.send("rewards_streak_change", streak.pk, definition=form["definition"].value())

        assert len(versions(streak)) == 1

    def test_knows_every_operator(self) -> None:
        assert list(OPERATOR_VALUES) == list(OPERATORS)

    def test_chooses_the_only_project(self, shop: Project, other: Project, staff: Staff) -> None:
        form = staff.open("rewards_rule_add").context["adminform"].form

        assert form["project"].value() == shop.pk

    def test_tells_what_it_published(self, shop: Project, staff: Staff) -> None:
        rule = make.rule(shop, "ten", definition("buy", {"fixed": 10}))

        published = save_rule(staff, rule, definition("buy", {"fixed": 25}))
        unchanged = save_rule(staff, rule, definition("buy", {"fixed": 25}))
        drafted = save_rule(staff, rule, definition("buy", {"fixed": 30}), state="draft")

        assert "Version 2 is published: Gives 25 points for each buy." in published.text
        assert "is published" not in unchanged.text
        assert "Kept as a draft: Gives 30 points for each buy." in drafted.text

    def test_refuses_a_streak_that_is_none(self, shop: Project, staff: Staff) -> None:
        page = staff.send(
            "rewards_rule_add",
            **NO_SCHEDULE,
            project=shop.pk,
            name="seven",
            state="live",
            definition=json.dumps(definition({"streak": "daily", "milestone": 7})),
        )

        assert page.errors["definition"] == [
            "trigger.streak “daily” is not a streak of the project."
        ]
        assert not Rule.objects.exists()


class TestSchedule:
    @pytest.fixture
    def rule(self, shop: Project) -> Rule:
        return make.rule(shop, "ten", definition("buy", {"fixed": 10}))

    def test_is_of_the_projects_clock(self, rule: Rule, staff: Staff) -> None:
        save_rule(
            staff,
            rule,
            definition("buy", {"fixed": 10}),
            in_force_from_0="2026-07-01",
            in_force_from_1="00:00",
        )

        form = staff.open("rewards_rule_change", rule.pk).context["adminform"].form
        newest = rule.versions.get(number=2)
        assert newest.starts_at == datetime.fromisoformat("2026-06-30T22:00:00Z")
        assert form["in_force_from"].value() == datetime.fromisoformat("2026-07-01")
        assert "Europe/Berlin" in form.fields["in_force_from"].help_text

    @pytest.mark.parametrize(
        ("date", "time", "message"),
        [
            ("2026-03-29", "02:30", "The clocks of Europe/Berlin leave this hour out."),
            ("2026-03-29", "", "Give both a date and a time, or neither."),
            ("soon", "12:00", "Enter a valid date."),
        ],
    )
    def test_refuses_what_is_no_moment(
        self, rule: Rule, staff: Staff, date: str, time: str, message: str
    ) -> None:
        tree = definition("buy", {"fixed": 10})

        page = save_rule(staff, rule, tree, in_force_until_0=date, in_force_until_1=time)

        assert page.errors["in_force_until"] == [message]
        assert len(versions(rule)) == 1

    def test_keeps_the_later_of_two_equal_hours(self, shop: Project, staff: Staff) -> None:
        tree = definition("buy", {"fixed": 10})
        later = datetime.fromisoformat("2026-10-25T01:30:00Z")  # 02:30 in Berlin, again
        rule = publishing.put_rule(
            shop,
            name="ten",
            state=Rule.State.LIVE,
            definition=tree,
            in_force_from=None,
            in_force_until=later,
            by=None,
            now=make.NOW,
        )

        save_rule(staff, rule, tree, in_force_until_0="2026-10-25", in_force_until_1="02:30:00")

        assert len(versions(rule)) == 1
