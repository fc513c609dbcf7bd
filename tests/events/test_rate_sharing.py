"""Sliding windows that processes share through Redis."""

import itertools
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from events.rate_limits import read_rate_limits
from events.rates import shared
from events.rates.shared import SCRIPT, SharedWindows
from events.rates.windows import SLOTS, LocalWindows, Window
from tests.services import REDIS_PORT
from tests.threads import at_once

CLOCK_LINE = "local now = clock[1] * 1000000 + clock[2]"


@pytest.fixture
def prefix() -> str:
    return f"trackward-test:{time.time_ns()}:"


@pytest.fixture
def redis(redis_url: str, prefix: str) -> Iterator[Redis]:
    """The server, without what the test leaves there."""
    client = Redis.from_url(redis_url)
    yield client
    if left := list(client.scan_iter(f"{prefix}*")):
        client.delete(*left)
    client.close()


@pytest.fixture
def windows(redis: Redis, redis_url: str, prefix: str) -> SharedWindows:
    return SharedWindows(redis_url, prefix=prefix, local=LocalWindows())


class TestScript:
    @pytest.mark.parametrize(
        "limits", ["9/s", "9/s, 30/10s", "3/2s"], ids=["one", "two", "less than a request"]
    )
    def test_does_what_the_windows_of_a_process_do(
        self, redis: Redis, prefix: str, limits: str
    ) -> None:
        """With the clock given; what is left of the script is the one that runs."""
        given_clock = "local now = tonumber(table.remove(ARGV))"
        assert CLOCK_LINE in SCRIPT
        script = redis.register_script(SCRIPT.replace(CLOCK_LINE, given_clock))
        read = read_rate_limits(limits)
        windows = [Window(limit) for limit in read]
        pairs = [number for limit in read for number in (limit.events, limit.seconds)]
        now, differing = 1_700_000_000_000_000, []

        for number in range(3_000):
            now += (number * 7_919) % 190_000
            events = 1 + number % 5
            waits = [window.wait_seconds(events, now / 1e6) for window in windows]
            if max(waits) == 0:
                for window in windows:
                    window.take(events, now / 1e6)
            wait, full = script(keys=[f"{prefix}x"], args=[events, SLOTS, *pairs, now])
            expected = max(waits)
            if abs(wait / 1e6 - expected) > 1e-3 or (full and waits[full - 1] != expected):
                differing.append((number, wait / 1e6, waits))

        assert differing == []

    def test_starts_anew_where_the_clock_was_set_back(self, redis: Redis, prefix: str) -> None:
        given_clock = "local now = tonumber(table.remove(ARGV))"
        script = redis.register_script(SCRIPT.replace(CLOCK_LINE, given_clock))
        arguments = [5, SLOTS, 5, 1]

        assert script(keys=[f"{prefix}x"], args=[*arguments, 9_000_000_000]) == [0, 0]
        assert script(keys=[f"{prefix}x"], args=[*arguments, 9_000_000_001])[0] > 0
        assert script(keys=[f"{prefix}x"], args=[*arguments, 8_000_000_000]) == [0, 0]


class TestSharedWindows:
    def test_count_all_processes_together(
        self, windows: SharedWindows, redis_url: str, prefix: str
    ) -> None:
        another = SharedWindows(redis_url, prefix=prefix, local=LocalWindows())
        limits = read_rate_limits("500/h")

        def send(to: SharedWindows) -> Callable[[], int]:
            return lambda: sum(to.take("key-1", limits, 1) is None for _ in range(50))

        assert sum(at_once([send(windows), send(another)] * 8)) == 500

    def test_leave_nothing_behind_once_a_window_is_over(
        self, windows: SharedWindows, redis: Redis, prefix: str
    ) -> None:
        windows.take("key-1", read_rate_limits("5/min, 9/2min"), 1)
        windows.take("key-2", read_rate_limits("5/min"), 50)

        lasts_ms = sorted(redis.pttl(key) for key in redis.scan_iter(f"{prefix}*"))

        assert len(lasts_ms) == 2
        assert 60_000 < lasts_ms[0] <= 120_000 < lasts_ms[1] <= 600_000

    def test_begin_anew_with_another_limit(self, windows: SharedWindows) -> None:
        assert windows.take("key-1", read_rate_limits("5/h"), 5) is None
        assert windows.take("key-1", read_rate_limits("5/h"), 1) is not None
        assert windows.take("key-1", read_rate_limits("6/h"), 5) is None

    def test_ask_once_a_request(self, windows: SharedWindows, redis: Redis) -> None:
        limits = read_rate_limits("5/s, 10/min")
        windows.take("key-1", limits, 1)  # loads the script

        before = redis.info("commandstats")["cmdstat_evalsha"]["calls"]
        windows.take("key-1", limits, 1)
        after = redis.info("commandstats")["cmdstat_evalsha"]["calls"]

        assert after - before == 1

    def test_find_a_script_that_redis_forgot(self, windows: SharedWindows, redis: Redis) -> None:
        limits = read_rate_limits("5/h")
        windows.take("key-1", limits, 5)
        redis.script_flush()

        assert windows.take("key-1", limits, 1) is not None


class Gate:
    """A way to Redis that a test can shut and open."""

    def __init__(self, port: int) -> None:
        self._redis_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.is_open = True
        self.is_silent = False
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self.is_open:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._redis_port))
            self._open += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while octets := source.recv(65_536):
                if not self.is_silent:
                    target.sendall(octets)
        except OSError:
            pass

    def shut(self) -> None:
        self.is_open = False
        for each in self._open:
            # Closing alone would not wake the thread that reads from it.
            each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def close(self) -> None:
        self._listener.close()
        self.shut()


@pytest.fixture
def gate(redis_url: str) -> Iterator[Gate]:
    made = Gate(REDIS_PORT)
    yield made
    made.close()


class TestRedisAway:
    @pytest.fixture
    def windows(self, gate: Gate, redis: Redis, prefix: str) -> SharedWindows:
        url = f"redis://127.0.0.1:{gate.port}/{redis.connection_pool.connection_kwargs['db']}"
        return SharedWindows(url, prefix=prefix, local=LocalWindows())

    def test_leaves_each_process_to_count_alone(
        self, gate: Gate, windows: SharedWindows, caplog: pytest.LogCaptureFixture
    ) -> None:
        limits = read_rate_limits("5/h")
        assert windows.take("key-1", limits, 5) is None
        gate.shut()

        taken = [windows.take("key-1", limits, 1) is None for _ in range(8)]

        assert taken == [True] * 5 + [False] * 3
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert "Redis is away" in caplog.text

    def test_is_asked_again_after_a_while(
        self,
        gate: Gate,
        windows: SharedWindows,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(shared, "AWAY_SECONDS", 0.2)
        limits = read_rate_limits("5/h")
        windows.take("key-1", limits, 5)
        gate.shut()
        assert windows.take("key-1", limits, 1) is None
        gate.is_open = True
        time.sleep(0.3)

        assert windows.take("key-1", limits, 1) is not None
        assert "Redis answers again" in caplog.text

    def test_costs_no_more_than_a_moment_where_it_is_silent(
        self, gate: Gate, windows: SharedWindows
    ) -> None:
        limits = read_rate_limits("500/h")
        windows.take("key-1", limits, 1)
        gate.is_silent = True

        began = time.monotonic()
        answers = at_once([lambda: [windows.take("key-1", limits, 1) for _ in range(20)]] * 8)

        assert time.monotonic() - began < 10 * shared.TIMEOUT_SECONDS
        assert list(itertools.chain(*answers)) == [None] * 160

    def test_is_survived_by_a_connection_that_was_closed(
        self, gate: Gate, windows: SharedWindows, caplog: pytest.LogCaptureFixture
    ) -> None:
        limits = read_rate_limits("5/h")
        windows.take("key-1", limits, 5)
        gate.shut()
        gate.is_open = True

        assert windows.take("key-1", limits, 1) is not None
        assert caplog.records == []
