"""Sliding windows of events that all processes share through Redis."""

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from events.rates.windows import SLOTS, Excess, LocalWindows
from events.types import RateLimit

SCRIPT = Path(__file__).with_name("take.lua").read_text()

TIMEOUT_SECONDS = 0.5  # it answers within a millisecond; a request should not wait for its end
AWAY_SECONDS = 3.0  # for so long it is left alone after it did not answer
LOG_SECONDS = 60.0

logger = logging.getLogger(__name__)


class SharedWindows:
    """The windows of many keys in Redis, by Redis's own clock, in one round trip a request.

    While Redis is away each process counts alone: a limit that holds for a part of what is sent
    is better than requests that are lost.
    """

    def __init__(self, url: str, *, prefix: str, local: LocalWindows) -> None:
        # One connection for each thread that asks at the same time, kept open between them.
        redis = Redis.from_url(
            url,
            socket_connect_timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            # A kept connection may have been closed meanwhile. What timed out is not sent again.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )
        self._script = redis.register_script(SCRIPT)
        self._prefix = prefix
        self._local = local
        self._mutex = threading.Lock()
        self._away_until = 0.0
        self._is_away = False
        self._is_told = False
        self._logged_at = -LOG_SECONDS

    def take(self, subject: str, limits: Sequence[RateLimit], events: int) -> Excess | None:
        """Take the events in each window, or in none and return which one is full longest."""
        if self._is_away and not self._may_try():
            return self._local.take(subject, limits, events)
        try:
            wait_microseconds, number = self._ask(subject, limits, events)
        except RedisError as error:
            self._lose(error)
            return self._local.take(subject, limits, events)
        if self._is_away:
            self._regain()
        if not wait_microseconds:
            return None
        return Excess(limit=limits[number - 1], wait_seconds=wait_microseconds / 1_000_000)

    def _ask(self, subject: str, limits: Sequence[RateLimit], events: int) -> tuple[int, int]:
        pairs = [(limit.events, limit.seconds) for limit in limits]
        # Another limit is another key: what was counted against it has another shape.
        named = ",".join(f"{most}/{seconds}" for most, seconds in pairs)
        arguments = [events, SLOTS, *(number for pair in pairs for number in pair)]
        answer = self._script(keys=[f"{self._prefix}{subject}:{named}"], args=arguments)
        wait_microseconds, number = cast("list[int]", answer)
        return wait_microseconds, number

    def _may_try(self) -> bool:
        """Tell whether this thread is the one to ask again: the others need not wait for it."""
        with self._mutex:
            now = time.monotonic()
            if now < self._away_until:
                return False
            self._away_until = now + AWAY_SECONDS
            return True

    def _lose(self, error: RedisError) -> None:
        with self._mutex:
            now = time.monotonic()
            self._is_away = True
            self._away_until = now + AWAY_SECONDS
            if now - self._logged_at < LOG_SECONDS:
                return
            self._logged_at = now
            self._is_told = True
        # The address may hold a password, so the error's own words alone.
        logger.warning("Redis is away, so each process counts for its rate limits alone: %s", error)

    def _regain(self) -> None:
        with self._mutex:
            is_told, self._is_told = self._is_told, False
            self._is_away = False
        if is_told:
            logger.warning("Redis answers again: rate limits hold for all processes together.")
