"""Days that are over: what folds lost of their texts is counted afresh, once and exactly."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from analytics import closing, rebuild, rollup
from analytics.models import Rollup, ShardState
from analytics.shards import Shard, alone
from analytics.sketches import VALUES_CAP, ArraySummary, TextSummary
from analytics.tasks import close_days, days_are_due
from events.models import Project
from events.types import Json
from tests.analytics.feed import Sent, send, send_values
from tests.make import NOW
from tests.threads import at_once

SECONDS = 60.0
DAY = date(2026, 3, 2)  # of make.NOW


def fold_all() -> None:
    rollup.roll_up(seconds=SECONDS)


def later(minutes: float = closing.QUIET_MINUTES) -> datetime:
    """Return a moment at which rows that are rough now have been so for long enough."""
    return timezone.now() + timedelta(minutes=minutes)


def close() -> int:
    return closing.close_days(now=later(), seconds=SECONDS)


def differences() -> list[str]:
    days = rebuild.days_of(Project.objects.all())
    return [difference for result in rebuild.check(days) for difference in result.differences]


def rows() -> dict[object, tuple[int, bytes]]:
    return {row.pk: (row.count, bytes(row.summary)) for row in Rollup.objects.all()}


def caves(part: int) -> list[str]:
    """Return texts of which some are rare in each part and frequent in all."""
    common = [f"cave {number}" for number in range(600)]
    return common + [f"cave {number}" for number in range(600 + part * 800, 1_400 + part * 800)]


def send_in_parts(project: Project, parts: int = 3) -> list[str]:
    """Fold 3,000 distinct texts of one day in several folds; return all that was sent."""
    sent: list[str] = []
    for part in range(parts):
        # A list takes a thousand events.
        for start in range(0, len(caves(part)), 700):
            send_values(project, "map", caves(part)[start : start + 700])
        fold_all()
        sent += caves(part)
    return sent


def text_of(grain: str = "day") -> TextSummary:
    return TextSummary.from_bytes(bytes(Rollup.objects.get(kind="text", grain=grain).summary))


def ranked(values: Sequence[str]) -> list[tuple[str, int]]:
    return sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))


@pytest.mark.django_db
class TestCloseDays:
    def test_makes_the_most_frequent_texts_exact(self, shop: Project) -> None:
        sent = send_in_parts(shop)
        assert text_of().count_error > 0

        assert close() == 1

        text = text_of()
        assert (text.count_error, text.total) == (0, len(sent))
        assert text.top(VALUES_CAP) == ranked(sent)[:VALUES_CAP]
        assert text.other_after(VALUES_CAP) == len(sent) - sum(
            count for _, count in ranked(sent)[:VALUES_CAP]
        )
        assert differences() == []

    def test_writes_what_a_rebuild_writes(self, shop: Project) -> None:
        send_in_parts(shop)
        close()
        closed = rows()

        list(rebuild.rebuild(rebuild.days_of([shop])))

        assert rows() == closed
        assert text_of("hour").count_error == 0

    def test_makes_elements_of_arrays_exact(self, shop: Project) -> None:
        for part in range(3):
            arrays: list[Json] = [[f"item {part} {n}", "x", f"item {n}"] for n in range(700)]
            send_values(shop, "items", arrays)
            fold_all()

        assert close() == 1

        found = Rollup.objects.get(kind="array", grain="day")
        array = ArraySummary.from_bytes(bytes(found.summary))
        assert array.elements.count_error == array.rows.count_error == 0
        assert array.elements.top(2) == [("x", 2_100), ("item 0", 3)]
        assert differences() == []

    def test_leaves_rows_that_are_exact(self, shop: Project) -> None:
        """Below the cap, beyond it at once, and beyond it by parts that were below."""
        send_values(shop, "map", [f"cave {number}" for number in range(900)])
        fold_all()
        send_values(shop, "map", [f"cave {number}" for number in range(800, 1_100)])
        fold_all()
        send_values(shop, "level", [f"level {number}" for number in range(700)])
        send_values(shop, "level", [f"level {number}" for number in range(700, 1_200)])
        fold_all()

        assert Rollup.objects.filter(rough_since__isnull=False).count() == 0
        assert not closing.has_work(now=later())
        assert differences() == []

    def test_leaves_a_day_that_is_not_over(self, shop: Project) -> None:
        send_in_parts(shop)
        start = datetime.fromisoformat("2026-03-01T23:00:00Z")
        Rollup.objects.filter(rough_since__isnull=False).update(rough_since=start)

        before, after = (start + timedelta(hours=hours) for hours in (25.9, 26))

        assert not closing.has_work(now=before)
        assert closing.close_days(now=before, seconds=SECONDS) == 0
        assert closing.has_work(now=after)
        assert closing.close_days(now=after, seconds=SECONDS) == 1
        assert not closing.has_work(now=after)

    def test_counts_a_day_again_that_a_late_event_reaches(self, shop: Project) -> None:
        sent = send_in_parts(shop)
        close()
        send_values(shop, "map", ["late", "cave 2999", *["new"] * 5], customer="c-2")
        fold_all()
        assert differences() == []
        # Not at once: further events may be on their way.
        assert not closing.has_work(now=later(closing.QUIET_MINUTES - 1))

        assert close() == 1

        sent += ["late", "cave 2999", *["new"] * 5]
        assert text_of().top(VALUES_CAP) == ranked(sent)[:VALUES_CAP]
        assert text_of().count_error == 0
        assert differences() == []

    def test_leaves_what_is_not_folded_to_the_fold(self, shop: Project) -> None:
        sent = send_in_parts(shop)
        send_values(shop, "map", ["waits"])

        close()

        assert text_of().total == len(sent)
        fold_all()
        close()
        assert text_of().total == len(sent) + 1
        assert differences() == []

    def test_touches_no_other_field_and_no_other_day(self, shop: Project) -> None:
        yesterday = NOW - timedelta(days=1)
        send(shop, Sent(metadata={"level": 1, "map": "cave"}, occurred_at=yesterday))
        send_values(shop, "level", [1, 2, "3"])
        send_in_parts(shop)
        before = rows()

        close()

        changed = {key for key, row in rows().items() if before[key] != row}
        texts = Rollup.objects.filter(kind="text", local_date=DAY)
        assert changed == {row.pk for row in texts if row.count > VALUES_CAP}

    def test_ends_when_the_time_is_up(self, shop: Project) -> None:
        send_in_parts(shop)

        assert closing.close_days(now=later(), seconds=0) == 0
        assert closing.has_work(now=later())

    def test_keeps_a_row_whose_events_are_not_all_there(
        self, shop: Project, caplog: pytest.LogCaptureFixture
    ) -> None:
        send_in_parts(shop)
        Rollup.objects.filter(kind="text", grain="day").update(count=99_999)
        before = rows()

        with caplog.at_level(logging.WARNING, logger="analytics.closing"):
            assert close() == 1

        assert rows() == before
        assert "holds 99999 values, its events 4200" in caplog.text
        assert not closing.has_work(now=later())


@pytest.mark.django_db(transaction=True)
class TestConcurrentClosing:
    def test_agrees_with_folds(self, shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        send_in_parts(shop)
        monkeypatch.setattr(rollup, "BATCHES_PER_FOLD", 1)
        for number in range(12):
            send_values(shop, "map", [f"late {number}", "often"])

        at_once([fold_all, lambda: closing.close_days(now=later(), seconds=SECONDS)])
        fold_all()
        close()

        assert differences() == []
        assert text_of().count_error == 0
        assert text_of().top(1) == [("often", 12)]

    @pytest.mark.postgresql
    def test_leaves_a_shard_that_another_worker_holds(self, shop: Project) -> None:
        send_in_parts(shop)
        shard = Shard(project_id=shop.pk, number=shop.event_types.get().shard)

        with alone(shard) as is_free:
            assert is_free
            assert at_once([close]) == [0]

        assert close() == 1

    def test_writes_nothing_where_the_shard_was_changed_meanwhile(self, shop: Project) -> None:
        send_in_parts(shop)
        before = rows()

        def change_first(execute: Any, sql: str, *given: Any) -> Any:
            """Count a change between the look at the shard and the look at its events."""
            if 'FROM "events_event"' in sql:
                ShardState.objects.update(changes=F("changes") + 1)
            return execute(sql, *given)

        with connection.execute_wrapper(change_first):
            assert close() == 0

        assert rows() == before
        assert closing.has_work(now=later())
        assert close() == 1


@pytest.mark.django_db
class TestCloseDaysTask:
    def test_finds_its_work_by_the_clock(self, shop: Project) -> None:
        send_in_parts(shop)
        assert not days_are_due()
        Rollup.objects.filter(rough_since__isnull=False).update(
            rough_since=timezone.now() - timedelta(hours=1)
        )

        assert days_are_due()
        close_days()

        assert not days_are_due()
        assert text_of().count_error == 0
