"""Faults that a test forces in the database, and what a fault must leave as it was."""

from django.db import connection

_POSTGRESQL = """
CREATE OR REPLACE FUNCTION forced_{state}() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'forced by the test' USING ERRCODE = '{state}'; END $$;
CREATE TRIGGER forced BEFORE {verb} ON {table} FOR EACH ROW {when}
EXECUTE FUNCTION forced_{state}();
"""
_SQLITE = "CREATE TRIGGER forced BEFORE {verb} ON {table} {when} BEGIN {action}; END"

_RAISED = "P0001"  # raise_exception
_CANCELED = "57014"  # query_canceled, an OperationalError


def raise_on(verb: str, table: str, *, when: str = "") -> None:
    """Make each such statement on the table fail from now on; `when` looks at NEW."""
    _force(verb, table, when=when, state=_RAISED, action="SELECT RAISE(ABORT, 'forced')")


def be_away_on(verb: str, table: str) -> None:
    """Make each such statement on the table fail as where the database is away."""
    _force(verb, table, when="", state=_CANCELED, action="SELECT 1 FROM no_such_table")


def relent(table: str) -> None:
    """Let statements on the table be."""
    of_table = f" ON {table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER forced{of_table}")


def _force(verb: str, table: str, *, when: str, state: str, action: str) -> None:
    template = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    condition = f"WHEN ({when})" if when else ""
    with connection.cursor() as cursor:
        cursor.execute(
            template.format(verb=verb, table=table, when=condition, state=state, action=action)
        )


def all_rows() -> dict[str, list[str]]:
    """Return everything that the database holds, table by table."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(tables):
            cursor.execute(f"SELECT * FROM {table}")
            found[table] = sorted(repr(row) for row in cursor.fetchall())
    return found
