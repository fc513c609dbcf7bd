"""Sliding windows of events, kept in the memory of one process."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from events.types import RateLimit

# Events are kept in slots of this share of the window, and leave with the last of their slot:
# so a key that always sends as much as it can gets at least 100/101 of its limit.
SLOTS = 100
_MOST_SUBJECTS = 10_000  # keys with a limit; beyond it the windows start anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """The limit that was exceeded, and after how long the same events would be within it."""

    limit: RateLimit
    wait_seconds: float


@dataclass(slots=True)
class _Slot:
    began_at: float
    leaves_at: float
    events: int


class Window:
    """What was taken within one limit. No stretch of its length ever has more than it allows.

    A request of more events than that is taken alone, as soon as there is any room, and leaves
    after as many windows as it would fill: on the long run the limit holds for it too.
    """

    __slots__ = ("_events", "_limit", "_slots")

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._slots: deque[_Slot] = deque()
        self._events = 0

    def wait_seconds(self, events: int, now: float) -> float:
        """Return how long it is until so many events fit; 0 where they do."""
        while self._slots and self._slots[0].leaves_at <= now:
            self._events -= self._slots.popleft().events
        over = self._events + min(events, self._limit.events) - self._limit.events
        if events > self._limit.events:
            over = self._events + 1 - self._limit.events
        for slot in self._slots:
            if over <= 0:
                break
            over -= slot.events
            if over <= 0:
                return slot.leaves_at - now
        return 0.0

    def take(self, events: int, now: float) -> None:
        seconds = self._limit.seconds
        last = self._slots[-1] if self._slots else None
        self._events += events
        if events <= self._limit.events and last and now - last.began_at < seconds / SLOTS:
            last.events += events
            last.leaves_at = now + seconds
        else:
            fills = max(1.0, events / self._limit.events)
            self._slots.append(_Slot(now, now + seconds * fills, events))


class LocalWindows:
    """The windows of many keys, for the threads of one process."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._windows: dict[tuple[str, RateLimit], Window] = {}

    def take(self, subject: str, limits: Sequence[RateLimit], events: int) -> Excess | None:
        """Take the events in each window, or in none and return which one is full longest."""
        with self._mutex:
            now = time.monotonic()
            windows = [self._window(subject, limit) for limit in limits]
            waits = [window.wait_seconds(events, now) for window in windows]
            longest = max(waits)
            if longest > 0:
                return Excess(limit=limits[waits.index(longest)], wait_seconds=longest)
            for window in windows:
                window.take(events, now)
        return None

    def _window(self, subject: str, limit: RateLimit) -> Window:
        known = self._windows.get((subject, limit))
        if known is None:
            if len(self._windows) >= _MOST_SUBJECTS:
                self._windows.clear()
            known = self._windows[subject, limit] = Window(limit)
        return known
