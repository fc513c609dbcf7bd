"""The commit queue: who commits for whom, in which order, and how it ends."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeAlias

import pytest

from events.types import TooBusyError
from rewards import commit_queue
from rewards.commit_queue import CommitFailedError, CommitQueue, Job

Work: TypeAlias = Job[str, str]

PATIENCE_SECONDS = 30.0  # what never comes fails the test instead of hanging it
THREADS = 24


class Stage:
    """A queue whose commits wait until the test allows them, and threads that submit to it."""

    def __init__(self, pool: ThreadPoolExecutor, *, most_events: int) -> None:
        self.queue: CommitQueue[str, str] = CommitQueue(self._commit, most_events=most_events)
        self.groups: list[list[str]] = []
        self.leaders: list[str] = []
        self.fault: BaseException | None = None
        self._pool = pool
        self._begun = threading.Semaphore(0)
        self._allowed = threading.Semaphore(0)

    def submit(self, request: str, size: int = 1) -> "Future[str]":
        """Submit in a thread named as the request; return once the request commits or waits."""
        before = self.in_line() + len(self.groups)

        def run() -> str:
            threading.current_thread().name = request
            return self.queue.submit(request, size=size)

        future = self._pool.submit(run)
        until(lambda: future.done() or self.in_line() + len(self.groups) > before)
        return future

    def in_line(self) -> int:
        return len(self.queue._waiting)

    def allow(self, commits: int = 1) -> None:
        """Let commits end, once each has begun."""
        for _ in range(commits):
            assert self._begun.acquire(timeout=PATIENCE_SECONDS)
            self._allowed.release()

    def _commit(self, jobs: Sequence[Work]) -> None:
        self.groups.append([job.request for job in jobs])
        self.leaders.append(threading.current_thread().name)
        self._begun.release()
        assert self._allowed.acquire(timeout=PATIENCE_SECONDS)
        if self.fault:
            raise self.fault
        for job in jobs:
            if job.request.startswith("bad"):
                job.error = ValueError(job.request)
            else:
                job.result = job.request.upper()


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_SECONDS * 1000)):
        if is_so():
            return
        threading.Event().wait(0.001)
    pytest.fail("What was waited for never came.")


@contextmanager
def staged(*, most_events: int = 500) -> Iterator[Stage]:
    with ThreadPoolExecutor(THREADS) as pool:
        yield Stage(pool, most_events=most_events)


class TestALoneRequest:
    def test_is_committed_by_its_own_thread_at_once(self) -> None:
        with staged() as stage:
            answer = stage.submit("a")
            stage.allow()

            assert answer.result() == "A"
        assert (stage.groups, stage.leaders) == ([["a"]], ["a"])

    def test_larger_than_a_group_is_committed_all_the_same(self) -> None:
        with staged(most_events=10) as stage:
            answer = stage.submit("a", size=1000)
            stage.allow()

            assert answer.result() == "A"

    def test_may_hold_nothing(self) -> None:
        with staged() as stage:
            answer = stage.submit("", size=0)
            stage.allow()

            assert answer.result() == ""


class TestRequestsThatWait:
    def test_are_committed_together_in_the_order_in_which_they_came(self) -> None:
        with staged() as stage:
            answers = [stage.submit(name) for name in "abcd"]
            stage.allow(2)

            assert [answer.result() for answer in answers] == ["A", "B", "C", "D"]
        assert stage.groups == [["a"], ["b", "c", "d"]]

    def test_are_committed_by_the_first_of_them_and_no_other(self) -> None:
        with staged() as stage:
            answers = [stage.submit(name) for name in "abc"]
            stage.allow()
            until(lambda: len(stage.groups) == 2)
            answers += [stage.submit(name) for name in "de"]
            stage.allow(2)

            assert [answer.result() for answer in answers] == ["A", "B", "C", "D", "E"]
        assert stage.leaders == ["a", "b", "d"]

    def test_fill_a_group_up_to_the_most_events(self) -> None:
        with staged(most_events=10) as stage:
            sizes = {"a": 1, "b": 4, "c": 6, "d": 5, "e": 10, "f": 1}
            answers = [stage.submit(name, size) for name, size in sizes.items()]
            stage.allow(5)

            assert [answer.result() for answer in answers] == ["A", "B", "C", "D", "E", "F"]
        # A request that does not fit is not overtaken by a smaller one.
        assert stage.groups == [["a"], ["b", "c"], ["d"], ["e"], ["f"]]

    def test_leave_no_leader_behind(self) -> None:
        with staged() as stage:
            for name in "ab":
                answer = stage.submit(name)
                stage.allow()
                assert answer.result() == name.upper()

        assert stage.leaders == ["a", "b"]


class TestAFault:
    def test_of_one_request_is_raised_for_it_alone(self) -> None:
        with staged() as stage:
            first = stage.submit("a")
            answers = [stage.submit(name) for name in ("b", "bad", "c")]
            stage.allow(2)

            assert first.result() == "A"
            assert (answers[0].result(), answers[2].result()) == ("B", "C")
            with pytest.raises(ValueError, match="bad"):
                answers[1].result()

    def test_of_the_commit_is_told_to_all_of_the_group(self) -> None:
        with staged() as stage:
            first = stage.submit("a")
            leader, *others = [stage.submit(name) for name in "bcd"]
            stage.allow()
            assert first.result() == "A"
            stage.fault = ZeroDivisionError("a fault of ours")
            stage.allow()

            with pytest.raises(ZeroDivisionError):
                leader.result()
            for other in others:
                with pytest.raises(CommitFailedError):
                    other.result()

    def test_of_the_commit_does_not_stop_the_next_group(self) -> None:
        with staged(most_events=1) as stage:
            failing, following = stage.submit("a"), stage.submit("b")
            stage.fault = ZeroDivisionError("a fault of ours")
            stage.allow()
            with pytest.raises(ZeroDivisionError):
                failing.result()
            stage.fault = None
            stage.allow()

            assert following.result() == "B"


class TestARequestThatWaitsTooLong:
    def test_is_told_so_and_is_committed_by_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(commit_queue, "WAIT_SECONDS", 0.01)
        with staged() as stage:
            first = stage.submit("a")
            late = stage.submit("late")
            with pytest.raises(TooBusyError):
                late.result(PATIENCE_SECONDS)
            assert stage.in_line() == 0
            stage.allow()
            assert first.result() == "A"
            following = stage.submit("b")
            stage.allow()

            assert following.result() == "B"
        assert stage.groups == [["a"], ["b"]]

    def test_waits_on_where_its_commit_has_begun(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(commit_queue, "WAIT_SECONDS", 1.0)
        with staged() as stage:
            answers = [stage.submit(name) for name in "abc"]
            stage.allow()
            until(lambda: len(stage.groups) == 2)
            _, unanswered = wait(answers[1:], timeout=1.2)
            stage.allow()

            assert len(unanswered) == 2
            assert [answer.result() for answer in answers] == ["A", "B", "C"]
        assert stage.groups == [["a"], ["b", "c"]]


class TestManyThreads:
    def test_each_get_their_own_answer_and_one_commit_runs_at_a_time(self) -> None:
        running = threading.Lock()
        groups: list[list[int]] = []

        def commit(jobs: "Sequence[Job[int, int]]") -> None:
            assert running.acquire(blocking=False), "Two commits run at the same time."
            groups.append([job.request for job in jobs])
            for job in jobs:
                if job.request % 7 == 0:
                    job.error = ValueError(str(job.request))
                else:
                    job.result = -job.request
            running.release()

        queue: CommitQueue[int, int] = CommitQueue(commit, most_events=5)
        barrier = threading.Barrier(THREADS)

        def work(seed: int) -> None:
            requests = range(seed * 100, seed * 100 + 100)
            barrier.wait(PATIENCE_SECONDS)
            for request in requests:
                size = random.Random(request).randint(0, 4)
                if request % 7 == 0:
                    with pytest.raises(ValueError, match=f"^{request}$"):
                        queue.submit(request, size=size)
                else:
                    assert queue.submit(request, size=size) == -request

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))

        committed = [request for group in groups for request in group]
        assert sorted(committed) == list(range(THREADS * 100))
