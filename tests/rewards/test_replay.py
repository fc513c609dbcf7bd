"""What was refused, tried again: taken once, or left with its latest reason."""

import threading
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from django.db import OperationalError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.rollup import roll_up
from events import auth, catalogue, limits
from events.models import Event, EventType, Project, Quarantine
from events.ndjson import NdjsonFile
from events.projects import NewProject
from rewards import replay, ruleset
from rewards.importing import import_file
from tests import faults, make
from tests.calling import EVENTS, Answer, Caller, buy
from tests.conftest import empty_tables
from tests.ledger import differences
from tests.rewards.definitions import definition, limit, per_unit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

TEN = definition(award={"fixed": 10})


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    """The shop: ten points for each `buy`, which is not active yet."""
    make.event_type(shop_keys.project, "buy", active=False)
    make.rule(shop_keys.project, "ten", TEN)
    return Caller(keys=shop_keys)


def open_type(project: Project, name: str = "buy") -> None:
    """Fix the catalogue."""
    event_type = EventType.objects.get(project=project, name=name)
    event_type.active = True
    event_type.save()


def rows() -> list[Quarantine]:
    return list(Quarantine.objects.order_by("id"))


def became(*tried: Quarantine) -> list[str]:
    return [replay.replay(Quarantine.objects.get(pk=row.pk)).became for row in tried or rows()]


def balance(caller: Caller, customer: str = "c-1") -> int:
    points: int = caller.customer(customer)["balance"]
    return points


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


def close_type(project: Project) -> None:
    event_type = EventType.objects.get(project=project, name="buy")
    event_type.active = False
    event_type.save()


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


def vendors_request(keys: NewProject, vendor: str) -> tuple[str, Any, dict[str, str]]:
    """Return path, body and headers of a request that says c-1 has bought for 5."""
    bearer = {"authorization": f"Bearer {keys.secret_key}", "x_api_key": ""}
    gameball = {"apikey": keys.api_key, "secretkey": keys.secret_key, "x_api_key": ""}
    bought = {"buy": {"amount": 5}}
    match vendor:
        case "native":
            return EVENTS, buy("c-1", amount=5), {}
        case "native list":
            return EVENTS, {"events": [buy("c-1", amount=5)]}, {}
        case "lynes":
            body: Any = {"eventId": "buy", "userId": "c-1", "metadata": {"amount": 5}}
            return "/lynes/v1/event", body, {}
        case "referd":
            body = {"playerUniqueId": "c-1", "events": {**bought, "walk": {"steps": 3}}}
            return "/referd/integrations/event", body, {"apikey": keys.api_key, "x_api_key": ""}
        case "gameball":
            body = {"customerId": "c-1", "events": {**bought, "walk": {"steps": 3}}}
            return "/api/v4/integrations/events", body, gameball
        case "vibetrace":
            body = {
                "user": {"_id": "c-1"},
                "event": {"generic": {"generic": {"event_name": "buy"}}},
            }
            return "/vibetrace/v1/event", body, {"authorization": keys.api_key, "x_api_key": ""}
        case _:
            events = [
                {"action": "walk", "profileId": "c-1", "custom": {}},
                {
                    "action": "buy",
                    "profileId": "c-1",
                    "custom": {"numeric": [{"key": "amount", "values": [5]}]},
                },
            ]
            return "/releva/api/v0/events", {"events": events}, bearer


VENDORS = ["native", "native list", "lynes", "referd", "gameball", "vibetrace", "releva"]


class TestAnyWire:
    @pytest.mark.parametrize("vendor", VENDORS)
    def test_gives_what_it_would_have_given(
        self, shop_keys: NewProject, other_keys: NewProject, vendor: str, clock: Any
    ) -> None:
        """The other project's catalogue was right from the start."""
        for keys in (shop_keys, other_keys):
            make.event_type(keys.project, "buy", active=keys is other_keys)
            make.event_type(keys.project, "walk")
            make.rule(keys.project, "ten", TEN)
            Caller(keys=keys).send_one({"event": "walk", "customer": "c-1"})
        sent = [send(keys, vendor) for keys in (shop_keys, other_keys)]
        assert [answer.body == sent[1].body for answer in sent] == [False, True]
        # Nothing of a request that was refused whole is stored.
        assert Event.objects.filter(project=shop_keys.project).count() == 1
        clock.shift(3_600)
        open_type(shop_keys.project)

        assert became() == ["taken"]

        assert stored(shop_keys.project) == stored(other_keys.project)
        callers = [Caller(keys=keys) for keys in (shop_keys, other_keys)]
        assert [balance(caller) for caller in callers] == [10, 10]
        assert became() == ["replayed_before"]
        assert differences() == []

    @pytest.mark.parametrize("vendor", VENDORS)
    def test_does_not_give_what_came_again(
        self, shop_keys: NewProject, vendor: str, clock: Any
    ) -> None:
        make.event_type(shop_keys.project, "buy", active=False)
        make.event_type(shop_keys.project, "walk")
        make.rule(shop_keys.project, "ten", TEN)
        Caller(keys=shop_keys).send_one({"event": "walk", "customer": "c-1"})
        for _ in range(2):
            send(shop_keys, vendor)
            clock.shift(60)
        open_type(shop_keys.project)
        send(shop_keys, vendor)
        events = Event.objects.count()

        assert became() == ["repeated", "repeated"]
        assert Event.objects.count() == events
        assert balance(Caller(keys=shop_keys)) == 10


def send(keys: NewProject, vendor: str) -> Answer:
    path, body, headers = vendors_request(keys, vendor)
    return Caller(keys=keys).post(path, body, **headers)


def stored(project: Project) -> list[tuple[Any, ...]]:
    """Return the project's events without their ids, in the order in which they were decided."""
    events = Event.objects.filter(project=project).order_by("customer_seq")
    return list(
        events.values_list(
            "event_type__name",
            "customer__label",
            "customer_seq",
            "occurred_at",
            "received_at",
            "wire",
            "status",
            "reason",
            "metadata",
            "extra",
            "points_total",
        )
    )


class TestAnImportedLine:
    @pytest.fixture
    def imported(self, caller: Caller, tmp_path: Path) -> NdjsonFile:
        path = tmp_path / "history.ndjson"
        path.write_text(
            '{"event": "buy", "customer": "c-1", "occurred_at": "2020-01-01T00:00:00Z"}\n'
            '{"event": "buy", "customer": "c-1", "customer": "c-2"}\n'
            '{"event": "buy"\n'
        )
        file = NdjsonFile(path)
        list(import_file(file, project_id=caller.keys.project.pk))
        return file

    def test_earns_though_it_is_old(self, caller: Caller, imported: NdjsonFile) -> None:
        open_type(caller.keys.project)

        assert became() == ["taken", "not_whole", "refused"]
        assert balance(caller) == 10
        [event] = Event.objects.all()
        assert (event.occurred_at.year, event.received_at) == (2020, make.NOW)

    def test_is_the_same_event_as_in_its_file(self, caller: Caller, imported: NdjsonFile) -> None:
        open_type(caller.keys.project)
        list(import_file(imported, project_id=caller.keys.project.pk))

        assert became(rows()[0]) == ["repeated"]
        assert balance(caller) == 10


class Deed(NamedTuple):
    """Something that truly happened: who bought how much, and whether its client gives it an id."""

    customer: str
    amount: int
    has_key: bool
    sends: int
    sends_once_open: bool


DEEDS = st.lists(
    st.builds(
        Deed,
        customer=st.sampled_from(["c-1", "c-2"]),
        amount=st.integers(1, 40),
        has_key=st.booleans(),
        sends=st.integers(1, 3),
        sends_once_open=st.booleans(),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda deed: (deed.customer, deed.amount),
)


class TestAnyMix:
    @given(deeds=DEEDS, shuffled=st.randoms(use_true_random=False), rounds=st.integers(1, 3))
    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_awards_each_thing_once(
        self, clock: Any, deeds: list[Deed], shuffled: Random, rounds: int
    ) -> None:
        """Each client sends until it is taken, or gives up; then all is replayed in any order."""
        empty_tables()  # one example's rows are not the next one's
        auth.forget()
        catalogue.forget()
        ruleset.forget()
        keys = make.keyed_project("shop")
        make.event_type(keys.project, "buy", active=False)
        make.rule(keys.project, "one a unit", definition("buy", per_unit(1)))
        caller = Caller(keys=keys)
        sends = [deed for deed in deeds for _ in range(deed.sends)]
        shuffled.shuffle(sends)
        for deed in sends:
            clock.shift(60)
            assert caller.send_one(as_sent(deed), status=422)["status"] == "rejected"
        open_type(keys.project)
        for deed in deeds:
            clock.shift(60)
            if deed.sends_once_open:
                caller.send_one(as_sent(deed))

        for _ in range(rounds):
            tried = rows()
            shuffled.shuffle(tried)
            became(*tried)

        for customer in {deed.customer for deed in deeds}:
            owed = sum(deed.amount for deed in deeds if deed.customer == customer)
            assert balance(caller, customer) == owed
        assert Event.objects.count() == len(deeds)
        assert differences() == []


def as_sent(deed: Deed) -> dict[str, Any]:
    key = {"id": f"{deed.customer} {deed.amount}"} if deed.has_key else {}
    return buy(deed.customer, amount=deed.amount, **key)


@pytest.mark.django_db(transaction=True)
class TestStatistics:
    def test_have_what_was_replayed_on_the_day_on_which_it_came(
        self, caller: Caller, clock: Any
    ) -> None:
        """That day had been counted to its end when it was replayed."""
        caller.send_one(buy(amount=5), status=422)
        open_type(caller.keys.project)
        caller.send_one(buy("c-2", amount=7))
        clock.shift(3 * 86_400)
        roll_up(seconds=60)
        assert became() == ["taken"]

        path = "/api/v1/event-types/buy/fields/amount/statistics"
        query = {"from": "2026-03-02", "to": "2026-03-02"}
        unfolded = caller.get(path, query).body
        roll_up(seconds=60)
        folded = caller.get(path, query).body

        assert [found["number"]["sum"] for found in (unfolded, folded)] == [12, 12]
        assert folded["tail_rows"] == 0
