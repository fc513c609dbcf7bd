"""What all of the staff's pages share: the security policy and the sidebar."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from events.models import Project
from tests import make
from tests.staff_pages import Staff

pytestmark = pytest.mark.django_db


class TestPolicy:
    @pytest.mark.parametrize("path", ["/admin/", "/admin/events/event/", "/admin/jsi18n/"])
    def test_lets_the_staffs_pages_compile_expressions(self, bob: User, path: str) -> None:
        policy = Staff(bob).client.get(path)["Content-Security-Policy"]

        assert "script-src 'self' 'unsafe-eval'" in policy
        assert "default-src 'self'" in policy

    @pytest.mark.parametrize(
        "path", ["/", "/login/", "/admin/login/", "/analytics/", "/health", "/nowhere"]
    )
    def test_stays_strict_elsewhere(self, bob: User, path: str) -> None:
        client = Client()
        if "login" not in path:
            client.force_login(bob)

        policy = client.get(path)["Content-Security-Policy"]

        assert "default-src 'self'" in policy
        assert "unsafe-eval" not in policy


class TestSidebar:
    def links(self, user: User) -> list[str]:
        groups = Staff(user).open("index").context["sidebar_navigation"]
        return [
            str(item["title"])
            for group in groups
            for item in group["items"]
            if item["has_permission"]
        ]

    def test_names_what_a_marketer_looks_for(self, alice: User) -> None:
        assert self.links(alice) == [
            "Start",
            "Dashboards",
            "Catalogue",
            "Rules",
            "Streaks",
            "Customers",
            "Duplicates",
            "Merges",
            "Events",
            "Ledger",
            "Quarantine",
            "Projects",
            "API keys",
        ]

    def test_shows_users_to_superusers(self, bob: User) -> None:
        assert self.links(bob)[-1] == "Users"

    def test_is_empty_for_who_is_no_member(self, shop: Project) -> None:
        assert self.links(make.staff("dora")) == []

    @pytest.mark.parametrize("query", ["?s=x", "?s=x&page=y", "?s=%00&extended=1"])
    def test_needs_no_search(self, bob: User, query: str) -> None:
        assert Staff(bob).client.get(f"/admin/search/{query}").status_code == 404


class TestUserPage:
    def test_makes_a_member_of_staff(self, bob: User) -> None:
        Staff(bob).send(
            "auth_user_add",
            username="eve",
            usable_password="true",
            password1="a long pass phrase",
            password2="a long pass phrase",
            is_staff="on",
        )

        eve = User.objects.get(username="eve")
        assert (eve.is_staff, eve.is_superuser, eve.check_password("a long pass phrase")) == (
            True,
            False,
            True,
        )

    def test_tells_whose_projects_a_user_sees(self, alice: User, bob: User) -> None:
        rows = Staff(bob).open("auth_user_changelist").rows
        page = Staff(bob).open("auth_user_change", alice.pk)

        assert page.status == 200
        assert {str(row) for row in rows} == {"alice", "bob"}

    def test_is_for_superusers_alone(self, alice: User, bob: User) -> None:
        staff = Staff(alice)

        assert staff.open("auth_user_changelist").status == 403
        assert staff.open("auth_user_change", bob.pk).status == 403
        assert staff.send("auth_user_change", alice.pk, is_superuser="on").status == 403

    def test_deletes_nobody(self, alice: User, bob: User) -> None:
        assert Staff(bob).send("auth_user_delete", alice.pk, post="yes").status == 403
