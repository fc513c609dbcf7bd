"""Pytest plugin that says what the tests could not find on this machine."""

import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import databases

CONNECT_TIMEOUT_SECONDS = 1.0
REDIS_PORT = 6379
REDIS_DATABASES = 16  # Redis' own default
RABBITMQ_PORT = 5672
REAL_EVENTS = "grocery_loyalty.ndjson.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something that tests need and a machine may lack; `find` returns "" where it lacks it."""

    name: str
    find: Callable[[], str]

    def required(self) -> str:
        """Return where it is, or skip the test."""
        found = self.find()
        if not found:
            pytest.skip(f"There is no {self.name}.")
        return found


def _redis_url() -> str:
    # Runs side by side should not take each other's messages.
    database = os.getpid() % REDIS_DATABASES
    return f"redis://127.0.0.1:{REDIS_PORT}/{database}" if _answers(REDIS_PORT) else ""


def _amqp_url() -> str:
    url = f"amqp://guest:guest@127.0.0.1:{RABBITMQ_PORT}//"
    return url if _answers(RABBITMQ_PORT) else ""


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=CONNECT_TIMEOUT_SECONDS):
            return True
    except OSError:
        return False


def _chromium() -> str:
    return shutil.which("chromium") or shutil.which("chromium", path="/usr/bin") or ""


def _real_data() -> str:
    folder = os.environ.get("TRACKWARD_REAL_DATA", "")
    return folder if folder and (Path(folder) / REAL_EVENTS).exists() else ""


REDIS = Service(name=f"Redis on 127.0.0.1:{REDIS_PORT}", find=_redis_url)
RABBITMQ = Service(name=f"RabbitMQ on 127.0.0.1:{RABBITMQ_PORT}", find=_amqp_url)
CHROMIUM = Service(name="Chromium (chromium on the PATH)", find=_chromium)
REAL_DATA = Service(name=f"real data ($TRACKWARD_REAL_DATA/{REAL_EVENTS})", find=_real_data)


def missing() -> list[str]:
    """Return the names of what is not there, PostgreSQL included."""
    postgresql = ["PostgreSQL (a server or the wheel)"] if databases.is_postgresql_missing() else []
    services = (REDIS, RABBITMQ, CHROMIUM, REAL_DATA)
    return postgresql + [service.name for service in services if not service.find()]


def _must_be_complete() -> bool:
    return os.environ.get("CI", "").lower() == "true"


def pytest_sessionfinish(session: pytest.Session) -> None:
    is_green = session.exitstatus == pytest.ExitCode.OK
    if not databases.WORKER and is_green and _must_be_complete() and missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    names = missing()
    terminalreporter.section("databases and services")
    terminalreporter.line(databases.summary())
    for name in names:
        terminalreporter.line(f"Not found, its tests did not run: {name}.")
    if names and _must_be_complete():
        terminalreporter.line("CI=true: everything must be there, so this run fails.", red=True)
