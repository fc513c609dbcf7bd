"""What the page of a project shows: its figures, and its event types."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from analytics import numerals
from analytics.overview import Headline, Overview, TypeLine
from analytics.panels.parts import Cell, Panel, Table, Tile, changed, daily_spark, exact
from analytics.panels.stretches import Stretch
from analytics.panels.trends import late
from analytics.readings import Days

SHOWN_TYPES = 100
_TODAY_NOTE = "Changes compare today so far with a whole day. "


def tiles(found: Overview, *, is_compared: bool) -> list[Tile]:
    """Return the figures of a project's days."""
    return headline_tiles(
        found.current, found.previous if is_compared else None, has_today=_has_today(found)
    )


def _has_today(found: Overview) -> bool:
    days = found.days
    return Stretch(
        first=days.first,
        last=days.last,
        complete_to=found.complete_to,
        zone=days.project.zone,
    ).has_today


def headline_tiles(
    current: Headline, before: Headline | None, *, has_today: bool = False
) -> list[Tile]:
    """Return events, customers and points, each with its change where there is a before.

    A change says so where the last of its days is not over yet, but those before are.
    """
    about = f"± {100 * current.customers_error:.1f} %" if current.customers_error else "exact"
    events = f"+{numerals.exact(current.late)} late" if current.late else ""
    tiles = [
        _tile("Events", current.events, before.events if before else None, note=events),
        _tile("Customers", current.customers, before.customers if before else None, note=about),
        _tile("Points awarded", current.points_awarded, before.points_awarded if before else None),
    ]
    return [replace(tile, is_running=has_today and before is not None) for tile in tiles]


def _tile(name: str, current: int, previous: int | None, *, note: str = "") -> Tile:
    return Tile(
        name=name,
        text=numerals.exact(current),
        value=str(current),
        change=None if previous is None else numerals.change(current, previous),
        note=note,
    )


def event_types_panel(
    found: Overview, *, url_of: Callable[[TypeLine], str], is_compared: bool
) -> Panel:
    """Return the event types, the one with the most events first."""
    shown = found.event_types[:SHOWN_TYPES]
    has_late = any(line.current.late for line in shown)
    has_discarded = any(line.discarded for line in shown)
    columns = ["Event type", "By day", "Events", "Customers", "Points"]
    columns += ["Change"] if is_compared else []
    columns += ["Late"] if has_late else []
    columns += ["Discarded"] if has_discarded else []
    rows = []
    for line in shown:
        row = _row(line, found.days, url=url_of(line))
        row += [changed(line.current.events, line.previous.events)] if is_compared else []
        row += [late(line.current.late)] if has_late else []
        row += [exact(sum(line.discarded.values()))] if has_discarded else []
        rows.append(row)
    return Panel(
        name="event-types",
        title="Event types",
        table=Table(caption="Event types", columns=columns, rows=rows),
        note=_TODAY_NOTE * (is_compared and _has_today(found)) + _cut_note(found.event_types),
    )


def _row(line: TypeLine, days: Days, *, url: str) -> list[Cell]:
    return [
        Cell(text=line.event_type.name, url=url),
        daily_spark(line.daily, days, of=f"Events of {line.event_type.name}"),
        exact(line.current.events),
        exact(line.current.customers),
        exact(line.current.points_awarded),
    ]


def _cut_note(lines: Sequence[TypeLine]) -> str:
    if len(lines) <= SHOWN_TYPES:
        return ""
    return f"The {SHOWN_TYPES} with the most events of {numerals.exact(len(lines))} are shown."
