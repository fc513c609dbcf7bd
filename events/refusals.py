"""What was refused, counted by reason and by client."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db.models import Count, F, Q, QuerySet, Sum

from events import limits
from events.models import Project, Quarantine, QuarantineDay

_LINE_OF_FILE = re.compile(r"(import_events .*) line \d+", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalCount:
    """How many rows have a reason or a client, and how many of them were not replayed."""

    name: str
    count: int
    standing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalCounts:
    """Rows of the quarantine, the most frequent first.

    `clients` has at most `limits.COUNTED_CLIENTS`, `other_clients` the rows of all others; the
    lines of an imported file are one client's.
    """

    total: int
    standing: int
    codes: Sequence[RefusalCount]
    clients: Sequence[RefusalCount]
    other_clients: int


def counted(rows: QuerySet[Quarantine]) -> RefusalCounts:
    """Return the counts of some rows."""
    codes = _counts(rows, "code")
    clients = _counts(rows, "client")
    named = clients[: limits.COUNTED_CLIENTS]
    total = sum(each.count for each in codes)
    return RefusalCounts(
        total=total,
        standing=sum(each.standing for each in codes),
        codes=codes,
        clients=named,
        other_clients=total - sum(each.count for each in named),
    )


def _counts(rows: QuerySet[Quarantine], column: str) -> list[RefusalCount]:
    counts: Counter[str] = Counter()
    standing: Counter[str] = Counter()
    found = rows.order_by().values_list(column)
    for value, count, not_replayed in found.annotate(
        count=Count("pk"), not_replayed=Count("pk", filter=Q(replayed_at=None))
    ):
        of_file = _LINE_OF_FILE.fullmatch(value)
        name = of_file[1] if of_file else value
        counts[name] += count
        standing[name] += not_replayed
    return [
        RefusalCount(name=name, count=count, standing=standing[name])
        for name, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    ]


def beyond(projects: QuerySet[Project] | Sequence[int], first: datetime, last: datetime) -> int:
    """Return how many refusals of the UTC days from one moment to another were not kept."""
    days = QuarantineDay.objects.filter(
        project__in=projects, date__gte=_utc_day(first), date__lte=_utc_day(last)
    )
    return days.aggregate(beyond=Sum("beyond"))["beyond"] or 0


def refused_on(project: Project, first: date, last: date) -> int:
    """Return how many refusals of a project came on some UTC days, kept or not."""
    days = QuarantineDay.objects.filter(project=project, date__range=(first, last))
    found = days.aggregate(refused=Sum(F("kept") + F("beyond")))
    return found["refused"] or 0


def _utc_day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
