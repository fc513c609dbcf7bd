"""Group commit without a timer: whoever comes next commits for all who wait (leader/follower)."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from events.types import TooBusyError

Request = TypeVar("Request")
Result = TypeVar("Result")

# A client gives up after 30 s as a rule; by then it should know that nothing was stored.
WAIT_SECONDS = 20.0


class CommitFailedError(Exception):
    """The thread that committed for this request failed; nothing was written."""


class Job(Generic[Request, Result]):
    """One request on its way through the queue."""

    __slots__ = ("_asleep", "error", "leads", "request", "result", "size")

    def __init__(self, request: Request, size: int) -> None:
        self.request = request
        self.size = size
        self.leads = False
        self.result: Result | None = None
        self.error: BaseException | None = None
        # A bare lock, held until someone wakes the job: an Event is a tenth of a whole request.
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def wake(self) -> None:
        """End the wait. Once when it is to lead, or once when it is committed."""
        self._asleep.release()

    def wait(self, seconds: float = -1) -> bool:
        """Return whether it was woken within that time, by default however long that takes."""
        return self._asleep.acquire(timeout=seconds)

    def answer(self) -> Result:
        if self.error is not None:
            raise self.error
        if self.result is None:
            raise CommitFailedError("The commit that held this request failed.")
        return self.result


class CommitQueue(Generic[Request, Result]):
    """Gathers the requests of many threads into the commits of one.

    `commit(jobs)` runs in a request thread, on that thread's connection, and sets `result` or
    `error` of every job. Others wait without touching the database.
    """

    def __init__(
        self, commit: Callable[[Sequence[Job[Request, Result]]], None], *, most_events: int
    ) -> None:
        self._commit = commit
        self._most_events = most_events
        self._mutex = threading.Lock()
        self._waiting: deque[Job[Request, Result]] = deque()
        self._has_leader = False

    def submit(self, request: Request, *, size: int) -> Result:
        """Return the request's result once it is committed.

        Raises TooBusyError, CommitFailedError, or what `commit` raised for this request.
        """
        job: Job[Request, Result] = Job(request, size)
        with self._mutex:
            self._waiting.append(job)
            job.leads = not self._has_leader
            self._has_leader = True
        if not job.leads and not job.wait(WAIT_SECONDS):
            if not self._is_taken(job):
                raise TooBusyError("The request waited too long for its turn; send it again.")
            if not job.leads:
                job.wait()  # it is being committed: only the leader knows how that ends
        if job.leads:
            self._lead()
        return job.answer()

    def _is_taken(self, job: Job[Request, Result]) -> bool:
        """Take the job out of the queue and return False, or True where it is no longer there
        to be taken or has just become the leader."""
        with self._mutex:
            if job.leads or job not in self._waiting:
                return True
            self._waiting.remove(job)
            return False

    def _lead(self) -> None:
        group = self._next_group()
        try:
            self._commit(group)
        finally:
            self._pass_on()
            for follower in group[1:]:
                follower.wake()

    def _next_group(self) -> list[Job[Request, Result]]:
        """Take what waits, up to the limit of events; the leader's own job is the first."""
        with self._mutex:
            group = [self._waiting.popleft()]
            size = group[0].size
            while self._waiting and size + self._waiting[0].size <= self._most_events:
                group.append(self._waiting.popleft())
                size += group[-1].size
            return group

    def _pass_on(self) -> None:
        with self._mutex:
            if self._waiting:
                heir = self._waiting[0]
                heir.leads = True
                heir.wake()
            else:
                self._has_leader = False
