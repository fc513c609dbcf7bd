"""Whose rows the staff's pages show: those of their own projects, and nothing else."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models

from events.models import ApiKey, Customer, Event, EventType, Project
from events.projects import NewProject
from rewards.models import Rule, RuleVersion, Transfer
from tests import make
from tests.calling import Caller, buy
from tests.entries import linking, profile, sent
from tests.rewards.definitions import DAILY, definition
from tests.staff_pages import NO_ROWS, Staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One of our models that the admin shows, by the name of its pages."""

    model: type[models.Model]
    name: str

    @property
    def row(self) -> Any:
        return self.model._default_manager.order_by("pk")[0]


# Read from the admin itself, so that no page added later goes without these tests.
MODELS = [
    Shown(model=model, name=f"{model._meta.app_label}_{model._meta.model_name}")
    for model in admin.site._registry
    if model.__module__ in ("events.models", "rewards.models", "analytics.models")
]
each_model = pytest.mark.parametrize("shown", MODELS, ids=[each.name for each in MODELS])


@pytest.fixture
def filled(shop_keys: NewProject) -> Project:
    """The shop with a row of everything."""
    shop = shop_keys.project
    make.rule(shop, "ten", definition("buy", {"fixed": 10}))
    make.streak(shop, "daily", DAILY)
    Caller(keys=shop_keys).send(
        buy("c-1", amount=1, identities={"email": "c@example.com"}),
        buy(occurred_at="1969-01-01T00:00:00Z"),
    )
    # One address is given by two customers, and two others become one.
    sent(shop, profile("c-2", email="c@example.com"), profile(phone="+491"))
    sent(shop, profile("c-2", phone="+491"), wire=linking)
    return shop


@pytest.mark.usefixtures("filled")
class TestMember:
    @each_model
    def test_sees_what_is_there(self, alice: User, shown: Shown) -> None:
        staff = Staff(alice)

        assert shown.row in staff.open(f"{shown.name}_changelist").rows
        assert staff.open(f"{shown.name}_change", shown.row.pk).status == 200
        assert staff.open(f"{shown.name}_history", shown.row.pk).status == 200


@pytest.mark.usefixtures("filled")
class TestStranger:
    """Charlie, who is staff of another project."""

    @pytest.fixture
    def staff(self, charlie: User) -> Staff:
        return Staff(charlie)

    @each_model
    def test_finds_no_row(self, staff: Staff, shown: Shown) -> None:
        page = staff.open(f"{shown.name}_changelist")

        assert page.status == 200
        assert shown.row not in page.rows
        assert "shop" not in page.text

    @each_model
    @pytest.mark.parametrize("page", ["change", "history", "delete"])
    def test_finds_no_page(self, staff: Staff, shown: Shown, page: str) -> None:
        found = staff.open(f"{shown.name}_{page}", shown.row.pk)

        # As for a row that does not exist.
        assert (found.status, found.url) in [(302, "/admin/"), (403, found.url)]
        assert str(shown.row) not in found.text

    @pytest.mark.parametrize("name", ["c-1", "c@example.com"])
    def test_searches_in_vain(self, staff: Staff, name: str) -> None:
        for page in ("events_customer", "events_event", "rewards_transfer"):
            assert staff.open(f"{page}_changelist", q=name).rows == []

    def test_searches_in_vain_for_ids(self, staff: Staff) -> None:
        event = Event.objects.get()

        assert staff.open("events_event_changelist", q=str(event.pk)).rows == []
        assert staff.open("rewards_transfer_changelist", q=str(event.pk)).rows == []

    def test_filters_in_vain(self, staff: Staff, filled: Project) -> None:
        event_type = EventType.objects.get()

        for query in (
            {"project__id__exact": filled.pk},
            {"event_type__id__exact": event_type.pk},
        ):
            assert staff.open("events_event_changelist", **query).rows == []

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            pytest.param(
                "rewards_rule",
                {"name": "mine", "state": "live", "definition": '{"trigger": "buy"}'},
                id="a rule",
            ),
            pytest.param("rewards_streak", {"name": "mine"}, id="a streak"),
            pytest.param("events_eventtype", {"name": "mine", **NO_ROWS}, id="an event type"),
            pytest.param("events_apikey", {"name": "mine", "kind": "api_key"}, id="a key"),
        ],
    )
    def test_makes_nothing_there(
        self, staff: Staff, filled: Project, name: str, values: dict[str, str]
    ) -> None:
        page = staff.send(f"{name}_add", project=filled.pk, **values)

        assert page.errors["project"] == [
            "Select a valid choice. That choice is not one of the available choices."
        ]
        choices = page.context["adminform"].form.fields["project"].queryset
        assert [project.slug for project in choices] == ["other"]

    def test_changes_nothing_there(self, staff: Staff) -> None:
        rule, customer = Rule.objects.get(), Customer.objects.get(label="c-1")
        text = '{"trigger": "buy", "award": {"fixed": 99}}'

        staff.send("rewards_rule_change", rule.pk, state="live", definition=text)
        staff.send("events_customer_change", customer.pk, attributes='{"level": "gold"}')

        customer.refresh_from_db()
        assert customer.attributes == {}
        assert [version.definition["award"] for version in RuleVersion.objects.all()] == [
            {"fixed": 10}
        ]

    def test_acts_on_nothing_there(self, staff: Staff) -> None:
        rule, api_key = Rule.objects.get(), ApiKey.objects.earliest("id")

        staff.act("rewards_rule_changelist", "pause", rule)
        staff.act("events_apikey_changelist", "revoke", api_key)

        rule.refresh_from_db()
        api_key.refresh_from_db()
        assert rule.state == "live"
        assert api_key.revoked_at is None

    @pytest.mark.parametrize("model", ["apikey", "eventtype"])
    def test_completes_no_name_from_there(self, staff: Staff, model: str) -> None:
        query = {"app_label": "events", "model_name": model, "field_name": "project"}

        for term in ("", "shop", "oth"):
            answer = staff.client.get("/admin/autocomplete/", {**query, "term": term})
            found = [each["text"] for each in answer.json()["results"]]
            assert found == ([] if term == "shop" else ["other"])

    def test_is_not_told_who_else_is_staff(self, staff: Staff, alice: User) -> None:
        query = {"app_label": "events", "model_name": "project", "field_name": "members"}

        assert staff.client.get("/admin/autocomplete/", query).status_code == 403
        assert staff.open("auth_user_changelist").status == 403


@pytest.mark.usefixtures("filled")
class TestStaffWithoutProject:
    @pytest.fixture
    def staff(self, db: None) -> Staff:
        return Staff(make.staff("dora"))

    @each_model
    def test_is_shown_nothing(self, staff: Staff, shown: Shown) -> None:
        assert staff.open(f"{shown.name}_changelist").status == 403
        assert staff.open(f"{shown.name}_change", shown.row.pk).status in (302, 403)

    def test_sees_an_empty_index(self, staff: Staff) -> None:
        page = staff.open("index")

        assert page.status == 200
        assert page.context["app_list"] == []


@pytest.mark.usefixtures("filled")
class TestSuperuser:
    def test_sees_every_project(self, bob: User, other_keys: NewProject) -> None:
        Caller(keys=other_keys).send(buy("c-2", event="sell"))

        page = Staff(bob).open("events_event_changelist")

        assert {str(row.project) for row in page.rows} == {"shop", "other"}
        # Two projects may have types of one name, so each is shown with its own.
        assert "buy · shop" in page.text
        assert "sell · other" in page.text

    def test_sees_the_types_of_the_chosen_project(
        self, bob: User, other: Project, filled: Project
    ) -> None:
        make.event_type(other, "sell")

        page = Staff(bob).open("events_event_changelist", project__id__exact=filled.pk)

        assert [str(row.event_type) for row in page.rows] == ["buy"]
        assert "sell" not in page.text

    def test_sees_the_whole_ledger(self, bob: User) -> None:
        assert len(Staff(bob).open("rewards_transfer_changelist").rows) == Transfer.objects.count()
