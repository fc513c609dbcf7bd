"""Panels of what happened over time, beside the period before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from operator import attrgetter
from typing import Literal, TypeAlias

from analytics import charts, numerals
from analytics.charts import Line
from analytics.panels.parts import NOTHING, Cell, Panel, Table, changed, exact, named
from analytics.panels.stretches import Part, Stretch, part_note, period_cell
from analytics.sketches.distinct import DISTINCT_ERROR, EXACT_TEXTS
from analytics.trend import Interval, Trend, TrendPoint

Measure: TypeAlias = Literal["events", "customers", "points_awarded"]

_NAMES: Mapping[Measure, str] = {
    "events": "Events",
    "customers": "Customers",
    "points_awarded": "Points",
}
_EXACT = "Exact."
_ESTIMATED = (
    f"Events are exact, customers too up to {EXACT_TEXTS} in a period, "
    f"beyond that estimated (± {100 * DISTINCT_ERROR:.1f} %)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The trend of some days, and where it is asked for that of as many days before."""

    current: Trend
    previous: Trend | None
    stretch: Stretch
    time_zone: str

    @property
    def pairs(self) -> list[tuple[TrendPoint, TrendPoint | None]]:
        """Each period with the one of the same place in the days before, as far as they go."""
        before = self.previous.points if self.previous else ()
        current = self.current.points
        return list(zip_longest(current, before[: len(current)]))

    @property
    def starts(self) -> list[str]:
        """Where each period starts, as it is written."""
        return [moment_text(point.at, self.current.interval) for point in self.current.points]

    @property
    def parts(self) -> list[Part]:
        """What is shown of each period."""
        interval = self.current.interval
        if interval == "hour":
            return [self.stretch.part_of_hour(point.at) for point in self.current.points]
        return [self.stretch.part_of(point.at.date(), interval) for point in self.current.points]


def events_panel(shown: Comparison) -> Panel:
    """Return the events of each period, those of the period before as a second line."""
    return _panel(shown, "events", title="Events", note=_EXACT)


def points_panel(shown: Comparison) -> Panel:
    """Return the points awarded in each period, those of the period before as a second line."""
    return _panel(shown, "points_awarded", title="Points awarded", note=_EXACT)


def customers_panel(shown: Comparison) -> Panel:
    """Return the events and the different customers of each period."""
    return _panel(shown, "events", "customers", title="Events and customers", note=_ESTIMATED)


def _panel(shown: Comparison, *measures: Measure, title: str, note: str) -> Panel:
    interval = shown.current.interval
    first, *_ = measures
    starts, parts = shown.starts, shown.parts
    lines = [
        Line(name=_NAMES[one], values=_values(shown.current, one), marks=parts) for one in measures
    ]
    if shown.previous:
        before = _values(shown.previous, first)[: len(shown.current.points)]
        lines.append(Line(name=f"{_NAMES[first]}, previous period", values=before))
    return Panel(
        name=first,
        title=f"{title} by {interval}",
        figure=charts.lines_over_time(
            starts,
            lines,
            title=title,
            time=f"{interval.capitalize()} ({shown.time_zone})",
            axis="count",
        ),
        table=Table(
            caption=f"{title} by {interval}",
            columns=[interval.capitalize(), *_columns(shown, measures)],
            rows=_rows(shown, measures),
        ),
        note=f"{note} {part_note(starts, parts, interval)}".strip(),
    )


def _values(trend: Trend, measure: Measure) -> list[float | None]:
    return list(map(attrgetter(measure), trend.points))


def _columns(shown: Comparison, measures: Sequence[Measure]) -> list[str]:
    before = ["Before", "Change"] if shown.previous else []
    return [
        *map(_NAMES.__getitem__, measures),
        *before,
        *(["Late"] if _has_late(shown, measures) else []),
    ]


def _rows(shown: Comparison, measures: Sequence[Measure]) -> list[Sequence[Cell]]:
    measured: Callable[[TrendPoint], int] = attrgetter(measures[0])
    rows: list[Sequence[Cell]] = []
    periods = map(period_cell, shown.starts, shown.parts)
    for period, (point, before) in zip(periods, shown.pairs, strict=True):
        row = [period]
        row += [exact(getattr(point, measure)) for measure in measures]
        if shown.previous:
            row += _compared(measured(point), None if before is None else measured(before))
        if _has_late(shown, measures):
            row.append(late(point.late))
        rows.append(row)
    return rows


def _compared(current: int, before: int | None) -> list[Cell]:
    return [exact(before), named(NOTHING) if before is None else changed(current, before)]


def late(events: int) -> Cell:
    """Return how many events came on a later day than they happened."""
    if not events:
        return Cell(text=NOTHING, value="0")
    return Cell(text=f"+{numerals.exact(events)} late", value=str(events))


def _has_late(shown: Comparison, measures: Sequence[Measure]) -> bool:
    return "events" in measures and any(point.late for point in shown.current.points)


def moment_text(at: datetime, interval: Interval) -> str:
    """Return where a period starts on the local clock, as ISO 8601."""
    return f"{at:%Y-%m-%d %H:%M}" if interval == "hour" else f"{at:%Y-%m-%d}"
