"""The invented game: levels to pass, one of them too hard until a release eases it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from config.demo import people
from config.demo.world import (
    Arrival,
    Pen,
    Release,
    Span,
    World,
    as_many,
    moment,
    pick,
    soon,
    version_on,
)
from events.metadata import read_json
from events.types import Event, Identity, Json, JsonObject
from events.wires import lynes

SLUG = "game"
TIME_ZONE = "America/New_York"
HARD_LEVEL = "world_2_level_5"
EASED_BY = "2.11.0"

_ZONE = ZoneInfo(TIME_ZONE)
_BY_HOUR = (5, 3, 1, 0.5, 0.5, 1, 3, 6, 7, 5, 5, 6, 9, 8, 6, 7, 9, 11, 12, 14, 17, 18, 15, 10)
_BY_WEEKDAY = (0.95, 0.9, 0.9, 0.95, 1.1, 1.3, 1.25)  # from Monday
_FIRST_PLAYERS = 135
_JOINING = (1.4, 4.8)  # a day: at the beginning, and from day 90 on
_GROWING_DAYS = 90
_LEAVING = 0.006  # of the players, a day
_RELEASES = (
    Release(day=0, version="2.8.3"),
    Release(day=6, version="2.9.0"),
    Release(day=34, version="2.10.0"),
    Release(day=39, version="2.10.1"),
    Release(day=67, version=EASED_BY),
)
_LEVELS = tuple(f"world_{world}_level_{level}" for world in range(1, 6) for level in range(1, 6))
_UNRELEASED_LEVEL = "world_6_level_1"  # in nobody's catalogue
_OFFLINE_SHARE = 0.02
_TOO_LATE_SHARE = 0.0015  # an app that was opened again after more than a month
_MISTAKE_SHARE = 0.01  # sessions in a test build
_GIVING_UP = 0.12  # of those who fail the hard level again, in a day
_FIRST_NUMBER = 1001  # user123, of the printed line, begins at nothing

_PLATFORMS = {"ios": 5.0, "android": 5.0, "web": 1.5}
_COUNTRIES = {"US": 8.0, "CA": 2.0, "BR": 1.5, "DE": 1.0, "JP": 1.0, "GB": 1.0}
_DEVICES = {
    "ios": ("iPhone 15", "iPhone 17 Pro", "iPad Air"),
    "android": ("Pixel 9", "Galaxy S25", "Redmi Note 14"),
}
_POWER_UPS = ("shield", "magnet", "double_jump", "slow_time")
_PAYMENTS = {"app_store": 5.0, "credit_card": 3.0, "gift_card": 1.0}
_PACKS = {"coins_small": 199, "coins_large": 999, "starter_pack": 499, "season_pass": 1499}
_CHANNELS = {"link": 5.0, "whatsapp": 3.0, "qr": 1.0}


@dataclass(slots=True, kw_only=True)
class _Player:
    number: int
    name: str
    platform: str
    country: str
    device: str | None
    keenness: float  # share of ordinary days with a login
    skill: float
    update_lag_days: float
    joined: date
    level: int = 0
    attempts: int = 0
    purchases: int = 0
    is_gone: bool = False

    @property
    def id(self) -> str:
        return f"user{self.number}"

    @property
    def identity(self) -> Identity:
        return Identity(external_id=self.id)

    @property
    def attributes(self) -> JsonObject:
        return {
            "name": self.name,
            "country": self.country,
            "platform": self.platform,
            "joined": self.joined.isoformat(),
        }


@dataclass(slots=True, kw_only=True)
class _Session:
    """One sitting of a player: what the app will send, and when it is."""

    player: _Player
    at: datetime
    version: str
    events: list[Event] = field(default_factory=list)


def set_up(_began: date) -> JsonObject:
    """Return the game's set-up."""
    read = read_json((Path(__file__).parent / "game.json").read_bytes())
    if not isinstance(read, dict):
        raise TypeError(f"game.json holds no object: {read}")
    return read


def arrivals(span: Span) -> Iterator[Arrival]:
    """Yield every request of the days, those of one day in no order."""
    return _Game(span).arrivals()


class _Game:
    """The game as its days go by."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._dice = random.Random(f"{SLUG} {span.first}")  # noqa: S311 (a demo needs repeatable dice)
        self._pen = Pen()
        self._players: list[_Player] = []
        self._joined = 0
        self._orders = 0

    def arrivals(self) -> Iterator[Arrival]:
        for _ in range(as_many(self._dice, self._span.people(_FIRST_PLAYERS))):
            self._join(self._span.first).level = min(int(self._dice.expovariate(0.25)), 14)
        for number, day in self._span.days():
            early, late = _JOINING
            joining = early + (late - early) * min(number / _GROWING_DAYS, 1)
            newcomers = [
                self._join(day) for _ in range(as_many(self._dice, self._span.people(joining)))
            ]
            for player in self._players:
                likely = player.keenness * _BY_WEEKDAY[day.weekday()]
                if player in newcomers or self._dice.random() < likely:
                    yield from self._sent(self._play(player, number, day))
            self._players = [
                each
                for each in self._players
                if not each.is_gone and self._dice.random() > _LEAVING
            ]

    def _join(self, day: date) -> _Player:
        dice = self._dice
        self._joined += 1
        platform = pick(dice, _PLATFORMS)
        player = _Player(
            number=_FIRST_NUMBER + self._joined,
            name=people.name(dice),
            platform=platform,
            country=pick(dice, _COUNTRIES),
            device=dice.choice(_DEVICES[platform]) if platform in _DEVICES else None,
            keenness=0.08 + 0.85 * dice.betavariate(1.6, 2.2),
            skill=dice.gauss(1, 0.15),
            update_lag_days=dice.expovariate(1 / 5) if dice.random() < 0.94 else 45,
            joined=day,
        )
        self._players.append(player)
        return player

    def _play(self, player: _Player, number: int, day: date) -> _Session:
        """Let a player sit down once: a login, some levels, now and then something more."""
        dice = self._dice
        session = _Session(
            player=player,
            at=moment(dice, day, _ZONE, _BY_HOUR),
            version=version_on(number - player.update_lag_days, _RELEASES),
        )
        self._note(session, "daily_login", self._login(session))
        for _ in range(dice.choices([0, 1, 2, 3, 4], [6, 7, 5, 2, 1])[0]):
            if not player.is_gone:
                self._try_level(session)
        if dice.random() < 0.05:
            self._buy(session)
        if dice.random() < 0.02:
            channel = pick(dice, _CHANNELS)
            self._note(
                session, "friend_invited", {"channel": channel, "friends": dice.randint(1, 4)}
            )
        return session

    def _note(self, session: _Session, name: str, metadata: JsonObject) -> None:
        event = self._pen.event(name, session.player.identity, session.at, metadata)
        session.events.append(event)

    def _login(self, session: _Session) -> JsonObject:
        player, dice = session.player, self._dice
        login: dict[str, Json] = {
            "platform": player.platform,
            "appVersion": session.version,
            "sessionLength": 20 + int(dice.lognormvariate(4.8, 0.7)),
            # A browser does not tell it.
            "batteryLevel": None if player.platform == "web" else dice.randint(3, 100),
            "isOnWifi": dice.random() < 0.7,
        }
        if player.device:
            login["deviceModel"] = player.device
        return login

    def _try_level(self, session: _Session) -> None:
        player, dice = session.player, self._dice
        is_through = player.level >= len(_LEVELS)
        level = dice.choice(_LEVELS) if is_through else _LEVELS[player.level]
        is_eased = session.version == EASED_BY
        is_hard = level == HARD_LEVEL
        effort = (1.35 if is_eased else 2.6) if is_hard else 1.0
        passes = ((0.55 if is_eased else 0.2) if is_hard else 0.82) * player.skill
        player.attempts += 1
        seconds = int(effort * dice.lognormvariate(4.9 + 0.02 * player.level, 0.45))
        session.at += timedelta(milliseconds=seconds * 1000 + dice.randint(2_000, 40_000))
        tried: JsonObject = {
            "levelId": level,
            "difficulty": "hard" if is_hard else ("normal", "easy")[player.level < 4],
            "timeToComplete": seconds,
            "attempts": player.attempts,
            "platform": player.platform,
            "appVersion": session.version,
        }
        if dice.random() < passes:
            self._pass_level(session, tried, is_through=is_through)
        else:
            self._fail_level(session, tried, is_hard=is_hard and not is_eased)

    def _pass_level(self, session: _Session, tried: JsonObject, *, is_through: bool) -> None:
        player, dice = session.player, self._dice
        stars = dice.choices([1, 2, 3], [1, 2, 3] if player.attempts < 3 else [4, 2, 1])[0]
        used = dice.sample(_POWER_UPS, dice.choices([0, 1, 2], [6, 3, 1])[0])
        self._note(session, "level_completed", {**tried, "starsEarned": stars, "powerUps": used})
        player.attempts = 0
        player.level += not is_through

    def _fail_level(self, session: _Session, tried: JsonObject, *, is_hard: bool) -> None:
        player, dice = session.player, self._dice
        failed = {name: value for name, value in tried.items() if name != "timeToComplete"}
        reason = dice.choice(["fell", "time_up", "enemy", None])
        self._note(session, "level_failed", {**failed, "reason": reason})
        player.is_gone = is_hard and player.attempts > 2 and dice.random() < _GIVING_UP

    def _buy(self, session: _Session) -> None:
        player, dice = session.player, self._dice
        self._orders += 1
        player.purchases += 1
        items = dice.choices(list(_PACKS), [8, 3, 4, 1], k=dice.choices([1, 2, 3], [8, 2, 1])[0])
        session.at += timedelta(milliseconds=dice.randint(20_000, 200_000))
        order_id = f"G{session.at.astimezone(UTC):%y%m%d}-{50_000 + self._orders * 11}"
        value = Decimal(sum(_PACKS[item] for item in items)) / 100
        purchase: JsonObject = {
            "orderId": order_id,
            "orderValue": value,
            "currency": "USD",
            "items": items,
            "itemCount": len(items),
            "paymentMethod": pick(dice, _PAYMENTS),
            "platform": player.platform,
            "isFirst": player.purchases == 1,
        }
        self._note(session, "purchase_completed", purchase)
        if dice.random() < 0.07:
            session.at += timedelta(milliseconds=dice.randint(600_000, 5_000_000))
            self._note(
                session,
                "purchase_refunded",
                {"orderId": order_id, "amount": value, "reason": dice.choice(["child", "mistake"])},
            )

    def _sent(self, session: _Session) -> Iterator[Arrival]:
        """Yield a session's requests: one for each event, as the wire has it."""
        dice, player = self._dice, session.player
        late = self._delay(player)
        client = f"skyhopper-{player.platform}/{session.version}"
        events = session.events
        if dice.random() < _MISTAKE_SHARE:
            events = [*events, self._mistake(session)]
        for event in events:
            yield Arrival(
                received_at=soon(dice, event.occurred_at or session.at) + late,
                wire=lynes.wire,
                client=client,
                entries=(event,),
                attributes=player.attributes,
            )

    def _delay(self, player: _Player) -> timedelta:
        """Return how long the session waits in a device that is offline."""
        dice = self._dice
        if player.platform == "web":
            return timedelta()
        if dice.random() < _TOO_LATE_SHARE:
            return timedelta(days=33, minutes=dice.randrange(1_000))
        return timedelta(hours=dice.randint(18, 48) if dice.random() < _OFFLINE_SHARE else 0)

    def _mistake(self, session: _Session) -> Event:
        """Return an event of a test build, under a name that the catalogue does not have."""
        metadata: JsonObject = {"levelId": _UNRELEASED_LEVEL, "appVersion": "2.12.0-beta"}
        name = self._dice.choice(["level_complete", "boss_defeated"])
        player = session.player
        return Event(
            name=name,
            customer=player.identity,
            metadata=metadata,
            occurred_at=session.at,
            source={"eventId": name, "userId": player.id, "metadata": metadata},
        )


WORLD = World(slug=SLUG, name="Demo game", time_zone=TIME_ZONE, set_up=set_up, arrivals=arrivals)
