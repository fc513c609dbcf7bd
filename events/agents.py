"""Bots, told by the end user's agent that an event names."""

from functools import lru_cache

from crawlerdetect import CrawlerDetect

from events.types import JsonObject

# As browsers' scripts, analytics libraries and servers name it.
AGENT_KEYS = ("user_agent", "userAgent", "useragent")

# A browser's agent has up to some three hundred; a search takes longer with each.
AGENT_CHARACTERS = 500

# Few agents make most of the traffic, and a search takes as long as all else of an event.
_REMEMBERED_AGENTS = 4_096

_detector = CrawlerDetect()


def is_bots(metadata: JsonObject, extra: JsonObject | None) -> bool:
    """Tell whether the end user of an event is a bot, by the agent in its metadata or, where that
    has none, by the agent that was sent beside it."""
    agent = _agent_in(metadata) or _agent_in(extra or {})
    return bool(agent) and _is_bot(agent[:AGENT_CHARACTERS])


def _agent_in(given: JsonObject) -> str:
    agents = (given.get(key) for key in AGENT_KEYS)
    return next((agent for agent in agents if isinstance(agent, str) and agent), "")


@lru_cache(maxsize=_REMEMBERED_AGENTS)
def _is_bot(agent: str) -> bool:
    return bool(_detector.is_crawler(agent))
