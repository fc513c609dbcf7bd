"""Local hours and days of a time zone, as UTC instants."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Since 1972 every offset and every change of one lies on a quarter of an hour, but for a few odd
# zones; moments of one quarter share their periods, and the few are worked out one by one.
_QUARTER_SECONDS = 900
_CACHED_QUARTERS = 100_000  # nearly three years; about 20 MB

# The longest stretch of a day that a clock put back over midnight (St John's, 00:01) repeats.
_REPEATED_HOURS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A local hour or day: the instant (UTC) at which it starts, and the local date it lies in."""

    starts_at: datetime
    local_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the calendar a moment lies."""

    hour: Period
    day: Period


class Calendar:
    """The hours and days of one time zone.

    An hour starts where the local clock shows a full hour, or where the clock was changed within
    it: Lord Howe's half hour that comes twice is an hour of its own, thirty minutes long.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._places: dict[int, Place] = {}
        self._days: dict[date, Period] = {}

    def place_of(self, moment: datetime) -> Place:
        """Return the local hour and day of an aware moment."""
        quarter = int(moment.timestamp() // _QUARTER_SECONDS)
        found = self._places.get(quarter)
        if found is not None:
            return found
        place = Place(hour=self._hour_of(moment), day=self.day(self.date_of(moment)))
        if self._is_plain(quarter):
            if len(self._places) >= _CACHED_QUARTERS:
                self._places.clear()
            self._places[quarter] = place
        return place

    def date_of(self, moment: datetime) -> date:
        """Return the calendar date that the local clock shows at an aware moment."""
        return moment.astimezone(self.zone).date()

    def day(self, local_date: date) -> Period:
        """Return a local day; it starts at the first instant that has its date."""
        found = self._days.get(local_date)
        if found is None:
            found = Period(starts_at=self._midnight(local_date), local_date=local_date)
            self._days[local_date] = found
        return found

    def span(self, local_date: date) -> tuple[datetime, datetime]:
        """Return the instants between which (end not included) all moments of a date lie.

        Where the clock was put back over midnight, some of its neighbour's lie there as well.
        """
        start = self._midnight(local_date)
        end = self._midnight(local_date + timedelta(days=1))
        margin = timedelta(hours=_REPEATED_HOURS)
        is_put_back = self._offset(end + margin) < self._offset(end)
        return start, end + margin if is_put_back else end

    def _hour_of(self, moment: datetime) -> Period:
        local = moment.astimezone(self.zone)
        passed = timedelta(
            minutes=local.minute, seconds=local.second, microseconds=local.microsecond
        )
        start = moment.astimezone(UTC) - passed
        if self._offset(start) != self._offset(moment):
            start = self._change_between(start, moment)
        return Period(starts_at=start, local_date=local.date())

    def _midnight(self, local_date: date) -> datetime:
        wall = datetime.combine(local_date, time(), tzinfo=self.zone)
        start = wall.astimezone(UTC)
        if start.astimezone(self.zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
            return start
        # Midnight was skipped: the day starts where the clock was put forward.
        return self._change_between(wall.replace(fold=1).astimezone(UTC), start)

    def _change_between(self, before: datetime, after: datetime) -> datetime:
        """Return the first instant with the offset of `after`, to the second."""
        offset = self._offset(after)
        first = int(before.timestamp())
        last = int(after.timestamp())
        while last - first > 1:
            middle = (first + last) // 2
            if self._offset(datetime.fromtimestamp(middle, UTC)) == offset:
                last = middle
            else:
                first = middle
        return datetime.fromtimestamp(last, UTC)

    def _is_plain(self, quarter: int) -> bool:
        start = datetime.fromtimestamp(quarter * _QUARTER_SECONDS, UTC)
        end = start + timedelta(seconds=_QUARTER_SECONDS, microseconds=-1)
        offset = self._offset(start)
        is_whole = offset % timedelta(seconds=_QUARTER_SECONDS) == timedelta()
        return is_whole and offset == self._offset(end)

    def _offset(self, moment: datetime) -> timedelta:
        offset = moment.astimezone(self.zone).utcoffset()
        if offset is None:
            raise ValueError(f"{self.zone} gives no offset for {moment}.")
        return offset


def dates_between(first: date, last: date) -> Iterator[date]:
    """Return the dates from the first to the last, both included."""
    for days in range((last - first).days + 1):
        yield first + timedelta(days=days)
