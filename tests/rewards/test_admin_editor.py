"""What the editor of rules and streaks asks for while one types."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from events.metadata import write_json
from events.models import Customer, Project
from events.projects import NewProject
from events.types import Json
from tests import make
from tests.calling import Caller, buy
from tests.rewards.definitions import DAILY, all_of, definition, leaf, per_unit
from tests.staff_pages import Staff, page_url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    return Caller(keys=shop_keys)


@pytest.fixture
def staff(alice: User) -> Staff:
    return Staff(alice)


class TestDescription:
    """What the editor shows while one types."""

    def ask(self, staff: Staff, project: Any, tree: Json, *, subject: str = "rule") -> Any:
        text = tree if isinstance(tree, str) else write_json(tree).decode()
        url = page_url("rewards_definition_describe", subject)
        return staff.client.post(url, {"project": project, "name": "daily", "definition": text})

    def test_tells_a_rule_in_words(self, shop: Project, staff: Staff) -> None:
        make.event_type(shop, "buy")

        answer = self.ask(staff, shop.pk, definition("buy", per_unit(2)))

        assert answer.json() == {
            "words": "Gives 2 points per 1 of amount, rounded down, for each buy.",
            "note": "",
        }

    def test_tells_a_streak_in_words(self, shop: Project, staff: Staff) -> None:
        answer = self.ask(staff, shop.pk, DAILY, subject="streak")

        assert answer.json() == {
            "words": "Counts days in a row with buy; gives 5 points at 1 day.",
            "note": "buy is no event type of the project yet: nothing happens until its first "
            "event comes.",
        }

    @pytest.mark.parametrize(
        ("columns", "note"),
        [
            ({"active": False}, "buy is not active: its events are refused."),
            ({"active": True}, ""),
        ],
    )
    def test_notes_what_brings_nothing(
        self, shop: Project, staff: Staff, columns: Any, note: str
    ) -> None:
        make.event_type(shop, "buy", **columns)

        assert self.ask(staff, shop.pk, definition()).json()["note"] == note

    @pytest.mark.parametrize(
        ("tree", "path", "problem"),
        [
            pytest.param(
                definition(when=all_of(leaf("event.a", "=", 1), leaf("event.b", "<", "x"))),
                "when.rules[1].value",
                'must be a number, not "x".',
                id="a row",
            ),
            pytest.param(
                definition({"streak": "weekly", "milestone": 7}),
                "trigger.streak",
                "“weekly” is not a streak of the project.",
                id="a streak that is none",
            ),
            pytest.param("[1,", "", "The text is not JSON", id="no JSON"),
            pytest.param("[" * 100_000, "", "The text is nested", id="a deep nest"),
        ],
    )
    def test_names_the_path_of_what_is_wrong(
        self, shop: Project, staff: Staff, tree: Json, path: str, problem: str
    ) -> None:
        answer = self.ask(staff, shop.pk, tree)

        assert answer.status_code == 200
        assert answer.json()["error"]["path"] == path
        assert problem in answer.json()["error"]["problem"]

    def test_says_that_a_streaks_period_stays(self, shop: Project, staff: Staff) -> None:
        make.streak(shop, "daily", DAILY)

        answer = self.ask(staff, shop.pk, {**DAILY, "period": "week"}, subject="streak")

        assert answer.json()["error"]["path"] == "period"

    @pytest.mark.parametrize("project", ["", "0", "x", "²", "9" * 40])
    def test_knows_no_project_that_is_none(self, staff: Staff, project: str) -> None:
        assert self.ask(staff, project, definition()).status_code == 404

    def test_knows_no_other_subject(self, shop: Project, staff: Staff) -> None:
        assert self.ask(staff, shop.pk, definition(), subject="challenge").status_code == 404

    def test_is_for_the_projects_staff(self, shop: Project, charlie: User) -> None:
        assert self.ask(Staff(charlie), shop.pk, definition()).status_code == 404

    def test_is_posted_with_a_token(self, shop: Project, alice: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)
        url = page_url("rewards_definition_describe", "rule")

        assert client.post(url, {"project": shop.pk}).status_code == 403
        assert client.get(url).status_code == 405
        assert Client().post(url, {"project": shop.pk}).status_code == 302


class TestOffers:
    """What the editor lets one choose from."""

    def offered(self, staff: Staff, project: Project, **query: str) -> Any:
        url = page_url("rewards_definition_offers", project=project.pk, **query)
        return staff.client.get(url).json()

    def fields(self, staff: Staff, project: Project, **query: str) -> dict[str, Any]:
        return {each["name"]: each for each in self.offered(staff, project, **query)["fields"]}

    def test_are_the_projects_own(self, shop: Project, other: Project, staff: Staff) -> None:
        make.event_type(shop, "sell")
        make.event_type(shop, "gone", active=False)
        make.event_type(other, "secret")
        make.streak(shop, "daily", DAILY)
        make.streak(other, "hidden", DAILY)

        offered = self.offered(staff, shop)

        assert offered["time_zone"] == "Europe/Berlin"
        assert offered["events"] == ["sell"]
        assert offered["streaks"] == {"daily": [1]}

    def test_are_fields_with_the_values_that_arrived(
        self, shop: Project, staff: Staff, caller: Caller
    ) -> None:
        make.event_type(shop, "buy", fields={"brand": "text", "price": "number", "gift": "boolean"})
        for brand, price in [("Acme", "2.50"), ("Private", 7), ("Private", 7)]:
            caller.send_one(buy(metadata={"brand": brand, "price": price, "gift": True, "n": 1}))

        fields = self.fields(staff, shop, event="buy")

        assert [
            (name, each["type"], each["kind"], each["values"]) for name, each in fields.items()
        ] == [
            ("event.brand", "text", "text", ["Private", "Acme"]),
            ("event.gift", "boolean", "boolean", []),
            ("event.n", "auto", "number", ["1"]),
            ("event.price", "number", "number", ["7", "2.5"]),
            ("time.hour", "", "number", []),
            ("time.weekday", "", "number", []),
        ]

    def test_hold_no_value_of_a_personal_field(
        self, shop: Project, staff: Staff, caller: Caller
    ) -> None:
        make.field(make.event_type(shop, "buy"), "name", personal=True)
        caller.send_one(buy(metadata={"name": "Ada Lovelace"}))

        field = self.fields(staff, shop, event="buy")["event.name"]

        assert (field["kind"], field["values"]) == ("text", [])

    def test_hold_customers_attributes_without_values(
        self, shop: Project, staff: Staff, caller: Caller
    ) -> None:
        caller.send_one(buy())
        Customer.objects.get().put_attributes({"level": "gold", "age": 41})

        fields = self.fields(staff, shop)

        assert [
            (fields[name]["kind"], fields[name]["values"])
            for name in ("customer.age", "customer.level")
        ] == [
            ("number", []),
            ("text", []),
        ]

    def test_are_those_of_a_streaks_event(self, shop: Project, staff: Staff) -> None:
        make.event_type(shop, "buy", fields={"brand": "text"})
        make.streak(shop, "daily", DAILY)

        assert "event.brand" in self.fields(staff, shop, streak="daily")
        assert "event.brand" not in self.fields(staff, shop, streak="\x00")

    def test_take_any_value(self, shop: Project, staff: Staff, caller: Caller) -> None:
        for value in [None, [1], {"a": 1}, True, "x" * 101, 10**40, "", "ok"]:
            caller.send_one(buy(metadata={"mixed": value}))

        assert self.fields(staff, shop, event="buy")["event.mixed"]["values"] == ["ok"]

    def test_are_read_from_the_latest_events(
        self, shop: Project, staff: Staff, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rewards.admin.offers.RECENT_EVENTS", 1)
        caller.send_one(buy(metadata={"brand": "new"}))
        caller.send_one(buy(metadata={"brand": "old"}, occurred_at="2026-03-01T00:00:00Z"))

        assert self.fields(staff, shop, event="buy")["event.brand"]["values"] == ["new"]

    def test_are_for_the_projects_staff(self, shop: Project, charlie: User) -> None:
        url = page_url("rewards_definition_offers", project=shop.pk)

        assert Staff(charlie).client.get(url).status_code == 404
        assert Client().get(url).status_code == 302
