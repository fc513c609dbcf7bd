"""Tables of what it means: the summaries of every field, one for each local hour and day."""

from django.db import models

from analytics.layout import FIRST_LAYOUT
from events.models import EventType, Project


class Rollup(models.Model):
    """What arrived as one kind in one field during one local hour or day.

    `summary` is the sketch in bytes; `count` is how many values (events, where `field_id` is 0)
    it holds. `rough_since` stands at days of texts that lost some values while they grew fold by
    fold: they are counted afresh when the day is over. Written by `analytics.rows` alone.
    """

    class Grain(models.TextChoices):
        HOUR = "hour"
        DAY = "day"

    pk = models.CompositePrimaryKey("event_type_id", "field_id", "grain", "starts_at", "kind")
    event_type = models.ForeignKey(
        EventType, models.CASCADE, db_constraint=False, db_index=False, related_name="rollups"
    )
    field_id = models.BigIntegerField()
    grain = models.CharField(max_length=4, choices=Grain)
    starts_at = models.DateTimeField()
    kind = models.CharField(max_length=12)
    local_date = models.DateField()
    count = models.BigIntegerField()
    summary = models.BinaryField()
    rough_since = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # Few rows are rough at a time: looking for them costs nothing.
            models.Index(
                fields=["starts_at"],
                name="rollup_rough",
                condition=models.Q(rough_since__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of field {self.field_id}, {self.grain} of {self.starts_at}"


class ShardState(models.Model):
    """How often the rollups of one shard were changed.

    Who merged into rows that he read at another count must not write them. `layout` is the version
    of the summaries' bytes; where it is another release's, only some of them may have it.
    """

    pk = models.CompositePrimaryKey("project_id", "shard")
    project = models.ForeignKey(
        Project, models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    shard = models.PositiveSmallIntegerField()
    changes = models.BigIntegerField(default=0)
    # A default of the database: workers of the first release don't know the column.
    layout = models.PositiveSmallIntegerField(db_default=FIRST_LAYOUT)
