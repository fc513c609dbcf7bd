"""How the tests come to their databases, and what they say of what is not there."""

import os
import subprocess
import sys
import threading
from functools import partial

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import TransactionTestCase

from events.models import Event, Project
from tests import databases, make
from tests.events.test_guard import event_row
from tests.threads import BARRIER_SECONDS, at_once

ONE_TEST = "tests/test_databases.py::TestDatabase::test_is_of_the_engine_of_the_worker"


def run_tests(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as by hand, whatever runs this test."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=settings.BASE_DIR,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.django_db
class TestDatabase:
    def test_is_of_the_engine_of_the_worker(self) -> None:
        assert connection.vendor == databases.ENGINE

    @pytest.mark.sqlite
    def test_is_a_file_with_a_write_ahead_log(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone() == ("wal",)

    @pytest.mark.django_db(transaction=True)
    def test_is_emptied_after_a_transactional_test(self, shop: Project) -> None:
        event_row(shop)

        TransactionTestCase()._fixture_teardown()  # type: ignore[attr-defined]

        assert not Event.objects.exists()
        assert not Project.objects.exists()
        assert Permission.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_is_shared_by_threads(self) -> None:
        threads_count = 20

        made = at_once([partial(make.project, f"shop-{n}") for n in range(threads_count)])

        assert set(Project.objects.all()) == set(made)
        assert len(set(made)) == threads_count


class TestAtOnce:
    def test_runs_the_works_together(self) -> None:
        meeting = threading.Barrier(5)

        arrivals = at_once([partial(meeting.wait, BARRIER_SECONDS)] * 5)

        assert sorted(arrivals) == [0, 1, 2, 3, 4]

    def test_raises_what_a_work_raised(self) -> None:
        with pytest.raises(ZeroDivisionError):
            at_once([lambda: 1 / 0, lambda: 1.0])


@pytest.mark.once
class TestRun:
    def test_gives_each_of_two_workers_its_database(self) -> None:
        run = run_tests("-n", "2", ONE_TEST)

        assert run.returncode == 0, run.stdout
        assert "Ran on SQLite (gw0) and PostgreSQL" in run.stdout
        assert "2 passed" in run.stdout

    def test_refuses_a_third_worker(self) -> None:
        run = run_tests("-n", "3", ONE_TEST)

        assert run.returncode == pytest.ExitCode.USAGE_ERROR
        assert "use -n 2" in run.stderr

    def test_names_what_it_did_not_find(self) -> None:
        run = run_tests(ONE_TEST)

        assert run.returncode == 0, run.stdout
        assert "Not found, its tests did not run: real data" in run.stdout

    def test_fails_in_ci_where_something_was_not_found(self) -> None:
        run = run_tests(ONE_TEST, CI="true")

        assert run.returncode == pytest.ExitCode.TESTS_FAILED
        assert "Not found, its tests did not run: real data" in run.stdout
        assert "1 passed" in run.stdout
