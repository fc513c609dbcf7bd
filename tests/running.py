"""A whole installation in processes of its own, as an operator starts it, and a client of it."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import databases

READY_SECONDS = 60
COMMAND_SECONDS = 120
STOP_SECONDS = 30
ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Answer:
    """One HTTP answer; `body` is its JSON."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(slots=True)
class Installation:
    """An installation with its data folder and database; `port` is that of `up`."""

    data_dir: Path
    environment: dict[str, str]
    port: int = 0
    process: subprocess.Popen[str] | None = None
    log: list[str] = field(default_factory=list)

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=check,
        )

    def last_line(self, *arguments: str) -> Any:
        """Run a command and return the JSON of its last line."""
        return json.loads(self.manage(*arguments).stdout.splitlines()[-1])

    @contextlib.contextmanager
    def up(
        self, *options: str, command: str = "up", ready_seconds: float = READY_SECONDS
    ) -> Iterator[None]:
        """Run `up` or `demo` until the block ends; wait for its ready line."""
        self.port = _free_port()
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", command, "--port", str(self.port), *options],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            self._wait_until_ready(self.process, ready_seconds)
            yield
        finally:
            self._stop(self.process)

    def _wait_until_ready(self, process: subprocess.Popen[str], seconds: float) -> None:
        ready = threading.Event()

        def read() -> None:
            for line in process.stdout or ():
                self.log.append(line)
                if line.startswith("ready "):
                    ready.set()
            ready.set()

        threading.Thread(target=read, daemon=True).start()
        ready.wait(seconds)
        assert any(line.startswith("ready ") for line in self.log), "".join(self.log)

    def _stop(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            if process.stdout:
                process.stdout.close()

    def client(self) -> "Client":
        return Client(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60))


@dataclass(slots=True)
class Client:
    """One kept-alive connection."""

    connection: http.client.HTTPConnection

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """Send JSON; `x_api_key="…"` becomes the header X-API-Key."""
        return self._ask("POST", path, json.dumps(body).encode(), headers)

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def close(self) -> None:
        self.connection.close()

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, {"Content-Type": "application/json", **sent})
        response = self.connection.getresponse()
        text = response.read()
        return Answer(
            status=response.status,
            body=json.loads(text) if text else None,
            headers=dict(response.getheaders()),
        )


def installation(data_dir: Path, database_url: str, broker_url: str = "") -> Installation:
    """Return an installation on a database, migrated."""
    environment = os.environ | {
        "TRACKWARD_DATA_DIR": str(data_dir),
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": broker_url or "memory://",
        "PYTHONWARNINGS": "default",
    }
    data_dir.mkdir(exist_ok=True)
    (data_dir / "static").symlink_to(_static_files())
    made = Installation(data_dir=data_dir, environment=environment)
    databases.fill(database_url, lambda: made.manage("migrate", "-v0"))
    return made


def _static_files() -> Path:
    """Return the folder that the installations share, for compressing takes seconds."""
    folder = databases.data_dir() / "collected"
    folder.mkdir(exist_ok=True)
    return folder


def children(pid: int) -> list[int]:
    """Return the processes that a process started (Linux)."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def command_of(pid: int) -> Sequence[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
