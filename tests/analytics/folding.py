"""Folds, and what can be seen after them."""

from datetime import date

from analytics import rebuild, rollup
from analytics.statistics import FieldStatistics, Question, field_statistics
from events.models import Project
from tests.analytics.feed import field
from tests.make import NOW

FOLD_SECONDS = 60.0
DAY = date(2026, 3, 2)  # of make.NOW


def fold_all() -> int:
    return rollup.roll_up(seconds=FOLD_SECONDS)


def statistics(project: Project, name: str = "level") -> FieldStatistics:
    asked = field(project, name)
    question = Question(
        project=project, event_type=asked.event_type, field=asked, first=DAY, last=DAY
    )
    return field_statistics(question, now=NOW)


def differences() -> list[str]:
    days = rebuild.days_of(Project.objects.all())
    return [difference for result in rebuild.check(days) for difference in result.differences]
