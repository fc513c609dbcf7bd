"""Panels of texts: the most frequent, these over time, versions in their order, dates by day."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from analytics import charts, frames, numerals, profiles
from analytics.charts import Bar, Line
from analytics.frames import Span
from analytics.panels.parts import Panel, Table, counted, exact, named
from analytics.panels.stretches import Stretch, part_note, parts_of, period_cell
from analytics.sketches import TextSummary
from analytics.sketches.shapes import VersionKey, is_date, version_key

TOP_VALUES = 20
TOP_LINES = 5

OTHERS = "(all others)"

Order: TypeAlias = Callable[[str], VersionKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTexts:
    """Texts in total and by day, and what they are of."""

    subject: str
    total: TextSummary
    days: Mapping[date, TextSummary]
    span: Span
    stretch: Stretch
    time_zone: str


def text_panels(shown: ShownTexts) -> Iterator[Panel]:
    """Return the most frequent texts, in total and over time."""
    yield ranking_panel(
        shown.total, name="top", title=f"Top values of {shown.subject}", unit="Events"
    )
    yield over_time_panel(shown, title=f"Top values of {shown.subject}")


def version_panels(shown: ShownTexts) -> Iterator[Panel]:
    """Return the most frequent versions, the newest first, and the most frequent over time."""
    yield ranking_panel(
        shown.total,
        name="versions",
        title=f"Versions of {shown.subject}, newest first",
        unit="Events",
        order=version_key,
    )
    yield over_time_panel(shown, title=f"Versions of {shown.subject}", order=version_key)


def date_panels(shown: ShownTexts) -> Iterator[Panel]:
    """Return the dates by the day or period that they name, and the most frequent."""
    if shown.total.dates:
        yield _calendar_panel(shown)
    yield from text_panels(shown)


def identifier_panel(shown: ShownTexts) -> Panel:
    """Return how many different identifiers there were; the values themselves tell nothing."""
    text = shown.total
    title = f"Identifiers in {shown.subject}"
    figures = {"Values": text.total, "Distinct": text.distinct}
    return Panel(
        name="identifiers",
        title=title,
        table=Table(
            caption=title,
            columns=("Figure", "Value"),
            rows=[
                *((named(name), exact(count)) for name, count in figures.items()),
                (named("Unique"), named(unique_share(text))),
            ],
        ),
        sentences=[
            "Nearly every event has a value of its own, so there are no top values to show."
        ],
        note=distinct_note(text),
    )


def is_identifier(text: TextSummary) -> bool:
    """Say whether nearly all texts are distinct, whatever the field is declared to be."""
    return profiles.type_of("auto", {"text": text.total}, text) == "identifier"


def unique_share(text: TextSummary) -> str:
    """Return what share of the texts was different from all others."""
    return numerals.share(min(text.distinct, text.total), text.total)


def ranking_panel(
    text: TextSummary,
    *,
    name: str,
    title: str,
    unit: str,
    order: Order | None = None,
) -> Panel:
    """Return the most frequent texts; where there is an order, those that come last in it first."""
    top = text.top(TOP_VALUES)
    if order is not None:
        ordered = sorted((value for value, _ in top), key=order, reverse=True)
        top = [(value, dict(top)[value]) for value in ordered]
    rows = [counted(charts.visible(value), count, text.total) for value, count in top]
    if other := text.other_after(TOP_VALUES):
        rows.append(counted(OTHERS, other, text.total))
    return Panel(
        name=name,
        title=title,
        figure=charts.ranking([Bar(label=value, count=count) for value, count in top], unit=unit),
        table=Table(caption=title, columns=("Value", unit, "Share"), rows=rows),
        note=distinct_note(text),
    )


def over_time_panel(shown: ShownTexts, *, title: str, order: Order | None = None) -> Panel:
    """Return the most frequent texts of all days in each period, and how many others there were."""
    names = [value for value, _ in shown.total.top(TOP_LINES)]
    if order is not None:
        names.sort(key=order, reverse=True)
    frame = frames.counts_over_time(
        {day: _named_counts(text, names) for day, text in shown.days.items()}, shown.span
    )
    interval = str(frame.index.name)
    columns = [frame[column].tolist() for column in frame]
    starts = frames.starts(frame)
    parts = parts_of(starts, interval, shown.stretch)
    rows = zip(starts, parts, *columns, strict=True)
    return Panel(
        name="over-time",
        title=f"{title} by {interval}",
        figure=charts.lines_over_time(
            starts,
            [
                Line(name=charts.visible(value), values=counts, marks=parts)
                for value, counts in zip(names, columns, strict=False)
            ],
            title="Events",
            time=f"{interval.capitalize()} ({shown.time_zone})",
            axis="count",
        ),
        table=Table(
            caption=f"{title} by {interval}",
            columns=(interval.capitalize(), *map(charts.visible, names), OTHERS),
            rows=[
                (period_cell(start, part), *map(exact, counts))
                for start, part, *counts in rows
                if any(counts)
            ],
        ),
        note=f"{_count_note(shown.total) or 'Exact.'} {part_note(starts, parts, interval)}".strip(),
    )


def _named_counts(text: TextSummary, names: Sequence[str]) -> dict[str, int]:
    """Return counts under the places of the names: a value may have the name of the others."""
    counts = {str(place): text.counts.get(name, 0) for place, name in enumerate(names)}
    return counts | {OTHERS: text.total - sum(counts.values())}


def _calendar_panel(shown: ShownTexts) -> Panel:
    """Return how many of the dates lie on each day, or in longer periods of many days."""
    days: dict[date, dict[str, int]] = {}
    for value, count in shown.total.counts.items():
        if is_date(value):
            counts = days.setdefault(date.fromisoformat(value[:10]), {"values": 0})
            counts["values"] += count
    first, last = min(days), max(days)
    frame = frames.counts_over_time(days, Span(first=first, last=last))
    interval = str(frame.index.name)
    starts, counted_values = frames.starts(frame), frame["values"].tolist()
    title = f"{shown.subject} by the {interval} that it names"
    return Panel(
        name="calendar",
        title=title,
        figure=charts.lines_over_time(
            starts,
            [Line(name="Values", values=counted_values)],
            title="Values",
            time=interval.capitalize(),
            axis="count",
        ),
        table=Table(
            caption=title,
            columns=(interval.capitalize(), "Values", "Share"),
            rows=[
                counted(start, count, shown.total.total)
                for start, count in zip(starts, counted_values, strict=True)
                if count
            ],
        ),
        sentences=[f"The dates lie between {first} and {last}."],
        note=_count_note(shown.total) or "Exact.",
    )


def distinct_note(text: TextSummary) -> str:
    """Return how many different texts there were, and how far their counts may be off."""
    return f"{_distinct(text)} {_count_note(text)}".strip()


def _distinct(text: TextSummary) -> str:
    if not text.distinct_error:
        return f"{numerals.exact(text.distinct)} distinct, exact."
    return f"About {numerals.exact(text.distinct)} distinct (± {100 * text.distinct_error:.1f} %)."


def _count_note(text: TextSummary) -> str:
    if not text.count_error:
        return ""
    return f"A count may be up to {numerals.exact(text.count_error)} too low."
