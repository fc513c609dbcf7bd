"""Append-only tables, as the database defends them."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, connections, models, transaction

from events.guard import append_only_lifted
from events.models import Batch, Customer, Event, EventType, Project, new_id
from rewards.models import Rule, RuleVersion, Streak, StreakVersion, Transfer
from tests import make

pytestmark = pytest.mark.django_db


def event_row(project: Project) -> Event:
    return Event.objects.create(
        id=new_id(),
        project=project,
        event_type=EventType.objects.create(project=project, name="buy"),
        customer=Customer.objects.create(project=project, label="c-1"),
        customer_seq=1,
        batch=Batch.objects.create(project=project, events=1, created_at=make.NOW),
        occurred_at=make.NOW,
        received_at=make.NOW,
        wire="native",
        status=Event.Status.ACCEPTED,
        metadata={},
        points_awarded=0,
        points_total=0,
    )


def rule_version_row(project: Project) -> RuleVersion:
    rule = Rule.objects.create(project=project, name="ten points")
    return RuleVersion.objects.create(rule=rule, number=1, definition={}, published_at=make.NOW)


def streak_version_row(project: Project) -> StreakVersion:
    streak = Streak.objects.create(project=project, name="daily")
    return StreakVersion.objects.create(
        streak=streak, number=1, definition={}, published_at=make.NOW
    )


def transfer_row(project: Project) -> Transfer:
    return Transfer.objects.create(
        project=project,
        customer_id=1,
        debit_id=1,
        credit_id=2,
        amount=10,
        kind=Transfer.Kind.AWARD,
        source_key="rule:1:event:1",
        event_id=new_id(),
        version_id=1,
        trace={},
        created_at=make.NOW,
    )


# Each table with its row and a column that a forger would change.
TABLES = [
    pytest.param(event_row, "received_at", id="events"),
    pytest.param(rule_version_row, "published_at", id="rule versions"),
    pytest.param(streak_version_row, "published_at", id="streak versions"),
    pytest.param(transfer_row, "created_at", id="transfers"),
]
Build = Callable[[Project], models.Model]


def rows_like(row: models.Model) -> "models.QuerySet[models.Model]":
    return type(row)._default_manager.filter(pk=row.pk)


def change(row: models.Model, column: str) -> int:
    return rows_like(row).update(**{column: make.NOW + timedelta(days=1)})


def delete(row: models.Model) -> int:
    # Not QuerySet.delete(): what Python collects first is not what is tested here.
    return rows_like(row)._raw_delete(using="default")


def replace(row: models.Model, **changes: str) -> None:
    """Write the table's only row anew, with other SQL expressions for some columns."""
    columns = [str(field.column) for field in row._meta.concrete_fields]
    values = [changes.get(column, column) for column in columns]
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) "
            f"SELECT {', '.join(values)} FROM {table}"
        )


@pytest.mark.parametrize(("build", "column"), TABLES)
class TestAppendOnlyTable:
    def test_refuses_to_change_a_row(self, shop: Project, build: Build, column: str) -> None:
        row = build(shop)

        with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
            change(row, column)

        assert rows_like(row).values_list(column, flat=True).get() == make.NOW

    def test_refuses_to_delete_a_row(self, shop: Project, build: Build, column: str) -> None:
        row = build(shop)

        with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
            delete(row)

        assert rows_like(row).exists()

    @pytest.mark.postgresql
    def test_refuses_to_be_emptied(self, shop: Project, build: Build, column: str) -> None:
        row = build(shop)
        table = row._meta.db_table
        connection.check_constraints()  # a deferred foreign key would refuse it first

        with (
            pytest.raises(DatabaseError, match="is append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"TRUNCATE {table} CASCADE")

        assert rows_like(row).exists()

    def test_gives_way_within_the_guard(self, shop: Project, build: Build, column: str) -> None:
        row = build(shop)

        with append_only_lifted():
            assert change(row, column) == 1
            assert delete(row) == 1

        assert not rows_like(row).exists()

    def test_is_closed_again_after_the_guard(
        self, shop: Project, build: Build, column: str
    ) -> None:
        row = build(shop)
        with append_only_lifted():
            change(row, column)

        with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
            delete(row)

    def test_is_closed_again_after_a_failure_within_the_guard(
        self, shop: Project, build: Build, column: str
    ) -> None:
        row = build(shop)
        with pytest.raises(ZeroDivisionError), append_only_lifted():
            raise ZeroDivisionError

        with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
            delete(row)


@pytest.mark.sqlite
class TestReplacement:
    """INSERT OR REPLACE deletes the rows that stand in its way."""

    @pytest.fixture
    def foreign_connection(self, db: None) -> Iterator[None]:
        """Make the connection one of another program, which leaves the pragma as it is."""
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA recursive_triggers")
            before = cursor.fetchone()[0]
            cursor.execute("PRAGMA recursive_triggers=OFF")
            yield
            cursor.execute(f"PRAGMA recursive_triggers={before}")

    @pytest.mark.usefixtures("foreign_connection")
    @pytest.mark.parametrize(("build", "column"), TABLES)
    def test_by_id_is_refused_on_any_connection(
        self, shop: Project, build: Build, column: str
    ) -> None:
        row = build(shop)

        with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
            replace(row, **{column: "'2020-01-01 00:00:00'"})

        assert rows_like(row).values_list(column, flat=True).get() == make.NOW

    @pytest.mark.parametrize(("build", "column"), TABLES)
    def test_by_id_passes_within_the_guard(self, shop: Project, build: Build, column: str) -> None:
        row = build(shop)

        with append_only_lifted():
            replace(row, **{column: "'2020-01-01 00:00:00'"})

        assert rows_like(row).values_list(column, flat=True).get() != make.NOW

    def test_over_another_unique_column_is_refused(self, shop: Project) -> None:
        row = transfer_row(shop)

        with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
            replace(row, id="id + 1", amount="1000")

        assert Transfer.objects.values_list("id", "amount").get() == (row.pk, 10)

    def test_over_another_unique_column_passes_within_the_guard(self, shop: Project) -> None:
        row = transfer_row(shop)

        with append_only_lifted():
            replace(row, id="id + 1", amount="1000")

        assert Transfer.objects.values_list("id", "amount").get() == (row.pk + 1, 1000)


class TestGuard:
    @pytest.mark.postgresql
    @pytest.mark.django_db(transaction=True)
    def test_is_lifted_for_its_own_transaction_alone(self, shop: Project) -> None:
        row = event_row(shop)
        refusals: list[str] = []

        def delete_meanwhile() -> None:
            try:
                delete(row)
            except DatabaseError as error:
                refusals.append(str(error))
            finally:
                connections.close_all()

        with append_only_lifted():
            thread = threading.Thread(target=delete_meanwhile)
            thread.start()
            thread.join()

        assert len(refusals) == 1
        assert "is append-only" in refusals[0]
        assert rows_like(row).exists()

    @pytest.mark.sqlite
    @pytest.mark.django_db(transaction=True)
    def test_is_never_seen_by_another_connection(self, shop: Project) -> None:
        """SQLite has one writer at a time: nobody else can write while the guard's row is there,
        and the row is gone before the transaction ends."""
        seen: list[int] = []

        def look_meanwhile() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM events_guard")
                seen.append(cursor.fetchone()[0])
            connections.close_all()

        with append_only_lifted():
            thread = threading.Thread(target=look_meanwhile)
            thread.start()
            thread.join()
        look_meanwhile()

        assert seen == [0, 0]
