"""`import_events`: a file through the pipeline, once however often it is read."""

import contextlib
import gzip
import json
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from events import limits
from events.models import Event, EventKey, EventType, Project, Quarantine, QuarantineDay, Receipt
from events.projects import NewProject
from rewards import importing
from rewards.models import Account, Rule, Transfer
from tests import faults, make
from tests.calling import Caller, buy
from tests.ledger import differences
from tests.rewards.definitions import definition
from tests.running import ROOT, Installation, installation

POINTS = 10


@pytest.fixture
def ten_points(shop: Project) -> Rule:
    return make.rule(shop, "ten points", definition("buy", {"fixed": POINTS}))


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "EVENTS_PER_GROUP", 2)
    monkeypatch.setattr(importing, "SQLITE_EVENTS_PER_GROUP", 2)


def file_of(folder: Path, *lines: Any, pack: Any = bytes, name: str = "events.ndjson") -> Path:
    """Write each line as JSON, or as it is where it is bytes."""
    written = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path = folder / name
    path.write_bytes(pack(b"\n".join(written)))
    return path


def imported(path: Path, project: str = "shop") -> dict[str, Any]:
    """Import the file; return the counts of its last line without the seconds."""
    counts, told = imported_and_told(path, project)
    assert bool(told) == bool(counts["rejected"])
    return counts


def imported_and_told(path: Path, project: str = "shop") -> tuple[dict[str, Any], list[str]]:
    """Import the file; return its counts, and the lines that were printed as errors."""
    out, err = StringIO(), StringIO()
    try:
        call_command("import_events", str(path), project=project, stdout=out, stderr=err)
    except CommandError as error:
        if not str(error).startswith("No line of"):
            raise
    counts: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    assert counts.pop("seconds") >= 0
    return counts, err.getvalue().splitlines()


def counts(accepted: int = 0, duplicate: int = 0, rejected: int = 0) -> dict[str, int]:
    return {
        "accepted": accepted,
        "duplicate": duplicate,
        "discarded": 0,
        "rejected": rejected,
    }


def points() -> int:
    return sum(Account.objects.filter(owner_type="customer").values_list("balance", flat=True))


@pytest.mark.django_db
@pytest.mark.usefixtures("clock", "ten_points", "small_groups")
class TestImportEvents:
    def test_stores_and_rewards_every_line(self, tmp_path: Path) -> None:
        path = file_of(tmp_path, *[buy(f"c-{n % 3}", amount=n) for n in range(7)])

        assert imported(path) == counts(accepted=7)

        stored = Event.objects.order_by("customer__label", "customer_seq")
        assert [event.metadata["amount"] for event in stored] == [0, 3, 6, 1, 4, 2, 5]
        assert points() == 7 * POINTS
        assert differences() == []

    def test_changes_nothing_a_second_time(self, tmp_path: Path) -> None:
        lines = [buy(id="one"), buy(), buy(), b"no JSON", {"event": "buy", "customer": 7}]
        path = file_of(tmp_path, *lines)
        assert imported(path) == counts(accepted=3, rejected=2)
        tables = (Event, EventKey, Transfer, Quarantine, QuarantineDay)
        before = [list(table.objects.order_by("pk").values()) for table in tables]

        assert imported(path) == counts(duplicate=3, rejected=2)

        assert [list(table.objects.order_by("pk").values()) for table in tables] == before
        assert points() == 3 * POINTS

    def test_counts_equal_lines_of_one_file_each(self, tmp_path: Path) -> None:
        assert imported(file_of(tmp_path, buy(), buy(), buy())) == counts(accepted=3)

    def test_knows_a_file_again_when_it_is_gzipped(self, tmp_path: Path) -> None:
        plain = file_of(tmp_path, buy(), b"", buy())
        packed = file_of(tmp_path, buy(), b"", buy(), pack=gzip.compress, name="history.gz")

        assert imported(plain) == counts(accepted=2)
        assert imported(packed) == counts(duplicate=2)

    def test_counts_another_file_with_the_same_line(self, tmp_path: Path) -> None:
        imported(file_of(tmp_path, buy()))

        assert imported(file_of(tmp_path, buy(), buy())) == counts(accepted=2)

    def test_knows_what_the_api_took_by_its_id(self, tmp_path: Path, shop_keys: NewProject) -> None:
        Caller(keys=shop_keys).send(buy(id="one"))

        assert imported(file_of(tmp_path, buy(id="one"), buy(id="two"))) == counts(
            accepted=1, duplicate=1
        )

    def test_rewards_events_of_any_age(self, tmp_path: Path) -> None:
        imported(file_of(tmp_path, buy(occurred_at="1999-12-31T23:59:59Z")))

        assert (Event.objects.get().reason, points()) == ("", POINTS)

    def test_makes_event_types_unless_the_project_is_strict(
        self, tmp_path: Path, shop: Project
    ) -> None:
        make.project("strict", strict=True)
        path = file_of(tmp_path, buy(event="new"))

        assert imported(path) == counts(accepted=1)
        assert imported(path, project="strict") == counts(rejected=1)
        assert list(EventType.objects.values_list("project__slug", "name")) == [("shop", "new")]

    def test_keeps_what_is_refused_with_its_line(self, tmp_path: Path) -> None:
        lines = [
            buy("c-1"),
            b"\xff{}",
            b'{"event": "buy", "customer": "c-2", "metadata": {"a": 1e9999}}',
            b"",
            [buy()],
            {"events": [buy()]},
            {"event": "buy", "customer": 7, "id": "mine"},
            buy(occurred_at="2031-01-01T00:00:00Z"),
            buy("c-3"),
        ]

        assert imported(file_of(tmp_path, *lines)) == counts(accepted=2, rejected=6)

        rows = Quarantine.objects.values_list("client", "code", "field")
        assert sorted(rows) == [
            ("import_events events.ndjson line 2", "invalid_json", ""),
            ("import_events events.ndjson line 3", "number_too_long", "metadata.a"),
            ("import_events events.ndjson line 5", "invalid_field", ""),
            ("import_events events.ndjson line 6", "missing_field", "event"),
            ("import_events events.ndjson line 7", "invalid_field", "customer"),
            ("import_events events.ndjson line 8", "occurred_in_future", "occurred_at"),
        ]
        assert points() == 2 * POINTS

    def test_says_why_the_first_lines_were_refused(self, tmp_path: Path) -> None:
        bad = [buy(occurred_at="2031-01-01T00:00:00Z"), *[{"event": "buy"}] * 5, b"[1]"]
        path = file_of(tmp_path, buy(), *bad)

        found, told = imported_and_told(path)

        assert found == counts(accepted=1, rejected=7)
        assert [line.split(":")[0] for line in told] == [
            *(f"Line {number}" for number in range(2, 7)),
            "2 more lines were refused. What is refused stands in the quarantine, in the admin.",
        ]
        assert told[0] == f"Line 2: {Quarantine.objects.get(client__endswith=' line 2').message}"

    def test_fails_where_no_line_is_an_event(self, tmp_path: Path) -> None:
        path = file_of(tmp_path, b"oops", b"oops")

        with pytest.raises(CommandError, match=r"No line of .* is an event. Nothing was imported."):
            call_command(
                "import_events", str(path), project="shop", stdout=StringIO(), stderr=StringIO()
            )

    def test_leaves_room_in_the_quarantine_for_what_clients_send(
        self, tmp_path: Path, shop_keys: NewProject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "IMPORT_QUARANTINE_ROWS", 3)
        imported(file_of(tmp_path, buy(), *[b"oops"] * 6))

        Caller(keys=shop_keys).send_one(buy(occurred_at="2031-01-01T00:00:00Z"), status=422)

        assert Quarantine.objects.count() == 4
        day = QuarantineDay.objects.get()
        assert (day.kept, day.beyond) == (4, 3)

    def test_speaks_of_the_line_and_not_of_a_body(self, tmp_path: Path) -> None:
        imported(file_of(tmp_path, b'{"event" "buy"}'))

        assert Quarantine.objects.get().message == (
            "The line is not JSON: Expecting ':' delimiter at column 10."
        )

    def test_keeps_a_refused_line_with_the_key_that_it_would_have(self, tmp_path: Path) -> None:
        """So that it is the same event when it is sent again from there."""
        path = file_of(tmp_path, buy(), buy(occurred_at="2031-01-01T00:00:00Z"))
        imported(path)

        [key] = EventKey.objects.values_list("key", flat=True)
        kept = json.loads(Quarantine.objects.get().payload)["id"]
        assert (key[-2:], kept[-2:]) == (":1", ":2")
        assert key[:-2] == kept[:-2]

    def test_refuses_a_line_that_is_too_long(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "BODY_BYTES", 200)
        path = file_of(tmp_path, buy("c-1"), buy("c-2", note="x" * 200), buy("c-3"))

        assert imported(path) == counts(accepted=2, rejected=1)
        assert Quarantine.objects.get().code == "body_too_large"

    def test_refuses_the_line_alone_that_the_database_can_not_store(self, tmp_path: Path) -> None:
        """What no check foresaw costs its own line: the group is halved until it stands alone."""
        faults.raise_on("INSERT", "events_customer", when="NEW.label = 'bad'")
        path = file_of(tmp_path, buy("c-1"), buy("bad"), buy("c-2"), buy("c-3"))

        assert imported(path) == counts(accepted=3, rejected=1)

        kept = Quarantine.objects.get()
        assert (kept.code, kept.client) == (
            "internal_error",
            "import_events events.ndjson line 2",
        )
        assert kept.message.startswith("The database can't store the event: forced")
        assert points() == 3 * POINTS

    def test_writes_no_receipt(self, tmp_path: Path) -> None:
        imported(file_of(tmp_path, buy()))

        assert not Receipt.objects.exists()

    def test_is_done_with_an_empty_file(self, tmp_path: Path) -> None:
        assert imported(file_of(tmp_path)) == counts()

    def test_stops_where_the_database_is_away(self, tmp_path: Path) -> None:
        faults.be_away_on("INSERT", "events_batch")

        with pytest.raises(
            CommandError, match=r"^The database can't be used: .* Nothing was imported\.$"
        ):
            imported(file_of(tmp_path, buy()))

        assert not Event.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("shop", "small_groups")
class TestAFileThatCanNotBeReadWhole:
    def test_is_imported_up_to_where_it_breaks_off(self, tmp_path: Path) -> None:
        lines = [buy(id=secrets.token_hex(40)) for _ in range(200)]
        packed = gzip.compress(b"\n".join(json.dumps(line).encode() for line in lines))
        path = tmp_path / "events.ndjson.gz"
        path.write_bytes(packed[: len(packed) // 2])
        out = StringIO()

        with pytest.raises(CommandError) as raised:
            call_command("import_events", str(path), project="shop", stdout=out)

        stored = Event.objects.count()
        assert 10 < stored < 190
        assert json.loads(out.getvalue())["accepted"] == stored
        assert str(raised.value) == (
            f"{path} is incomplete: its gzip data break off. The lines up to {stored} are imported."
        )

    def test_is_imported_up_to_the_first_line_without_an_id(self, tmp_path: Path) -> None:
        """Its key would be another one than that of the same line in the whole file."""
        lines = [buy(id="one"), buy(id="two"), buy(id="three"), buy(), buy(id="five")]
        path = file_of(tmp_path, *lines, pack=lambda content: gzip.compress(content)[:-4])

        with pytest.raises(CommandError, match=r"Line 4 has no id.*The lines up to 3 are imported"):
            call_command("import_events", str(path), project="shop", stdout=StringIO())

        assert Event.objects.count() == 3

    @pytest.mark.parametrize(
        ("name", "project", "says"),
        [
            ("missing.ndjson", "shop", "missing.ndjson can't be read: No such file or directory."),
            (".", "shop", "can't be read: Is a directory."),
            ("missing.ndjson", "nobody", "There is no project “nobody”."),
        ],
    )
    def test_is_told_in_a_sentence(
        self, tmp_path: Path, name: str, project: str, says: str
    ) -> None:
        with pytest.raises(CommandError, match=re.escape(says)):
            call_command("import_events", str(tmp_path / name), project=project)


class TestAKilledImport:
    EVENTS = 8_000

    @pytest.fixture
    def shop(self, tmp_path: Path, database_url: str) -> Installation:
        made = installation(tmp_path / "data", database_url)
        made.manage("create_project", "shop")
        set_up = tmp_path / "set_up.json"
        rule = {"name": "ten points", "definition": definition("buy", {"fixed": POINTS})}
        set_up.write_text(json.dumps({"event_types": [{"name": "buy"}], "rules": [rule]}))
        made.manage("import_config", str(set_up), "--project", "shop")
        return made

    def test_is_finished_by_the_next(self, tmp_path: Path, shop: Installation) -> None:
        path = file_of(tmp_path, *[buy(f"c-{n % 50}", amount=n) for n in range(self.EVENTS)])
        command = ["import_events", str(path), "--project", "shop"]
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=shop.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        while process.poll() is None and not stored(shop):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        out, err = process.communicate()

        survived = stored(shop)
        assert (process.returncode, out, err) == (-signal.SIGKILL, b"", b"")
        assert 0 < survived < self.EVENTS

        again = shop.last_line(*command)
        assert (again["accepted"], again["duplicate"]) == (self.EVENTS - survived, survived)
        assert stored(shop) == self.EVENTS
        assert shop.last_line("verify_ledger") == {"checked": self.EVENTS + 50, "differences": 0}
        assert balances(shop) == POINTS * self.EVENTS


def stored(shop: Installation) -> int:
    return number(shop, "SELECT count(*) FROM events_event")


def balances(shop: Installation) -> int:
    return number(shop, "SELECT sum(balance) FROM rewards_account")


def number(shop: Installation, query: str) -> int:
    """Return what a query says, asked past the processes that are at work."""
    url = shop.environment["DATABASE_URL"]
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            [value] = connection.execute(query).fetchone()
    else:
        with psycopg.connect(url) as server:
            [value] = server.execute(query).fetchone() or (0,)
    return int(value or 0)
