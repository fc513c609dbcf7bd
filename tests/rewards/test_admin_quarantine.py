"""The staff's pages of what was refused."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from events import limits
from events.models import Event, EventType, Quarantine, QuarantineDay
from events.projects import NewProject
from tests import make
from tests.calling import EVENTS, Caller, buy
from tests.rewards.definitions import definition
from tests.staff_pages import Staff, page_url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    """A strict shop that refused a type that it does not know, and one that is not active."""
    shop_keys.project.strict = True
    shop_keys.project.save()
    make.event_type(shop_keys.project, "buy", active=False)
    make.rule(shop_keys.project, "ten", definition(award={"fixed": 10}))
    caller = Caller(keys=shop_keys)
    caller.post(EVENTS, buy("c-1"), user_agent="till/1")
    caller.post(EVENTS, buy("c-2"), user_agent="till/1")
    caller.post(EVENTS, buy("c-3", event="walk"), user_agent="app/2")
    return caller


def row(code: str = "inactive_event_type") -> Quarantine:
    found: Quarantine = Quarantine.objects.filter(code=code).earliest("id")
    return found


def open_type() -> None:
    event_type = EventType.objects.get(name="buy")
    event_type.active = True
    event_type.save()


class TestList:
    def test_counts_by_reason_and_by_client(self, caller: Caller, alice: User) -> None:
        QuarantineDay.objects.update(beyond=1_234)

        page = Staff(alice).open("events_quarantine_changelist")

        counts = page.context["counts"]
        assert [(each.name, each.count) for each in counts.codes] == [
            ("inactive_event_type", 2),
            ("unknown_event_type", 1),
        ]
        assert [(each.name, each.count) for each in counts.clients] == [
            ("127.0.0.1 till/1", 2),
            ("127.0.0.1 app/2", 1),
        ]
        assert "1,234 more were not kept" in page.text

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            pytest.param({"client": "127.0.0.1 till/1"}, 2, id="by its client"),
            pytest.param({"wire": "native"}, 3, id="by its wire"),
            pytest.param({"wire": "lynes"}, 0, id="by another wire"),
            pytest.param({"state": "standing"}, 3, id="that were not replayed"),
            pytest.param({"state": "taken"}, 0, id="that were taken"),
        ],
    )
    def test_narrows_list_and_counts(
        self, caller: Caller, alice: User, query: dict[str, str], found: int
    ) -> None:
        page = Staff(alice).open("events_quarantine_changelist", **query)

        assert (len(page.rows), page.context["counts"].total) == (found, found)

    def test_narrows_by_the_key(self, caller: Caller, alice: User) -> None:
        key = caller.keys.project.api_keys.get(kind="api_key")
        other = caller.keys.project.api_keys.get(kind="secret_key")

        staff = Staff(alice)
        for each, found in ((key, 3), (other, 0)):
            page = staff.open("events_quarantine_changelist", api_key__id__exact=each.pk)
            assert len(page.rows) == found

    def test_shows_nothing_of_another_project(self, caller: Caller, charlie: User) -> None:
        page = Staff(charlie).open("events_quarantine_changelist")

        assert (page.rows, page.context["counts"].total) == ([], 0)


class TestRow:
    def test_says_what_to_do(self, caller: Caller, alice: User) -> None:
        staff = Staff(alice)
        inactive = staff.open("events_quarantine_change", row().pk).text
        unknown = staff.open("events_quarantine_change", row("unknown_event_type").pk).text

        type_page = page_url("events_eventtype_change", EventType.objects.get().pk)
        add_page = page_url("events_eventtype_add", project=caller.keys.project.pk, name="walk")
        assert "Set the event type active" in inactive
        assert f'href="{type_page}"' in inactive
        assert f'href="{add_page}"' in unknown

    def test_leads_to_a_page_where_the_type_is_named(self, caller: Caller, alice: User) -> None:
        page = Staff(alice).open(
            "events_eventtype_add", project=caller.keys.project.pk, name="walk"
        )

        assert 'value="walk"' in page.text

    def test_is_replayed(self, caller: Caller, alice: User) -> None:
        open_type()

        page = Staff(alice).send("events_quarantine_replay", row().pk)

        assert "Taken: its events are stored" in page.text
        assert "Points: 10." in page.text
        assert Event.objects.count() == 1
        [entry] = LogEntry.objects.all()
        assert (entry.user, entry.object_id) == (alice, str(row().pk))
        assert 'name="even_if_repeated"' not in page.text

    def test_tells_why_it_stays(self, caller: Caller, alice: User) -> None:
        page = Staff(alice).send("events_quarantine_replay", row().pk)

        assert "Refused again" in page.text
        assert not Event.objects.exists()

    def test_awards_a_repeat_only_where_that_is_ticked(
        self, caller: Caller, alice: User, clock: Any
    ) -> None:
        open_type()
        clock.shift(60)
        caller.send_one(buy("c-1"))
        caller.send_one(buy("c-2"))
        first = Quarantine.objects.get(payload__contains="c-1")
        second = Quarantine.objects.get(payload__contains="c-2")

        staff = Staff(alice)
        told = staff.send("events_quarantine_replay", first.pk).text
        staff.send("events_quarantine_replay", second.pk, even_if_repeated="on")

        assert "came in otherwise, so nothing was awarded" in told
        assert caller.customer("c-1")["balance"] == 10
        assert caller.customer("c-2")["balance"] == 20

    def test_is_not_replayed_by_looking(self, caller: Caller, alice: User) -> None:
        assert Staff(alice).open("events_quarantine_replay", row().pk).status == 405

    def test_is_nothing_to_a_stranger(self, caller: Caller, charlie: User) -> None:
        open_type()

        assert Staff(charlie).send("events_quarantine_replay", row().pk).status == 404
        assert not Event.objects.exists()

    def test_says_where_not_all_is_kept(self, caller: Caller, alice: User) -> None:
        caller.post(EVENTS, b'{"event": "' + b"x" * limits.QUARANTINE_PAYLOAD_BYTES + b'"}')

        page = Staff(alice).open("events_quarantine_change", row("name_too_long").pk)

        assert "Not all of it is kept" in page.text
        assert ">Replay<" not in page.text


class TestSelected:
    def test_are_replayed(self, caller: Caller, alice: User) -> None:
        open_type()

        page = Staff(alice).act(
            "events_quarantine_changelist", "replay_selected", *Quarantine.objects.all()
        )

        assert "Taken: 2, came in otherwise: 0, refused again: 1." in page.text
        assert LogEntry.objects.count() == 2


class TestAllThatMatch:
    def test_are_replayed_in_parts(
        self, caller: Caller, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "REPLAYS_PER_CALL", 1)
        open_type()
        staff = Staff(alice)
        path = page_url("events_quarantine_replay_all", code="inactive_event_type")

        shown = staff.client.get(path).context
        first = staff.client.post(path).context
        second = staff.client.post(path, {"after": first["found"].next}).context

        assert shown["standing"] == 2
        assert [each["found"].taken for each in (first, second)] == [1, 1]
        assert second["found"].next is None
        assert not Quarantine.objects.get(code="unknown_event_type").replay

    def test_are_none_of_a_strangers(self, caller: Caller, charlie: User) -> None:
        open_type()

        page = Staff(charlie).send("events_quarantine_replay_all")

        assert page.context["found"].taken == 0
        assert not Event.objects.exists()

    def test_are_nobodys_without_a_project(self, caller: Caller) -> None:
        assert Staff(make.staff("nobody")).send("events_quarantine_replay_all").status == 403
