"""The commit queue: who commits for whom, in which order, and how it ends."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest

from events.types import TooBusyError
from rewards import commit_queue
from rewards.commit_queue import CommitFailedError, CommitQueue, Job

Work: TypeAlias = Job[str, str]

PATIENCE_SECONDS = 30.0  # what never comes fails the test instead of hanging it


@dataclass(slots=True)
class Committer:
    """Commits when the test lets it, and remembers what it was given and by whom."""

    groups: list[list[str]] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    allowed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    fault: BaseException | None = None

    def __call__(self, jobs: Sequence[Work]) -> None:
        self.groups.append([job.request for job in jobs])
        self.threads.append(threading.current_thread().name)
        self.begun.release()
        assert self.allowed.acquire(timeout=PATIENCE_SECONDS)
        if self.fault:
            raise self.fault
        for job in jobs:
            if job.request.startswith("bad"):
                job.error = ValueError(job.request)
            else:
                job.result = job.request.upper()

    def wait_until_one_commits(self) -> None:
        assert self.begun.acquire(timeout=PATIENCE_SECONDS)

    def allow(self, commits: int = 1) -> None:
        self.allowed.release(commits)


class Stage:
    """A queue with the threads that submit to it, one a request."""

    def __init__(self, pool: ThreadPoolExecutor, *, most_events: int) -> None:
        self.committer = Committer()
        self.queue: CommitQueue[str, str] = CommitQueue(self.committer, most_events=most_events)
        self._pool = pool

    def submit(self, request: str, size: int = 1) -> "Future[str]":
        """Submit in a thread of its own, named as the request; return once it stands in line."""
        stands = threading.Event()

        def run() -> str:
            threading.current_thread().name = request
            return self.queue.submit(_Watched(request, stands), size=size)

        future = self._pool.submit(run)
        assert stands.wait(PATIENCE_SECONDS)
        return future
