"""What was refused, read, counted and replayed by the native API."""

from typing import Any

import pytest

from events import auth, keys, limits
from events.models import ApiKey, Event, EventType, Project, Quarantine, QuarantineDay
from events.projects import NewProject
from tests import make
from tests.calling import EVENTS, Caller, buy
from tests.rewards.definitions import definition

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

QUARANTINE = "/api/v1/quarantine"
SUMMARY = f"{QUARANTINE}/summary"
REPLAY_ALL = f"{QUARANTINE}/replay"


@pytest.fixture
def caller(shop_keys: NewProject, clock: Any) -> Caller:
    """The shop, which refused three events of two clients in two minutes."""
    make.event_type(shop_keys.project, "buy", active=False)
    make.rule(shop_keys.project, "ten", definition(award={"fixed": 10}))
    caller = Caller(keys=shop_keys)
    caller.post(EVENTS, buy("c-1"), user_agent="till/1")
    clock.shift(60)
    caller.post(EVENTS, buy("c-2"), user_agent="till/1")
    caller.post(EVENTS, b'{"event"', user_agent="app/2")
    return caller


def open_type(project: Project) -> None:
    for event_type in EventType.objects.filter(project=project):
        event_type.active = True
        event_type.save()


def ids(caller: Caller, **query: Any) -> list[str]:
    return [row["id"] for row in caller.get(QUARANTINE, query).body["results"]]


class TestList:
    def test_shows_what_was_sent_and_why_it_was_refused(self, caller: Caller) -> None:
        [row] = caller.get(QUARANTINE, {"code": "invalid_json"}).body["results"]

        [kept] = Quarantine.objects.filter(code="invalid_json")
        assert row == {
            "id": str(kept.pk),
            "received_at": "2026-03-02T09:01:00+00:00",
            "wire": "native",
            "path": EVENTS,
            "client": "127.0.0.1 app/2",
            "key": caller.keys.project.api_keys.get(kind="api_key").prefix,
            "code": "invalid_json",
            "message": kept.message,
            "field": "",
            "payload": '{"event"',
            "is_whole": True,
            "status": "standing",
            "replayed_at": None,
        }

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            pytest.param({}, 3, id="without a filter"),
            pytest.param({"code": "inactive_event_type"}, 2, id="by its code"),
            pytest.param({"wire": "lynes"}, 0, id="by another wire"),
            pytest.param({"client": "127.0.0.1 till/1"}, 2, id="by its client"),
            pytest.param({"client": "127.0.0.1 till"}, 0, id="by a part of the client"),
            pytest.param({"from": "2026-03-02T09:00:30Z"}, 2, id="from a moment"),
            pytest.param({"to": "2026-03-02T09:00:30Z"}, 1, id="to a moment"),
            pytest.param({"from": "2026-03-02", "to": "2026-03-02"}, 3, id="of a day"),
            pytest.param({"status": "standing"}, 3, id="that were not replayed"),
            pytest.param({"status": "taken"}, 0, id="that were taken"),
        ],
    )
    def test_is_filtered(self, caller: Caller, query: dict[str, str], found: int) -> None:
        assert len(ids(caller, **query)) == found

    def test_goes_on_at_its_cursor(self, caller: Caller) -> None:
        first = caller.get(QUARANTINE, {"limit": 2}).body
        second = caller.get(QUARANTINE, {"limit": 2, "cursor": first["next"]}).body

        shown = [row["id"] for page in (first, second) for row in page["results"]]
        assert shown == ids(caller)
        assert second["next"] is None

    def test_has_nothing_of_another_project(self, caller: Caller, other_keys: NewProject) -> None:
        stranger = Caller(keys=other_keys)

        assert ids(stranger) == []
        assert stranger.get(SUMMARY).body["total"] == 0

    @pytest.mark.parametrize("path", ["/api/v1/events", "/lynes/event"])
    def test_has_nothing_that_no_key_was_good_for(self, caller: Caller, path: str) -> None:
        before = ids(caller)

        assert caller.post(path, buy(), x_api_key="nobody").status == 401
        caller.keys.project.api_keys.update(scopes=["read"])
        auth.forget()
        assert caller.post(path, buy()).status == 403
        assert ids(caller) == before


class TestSummary:
    def test_counts_by_reason_and_by_client(self, caller: Caller) -> None:
        QuarantineDay.objects.filter(project=caller.keys.project).update(beyond=7)
        open_type(caller.keys.project)
        caller.post(REPLAY_ALL, {"client": "127.0.0.1 till/1", "to": "2026-03-02T09:00:30Z"})

        assert caller.get(SUMMARY).body == {
            "from": "2026-02-01T00:00:00+01:00",
            "to": "2026-03-02T09:01:00+00:00",
            "total": 3,
            "standing": 2,
            "beyond": 7,
            "codes": [
                {"code": "inactive_event_type", "count": 2, "standing": 1},
                {"code": "invalid_json", "count": 1, "standing": 1},
            ],
            "clients": [
                {"client": "127.0.0.1 till/1", "count": 2, "standing": 1},
                {"client": "127.0.0.1 app/2", "count": 1, "standing": 1},
            ],
            "other_clients": 0,
        }

    def test_names_the_clients_with_the_most(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "COUNTED_CLIENTS", 1)

        found = caller.get(SUMMARY).body

        assert [each["client"] for each in found["clients"]] == ["127.0.0.1 till/1"]
        assert found["other_clients"] == 1

    def test_has_no_other_days(self, caller: Caller) -> None:
        found = caller.get(SUMMARY, {"to": "2026-03-01"}).body

        assert (found["total"], found["beyond"]) == (0, 0)

    def test_counts_a_file_as_one_client(self, caller: Caller) -> None:
        for number in (1, 22):
            row = Quarantine.objects.filter(code="inactive_event_type").order_by("id")[number // 22]
            Quarantine.objects.filter(pk=row.pk).update(
                client=f"import_events a.ndjson line {number}"
            )

        [first, _] = caller.get(SUMMARY).body["clients"]
        assert first == {"client": "import_events a.ndjson", "count": 2, "standing": 2}
        assert len(ids(caller, client="import_events a.ndjson")) == 2


class TestReplay:
    def test_tells_what_it_earned(self, caller: Caller) -> None:
        open_type(caller.keys.project)
        [row_id] = ids(caller, to="2026-03-02T09:00:30Z")

        answer = caller.post(f"{QUARANTINE}/{row_id}/replay", b"")

        assert (answer.status, answer.body["outcome"]) == (200, "taken")
        [result] = answer.body["results"]
        assert (result["status"], result["points_awarded"], result["balance"]) == (
            "accepted",
            10,
            10,
        )
        assert ids(caller, status="taken") == [row_id]
        again = caller.post(f"{QUARANTINE}/{row_id}/replay", {}).body
        assert again == {"id": row_id, "outcome": "replayed_before", "results": []}

    def test_tells_why_it_stays(self, caller: Caller) -> None:
        [row_id] = ids(caller, code="invalid_json")

        answer = caller.post(f"{QUARANTINE}/{row_id}/replay", {})

        assert (answer.status, answer.body["outcome"]) == (200, "refused")
        assert answer.body["error"]["code"] == "invalid_json"

    def test_awards_a_repeat_where_that_is_said(self, caller: Caller, clock: Any) -> None:
        open_type(caller.keys.project)
        clock.shift(60)
        caller.send_one(buy("c-1"))
        [row_id] = ids(caller, to="2026-03-02T09:00:30Z")

        answer = caller.post(f"{QUARANTINE}/{row_id}/replay", {"even_if_repeated": True})

        assert answer.body["outcome"] == "taken"
        assert caller.customer("c-1")["balance"] == 20

    def test_finds_nothing_of_another_project(self, caller: Caller, other_keys: NewProject) -> None:
        open_type(caller.keys.project)
        stranger = Caller(keys=other_keys)

        for row_id in ids(caller):
            assert stranger.post(f"{QUARANTINE}/{row_id}/replay", {}).status == 404
        assert stranger.post(REPLAY_ALL, {}).body["taken"] == 0
        assert not Event.objects.exists()

    def test_needs_a_key_that_may_configure(self, caller: Caller) -> None:
        reader = keys.issue(caller.keys.project, ApiKey.Kind.API, name="reader")
        reader.api_key.scopes = ["read", "ingest"]
        reader.api_key.save()
        auth.forget()

        for path in (REPLAY_ALL, f"{QUARANTINE}/{ids(caller)[0]}/replay"):
            answer = caller.post(path, {}, x_api_key=reader.text)
            assert (answer.status, answer.body["code"]) == (403, "forbidden")
        assert caller.get(QUARANTINE, x_api_key=reader.text).status == 200


class TestReplayAll:
    def test_counts_what_became_of_what_matches(self, caller: Caller, clock: Any) -> None:
        open_type(caller.keys.project)
        clock.shift(60)
        caller.send_one(buy("c-1"))

        assert caller.post(REPLAY_ALL, {}).body == {
            "taken": 1,
            "repeated": 1,
            "refused": 1,
            "replayed_before": 0,
            "not_whole": 0,
            "next": None,
        }

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({"codes": "invalid_json"}, id="a name that is no filter"),
            pytest.param({"code": "never"}, id="a code that is none"),
            pytest.param({"code": 7}, id="a number"),
            pytest.param({"cursor": "x"}, id="a cursor that is none"),
            pytest.param({"client": "\ud800"}, id="a text that no database holds"),
            pytest.param([1], id="a list"),
            pytest.param(b'{"code": "too_deep", "code": "invalid_json"}', id="a key twice"),
        ],
    )
    def test_replays_nothing_where_it_can_not_tell_what(self, caller: Caller, body: Any) -> None:
        open_type(caller.keys.project)

        assert caller.post(REPLAY_ALL, body).status in (400, 422)
        assert caller.post(f"{REPLAY_ALL}?code=too_deep", {}).status == 400
        assert not Event.objects.exists()

    def test_goes_on_where_it_ended(self, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "REPLAYS_PER_CALL", 1)
        first = caller.post(REPLAY_ALL, {}).body
        open_type(caller.keys.project)

        second = caller.post(REPLAY_ALL, {"cursor": first["next"]}).body

        assert (first["refused"], second["taken"] + second["refused"]) == (1, 1)
