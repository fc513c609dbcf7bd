"""What the page of a field shows: each chart with its table, made of the field's statistics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd

from analytics import charts, frames, numerals
from analytics.charts import Bar, Figure, Line
from analytics.sketches import (
    RELATIVE_ERROR,
    ArraySummary,
    Bin,
    BooleanSummary,
    NumberSummary,
    Scale,
    TextSummary,
)
from analytics.statistics import FieldStatistics, Values

PERCENTS = (50, 90, 99)
BINS = 20
TOP_VALUES = 20

_ERROR = f"{100 * RELATIVE_ERROR:g} %"

# Where one bin holds most of the numbers, bins of equal ratio are tried.
_CROWDED_SHARE = 0.5

_KIND_NAMES = {
    "number": "Number",
    "text": "Text",
    "boolean": "Boolean",
    "array": "Array",
    "object": "Object",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a table: what people read, and the same for programs where it is a number."""

    text: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a caption; the first cell of a row names it."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One chart, or none, with the table that holds the same figures.

    `name` is unique on the page; `note` says how exact the figures are.
    """

    name: str
    title: str
    table: Table
    figure: Figure | None = None
    note: str = ""
    is_table_open: bool = False

    @property
    def figure_id(self) -> str:
        """The id of the page's element that holds the figure."""
        return f"{self.name}-figure"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownNumbers:
    """The numbers of a field in total and by day, with the scale that was chosen for them."""

    statistics: FieldStatistics
    total: NumberSummary
    scale: Scale


def completeness(complete_to: datetime, zone: ZoneInfo, tail_rows: int) -> str:
    """Return up to which moment figures are complete, and how many events were read raw."""
    local = complete_to.astimezone(zone)
    rows = "1 row" if tail_rows == 1 else f"{numerals.exact(tail_rows)} rows"
    return f"Complete to {local:%H:%M:%S} on {local:%Y-%m-%d} ({zone.key}), {rows} unfolded."


def evidence(values: Values) -> Table:
    """Return how many events came with each kind of value, with null and without: all of them."""
    counts = {_KIND_NAMES[kind]: count for kind, count in values.types.items()}
    counts |= {"Null": values.null, "Missing": values.missing}
    return Table(
        caption="What arrived in this field",
        columns=("Arrived as", "Events", "Share"),
        rows=[_counted(name, count, values.rows) for name, count in counts.items()],
    )


def panels(statistics: FieldStatistics, scale: Scale | None) -> list[Panel]:
    """Return the panels of a field, those of the kind that most values have first.

    Without a scale the bins are linear, or logarithmic where those tell more.
    """
    types = statistics.total.types
    kinds = sorted(_PANELS, key=lambda kind: -types[kind])
    return [panel for kind in kinds for panel in _PANELS[kind](statistics, scale)]


def _number_panels(statistics: FieldStatistics, scale: Scale | None) -> Iterator[Panel]:
    total = statistics.total.number
    if total is None or not total.count:
        return
    shown = ShownNumbers(
        statistics=statistics, total=total, scale=scale or scale_of(total, bins=BINS)
    )
    yield _figures(total)
    yield _distribution(shown)
    yield _percentiles(shown)


def scale_of(numbers: NumberSummary, *, bins: int) -> Scale:
    """Return "log" where linear bins put most numbers into one, and bins of equal ratio don't."""
    fullest_linear = max(bar.count for bar in numbers.bins(bins, "linear"))
    if fullest_linear <= _CROWDED_SHARE * numbers.count:
        return "linear"
    fullest_log = max(bar.count for bar in numbers.bins(bins, "log"))
    return "log" if 2 * fullest_log <= fullest_linear else "linear"


def _figures(total: NumberSummary) -> Panel:
    figures = {
        "Count": _exact(total.count),
        "Min": _exact(total.minimum),
        "Median": _rounded(total.percentile(50)),
        "Mean": _rounded(total.mean),
        "Standard deviation": _rounded(total.std),
        "Max": _exact(total.maximum),
        "Sum": _exact(total.sum),
    }
    if total.outside:
        figures["Too long to be counted in"] = _exact(total.outside)
    return Panel(
        name="figures",
        title="Figures",
        table=Table(
            caption="Figures of the numbers",
            columns=("Figure", "Value"),
            rows=[(Cell(text=name), cell) for name, cell in figures.items()],
        ),
        note=f"The median is within {_ERROR} of its value, all others are exact.",
        is_table_open=True,
    )


def _distribution(shown: ShownNumbers) -> Panel:
    name = shown.statistics.question.field.name
    bins = shown.total.bins(BINS, shown.scale)
    edges = [bins[0].lower, *(one.upper for one in bins)]
    return Panel(
        name="distribution",
        title=f"Distribution of {name}, {_SCALE_NAMES[shown.scale]} bins",
        figure=charts.histogram(
            edges, [one.count for one in bins], title=f"{name} (bin edges)", unit="Values"
        ),
        table=Table(
            caption=f"Distribution of {name}",
            columns=("From", "To", "Values", "Share"),
            rows=[_bin_row(one, shown.total.count) for one in bins],
        ),
        note=f"A number may lie {_ERROR} of its value beside its bin. "
        "A bin holds its lower edge and not its upper one, but for the last.",
    )


_SCALE_NAMES: Mapping[Scale, str] = {
    "linear": "linear",
    "log": "logarithmic",
    "quantile": "quantile",
}


def _bin_row(one: Bin, total: int) -> Sequence[Cell]:
    return (
        _rounded(one.lower),
        _rounded(one.upper),
        _exact(one.count),
        Cell(text=numerals.share(one.count, total)),
    )


def _percentiles(shown: ShownNumbers) -> Panel:
    question = shown.statistics.question
    name = question.field.name
    days = {
        day: numbers
        for day, values in shown.statistics.days.items()
        if (numbers := values.number) is not None
    }
    frame = frames.percentiles_over_time(
        days, first=question.first, last=question.last, percents=PERCENTS
    )
    interval = str(frame.index.name)
    is_log = shown.scale == "log" and float(shown.total.minimum or 0) > 0
    return Panel(
        name="percentiles",
        title=f"Percentiles of {name} by {interval}",
        figure=charts.lines_over_time(
            _starts(frame),
            [Line(name=f"p{percent}", values=_line(frame, percent)) for percent in PERCENTS],
            title=f"{name} (log)" if is_log else name,
            time=f"{interval.capitalize()} ({question.project.time_zone})",
            axis="log" if is_log else "linear",
        ),
        table=_percentile_table(frame, f"Percentiles of {name} by {interval}"),
        note=f"Each percentile is within {_ERROR} of its value.",
    )


def _starts(frame: pd.DataFrame) -> list[str]:
    return [period.start_time.date().isoformat() for period in frame.index]


def _line(frame: pd.DataFrame, percent: int) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in frame[f"p{percent}"]]


def _percentile_table(frame: pd.DataFrame, caption: str) -> Table:
    lines = [_line(frame, percent) for percent in PERCENTS]
    rows = zip(_starts(frame), frame["count"].tolist(), *lines, strict=True)
    return Table(
        caption=caption,
        columns=(
            str(frame.index.name).capitalize(),
            "Values",
            *(f"p{percent}" for percent in PERCENTS),
        ),
        rows=[
            (Cell(text=start), _exact(count), *map(_rounded, values))
            for start, count, *values in rows
            if count
        ],
    )


def _text_panels(statistics: FieldStatistics, _scale: Scale | None) -> Iterator[Panel]:
    text = statistics.total.text
    if text is not None and text.total:
        name = statistics.question.field.name
        yield _ranking(text, name="top", title=f"Top values of {name}", unit="Events")


def _array_panels(statistics: FieldStatistics, _scale: Scale | None) -> Iterator[Panel]:
    array = statistics.total.array
    if isinstance(array, ArraySummary) and array.elements.total:
        name = statistics.question.field.name
        yield _ranking(
            array.elements, name="elements", title=f"Top elements of {name}", unit="Occurrences"
        )


def _ranking(text: TextSummary, *, name: str, title: str, unit: str) -> Panel:
    top = text.top(TOP_VALUES)
    rows = [_counted(charts.visible(value), count, text.total) for value, count in top]
    other = text.other_after(TOP_VALUES)
    if other:
        rows.append(_counted("(all others)", other, text.total))
    return Panel(
        name=name,
        title=title,
        figure=charts.ranking([Bar(label=value, count=count) for value, count in top], unit=unit),
        table=Table(caption=title, columns=("Value", unit, "Share"), rows=rows),
        note=" ".join([_distinct(text), *_count_error(text)]),
        is_table_open=True,
    )


def _distinct(text: TextSummary) -> str:
    if not text.distinct_error:
        return f"{numerals.exact(text.distinct)} distinct, exact."
    return f"About {numerals.exact(text.distinct)} distinct (± {100 * text.distinct_error:.1f} %)."


def _count_error(text: TextSummary) -> Iterator[str]:
    if text.count_error:
        yield f"A count may be up to {numerals.exact(text.count_error)} too low."


def _boolean_panels(statistics: FieldStatistics, _scale: Scale | None) -> Iterator[Panel]:
    boolean = statistics.total.boolean
    if not isinstance(boolean, BooleanSummary) or not boolean.count:
        return
    title = f"True and false in {statistics.question.field.name}"
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
            rows=[_counted(word, count, boolean.count) for word, count in counts.items()],
        ),
        note="Exact.",
        is_table_open=True,
    )


_PANELS: Mapping[str, Callable[[FieldStatistics, Scale | None], Iterator[Panel]]] = {
    "number": _number_panels,
    "text": _text_panels,
    "boolean": _boolean_panels,
    "array": _array_panels,
}


def _counted(name: str, count: int, total: int) -> Sequence[Cell]:
    return Cell(text=name), _exact(count), Cell(text=numerals.share(count, total))


def _exact(number: int | Decimal | None) -> Cell:
    if number is None:
        return Cell(text="–")
    value = str(number) if isinstance(number, int) else f"{number:f}"
    return Cell(text=numerals.exact(number), value=value)


def _rounded(number: float | Decimal | None) -> Cell:
    if number is None:
        return Cell(text="–")
    return Cell(text=numerals.rounded(number), value=repr(float(number)))
