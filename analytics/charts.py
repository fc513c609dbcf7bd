"""Plotly figures as plain dicts, from plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

Figure: TypeAlias = dict[str, Any]
AxisType: TypeAlias = Literal["linear", "log", "count", "share"]

# plotly.js 4 shows a button that uploads the chart's data to a server unless it is told not to.
CONFIG: Mapping[str, object] = MappingProxyType(
    {"showSendToCloud": False, "plotlyServerURL": "", "displaylogo": False, "responsive": True}
)

# Of plotly.express.colors.qualitative.Safe, those with a contrast of 3:1 on white and on black.
GREEN = "rgb(17, 119, 51)"
PURPLE = "rgb(170, 68, 153)"
ROSE = "rgb(204, 102, 119)"
OLIVE = "rgb(153, 153, 51)"
GREY = "rgb(136, 136, 136)"
_LINES = (
    {"color": GREEN, "dash": "solid"},
    {"color": PURPLE, "dash": "dash"},
    {"color": ROSE, "dash": "dot"},
    {"color": OLIVE, "dash": "dashdot"},
    {"color": GREY, "dash": "longdash"},
)
MOST_LINES = len(_LINES)

HEIGHT_PIXELS = 340
_MARGIN_PIXELS = {"t": 32, "r": 16, "b": 56, "l": 56}
_BAR_PIXELS = 28
_BAR_MARGIN_PIXELS = 110
_MOST_EDGE_GAPS = 5
_AXIS_CHARACTERS = 28  # as many fit beside one another below the axis on a phone
_CHARACTER_PIXELS = 8
_MOST_DATES = 5
_SHORT_LOG_RATIO = 1_000  # over more powers of ten Plotly chooses fewer ticks by itself
_MOST_MARKERS = 60  # more would hide the line
_STANDOFF_PIXELS = 12
_LABEL_CHARACTERS = 20  # a phone shows as many beside a bar
_TITLE_CHARACTERS = 40
_MOST_DIGITS = 12
_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: what stands beside it, and how long it is."""

    label: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line, with None where there is nothing to show."""

    name: str
    values: Sequence[float | None]
    # What to say of a value that can't be compared with the others, "" of all that can; none at
    # all is the same for every value.
    marks: Sequence[str] = ()


def histogram(edges: Sequence[float], counts: Sequence[int], *, title: str, unit: str) -> Figure:
    """Return bars between edges, of which there is one more than of counts.

    All bars are equally wide, whatever lies between their edges, so that every scale can be
    read: the labels say where a bar begins and ends.
    """
    places = list(range(len(counts)))
    ticks = _edge_ticks(edges)
    half_label = max(map(len, ticks["ticktext"])) * _CHARACTER_PIXELS // 2
    bars = {
        "type": "bar",
        "x": places,
        "y": list(counts),
        "hovertext": [
            f"{lower} to {upper}: {count:,}"
            for lower, upper, count in zip(
                edge_labels(edges)[:-1], edge_labels(edges)[1:], counts, strict=True
            )
        ],
        "hoverinfo": "text",
        "marker": {"color": GREEN},
    }
    return _figure(
        [bars],
        xaxis={"title": _below(_clear(title)), "automargin": True, **ticks, **_NO_GRID},
        yaxis={"title": {"text": unit}, "rangemode": "tozero", **_WHOLE_NUMBERS},
        # The outermost labels stand half beside the axis.
        margin=_MARGIN_PIXELS | {"r": max(36, half_label), "l": max(56, half_label)},
        bargap=0.06,
    )


def lines_over_time(
    moments: Sequence[str], lines: Sequence[Line], *, title: str, time: str, axis: AxisType
) -> Figure:
    """Return lines over dates (ISO 8601), broken where a value is missing.

    An axis of counts shows whole numbers from zero, one of shares those from 0 to 1 as per cent.
    A marked value is a hollow point, and says its mark when it is pointed at.
    """
    if len(lines) > MOST_LINES:
        raise ValueError(f"{len(lines)} lines can't be told apart; at most {MOST_LINES} can.")
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers" if len(moments) <= _MOST_MARKERS else "lines",
            "name": _clear(line.name),
            "x": list(moments),
            "y": list(line.values),
            "connectgaps": False,
            "line": dict(style),
            "marker": {"size": 5},
            **_marked(line),
        }
        for line, style in zip(lines, _LINES, strict=False)
    ]
    return _figure(
        traces,
        xaxis={
            "title": _below(time),
            "type": "date",
            "automargin": True,
            "nticks": _MOST_DATES,
            # Slanted labels of two lines lie over one another; upright ones don't.
            "autotickangles": [0, 90],
        },
        yaxis={
            "title": {"text": _clear(title)},
            "automargin": True,
            **_AXES[axis],
            **(_log_ticks(lines) if axis == "log" else {}),
        },
        hovermode="x unified",
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
    )


def _marked(line: Line) -> Figure:
    if not any(line.marks):
        return {}
    return {
        "text": [f" ({mark})" if mark else "" for mark in line.marks],
        "hovertemplate": "%{y}%{text}",
        # One size for all: Plotly takes points with sizes of their own for bubbles, with an edge.
        "marker": {
            "size": 6,
            "symbol": ["circle-open" if mark else "circle" for mark in line.marks],
        },
    }


def _log_ticks(lines: Sequence[Line]) -> Figure:
    """Return ticks at 1, 2 and 5 of each power of ten; by themselves all digits crowd there."""
    shown = [value for line in lines for value in line.values if value is not None and value > 0]
    is_short = bool(shown) and max(shown) / min(shown) < _SHORT_LOG_RATIO
    return {"dtick": "D2"} if is_short else {}


def ranking(bars: Sequence[Bar], *, unit: str) -> Figure:
    """Return horizontal bars, the first on top, each with its count."""
    places = list(range(len(bars)))
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": [bar.count for bar in bars],
        # Values that are cut to the same label are still bars of their own.
        "y": places,
        "hovertext": [f"{_clear(bar.label)}: {bar.count:,}" for bar in bars],
        "hoverinfo": "text",
        "marker": {"color": GREEN},
    }
    labels = [_clear(bar.label, most=_LABEL_CHARACTERS) for bar in bars]
    return _figure(
        [trace],
        xaxis={"title": {"text": unit}, "rangemode": "tozero", **_WHOLE_NUMBERS},
        yaxis={
            "tickvals": places,
            "ticktext": labels,
            "autorange": "reversed",
            "automargin": True,
            **_NO_GRID,
        },
        height=_BAR_MARGIN_PIXELS + _BAR_PIXELS * len(bars),
        bargap=0.25,
    )


_NO_GRID = {"showgrid": False, "zeroline": False}
_WHOLE_NUMBERS = {"tickformat": ",~r", "minallowed": 0, "automargin": True, "nticks": 6}
_AXES: Mapping[AxisType, Figure] = {
    "linear": {"type": "linear", "tickformat": "", "nticks": 6},
    # Without a format of its own a logarithmic axis says 2 where it means 20.
    "log": {"type": "log", "tickformat": "~s", "nticks": 6},
    "count": {"type": "linear", "rangemode": "tozero", **_WHOLE_NUMBERS},
    "share": {"type": "linear", "rangemode": "tozero", "minallowed": 0, "tickformat": ".0%"},
}


def _figure(data: list[Figure], **layout: object) -> Figure:
    shared: Figure = {
        "height": HEIGHT_PIXELS,
        "margin": _MARGIN_PIXELS,
        "showlegend": len(data) > 1,
        "font": {"size": 13},
    }
    return {"data": data, "layout": shared | layout, "config": dict(CONFIG)}


def _edge_ticks(edges: Sequence[float]) -> Figure:
    # Half of the last label stands beside the axis, where Plotly by itself leaves it out.
    shared = {"tickangle": 0, "ticklabeloverflow": "allow"}
    bars = len(edges) - 1
    if bars == 1 and edges[0] == edges[1]:
        return {"tickvals": [0], "ticktext": edge_labels(edges)[:1], **shared}
    shown, labels = _fitting_labels(edges)
    return {"tickvals": [place - 0.5 for place in shown], "ticktext": labels, **shared}


def _fitting_labels(edges: Sequence[float]) -> tuple[list[int], list[str]]:
    """Return the places of as many edges as fit on a phone, always both ends, with their labels."""
    bars = len(edges) - 1
    for gaps in range(min(bars, _MOST_EDGE_GAPS), 1, -1):
        shown = [round(gap * bars / gaps) for gap in range(gaps + 1)]
        labels = edge_labels([edges[place] for place in shown])
        narrowest = min(after - before for before, after in pairwise(shown))
        if max(map(len, labels)) * bars < narrowest * _AXIS_CHARACTERS:
            return shown, labels
    return [0, bars], edge_labels([edges[0], edges[-1]])


def _below(title: str) -> Figure:
    # Without a distance of its own a title ignores how high the labels above it are.
    return {"text": title, "standoff": _STANDOFF_PIXELS}


def edge_labels(numbers: Sequence[float]) -> list[str]:
    """Return short texts (1.2k, 3.5M) of ascending numbers, as long as it takes to differ."""
    different = len(set(numbers))
    for digits in range(3, _MOST_DIGITS):
        labels = [_short(number, digits) for number in numbers]
        if len(set(labels)) == different:
            return labels
    return [_short(number, _MOST_DIGITS) for number in numbers]


def _short(number: float, digits: int) -> str:
    size, unit = next(
        ((size, unit) for size, unit in _UNITS if size <= abs(number) < 1e15), (1.0, "")
    )
    return f"{number / size:.{digits}g}{unit}"


def visible(text: str) -> str:
    """Return a text so that it can be told from others: blanks that don't show are quoted."""
    if not text:
        return "(empty)"
    if _shows(text):
        return text
    characters = (
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
    return f"“{''.join(characters)}”"


def _shows(text: str) -> bool:
    return (
        text == text.strip()
        and any(map(str.isprintable, text))
        and not any(blank in text for blank in ("  ", "\t", "\n", "\r"))
    )


def _clear(text: str, *, most: int = _TITLE_CHARACTERS) -> str:
    """Return a text that Plotly shows as it is: it takes <b>, <br> and the like for markup."""
    shown = visible(text)
    return escape(shown if len(shown) <= most else f"{shown[: most - 1]}…", quote=False)
