"""The demo's projects with their login and keys, kept in the data folder."""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from config.demo.world import DAYS, World
from config.set_up import read_set_up
from events import auth, keys, projects
from events.models import ApiKey, Project
from events.types import Access, Credential

FILE_NAME = "demo.json"
LOGIN = "admin"


class TakenSlugError(Exception):
    """A project that the demo did not make has the slug of one of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of one project, in clear."""

    api_key: str
    secret_key: str
    jwt: str
    jwt_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a visitor needs: kept in the data folder, printed at every start.

    `project` is the one that the printed line sends to; `told_on` is the date (ISO) on which
    events were last added, "" where there are none.
    """

    project: str
    login: str
    password: str
    projects: Mapping[str, Keys]
    told_on: str = ""

    @property
    def keys(self) -> Keys:
        return self.projects[self.project]


def kept_demo(data_dir: Path) -> Demo | None:
    """Return what an earlier start wrote; None where there is none that this database knows."""
    try:
        demo = _read(json.loads((data_dir / FILE_NAME).read_text()))
    except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
    # The file may be of another database: its keys would be printed and refused.
    return demo if all(map(_is_known, demo.projects.values())) else None


def _read(kept: Any) -> Demo:
    return Demo(
        project=kept["project"],
        login=kept["login"],
        password=kept["password"],
        projects={slug: Keys(**each) for slug, each in kept["projects"].items()},
        told_on=kept["told_on"],
    )


def _is_known(of_project: Keys) -> bool:
    key = Credential(kind="api_key", value=of_project.api_key)
    return isinstance(auth.authenticate([key]), Access)


def make_demo(worlds: Sequence[World], data_dir: Path, now: datetime) -> Demo:
    """Make login, projects and set-up; where a project exists already, new keys for it.

    The first world's is the project of the printed line. Raises TakenSlugError.
    """
    with transaction.atomic():
        login, password = _new_login()
        of_projects = {world.slug: _keys_of(world, login, now) for world in worlds}
        demo = Demo(project=worlds[0].slug, login=LOGIN, password=password, projects=of_projects)
        # Within: keys that are committed and kept nowhere would be lost.
        keep_demo(demo, data_dir)
    return demo


def keep_demo(demo: Demo, data_dir: Path) -> None:
    """Keep the keys in the data folder (mode 0600), whole or not at all."""
    kept = {**asdict(demo), **asdict(demo.keys)}
    part = data_dir / f".{FILE_NAME}.part"
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        json.dump(kept, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    part.rename(data_dir / FILE_NAME)


def told(demo: Demo, now: datetime) -> Demo:
    """Return the demo with the note that its events reach up to now."""
    return replace(demo, told_on=now.date().isoformat())


def _new_login() -> tuple[Any, str]:
    password = secrets.token_urlsafe(9)
    login, _ = get_user_model().objects.get_or_create(
        username=LOGIN, defaults={"is_staff": True, "is_superuser": True}
    )
    login.set_password(password)
    login.save()
    return login, password


def _keys_of(world: World, login: Any, now: datetime) -> Keys:
    project = Project.objects.filter(slug=world.slug).first()
    if project is None:
        return _made(world, login, now)
    # The file that held the first keys is lost; somebody's own project is not ours to fill.
    if project.name != world.name:
        raise TakenSlugError(
            f"The project “{world.slug}” is not the demo's, which would fill it with invented "
            "events. Start the demo with another folder (--data-dir) or another database."
        )
    return _further_keys(project, now)


def _made(world: World, login: Any, now: datetime) -> Keys:
    made = projects.create(slug=world.slug, time_zone=world.time_zone, strict=False, now=now)
    project = made.project
    project.name = world.name
    project.created_at = now  # the days that the demo tells of are counted from it
    project.save()
    first = (now - timedelta(days=DAYS)).astimezone(world.zone)
    read_set_up(project, world.set_up(first.date()), by=login, now=first)
    return Keys(
        api_key=made.api_key,
        secret_key=made.secret_key,
        jwt=made.jwt,
        jwt_secret=made.jwt_secret,
    )


def _further_keys(project: Project, now: datetime) -> Keys:
    jwt_secret = keys.decrypted(project.jwt_secret)
    return Keys(
        api_key=keys.issue(project, ApiKey.Kind.API, name="Demo").text,
        secret_key=keys.issue(project, ApiKey.Kind.SECRET, name="Demo").text,
        jwt=keys.signed_token(slug=project.slug, secret=jwt_secret, now=now),
        jwt_secret=jwt_secret,
    )
