"""The sweeps by which a worker finds its work in the database."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from celery import Task, bootsteps
from celery.signals import task_postrun, task_prerun
from celery.states import FAILURE
from django import db
from kombu.exceptions import OperationalError

from analytics.rollup import has_work
from analytics.tasks import close_days, days_are_due, roll_up
from config.celery import app
from config.lifeline import end_with
from events import heartbeat
from events.tasks import (
    forget_receipts,
    make_partitions,
    partitions_are_due,
    receipts_are_due,
)
from rewards.tasks import jobs_are_due, work_through_jobs

SWEEP_SECONDS = 0.5
BEAT_SECONDS = 5.0
HOLD_SECONDS = 2.0  # after a wake-up that another worker may have taken
FAILURE_HOLD_SECONDS = 5.0  # after a task that failed: it logs a traceback each time
EXPIRY_SECONDS = 30  # more than the clocks of two hosts differ
STOP_SECONDS = 5.0
PARENT_VARIABLE = "TRACKWARD_PARENT_PID"  # set by `up`, whose workers end with it

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A task and the question whether the database holds work for it."""

    task: "Task[Any, Any]"
    is_due: Callable[[], bool]


SWEEPS = (
    Sweep(task=roll_up, is_due=has_work),
    Sweep(task=work_through_jobs, is_due=jobs_are_due),
    Sweep(task=close_days, is_due=days_are_due),
    Sweep(task=make_partitions, is_due=partitions_are_due),
    Sweep(task=forget_receipts, is_due=receipts_are_due),
)


class Sweeper:
    """Tells that its worker lives and wakes the tasks for which there is work.

    The database is the queue and a message is only a wake-up: one that gets lost is sent again,
    one too many finds nothing to do. While this worker runs a task it sends no wake-up for it.
    """

    def __init__(self, *, name: str, sweeps: Sequence[Sweep]) -> None:
        self._name = name
        self._sweeps = sweeps
        self._next_beat = 0.0
        self._held_until: dict[str, float] = {}
        self._running: set[str] = set()
        self._failing: set[str] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        task_prerun.connect(self._on_begin)
        task_postrun.connect(self._on_end)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(STOP_SECONDS)

    def look(self) -> None:
        """Do one round: each part fails and recovers for itself."""
        self._attempt("heartbeat", self._beat)
        for sweep in self._sweeps:
            self._attempt(sweep.task.name, partial(self._wake, sweep))

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                self.look()
                db.connections.close_all()  # back into the pool
                self._stopped.wait(SWEEP_SECONDS)
        finally:
            # A worker that no longer sweeps would live on without work: let its parent restart it.
            if not self._stopped.is_set():
                os.kill(os.getpid(), signal.SIGTERM)

    def _attempt(self, what: str, act: Callable[[], None]) -> None:
        try:
            act()
        except (db.Error, OperationalError) as error:
            if what not in self._failing:
                logger.error("The worker's %s fails and will be tried again: %s", what, error)
            self._failing.add(what)
        else:
            if what in self._failing:
                logger.warning("The worker's %s works again.", what)
            self._failing.discard(what)

    def _beat(self) -> None:
        if time.monotonic() < self._next_beat:
            return
        now = datetime.now(UTC)
        if not self._next_beat:
            heartbeat.forget_old(now=now)
        heartbeat.beat(self._name, now=now)
        self._next_beat = time.monotonic() + BEAT_SECONDS

    def _wake(self, sweep: Sweep) -> None:
        name = sweep.task.name
        is_held = name in self._running or time.monotonic() < self._held_until.get(name, 0.0)
        if is_held or not sweep.is_due():
            return
        # Held before it is sent: the task may begin before the call returns.
        self._held_until[name] = time.monotonic() + HOLD_SECONDS
        # One retry: a connection that was idle for minutes may have been closed by the broker.
        policy = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
        sweep.task.apply_async(expires=EXPIRY_SECONDS, retry_policy=policy)

    def _on_begin(self, sender: "Task[Any, Any]", **_: object) -> None:
        self._running.add(sender.name)

    def _on_end(self, sender: "Task[Any, Any]", state: str = "", **_: object) -> None:
        hold_seconds = FAILURE_HOLD_SECONDS if state == FAILURE else 0.0
        self._held_until[sender.name] = time.monotonic() + hold_seconds
        self._running.discard(sender.name)


class SweepStep(bootsteps.StartStopStep):
    """Runs a sweeper beside the worker, in a thread so that a long task doesn't silence it."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._sweeper = Sweeper(name=parent.hostname, sweeps=SWEEPS)

    def start(self, parent: Any) -> None:
        if parent_pid := os.environ.get(PARENT_VARIABLE):
            end_with(int(parent_pid))
        self._sweeper.start()

    def stop(self, parent: Any) -> None:
        self._sweeper.stop()


app.steps["worker"].add(SweepStep)
