"""What must be true before the processes of `up` can start."""

import contextlib
import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL

from analytics.shards import outdated_shards
from config.reach import UnreachableError, reach_broker, reach_database
from config.supervisor import Options

# Any numbers: the advisory locks of hosts that start at once.
MIGRATION_LOCK = 7_272_001
RENEWAL_LOCK = 7_272_002
FINGERPRINT_FILE = ".fingerprint"
# Pages that are off; compressing their files takes seconds.
UNUSED_STATIC_FILES = ["rest_framework", "redoc", "swagger-ui-standalone-preset.js*"]


def prepare(options: Options) -> None:
    """Make the folder, the tables and the static files; raise CommandError where it can't be."""
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    _check_port(options)
    _check_services()
    migrate()
    renew_rollups()
    _collect_static_files()
    release_connections()


def migrate() -> None:
    """Bring the tables up to date, one process at a time."""
    with _alone(MIGRATION_LOCK):
        call_command("migrate", interactive=False, verbosity=0)


def renew_rollups() -> None:
    """Make statistics that another release wrote readable; an interrupted start goes on."""
    if not outdated_shards():
        return
    # Hardly ever needed: numpy would stay in the memory of the parent process.
    from config.renewal import renew  # noqa: PLC0415

    # Who had to wait for another host finds nothing left to do.
    with _alone(RENEWAL_LOCK):
        renew()


def _check_port(options: Options) -> None:
    # The web server shares its port between processes, so it would not notice another server.
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        with socket.socket(family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"Can't listen on {options.host} port {options.port} (choose with --host and --port): "
            f"{error}"
        ) from error


def check_database() -> None:
    """Raise CommandError where the database can't be reached."""
    try:
        reach_database()
    except UnreachableError as error:
        raise CommandError(f"Can't reach the database of DATABASE_URL: {error}") from error


def _check_services() -> None:
    check_database()
    try:
        reach_broker(settings.CELERY_BROKER_URL)
    except UnreachableError as error:
        raise CommandError(f"Can't reach the broker of CELERY_BROKER_URL: {error}") from error


@contextlib.contextmanager
def _alone(lock: int) -> Iterator[None]:
    """Let one host at a time do this; SQLite has one host and its own lock."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [lock])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])


def _collect_static_files() -> None:
    """Collect and compress the static files where one of them changed since the last start."""
    root = Path(settings.STATIC_ROOT)
    kept, current = root / FINGERPRINT_FILE, _fingerprint()
    if kept.exists() and kept.read_text() == current:
        return
    call_command(
        "collectstatic", interactive=False, verbosity=0, ignore_patterns=UNUSED_STATIC_FILES
    )
    kept.write_text(current)


def _fingerprint() -> str:
    """Return a hash of the static files' names, sizes and times."""
    digest = hashlib.sha256()
    for name, path in sorted(_static_files()):
        status = path.stat()
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _static_files() -> Iterator[tuple[str, Path]]:
    for finder in get_finders():
        for name, storage in finder.list(UNUSED_STATIC_FILES):
            yield name, Path(storage.path(name))


def release_connections() -> None:
    """Give up the database: the processes to start have connections of their own."""
    connections.close_all()
    default = connections["default"]
    if isinstance(default, PostgreSQL):
        default.close_pool()
