"""What keys were used for lately: noted by requests, written by a thread that none waits for."""

import logging
import threading
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.models import Q

from events.models import ApiKey, LimitedDay
from events.sql import given, send
from events.types import Access

USED_SECONDS = 60  # the last use is kept to the minute
WRITE_SECONDS = 3.0  # what was noted is written at most so long afterwards
SHOWN_DAYS = 14
_LOG_SECONDS = 60.0

# (project id, key id or 0 for tokens, UTC day)
_Day = tuple[int, int, date]

logger = logging.getLogger(__name__)


class _Notes:
    """What was noted and is not written yet. A process that is killed loses these seconds."""

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.used: dict[int, datetime] = {}
        self.limited: dict[_Day, tuple[int, int]] = {}
        self.writes_itself = False
        self.is_waiting = False
        self.logged_at = -_LOG_SECONDS

    def taken(self) -> tuple[dict[int, datetime], dict[_Day, tuple[int, int]]]:
        """Take out all that was noted."""
        with self.mutex:
            used, self.used = self.used, {}
            limited, self.limited = self.limited, {}
        return used, limited

    def add(self, day: _Day, requests: int, events: int) -> None:
        before = self.limited.get(day, (0, 0))
        self.limited[day] = (before[0] + requests, before[1] + events)

    def wake(self) -> None:
        """Have it written soon, where this process writes; called with the mutex held."""
        if not self.writes_itself or self.is_waiting:
            return
        self.is_waiting = True
        timer = threading.Timer(WRITE_SECONDS, _write_apart)
        timer.daemon = True
        timer.start()


_notes = _Notes()


def write_in_background() -> None:
    """Let this process write what it notes, from the first note on; the web processes do."""
    _notes.writes_itself = True


def forget() -> None:
    """Forget what was noted, as after a restart."""
    global _notes
    _notes = _Notes()


def note_used(api_key: ApiKey, now: datetime) -> None:
    """Note that a key was used, where the last use that is written is a minute old."""
    last = api_key.last_used_at
    if last is not None and now - last < timedelta(seconds=USED_SECONDS):
        return
    with _notes.mutex:
        _notes.used[api_key.pk] = now
        _notes.wake()


def note_limited(access: Access, *, events: int, now: datetime) -> None:
    """Note that a request of so many events was refused by a rate limit."""
    day = (access.project_id, access.key_id or 0, now.astimezone(UTC).date())
    with _notes.mutex:
        _notes.add(day, 1, events)
        _notes.wake()


def write() -> None:
    """Write what was noted; what can't be written now is kept for the next time."""
    used, limited = _notes.taken()
    if not used and not limited:
        return
    try:
        with transaction.atomic():
            _write_uses(used)
            _write_limited(limited)
    except (DatabaseError, InterfaceError) as error:
        with _notes.mutex:
            _notes.used = used | _notes.used
            for day, (requests, events) in limited.items():
                _notes.add(day, requests, events)
        _log(error)


def _write_apart() -> None:
    try:
        with _notes.mutex:
            _notes.is_waiting = False
        write()
        with _notes.mutex:
            if _notes.used or _notes.limited:
                _notes.wake()
    finally:
        connections.close_all()


def _write_uses(used: dict[int, datetime]) -> None:
    # In one order, and nothing where another process was faster: those who write don't collide.
    for key_id, at in sorted(used.items()):
        is_old = Q(last_used_at=None) | Q(last_used_at__lt=at - timedelta(seconds=USED_SECONDS / 2))
        ApiKey.objects.filter(is_old, pk=key_id).update(last_used_at=at)


def _write_limited(limited: dict[_Day, tuple[int, int]]) -> None:
    if not limited:
        return
    rows = [(*day, *counts) for day, counts in sorted(limited.items())]
    query, parameters = given(rows, "bigint", "bigint", "date", "bigint", "bigint")
    columns = "project_id, key_number, date, requests, events"
    send(
        f"WITH given({columns}) AS ({query}) INSERT INTO events_limitedday ({columns}) "
        "SELECT * FROM given WHERE true ON CONFLICT (project_id, key_number, date) "
        "DO UPDATE SET requests = events_limitedday.requests + excluded.requests, "
        "events = events_limitedday.events + excluded.events",
        parameters,
    )


def _log(error: Exception) -> None:
    now = time.monotonic()
    if now - _notes.logged_at >= _LOG_SECONDS:
        _notes.logged_at = now
        logger.warning("What keys were used for is written later, for the database says: %s", error)


def limited_days(*, project_id: int, key_number: int, today: date) -> list[LimitedDay]:
    """Return the last days on which a key's limit refused something, the latest first."""
    days: Iterable[LimitedDay] = LimitedDay.objects.filter(
        project_id=project_id,
        key_number=key_number,
        date__gt=today - timedelta(days=SHOWN_DAYS),
    ).order_by("-date")
    return list(days)
