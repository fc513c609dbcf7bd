"""The only writer of rollup rows."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from django.db import connection

from analytics.sketches import SUMMARIES, Summary
from analytics.summaries import RowKey, count_of, is_capped
from events.sql import execute, given, send

Item = TypeVar("Item")
Encoded: TypeAlias = Sequence[tuple[Any, ...]]

# 2,000 rows of nine columns stay below the 32,766 parameters of one statement of SQLite.
_ROWS_PER_STATEMENT = 2_000

_KEY_COLUMNS = {
    "event_type_id": "bigint",
    "field_id": "bigint",
    "grain": "text",
    "starts_at": "timestamptz",
    "kind": "text",
}
_COLUMNS = _KEY_COLUMNS | {
    "local_date": "date",
    "count": "bigint",
    "summary": "bytea",
    "rough_since": "timestamptz",
}
_KEY = ", ".join(_KEY_COLUMNS)
_NAMES = ", ".join(_COLUMNS)
_OR = (
    f"ON CONFLICT ({_KEY}) DO UPDATE SET local_date = excluded.local_date, "
    "count = excluded.count, summary = excluded.summary, rough_since = "
)
# A row that was rough before a fold is so after it; one that was counted afresh no longer is.
_ROUGH_AFTER_FOLD = "COALESCE(analytics_rollup.rough_since, excluded.rough_since)"
_ROUGH_AFTER_COUNT = "excluded.rough_since"
_SAME_KEY = " AND ".join(f"r.{name} = given.{name}" for name in _KEY_COLUMNS)


def summary_of(kind: str, stored: bytes | memoryview) -> Summary:
    """Return the summary that a row of this kind holds; raises UnreadableSummaryError."""
    return SUMMARIES[kind].from_bytes(bytes(stored))


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Summaries with what their rows hold already; of the `rough` some values were lost."""

    summaries: Mapping[RowKey, Summary]
    rough: Collection[RowKey]


def merged_with_stored(summaries: Mapping[RowKey, Summary]) -> Merged:
    """Return the summaries with what their rows hold already."""
    merged = dict(summaries)
    rough: set[RowKey] = set()
    for key, stored in _stored(sorted(summaries)):
        before, new = summary_of(key.kind, stored), summaries[key]
        merged[key] = before.merge(new)
        # Days alone: an hour is rough only if its day is, and is counted afresh with it.
        if key.grain == "day" and (is_capped(before) or is_capped(new)):
            rough.add(key)
    return Merged(summaries=merged, rough=rough)


def _stored(keys: Sequence[RowKey]) -> Iterator[tuple[RowKey, bytes]]:
    for chunk in _chunks(keys):
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
        yield from ((chunk[place], stored) for place, stored in found)


def write_folded(encoded: Encoded) -> None:
    """Write what `encode` made of merged rows, in the caller's transaction."""
    _write(encoded, _ROUGH_AFTER_FOLD)


def write_counted(encoded: Encoded) -> None:
    """Write what `encode` made of rows that were counted afresh, in the caller's transaction."""
    _write(encoded, _ROUGH_AFTER_COUNT)


def _write(encoded: Encoded, rough: str) -> None:
    if connection.vendor == "sqlite":
        # Row by row, for each was made ready before: the write lock is held half as long.
        values = f"VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO analytics_rollup ({_NAMES}) {values} {_OR}{rough}", encoded
            )
        return
    for chunk in _chunks(encoded):
        query, parameters = given(chunk, *_COLUMNS.values())
        send(f"INSERT INTO analytics_rollup ({_NAMES}) {query} {_OR}{rough}", parameters)


def encode(
    summaries: Mapping[RowKey, Summary],
    *,
    rough: Collection[RowKey] = (),
    now: datetime | None = None,
) -> Encoded:
    """Return the rows to write, in the order of the key: two writers lock them in one order.

    Those in `rough` are marked as being so since `now`.
    """
    ops = connection.ops
    rough_since = None if now is None else ops.adapt_datetimefield_value(now)
    return [
        (
            *key[:3],
            ops.adapt_datetimefield_value(key.starts_at),
            key.kind,
            ops.adapt_datefield_value(key.local_date),
            count_of(summary),
            summary.to_bytes(),
            rough_since if key in rough else None,
        )
        for key, summary in sorted(summaries.items(), key=lambda item: item[0])
    ]


def settle(keys: Iterable[RowKey]) -> None:
    """Take the mark of being rough off rows, in the caller's transaction."""
    for chunk in _chunks(sorted(keys)):
        query, parameters = given([_key_values(key) for key in chunk], *_KEY_COLUMNS.values())
        send(
            f"WITH given({_KEY}) AS ({query}) UPDATE analytics_rollup SET rough_since = NULL "
            f"WHERE ({_KEY}) IN (SELECT {_KEY} FROM given)",
            parameters,
        )


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
