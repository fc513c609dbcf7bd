"""The web process of `up`: granian serving the WSGI application."""

import argparse
import os
from functools import partial
from typing import TYPE_CHECKING

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from config.lifeline import end_with
from config.wsgi import application

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 32  # requests that wait for one group commit share it, so threads are throughput
CONNECTIONS = 1_024  # accepted at once; more wait in the backlog
BACKLOG_CONNECTIONS = 2_048
STOP_SECONDS = 10  # running requests get this long to end


def main() -> None:
    options = _options()
    end_with(options.parent)
    Granian(
        "config.wsgi:application",
        address=options.host,
        port=options.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=options.workers,
        blocking_threads=THREADS,
        backlog=BACKLOG_CONNECTIONS,
        backpressure=CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_level=LogLevels.error,
    ).serve(target_loader=partial(_application, os.getpid()), wrap_loader=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True, help="the process to end with")
    return parser.parse_args()


def _application(parent_pid: int) -> "WSGIApplication":
    """Return the application, in a worker process that ends with granian's main process."""
    end_with(parent_pid)
    return application


if __name__ == "__main__":
    main()
