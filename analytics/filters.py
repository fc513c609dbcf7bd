"""What a reader asks of a page: days and a scale, as they stand in its address."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlencode

from analytics.serializers import StatisticsParameters
from analytics.sketches import Scale

_DAYS = ("from", "to")
SCALES: Mapping[str, str] = {
    "": "automatic",
    "linear": "linear",
    "log": "logarithmic",
    "quantile": "quantile",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFilter:
    """The days and the scale of a page; where `errors` has any, the days are the default ones.

    `written` is what stands in the address, `scale` None where that names none.
    """

    first: date
    last: date
    scale: Scale | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def scales(self) -> Mapping[str, str]:
        """The scales that may be chosen, with their names."""
        return SCALES

    @property
    def first_text(self) -> str:
        return self.written.get("from", self.first.isoformat())

    @property
    def last_text(self) -> str:
        return self.written.get("to", self.last.isoformat())

    @property
    def query(self) -> str:
        """The days as the end of another page's address; "" where the address names none."""
        days = {name: self.written[name] for name in _DAYS if name in self.written}
        return f"?{urlencode(days)}" if days and not self.errors else ""


def page_filter(query: Mapping[str, str], today: date) -> PageFilter:
    """Return what a page's query asks for; what can't be read becomes an error beside it."""
    written = {name: query[name] for name in (*_DAYS, "scale") if query.get(name)}
    parameters = StatisticsParameters(data=written)
    if not parameters.is_valid():
        unasked = StatisticsParameters(data={})
        unasked.is_valid(raise_exception=True)
        first, last = unasked.days(today)
        errors = {name: " ".join(map(str, found)) for name, found in parameters.errors.items()}
        return PageFilter(first=first, last=last, written=written, errors=errors)
    first, last = parameters.days(today)
    return PageFilter(
        first=first, last=last, scale=parameters.validated_data.get("scale"), written=written
    )
