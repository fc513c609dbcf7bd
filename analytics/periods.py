"""Local hours and days of a time zone, as UTC instants."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Since 1972 every offset and every change of one lies on a quarter of an hour, but for a few odd
# zones; moments of one quarter share their periods, and the few are worked out one by one.
_QUARTER_SECONDS = 900
_CACHED_QUARTERS = 100_000  # nearly three years; about 20 MB

_QUARTER = timedelta(seconds=_QUARTER_SECONDS)
_HOUR = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)

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
        hour = self._hour_of(moment)
        place = Place(hour=hour, day=self.day(hour.local_date))
        if len(self._places) >= _CACHED_QUARTERS:
            self._places.clear()
        for each in self._quarters_like(quarter, hour):
            self._places[each] = place
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

    def hours(self, local_date: date) -> Iterator[Period]:
        """Return the hours of a day in order: 23 or 25 of them where the clock is changed."""
        start, end = self.span(local_date)
        while start < end:
            hour = self._hour_of(start)
            if hour.local_date == local_date:
                yield hour
            start = self._hour_after(start)

    def _hour_after(self, start: datetime) -> datetime:
        following = self._hour_of(start + timedelta(hours=1)).starts_at
        # Where the clock was changed meanwhile, an hour began there as well.
        while (earlier := self._hour_of(following - _INSTANT).starts_at) > start:
            following = earlier
        return following

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

    def _quarters_like(self, quarter: int, hour: Period) -> Sequence[int]:
        """Return the quarters that lie in the hour as a whole: all of a full one, or the given."""
        begins = hour.starts_at.astimezone(self.zone)
        if begins.minute == begins.second == 0 and self._is_plain(hour.starts_at, _HOUR):
            first = int(hour.starts_at.timestamp()) // _QUARTER_SECONDS
            return range(first, first + _HOUR // _QUARTER)
        start = datetime.fromtimestamp(quarter * _QUARTER_SECONDS, UTC)
        return [quarter] if self._is_plain(start, _QUARTER) else []

    def _is_plain(self, start: datetime, length: timedelta) -> bool:
        offset = self._offset(start)
        is_whole = offset % _QUARTER == timedelta()
        return is_whole and offset == self._offset(start + length - _INSTANT)

    def _offset(self, moment: datetime) -> timedelta:
        offset = moment.astimezone(self.zone).utcoffset()
        if offset is None:
            raise ValueError(f"{self.zone} gives no offset for {moment}.")
        return offset


def dates_between(first: date, last: date) -> Iterator[date]:
    """Return the dates from the first to the last, both included."""
    for days in range((last - first).days + 1):
        yield first + timedelta(days=days)
