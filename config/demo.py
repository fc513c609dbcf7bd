"""A believable small project for a first look: its set-up, two weeks of events, its keys."""

import json
import os
import random
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from config.set_up import read_set_up
from events import auth, keys, projects
from events.models import ApiKey, Project
from events.types import Access, Credential, Event, Identity, JsonObject, Reception, Request
from events.wires import native
from rewards.pipeline import process

SLUG = "demo"
TIME_ZONE = "Europe/Berlin"
DAYS = 14
PLAYERS = 150
EVENTS_PER_REQUEST = 500
FILE_NAME = "demo.json"

SET_UP: JsonObject = {
    "event_types": [
        {
            "name": "daily_login",
            "fields": [
                {"name": "platform", "type": "text"},
                {"name": "appVersion", "type": "version"},
                {"name": "sessionLength", "type": "number"},
            ],
        },
        {
            "name": "purchase_completed",
            "fields": [
                {"name": "orderValue", "type": "number"},
                {"name": "itemCount", "type": "number"},
                {"name": "paymentMethod", "type": "text"},
            ],
        },
        {
            "name": "level_completed",
            "fields": [
                {"name": "levelId", "type": "text"},
                {"name": "timeToComplete", "type": "number"},
            ],
        },
    ],
    "rules": [
        {
            "name": "Daily login",
            "state": "live",
            "definition": {"trigger": "daily_login", "award": {"fixed": 10}},
        },
        {
            "name": "2 points per €",
            "state": "live",
            "definition": {
                "trigger": "purchase_completed",
                "award": {
                    "per_unit": {
                        "points": 2,
                        "per": "1",
                        "field": "event.orderValue",
                        "step": "whole",
                        "rounding": "floor",
                    }
                },
                "limits": [
                    {
                        "per": "customer",
                        "of": "points",
                        "window": "month",
                        "n": 1000,
                        "over": "clip",
                    }
                ],
            },
        },
    ],
    "streaks": [
        {
            "name": "daily_app_use",
            "event": "daily_login",
            "period": "day",
            "milestones": [{"at": 3, "points": 30}, {"at": 7, "points": 100}],
        }
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a visitor needs: kept in the data folder, printed at every start."""

    project: str
    login: str
    password: str
    api_key: str
    secret_key: str
    jwt: str
    jwt_secret: str


def kept_demo(data_dir: Path) -> Demo | None:
    """Return what an earlier start wrote; None where there is none that this database knows."""
    try:
        demo = Demo(**json.loads((data_dir / FILE_NAME).read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    # The file may be of another database: its keys would be printed and refused.
    access = auth.authenticate([Credential(kind="api_key", value=demo.api_key)])
    return demo if isinstance(access, Access) else None


@transaction.atomic
def make_demo(now: datetime) -> Demo:
    """Make the project with its set-up and a login; where it exists already, new keys for it."""
    demo = _new_demo(now)
    read_set_up(Project.objects.get(slug=SLUG), SET_UP, by=None, now=now)
    return demo


def keep_demo(demo: Demo, data_dir: Path) -> None:
    """Keep the keys in the data folder (mode 0600), whole or not at all."""
    part = data_dir / f".{FILE_NAME}.part"
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        json.dump(asdict(demo), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    part.rename(data_dir / FILE_NAME)


def _new_demo(now: datetime) -> Demo:
    password = secrets.token_urlsafe(9)
    login, _ = get_user_model().objects.get_or_create(
        username="admin", defaults={"is_staff": True, "is_superuser": True}
    )
    login.set_password(password)
    login.save()
    if not Project.objects.filter(slug=SLUG).exists():
        made = projects.create(slug=SLUG, time_zone=TIME_ZONE, strict=False, now=now)
        texts = (made.api_key, made.secret_key, made.jwt, made.jwt_secret)
    else:
        texts = _further_keys(Project.objects.get(slug=SLUG), now)
    api_key, secret_key, jwt, jwt_secret = texts
    return Demo(
        project=SLUG,
        login="admin",
        password=password,
        api_key=api_key,
        secret_key=secret_key,
        jwt=jwt,
        jwt_secret=jwt_secret,
    )


def _further_keys(project: Project, now: datetime) -> tuple[str, str, str, str]:
    """Return new keys of a project whose first ones are lost with the file that held them."""
    jwt_secret = keys.decrypted(project.jwt_secret)
    return (
        keys.issue(project, ApiKey.Kind.API, name="Demo").text,
        keys.issue(project, ApiKey.Kind.SECRET, name="Demo").text,
        keys.signed_token(slug=SLUG, secret=jwt_secret, now=now),
        jwt_secret,
    )


def seed(today: date) -> int:
    """Send two weeks of events up to yesterday through the pipeline; return their number.

    The same for the same date. A second time nothing changes: every event has its key.
    """
    project = Project.objects.get(slug=SLUG)
    access = auth.access_of(project)
    events = sorted(_events(today), key=lambda event: event.occurred_at or _BEGINNING)
    for start in range(0, len(events), EVENTS_PER_REQUEST):
        _send(access, events[start : start + EVENTS_PER_REQUEST])
    return len(events)


def _send(access: Access, events: Sequence[Event]) -> None:
    request = Request(entries=tuple(events), is_list=True)
    reception = Reception(access=access, received_at=timezone.now(), client="demo")
    process(native.wire, request, reception)


_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def _events(today: date) -> Iterator[Event]:
    dice = random.Random(f"{SLUG} {today}")  # noqa: S311 (a demo needs repeatable dice)
    players = [_player(dice, number) for number in range(PLAYERS)]
    for back in range(DAYS, 0, -1):
        day = today - timedelta(days=back)
        for player in players:
            yield from _day_of(dice, player, day)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Player:
    name: str
    platform: str
    keenness: float  # chance of a login on a working day


def _player(dice: random.Random, number: int) -> _Player:
    return _Player(
        name=f"user{100 + number}",
        platform=dice.choices(["ios", "android", "web"], [5, 4, 2])[0],
        keenness=dice.betavariate(2, 2),
    )


def _day_of(dice: random.Random, player: _Player, day: date) -> Iterator[Event]:
    weekend = 1.35 if day.isoweekday() > 5 else 1.0
    if dice.random() > player.keenness * weekend:
        return
    at = datetime.combine(day, time(5), UTC) + timedelta(minutes=dice.triangular(0, 960, 780))
    version = dice.choices(["2.9.0", "2.10.0", "2.10.1"], [1, 3, 2])[0]
    login: JsonObject = {
        "platform": player.platform,
        "appVersion": version,
        "sessionLength": 20 + int(dice.lognormvariate(4.8, 0.7)),
    }
    yield _event("daily_login", player, at, login)
    for _ in range(dice.choices([0, 1, 2, 3], [3, 4, 2, 1])[0]):
        at += timedelta(minutes=dice.randint(2, 20))
        yield _event("level_completed", player, at, _level(dice, player))
    if dice.random() < 0.12:
        at += timedelta(minutes=dice.randint(1, 30))
        yield _event("purchase_completed", player, at, _purchase(dice, player))


def _level(dice: random.Random, player: _Player) -> JsonObject:
    world, level = dice.choice([1, 1, 1, 2, 2, 3]), dice.randint(1, 5)
    hard = 1.8 if (world, level) == (2, 5) else 1.0
    return {
        "levelId": f"world_{world}_level_{level}",
        "difficulty": dice.choice(["easy", "normal", "normal", "hard"]),
        "timeToComplete": int(hard * dice.lognormvariate(5.2, 0.5)),
        "attempts": 1 + int(hard * dice.expovariate(1)),
        "starsEarned": dice.choice([1, 2, 2, 3, 3, 3]),
        "platform": player.platform,
    }


def _purchase(dice: random.Random, player: _Player) -> JsonObject:
    items = dice.choices([1, 2, 3, 5], [6, 3, 2, 1])[0]
    cents = 99 + 500 * items + int(dice.paretovariate(2.2) * 300)
    return {
        "orderValue": Decimal(cents) / 100,
        "currency": "EUR",
        "itemCount": items,
        "paymentMethod": dice.choices(["credit_card", "paypal", "invoice"], [5, 4, 1])[0],
        "platform": player.platform,
        "isFirst": dice.random() < 0.2,
    }


def _event(name: str, player: _Player, at: datetime, metadata: JsonObject) -> Event:
    return Event(
        name=name,
        customer=Identity(external_id=player.name),
        metadata=metadata,
        occurred_at=at,
        key=f"demo:{player.name}:{name}:{at:%Y-%m-%dT%H:%M:%S}",
    )
