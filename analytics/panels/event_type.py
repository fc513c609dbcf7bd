"""What the page of an event type shows: a row for each field of its metadata."""

from collections.abc import Callable, Mapping, Sequence

from analytics import charts, numerals, sparks
from analytics.overview import Headline
from analytics.panels.numbers import scale_of, short_figures
from analytics.panels.parts import (
    NOTHING,
    Cell,
    Panel,
    Table,
    counted,
    daily_spark,
    named,
    share,
)
from analytics.panels.texts import is_identifier, unique_share
from analytics.readings import Days
from analytics.sketches import BooleanSummary, EventSummary, NumberSummary, TextSummary
from analytics.statistics import FieldSummary, TypeStatistics, Values
from events.models import MetadataField
from events.suspicion import words_of
from events.types import DISCARD_WORDS

TOP_VALUES = 3
BINS = 16
_VALUE_CHARACTERS = 24


def headline(found: TypeStatistics) -> Headline:
    """Return the events, customers and points of the days."""
    return Headline.of(EventSummary.merge_all(found.daily.values()))


def fields_panel(
    fields: Sequence[FieldSummary], days: Days, *, url_of: Callable[[MetadataField], str]
) -> Panel:
    """Return the fields, one in a row, in the order that they came in."""
    return Panel(
        name="fields",
        title="Fields of the metadata",
        table=Table(
            caption="Fields of the metadata",
            columns=("Field", "Type", "Filled", "By day", "Distribution", "Values"),
            rows=[_row(field, days, url=url_of(field.field)) for field in fields],
        ),
        note="Values: smallest · median · largest of numbers, the most frequent of texts.",
    )


def discarded_panel(discarded: Mapping[str, int], rows: int) -> Panel:
    """Return the discarded events by reason, the most frequent first, beside `rows` that count."""
    came = rows + sum(discarded.values())
    counts = sorted(discarded.items(), key=lambda item: (-item[1], item[0]))
    return Panel(
        name="discarded",
        title="Discarded events",
        table=Table(
            caption="Discarded events",
            columns=("Reason", "Events", "Share of all that came"),
            rows=[counted(DISCARD_WORDS[reason], events, came) for reason, events in counts],
        ),
        note="They are kept, earn nothing and are in no other figure.",
    )


def _row(found: FieldSummary, days: Days, *, url: str) -> list[Cell]:
    name, values = found.field.name, found.total
    distribution, text = (
        (named(""), named("personal: kept off this page"))
        if found.field.personal
        else _shown_values(values, name)
    )
    return [
        Cell(text=name, url=url, note=_suspicion(found.field)),
        _type_cell(found),
        share(values.filled, values.rows),
        daily_spark(found.daily, days, of=f"{name} filled"),
        distribution,
        text,
    ]


def _suspicion(field: MetadataField) -> str:
    """Return a warning in words; the values that it is about are not shown for it."""
    if field.personal or not field.suspected:
        return ""
    return f"looks like {words_of(field.suspected)}; see the catalogue"


def _type_cell(found: FieldSummary) -> Cell:
    """Return the type; below it the strongest sign that it is something else."""
    note = ""
    if found.conflicts:
        worst = found.conflicts[0]
        percent = "< 0.1" if worst.share < 0.001 else f"{100 * worst.share:.1f}"
        note = f"{percent} % {worst.kind.replace('_', ' ')}"
    return Cell(text=found.total.shown_type or NOTHING, badge=True, note=note)


def _shown_values(values: Values, name: str) -> tuple[Cell, Cell]:
    """Return a picture and a few words of the kind that most values have."""
    kind = max(values.types, key=lambda kind: values.types[kind])
    numbers, text, boolean = values.number, values.text, values.boolean
    if numbers and numbers.count and (kind == "number" or values.shown_type == "number"):
        return _of_numbers(numbers, name)
    if kind == "text" and text and text.total:
        return _of_texts(text, name)
    if kind == "boolean" and boolean and boolean.count:
        return _of_booleans(boolean, name)
    if kind == "array" and values.array and values.array.lengths.count:
        return _of_numbers(values.array.lengths, f"the length of {name}", unit=" long")
    return named(""), named(NOTHING)


def _of_numbers(numbers: NumberSummary, name: str, *, unit: str = "") -> tuple[Cell, Cell]:
    scale = scale_of(numbers, bins=BINS)
    # Bars of quantiles are equally long, and a small picture has no edges to tell them apart.
    counts = [one.count for one in numbers.bins(BINS, "log" if scale == "quantile" else scale)]
    picture = sparks.bars(counts, label=f"Distribution of {name} in {len(counts)} bins")
    return Cell(text="", spark=picture), named(f"{short_figures(numbers)}{unit}")


def _of_texts(text: TextSummary, name: str) -> tuple[Cell, Cell]:
    if is_identifier(text):
        return named(""), named(f"identifier, {unique_share(text)} unique")
    top = text.top(TOP_VALUES)
    _, most = top[0]
    label = f"Share of the most frequent value of {name}: {numerals.share(most, text.total)}"
    words = ", ".join(_cut(charts.visible(value)) for value, _ in top)
    about = "" if not text.distinct_error else "about "
    note = f"{about}{numerals.exact(text.distinct)} distinct"
    return (
        Cell(text="", spark=sparks.share(most, text.total, label=label)),
        Cell(text=words, note=note),
    )


def _of_booleans(boolean: BooleanSummary, name: str) -> tuple[Cell, Cell]:
    true = numerals.share(boolean.true, boolean.count)
    label = f"Share of true in {name}: {true}"
    picture = sparks.share(boolean.true, boolean.count, label=label)
    return Cell(text="", spark=picture), named(f"true {true}")


def _cut(text: str) -> str:
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[: _VALUE_CHARACTERS - 1]}…"
