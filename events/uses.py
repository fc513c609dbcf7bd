"""Which vendors' formats a project is sent events in, and since when."""

import threading
import time
from collections.abc import Collection, Iterable
from datetime import datetime

from events.sql import given, send

# The latest use is kept to the minute, so that hardly a commit writes it.
NOTED_SECONDS = 60.0

# (project id, wire)
Use = tuple[int, str]

_noted: dict[Use, float] = {}
_mutex = threading.Lock()


def to_note(uses: Iterable[Use]) -> list[Use]:
    """Return those that this process has not written within the last minute, in order."""
    now = time.monotonic()
    return sorted({use for use in uses if _noted.get(use, 0.0) <= now})


def note(uses: Collection[Use], now: datetime) -> None:
    """Write them in the caller's transaction; `remember` them once it is committed."""
    if not uses:
        return
    rows = [(project_id, wire, now, now) for project_id, wire in uses]
    query, parameters = given(rows, "bigint", "text", "timestamptz", "timestamptz")
    columns = "project_id, wire, first_at, latest_at"
    send(
        f"WITH given({columns}) AS ({query}) INSERT INTO events_wireuse ({columns}) "
        "SELECT * FROM given WHERE true ON CONFLICT (project_id, wire) "
        "DO UPDATE SET latest_at = excluded.latest_at",
        parameters,
    )


def remember(uses: Iterable[Use]) -> None:
    """Let the next minute's commits leave these alone."""
    until = time.monotonic() + NOTED_SECONDS
    with _mutex:
        _noted.update((use, until) for use in uses)


def forget() -> None:
    """Forget what was written, as after a restart."""
    with _mutex:
        _noted.clear()
