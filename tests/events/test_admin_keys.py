"""The staff's pages of keys and of what replaces them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from events import auth, key_activity, keys
from events.models import ApiKey, LimitedDay, Project
from events.projects import NewProject
from events.types import Credential, Refusal
from tests import make
from tests.calling import EVENTS, Caller, buy
from tests.staff_pages import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

SHOWN = re.compile(r"<code>(.+?)</code>")


def api_key_of(project: Project) -> ApiKey:
    return project.api_keys.get(kind="api_key")


class TestANewKey:
    def test_may_do_what_was_chosen(self, shop: Project, alice: User) -> None:
        page = Staff(alice).send(
            "events_apikey_add",
            project=shop.pk,
            kind="secret_key",
            name="Import",
            scopes=["ingest", "points"],
            rate_limit="100/s, 1200/30s",
        )

        [text] = SHOWN.findall(page.text)
        made = ApiKey.objects.latest("id")
        assert (made.scopes, made.rate_limit) == (["ingest", "points"], "100/s, 1200/30s")
        access = auth.authenticate([Credential(kind="secret_key", value=text)])
        assert not isinstance(access, Refusal)
        assert len(access.rate_limits) == 2

    @pytest.mark.parametrize(
        ("chosen", "errors"),
        [
            (
                {"rate_limit": "100 a second"},
                {
                    "rate_limit": [
                        "“100 a second” is no rate limit. Write events, a slash and a window in s, "
                        "min or h: 100/s, 1200/30s."
                    ]
                },
            ),
            ({"scopes": ["points"]}, {"scopes": ["Only a secret key may move points."]}),
            (
                {"scopes": ["everything"]},
                {
                    "scopes": [
                        "Select a valid choice. everything is not one of the available choices."
                    ]
                },
            ),
        ],
        ids=["a limit that is none", "points by an API key", "a scope that is none"],
    )
    def test_is_refused_where_a_choice_is_wrong(
        self, shop: Project, alice: User, chosen: dict[str, Any], errors: dict[str, list[str]]
    ) -> None:
        page = Staff(alice).send("events_apikey_add", project=shop.pk, kind="api_key", **chosen)

        assert page.errors == errors
        assert shop.api_keys.count() == 2


class TestAKey:
    def test_is_changed_in_what_it_may(self, shop_keys: NewProject, alice: User) -> None:
        api_key = api_key_of(shop_keys.project)

        Staff(alice).send(
            "events_apikey_change",
            api_key.pk,
            name="Till",
            scopes=["read"],
            rate_limit="1/h",
            kind="secret_key",
            project=0,
        )

        api_key.refresh_from_db()
        assert (api_key.name, api_key.scopes, api_key.rate_limit) == ("Till", ["read"], "1/h")
        assert (api_key.kind, api_key.project_id) == ("api_key", shop_keys.project.pk)
        answer = Caller(keys=shop_keys).post(EVENTS, buy())
        assert (answer.status, answer.body["code"]) == (403, "forbidden")

    def test_must_be_able_to_do_something(self, shop: Project, alice: User) -> None:
        page = Staff(alice).send("events_apikey_change", api_key_of(shop).pk, name="Till")

        assert page.errors == {"scopes": ["A key that may nothing is better revoked."]}

    def test_keeps_what_came_between(self, shop: Project, alice: User) -> None:
        """A use that was noted while the form was open."""
        api_key = api_key_of(shop)
        staff = Staff(alice)
        ApiKey.objects.filter(pk=api_key.pk).update(last_used_at=make.NOW)

        staff.send("events_apikey_change", api_key.pk, name="Till", scopes=api_key.scopes)

        api_key.refresh_from_db()
        assert (api_key.name, api_key.last_used_at) == ("Till", make.NOW)

    def test_shows_when_it_was_last_used(self, shop_keys: NewProject, alice: User) -> None:
        staff = Staff(alice)
        assert staff.open("events_apikey_changelist").text.count("never used") == 2
        Caller(keys=shop_keys).send(buy())
        key_activity.write()

        text = staff.open("events_apikey_changelist").text

        assert text.count("never used") == 1
        assert "2026-03-02 10:00 CET" in text

    def test_shows_what_its_limit_refused(self, shop: Project, alice: User) -> None:
        api_key = api_key_of(shop)
        staff = Staff(alice)
        text = staff.open("events_apikey_change", api_key.pk).text
        assert "nothing in the last 14 days" in text
        days = [(0, 7, 9_999), (13, 1, 1), (14, 5, 5)]
        for ago, requests, events in days:
            LimitedDay.objects.create(
                project=shop,
                key_number=api_key.pk,
                date=make.NOW.date() - timedelta(days=ago),
                requests=requests,
                events=events,
            )

        text = staff.open("events_apikey_change", api_key.pk).text

        cells = re.findall(r'data-label="[^"]+">([^<]+)</td>', text)
        assert cells == ["2026-03-02", "7", "9,999", "2026-02-17", "1", "1"]

    def test_that_was_revoked_is_only_looked_at(self, shop: Project, alice: User) -> None:
        api_key = api_key_of(shop)
        keys.revoke(api_key, make.NOW)
        staff = Staff(alice)

        page = staff.open("events_apikey_change", api_key.pk)

        assert "revoked" in page.text
        assert "/rotate/" not in page.text
        assert staff.send("events_apikey_change", api_key.pk, name="x").status == 403

    def test_is_found_by_its_state(self, shop: Project, alice: User) -> None:
        expiring, expired = shop.api_keys.order_by("id")
        ApiKey.objects.filter(pk=expiring.pk).update(expires_at=make.NOW + timedelta(hours=1))
        ApiKey.objects.filter(pk=expired.pk).update(expires_at=make.NOW)
        staff = Staff(alice)

        found = {
            state: staff.open("events_apikey_changelist", revoked=state).rows
            for state in ("no", "expires", "expired", "yes")
        }

        assert found == {"no": [expiring], "expires": [expiring], "expired": [expired], "yes": []}


class TestRotation:
    def test_shows_the_new_key_once(self, shop_keys: NewProject, alice: User) -> None:
        former = api_key_of(shop_keys.project)
        staff = Staff(alice)

        page = staff.send("events_apikey_rotate", former.pk, overlap_hours=24)

        [text] = SHOWN.findall(page.text)
        new = ApiKey.objects.latest("id")
        former.refresh_from_db()
        assert page.url == f"/admin/events/apikey/{new.pk}/change/"
        assert keys.is_key(new, text)
        assert former.expires_at == make.NOW + timedelta(hours=24)
        shown = staff.open("events_apikey_change", former.pk).text
        assert "valid until" in shown
        assert "2026-03-03 10:00:00 CET" in shown
        assert text not in shown
        assert f"followed by {new.prefix}" in shown

    def test_asks_first(self, shop: Project, alice: User) -> None:
        page = Staff(alice).open("events_apikey_rotate", api_key_of(shop).pk)

        assert page.status == 200
        assert shop.api_keys.count() == 2

    @pytest.mark.parametrize("hours", ["-1", "5", "x", ""])
    def test_takes_no_other_overlap(self, shop: Project, alice: User, hours: str) -> None:
        Staff(alice).send("events_apikey_rotate", api_key_of(shop).pk, overlap_hours=hours)

        assert shop.api_keys.count() == 2

    def test_is_refused_a_second_time(self, shop: Project, alice: User) -> None:
        former = api_key_of(shop)
        staff = Staff(alice)
        staff.send("events_apikey_rotate", former.pk, overlap_hours=0)

        page = staff.send("events_apikey_rotate", former.pk, overlap_hours=24)

        assert "The key was rotated before" in page.text
        assert shop.api_keys.count() == 3

    def test_is_one_of_the_actions(self, shop: Project, alice: User) -> None:
        api_key, secret_key = shop.api_keys.order_by("id")
        staff = Staff(alice)

        one = staff.act("events_apikey_changelist", "rotate", api_key)
        two = staff.act("events_apikey_changelist", "rotate", api_key, secret_key)

        assert one.url == f"/admin/events/apikey/{api_key.pk}/rotate/"
        assert "Choose one key" in two.text

    @pytest.mark.parametrize("page", ["events_apikey_rotate", "events_project_rotate"])
    def test_is_of_the_members_alone(self, shop: Project, charlie: User, page: str) -> None:
        row = shop if "project" in page else api_key_of(shop)

        assert Staff(charlie).open(page, row.pk).status == 404
        assert Staff(charlie).send(page, row.pk, overlap_hours=0).status == 404
        assert shop.api_keys.count() == 2

    def test_of_the_secret_shows_it_with_a_token(self, shop_keys: NewProject, alice: User) -> None:
        staff = Staff(alice)

        page = staff.send("events_project_rotate", shop_keys.project.pk, overlap_hours=24)

        jwt, jwt_secret = SHOWN.findall(page.text)
        project = Project.objects.get(slug="shop")
        assert keys.decrypted(project.jwt_secret) == jwt_secret
        for text in (jwt, shop_keys.jwt):
            access = auth.authenticate([Credential(kind="jwt", value=text)])
            assert not isinstance(access, Refusal)
        shown = staff.open("events_project_change", project.pk).text
        assert "tokens of the former one hold until 2026-03-03 10:00:00 CET" in shown
        assert jwt_secret not in shown


class TestTheProjectsPage:
    def test_limits_tokens_and_demands_secrets(self, shop: Project, alice: User) -> None:
        Staff(alice).send(
            "events_project_change",
            shop.pk,
            name="shop",
            reward_window_days=30,
            demands_secret_key="on",
            token_rate_limit="50/s",
            **{"api_keys-TOTAL_FORMS": "0", "api_keys-INITIAL_FORMS": "0"},
        )

        shop.refresh_from_db()
        assert (shop.demands_secret_key, shop.token_rate_limit) == (True, "50/s")
