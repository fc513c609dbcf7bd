"""What a page of figures is made of: tiles, and panels of a chart with its table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from analytics import numerals, sparks
from analytics.charts import HEIGHT_PIXELS, Figure
from analytics.numerals import Change
from analytics.periods import dates_between
from analytics.readings import Days
from analytics.sparks import Spark

NOTHING = "–"
MOST_SPARK_DAYS = 1_000
_NARROW_COLUMNS = 3
_EVEN_COLUMNS = 5
_STACKED_COLUMNS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a table: what people read, and the same for programs where it is a number.

    `url` is where its text leads; `spark` stands before the text, `note` below it. Most tables
    have plain cells alone, and templates show these faster.
    """

    text: str
    value: str = ""
    url: str = ""
    spark: Spark | None = None
    change: Change | None = None
    note: str = ""
    badge: bool = False

    @property
    def is_plain(self) -> bool:
        return not (self.url or self.spark or self.change or self.note or self.badge)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a caption; the first cell of a row names it."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @property
    def labelled_rows(self) -> Iterator[list[tuple[str, Cell]]]:
        """The rows, each cell beside the name of its column."""
        return (list(zip(self.columns, row, strict=True)) for row in self.rows)

    @property
    def stacks(self) -> bool:
        """Whether it has too many columns for a phone, which shows a card a row then."""
        return len(self.columns) >= _STACKED_COLUMNS


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
    sentences: Sequence[str] = ()

    @property
    def is_narrow(self) -> bool:
        """Whether half of a wide screen is enough."""
        return self.figure is None and len(self.table.columns) <= _NARROW_COLUMNS

    @property
    def is_even(self) -> bool:
        """Whether the table needs as much room as the chart."""
        return len(self.table.columns) >= _EVEN_COLUMNS

    @property
    def is_tall(self) -> bool:
        """Whether the chart grows with its rows, and so leaves room for all of the table's."""
        return self.figure is not None and bool(self.figure["layout"]["height"] > HEIGHT_PIXELS)

    @property
    def figure_id(self) -> str:
        """The id of the page's element that holds the figure."""
        return f"{self.name}-figure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure in large digits, beside that of the period before where it is compared.

    One that is running has a day that is not over yet, beside whole days before.
    """

    name: str
    text: str
    value: str
    change: Change | None = None
    note: str = ""
    is_running: bool = False


def completeness(complete_to: datetime, zone: ZoneInfo, tail_rows: int) -> str:
    """Return up to which moment figures are complete, and how many events were read raw."""
    local = complete_to.astimezone(zone)
    rows = "1 row" if tail_rows == 1 else f"{numerals.exact(tail_rows)} rows"
    return f"Complete to {local:%H:%M:%S} on {local:%Y-%m-%d} ({zone.key}), {rows} unfolded."


def named(name: str) -> Cell:
    return Cell(text=name)


def exact(number: int | Decimal | None) -> Cell:
    if number is None:
        return Cell(text=NOTHING)
    value = str(number) if isinstance(number, int) else f"{number:f}"
    return Cell(text=numerals.readable(number), value=value)


def rounded(number: float | Decimal | None) -> Cell:
    if number is None:
        return Cell(text=NOTHING)
    return Cell(text=numerals.rounded(number), value=repr(float(number)))


def share(part: int, whole: int) -> Cell:
    return Cell(text=numerals.share(part, whole))


def changed(current: int, previous: int) -> Cell:
    change = numerals.change(current, previous)
    return Cell(text=change.text, change=change)


def counted(name: str, count: int, total: int) -> Sequence[Cell]:
    return named(name), exact(count), share(count, total)


def daily_spark(daily: Mapping[date, int], days: Days, *, of: str) -> Cell:
    """Return a line over the days, or over those with anything where there are too many."""
    first, last = max(days.first, min(daily, default=days.last)), max(daily, default=days.last)
    if (days.last - days.first).days < MOST_SPARK_DAYS:
        first, last = days.first, days.last
    values = [daily.get(day, 0) for day in dates_between(first, last)]
    label = f"{of} by day, {numerals.exact(max(values, default=0))} at most"
    return Cell(text="", spark=sparks.line(values, label=label))
