"""The staff's pages of projects, keys, catalogue and refusals, and their login."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client, RequestFactory

from events import auth, keys
from events.admin.lists import CappedPaginator
from events.models import ApiKey, EventType, Project, Quarantine, touch_setup
from events.projects import NewProject
from tests import make
from tests.calling import EVENTS, Caller, buy
from tests.staff_pages import NO_ROWS, Staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

KEY = re.compile(r"tw[as]_[0-9a-f]{8}_[\w-]{32}")
SHOWN = re.compile(r"<code>(.+?)</code>")


class TestLogin:
    def test_leads_staff_to_the_page_they_asked_for(self, client: Client, alice: User) -> None:
        form = {"username": "alice", "password": "a pass phrase", "next": "/admin/"}

        answer = client.post("/login/", form)

        assert (answer.status_code, answer["Location"]) == (302, "/admin/")

    def test_refuses_a_wrong_password(self, client: Client, alice: User) -> None:
        answer = client.post("/login/", {"username": "alice", "password": "wrong"})

        assert answer.status_code == 200
        assert "enter the correct username and password" in answer.content.decode()

    def test_refuses_who_is_no_staff(self, client: Client, db: None) -> None:
        User.objects.create_user("visitor", password="a pass phrase")

        answer = client.post("/login/", {"username": "visitor", "password": "a pass phrase"})

        assert answer.status_code == 200
        assert "staff account" in answer.content.decode()
        assert "_auth_user_id" not in client.session

    def test_tells_a_stranger_to_the_admin_who_he_is(self, client: Client, db: None) -> None:
        client.force_login(User.objects.create_user("visitor"))

        answer = client.get("/admin/login/")

        assert "You are logged in as visitor" in answer.content.decode()

    def test_is_asked_of_everyone_else(self, client: Client, db: None) -> None:
        answer = client.get("/admin/events/event/")

        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")

    def test_ends_with_a_logout(self, client: Client, alice: User) -> None:
        client.force_login(alice)

        answer = client.post("/logout/")

        assert (answer.status_code, answer["Location"]) == (302, "/login/")
        assert "_auth_user_id" not in client.session

    @pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
    def test_holds_to_the_security_policy(self, client: Client, path: str) -> None:
        answer = client.get(path)
        html = answer.content.decode()

        assert "default-src 'self'" in answer["Content-Security-Policy"]
        assert not re.search(r"<style|<script|\sstyle=|\son\w+=", html)
        for name in re.findall(r'"/static/(.+?)"', html):
            assert finders.find(name)

    def test_is_at_the_admin_without_a_slash_too(self, client: Client) -> None:
        answer = client.get("/admin")

        assert (answer.status_code, answer["Location"]) == (302, "/admin/")


class TestProjectPage:
    def test_makes_a_project_and_shows_its_keys_once(self, bob: User) -> None:
        staff = Staff(bob)

        page = staff.send("events_project_add", slug="game", time_zone="Asia/Tokyo")

        project = Project.objects.get()
        api_key, secret_key, jwt, jwt_secret = SHOWN.findall(page.text)
        assert (project.slug, project.time_zone, project.strict) == ("game", "Asia/Tokyo", False)
        assert KEY.fullmatch(api_key)
        assert KEY.fullmatch(secret_key)
        assert keys.decrypted(project.jwt_secret) == jwt_secret
        for shown in (api_key, secret_key, jwt, jwt_secret):
            assert shown not in staff.open("events_project_change", project.pk).text

    def test_makes_keys_that_work_and_are_kept_as_hashes(self, bob: User) -> None:
        page = Staff(bob).send("events_project_add", slug="game", time_zone="UTC")

        project = Project.objects.get()
        api_key, secret_key, jwt, jwt_secret = SHOWN.findall(page.text)
        caller = Caller(
            keys=NewProject(
                project=project,
                api_key=api_key,
                secret_key=secret_key,
                jwt=jwt,
                jwt_secret=jwt_secret,
            )
        )
        assert caller.send_one(buy())["status"] == "accepted"
        assert list(project.api_keys.values_list("key_hash", flat=True)) == [
            keys.key_hash(api_key),
            keys.key_hash(secret_key),
        ]

    def test_refuses_an_unknown_time_zone(self, bob: User) -> None:
        page = Staff(bob).send("events_project_add", slug="game", time_zone="Mars/Olympus")

        assert page.errors == {
            "time_zone": ["“Mars/Olympus” is not a time zone of the IANA database."]
        }
        assert not Project.objects.exists()

    def test_keeps_slug_and_time_zone(self, shop: Project, bob: User) -> None:
        Staff(bob).send(
            "events_project_change",
            shop.pk,
            slug="other",
            time_zone="UTC",
            name="The shop",
            reward_window_days=7,
            **no_key_rows(),
        )

        shop.refresh_from_db()
        assert (shop.slug, shop.time_zone) == ("shop", "Europe/Berlin")
        assert (shop.name, shop.reward_window_days) == ("The shop", 7)

    def test_lets_superusers_alone_choose_the_members(
        self, shop: Project, alice: User, bob: User, charlie: User
    ) -> None:
        form = {"name": "shop", "reward_window_days": 30, "members": [alice.pk, charlie.pk]}

        Staff(alice).send("events_project_change", shop.pk, **form, **no_key_rows())
        assert set(shop.members.all()) == {alice}
        Staff(bob).send("events_project_change", shop.pk, **form, **no_key_rows())
        assert set(shop.members.all()) == {alice, charlie}

    def test_lets_superusers_alone_make_projects(self, alice: User) -> None:
        page = Staff(alice).send("events_project_add", slug="game", time_zone="UTC")

        assert page.status == 403
        assert not Project.objects.filter(slug="game").exists()

    def test_never_turns_the_version_of_the_set_up_back(self, shop: Project, bob: User) -> None:
        """Another process may have read the set-up under the version that would come again."""
        drawn = Project.objects.get(pk=shop.pk)
        for _ in range(3):
            touch_setup(shop.pk)
        latest = Project.objects.get(pk=shop.pk).setup_version
        request = RequestFactory().post("/")
        request.user = bob

        drawn.name = "The shop"
        form: Any = SimpleNamespace(changed_data=["name", "members"])
        admin.site.get_model_admin(Project).save_model(request, drawn, form, change=True)

        shop.refresh_from_db()
        assert (shop.name, shop.setup_version) == ("The shop", latest + 1)


def no_key_rows() -> dict[str, str]:
    return {"api_keys-TOTAL_FORMS": "0", "api_keys-INITIAL_FORMS": "0"}


class TestKeyPage:
    def test_shows_a_new_key_once(self, shop: Project, alice: User) -> None:
        staff = Staff(alice)

        page = staff.send("events_apikey_add", project=shop.pk, kind="secret_key", name="CRM")

        [text] = SHOWN.findall(page.text)
        api_key = ApiKey.objects.latest("id")
        assert (api_key.project, api_key.kind, api_key.name) == (shop, "secret_key", "CRM")
        assert api_key.key_hash == keys.key_hash(text)
        assert api_key.scopes == ["ingest", "read", "configure", "points"]
        assert text not in staff.open("events_apikey_changelist").text
        view = staff.open("events_apikey_change", api_key.pk).text
        assert text not in view
        assert api_key.key_hash not in view

    def test_revokes_a_key_for_good(self, shop_keys: NewProject, alice: User) -> None:
        caller = Caller(keys=shop_keys)
        caller.send(buy())
        api_key = shop_keys.project.api_keys.get(kind="api_key")

        page = Staff(alice).act("events_apikey_changelist", "revoke", api_key)

        auth.forget()
        assert "Keys revoked: 1" in page.text
        assert caller.post(EVENTS, buy()).status == 401

    def test_revokes_no_key_twice(self, shop: Project, alice: User) -> None:
        api_key = shop.api_keys.get(kind="api_key")
        keys.revoke(api_key, make.NOW.replace(year=2025))

        page = Staff(alice).act("events_apikey_changelist", "revoke", api_key)

        api_key.refresh_from_db()
        assert "Keys revoked: 0" in page.text
        assert api_key.revoked_at == make.NOW.replace(year=2025)

    def test_tells_valid_keys_from_revoked_ones(self, shop: Project, alice: User) -> None:
        api_key, secret_key = shop.api_keys.order_by("id")
        keys.revoke(api_key, make.NOW)
        staff = Staff(alice)

        assert staff.open("events_apikey_changelist", revoked="yes").rows == [api_key]
        assert staff.open("events_apikey_changelist", revoked="no").rows == [secret_key]

    def test_deletes_nothing(self, shop: Project, bob: User) -> None:
        api_key = shop.api_keys.get(kind="api_key")

        assert Staff(bob).send("events_apikey_delete", api_key.pk, post="yes").status == 403


class TestEventTypePage:
    def test_makes_an_event_type_with_its_fields(self, shop: Project, alice: User) -> None:
        Staff(alice).send(
            "events_eventtype_add",
            **{
                "project": shop.pk,
                "name": "buy",
                "active": "on",
                "fields-TOTAL_FORMS": "1",
                "fields-INITIAL_FORMS": "0",
                "fields-0-name": "amount",
                "fields-0-type": "number",
                "fields-0-dimension": "on",
            },
        )

        event_type = shop.event_types.get()
        assert (event_type.name, event_type.active, event_type.server_only) == ("buy", True, False)
        assert list(
            event_type.fields.values_list("name", "type", "dimension", "created_automatically")
        ) == [("amount", "number", True, False)]

    def test_is_in_force_for_the_next_event(self, shop_keys: NewProject, alice: User) -> None:
        caller = Caller(keys=shop_keys)
        caller.send(buy())
        event_type = shop_keys.project.event_types.get()

        Staff(alice).send("events_eventtype_change", event_type.pk, **NO_ROWS)

        assert caller.send_one(buy(), 422)["error"]["code"] == "inactive_event_type"

    def test_keeps_the_names(self, shop: Project, alice: User) -> None:
        event_type = make.event_type(shop, "buy", fields={"amount": "auto"})
        field = event_type.fields.get()

        Staff(alice).send(
            "events_eventtype_change",
            event_type.pk,
            **{
                "name": "sell",
                "active": "on",
                **field_row(field, name="price", type="number", personal="on"),
            },
        )

        event_type.refresh_from_db()
        field.refresh_from_db()
        assert (event_type.name, field.name) == ("buy", "amount")
        assert (field.type, field.personal) == ("number", True)

    def test_marks_what_events_made_until_staff_takes_it_over(
        self, shop_keys: NewProject, alice: User
    ) -> None:
        Caller(keys=shop_keys).send(buy(metadata={"amount": 1, "brand": "x"}))
        event_type = shop_keys.project.event_types.get()
        amount, brand = event_type.fields.all()
        staff = Staff(alice)
        assert "an event, automatically" in staff.open("events_eventtype_changelist").text

        rows = field_row(amount, type="number") | field_row(brand, index=1, type="auto")
        rows |= {"fields-TOTAL_FORMS": "2", "fields-INITIAL_FORMS": "2"}
        staff.send("events_eventtype_change", event_type.pk, server_only="on", active="on", **rows)

        event_type.refresh_from_db()
        assert not event_type.created_automatically
        assert list(event_type.fields.values_list("name", "created_automatically")) == [
            ("amount", False),
            ("brand", True),
        ]

    def test_takes_as_many_fields_as_an_event_type_may_have(
        self, shop: Project, alice: User
    ) -> None:
        event_type = make.event_type(shop, "buy")
        rows: dict[str, object] = {"fields-TOTAL_FORMS": "1000", "fields-INITIAL_FORMS": "0"}
        for index in range(1000):
            row = {
                "name": f"key{index}",
                "type": "text",
                "dimension": "on",
                "personal": "on",
                "personal_as": "mask",
            }
            rows |= {f"fields-{index}-{name}": value for name, value in row.items()}
            rows |= {f"fields-{index}-id": "", f"fields-{index}-event_type": event_type.pk}

        page = Staff(alice).send("events_eventtype_change", event_type.pk, active="on", **rows)

        assert page.status == 200
        assert event_type.fields.count() == 1000

    def test_deletes_nothing(self, shop: Project, bob: User) -> None:
        event_type = make.event_type(shop, "buy")

        page = Staff(bob).send("events_eventtype_delete", event_type.pk, post="yes")

        assert page.status == 403
        assert EventType.objects.filter(pk=event_type.pk).exists()


def field_row(field: Any, *, index: int = 0, **values: object) -> dict[str, object]:
    """Return what the browser sends for a field's row."""
    row = {"id": field.pk, "event_type": field.event_type_id, "personal_as": "mask", **values}
    return {
        "fields-TOTAL_FORMS": "1",
        "fields-INITIAL_FORMS": "1",
        **{f"fields-{index}-{name}": value for name, value in row.items()},
    }


class TestQuarantinePage:
    @pytest.fixture
    def refused(self, shop_keys: NewProject) -> Quarantine:
        Caller(keys=shop_keys).send(buy(occurred_at="1969-01-01T00:00:00Z"))
        return Quarantine.objects.get()

    def test_shows_the_reason_and_what_was_sent(self, refused: Quarantine, alice: User) -> None:
        text = Staff(alice).open("events_quarantine_change", refused.pk).text

        assert refused.message in text
        assert "1969-01-01T00:00:00Z" in text

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            pytest.param({}, 1, id="without a filter"),
            pytest.param({"code": "occurred_too_early"}, 1, id="by its code"),
            pytest.param({"code": "too_deep"}, 0, id="by another code"),
            pytest.param({"received": "today"}, 1, id="by its day"),
            pytest.param({"received": "nonsense"}, 1, id="by nonsense"),
            pytest.param({"q": "1970"}, 1, id="by a part of the message"),
            pytest.param({"q": "nothing of it"}, 0, id="by other words"),
            pytest.param({"q": "0198c0ce-0000-7000-8000-000000000000"}, 0, id="by another id"),
        ],
    )
    def test_finds_it(
        self, refused: Quarantine, alice: User, query: dict[str, str], found: int
    ) -> None:
        assert len(Staff(alice).open("events_quarantine_changelist", **query).rows) == found

    def test_finds_it_by_its_id(self, refused: Quarantine, alice: User) -> None:
        page = Staff(alice).open("events_quarantine_changelist", q=str(refused.pk))

        assert page.rows == [refused]

    def test_takes_a_text_that_no_database_can_hold(self, refused: Quarantine, bob: User) -> None:
        page = Staff(bob).open("events_quarantine_changelist", code="\x00")

        assert (page.status, page.url) == (302, "/admin/events/quarantine/?e=1")


class FourRows(CappedPaginator):
    most_rows = 4


class TestCappedPaginator:
    @pytest.mark.parametrize(
        ("there_are", "count", "is_capped"),
        [
            pytest.param(0, 0, False, id="none"),
            pytest.param(3, 3, False, id="fewer than the most"),
            pytest.param(4, 4, True, id="the most"),
            pytest.param(6, 4, True, id="more"),
        ],
    )
    def test_counts_no_further_than_it_lists(
        self, db: None, there_are: int, count: int, is_capped: bool
    ) -> None:
        for number in range(there_are):
            make.project(f"p{number}")

        pages = FourRows(Project.objects.all(), 3)

        assert (pages.count, pages.is_capped) == (count, is_capped)
