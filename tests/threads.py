"""Threads of a test that start at the same moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

Answer = TypeVar("Answer")

BARRIER_SECONDS = 30.0  # a thread that never arrives fails the test instead of hanging it


def at_once(works: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Run each work in a thread of its own, let loose together; return the answers in order.

    Each thread has its own database connection, which is closed when the work is done. The
    exception of a work is raised here.
    """
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], Answer]) -> Answer:
        try:
            barrier.wait(BARRIER_SECONDS)
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=len(works)) as pool:
        return list(pool.map(run, works))
