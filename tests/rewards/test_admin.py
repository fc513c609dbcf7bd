"""The staff's pages of rules, streaks, customers and events."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from events.metadata import write_json
from events.models import Customer, Event, Project
from events.projects import NewProject
from events.types import Json
from rewards import publishing
from rewards.models import Rule, Streak
from tests import make
from tests.calling import Caller, buy
from tests.rewards.definitions import DAILY, all_of, definition, leaf, limit, per_unit
from tests.staff_pages import Page, Staff, page_url

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
        assert '<td class="field-version">2</td>' in page.text
        assert '<td class="field-since">2026-03-02 09:00:00</td>' in page.text

    def test_tells_drafts_as_drafts(self, shop: Project, staff: Staff) -> None:
        make.rule(shop, "ten", definition("buy", {"fixed": 10}), state=Rule.State.DRAFT)

        page = staff.open("rewards_rule_changelist")

        assert "Draft: Gives 10 points for each buy." in page.text
        assert '<td class="field-version">none yet</td>' in page.text

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
            in_force_from_1="09:00:00",
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
        assert newest.in_force_until == datetime.fromisoformat("2026-04-01T12:00:00Z")

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


class TestCustomerPage:
    @pytest.fixture
    def customer(self, shop: Project, caller: Caller) -> Customer:
        make.rule(
            shop,
            "two per unit",
            definition("buy", per_unit(2), limits=[limit("customer points day", 30)]),
        )
        make.streak(shop, "daily", DAILY)
        caller.send_one(buy(amount=10, identities={"email": "c@example.com"}))
        caller.send_one(buy(amount="7.5"))
        caller.send_one(buy(amount=7))
        return Customer.objects.get()

    def test_tells_who_it_is_and_what_it_has(self, customer: Customer, staff: Staff) -> None:
        text = staff.open("events_customer_change", customer.pk).text

        assert "email c@example.com, external id c-1" in text
        assert "35 points" in text
        assert squeezed('<td>daily</td> <td class="tw-number">1</td>') in squeezed(text)

    def test_lists_events_with_their_points(self, customer: Customer, staff: Staff) -> None:
        page = staff.open("events_customer_change", customer.pk)

        assert [(each.customer_seq, each.points_total) for each in page.context["events"]] == [
            (3, 10),
            (2, 0),
            (1, 25),
        ]
        for event in customer.events.all():
            assert f"/admin/events/event/{event.pk}/change/" in page.text

    def test_tells_where_points_came_from(self, customer: Customer, staff: Staff) -> None:
        page = staff.open("events_customer_change", customer.pk)

        last, *_ = page.context["transfers"]
        assert (last.kind, last.points, last.source, last.number) == (
            "Award",
            10,
            "two per unit",
            1,
        )
        assert [(row.name, row.value) for row in last.trace] == [
            ("amount", "7"),
            ("unrounded", "14"),
            ("rounded", "14"),
            ("desired", "14"),
            (
                "limit of 30 points per customer, day",
                "10 points were left; it leaves 10 points",
            ),
            ("granted", "10"),
        ]
        assert "Gives 2 points per 1 of amount" in page.text
        assert "gives 5 points at 1 day" in page.text

    def test_shows_times_of_the_projects_zone(self, customer: Customer, staff: Staff) -> None:
        text = staff.open("events_customer_change", customer.pk).text

        assert "2026-03-02 10:00:00" in text
        assert "Times are those of Europe/Berlin." in text

    def test_changes_attributes_and_nothing_else(
        self, customer: Customer, staff: Staff, caller: Caller, shop: Project
    ) -> None:
        make.rule(
            shop,
            "gold",
            definition("sell", {"fixed": 3}, when=all_of(leaf("customer.level", "=", "gold"))),
        )
        exact = "0.1234567890123456789012345"

        staff.send(
            "events_customer_change",
            customer.pk,
            attributes=f'{{"level": "gold", "rate": {exact}}}',
            label="another",
            last_seq=0,
        )

        result = caller.send_one(buy(event="sell"))
        customer.refresh_from_db()
        assert result["points_awarded"] == 3
        assert (customer.label, customer.last_seq) == ("c-1", 4)
        assert customer.attributes == {"level": "gold", "rate": Decimal(exact)}

    def test_leaves_what_an_event_changed_meanwhile(
        self, customer: Customer, caller: Caller
    ) -> None:
        caller.send_one(buy())

        customer.put_attributes({"level": "gold"})

        customer.refresh_from_db()
        assert (customer.attributes, customer.last_seq) == ({"level": "gold"}, 4)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("[]", "Attributes are a JSON object", id="a list"),
            pytest.param('{"a": 1, "a": 2}', "The key a is given twice.", id="a key twice"),
            pytest.param('{"a": "\\u0000"}', "attributes.a: The text holds U+0000", id="NUL"),
            pytest.param("{", "The text is not JSON", id="no JSON"),
        ],
    )
    def test_refuses_what_attributes_cannot_be(
        self, customer: Customer, staff: Staff, text: str, message: str
    ) -> None:
        page = staff.send("events_customer_change", customer.pk, attributes=text)

        [error] = page.errors["attributes"]
        customer.refresh_from_db()
        assert message in error
        assert customer.attributes == {}

    def test_is_found_by_each_identity(self, customer: Customer, staff: Staff) -> None:
        for name, found in [("c-1", [customer]), ("c@example.com", [customer]), ("c-", [])]:
            assert staff.open("events_customer_changelist", q=name).rows == found

    def test_is_neither_made_nor_deleted(self, customer: Customer, bob: User) -> None:
        staff = Staff(bob)

        assert staff.open("events_customer_add").status == 403
        assert staff.send("events_customer_delete", customer.pk, post="yes").status == 403


def squeezed(text: str) -> str:
    return "".join(text.split())


class TestEventPage:
    def test_shows_metadata_and_what_was_earned(
        self, shop: Project, staff: Staff, caller: Caller
    ) -> None:
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        caller.send_one(buy(brand="Private", price=1.50, tags=["a", "b"]))

        text = staff.open("events_event_change", Event.objects.get().pk).text

        assert "<dt>brand</dt><dd>Private</dd>" in text
        assert "<dt>price</dt><dd>1.5</dd>" in text
        assert '<dt>tags</dt><dd>["a","b"]</dd>' in text
        assert "Gives 10 points for each buy." in text

    def test_keeps_personal_values_to_itself(
        self, shop: Project, staff: Staff, caller: Caller
    ) -> None:
        make.field(make.event_type(shop, "buy"), "name", personal=True)
        caller.send_one(buy(metadata={"name": "Ada Lovelace", "brand": "Private"}))

        text = staff.open("events_event_change", Event.objects.get().pk).text

        assert "<dt>name</dt><dd>(personal)</dd>" in text
        assert "Ada Lovelace" not in text

    def test_escapes_what_clients_sent(self, staff: Staff, caller: Caller, shop: Project) -> None:
        caller.send_one(buy("<b>c", event="<i>e", metadata={"<u>k": "<script>x"}))
        event = Event.objects.get()

        for page in (("events_event_changelist",), ("events_event_change", event.pk)):
            html = staff.client.get(page_url(*page)).content.decode()
            assert "&lt;b&gt;c" in html
            for tag in ("<b>c", "<i>e", "<u>k", "<script>x"):
                assert tag not in html
