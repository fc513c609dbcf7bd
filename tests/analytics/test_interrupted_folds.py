"""Folds that fail, die or meet: every event still enters the rollups once."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, connections

from analytics import rollup
from analytics.models import Rollup
from events.models import Batch, OpenBatch, Project
from tests.analytics.feed import Sent, database_url, send, send_values
from tests.analytics.folding import FOLD_SECONDS, differences, fold_all, statistics
from tests.threads import at_once

GATE = 4242
GATED_EVENTS = 5

# Dies when the events are off the work list and before a row is written.
DYING_WORKER = """
import os, signal, django
django.setup()
from django.db import connection
from analytics import rollup

def die(execute, sql, params, many, context):
    result = execute(sql, params, many, context)
    if sql.startswith('DELETE FROM "events_openbatch"'):
        os.kill(os.getpid(), signal.SIGKILL)
    return result

with connection.execute_wrapper(die):
    rollup.roll_up(seconds=60)
"""


@pytest.fixture
def broken_table() -> Iterator[None]:
    """Let the database refuse every row of texts."""
    refuse_texts()
    yield
    accept_texts()


def refuse_texts() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "ALTER TABLE analytics_rollup ADD CONSTRAINT no_texts CHECK (kind <> 'text')"
            )
        else:
            cursor.execute(
                "CREATE TRIGGER no_texts BEFORE INSERT ON analytics_rollup "
                "WHEN NEW.kind = 'text' BEGIN SELECT RAISE(ABORT, 'no texts'); END"
            )


def accept_texts() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE analytics_rollup DROP CONSTRAINT IF EXISTS no_texts")
        else:
            cursor.execute("DROP TRIGGER IF EXISTS no_texts")


class Gate:
    """Holds transactions that wrote GATED_EVENTS events just before they commit."""

    def __init__(self, server: psycopg.Connection) -> None:
        self._server = server
        server.execute("SELECT pg_advisory_lock(%s)", [GATE])

    def wait_for_arrival(self) -> None:
        ends_at = time.monotonic() + FOLD_SECONDS
        while time.monotonic() < ends_at:
            waiting = self._server.execute(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted",
                [GATE],
            )
            if waiting.fetchone():
                return
        raise TimeoutError("No transaction arrived at the gate.")

    def open(self) -> None:
        self._server.execute("SELECT pg_advisory_unlock_all()")


@pytest.fixture
def gate(transactional_db: None) -> Iterator[Gate]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pass_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER gated AFTER INSERT ON events_openbatch FOR EACH ROW "
            f"WHEN (NEW.events = {GATED_EVENTS}) EXECUTE FUNCTION pass_gate()"
        )
    with psycopg.connect(database_url(), autocommit=True) as server:
        made = Gate(server)
        yield made
        made.open()
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER gated ON events_openbatch")
        cursor.execute("DROP FUNCTION pass_gate()")


def send_and_leave(project: Project, values: list[int]) -> None:
    try:
        send_values(project, "level", values)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
class TestInterruptedFold:
    def test_has_not_happened(self, shop: Project, broken_table: None) -> None:
        send(shop, Sent(metadata={"level": 1, "map": "cave"}), Sent(metadata={"level": 2}))
        with pytest.raises(DatabaseError):
            fold_all()
        assert Rollup.objects.count() == 0
        assert statistics(shop).tail_rows == 2

        accept_texts()

        assert fold_all() == 2
        assert (statistics(shop).total.rows, statistics(shop).tail_rows) == (2, 0)

    def test_of_a_killed_worker_is_done_by_the_next(self, shop: Project) -> None:
        send_values(shop, "level", list(range(20)))
        environment = os.environ | {
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "TRACKWARD_DATA_DIR": str(settings.DATA_DIR),
        }

        died = subprocess.run(
            [sys.executable, "-c", DYING_WORKER],
            cwd=settings.BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

        assert died.returncode == -signal.SIGKILL, died.stderr
        assert Rollup.objects.count() == 0
        assert statistics(shop).tail_rows == 20
        assert fold_all() == 20
        assert (statistics(shop).total.rows, statistics(shop).tail_rows) == (20, 0)
        assert differences() == []


@pytest.mark.django_db(transaction=True)
class TestConcurrentFolds:
    def test_count_every_event_once(self, shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rollup, "BATCHES_PER_FOLD", 3)
        for number in range(12):
            send_values(shop, "level", [number, number])

        folded = at_once([fold_all] * 3)
        folded.append(fold_all())

        assert sum(folded) == 24
        assert statistics(shop).total.rows == 24
        assert differences() == []

    def test_hide_nothing_from_a_reader_and_show_nothing_twice(
        self, shop: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rollup, "BATCHES_PER_FOLD", 1)
        for number in range(15):
            send_values(shop, "level", [number, None, "x"])
        done = threading.Event()
        seen: list[tuple[int, int, int]] = []

        def fold() -> None:
            try:
                fold_all()
            finally:
                done.set()

        def read() -> None:
            is_last = False
            while not is_last:
                is_last = done.is_set()
                total = statistics(shop).total
                seen.append((total.rows, total.null, total.missing))

        at_once([fold, read])

        assert set(seen) == {(45, 15, 0)}
        assert statistics(shop).tail_rows == 0

    @pytest.mark.postgresql
    def test_leave_a_transaction_that_is_still_open_to_a_later_fold(
        self, shop: Project, gate: Gate
    ) -> None:
        """Its batch has a lower number than batches that are folded before it commits."""
        send_values(shop, "level", [0])
        fold_all()
        with ThreadPoolExecutor(max_workers=1) as pool:
            held = pool.submit(send_and_leave, shop, [1] * GATED_EVENTS)
            gate.wait_for_arrival()
            send_values(shop, "level", [2], customer="c-2")
            send_values(shop, "level", [3], customer="c-3")

            assert fold_all() == 2
            assert statistics(shop).total.rows == 3
            gate.open()
            held.result(FOLD_SECONDS)

        [late] = OpenBatch.objects.all()
        assert late.batch_id < Batch.objects.latest("id").pk
        assert statistics(shop).tail_rows == GATED_EVENTS
        assert fold_all() == GATED_EVENTS
        assert statistics(shop).total.rows == 3 + GATED_EVENTS
        assert differences() == []
