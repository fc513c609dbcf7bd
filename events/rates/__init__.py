"""Whether what a key sends is within its rate limits."""

import hashlib
import math
from functools import cache

from django.conf import settings
from django.utils import timezone

from events import key_activity
from events.rate_limits import in_words
from events.rates.shared import SharedWindows
from events.rates.windows import LocalWindows
from events.types import Access, Refusal, RefusalCode

__all__ = ["forget", "refusal_of"]


def refusal_of(access: Access, *, events: int) -> Refusal | None:
    """Count so many events against the limits of a key, or return why they are too many.

    What is refused is not counted against them: who waits is not made to wait longer.
    """
    excess = _windows().take(_subject(access), access.rate_limits, events)
    if excess is None:
        return None
    key_activity.note_limited(access, events=events, now=timezone.now())
    seconds = max(1, math.ceil(excess.wait_seconds))
    sender = "The project's tokens" if access.is_token else "The key"
    return Refusal(
        code=RefusalCode.RATE_LIMITED,
        message=f"{sender} may send {in_words(excess.limit)}. Nothing of this request was "
        f"stored; send it again in {seconds} s.",
        retry_after_seconds=seconds,
    )


def forget() -> None:
    """Forget what was sent, as after a restart; what stands in Redis stays."""
    _windows.cache_clear()


def _subject(access: Access) -> str:
    """Return what is counted together: a key's events, or those of all tokens of a project."""
    return f"tokens-{access.project_id}" if access.key_id is None else f"key-{access.key_id}"


@cache
def _windows() -> LocalWindows | SharedWindows:
    local = LocalWindows()
    if not settings.REDIS_URL:
        return local
    # Installations may share one Redis, and each has a key 1. Its hosts have one secret.
    installation = hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:12]
    return SharedWindows(settings.REDIS_URL, prefix=f"trackward:{installation}:rate:", local=local)
