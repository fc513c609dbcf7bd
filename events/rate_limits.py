"""Rate limits as text: read, checked, and said in words."""

import re
from functools import lru_cache

from events.types import RateLimit

MOST_LIMITS = 4  # of one key
MOST_EVENTS = 1_000_000_000  # in one window
LONGEST_SECONDS = 86_400  # of one window: what was sent a day ago need not be remembered

# What Gameball's own API takes of one key.
GAMEBALL_PRESET = "100/s, 1200/30s"

_SECONDS = {"s": 1, "min": 60, "h": 3_600}
_NAMES = {"s": "second", "min": "minute", "h": "hour"}
_ONE = re.compile(r"([0-9]{1,12})\s*/\s*([0-9]{0,6})\s*(s|min|h)", re.IGNORECASE)
_CACHED_TEXTS = 1_000


class RateLimitError(ValueError):
    """The text is no rate limit; the message says why."""


@lru_cache(maxsize=_CACHED_TEXTS)
def read_rate_limits(text: str) -> tuple[RateLimit, ...]:
    """Return the limits that a text such as `100/s, 1200/30s` names, none for an empty one.

    Raises RateLimitError.
    """
    if not text.strip():
        return ()
    limits = tuple(_rate_limit(part.strip()) for part in text.split(","))
    if len(limits) > MOST_LIMITS:
        raise RateLimitError(f"At most {MOST_LIMITS} limits can hold at a time.")
    windows = [limit.seconds for limit in limits]
    if len(set(windows)) < len(windows):
        raise RateLimitError("Two of the limits are of the same window; keep the lower one.")
    return limits


def _rate_limit(text: str) -> RateLimit:
    match = _ONE.fullmatch(text)
    if match is None:
        raise RateLimitError(
            f"“{text}” is no rate limit. Write events, a slash and a window in s, min or h: "
            f"{GAMEBALL_PRESET}."
        )
    events, number, unit = int(match[1]), int(match[2] or 1), match[3].lower()
    seconds = number * _SECONDS[unit]
    if not 1 <= events <= MOST_EVENTS:
        raise RateLimitError(f"“{text}” must allow 1 to {MOST_EVENTS:,} events.")
    if not 1 <= seconds <= LONGEST_SECONDS:
        raise RateLimitError(f"The window of “{text}” must be 1 to {LONGEST_SECONDS:,} seconds.")
    return RateLimit(events=events, seconds=seconds)


def in_words(limit: RateLimit) -> str:
    """Return a limit as a part of a sentence: "100 events per second"."""
    events = f"{limit.events:,} event{'' if limit.events == 1 else 's'}"
    unit = next(name for name in ("h", "min", "s") if limit.seconds % _SECONDS[name] == 0)
    number = limit.seconds // _SECONDS[unit]
    return f"{events} per {f'{number:,} {_NAMES[unit]}s' if number > 1 else _NAMES[unit]}"
