"""What a run needs and leaves nothing of: a database, a data folder, a project, processes."""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.rows import dict_row

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
SQLITE = "sqlite"
READY_SECONDS = 30.0
UP_READY_SECONDS = 90.0  # it migrates and collects its static files first
STOP_SECONDS = 20.0
BATCH_EVENTS = 1_000
EVENT = "daily_login"
METADATA = {"platform": "ios", "appVersion": "2.1.4", "sessionLength": 183}
POINTS = 10

# The rule and the streak of the Lynes page that the wire is built from.
SET_UP = {
    "event_types": [{"name": EVENT}],
    "rules": [
        {"name": "login", "definition": {"trigger": EVENT, "award": {"fixed": POINTS}}},
    ],
    "streaks": [
        {
            "name": "daily_app_use",
            "event": EVENT,
            "period": "day",
            "milestones": [{"at": 7, "points": 50}],
        }
    ],
}


class LoadError(Exception):
    """The run can't go on; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An empty installation with one project, its own database and folder."""

    database_url: str
    data_dir: Path
    root: Path  # of the source that is run
    api_key: str
    secret_key: str
    project_id: int

    def rows(self, query: str, parameters: Mapping[str, object] | None = None) -> list[Any]:
        """Return the rows of one query, as dictionaries."""
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            return connection.execute(query, parameters).fetchall()


@contextlib.contextmanager
def stage(server_url: str, *, root: Path = ROOT) -> Iterator[Stage]:
    """Make a database and a data folder, migrated, with the project; remove them at the end.

    The database is one of PostgreSQL's server, or a file where there is SQLITE in its place.
    `root` holds the source that is run, this one or another release's.
    """
    data_dir = Path(tempfile.mkdtemp(prefix="trackward-load-"))
    (data_dir / "static").mkdir()
    try:
        if server_url == SQLITE:
            yield _furnished(f"sqlite:///{data_dir / 'load.sqlite3'}", data_dir, root)
        else:
            with _database(server_url) as database_url:
                yield _furnished(database_url, data_dir, root)
    finally:
        shutil.rmtree(data_dir)


@contextlib.contextmanager
def _database(server_url: str) -> Iterator[str]:
    try:
        connection = psycopg.connect(server_url, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise LoadError(f"PostgreSQL does not let us in: {error}") from error
    name = f"trackward_load_{secrets.token_hex(4)}"  # two at once leave each other in peace
    with connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _furnished(database_url: str, data_dir: Path, root: Path) -> Stage:
    set_up = data_dir / "set_up.json"
    set_up.write_text(json.dumps(SET_UP))
    environment = _environment(database_url, data_dir, settings="tests.load.settings")
    _manage(root, environment, "migrate", "--verbosity=0")
    keys = json.loads(_manage(root, environment, "create_project", "load", "--json"))
    _manage(root, environment, "import_config", str(set_up), "--project=load")
    return Stage(
        database_url=database_url,
        data_dir=data_dir,
        root=root,
        api_key=keys["api_key"],
        secret_key=keys["secret_key"],
        project_id=_project_id(database_url),
    )


def _project_id(database_url: str) -> int:
    query = "SELECT id FROM events_project"
    if database_url.startswith("sqlite:"):
        with contextlib.closing(sqlite3.connect(urlsplit(database_url).path)) as file:
            [found] = file.execute(query).fetchone()
    else:
        with psycopg.connect(database_url) as connection:
            [found] = connection.execute(query).fetchone() or (0,)
    return int(found)


def manage(at: Stage, *arguments: str) -> str:
    """Run a management command on the stage; return what it printed."""
    environment = _environment(at.database_url, at.data_dir, settings="config.settings")
    return _manage(at.root, environment, *arguments)


def _manage(root: Path, environment: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LoadError(f"manage.py {arguments[0]} failed:\n{done.stderr}")
    return done.stdout


def _environment(database_url: str, data_dir: Path, *, settings: str) -> dict[str, str]:
    """Return our environment without what belongs to another installation."""
    ours = ("TRACKWARD_", "CELERY_", "DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": settings,
        "TRACKWARD_DATA_DIR": str(data_dir),
    }


@contextlib.contextmanager
def web(at: Stage, *, processes: int, settings: str = "config.settings") -> Iterator[str]:
    """Run the web server that `up` runs, under these settings; yield its URL."""
    port = _free_port()
    command = ["config.web", f"--host={HOST}", f"--port={port}", f"--workers={processes}"]
    environment = _environment(at.database_url, at.data_dir, settings=settings)
    with _running(at.root, [*command, f"--parent={os.getpid()}"], environment):
        _wait_for(port)
        yield f"http://{HOST}:{port}"


@contextlib.contextmanager
def up(at: Stage) -> Iterator[int]:
    """Run web and worker as `up` runs them by default; yield the port."""
    port = _free_port()
    environment = _environment(at.database_url, at.data_dir, settings="config.settings")
    with _running(at.root, ["manage", "up", f"--port={port}"], environment):
        _wait_for(port, UP_READY_SECONDS)
        yield port


@contextlib.contextmanager
def worker(at: Stage) -> Iterator[None]:
    """Run a worker as `up` runs it."""
    command = ["celery", "--quiet", "--app=config.celery", "worker", "--pool=solo"]
    quiet = ["--without-gossip", "--without-mingle", "--loglevel=WARNING"]
    environment = _environment(at.database_url, at.data_dir, settings="config.settings")
    with _running(at.root, [*command, *quiet], environment):
        yield


@contextlib.contextmanager
def _running(root: Path, command: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=root, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, seconds: float = READY_SECONDS) -> None:
    before = time.monotonic() + seconds
    while time.monotonic() < before:
        with contextlib.suppress(ConnectionError):
            _request(port, "GET", "/")
            return
        time.sleep(0.1)
    raise LoadError(f"The web server did not answer within {seconds:.0f} s.")


def _request(port: int, method: str, path: str, **given: Any) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(HOST, port, timeout=READY_SECONDS)
    try:
        connection.request(method, path, **given)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def make_customers(at: Stage, url: str, number: int) -> None:
    """Let customers 1 to `number` log in once, so that all of them are known."""
    port = urlsplit(url).port or 0
    headers = {"X-API-Key": at.api_key, "Content-Type": "application/json"}
    for first in range(1, number + 1, BATCH_EVENTS):
        events = [
            {"event": EVENT, "customer": f"user-{each}", "metadata": METADATA}
            for each in range(first, min(first + BATCH_EVENTS, number + 1))
        ]
        body = json.dumps({"events": events})
        answer = _request(port, "POST", "/api/v1/events", body=body, headers=headers)
        if answer.status != 200:
            raise LoadError(f"The customers could not be made: status {answer.status}.")
