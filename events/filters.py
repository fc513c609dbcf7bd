"""Filters of lists of events, shared by the API and the pages."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from events.models import Event


class EventFilter(django_filters.FilterSet):  # type: ignore[misc]
    """`event`, `customer` (external id), `from` and `to` (RFC 3339, of occurred_at), `status`."""

    event = django_filters.CharFilter(field_name="event_type__name")
    customer = django_filters.CharFilter(method="of_customer")
    status = django_filters.ChoiceFilter(choices=Event.Status.choices)

    class Meta:
        model = Event
        fields: list[str] = []

    def of_customer(self, events: QuerySet[Event], _name: str, value: str) -> QuerySet[Event]:
        return events.filter(
            customer__identities__kind="external_id", customer__identities__value=value
        )


class _MomentField(django_filters.fields.IsoDateTimeField):  # type: ignore[misc]
    """A moment in UTC, which not every moment of the years 1 and 9999 has."""

    def clean(self, value: Any) -> datetime | None:
        try:
            moment: datetime | None = super().clean(value)
            return moment and moment.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError("Enter a moment from year 1 to 9999 in UTC.") from error


class _MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = _MomentField


# `from` is a word of Python, so these two can't be class attributes.
_moments: dict[str, Any] = {
    "from": _MomentFilter(field_name="occurred_at", lookup_expr="gte"),
    "to": _MomentFilter(field_name="occurred_at", lookup_expr="lte"),
}
EventFilter.base_filters.update(_moments)
