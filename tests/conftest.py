"""The cast of the tests and the stage they play on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import TransactionTestCase, override_settings

from events import auth, catalogue, key_activity, rates, uses
from events.guard import append_only_lifted
from events.models import Project
from events.projects import NewProject
from rewards import ruleset
from tests import databases, make, services

MIGRATED_TABLES = {"auth_permission", "django_content_type"}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Put SQLite's test database into a file: one in memory knows neither WAL nor waiting."""
    if databases.ENGINE == "sqlite":
        database: dict[str, Any] = settings.DATABASES["default"]
        database["TEST"]["NAME"] = databases.data_dir() / "test.sqlite3"
        # No test pulls the plug, and every commit would wait for the disk.
        options = database["OPTIONS"]
        options["init_command"] = options["init_command"].replace("=FULL", "=OFF")


@pytest.fixture(scope="session", autouse=True)
def _settings() -> Iterator[None]:
    """Serve static files as they lie in the apps, and hash passwords fast."""
    Path(settings.STATIC_ROOT).mkdir(exist_ok=True)
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        STORAGES=settings.STORAGES | {"staticfiles": plain},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture(scope="session", autouse=True)
def _emptied_through_the_guard() -> Iterator[None]:
    """Empty the tables after a transactional test through the guard of the append-only ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: empty_tables())
        yield


def empty_tables() -> None:
    """Delete what tests wrote, and leave what the migrations did.

    Django's own flush takes 1 s on PostgreSQL: it truncates every table into a new file and
    then makes content types and permissions again.
    """
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with append_only_lifted(), connection.cursor() as cursor:
        for table in sorted(set(tables) - MIGRATED_TABLES):
            cursor.execute(f"DELETE FROM {table}")


@pytest.fixture(autouse=True)
def _forgetful() -> None:
    """Start as a fresh process: ids repeat between tests, and so would what is remembered."""
    auth.forget()
    catalogue.forget()
    key_activity.forget()
    rates.forget()
    ruleset.forget()
    uses.forget()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands at `make.NOW` until the test moves it (`clock.shift(60)`)."""
    with time_machine.travel(make.NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def shop_keys(db: None) -> NewProject:
    """The shop with its keys in clear."""
    return make.keyed_project("shop", time_zone="Europe/Berlin")


@pytest.fixture
def shop(shop_keys: NewProject) -> Project:
    return shop_keys.project


@pytest.fixture
def other_keys(db: None) -> NewProject:
    """Charlie's project with its keys in clear: nothing of the shop may show there."""
    return make.keyed_project("other")


@pytest.fixture
def other(other_keys: NewProject) -> Project:
    return other_keys.project


@pytest.fixture
def alice(shop: Project) -> User:
    """A member of the shop's staff."""
    return make.staff("alice", shop)


@pytest.fixture
def bob(db: None) -> User:
    """The operator, who sees every project."""
    return make.staff("bob", is_superuser=True)


@pytest.fixture
def charlie(other: Project) -> User:
    """A member of another project's staff, who must see nothing of the shop."""
    return make.staff("charlie", other)


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    """An empty database of its own on this worker's engine, for processes that a test starts."""
    with databases.fresh(tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def each_database() -> None:
    """For fixtures that start an installation of their own, on this worker's engine: with it their
    tests run once on each."""


@pytest.fixture
def redis_url() -> str:
    return services.REDIS.required()


@pytest.fixture
def amqp_url() -> str:
    return services.RABBITMQ.required()


@pytest.fixture
def chromium_path() -> str:
    return services.CHROMIUM.required()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real events and the exact answers to them."""
    return Path(services.REAL_DATA.required())
