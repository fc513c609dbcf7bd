import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from celery import Celery, Task
from django.db import OperationalError

from config import sweeps
from config.sweeps import Sweep, Sweeper
from events import heartbeat
from events.models import WorkerHeartbeat

pytestmark = pytest.mark.django_db

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@dataclass(slots=True)
class Work:
    """A task with a queue of its own, and the sweeper that asks whether there is work for it."""

    task: "Task[[], None]"
    is_due: Callable[[], bool] = lambda: True
    run: Callable[[], object] = lambda: None
    sweeper: Sweeper = field(init=False)

    def __post_init__(self) -> None:
        sweep = Sweep(task=self.task, is_due=self._ask)
        self.sweeper = Sweeper(name="worker-1", sweeps=[sweep])

    def _ask(self) -> bool:
        return self.is_due()

    def wake_ups(self) -> int:
        """Return how many wake-ups wait in the queue."""
        with self.task.app.connection_for_read() as connection:
            size: int = connection.SimpleQueue(self.task.name).qsize()
            return size


def work_on(broker_url: str) -> Work:
    name = f"work-{uuid4().hex}"
    app = Celery(name, broker=broker_url, set_as_current=False)
    app.conf.update(task_default_queue=name, task_ignore_result=True)

    @app.task(name=name)
    def task() -> None:
        made.run()

    made = Work(task=task)
    return made


@pytest.fixture
def work() -> Work:
    return work_on("memory://localhost")


class TestSweeper:
    def test_wakes_a_task_that_has_work(self, work: Work) -> None:
        work.sweeper.look()

        assert work.wake_ups() == 1

    def test_lets_a_task_without_work_sleep(self, work: Work) -> None:
        work.is_due = lambda: False

        work.sweeper.look()

        assert work.wake_ups() == 0

    def test_keeps_one_wake_up_on_its_way(self, work: Work) -> None:
        for _ in range(3):
            work.sweeper.look()

        assert work.wake_ups() == 1

    def test_wakes_again_where_the_wake_up_got_lost(
        self, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sweeps, "HOLD_SECONDS", 0.0)

        for _ in range(3):
            work.sweeper.look()

        assert work.wake_ups() == 3

    def test_wakes_no_task_that_runs(self, work: Work) -> None:
        work.run = work.sweeper.look

        work.task.apply()

        assert work.wake_ups() == 0

    def test_wakes_again_once_the_task_has_ended(self, work: Work) -> None:
        work.sweeper.look()
        work.task.apply()

        work.sweeper.look()

        assert work.wake_ups() == 2

    def test_lets_a_failed_task_rest(self, work: Work) -> None:
        work.run = failing
        work.task.apply()

        work.sweeper.look()

        assert work.wake_ups() == 0

    def test_tells_once_that_it_fails_and_once_that_it_works_again(
        self, work: Work, caplog: pytest.LogCaptureFixture
    ) -> None:
        work.is_due = failing
        work.sweeper.look()
        work.sweeper.look()
        work.is_due = lambda: False
        work.sweeper.look()
        work.sweeper.look()

        assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
        assert "the connection is lost" in caplog.text

    def test_survives_a_broker_that_is_gone(self, caplog: pytest.LogCaptureFixture) -> None:
        work = work_on(NOBODY_LISTENS)

        work.sweeper.look()

        assert "Connection refused" in caplog.text

    def test_shows_that_its_worker_lives(self, work: Work) -> None:
        before = datetime.now(UTC)

        work.sweeper.look()

        seen_at = WorkerHeartbeat.objects.get(name="worker-1").seen_at
        assert before <= seen_at <= datetime.now(UTC)

    def test_forgets_the_workers_of_former_days(self, work: Work) -> None:
        for name, days in (("gone", 2), ("gone this morning", 0)):
            heartbeat.beat(name, now=datetime.now(UTC) - timedelta(days=days))

        work.sweeper.look()

        names = WorkerHeartbeat.objects.order_by("name").values_list("name", flat=True)
        assert list(names) == ["gone this morning", "worker-1"]


def failing() -> bool:
    raise OperationalError("the connection is lost")


class TestSweeps:
    def test_wake_the_tasks_of_all_apps(self) -> None:
        assert {sweep.task.name for sweep in sweeps.SWEEPS} == {
            "analytics.close_days",
            "analytics.roll_up",
            "events.forget_receipts",
            "events.make_partitions",
            "rewards.work_through_jobs",
        }
