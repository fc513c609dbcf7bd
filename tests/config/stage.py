"""What the tests of `up` do with the processes of an installation."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.running import ROOT, Installation, children, command_of, installation

DATABASE_FILE = "trackward.sqlite3"
WAIT_SECONDS = 60.0  # what takes longer fails the test


def install(data_dir: Path, *, database_url: str = "") -> Installation:
    """Return an installation, on SQLite in its folder where no other database is given."""
    return installation(data_dir, database_url or f"sqlite:///{data_dir / DATABASE_FILE}")


@contextlib.contextmanager
def started(made: Installation, port: int) -> Iterator[subprocess.Popen[str]]:
    """Start `up` apart from its log, and kill it where the block did not stop it."""
    with (made.data_dir / "up.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            cwd=ROOT,
            env=made.environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def family(pid: int) -> list[int]:
    """Return the processes that a process and those that it started have started."""
    found: list[int] = []
    for child in children(pid):
        found += [child, *family(child)]
    return found


def child_running(parent: int, word: str) -> int:
    """Return the child whose command holds the word, 0 where there is none."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for pid in children(parent):
            if word in command_of(pid):
                return pid
    return 0


def first_child(pid: int) -> int:
    """Return the oldest child, 0 where there is none or the process is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return next(iter(children(pid)), 0)
    return 0


def is_gone(pid: int) -> bool:
    """Say whether a process has ended, be it that nobody has asked for its exit status yet."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def until(is_so: Callable[[], object]) -> bool:
    """Return whether it became so in time: other processes tell only when asked."""
    gives_up_at = time.monotonic() + WAIT_SECONDS
    while not is_so():
        if time.monotonic() > gives_up_at:
            return False
        time.sleep(0.1)
    return True


def health_of(made: Installation) -> int:
    """Return the status of /health, 0 where nobody answers."""
    client = made.client()
    try:
        return client.get("/health").status
    except OSError:
        return 0
    finally:
        client.close()
