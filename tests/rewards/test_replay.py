"""What was refused, tried again: taken once, or left with its latest reason."""

import threading
from typing import Any

import pytest
from django.db import OperationalError, connection

from events import limits
from events.models import Event, Quarantine
from events.projects import NewProject
from rewards import replay
from tests import faults, make
from tests.calling import EVENTS, Caller, buy
from tests.ledger import differences
from tests.rewards.definitions import definition, limit
from tests.rewards.refused import (
    TEN,
    balance,
    became,
    close_type,
    open_type,
    refusing_shop,
    rows,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    return refusing_shop(shop_keys)


class TestARow:
    def test_is_taken_as_if_it_came_now_for_the_first_time(
        self, caller: Caller, clock: Any
    ) -> None:
        refused = caller.send_one(buy(amount=5), status=422)
        assert refused["error"]["code"] == "inactive_event_type"
        clock.shift(3_600)
        open_type(caller.keys.project)

        [row] = rows()
        replayed = replay.replay(row)

        [outcome] = replayed.outcomes
        assert (replayed.became, outcome.points_awarded) == ("taken", 10)
        event = Event.objects.get()
        assert (event.received_at, event.occurred_at) == (make.NOW, make.NOW)
        assert event.metadata == {"amount": 5}
        assert balance(caller) == 10
        row.refresh_from_db()
        assert (row.replay, row.code) == ("taken", "inactive_event_type")
        assert differences() == []

    def test_is_taken_once(self, caller: Caller) -> None:
        caller.send_one(buy(), status=422)
        open_type(caller.keys.project)
        [row] = rows()

        assert became(row) == ["taken"]
        assert became(row) == ["replayed_before"]
        # As read before it was replayed, which is what a second request in parallel holds.
        assert replay.replay(row).became == "replayed_before"
        assert balance(caller) == 10

    def test_stays_with_its_latest_reason(self, caller: Caller) -> None:
        caller.send_one(buy(occurred_at="2030-01-01T00:00:00Z"), status=422)
        [row] = rows()
        assert row.code == "occurred_in_future"
        Quarantine.objects.filter(pk=row.pk).update(received_at="2030-01-01T00:00:00Z")

        replayed = replay.replay(Quarantine.objects.get())

        assert replayed.became == "refused"
        [row] = rows()
        assert (row.code, row.replay, row.replayed_at) == ("inactive_event_type", "", None)
        assert not Event.objects.exists()

    def test_stays_where_it_can_not_be_read(self, caller: Caller) -> None:
        assert caller.post(EVENTS, b'{"event": ').status == 400

        assert became() == ["refused"]
        assert [row.code for row in rows()] == ["invalid_json"]

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b'{"event": "buy", "customer": "c-\xff"}', id="no UTF-8"),
            pytest.param(b'{"event": "' + b"x" * 70_000 + b'"}', id="too long"),
            pytest.param(
                b'{"events": [{"event": "buy", "customer": "c-1", "customer": "c-2"}]}',
                id="a key twice, in a list",
            ),
            pytest.param(
                b'{"events": [{"event": "buy", "customer": "c-1", "metadata": {"n": NaN}}]}',
                id="no number, in a list",
            ),
            pytest.param(
                b'{"events": [{"event": "buy", "customer": "c-1", "metadata": {"n": "\\ud800"}}]}',
                id="half a character, in a list",
            ),
        ],
    )
    def test_is_not_tried_where_not_all_of_it_is_kept(self, caller: Caller, body: bytes) -> None:
        """What is kept of these could be read, and would say something else."""
        caller.post(EVENTS, body)
        open_type(caller.keys.project)

        assert became() == ["not_whole"]
        assert not Event.objects.exists()

    def test_of_an_earlier_version_is_not_tried(self, caller: Caller) -> None:
        caller.send_one(buy(), status=422)
        Quarantine.objects.update(payload_hash=None)

        assert became() == ["not_whole"]

    def test_of_a_list_is_its_own_event_alone(self, caller: Caller) -> None:
        results = caller.send(buy("c-1"), {"event": "walk", "customer": "c-2"}, buy("c-3"))
        assert [each["status"] for each in results] == ["rejected", "accepted", "rejected"]
        open_type(caller.keys.project)

        assert became() == ["taken", "taken"]
        stored = Event.objects.order_by("customer_id").values_list("customer__label", flat=True)
        assert sorted(stored) == ["c-1", "c-2", "c-3"]

    def test_is_held_by_the_reward_window_of_its_own_day(self, caller: Caller, clock: Any) -> None:
        caller.send_one(buy("late", occurred_at="2026-01-01T00:00:00Z"), status=422)
        caller.send_one(buy("then"), status=422)
        clock.shift(90 * 86_400)
        open_type(caller.keys.project)

        assert became() == ["taken", "taken"]
        assert (balance(caller, "late"), balance(caller, "then")) == (0, 10)

    def test_of_a_token_does_not_become_a_servers(self, shop_keys: NewProject) -> None:
        """Whoever has a token could else have the shop's staff award what servers alone may say."""
        kind = make.event_type(shop_keys.project, "buy", server_only=True)
        make.rule(shop_keys.project, "ten", TEN)
        caller = Caller(keys=shop_keys)
        bearer = {"authorization": f"Bearer {shop_keys.jwt}", "x_api_key": ""}
        assert (
            caller.post("/lynes/event", {"eventId": "buy", "userId": "u"}, **bearer).status == 403
        )

        assert became() == ["refused"]
        assert [row.code for row in rows()] == ["needs_api_key"]
        kind.server_only = False
        kind.save()
        assert became() == ["taken"]
        assert balance(caller, "u") == 10


class TestWhatCameOtherwise:
    def test_is_not_awarded_again(self, caller: Caller, clock: Any) -> None:
        caller.send_one(buy(amount=5), status=422)
        clock.shift(60)
        open_type(caller.keys.project)
        caller.send_one(buy(amount=5))

        assert became() == ["repeated"]
        assert balance(caller) == 10
        assert Event.objects.count() == 1

    def test_is_told_by_its_key(self, caller: Caller, clock: Any) -> None:
        caller.send_one(buy(id="k-1"), status=422)
        clock.shift(90 * 86_400)
        open_type(caller.keys.project)
        first = caller.send_one(buy(id="k-1"))

        [row] = rows()
        replayed = replay.replay(row)
        assert replayed.became == "repeated"
        assert [outcome.event_id for outcome in replayed.outcomes] == [first["id"]]
        assert balance(caller) == 10

    def test_is_told_of_its_own_repeats(self, caller: Caller, clock: Any) -> None:
        for _ in range(3):
            caller.send_one(buy(amount=5), status=422)
            clock.shift(600)
        open_type(caller.keys.project)

        assert became() == ["taken", "repeated", "repeated"]
        assert balance(caller) == 10

    def test_is_told_in_another_writing(self, caller: Caller, clock: Any) -> None:
        caller.send_one(buy(amount=5), status=422)
        clock.shift(600)
        caller.send_one(buy(metadata={"amount": 5.0}, sent=2), status=422)
        open_type(caller.keys.project)

        assert became(*reversed(rows())) == ["taken", "repeated"]
        assert balance(caller) == 10

    @pytest.mark.parametrize(
        ("other", "seconds"),
        [
            pytest.param(buy(amount=6), 60, id="other metadata"),
            pytest.param(buy("c-2", amount=5), 60, id="another customer"),
            pytest.param(buy(event="walk", amount=5), 60, id="another type"),
            pytest.param(buy(amount=5), 49 * 3_600, id="two days later"),
            pytest.param(buy(amount=5), 0, id="in the same request"),
        ],
    )
    def test_is_no_other_event(self, caller: Caller, clock: Any, other: Any, seconds: int) -> None:
        open_type(caller.keys.project)
        close_type(caller.keys.project)
        caller.send_one(buy(amount=5), status=422)
        clock.shift(seconds)
        open_type(caller.keys.project)
        caller.send_one(other)

        assert became() == ["taken"]
        assert Event.objects.count() == 2

    def test_is_told_by_when_it_occurred(self, caller: Caller, clock: Any) -> None:
        at_ten, at_eleven = "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"
        caller.send_one(buy(occurred_at=at_ten), status=422)
        clock.shift(60)
        caller.send_one(buy(occurred_at=at_eleven), status=422)
        clock.shift(60)
        open_type(caller.keys.project)
        caller.send_one(buy(occurred_at=at_eleven))

        assert became() == ["taken", "repeated"]
        assert balance(caller) == 20

    def test_is_no_equal_neighbour(self, caller: Caller, clock: Any) -> None:
        caller.send(buy(amount=5), buy(amount=5))
        clock.shift(60)
        caller.send(buy(amount=5), buy(amount=5))
        open_type(caller.keys.project)

        assert became() == ["taken", "taken", "repeated", "repeated"]
        assert balance(caller) == 20

    def test_counts_where_the_operator_says_so(self, caller: Caller, clock: Any) -> None:
        caller.send_one(buy(amount=5), status=422)
        clock.shift(60)
        open_type(caller.keys.project)
        caller.send_one(buy(amount=5))
        [row] = rows()

        assert replay.replay(row, takes_repeats=True).became == "taken"
        assert balance(caller) == 20

    def test_was_there_before_and_is_another(self, caller: Caller, clock: Any) -> None:
        open_type(caller.keys.project)
        caller.send_one(buy(amount=5))
        close_type(caller.keys.project)
        clock.shift(60)
        caller.send_one(buy(amount=5), status=422)
        open_type(caller.keys.project)

        assert became() == ["taken"]
        assert balance(caller) == 20


class TestAll:
    def test_go_in_their_order(self, shop_keys: NewProject) -> None:
        make.event_type(shop_keys.project, "buy", active=False)
        rule = definition(limits=[limit("customer points day", 15)])
        make.rule(shop_keys.project, "at most 15", rule)
        caller = Caller(keys=shop_keys)
        caller.send(*(buy(n=number) for number in range(20)))
        open_type(shop_keys.project)

        found = replay.replay_all(Quarantine.objects.all())

        assert (found.taken, found.refused, found.next) == (20, 0, None)
        stored = Event.objects.order_by("customer_seq").values_list("metadata", "points_awarded")
        points = [10, 5] + [0] * 18
        assert list(stored) == [({"n": number}, points[number]) for number in range(20)]

    def test_go_on_behind_what_stays(self, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "REPLAYS_PER_CALL", 2)
        caller.send(*(buy(n=number) for number in range(3)), buy("c-2"), buy("c-3"))

        first = replay.replay_all(Quarantine.objects.all())
        open_type(caller.keys.project)
        second = replay.replay_all(Quarantine.objects.all(), after=first.next)
        third = replay.replay_all(Quarantine.objects.all(), after=second.next)

        assert [first.refused, second.taken, third.taken] == [2, 2, 1]
        assert third.next is None
        assert replay.replay_all(Quarantine.objects.all()).taken == 2


STATEMENTS = [
    ("INSERT", "events_event"),
    ("INSERT", "rewards_transfer"),
    ("INSERT", "rewards_account"),
    ("UPDATE", "events_customer"),
]


@pytest.mark.django_db(transaction=True)
class TestAFault:
    @pytest.mark.parametrize(("verb", "table"), STATEMENTS)
    def test_leaves_nothing_but_its_reason(self, caller: Caller, verb: str, table: str) -> None:
        caller.send_one(buy(), status=422)
        open_type(caller.keys.project)
        caller.send_one(buy("c-1", event="walk"))
        [row] = rows()
        stored = Event.objects.count()

        faults.raise_on(verb, table)
        replayed = replay.replay(row)
        faults.relent(table)

        assert replayed.became == "refused"
        [row] = rows()
        assert (row.code, row.replay, row.replayed_at) == ("internal_error", "", None)
        assert Event.objects.count() == stored
        assert became(row) == ["taken"]
        assert balance(caller) == 10
        assert differences() == []

    @pytest.mark.parametrize(("verb", "table"), STATEMENTS)
    def test_of_the_database_itself_leaves_nothing(
        self, caller: Caller, verb: str, table: str
    ) -> None:
        caller.send_one(buy(), status=422)
        open_type(caller.keys.project)
        before = faults.all_rows()

        faults.be_away_on(verb, table)
        with pytest.raises(OperationalError):
            replay.replay(rows()[0])
        faults.relent(table)

        assert faults.all_rows() == before
        assert became() == ["taken"]


@pytest.mark.django_db(transaction=True)
class TestInParallel:
    def test_a_row_is_taken_once(self, caller: Caller) -> None:
        caller.send_one(buy(), status=422)
        open_type(caller.keys.project)
        [row] = rows()

        results = at_once([row] * 8)

        assert sorted(results) == ["replayed_before"] * 7 + ["taken"]
        assert balance(caller) == 10

    def test_the_repeats_of_a_payload_are_taken_once(self, caller: Caller, clock: Any) -> None:
        for _ in range(8):
            caller.send_one(buy(amount=5), status=422)
            clock.shift(60)
        open_type(caller.keys.project)

        results = at_once(rows())

        assert sorted(results) == ["repeated"] * 7 + ["taken"]
        assert balance(caller) == 10
        assert differences() == []


def at_once(tried: list[Quarantine]) -> list[str]:
    """Replay rows from as many threads, all held until the last is ready."""
    barrier = threading.Barrier(len(tried))
    results: list[str] = []

    def run(row: Quarantine) -> None:
        try:
            barrier.wait(timeout=10)
            results.append(replay.replay(row).became)
        except OperationalError as error:
            results.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(row,)) for row in tried]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return results
