"""Filters of lists of events, shared by the API and the pages."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from events.models import Event

BoundOfDay: TypeAlias = Callable[[date, ZoneInfo], datetime]

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class EventFilter(django_filters.FilterSet):  # type: ignore[misc]
    """`event`, `customer` (external id), `from` and `to` (of occurred_at), `status`.

    `from` and `to` are moments (RFC 3339) or days of the zone; both ends are included.
    """

    event = django_filters.CharFilter(field_name="event_type__name")
    customer = django_filters.CharFilter(method="of_customer")
    status = django_filters.ChoiceFilter(choices=Event.Status.choices)

    class Meta:
        model = Event
        fields: list[str] = []

    def __init__(self, data: Any, *, queryset: QuerySet[Event], zone: ZoneInfo) -> None:
        super().__init__(data, queryset=queryset)
        for name in _bounds:
            self.filters[name].extra["zone"] = zone

    def of_customer(self, events: QuerySet[Event], _name: str, value: str) -> QuerySet[Event]:
        return events.filter(
            customer__identities__kind="external_id", customer__identities__value=value
        )


def _first_moment(day: date, zone: ZoneInfo) -> datetime:
    """Return the day's midnight in UTC: where it comes twice the first, where it is skipped
    the moment of the jump."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _last_moment(day: date, zone: ZoneInfo) -> datetime:
    return _first_moment(day + timedelta(days=1), zone) - timedelta.resolution


class _BoundField(forms.CharField):
    """A moment, or a day of the zone as one of its ends, in UTC."""

    default_error_messages = {
        "invalid": "Enter a day like 2026-11-21 or a moment like 2026-11-21T10:00:00Z.",
        "no_zone": "The moment lacks its zone: end it with Z or an offset like +01:00.",
        # Not every day and moment of the years 1 and 9999 has one.
        "out_of_range": "Enter a day or moment from year 1 to 9999 in UTC.",
    }

    def __init__(self, *, zone: ZoneInfo, bound_of_day: BoundOfDay, **options: Any) -> None:
        super().__init__(**options)
        self._zone = zone
        self._bound_of_day = bound_of_day

    def clean(self, value: Any) -> datetime | None:
        text: str = super().clean(value)
        try:
            return self._bound(text) if text else None
        except OverflowError as error:
            raise self._error("out_of_range") from error
        except ValueError as error:
            raise self._error("invalid") from error

    def _bound(self, text: str) -> datetime:
        if _DATE.fullmatch(text):
            return self._bound_of_day(date.fromisoformat(text), self._zone)
        moment = parse_datetime(text)
        if moment is None:
            raise self._error("invalid")
        if moment.tzinfo is None:
            raise self._error("no_zone")
        return moment.astimezone(UTC)

    def _error(self, code: str) -> ValidationError:
        return ValidationError(self.error_messages[code], code=code)


class _BoundFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = _BoundField


# `from` is a word of Python, so these two can't be class attributes.
_bounds: dict[str, Any] = {
    "from": _BoundFilter(field_name="occurred_at", lookup_expr="gte", bound_of_day=_first_moment),
    "to": _BoundFilter(field_name="occurred_at", lookup_expr="lte", bound_of_day=_last_moment),
}
EventFilter.base_filters.update(_bounds)
