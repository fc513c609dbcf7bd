"""The monthly partitions of the events table."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from events.models import Event, Project
from events.partitions import MONTHS_AHEAD, ensure_partitions, first_id
from tests import make

FAR_AHEAD = date(2055, 11, 17)  # a quarter that crosses a new year and has no partition yet


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = 'events_event'::regclass"
        )
        return {name for (name,) in cursor.fetchall()}


def record_at(project: Project, moment: datetime) -> uuid.UUID:
    """Store one event whose id is of that moment."""
    event_id = uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | 1)
    Event.objects.create(
        id=event_id,
        project=project,
        event_type_id=1,
        customer_id=1,
        customer_seq=1,
        batch_id=1,
        occurred_at=moment,
        received_at=moment,
        wire="native",
        status=Event.Status.ACCEPTED,
        metadata={},
        points_awarded=0,
        points_total=0,
    )
    return event_id


def partition_of(event_id: uuid.UUID) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM events_event WHERE id = %s", [event_id]
        )
        name: str = cursor.fetchone()[0]
        return name


@pytest.mark.postgresql
@pytest.mark.django_db
class TestPartitions:
    def test_reach_from_this_month_to_a_quarter_ahead(self) -> None:
        made = ensure_partitions(connection, FAR_AHEAD)

        assert made == [
            "events_event_2055_11",
            "events_event_2055_12",
            "events_event_2056_01",
            "events_event_2056_02",
        ]
        assert len(made) == MONTHS_AHEAD + 1
        assert set(made) <= partitions()

    def test_are_there_after_the_migration(self) -> None:
        assert f"events_event_{timezone.now():%Y_%m}" in partitions()
        assert "events_event_default" in partitions()

    def test_are_made_once(self) -> None:
        ensure_partitions(connection, FAR_AHEAD)
        before = partitions()

        assert ensure_partitions(connection, FAR_AHEAD) == []
        assert partitions() == before

    def test_are_made_where_some_are_missing(self) -> None:
        ensure_partitions(connection, FAR_AHEAD)

        made = ensure_partitions(connection, date(2056, 1, 31))

        assert made == ["events_event_2056_03", "events_event_2056_04"]

    @pytest.mark.parametrize(
        ("moment", "partition"),
        [
            pytest.param(
                datetime(2055, 11, 30, 23, 59, 59, 999000, tzinfo=UTC),
                "events_event_2055_11",
                id="the last millisecond of a month",
            ),
            pytest.param(
                datetime(2055, 12, 1, tzinfo=UTC),
                "events_event_2055_12",
                id="the first millisecond of a month",
            ),
            pytest.param(
                datetime(2056, 3, 1, tzinfo=UTC), "events_event_default", id="after all of them"
            ),
            pytest.param(make.NOW, "events_event_default", id="before all of them"),
        ],
    )
    def test_take_the_events_of_their_month(
        self, shop: Project, moment: datetime, partition: str
    ) -> None:
        ensure_partitions(connection, FAR_AHEAD)

        assert partition_of(record_at(shop, moment)) == partition

    def test_are_pruned_by_the_id(self, shop: Project) -> None:
        ensure_partitions(connection, FAR_AHEAD)
        start, end = first_id(date(2055, 12, 1)), first_id(date(2056, 1, 1))

        plan = Event.objects.filter(project=shop, id__gte=start, id__lt=end).explain()

        assert "events_event_2055_12" in plan
        assert "events_event_2055_11" not in plan
        assert "events_event_default" not in plan

    def test_keep_the_rows_append_only(self, shop: Project) -> None:
        ensure_partitions(connection, FAR_AHEAD)
        event_id = record_at(shop, datetime(2055, 12, 24, tzinfo=UTC))

        with pytest.raises(DatabaseError, match="is append-only"), connection.cursor() as cursor:
            cursor.execute("DELETE FROM events_event_2055_12 WHERE id = %s", [event_id])

    def test_refuse_to_be_emptied(self) -> None:
        for name in sorted(partitions()):
            with (
                pytest.raises(DatabaseError, match="is append-only"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(f"TRUNCATE {name}")


class TestPartitionsOnSqlite:
    @pytest.mark.sqlite
    def test_are_none(self, shop: Project) -> None:
        moment = make.NOW + timedelta(days=10_000)

        assert ensure_partitions(connection, FAR_AHEAD) == []
        assert Event.objects.get(pk=record_at(shop, moment)).received_at == moment


class TestFirstId:
    def test_is_the_smallest_of_its_day(self) -> None:
        midnight = datetime(2026, 3, 2, tzinfo=UTC)
        before = uuid.UUID(int=((int(midnight.timestamp() * 1000) - 1) << 80) | (1 << 80) - 1)

        assert (
            before < first_id(date(2026, 3, 2)) <= uuid.UUID("019cabd8-3800-7000-8000-000000000000")
        )
