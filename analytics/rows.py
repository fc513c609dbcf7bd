"""The only writer of rollup rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db import connection

from analytics.sketches import SUMMARIES, Summary
from analytics.summaries import RowKey, count_of
from events.sql import execute, given, send

Item = TypeVar("Item")

# 2,000 rows of eight columns stay below the 32,766 parameters of one statement of SQLite.
_ROWS_PER_STATEMENT = 2_000

_KEY_COLUMNS = {
    "event_type_id": "bigint",
    "field_id": "bigint",
    "grain": "text",
    "starts_at": "timestamptz",
    "kind": "text",
}
_COLUMNS = _KEY_COLUMNS | {"local_date": "date", "count": "bigint", "summary": "bytea"}
_KEY = ", ".join(_KEY_COLUMNS)
_NAMES = ", ".join(_COLUMNS)
_OR = (
    f"ON CONFLICT ({_KEY}) DO UPDATE SET local_date = excluded.local_date, "
    "count = excluded.count, summary = excluded.summary"
)
_SAME_KEY = " AND ".join(f"r.{name} = given.{name}" for name in _KEY_COLUMNS)


def summary_of(kind: str, stored: bytes | memoryview) -> Summary:
    """Return the summary that a row of this kind holds; raises UnreadableSummaryError."""
    return SUMMARIES[kind].from_bytes(bytes(stored))


def merged_with_stored(summaries: Mapping[RowKey, Summary]) -> dict[RowKey, Summary]:
    """Return the summaries with what their rows hold already."""
    merged = dict(summaries)
    for chunk in _chunks(sorted(summaries)):
        query, parameters = given(
            [(place, *_key_values(key)) for place, key in enumerate(chunk)],
            "int",
            *_KEY_COLUMNS.values(),
        )
        found = execute(
            f"WITH given(place, {_KEY}) AS ({query}) SELECT given.place, r.summary FROM given "
            f"JOIN analytics_rollup r ON {_SAME_KEY}",
            parameters,
        )
        for place, stored in found:
            key = chunk[place]
            merged[key] = summary_of(key.kind, stored).merge(summaries[key])
    return merged


def write(encoded: Sequence[tuple[Any, ...]]) -> None:
    """Write rows as `encode` made them, in the caller's transaction, over those of the same key."""
    if connection.vendor == "sqlite":
        # Row by row, for each was made ready before: the write lock is held half as long.
        values = f"VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO analytics_rollup ({_NAMES}) {values} {_OR}", encoded)
        return
    for chunk in _chunks(encoded):
        query, parameters = given(chunk, *_COLUMNS.values())
        send(f"INSERT INTO analytics_rollup ({_NAMES}) {query} {_OR}", parameters)


def encode(summaries: Mapping[RowKey, Summary]) -> list[tuple[Any, ...]]:
    """Return the rows to write, in the order of the key: two writers lock them in one order."""
    return [
        (
            *key[:3],
            connection.ops.adapt_datetimefield_value(key.starts_at),
            key.kind,
            connection.ops.adapt_datefield_value(key.local_date),
            count_of(summary),
            summary.to_bytes(),
        )
        for key, summary in sorted(summaries.items(), key=lambda item: item[0])
    ]


def delete(keys: Iterable[RowKey]) -> None:
    """Delete rows, in the caller's transaction."""
    for chunk in _chunks(sorted(keys)):
        query, parameters = given([_key_values(key) for key in chunk], *_KEY_COLUMNS.values())
        send(
            f"WITH given({_KEY}) AS ({query}) "
            f"DELETE FROM analytics_rollup WHERE ({_KEY}) IN (SELECT {_KEY} FROM given)",
            parameters,
        )


def _key_values(key: RowKey) -> tuple[object, ...]:
    return key[: len(_KEY_COLUMNS)]


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), _ROWS_PER_STATEMENT):
        yield items[start : start + _ROWS_PER_STATEMENT]
