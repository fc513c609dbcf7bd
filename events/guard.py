"""Append-only tables: the database refuses to change them, except through one guard."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_MESSAGE = "is append-only: its rows are neither changed nor deleted"

_POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION trackward_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('trackward.guard', true), '') = 'lifted' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION '% {_MESSAGE}', TG_TABLE_NAME;
END $$
"""


@contextmanager
def append_only_lifted() -> Iterator[None]:
    """Allow changes of append-only tables, in this transaction alone.

    For erasure, retention and the teardown of tests.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL trackward.guard = 'lifted'")
            yield
            cursor.execute("SET LOCAL trackward.guard = ''")
        else:
            cursor.execute("INSERT INTO events_guard DEFAULT VALUES")
            yield
            cursor.execute("DELETE FROM events_guard")


def create_guard(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make what the triggers ask: a function on PostgreSQL, a table on SQLite."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_POSTGRESQL_FUNCTION, None)
    else:
        schema_editor.execute("CREATE TABLE events_guard (lifted INTEGER DEFAULT 1)", None)


def drop_guard(schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION trackward_append_only()", None)
    else:
        schema_editor.execute("DROP TABLE events_guard", None)


def protect(schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
    """Make a table append-only. A migration that alters it on SQLite must protect it again."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION trackward_append_only()",
            None,
        )
        schema_editor.execute(
            f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION trackward_append_only()",
            None,
        )
        return
    for verb in ("UPDATE", "DELETE"):
        schema_editor.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            "WHEN NOT EXISTS (SELECT 1 FROM events_guard) "
            f"BEGIN SELECT RAISE(ABORT, '{table} {_MESSAGE}'); END",
            None,
        )
    # Without the pragma recursive_triggers, which is each connection's own choice, INSERT OR
    # REPLACE deletes the old row without asking the trigger on DELETE.
    schema_editor.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) "
        "AND NOT EXISTS (SELECT 1 FROM events_guard) "
        f"BEGIN SELECT RAISE(ABORT, '{table} {_MESSAGE}'); END",
        None,
    )


def unprotect(schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP TRIGGER append_only ON {table}", None)
        schema_editor.execute(f"DROP TRIGGER append_only_truncate ON {table}", None)
        return
    for verb in ("update", "delete", "replace"):
        schema_editor.execute(f"DROP TRIGGER {table}_no_{verb}", None)
