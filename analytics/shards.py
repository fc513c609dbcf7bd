"""The shards in which rollups are changed, each by one worker at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

from analytics.layout import VERSION
from analytics.models import ShardState
from events.models import SHARDS
from events.sql import execute

# The first half of our advisory locks' keys: other locks of the database begin with another.
_LOCK_CLASS = 0x526F6C6C


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Some of a project's event types: those whose id leaves `number` when divided by SHARDS."""

    project_id: int
    number: int


class OvertakenError(Exception):
    """The rollups of the shard were changed since they were read; nothing may be written."""


@contextmanager
def alone(shard: Shard) -> Iterator[bool]:
    """Keep other workers off a shard until the end; yields False where one is at work already.

    On PostgreSQL this is a lock that ends with the transaction around the block. SQLite has no
    such locks: there `count_change` refuses all but the first of those who met.
    """
    if connection.vendor != "postgresql":
        yield True
        return
    with transaction.atomic():
        [(is_free,)] = execute(
            "SELECT pg_try_advisory_xact_lock(%s::int, %s::int)", _lock_key(shard)
        )
        yield bool(is_free)


@contextmanager
def exclusively(shard: Shard) -> Iterator[None]:
    """Run the block in one transaction, after all other workers have left the shard."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            execute("SELECT pg_advisory_xact_lock(%s::int, %s::int)", _lock_key(shard))
        yield


def changes_of(shard: Shard) -> int:
    """Return how often the shard's rollups were changed so far."""
    states = ShardState.objects.filter(project_id=shard.project_id, shard=shard.number)
    return states.values_list("changes", flat=True).first() or 0


def count_change(shard: Shard, *, seen: int) -> None:
    """Count one change, in the caller's transaction.

    Raises OvertakenError where the shard no longer stands at `seen`.
    """
    changed = execute(
        "INSERT INTO analytics_shardstate (project_id, shard, changes, layout) "
        "VALUES (%s, %s, 1, %s) "
        "ON CONFLICT (project_id, shard) DO UPDATE SET changes = analytics_shardstate.changes + 1 "
        "WHERE analytics_shardstate.changes = %s RETURNING changes",
        [shard.project_id, shard.number, VERSION, seen],
    )
    if not changed:
        raise OvertakenError(f"The rollups of {shard} were changed meanwhile.")


def outdated_shards() -> list[Shard]:
    """Return the shards with rollups of another release's layout, in the order of their key."""
    states = ShardState.objects.exclude(layout=VERSION).order_by("project_id", "shard")
    found = states.values_list("project_id", "shard")
    return [Shard(project_id=project_id, number=number) for project_id, number in found]


def note_layout(shard: Shard) -> None:
    """Note that all rollups of the shard have this release's layout."""
    ShardState.objects.filter(project_id=shard.project_id, shard=shard.number).update(
        layout=VERSION
    )


def _lock_key(shard: Shard) -> list[int]:
    return [_LOCK_CLASS, shard.project_id * SHARDS + shard.number]
