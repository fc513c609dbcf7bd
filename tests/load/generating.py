"""Purchases written straight into the tables, with the batches that say they are not folded."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from events.ids import new_id
from tests.load.stage import EVENT

SHARDS = 4  # events.models.SHARDS, which can't be imported without Django

_COLUMNS = (
    "id, project_id, event_type_id, customer_id, customer_seq, batch_id, occurred_at, received_at, "
    "wire, status, reason, metadata, points_awarded, points_total"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How many products and customers there are, and how many events a batch has."""

    products: int
    customers: int
    batch_events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: UUID
    occurred_at: datetime
    received_at: datetime
    metadata: Mapping[str, object]


def event_type_id(connection: psycopg.Connection[Any]) -> int:
    """Return the id of the one event type of the stage."""
    row = connection.execute("SELECT id FROM events_eventtype WHERE name = %s", [EVENT]).fetchone()
    return int(row[0]) if row else 0


def generate(
    connection: psycopg.Connection[Any],
    project: int,
    moments: Sequence[tuple[datetime, datetime]],
    amounts: Amounts,
) -> None:
    """Write an event for each (occurred at, received at), the same whenever it is called."""
    dice = random.Random(1)
    event_type = event_type_id(connection)
    connection.execute(
        "INSERT INTO events_metadatafield (event_type_id, name, type, dimension, personal, "
        "created_automatically, created_at) SELECT %s, name, 'auto', false, false, true, now() "
        "FROM unnest(%s::text[]) AS name",
        [event_type, list(_metadata(dice, amounts))],
    )
    for part in _parts(moments, amounts.batch_events):
        rows = [
            _Row(
                id=new_id(received),
                occurred_at=occurred,
                received_at=received,
                metadata=_metadata(dice, amounts),
            )
            for occurred, received in part
        ]
        customers = [dice.randrange(1, amounts.customers) for _ in rows]
        with connection.transaction():
            _copy_batch(connection, (project, event_type), rows, customers)


def _parts(
    moments: Sequence[tuple[datetime, datetime]], size: int
) -> Iterator[Sequence[tuple[datetime, datetime]]]:
    for first in range(0, len(moments), size):
        yield moments[first : first + size]


def _metadata(dice: random.Random, amounts: Amounts) -> dict[str, object]:
    """Return a purchase: two numbers, a level, texts of three, six, many, a flag, a gap."""
    return {
        "orderValue": round(dice.lognormvariate(3.2, 0.9), 2),
        "itemCount": 1 + int(dice.expovariate(0.8)),
        "level": dice.randrange(1, 80),
        "platform": dice.choice(["ios", "android", "web"]),
        "appVersion": f"2.{dice.choice([8, 9, 9, 10, 10, 10])}.{dice.randrange(2)}",
        # Products as they sell: few of them often, most of them seldom.
        "productId": f"SKU-{int(amounts.products ** dice.random()):05}",
        "isFirst": dice.random() < 0.2,
        "coupon": dice.choice([None, None, None, "SPRING", "WELCOME10"]),
    }


def _copy_batch(
    connection: psycopg.Connection[Any],
    place: tuple[int, int],
    rows: Sequence[_Row],
    customers: Sequence[int],
) -> None:
    project, event_type = place
    [batch] = connection.execute(
        "INSERT INTO events_batch (project_id, events, created_at) VALUES (%s, %s, now()) "
        "RETURNING id",
        [project, len(rows)],
    ).fetchone() or (0,)
    with connection.cursor().copy(f"COPY events_event ({_COLUMNS}) FROM STDIN") as copy:
        for seq, (row, customer) in enumerate(zip(rows, customers, strict=True)):
            owner = (row.id, project, event_type, customer, seq, batch)
            written = ("native", "accepted", "", json.dumps(row.metadata), 10, 10)
            copy.write_row((*owner, row.occurred_at, row.received_at, *written))
    ids = sorted(row.id for row in rows)
    connection.execute(
        "INSERT INTO events_openbatch (batch_id, shard, project_id, events, first_event_id, "
        "last_event_id, first_received_at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [batch, event_type % SHARDS, project, len(rows), ids[0], ids[-1], rows[0].received_at],
    )
