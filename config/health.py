"""The page by which balancers and operators see whether this installation is whole."""

import threading
import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Sum
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.reach import UnreachableError, broker_kind, reach_broker, reach_database
from events import heartbeat
from events.models import OpenBatch

WORKER_SILENCE_SECONDS = 30  # a worker beats every 5 s
BROKER_CACHE_SECONDS = 5.0  # each question is a new connection to the broker

Part = dict[str, Any]


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Return the state of each part; 503 where one of them is down."""
    parts = {"broker": _broker()} | _database_parts()
    is_ok = all(part["ok"] for part in parts.values())
    order = ("database", "broker", "worker", "backlog")
    body = {"status": "ok" if is_ok else "failing"} | {name: parts[name] for name in order}
    return JsonResponse(body, status=200 if is_ok else 503)


def _database_parts() -> dict[str, Part]:
    """Return what the database answers, or that it doesn't and so nothing is known."""
    try:
        reach_database()
        return {"database": {"ok": True}, "worker": _worker(), "backlog": _backlog()}
    except (UnreachableError, DatabaseError, InterfaceError):
        return {
            "database": {"ok": False},
            "worker": {"ok": False, "seen_seconds_ago": None},
            "backlog": {"ok": False, "events": None},
        }


def _worker() -> Part:
    seen_at = heartbeat.last_seen_at()
    if seen_at is None:
        return {"ok": False, "seen_seconds_ago": None}
    # The clocks of two hosts differ: a heartbeat may seem to come from the future.
    seconds_ago = max(0.0, (datetime.now(UTC) - seen_at).total_seconds())
    return {"ok": seconds_ago <= WORKER_SILENCE_SECONDS, "seen_seconds_ago": round(seconds_ago, 1)}


def _backlog() -> Part:
    """Return how many events are not in the rollups yet: a matter of time, not a failure."""
    return {"ok": True, "events": OpenBatch.objects.aggregate(n=Sum("events"))["n"] or 0}


def _broker() -> Part:
    kind = broker_kind(settings.CELERY_BROKER_URL)
    return {"ok": _broker_answer.is_ok(settings.CELERY_BROKER_URL), "kind": kind}


class _BrokerAnswer:
    """The broker's last answer, asked anew after some seconds and by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._url = ""
        self._asked_at = 0.0
        self._is_ok = False

    def is_ok(self, url: str) -> bool:
        with self._lock:
            is_old = time.monotonic() - self._asked_at > BROKER_CACHE_SECONDS
            if is_old or url != self._url:
                self._is_ok = _reaches(url)
                self._url, self._asked_at = url, time.monotonic()
            return self._is_ok


def _reaches(url: str) -> bool:
    try:
        reach_broker(url)
    except UnreachableError:
        return False
    return True


_broker_answer = _BrokerAnswer()
