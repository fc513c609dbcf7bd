"""What was stored before a field became personal, taken out of every row."""

import hashlib
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from analytics import erasing, rebuild, rollup
from events import discards, erasure
from events.models import Event, EventKey, MetadataField, NaturalKey, Quarantine
from events.projects import NewProject
from events.protection import MASK, is_protected
from tests import faults, make
from tests.calling import Caller, buy

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "Zeltenstrasse-8152"
NUMBER = 815_299_001


@pytest.fixture
def stored(shop_keys: NewProject, monkeypatch: pytest.MonkeyPatch) -> NewProject:
    """A shop with values in clear in events, statistics, keys and the quarantine."""
    monkeypatch.setattr(erasure, "ROWS_AT_ONCE", 2)
    make.event_type(shop_keys.project, "buy", unique_by="phone")
    caller = Caller(keys=shop_keys)
    caller.send(
        buy(id="k-1", metadata={"street": SECRET, "phone": NUMBER, "amount": 1}),
        buy(metadata={"street": [SECRET], "phone": str(NUMBER + 1), "amount": 2}),
        buy(metadata={"street": {"no": SECRET}, "phone": NUMBER + 2}),
        buy(metadata={"street": None, "amount": 4}),
        buy(occurred_at="1969-01-01T00:00:00Z", metadata={"street": SECRET, "phone": NUMBER}),
    )
    rollup.roll_up(seconds=60)
    caller.send(buy(metadata={"street": SECRET, "amount": 5}))  # waits to be folded
    mark("street", "mask")
    mark("phone", "hash")
    return shop_keys


def mark(name: str, kept_as: str) -> None:
    field = MetadataField.objects.get(name=name)
    field.personal, field.personal_as = True, kept_as
    field.save()


def erase(keys: NewProject, *names: str) -> erasing.Erased:
    fields = MetadataField.objects.filter(personal=True).order_by("id")
    wanted = [field for field in fields if not names or field.name in names]
    return erasing.erase(keys.project, wanted)


def in_any_row(*secrets: object) -> list[str]:
    return [
        table
        for table, rows in faults.all_rows().items()
        if any(str(secret) in row for secret in secrets for row in rows)
    ]


class TestErasing:
    def test_leaves_no_value_in_any_row(self, stored: NewProject) -> None:
        assert in_any_row(SECRET, NUMBER) != []

        erased = erase(stored)

        assert in_any_row(SECRET, NUMBER) == []
        assert (erased.events, erased.keys, erased.quarantine, erased.days) == (4, 1, 1, 1)

    def test_leaves_all_else_as_it_was(self, stored: NewProject) -> None:
        erase(stored)

        found = [event.metadata for event in Event.objects.order_by("customer_seq")]
        phones = [metadata.pop("phone") for metadata in found if "phone" in metadata]
        assert all(is_protected(phone) for phone in phones)
        assert len(set(phones)) == 3
        assert found == [
            {"street": MASK, "amount": 1},
            {"street": [MASK], "amount": 2},
            {"street": MASK},
            {"street": None, "amount": 4},
            {"street": MASK, "amount": 5},
        ]

    def test_leaves_statistics_that_agree_with_the_events(self, stored: NewProject) -> None:
        erase(stored)
        rollup.roll_up(seconds=60)

        checked = list(rebuild.check(rebuild.days_of([stored.project])))

        assert [problem for day in checked for problem in day.differences] == []
        assert in_any_row(SECRET, NUMBER) == []

    def test_leaves_statistics_of_objects_that_agree_with_the_events(
        self, shop_keys: NewProject
    ) -> None:
        Caller(keys=shop_keys).send(buy(metadata={"buyer": {SECRET: 1}}))
        rollup.roll_up(seconds=60)
        mark("buyer", "hash")

        erased = [erase(shop_keys) for _ in range(2)]

        checked = list(rebuild.check(rebuild.days_of([shop_keys.project])))
        assert [problem for day in checked for problem in day.differences] == []
        assert [(each.events, each.days) for each in erased] == [(1, 1), (0, 0)]
        assert in_any_row(SECRET) == []

    def test_takes_the_query_out_of_paths_in_the_quarantine(self, stored: NewProject) -> None:
        kept = "/v1/user/ann@example.com?upsert=true"
        Quarantine.objects.update(path=f"{kept}&street={SECRET}", wire="vibetrace")

        erase(stored)

        assert [row.path for row in Quarantine.objects.all()] == [kept]
        assert in_any_row(SECRET) == []

    def test_finds_nothing_a_second_time(self, stored: NewProject) -> None:
        erase(stored, "phone")
        erase(stored)

        again = erase(stored, "phone")

        assert (again.events, again.keys, again.quarantine, again.days) == (0, 0, 0, 0)

    def test_of_one_field_leaves_the_others(self, stored: NewProject) -> None:
        erase(stored, "street")

        phones = [event.metadata.get("phone") for event in Event.objects.order_by("customer_seq")]
        assert phones == [NUMBER, str(NUMBER + 1), NUMBER + 2, None, None]

    @pytest.mark.parametrize("step", ["protect_keys", "protect_quarantine"])
    def test_goes_on_where_it_was_interrupted(
        self, stored: NewProject, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        def die(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(erasure, step, die)
            with pytest.raises(KeyboardInterrupt):
                erase(stored)

        erase(stored)

        assert in_any_row(SECRET, NUMBER) == []

    def test_lets_a_retry_be_one(self, stored: NewProject) -> None:
        erase(stored)
        event = buy(id="k-1", metadata={"street": SECRET, "phone": NUMBER, "amount": 1})

        [again, other] = Caller(keys=stored).send(
            event, buy(id="k-1", metadata={"street": SECRET, "phone": NUMBER, "amount": 9})
        )

        assert again["status"] == "duplicate"
        assert other["error"]["code"] == "idempotency_conflict"

    def test_lets_hashes_tell_nothing_to_who_tries_all_values(self, stored: NewProject) -> None:
        plain = {discards.hash_of("phone", NUMBER + more) for more in range(3)}
        assert plain <= {bytes(key.value_hash) for key in NaturalKey.objects.all()}
        hashed = {bytes(key.body_hash) for key in EventKey.objects.all()}
        payloads = {row.payload for row in Quarantine.objects.all()}

        erase(stored)

        assert not plain & {bytes(key.value_hash) for key in NaturalKey.objects.all()}
        assert NaturalKey.objects.count() == 3
        assert not hashed & {bytes(key.body_hash) for key in EventKey.objects.all()}
        [row] = Quarantine.objects.all()
        assert row.payload not in payloads
        assert bytes(row.payload_hash or b"") == hashlib.sha256(row.payload.encode()).digest()

    def test_discards_what_repeats_an_event_from_before(self, stored: NewProject) -> None:
        erase(stored)

        result = Caller(keys=stored).send_one(buy(metadata={"phone": str(NUMBER)}))

        assert result["status"] == "discarded"


class TestProtectEvents:
    def test_tells_what_it_did(
        self, stored: NewProject, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("protect_events", "--project", "shop", "--field", "buy.street")

        assert capsys.readouterr().out == ('{"events":4,"keys":1,"quarantine":1,"days":1}\n')

    @pytest.mark.parametrize(
        "arguments",
        [["--project", "nowhere"], ["--project", "shop", "--field", "buy.amount"]],
    )
    def test_refuses_what_is_not_there(self, stored: NewProject, arguments: list[str]) -> None:
        with pytest.raises(CommandError):
            call_command("protect_events", *arguments)

        assert in_any_row(SECRET) != []
