"""What the page of a field shows: each chart with its table, made of the field's statistics."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from analytics import charts, frames, numerals
from analytics.charts import Bar, Line
from analytics.frames import Length, Span
from analytics.panels.numbers import ShownNumbers, number_panels
from analytics.panels.parts import Panel, Table, Tile, counted, exact, share
from analytics.panels.stretches import Stretch, part_note, parts_of, period_cell
from analytics.panels.texts import (
    OTHERS,
    TOP_VALUES,
    ShownTexts,
    date_panels,
    distinct_note,
    identifier_panel,
    is_identifier,
    text_panels,
    version_panels,
)
from analytics.profiles import Evidence
from analytics.sketches import Scale
from analytics.statistics import FieldStatistics, Values
from events.types import Json

_KIND_NAMES = {
    "number": "Number",
    "text": "Text",
    "boolean": "Boolean",
    "array": "Array",
    "object": "Object",
}
_ARRIVED_AS = {
    "number": "a number",
    "numeric_text": "a number written as text",
    "boolean": "true or false",
    "date": "a date",
    "version": "a version",
    "text": "a text",
    "array": "an array",
    "object": "an object",
}
_SAMPLE_CHARACTERS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownField:
    """The statistics of a field, and how a reader wants to see them."""

    statistics: FieldStatistics
    scale: Scale | None = None
    shortest: Length = "day"

    @property
    def name(self) -> str:
        return self.statistics.question.field.name

    @property
    def total(self) -> Values:
        return self.statistics.total

    @property
    def time_zone(self) -> str:
        return self.statistics.question.project.time_zone

    @property
    def span(self) -> Span:
        question = self.statistics.question
        return Span(first=question.first, last=question.last, shortest=self.shortest)

    @property
    def stretch(self) -> Stretch:
        question = self.statistics.question
        return Stretch(
            first=question.first,
            last=question.last,
            complete_to=self.statistics.complete_to,
            zone=question.project.zone,
        )


def tiles(values: Values) -> list[Tile]:
    """Return how many events came with the field and without."""
    counts = {
        "Events": values.rows,
        "Filled": values.filled,
        "Null": values.null,
        "Missing": values.missing,
    }
    return [
        Tile(
            name=name,
            text=numerals.exact(count),
            value=str(count),
            note="" if name == "Events" else numerals.share(count, values.rows),
        )
        for name, count in counts.items()
    ]


def evidence_panel(statistics: FieldStatistics) -> Panel:
    """Return what arrived, each kind of value with null and missing, and what was odd about it."""
    values = statistics.total
    counts = {_KIND_NAMES[kind]: count for kind, count in values.types.items()}
    counts |= {"Null": values.null, "Missing": values.missing}
    caption = "What arrived in this field"
    return Panel(
        name="evidence",
        title="What arrived",
        table=Table(
            caption=caption,
            columns=("Arrived as", "Events", "Share"),
            rows=[counted(name, count, values.rows) for name, count in counts.items()],
        ),
        sentences=sentences(statistics),
        note="Exact.",
    )


def sentences(statistics: FieldStatistics) -> list[str]:
    """Return why the field has its type and what speaks against it, as sentences."""
    values = statistics.total
    conflicts = [_conflict_sentence(found) for found in statistics.conflicts]
    others = [
        _evidence_sentence(found)
        for found in statistics.evidence
        if found not in statistics.conflicts
    ]
    declared = values.declared
    source = (
        f"It was declared as {declared}."
        if declared != "auto"
        else "Its type follows from what arrived, and changes with it."
    )
    return [source, *others, *conflicts]


def _evidence_sentence(found: Evidence) -> str:
    return f"{_share_text(found)} of the values came as {_ARRIVED_AS[found.kind]}{_samples(found)}."


def _conflict_sentence(found: Evidence) -> str:
    return (
        f"Conflict: {_share_text(found)} ({numerals.exact(found.count)}) came as "
        f"{_ARRIVED_AS[found.kind]}{_samples(found)}, between {found.first_day} and "
        f"{found.last_day}."
    )


def _share_text(found: Evidence) -> str:
    if found.share == 1:
        return "100 %"
    return "< 0.1 %" if found.share < 0.001 else f"{100 * found.share:.1f} %"


def _samples(found: Evidence) -> str:
    shown = ", ".join(map(_sample, found.samples))
    return f", like {shown}" if shown else ""


def _sample(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = f"“{value}”" if isinstance(value, str) else str(value)
    return text if len(text) <= _SAMPLE_CHARACTERS else f"{text[: _SAMPLE_CHARACTERS - 1]}…"


def panels(shown: ShownField) -> list[Panel]:
    """Return the panels of a field, those of the kind that most values have first.

    Without a scale the bins are linear, or logarithmic where those tell more.
    """
    types = shown.total.types
    kinds = sorted(_PANELS, key=lambda kind: -types[kind])
    return [panel for kind in kinds for panel in _PANELS[kind](shown)]


def _number_panels(shown: ShownField) -> Iterator[Panel]:
    total = shown.total.number
    if total is not None and total.count:
        days = {day: values.number for day, values in shown.statistics.days.items()}
        yield from number_panels(
            ShownNumbers(
                subject=shown.name,
                total=total,
                days={day: numbers for day, numbers in days.items() if numbers is not None},
                span=shown.span,
                stretch=shown.stretch,
                scale=shown.scale,
                time_zone=shown.time_zone,
            )
        )


def _text_panels(shown: ShownField) -> Iterator[Panel]:
    total = shown.total.text
    if total is None or not total.total:
        return
    days = {day: values.text for day, values in shown.statistics.days.items()}
    texts = ShownTexts(
        subject=shown.name,
        total=total,
        days={day: text for day, text in days.items() if text is not None},
        span=shown.span,
        stretch=shown.stretch,
        time_zone=shown.time_zone,
    )
    match shown.total.shown_type:
        case "version":
            yield from version_panels(texts)
        case "date":
            yield from date_panels(texts)
        case _ if is_identifier(total):
            yield identifier_panel(texts)
        case _:
            yield from text_panels(texts)


def _array_panels(shown: ShownField) -> Iterator[Panel]:
    array = shown.total.array
    if array is None or not array.count:
        return
    if array.elements.total:
        yield _elements(shown)
    days = {day: values.array for day, values in shown.statistics.days.items()}
    yield from number_panels(
        ShownNumbers(
            subject=f"the length of {shown.name}",
            total=array.lengths,
            days={day: found.lengths for day, found in days.items() if found is not None},
            span=shown.span,
            stretch=shown.stretch,
            scale=shown.scale,
            time_zone=shown.time_zone,
            prefix="lengths-",
        )
    )


def _elements(shown: ShownField) -> Panel:
    array = shown.total.array
    if array is None:
        raise ValueError(f"No value of {shown.name} is an array.")
    top = array.elements.top(TOP_VALUES)
    rows = [
        (
            *counted(charts.visible(value), count, array.elements.total),
            exact(array.rows.counts.get(value)),
        )
        for value, count in top
    ]
    if other := array.elements.other_after(TOP_VALUES):
        rows.append((*counted(OTHERS, other, array.elements.total), exact(None)))
    title = f"Top elements of {shown.name}"
    return Panel(
        name="elements",
        title=title,
        figure=charts.ranking(
            [Bar(label=value, count=count) for value, count in top], unit="Occurrences"
        ),
        table=Table(
            caption=title,
            columns=("Value", "Occurrences", "Share of all", "Events with it"),
            rows=rows,
        ),
        note=distinct_note(array.elements),
    )


def _boolean_panels(shown: ShownField) -> Iterator[Panel]:
    boolean = shown.total.boolean
    if boolean is None or not boolean.count:
        return
    title = f"True and false in {shown.name}"
    counts = {"true": boolean.true, "false": boolean.false}
    yield Panel(
        name="booleans",
        title=title,
        figure=charts.ranking(
            [
                Bar(label=f"{word} · {numerals.share(count, boolean.count)}", count=count)
                for word, count in counts.items()
            ],
            unit="Events",
        ),
        table=Table(
            caption=title,
            columns=("Value", "Events", "Share"),
            rows=[counted(word, count, boolean.count) for word, count in counts.items()],
        ),
        note="Exact.",
    )
    yield _true_share(shown)


def _true_share(shown: ShownField) -> Panel:
    days = {day: values.boolean for day, values in shown.statistics.days.items()}
    counts = {day: {"true": found.true, "all": found.count} for day, found in days.items() if found}
    frame = frames.counts_over_time(counts, shown.span)
    interval = str(frame.index.name)
    title = f"Share of true in {shown.name} by {interval}"
    counted_rows = zip(frame["true"].tolist(), frame["all"].tolist(), strict=True)
    starts = frames.starts(frame)
    parts = parts_of(starts, interval, shown.stretch)
    periods = map(period_cell, starts, parts)
    rows = [(period, *row) for period, row in zip(periods, counted_rows, strict=True)]
    shares = [true / all_ if all_ else None for _, true, all_ in rows]
    return Panel(
        name="true-share",
        title=title,
        figure=charts.lines_over_time(
            starts,
            [Line(name="true", values=shares, marks=parts)],
            title="Share of true",
            time=f"{interval.capitalize()} ({shown.time_zone})",
            axis="share",
        ),
        table=Table(
            caption=title,
            columns=(interval.capitalize(), "True", "Events", "Share"),
            rows=[
                (period, exact(true), exact(all_), share(true, all_))
                for period, true, all_ in rows
                if all_
            ],
        ),
        note=f"Exact. {part_note(starts, parts, interval)}".strip(),
    )


_PANELS: Mapping[str, Callable[[ShownField], Iterator[Panel]]] = {
    "number": _number_panels,
    "text": _text_panels,
    "boolean": _boolean_panels,
    "array": _array_panels,
}
