"""Filters of lists of events, shared by the API and the pages."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from events.models import Event, Identity, Project, Quarantine, ids_with_merged
from events.types import RefusalCode

BoundOfDay: TypeAlias = Callable[[date, ZoneInfo], datetime]

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BoundedFilter(django_filters.FilterSet):  # type: ignore[misc]
    """`from` and `to` (`bounds_of` a field): moments (RFC 3339) or days of the zone; both ends are
    included."""

    def __init__(self, data: Any, *, queryset: QuerySet[Any], zone: ZoneInfo) -> None:
        super().__init__(data, queryset=queryset)
        for name in ("from", "to"):
            self.filters[name].extra["zone"] = zone


class EventFilter(BoundedFilter):
    """`event`, `customer` (external id), `from` and `to` (of occurred_at), `status`."""

    event = django_filters.CharFilter(field_name="event_type__name")
    customer = django_filters.CharFilter(method="of_customer")
    status = django_filters.ChoiceFilter(choices=Event.Status.choices)

    class Meta:
        model = Event
        fields: list[str] = []

    def of_customer(self, events: QuerySet[Event], _name: str, value: str) -> QuerySet[Event]:
        # Asked first, for the index of events leads to ids. The same name may be known in other
        # projects, whose events are not among these.
        named = Identity.objects.filter(
            # The index of identities begins with the project.
            project__in=Project.objects.values("pk"),
            kind=Identity.Kind.EXTERNAL_ID,
            value=value,
        )
        return events.filter(customer_id__in=ids_with_merged(named.values_list("customer_id")))


class QuarantineFilter(BoundedFilter):
    """`code`, `wire`, `client`, `from` and `to` (of received_at), `status`."""

    STANDING = "standing"

    code = django_filters.ChoiceFilter(choices=[(str(code), str(code)) for code in RefusalCode])
    wire = django_filters.CharFilter()
    client = django_filters.CharFilter(method="of_client")
    status = django_filters.ChoiceFilter(
        choices=[(STANDING, "not replayed"), *Quarantine.Replay.choices], method="of_status"
    )

    class Meta:
        model = Quarantine
        fields: list[str] = []

    def of_client(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return rows.filter(of_client(value))

    def of_status(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return rows.filter(replay="" if value == self.STANDING else value)


def of_client(name: str) -> Q:
    """Return the condition of rows that a client sent; an imported file is one client."""
    return Q(client=name) | Q(client__startswith=f"{name} line ")


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


def bounds_of(field_name: str) -> dict[str, Any]:
    """Return `from` and `to`, to be put into a filter's `base_filters`.

    `from` is a word of Python, so they can't be class attributes.
    """
    return {
        "from": _BoundFilter(field_name=field_name, lookup_expr="gte", bound_of_day=_first_moment),
        "to": _BoundFilter(field_name=field_name, lookup_expr="lte", bound_of_day=_last_moment),
    }


EventFilter.base_filters.update(bounds_of("occurred_at"))
QuarantineFilter.base_filters.update(bounds_of("received_at"))
