"""Two months of a shop's events, of every kind that a field may hold."""

import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from analytics import rollup
from events.models import Project
from events.types import Json
from tests import make
from tests.analytics import feed
from tests.analytics.feed import Sent
from tests.rewards.definitions import definition

FIELDS = (
    "price",
    "wide",
    "brand",
    "gift",
    "mixed",
    "tags",
    "app",
    "due",
    "order",
    "street",
)
BRANDS = [
    "Acme",
    "Größe & Söhne",
    "<b>bold</b>",
    "$x$",
    "a rather long name of a brand",
    "",
    " ",
    "%{y}",
]
MIXED: list[Json] = [None, 1, Decimal("2.5"), "1", "b", True, ["x", "y"]]
DAYS = 60
SHOWN_DAYS = 30
LAST = make.NOW.date()
FIRST = LAST - timedelta(days=SHOWN_DAYS - 1)


def play(project: Project) -> None:
    """Fill a project with events, folded but for the last; each earns 5 points."""
    chance = random.Random(7)
    make.rule(project, "Five for each play", definition("play", {"fixed": 5}))
    make.field(make.event_type(project, "play"), "street", personal=True)
    feed.send(project, *_events(chance))
    rollup.roll_up(seconds=60)
    feed.send(project, _event(chance, 0))


def _events(chance: random.Random) -> Iterator[Sent]:
    for day in range(DAYS):
        for _ in range(12 if day < SHOWN_DAYS else 8):
            yield _event(chance, day)


def _event(chance: random.Random, days_ago: int) -> Sent:
    return Sent(
        occurred_at=make.NOW - timedelta(days=days_ago, seconds=chance.randrange(3600)),
        customer=f"c-{chance.randrange(80)}",
        metadata=_metadata(chance) if chance.random() < 0.9 else {},
    )


def _metadata(chance: random.Random) -> dict[str, Json]:
    [brand] = chance.choices(BRANDS, weights=range(len(BRANDS), 0, -1))
    return {
        "price": Decimal(f"{chance.lognormvariate(3, 1.5):.2f}"),
        "wide": Decimal(chance.randrange(1, 99)).scaleb(chance.randrange(-9, 18)),
        "brand": brand,
        "gift": chance.random() < 0.3,
        "mixed": chance.choice(MIXED),
        "tags": chance.sample(["new", "sale", "gift"], chance.randrange(4)),
        "app": f"2.{chance.randrange(8, 12)}.0",
        "due": f"2026-0{chance.randrange(1, 7)}-1{chance.randrange(10)}",
        "order": f"o-{chance.randrange(10**9)}",
        "street": f"Main Street {chance.randrange(99)}",
    }
