"""Set-based statements that read the same on PostgreSQL and SQLite."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

from events.metadata import write_json

Row = tuple[Any, ...]

# SQLite's own default is 32,766 parameters a statement; few builds allow more.
_SQLITE_PARAMETERS = 30_000

# The statements of a group look up few rows by their keys. Their plans are kept as long as the
# connection: one made while a table was small would go on reading it whole when it is large.
# A way that is off only looks dear, and the compiler (jit) would start up for what looks dear.
_OFF = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_material", "jit")
_LOOK_UP_BY_INDEX = "SELECT " + ", ".join(f"set_config('{name}', 'off', true)" for name in _OFF)


class Answer:
    """The rows of a statement that was sent."""

    __slots__ = ("rows",)

    def __init__(self, rows: Callable[[], list[Row]]) -> None:
        self.rows = rows
        """Wait for the rows and return them."""


NO_ROWS = Answer(list)


@contextmanager
def pipelined() -> Iterator[None]:
    """Let the statements of a transaction leave without waiting for each other's answers.

    On PostgreSQL a group's statements then need few trips instead of one each. The error of a
    statement is raised by the next that waits for its rows, at the latest here at the end.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    if not _is_postgresql():
        yield
        return
    wrapper.ensure_connection()
    with wrapper.wrap_database_errors, wrapper.connection.pipeline():
        send(_LOOK_UP_BY_INDEX)
        yield


def execute(statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """Run one statement that has rows on this thread's connection and return them."""
    return send(statement, parameters).rows()


def send(statement: str, parameters: Sequence[Any] = ()) -> Answer:
    """Send one statement on this thread's connection; within `pipelined` nothing waits for it.

    On PostgreSQL the parameters are bound by the server, so that the few statements of a commit
    are prepared once; Django's own cursor would write them into the text each time.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    if _is_postgresql():
        wrapper.ensure_connection()
        with wrapper.wrap_database_errors:
            sent = psycopg.Cursor(wrapper.connection).execute(statement, parameters)
        return Answer(wrapper.wrap_database_errors(sent.fetchall))
    with wrapper.cursor() as cursor:
        cursor.execute(statement, [_sqlite_value(value) for value in parameters])
        found = list(cursor.fetchall())
    return Answer(lambda: found)


def given(rows: Iterable[Sequence[Any]], *types: str) -> tuple[str, list[Any]]:
    """Return a query that yields the rows, and its parameters; `types` are PostgreSQL's.

    Use it as `WITH given(a, b) AS ({query}) …`. At least one row is needed.
    """
    if _is_postgresql():
        columns = zip(*rows, strict=True)
        return _unnest(types), [_array(*each) for each in zip(types, columns, strict=True)]
    listed = list(rows)
    if len(listed) * len(types) > _SQLITE_PARAMETERS:
        return _given_as_json(listed, width=len(types))
    row = f"({', '.join(['%s'] * len(types))})"
    return f"VALUES {', '.join([row] * len(listed))}", [value for each in listed for value in each]


def _given_as_json(rows: Sequence[Sequence[Any]], *, width: int) -> tuple[str, list[Any]]:
    """Return the query over one parameter, for rows that hold no bytes."""
    columns = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(width))
    values = [[_sqlite_value(value) for value in row] for row in rows]
    return f"SELECT {columns} FROM json_each(%s)", [write_json(values).decode()]


def row_lock(of: str = "") -> str:
    """Return the clause that locks the selected rows; SQLite's transaction has the only lock."""
    if not _is_postgresql():
        return ""
    # NO KEY: the row's id stays as it is, and inserts that refer to it need not wait.
    return f"FOR NO KEY UPDATE{' OF ' + of if of else ''}"


def text_of(column: str) -> str:
    """Return the expression that reads a json column as its text."""
    return f"{column}::text" if _is_postgresql() else column


def last_id(table: str) -> str:
    """Return the expression for the id of the row that this transaction inserted last."""
    return f"currval('{table}_id_seq')" if _is_postgresql() else f"(SELECT max(id) FROM {table})"


@cache
def _is_postgresql() -> bool:
    return connections[DEFAULT_DB_ALIAS].vendor == "postgresql"


@cache
def _unnest(types: tuple[str, ...]) -> str:
    return f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in types)})"


def _array(kind: str, column: Sequence[Any]) -> str:
    """Return an array as PostgreSQL reads it.

    psycopg asks each value of a list for its type, which costs more than the statement.
    """
    written = _WRITTEN.get(kind, str)
    if None in column:
        return f"{{{','.join(['NULL' if each is None else written(each) for each in column])}}}"
    if written is _quoted and (array := _text_array(column)):
        return array
    return f"{{{','.join(map(written, column))}}}"


def _text_array(column: Sequence[str]) -> str:
    """Return the array, its texts escaped all at once; "" where one of them holds U+0000."""
    joined = "\x00".join(column)
    if joined.count("\x00") != len(column) - 1:
        return ""
    escaped = joined.replace("\\", "\\\\").replace('"', '\\"').replace("\x00", '","')
    return f'{{"{escaped}"}}'


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _hexadecimal(octets: bytes) -> str:
    return f'"\\\\x{octets.hex()}"'


_WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "text": _quoted,
    "json": _quoted,
    "bytea": _hexadecimal,
    "timestamptz": datetime.isoformat,
    "date": date.isoformat,
    "uuid": attrgetter("hex"),
}


def _sqlite_value(value: Any) -> Any:
    # In the forms in which Django's own fields write them, for Django reads them again.
    match value:
        case UUID():
            return value.hex
        case datetime():
            return connections[DEFAULT_DB_ALIAS].ops.adapt_datetimefield_value(value)
        case date():
            return value.isoformat()
        case _:
            return value
