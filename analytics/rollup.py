"""Folding: events of open batches enter the rollups, each exactly once."""

import time
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Min, Sum
from django.utils import timezone

from analytics import raw, rows
from analytics.periods import Calendar
from analytics.shards import OvertakenError, Shard, alone, changes_of, count_change
from analytics.sketches import UnreadableSummaryError
from analytics.summaries import Summariser
from analytics.suspects import suspects
from events import catalogue
from events.models import OpenBatch, Project

# One fold. What it writes depends on the days that the events lie in more than on their number:
# fifty thousand of a year's unsorted history fold twice as fast as five times ten thousand, take
# 20 MB more, and hold SQLite's only write lock for 80 ms instead of 56.
EVENTS_PER_FOLD = 50_000
BATCHES_PER_FOLD = 2_000


class BrokenRollupsError(Exception):
    """Stored rollups can't be read, so nothing can be added to them until they are rebuilt."""


def has_work() -> bool:
    """Say whether any event waits to be folded."""
    return OpenBatch.objects.exists()


def waiting_events() -> int:
    """Return how many events wait to be folded, in all projects."""
    waiting: int | None = OpenBatch.objects.aggregate(events=Sum("events"))["events"]
    return waiting or 0


def roll_up(*, seconds: float) -> int:
    """Fold until nothing is left that other workers don't hold, or the time is up.

    Returns the number of events folded. Raises BrokenRollupsError, after all other shards had
    their turn, where one can't be folded.
    """
    ends_at = time.monotonic() + seconds
    folded = 0
    broken: dict[Shard, UnreadableSummaryError] = {}
    while round_folded := _fold_round(ends_at, broken):
        folded += round_folded
    for shard, error in broken.items():
        raise BrokenRollupsError(
            f"The rollups of {shard} can't be read, its events wait: {error} "
            "`manage.py rebuild_rollups` makes them anew."
        ) from error
    return folded


def _fold_round(ends_at: float, broken: dict[Shard, UnreadableSummaryError]) -> int:
    folded = 0
    for shard in open_shards():
        if time.monotonic() >= ends_at:
            break
        if shard in broken:
            continue
        try:
            folded += fold(shard)
        except UnreadableSummaryError as error:
            broken[shard] = error
    return folded


def open_shards() -> list[Shard]:
    """Return the shards that have work, the one that has waited longest first."""
    waiting = (
        OpenBatch.objects.values("project_id", "shard")
        .annotate(oldest=Min("first_received_at"))
        .order_by("oldest", "project_id", "shard")
    )
    return [Shard(project_id=row["project_id"], number=row["shard"]) for row in waiting]


def fold(shard: Shard) -> int:
    """Bring the oldest open batches of a shard into its rollups; return their number of events.

    0 where nothing is left, or where another worker is at it. The rollups and the list of open
    batches change in one transaction, so a fold that dies has not happened.
    """
    with alone(shard) as is_free:
        if not is_free:
            return 0
        seen = changes_of(shard)
        batches = _oldest_batches(shard)
        if not batches:
            return 0
        # Outside of SQLite's write transaction: this is what takes the time.
        # Fields are looked up after the batches: whatever made them is committed by now.
        fields = raw.FieldIdsByType()
        summariser = _summariser(shard, batches, fields)
        summaries = summariser.rows()
        merged = rows.merged_with_stored(summaries)
        encoded = rows.encode(merged.summaries, rough=merged.rough, now=timezone.now())
        try:
            _write(shard, batches=batches, encoded=encoded, seen=seen)
        except OvertakenError:
            return 0
        for field_id, suspected in suspects(
            summaries, fields.undeclared, nested=summariser.nested()
        ).items():
            catalogue.suspect(field_id, suspected)
        return sum(batch.events for batch in batches)


def _oldest_batches(shard: Shard) -> list[OpenBatch]:
    open_batches = OpenBatch.objects.filter(project_id=shard.project_id, shard=shard.number)
    taken: list[OpenBatch] = []
    events = 0
    for batch in open_batches.order_by("batch_id")[:BATCHES_PER_FOLD]:
        events += batch.events
        if taken and events > EVENTS_PER_FOLD:
            break
        taken.append(batch)
    return taken


def _summariser(
    shard: Shard, batches: Sequence[OpenBatch], fields: raw.FieldIdsByType
) -> Summariser:
    calendar = Calendar(Project.objects.get(pk=shard.project_id).zone)
    summariser = Summariser(calendar, fields)
    summariser.add(raw.read_batches(batches))
    return summariser


def _write(
    shard: Shard,
    *,
    batches: Sequence[OpenBatch],
    encoded: rows.Encoded,
    seen: int,
) -> None:
    with transaction.atomic():
        count_change(shard, seen=seen)
        ids = [batch.batch_id for batch in batches]
        open_batches = OpenBatch.objects.filter(
            project_id=shard.project_id, shard=shard.number, batch_id__in=ids
        )
        deleted, _ = open_batches.delete()
        if deleted != len(ids):
            raise OvertakenError(f"{len(ids) - deleted} batches of {shard} were folded meanwhile.")
        rows.write_folded(encoded)
