"""Folding: every event enters the rollups once, whatever happens meanwhile."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from analytics import rebuild, rollup
from analytics.models import Rollup
from analytics.sketches import EventSummary
from analytics.summaries import EVENT_FIELD_ID
from events.metadata import read_json
from events.models import EventType, MetadataField, OpenBatch, Project
from tests import make
from tests.analytics.feed import Sent, send, send_values
from tests.analytics.folding import DAY, differences, fold_all, statistics
from tests.make import NOW


@pytest.mark.django_db
class TestFold:
    def test_writes_these_rows_and_no_others(self, shop: Project) -> None:
        send(
            shop,
            Sent(metadata={"level": 3, "map": "cave"}, customer="c-1"),
            Sent(metadata={"level": "7", "map": None}, customer="c-2"),
            Sent(metadata={"level": 4, "won": True}, customer="c-1"),
            Sent(metadata={"tags": ["a", "b"], "pos": {"x": 1}}, customer="c-3"),
        )

        assert fold_all() == 4

        names = dict(MetadataField.objects.values_list("id", "name")) | {EVENT_FIELD_ID: ""}
        found = {
            (names[row.field_id], row.kind, row.grain, row.starts_at, row.local_date): row.count
            for row in Rollup.objects.all()
        }
        counts = {
            ("", "event"): 4,
            ("level", "number"): 2,
            ("level", "numeric_text"): 1,
            ("level", "text"): 1,
            ("map", "null"): 1,
            ("map", "text"): 1,
            ("pos", "object"): 1,
            ("tags", "array"): 1,
            ("won", "boolean"): 1,
        }
        # The shop is in Berlin, an hour ahead of UTC.
        midnight = datetime(2026, 3, 1, 23, tzinfo=UTC)
        days = {(*key, "day", midnight, DAY): count for key, count in counts.items()}
        hours = {(*key, "hour", NOW, DAY): count for key, count in counts.items()}
        assert found == days | hours
        assert OpenBatch.objects.count() == 0

    def test_adds_to_rows_that_are_there(self, shop: Project) -> None:
        send_values(shop, "level", [1, 2])
        fold_all()
        send_values(shop, "level", [10])
        fold_all()

        number = statistics(shop).total.number

        assert number is not None
        assert (number.count, number.sum) == (3, Decimal(13))
        assert (number.minimum, number.maximum) == (Decimal(1), Decimal(10))

    def test_counts_events_customers_and_points(self, shop: Project) -> None:
        make.event_type(shop, "play")
        make.rule(shop, "ten", {"trigger": "play", "award": {"fixed": 10}})
        send(
            shop,
            Sent(metadata={"level": 1}, customer="c-1"),
            Sent(metadata={"level": 1}, customer="c-2"),
            Sent(metadata={"level": 1}, customer="c-1"),
        )
        fold_all()

        events = statistics(shop).total.events

        assert (events.count, events.customers.estimate, events.points_awarded) == (3, 2, 30)

    def test_counts_fields_that_the_catalogue_does_not_know(self, shop: Project) -> None:
        """Beyond 1,000 fields of a type no more are made."""
        send(shop, Sent(metadata={"level": 1, "x": 2, "y": 3}), Sent(metadata={"y": 4}))
        MetadataField.objects.filter(name__in=("x", "y")).delete()
        fold_all()

        row = Rollup.objects.get(field_id=EVENT_FIELD_ID, grain="day")

        assert EventSummary.from_bytes(bytes(row.summary)).other_fields == 3

    def test_keeps_hours_of_fields_for_events_that_come_soon(self, shop: Project) -> None:
        late = timedelta(hours=49)
        send(shop, Sent(metadata={"level": 1}, occurred_at=NOW - late))
        fold_all()

        grains = Rollup.objects.values_list("grain", "kind").order_by("grain", "kind")

        assert list(grains) == [("day", "event"), ("day", "number"), ("hour", "event")]

    def test_takes_a_batch_of_many_event_types_in_all_its_shards(self, shop: Project) -> None:
        types = [f"type-{number}" for number in range(9)]
        send(shop, *(Sent(metadata={"level": 1}, event=name) for name in types for _ in range(3)))
        assert OpenBatch.objects.count() == 4

        assert fold_all() == 27

        counted = Rollup.objects.filter(field_id=EVENT_FIELD_ID, grain="day")
        assert sorted(counted.values_list("event_type__name", "count")) == [
            (name, 3) for name in types
        ]

    def test_keeps_projects_apart(self, shop: Project, other: Project) -> None:
        send_values(shop, "level", [1, 2])
        send_values(other, "level", [3])
        fold_all()

        assert statistics(shop).total.rows == 2
        assert statistics(other).total.rows == 1

    def test_reads_batches_that_lie_far_apart(self, shop: Project) -> None:
        for weeks in (4, 3, 0):
            moment = NOW - timedelta(weeks=weeks)
            send(shop, Sent(metadata={"level": 1}, occurred_at=moment), received_at=moment)

        assert fold_all() == 3
        assert differences() == []

    def test_folds_others_when_rows_of_one_shard_are_unreadable(self, shop: Project) -> None:
        send(shop, Sent(metadata={"level": 1}), Sent(metadata={"level": 1}, event="stop"))
        fold_all()
        broken = EventType.objects.get(name="play")
        Rollup.objects.filter(event_type=broken).update(summary=b"nonsense")
        send(shop, Sent(metadata={"level": 1}), Sent(metadata={"level": 1}, event="stop"))

        with pytest.raises(rollup.BrokenRollupsError, match="rebuild_rollups"):
            fold_all()

        assert list(OpenBatch.objects.values_list("shard", flat=True)) == [broken.shard]
        list(rebuild.rebuild(rebuild.days_of([shop])))
        assert fold_all() == 1
        assert statistics(shop).total.rows == 2

    def test_asks_for_a_rebuild_where_rows_are_of_an_earlier_release(self, shop: Project) -> None:
        send_values(shop, "level", [1, 2])
        fold_all()
        for row in Rollup.objects.all():
            Rollup.objects.filter(pk=row.pk).update(summary=b"\x01" + bytes(row.summary)[1:])
        send_values(shop, "level", [3])

        with pytest.raises(
            rollup.BrokenRollupsError, match=r"reads version 2\. `manage\.py rebuild_rollups`"
        ):
            fold_all()

        assert OpenBatch.objects.count() == 1
        list(rebuild.rebuild(rebuild.days_of([shop])))
        assert fold_all() == 1
        assert statistics(shop).total.rows == 3
        assert differences() == []

    def test_counts_events_that_came_a_day_late(self, shop: Project) -> None:
        on_time, late = NOW - timedelta(hours=24), NOW - timedelta(hours=24, seconds=1)
        history = NOW - timedelta(days=30, seconds=1)
        send(
            shop,
            Sent(metadata={"level": 1}, occurred_at=on_time),
            Sent(metadata={"level": 1}, occurred_at=late),
            Sent(metadata={"level": 1}, occurred_at=history),
            Sent(metadata={"level": 1}),
        )
        fold_all()

        days = Rollup.objects.filter(field_id=EVENT_FIELD_ID, grain="day")

        found = [EventSummary.from_bytes(bytes(row.summary)) for row in days]
        assert sum(events.late for events in found) == 1

    def test_tells_days_apart_by_the_microsecond(self, shop: Project) -> None:
        midnight = datetime(2026, 3, 1, 23, tzinfo=UTC)  # in Berlin
        last = midnight - timedelta(microseconds=1)
        send(
            shop,
            Sent(metadata={"level": 1}, occurred_at=last),
            Sent(metadata={"level": 1}, occurred_at=midnight),
        )
        fold_all()

        starts = Rollup.objects.filter(kind="number").values_list("grain", "starts_at", "count")

        assert sorted(starts) == [
            ("day", midnight - timedelta(days=1), 1),
            ("day", midnight, 1),
            ("hour", midnight - timedelta(hours=1), 1),
            ("hour", midnight, 1),
        ]

    def test_takes_more_events_at_once_than_one_fold_holds(
        self, shop: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rollup, "EVENTS_PER_FOLD", 5)
        for number in range(6):
            send_values(shop, "level", [number] * 3)

        assert [rollup.fold(shard) for shard in rollup.open_shards()] == [3]
        assert fold_all() == 15
        assert differences() == []


class TestRollUpCommand:
    @pytest.mark.django_db
    def test_ends_with_what_left_the_backlog(self, shop: Project) -> None:
        send_values(shop, "level", [1, 2, 3])
        out = StringIO()

        call_command("roll_up", stdout=out)

        answer = read_json(out.getvalue().splitlines()[-1].encode())
        assert isinstance(answer, dict)
        assert answer.keys() == {"events", "seconds"}
        assert answer["events"] == 3
        assert not rollup.has_work()
