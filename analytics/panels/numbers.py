"""Panels of numbers: their figures, how they are distributed, their percentiles over time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from analytics import charts, frames, numerals
from analytics.charts import Line
from analytics.frames import Span
from analytics.panels.parts import Cell, Panel, Table, exact, named, rounded, share
from analytics.panels.stretches import Stretch, part_note, parts_of, period_cell
from analytics.sketches import RELATIVE_ERROR, Bin, NumberSummary, Scale

PERCENTS = (50, 90, 99)
BINS = 20

_ERROR = f"{100 * RELATIVE_ERROR:g} %"

# Where one bin holds most of the numbers, other scales are tried.
_CROWDED_SHARE = 0.5
_OTHER_SCALES: tuple[Scale, ...] = ("log", "quantile")

_SCALE_NAMES: Mapping[Scale, str] = {
    "linear": "linear",
    "log": "logarithmic",
    "quantile": "quantile",
}
_BIN_NOTES: Mapping[Scale, str] = {
    "quantile": "Each bin holds about as many numbers: where bins are narrow, numbers are dense. "
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownNumbers:
    """Numbers in total and by day: what they are of, how they are to be shown.

    `prefix` makes the names of the panels unique on a page.
    """

    subject: str
    total: NumberSummary
    days: Mapping[date, NumberSummary]
    span: Span
    stretch: Stretch
    scale: Scale | None
    time_zone: str
    prefix: str = ""

    @property
    def chosen_scale(self) -> Scale:
        return self.scale or scale_of(self.total, bins=BINS)


def number_panels(shown: ShownNumbers) -> Iterator[Panel]:
    """Return the panels of numbers, of which there must be some."""
    yield _figures(shown)
    yield _distribution(shown)
    yield _percentiles(shown)


def scale_of(numbers: NumberSummary, *, bins: int) -> Scale:
    """Return the first other scale that halves the fullest bin, where it holds most numbers.

    One tiny number beside the others stretches a logarithmic scale so far that it tells as little
    as a linear one; quantiles pay no heed to it.
    """
    fullest_linear = _fullest(numbers, bins, "linear")
    if fullest_linear <= _CROWDED_SHARE * numbers.count:
        return "linear"
    telling = (
        scale for scale in _OTHER_SCALES if 2 * _fullest(numbers, bins, scale) <= fullest_linear
    )
    return next(telling, "linear")


def _fullest(numbers: NumberSummary, bins: int, scale: Scale) -> int:
    return max(one.count for one in numbers.bins(bins, scale))


def _figures(shown: ShownNumbers) -> Panel:
    total = shown.total
    figures = {
        "Count": exact(total.count),
        "Min": exact(total.minimum),
        "Median": _median(total),
        "Mean": rounded(total.mean),
        "Standard deviation": rounded(total.std),
        "Max": exact(total.maximum),
        "Sum": exact(total.sum),
    }
    if total.outside:
        figures["Too long to be counted in"] = exact(total.outside)
    return Panel(
        name=f"{shown.prefix}figures",
        title=f"Figures of {shown.subject}",
        table=Table(
            caption=f"Figures of {shown.subject}",
            columns=("Figure", "Value"),
            rows=[(named(name), cell) for name, cell in figures.items()],
        ),
        note="Exact."
        if total.is_exact
        else f"The median is within {_ERROR} of its value, all others are exact.",
    )


def _median(numbers: NumberSummary) -> Cell:
    """Return the middle of the numbers: all its digits where it is their smallest or largest."""
    median = numbers.percentile(50)
    for known in (numbers.minimum, numbers.maximum):
        if known is not None and float(known) == median:
            return Cell(text=numerals.rounded(known), value=f"{known:f}")
    return rounded(median)


def _distribution(shown: ShownNumbers) -> Panel:
    scale = shown.chosen_scale
    bins = shown.total.bins(BINS, scale)
    edges = [bins[0].lower, *(one.upper for one in bins)]
    about = "" if shown.total.is_exact else f"A number may lie {_ERROR} of its value off its bin. "
    return Panel(
        name=f"{shown.prefix}distribution",
        title=f"Distribution of {shown.subject}, {_SCALE_NAMES[scale]} bins",
        figure=charts.histogram(
            edges, [one.count for one in bins], title=f"{shown.subject} (bin edges)", unit="Values"
        ),
        table=Table(
            caption=f"Distribution of {shown.subject}",
            columns=("From", "To", "Values", "Share"),
            rows=[_bin_row(one, shown.total.count) for one in bins],
        ),
        note=f"{about}{_BIN_NOTES.get(scale, '')}"
        "A bin holds its lower edge and not its upper one, but for the last.",
    )


def _bin_row(one: Bin, total: int) -> Sequence[Cell]:
    return rounded(one.lower), rounded(one.upper), exact(one.count), share(one.count, total)


def _percentiles(shown: ShownNumbers) -> Panel:
    frame = frames.percentiles_over_time(shown.days, shown.span, percents=PERCENTS)
    interval = str(frame.index.name)
    lines = {f"p{percent}": frames.line(frame, f"p{percent}") for percent in PERCENTS}
    is_log = shown.chosen_scale == "log" and float(shown.total.minimum or 0) > 0
    title = f"Percentiles of {shown.subject} by {interval}"
    starts = frames.starts(frame)
    parts = parts_of(starts, interval, shown.stretch)
    rows = zip(starts, parts, frame["count"].tolist(), *lines.values(), strict=True)
    return Panel(
        name=f"{shown.prefix}percentiles",
        title=title,
        figure=charts.lines_over_time(
            starts,
            [Line(name=name, values=values, marks=parts) for name, values in lines.items()],
            title=f"{shown.subject} (log)" if is_log else shown.subject,
            time=f"{interval.capitalize()} ({shown.time_zone})",
            axis="log" if is_log else "linear",
        ),
        table=Table(
            caption=title,
            columns=(interval.capitalize(), "Values", *lines),
            rows=[
                (period_cell(start, part), exact(count), *map(rounded, values))
                for start, part, count, *values in rows
                if count
            ],
        ),
        note=f"{_percentile_note(shown)} {part_note(starts, parts, interval)}".strip(),
    )


def _percentile_note(shown: ShownNumbers) -> str:
    if all(numbers.is_exact for numbers in shown.days.values()) and shown.total.is_exact:
        return "Exact."
    return f"Each percentile is within {_ERROR} of its value."


def short_figures(numbers: NumberSummary) -> str:
    """Return the smallest, the middle and the largest number in one line."""
    smallest, largest = numbers.minimum, numbers.maximum
    if smallest is None or largest is None:
        return ""
    median = _median(numbers).text
    return f"{numerals.rounded(smallest)} · {median} · {numerals.rounded(largest)}"
