"""Set-based statements that read the same on PostgreSQL and SQLite."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from events.metadata import write_json

Row = tuple[Any, ...]

# SQLite's own default is 32,766 parameters a statement; few builds allow more.
_SQLITE_PARAMETERS = 30_000


def execute(statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """Run one statement on this thread's connection and return its rows, if it has any.

    On PostgreSQL the parameters are bound by the server, so that the few statements of a commit
    are prepared once; Django's own cursor would write them into the text each time.
    """
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []
    with connection.cursor() as cursor:
        cursor.execute(statement, [_sqlite_value(value) for value in parameters])
        return list(cursor.fetchall()) if cursor.description else []


def given(rows: Iterable[Sequence[Any]], *types: str) -> tuple[str, list[Any]]:
    """Return a query that yields the rows, and its parameters; `types` are PostgreSQL's.

    Use it as `WITH given(a, b) AS ({query}) …`. At least one row is needed on SQLite.
    """
    if connection.vendor == "postgresql":
        columns = list(zip(*rows, strict=True))
        arrays = ", ".join(f"%s::{kind}[]" for kind in types)
        return f"SELECT * FROM unnest({arrays})", [list(column) for column in columns]
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
    if connection.vendor != "postgresql":
        return ""
    # NO KEY: the row's id stays as it is, and inserts that refer to it need not wait.
    return f"FOR NO KEY UPDATE{' OF ' + of if of else ''}"


def text_of(column: str) -> str:
    """Return the expression that reads a json column as its text."""
    return f"{column}::text" if connection.vendor == "postgresql" else column


def _sqlite_value(value: Any) -> Any:
    # In the forms in which Django's own fields write them, for Django reads them again.
    match value:
        case UUID():
            return value.hex
        case datetime():
            return connection.ops.adapt_datetimefield_value(value)
        case date():
            return value.isoformat()
        case _:
            return value
