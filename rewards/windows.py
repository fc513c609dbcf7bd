"""Calendar windows of local dates: the day, the week from Monday, the month, a lifetime."""

from datetime import date, datetime
from typing import Literal, TypeAlias, assert_never
from zoneinfo import ZoneInfo

Period: TypeAlias = Literal["day", "week", "month"]
Window: TypeAlias = Literal["day", "week", "month", "lifetime"]

_LIFETIME_START = date(1970, 1, 1)  # no event lies before it (limits.EARLIEST_YEAR)
_WEEK_DAYS = 7
_YEAR_MONTHS = 12


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """Return the date that the calendar on the wall of that zone shows at an aware moment."""
    return moment.astimezone(zone).date()


def window_start(local_day: date, window: Window) -> date:
    """Return the first day of the window that holds the day; 1970-01-01 for a lifetime."""
    if window == "lifetime":
        return _LIFETIME_START
    return period_start(period_index(local_day, window), window)


def period_index(local_day: date, period: Period) -> int:
    """Return the number of the period that holds the day; consecutive periods differ by 1."""
    match period:
        case "day":
            return local_day.toordinal()
        case "week":
            # Ordinal 1 is a Monday (0001-01-01, proleptic Gregorian), as ISO 8601 weeks begin.
            return (local_day.toordinal() - 1) // _WEEK_DAYS
        case "month":
            return local_day.year * _YEAR_MONTHS + local_day.month - 1
        case _:
            assert_never(period)


def period_start(index: int, period: Period) -> date:
    """Return the first day of the period with that number."""
    match period:
        case "day":
            return date.fromordinal(index)
        case "week":
            return date.fromordinal(index * _WEEK_DAYS + 1)
        case "month":
            return date(index // _YEAR_MONTHS, index % _YEAR_MONTHS + 1, 1)
        case _:
            assert_never(period)
