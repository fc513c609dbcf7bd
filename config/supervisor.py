"""The parent process of `up`, which starts web and workers and restarts what dies."""

import contextlib
import http.client
import logging
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from django.conf import settings
from django.core.management import CommandError

CHECK_SECONDS = 0.1
ASK_SECONDS = 0.5  # between two looks at /health
READY_SECONDS = 60
STOP_SECONDS = 15.0  # then what still runs is killed
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.5, 30.0
STEADY_SECONDS = 60.0  # who lived this long is restarted without a grown delay

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where to listen, and how many processes to run."""

    host: str
    port: int
    web: int
    workers: int

    @property
    def reached_at(self) -> str:
        """The host under which this machine reaches itself."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def url(self) -> str:
        host = f"[{self.reached_at}]" if ":" in self.reached_at else self.reached_at
        return f"http://{host}:{self.port}"


def add_options(parser: ArgumentParser) -> None:
    """Add the options of every command that ends in `run`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (%(default)s)")
    parser.add_argument("--web", type=int, default=1, help="web processes (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes (%(default)s)")
    # manage.py takes it out of the line before the settings are read; here it is for --help.
    parser.add_argument("--data-dir", help="folder of all that is kept (./var)")


def options_from(values: Mapping[str, object]) -> Options:
    """Return the options among a command's values; raise CommandError where they can't be."""
    options = Options(
        host=str(values["host"]),
        port=int(str(values["port"])),
        web=int(str(values["web"])),
        workers=int(str(values["workers"])),
    )
    if options.web < 1:
        raise CommandError("--web must be at least 1.")
    if options.workers < 0:
        raise CommandError("--workers must not be negative.")
    return options


def run(options: Options) -> None:
    """Run web and workers until SIGTERM or Ctrl-C; raise CommandError where they don't get ready.

    Prints the ready line once /health answers 200.
    """
    children = _children(options)
    with _stop_signals() as asked:
        try:
            _watch(children, options, asked)
        finally:
            _stop(children)


class Child:
    """One process of ours, in a process group of its own."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self._name = name
        self._command = [sys.executable, *command]
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._restart_at = 0.0
        self._delay_seconds = FIRST_DELAY_SECONDS

    def keep_alive(self) -> None:
        """Start the process where it does not run, later each time that it dies young."""
        if self._process is None:
            if time.monotonic() >= self._restart_at:
                self._start()
        elif self._process.poll() is not None:
            self._note_death(self._process.returncode)

    def ask_to_stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def has_stopped(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        """Kill the process and those that it started."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _start(self) -> None:
        # Ctrl-C reaches the terminal's whole group: in their own one they end when we say so.
        # Their output goes to stderr, so that stdout holds the ready line alone.
        self._process = subprocess.Popen(  # noqa: S603
            self._command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            start_new_session=True,
        )
        self._started_at = time.monotonic()

    def _note_death(self, code: int) -> None:
        self.kill()  # a dead web process leaves workers of its own, and they hold the port
        now = time.monotonic()
        if now - self._started_at >= STEADY_SECONDS:
            self._delay_seconds = FIRST_DELAY_SECONDS
        self._restart_at = now + self._delay_seconds
        logger.error(
            "The %s process ended with code %d and starts again in %.1f s.",
            self._name,
            code,
            self._delay_seconds,
        )
        self._delay_seconds = min(2 * self._delay_seconds, LONGEST_DELAY_SECONDS)


def _children(options: Options) -> list[Child]:
    web = ["-m", "config.web", "--host", options.host, "--port", str(options.port)]
    web += ["--workers", str(options.web), "--parent", str(os.getpid())]
    workers = range(1, options.workers + 1)
    return [
        Child("web", web),
        *(Child(f"worker-{number}", _worker_command(number)) for number in workers),
    ]


def _worker_command(number: int) -> list[str]:
    # Several installations may share a host, so the name holds the port's owner: our own id.
    name = f"worker-{number}-{os.getpid()}@%h"
    # Celery warns of root, as in a container, for the sake of pickled messages; ours are JSON.
    celery = ["-W", "ignore:You're running the worker with superuser", "-m", "celery", "--quiet"]
    worker = ["--app", "config.celery", "worker", "--hostname", name]
    alone = ["--pool", "solo", "--concurrency", "1", "--without-gossip", "--without-mingle"]
    return [*celery, *worker, *alone, "--loglevel", "WARNING"]


def _environment() -> dict[str, str]:
    """Return the environment of a child: it works in our folder and imports our code."""
    path = [str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "PYTHONUNBUFFERED": "1",
        "TRACKWARD_DATA_DIR": str(settings.DATA_DIR),
        "TRACKWARD_PARENT_PID": str(os.getpid()),
    }


class _Asked:
    """Whether we were asked to stop."""

    to_stop = False


@contextlib.contextmanager
def _stop_signals() -> Iterator[_Asked]:
    """Note SIGTERM and SIGINT instead of dying of them."""
    asked = _Asked()

    def note(number: int, frame: FrameType | None) -> None:
        asked.to_stop = True

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(children: Sequence[Child], options: Options, asked: _Asked) -> None:
    is_ready, started_at = False, time.monotonic()
    next_look_at = started_at + ASK_SECONDS
    while not asked.to_stop:
        for child in children:
            child.keep_alive()
        if not is_ready and time.monotonic() >= next_look_at:
            is_ready = _is_ready(options, waited_seconds=time.monotonic() - started_at)
            next_look_at = time.monotonic() + ASK_SECONDS
        time.sleep(CHECK_SECONDS)


def _is_ready(options: Options, *, waited_seconds: float) -> bool:
    """Ask for our health, print the ready line where it is good, give up after a while."""
    answer = _health(options)
    if answer.startswith("200"):
        print(f"ready {options.url}", flush=True)  # noqa: T201
        return True
    if waited_seconds > READY_SECONDS:
        raise CommandError(f"Not ready after {READY_SECONDS} s: /health answers {answer}")
    return False


def _health(options: Options) -> str:
    """Return status and body of /health, or why there is no answer."""
    web = http.client.HTTPConnection(options.reached_at, options.port, timeout=5)
    try:
        web.request("GET", "/health")
        answer = web.getresponse()
        return f"{answer.status} {answer.read().decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as error:
        return f"nothing ({error})"
    finally:
        web.close()


def _stop(children: Sequence[Child]) -> None:
    """Let all end what they are doing, and kill what takes too long."""
    kill_at = time.monotonic() + STOP_SECONDS
    for child in children:
        child.ask_to_stop()
    while time.monotonic() < kill_at and not all(child.has_stopped() for child in children):
        time.sleep(CHECK_SECONDS)
    for child in children:
        child.kill()
