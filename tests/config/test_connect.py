"""The page that leads a vendor's client here."""

import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from config.connect.formats import PLACES, Call, Format, curl_of, formats, python_of
from events.models import Event, Project
from events.projects import NewProject
from events.wires.registry import WIRES
from tests import make
from tests.calling import EVENTS, Caller, buy
from tests.staff_pages import Staff


def page(staff: Staff, project: Project, name: str = "connect") -> Any:
    return staff.client.get(reverse(name, args=[project.pk]))


def states(answer: Any) -> dict[str, str]:
    return {
        section.format.wire: section.light.state
        for section in answer.context["sections"]
        if section.light.state != "off"
    }


def with_keys(text: str, keys: NewProject) -> str:
    values = {"API_KEY": keys.api_key, "SECRET_KEY": keys.secret_key, "TOKEN": keys.jwt}
    for place in PLACES:
        text = text.replace(place, values[place])
    return text


class TestFormats:
    def test_name_every_wire(self) -> None:
        assert {each.wire for each in formats("buy")} <= set(WIRES)

    def test_quote_what_a_shell_would_read(self) -> None:
        call = Call(path="/x", headers={"A": "it's"}, body={"text": "it's $HOME"})
        each = Format(wire="x", title="X", base_path="/x", former="", calls=[call])

        text = curl_of(each, "http://host")
        argv = subprocess.run(
            ["sh", "-c", text.replace("curl", "printf '%s\\n'", 1)],
            capture_output=True,
            text=True,
            check=True,
        )

        assert argv.stdout.splitlines()[-1] == """{"text": "it's $HOME"}"""
        assert "A: it's" in argv.stdout


@pytest.mark.django_db(transaction=True)
class TestTexts:
    @pytest.fixture
    def keys(self) -> NewProject:
        keys = make.keyed_project("shop")
        make.event_type(keys.project, "place_order")
        return keys

    @pytest.mark.parametrize("each", formats("place_order"), ids=lambda each: each.wire)
    @pytest.mark.parametrize("language", ["curl", "python"])
    def test_send_an_event_as_they_stand(
        self, each: Format, language: str, keys: NewProject, live_server: LiveServer
    ) -> None:
        write = {"curl": curl_of, "python": python_of}[language]
        text = with_keys(write(each, live_server.url), keys)
        command = ["sh", "-ec", text] if language == "curl" else [sys.executable, "-c", text]

        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

        assert ran.returncode == 0, ran.stderr
        event = Event.objects.get()
        assert event.event_type.name == "place_order", ran.stdout
        assert WIRES[event.wire].name.startswith(each.wire)
        assert float(event.metadata["amount"]) == 120.5


@pytest.mark.django_db
class TestPage:
    def test_shows_every_format_with_the_projects_address_and_event(
        self, shop: Project, alice: User
    ) -> None:
        make.event_type(shop, "level_up")

        answer = page(Staff(alice), shop)

        text = answer.content.decode()
        assert [section.format.wire for section in answer.context["sections"]] == [
            each.wire for each in formats("")
        ]
        assert "http://testserver/gameball/api/v4/integrations/events" in text
        assert "level_up" in text
        assert '<span class="tw-place" data-place="API_KEY">API_KEY</span>' in text

    def test_asks_for_an_event_type_where_there_is_none(self, shop: Project, alice: User) -> None:
        answer = page(Staff(alice), shop)

        assert "Add place_order first." in answer.content.decode()

    def test_writes_a_name_with_signs_as_text(self, shop: Project, alice: User) -> None:
        make.event_type(shop, "<script>alert(1)</script>")

        text = page(Staff(alice), shop).content.decode()

        assert "<script>alert" not in text

    @pytest.mark.parametrize("name", ["connect", "connect-lights"])
    def test_is_for_members_alone(self, name: str, shop: Project, charlie: User) -> None:
        assert page(Staff(charlie), shop, name).status_code == 404

    @pytest.mark.parametrize("name", ["connect", "connect-lights"])
    def test_asks_strangers_to_log_in(self, name: str, shop: Project, client: Any) -> None:
        answer = client.get(reverse(name, args=[shop.pk]))

        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")


@pytest.mark.django_db(transaction=True)
class TestLights:
    @pytest.fixture
    def staff(self, shop: Project) -> Staff:
        return Staff(make.staff("alice", shop))

    def test_are_off_before_the_first_event(self, shop: Project, staff: Staff) -> None:
        assert states(page(staff, shop, "connect-lights")) == {}

    def test_turn_on_with_the_first_event_of_their_format(
        self, shop_keys: NewProject, staff: Staff
    ) -> None:
        Caller(keys=shop_keys).send_one(buy())

        answer = page(staff, shop_keys.project, "connect-lights")

        assert states(answer) == {"native": "on"}
        assert "Connected" in answer.content.decode()

    def test_are_those_of_the_project_alone(
        self, shop_keys: NewProject, other_keys: NewProject, staff: Staff
    ) -> None:
        Caller(keys=other_keys).send_one(buy())

        assert states(page(staff, shop_keys.project, "connect-lights")) == {}

    def test_tell_what_was_refused(self, shop_keys: NewProject, staff: Staff) -> None:
        Caller(keys=shop_keys).post(EVENTS, b"{")

        answer = page(staff, shop_keys.project, "connect-lights")

        assert states(answer) == {"native": "refused"}
        assert "Last refused at" in answer.content.decode()

    def test_stay_on_and_tell_of_a_later_refusal(
        self, shop_keys: NewProject, staff: Staff, clock: Any
    ) -> None:
        caller = Caller(keys=shop_keys)
        caller.send_one(buy())
        clock.shift(60)
        caller.post(EVENTS, b"{")

        answer = page(staff, shop_keys.project, "connect-lights")

        assert states(answer) == {"native": "on"}
        assert "Last refused at" in answer.content.decode()
