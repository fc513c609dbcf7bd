"""Rollups recomputed: what agrees is left in peace, what doesn't is named and put right."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import QuerySet
from pytest_django import DjangoAssertNumQueries

from analytics import rebuild, rollup
from analytics.layout import FIRST_LAYOUT, VERSION
from analytics.models import Rollup, ShardState
from analytics.sketches import NumberSummary, TextSummary
from events.metadata import read_json
from events.models import Project
from events.types import Json, Refusal
from tests import make
from tests.analytics.feed import Sent, field, send, send_values
from tests.analytics.former import leave_as_former_release
from tests.make import NOW


def fold_all() -> None:
    rollup.roll_up(seconds=60)


def days(project: Project) -> list[rebuild.Day]:
    return rebuild.days_of([project])


def differences(project: Project) -> list[str]:
    return [text for result in rebuild.check(days(project)) for text in result.differences]


def rows() -> dict[object, tuple[int, bytes]]:
    return {row.pk: (row.count, bytes(row.summary)) for row in Rollup.objects.all()}


def levels() -> QuerySet[Rollup]:
    return Rollup.objects.filter(grain="day", kind="number")


@pytest.fixture
def history(shop: Project) -> Project:
    """Some weeks of all kinds of values, unsorted in time, folded batch by batch."""
    values: list[Json] = [3, "7", None, True, [1, "a"], {"x": 1}, -2, "cave"]
    for number, value in enumerate(values + values[:4]):
        moment = NOW - timedelta(hours=number * 7919 % 600)
        send(
            shop,
            Sent(metadata={"level": value}, occurred_at=moment, customer=f"c-{number % 5}"),
            Sent(metadata={"map": value}, event=f"type-{number % 6}", occurred_at=moment),
        )
        fold_all()
    return shop


@pytest.mark.django_db
class TestCheck:
    def test_finds_no_difference_after_folds(self, history: Project) -> None:
        results = list(rebuild.check(days(history)))

        assert [text for result in results for text in result.differences] == []
        assert sum(result.checked for result in results) == Rollup.objects.count() > 50

    def test_leaves_out_what_is_not_folded(self, history: Project) -> None:
        send_values(history, "level", [99, 100])

        assert differences(history) == []

    @pytest.mark.parametrize(
        ("corrupt", "problem"),
        [
            pytest.param(
                lambda rows: rows.update(summary=NumberSummary.of([4]).to_bytes()),
                "holds other values than the events.",
                id="summary",
            ),
            pytest.param(
                lambda rows: rows.update(count=2),
                "is counted as 2 values; the events have 1.",
                id="count",
            ),
            pytest.param(lambda rows: rows.update(summary=b""), "can't be read", id="unreadable"),
            pytest.param(
                lambda rows: rows.delete(), "is not stored; the events have 1 values.", id="lost"
            ),
            pytest.param(
                lambda rows: rows.update(field_id=999_999),
                "holds 1 values; the events have none.",
                id="of-no-event",
            ),
        ],
    )
    def test_names_a_corrupt_row(
        self, shop: Project, corrupt: Callable[[QuerySet[Rollup]], object], problem: str
    ) -> None:
        send_values(shop, "level", [3])
        fold_all()
        corrupt(levels())
        corrupted = rows()

        found = differences(shop)

        named = [text for text in found if problem in text]
        assert len(named) == 1
        assert named[0].startswith("shop, play: number of field ")
        assert "the day from 2026-03-01 23:00:00 UTC," in named[0]
        assert rows() == corrupted


@pytest.mark.django_db
class TestRebuild:
    def test_changes_nothing_that_is_right(self, history: Project) -> None:
        before = rows()

        results = list(rebuild.rebuild(days(history)))

        assert [text for result in results for text in result.differences] == []
        assert rows() == before

    def test_makes_lost_and_corrupt_rows_again(self, history: Project) -> None:
        before = rows()
        levels().update(summary=b"nonsense", count=7)
        Rollup.objects.filter(kind="text").delete()

        results = list(rebuild.rebuild(days(history)))

        assert any(result.differences for result in results)
        assert rows() == before

    def test_leaves_what_is_not_folded_to_the_fold(self, history: Project) -> None:
        before = rows()
        send_values(history, "level", [99])

        list(rebuild.rebuild(days(history)))
        assert rows() == before

        fold_all()
        assert differences(history) == []

    def test_moves_days_to_a_new_time_zone(self, shop: Project) -> None:
        send_values(shop, "level", [1])
        fold_all()
        shop.time_zone = "Asia/Kathmandu"
        shop.save()
        assert len(differences(shop)) == 8

        list(rebuild.rebuild(days(shop)))

        found = Rollup.objects.filter(kind="number").values_list("grain", "starts_at", "local_date")
        assert sorted(found) == [
            ("day", datetime(2026, 3, 1, 18, 15, tzinfo=UTC), date(2026, 3, 2)),
            ("hour", datetime(2026, 3, 2, 8, 15, tzinfo=UTC), date(2026, 3, 2)),
        ]
        assert differences(shop) == []

    def test_takes_a_field_in_that_was_added_later(self, shop: Project) -> None:
        send(shop, Sent(metadata={"level": 1, "map": "cave"}))
        field(shop, "map").delete()
        fold_all()
        make.field(field(shop, "level").event_type, "map")
        # The day's and the hour's row of the field, and those of the events without it.
        assert len(differences(shop)) == 4

        list(rebuild.rebuild(days(shop)))

        assert differences(shop) == []

    def test_makes_texts_beyond_the_cap_exact(self, shop: Project) -> None:
        """Folded in parts, a value that is rare in each of them is lost."""
        for part in range(3):
            send_values(shop, "map", [f"cave {number}" for number in range(part * 450, 1_200)])
            fold_all()
        assert differences(shop) == []

        list(rebuild.rebuild(days(shop)))

        row = Rollup.objects.get(kind="text", grain="day")
        text = TextSummary.from_bytes(bytes(row.summary))
        assert text.kept_error == 0
        assert text.top(1) == [("cave 1000", 3)]

    def test_keeps_to_the_days_that_are_asked_for(self, shop: Project) -> None:
        moments = [NOW - timedelta(days=number) for number in range(5)]
        send(shop, *(Sent(metadata={"level": 1}, occurred_at=moment) for moment in moments))
        first, last = date(2026, 2, 27), date(2026, 2, 28)

        chosen = rebuild.days_of([shop], first=first, last=last)

        assert [day.local_date for day in chosen] == [first, last]


@pytest.mark.django_db
class TestRenew:
    def test_finds_nothing_to_do_by_one_look(
        self, history: Project, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            assert rebuild.outdated() == []

    def test_makes_what_a_former_release_wrote_anew(self, history: Project) -> None:
        before = rows()
        leave_as_former_release()

        renewed = list(rebuild.renew(rebuild.outdated()))

        assert len(renewed) == len(days(history))
        assert rows() == before
        assert rebuild.outdated() == []

    def test_goes_on_where_it_was_interrupted(self, history: Project) -> None:
        before = rows()
        leave_as_former_release()
        work = rebuild.renew(rebuild.outdated())
        done = {place(next(work)) for _ in range(4)}
        del work

        rest = [place(day) for day in rebuild.renew(rebuild.outdated())]

        assert len(rest) == len(days(history)) - 4
        assert not done & set(rest)
        assert rows() == before
        assert rebuild.outdated() == []

    def test_is_not_done_where_newer_days_were_folded_meanwhile(self, shop: Project) -> None:
        send_values(shop, "level", [1])
        fold_all()
        leave_as_former_release()
        send_values(shop, "level", [2], occurred_at=NOW - timedelta(days=3))
        fold_all()

        [found] = rebuild.outdated()

        assert [day.local_date for day in found.days] == [date(2026, 3, 2)]

    def test_reads_no_day_twice_that_was_made_anew_by_hand(self, history: Project) -> None:
        leave_as_former_release()
        list(rebuild.rebuild(days(history)))

        assert list(rebuild.renew(rebuild.outdated())) == []
        assert rebuild.outdated() == []

    def test_leaves_what_is_not_folded_to_the_fold(self, history: Project) -> None:
        leave_as_former_release()
        send_values(history, "level", [99])

        list(rebuild.renew(rebuild.outdated()))

        assert rollup.waiting_events() == 1
        fold_all()
        assert differences(history) == []

    def test_takes_what_a_later_release_wrote_for_outdated(self, history: Project) -> None:
        ShardState.objects.update(layout=VERSION + 1)

        assert len(rebuild.outdated()) == ShardState.objects.count() > 1

    def test_meets_the_first_layout_where_a_worker_knows_none(self, shop: Project) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO analytics_shardstate (project_id, shard, changes) VALUES (%s, 0, 1)",
                [shop.pk],
            )

        assert ShardState.objects.get().layout == FIRST_LAYOUT


def place(day: rebuild.Day) -> tuple[int, date]:
    return day.event_type.pk, day.local_date


@pytest.mark.django_db
class TestRebuildRollupsCommand:
    def run(self, *arguments: str) -> tuple[Json, str]:
        """Return the last line of the output, and what was named."""
        out, err = StringIO(), StringIO()
        call_command("rebuild_rollups", *arguments, stdout=out, stderr=err)
        answer = read_json(out.getvalue().splitlines()[-1].encode())
        assert not isinstance(answer, Refusal)
        return answer, err.getvalue()

    def test_counts_rows_and_differences(self, history: Project) -> None:
        answer, named = self.run("--check")

        assert answer == {"checked": Rollup.objects.count(), "differences": 0}
        assert named == ""

    def test_fails_where_a_row_differs(self, history: Project) -> None:
        levels().update(count=9)

        with pytest.raises(SystemExit) as failure:
            self.run("--check", "--project", "shop")

        assert failure.value.code == 1

    def test_puts_rows_right(self, history: Project) -> None:
        broken = levels().count()
        levels().update(count=9)

        answer, named = self.run()

        assert answer == {"checked": Rollup.objects.count(), "differences": broken}
        assert len(named.splitlines()) == broken
        assert differences(history) == []

    def test_knows_no_other_project(self, history: Project) -> None:
        with pytest.raises(CommandError, match="no project"):
            self.run("--project", "nowhere")
