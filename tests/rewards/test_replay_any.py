"""What was refused, tried again: in any format, from files, in any order, and its statistics."""

from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.rollup import roll_up
from events import auth, catalogue
from events.models import Event, Project
from events.ndjson import NdjsonFile
from events.projects import NewProject
from rewards import ruleset
from rewards.importing import import_file
from tests import make
from tests.calling import EVENTS, Answer, Caller, buy
from tests.conftest import empty_tables
from tests.ledger import differences
from tests.rewards.definitions import definition, per_unit
from tests.rewards.refused import TEN, balance, became, open_type, refusing_shop, rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    return refusing_shop(shop_keys)


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
