"""What a reader asks of a page or of the statistics API, as it stands in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import django_filters
from django import forms

from analytics.models import Rollup
from analytics.sketches import Scale
from analytics.trend import Interval
from events.limits import EARLIEST_YEAR, METADATA_KEY_CHARACTERS

DEFAULT_DAYS = 30
LATEST_YEAR = 9_000  # leaves a calendar room to count on
MOST_PAGES = 1_000

# As many days give 800 points or fewer: more can't be told apart in a chart. There are 700 months
# since the first year, so these always fit.
MOST_DAYS: Mapping[Interval, int] = {"hour": 31, "day": 800, "week": 5_600}
_READABLE_DAYS: Mapping[Interval, int] = {"hour": 1, "day": 120, "week": 800}

_PRESET_DAYS = (7, 30, 90)
# These stand in the links from page to page: what else was chosen belongs to one page.
_SHARED = ("from", "to", "compare")

SCALES: Mapping[str, str] = {"linear": "Linear", "log": "Logarithmic", "quantile": "Quantile"}
INTERVALS: Mapping[str, str] = {"hour": "Hour", "day": "Day", "week": "Week", "month": "Month"}
COMPARISONS: Mapping[str, str] = {"previous": "Previous period", "none": "Nothing"}
SORTS: Mapping[str, str] = {"name": "Name", "filled": "Filled"}


def _choice(choices: Mapping[str, str]) -> django_filters.ChoiceFilter:
    refused = f"“%(value)s” is not a valid choice: choose one of {', '.join(choices)}."
    return django_filters.ChoiceFilter(
        choices=list(choices.items()), error_messages={"invalid_choice": refused}
    )


def _day() -> django_filters.DateFilter:
    refused = "Date has wrong format. Write it as YYYY-MM-DD."
    return django_filters.DateFilter(
        input_formats=["%Y-%m-%d"], error_messages={"invalid": refused}
    )


class _RangeForm(forms.Form):
    """Days of years that a calendar can count on, the first not after the last."""

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("from", "to"):
            day = given.get(name)
            if day is not None and not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
                self.add_error(name, f"The year lies between {EARLIEST_YEAR} and {LATEST_YEAR}.")
        first, last = given.get("from"), given.get("to")
        if first is not None and last is not None and first > last:
            self.add_error("from", "The first day lies after the last one.")
        return given


class RangeFilter(django_filters.FilterSet):  # type: ignore[misc]
    """`from` and `to` (local days, both included), `interval`, `scale`: of pages and API alike."""

    interval = _choice(INTERVALS)
    scale = _choice(SCALES)

    class Meta:
        model = Rollup
        fields: list[str] = []
        form = _RangeForm

    def __init__(self, data: Mapping[str, str]) -> None:
        super().__init__(data, queryset=Rollup.objects.none())

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        # `from` is a word of Python, so these two can't be class attributes.
        filters: dict[str, django_filters.Filter] = super().get_filters()
        return {"from": _day(), "to": _day()} | filters

    def refusals(self) -> dict[str, list[str]]:
        """Return what could not be read, by parameter; nothing where all is well."""
        return {name: list(map(str, found)) for name, found in self.errors.items()}

    def given(self) -> dict[str, Any]:
        """Return the parameters that were given and could be read."""
        cleaned: dict[str, Any] = self.form.cleaned_data
        return {name: value for name, value in cleaned.items() if value not in (None, "")}


class PageFilterSet(RangeFilter):
    """With what only pages know: `compare`, and the search, order and page of a list."""

    compare = _choice(COMPARISONS)
    sort = _choice(SORTS)
    q = django_filters.CharFilter(max_length=METADATA_KEY_CHARACTERS)
    page = django_filters.ChoiceFilter(
        choices=[(str(number), str(number)) for number in range(1, MOST_PAGES + 1)],
        error_messages={"invalid_choice": "There is no page “%(value)s”."},
    )


def days_asked(given: Mapping[str, Any], today: date) -> tuple[date, date]:
    """Return the first and the last day that were asked for; by default the last 30 days."""
    first: date | None = given.get("from")
    last: date = given.get("to") or (today if first is None else max(today, first))
    return first or max(last - timedelta(days=DEFAULT_DAYS - 1), date(EARLIEST_YEAR, 1, 1)), last


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A range of days by its name, as the query of the page that shows it."""

    name: str
    query: str
    is_shown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFilter:
    """What a page shows; where `errors` has any, it is what a page shows by itself.

    `written` is what stands in the address; `scale` and `interval` are None where it names none.
    """

    first: date
    last: date
    today: date
    interval: Interval | None = None
    scale: Scale | None = None
    is_compared: bool = True
    sort: str = "name"
    search: str = ""
    page: int = 1
    written: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def point_interval(self) -> Interval:
        """The interval asked for; without one the shortest that leaves a chart readable."""
        if self.interval is not None:
            return self.interval
        fitting = (name for name, most in _READABLE_DAYS.items() if self.days <= most)
        return next(fitting, "month")

    @property
    def shortest(self) -> Literal["day", "week", "month"]:
        """The shortest period of a field's charts: fields are not drawn by hour."""
        return "day" if self.interval is None or self.interval == "hour" else self.interval

    @property
    def drawn_last(self) -> date:
        """The last day that may hold an event: none is taken that lies over a day ahead."""
        return max(self.first, min(self.last, self.today + timedelta(days=1)))

    @property
    def intervals(self) -> Mapping[str, str]:
        return {"": "Automatic", **INTERVALS}

    @property
    def day_intervals(self) -> Mapping[str, str]:
        return {name: text for name, text in self.intervals.items() if name != "hour"}

    @property
    def scales(self) -> Mapping[str, str]:
        return {"": "Automatic", **SCALES}

    @property
    def comparisons(self) -> Mapping[str, str]:
        return COMPARISONS

    @property
    def sorts(self) -> Mapping[str, str]:
        return SORTS

    @property
    def query(self) -> str:
        """The days as the end of another page's address; "" where the address names none."""
        shared = {name: self.written[name] for name in _SHARED if name in self.written}
        return _query(shared if not self.errors else {})

    @property
    def presets(self) -> Sequence[Preset]:
        """Ranges up to today, beside what else the address says."""
        month = self.today.replace(day=1)
        starts = {f"{days} days": self.today - timedelta(days=days - 1) for days in _PRESET_DAYS}
        return [
            Preset(
                name=name,
                query=self.query_with({"from": str(first), "to": str(self.today), "page": ""}),
                is_shown=(self.first, self.last) == (first, self.today),
            )
            for name, first in (starts | {"This month": month}).items()
        ]

    def query_with(self, changes: Mapping[str, str]) -> str:
        """Return the address's query with other values; an empty one takes a parameter away."""
        return _query(dict(self.written) | dict(changes))


def page_filter(query: Mapping[str, str], today: date) -> PageFilter:
    """Return what a page's query asks for; what can't be read becomes an error beside it."""
    written = {name: query[name] for name in PageFilterSet.base_filters if query.get(name)}
    asked = PageFilterSet(written)
    refused = {name: " ".join(found) for name, found in asked.refusals().items()}
    given = asked.given()
    first, last = days_asked(given, today)
    interval: Interval | None = given.get("interval")
    if interval is not None and not is_readable(interval, first, last):
        refused["interval"] = (
            f"At most {MOST_DAYS[interval]} days are shown by {interval}; choose fewer days."
        )
        interval = None
    return PageFilter(
        first=first,
        last=last,
        today=today,
        interval=interval,
        scale=given.get("scale"),
        is_compared=given.get("compare") != "none",
        sort=given.get("sort", "name"),
        search=given.get("q", ""),
        page=int(given.get("page", 1)),
        written=written,
        errors=refused,
    )


def is_readable(interval: Interval, first: date, last: date) -> bool:
    """Say whether so many points can be told apart in a chart."""
    most = MOST_DAYS.get(interval)
    return most is None or (last - first).days < most


def _query(parameters: Mapping[str, str]) -> str:
    # The days stand first, so that one view has one address.
    days = {name: parameters.get(name, "") for name in ("from", "to")}
    given = {name: value for name, value in (days | dict(parameters)).items() if value}
    return f"?{urlencode(given)}" if given else "?"
