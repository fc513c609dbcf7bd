"""The staff's page on which a set-up leaves a project and comes into one."""

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from config import set_up_pages
from config.set_up import written_set_up
from events.metadata import read_json
from events.models import Project
from tests import make
from tests.rewards.definitions import DAILY, definition
from tests.staff_pages import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def staff(alice: User) -> Staff:
    return Staff(alice)


def send(staff: Staff, project: Project, content: bytes | Any) -> Any:
    """Upload a file: bytes as they are, anything else as JSON."""
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    path = reverse("set-up", args=[project.pk])
    return staff.client.post(path, {"file": SimpleUploadedFile("set-up.json", text)})


def changes(answer: Any) -> list[str]:
    return [str(each) for each in answer.context["changes"]]


class TestExport:
    def test_writes_what_another_project_can_read(self, shop: Project, staff: Staff) -> None:
        make.event_type(shop, "buy", fields={"brand": "text"})
        make.rule(shop, "ten", definition("buy", {"fixed": 10}))
        make.streak(shop, "daily", DAILY)

        answer = staff.client.get(reverse("set-up-export", args=[shop.pk]))

        assert answer["Content-Type"] == "application/json"
        assert answer["Content-Disposition"] == 'attachment; filename="shop-set-up.json"'
        assert read_json(answer.content) == written_set_up(shop)

    def test_is_for_members_alone(self, shop: Project, charlie: User) -> None:
        answer = Staff(charlie).client.get(reverse("set-up-export", args=[shop.pk]))

        assert answer.status_code == 404

    def test_asks_strangers_to_log_in(self, shop: Project, client: Any) -> None:
        answer = client.get(reverse("set-up-export", args=[shop.pk]))

        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")


class TestImport:
    RULE = {"name": "ten", "definition": {"trigger": "buy", "award": {"fixed": 10}}}

    def test_tells_what_it_changed(self, shop: Project, staff: Staff) -> None:
        make.event_type(shop, "sell")
        make.event_type(shop, "buy", created_automatically=True)

        answer = send(
            staff,
            shop,
            {
                "event_types": [{"name": "buy", "active": False}, {"name": "sell"}],
                "rules": [self.RULE],
            },
        )

        assert changes(answer) == ["Changed event type “buy”", "New rule “ten”"]
        assert shop.rules.get().state == "live"
        assert "New rule “ten”" in answer.content.decode()

    def test_changes_nothing_the_second_time(self, shop: Project, staff: Staff) -> None:
        send(staff, shop, {"rules": [self.RULE]})

        answer = send(staff, shop, {"rules": [self.RULE]})

        assert changes(answer) == []
        assert "Nothing to change" in answer.content.decode()
        assert shop.rules.get().versions.count() == 1

    def test_is_logged_with_the_project(self, shop: Project, staff: Staff, alice: User) -> None:
        send(staff, shop, {"rules": [self.RULE]})
        send(staff, shop, {"rules": [self.RULE]})

        [entry] = LogEntry.objects.all()
        assert (entry.user, entry.object_id) == (alice, str(shop.pk))
        assert "New rule “ten”" in entry.get_change_message()
        assert shop.rules.get().versions.get().published_by == alice

    def test_does_all_or_nothing(self, shop: Project, staff: Staff) -> None:
        broken = {"name": "bad", "definition": {"trigger": "buy", "award": {"fixed": "many"}}}

        answer = send(staff, shop, {"event_types": [{"name": "buy"}], "rules": [self.RULE, broken]})

        [error] = answer.context["form"].errors["file"]
        assert error.startswith("Nothing was changed. rules[1].definition.award.fixed ")
        assert "rules[1].definition.award.fixed" in answer.content.decode()
        assert not shop.event_types.exists()
        assert not shop.rules.exists()
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            pytest.param(b"{", "not JSON", id="no JSON"),
            pytest.param(b"\xff\xfe", "UTF-8", id="no text"),
            pytest.param([], "must be an object", id="a list"),
            pytest.param({"rule": []}, "rule is not known", id="an unknown section"),
            pytest.param(b"", "empty", id="an empty file"),
        ],
    )
    def test_refuses_what_is_no_set_up(
        self, shop: Project, staff: Staff, content: Any, message: str
    ) -> None:
        answer = send(staff, shop, content)

        [error] = answer.context["form"].errors["file"]
        assert answer.status_code == 200
        assert message in error

    def test_refuses_what_is_too_long(
        self, shop: Project, staff: Staff, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(set_up_pages, "FILE_BYTES", 10)

        answer = send(staff, shop, {"rules": [self.RULE]})

        assert answer.context["form"].errors["file"] == ["The file is larger than 10 bytes."]

    def test_needs_a_file(self, shop: Project, staff: Staff) -> None:
        answer = staff.client.post(reverse("set-up", args=[shop.pk]))

        assert answer.context["form"].errors["file"] == ["This field is required."]

    def test_is_for_members_alone(self, shop: Project, charlie: User) -> None:
        stranger = Staff(charlie)

        assert send(stranger, shop, {"rules": [self.RULE]}).status_code == 404
        assert not shop.rules.exists()

    def test_is_reached_from_the_projects_page(self, shop: Project, staff: Staff) -> None:
        page = staff.open("events_project_change", shop.pk)

        assert f'href="{reverse("set-up", args=[shop.pk])}"' in page.text
        assert f'href="{reverse("set-up-export", args=[shop.pk])}"' in page.text
