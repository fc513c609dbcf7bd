"""The questions whether the database and the broker can be reached."""

from typing import Any
from urllib.parse import urlsplit

from django.db import DatabaseError, InterfaceError, connection
from kombu import Connection
from kombu.exceptions import OperationalError

TIMEOUT_SECONDS = 2

BROKER_KINDS = {
    "memory": "memory",
    "redis": "redis",
    "rediss": "redis",
    "amqp": "amqp",
    "amqps": "amqp",
    "pyamqp": "amqp",
}
_BROKER_OPTIONS: dict[str, dict[str, Any]] = {
    "redis": {"socket_connect_timeout": TIMEOUT_SECONDS, "socket_timeout": TIMEOUT_SECONDS}
}


class UnreachableError(Exception):
    """The service could not be reached; the message says why."""


def reach_database() -> None:
    """Open a connection of our own to the database, or raise UnreachableError.

    The pool would wait for seconds before it says no, and it does not say why.
    """
    probe = connection.copy()
    if probe.vendor == "postgresql":
        options = probe.settings_dict["OPTIONS"]
        options.pop("pool", None)
        options.setdefault("connect_timeout", TIMEOUT_SECONDS)
    try:
        probe.ensure_connection()
        probe.close()
    except (DatabaseError, InterfaceError) as error:
        raise UnreachableError(_in_one_line(error)) from error


def broker_kind(url: str) -> str:
    """Return memory, redis or amqp; raise UnreachableError where the URL is none of these."""
    scheme = urlsplit(url).scheme
    if scheme not in BROKER_KINDS:
        raise UnreachableError(
            f"its scheme is {scheme!r}, and must be one of {', '.join(sorted(BROKER_KINDS))}."
        )
    return BROKER_KINDS[scheme]


def reach_broker(url: str) -> None:
    """Open a connection to the broker, or raise UnreachableError; memory is always there."""
    kind = broker_kind(url)
    if kind == "memory":
        return
    options = _BROKER_OPTIONS.get(kind, {})
    try:
        broker = Connection(url, connect_timeout=TIMEOUT_SECONDS, transport_options=options)
    except ValueError as error:  # a port that is no number
        raise UnreachableError(_in_one_line(error)) from error
    refusals: tuple[type[BaseException], ...] = (OperationalError,)
    refusals += broker.connection_errors + broker.channel_errors
    try:
        with broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=TIMEOUT_SECONDS)
    except refusals as error:
        raise UnreachableError(_in_one_line(error)) from error


def _in_one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
