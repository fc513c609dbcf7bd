"""Which periods of a chart are only part of one: cut by the days asked for, or not over yet."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, TypeAlias, assert_never, cast
from zoneinfo import ZoneInfo

from analytics.panels.parts import Cell

Interval: TypeAlias = Literal["hour", "day", "week", "month", "year"]
Part: TypeAlias = Literal["", "part", "so far"]

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The days asked for, and the moment up to which their events are counted."""

    first: date
    last: date
    complete_to: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return self.complete_to.astimezone(self.zone).date()

    @property
    def has_today(self) -> bool:
        """Whether a day that is not over yet is counted with those that are."""
        return self.first <= self.today <= self.last

    def part_of_hour(self, at: datetime) -> Part:
        """Return "so far" for the hour that is not over yet."""
        starts_at = at.astimezone(UTC)
        return "so far" if starts_at <= self.complete_to < starts_at + _HOUR else ""

    def part_of(self, day: date, interval: Interval) -> Part:
        """Return what is shown of the period that a day lies in; "" where it is all of it."""
        begins, ends = _bounds(day, interval)
        if begins <= self.today <= ends and self.has_today:
            return "so far"
        return "part" if begins < self.first or self.last < ends else ""


def parts_of(starts: Sequence[str], interval: str, stretch: Stretch) -> list[Part]:
    """Return what is shown of each period, by the day on which it starts (ISO 8601)."""
    length = cast(Interval, interval)
    return [stretch.part_of(date.fromisoformat(start), length) for start in starts]


def period_cell(starts: str, part: Part) -> Cell:
    """Return the name of a period; a mark is for readers, programs get the start alone."""
    return Cell(text=starts, value=starts, note=part) if part else Cell(text=starts)


def part_note(starts: Sequence[str], parts: Sequence[Part], interval: str) -> str:
    """Return sentences about the periods that can't be compared with the others."""
    period = interval if interval == "day" else f"{interval} from"
    return " ".join(
        f"The {period} {start} is not over yet."
        if part == "so far"
        else f"Of the {period} {start} only a part is shown."
        for start, part in zip(starts, parts, strict=True)
        if part
    )


def _bounds(day: date, interval: Interval) -> tuple[date, date]:
    """Return the first and the last day of the whole period that a day lies in."""
    match interval:
        case "hour" | "day":
            return day, day
        case "week":
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=6)
        case "month":
            return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
        case "year":
            return day.replace(month=1, day=1), day.replace(month=12, day=31)
        case _:
            assert_never(interval)
