"""The only writer of rollup rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from analytics.sketches import SUMMARIES, Summary
from analytics.summaries import RowKey, count_of
from events.sql import execute, given

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


def write(encoded: Sequence[tuple[object, ...]]) -> None:
    """Write rows as `encode` made them, in the caller's transaction, over those of the same key."""
    columns = ", ".join(_COLUMNS)
    for chunk in _chunks(encoded):
        query, parameters = given(chunk, *_COLUMNS.values())
        # SQLite takes ON for the condition of a join unless the query has a WHERE.
        execute(
            f"WITH given({columns}) AS ({query}) "
            f"INSERT INTO analytics_rollup ({columns}) SELECT {columns} FROM given WHERE true "
            f"ON CONFLICT ({_KEY}) DO UPDATE SET local_date = excluded.local_date, "
            "count = excluded.count, summary = excluded.summary",
            parameters,
        )


def encode(summaries: Mapping[RowKey, Summary]) -> list[tuple[object, ...]]:
    """Return the rows to write, in the order of the key: two writers lock them in one order."""
    return [
        (*_key_values(key), key.local_date, count_of(summary), summary.to_bytes())
        for key, summary in sorted(summaries.items(), key=lambda item: item[0])
    ]


def delete(keys: Iterable[RowKey]) -> None:
    """Delete rows, in the caller's transaction."""
    for chunk in _chunks(sorted(keys)):
        query, parameters = given([_key_values(key) for key in chunk], *_KEY_COLUMNS.values())
        execute(
            f"WITH given({_KEY}) AS ({query}) "
            f"DELETE FROM analytics_rollup WHERE ({_KEY}) IN (SELECT {_KEY} FROM given)",
            parameters,
        )


def _key_values(key: RowKey) -> tuple[object, ...]:
    return key[: len(_KEY_COLUMNS)]


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), _ROWS_PER_STATEMENT):
        yield items[start : start + _ROWS_PER_STATEMENT]
