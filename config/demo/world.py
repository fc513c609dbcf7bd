"""What the invented shop and game have in common: their days, their hours, how events arrive."""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from events.types import Entry, Event, Identity, JsonObject, Wire

DAYS = 90  # told of before the day on which the demo was made
KEY_PREFIX = "demo-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What one request brought, and who the customer is that it tells of."""

    received_at: datetime
    wire: Wire
    client: str
    entries: tuple[Entry, ...]
    attributes: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The days to tell of, both included; `crowd` scales how many people there are."""

    first: date
    last: date
    crowd: float = 1.0

    def days(self) -> Iterator[tuple[int, date]]:
        """Yield each day with its number, 0 for the first."""
        for number in range((self.last - self.first).days + 1):
            yield number, self.first + timedelta(days=number)

    def people(self, number: float) -> float:
        return number * self.crowd


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One invented project. What it tells of a day never depends on how many days follow."""

    slug: str
    name: str
    time_zone: str
    set_up: Callable[[date], JsonObject]
    arrivals: Callable[[Span], Iterator[Arrival]]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version of an app, out from the start of a day."""

    day: int
    version: str


class Pen:
    """Writes events, each under a key of its own."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def event(self, name: str, customer: Identity, at: datetime, metadata: JsonObject) -> Event:
        return Event(
            name=name,
            customer=customer,
            metadata=metadata,
            occurred_at=at,
            key=f"{KEY_PREFIX}{next(self._numbers):07d}",
        )


def moment(dice: random.Random, day: date, zone: ZoneInfo, by_hour: Sequence[float]) -> datetime:
    """Return a moment of a local day; `by_hour` weighs its 24 hours."""
    [hour] = dice.choices(range(24), by_hour)
    within = timedelta(milliseconds=dice.randrange(3_600_000))
    return (datetime.combine(day, time(hour), zone) + within).astimezone(UTC)


def soon(dice: random.Random, at: datetime) -> datetime:
    """Return when a request arrives that was sent at once."""
    return at + timedelta(milliseconds=dice.randint(40, 2_500))


def pick(dice: random.Random, weights: Mapping[str, float]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]


def version_on(day: float, releases: Sequence[Release]) -> str:
    """Return the newest version that is out on a day."""
    out = bisect_right([release.day for release in releases], day)
    return releases[max(out - 1, 0)].version


def as_many(dice: random.Random, expected: float) -> int:
    """Return a whole number that is as large as expected on average."""
    return int(expected) + (dice.random() < expected % 1)
