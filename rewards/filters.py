"""Filters of what customers earned."""

from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError

from events.filters import BoundedFilter, bounds_of
from rewards.models import Transfer

# Lynes's words. We pay a streak's points where it reaches a milestone: both words mean these.
KINDS_OF_TYPES: dict[str, tuple[Transfer.Kind, ...]] = {
    "event": (Transfer.Kind.AWARD,),
    "streak_milestone": (Transfer.Kind.STREAK,),
    "streak_points": (Transfer.Kind.STREAK,),
    "challenge": (),
    "redemption": (),
}


class _KindsField(forms.CharField):
    """Kinds of transfers, by Lynes's words with commas between them."""

    def clean(self, value: Any) -> list[Transfer.Kind] | None:
        text: str = super().clean(value)
        if not text:
            return None
        words = [word.strip() for word in text.split(",")]
        if not all(word in KINDS_OF_TYPES for word in words):
            raise ValidationError(f"The types are {', '.join(KINDS_OF_TYPES)}.")
        return [kind for word in words for kind in KINDS_OF_TYPES[word]]


class _KindsFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = _KindsField

    def filter(self, transfers: Any, kinds: list[Transfer.Kind] | None) -> Any:
        return transfers if kinds is None else transfers.filter(kind__in=kinds)


class EarningFilter(BoundedFilter):
    """`types` (Lynes's words), `from` and `to` (of when it was paid)."""

    types = _KindsFilter()

    class Meta:
        model = Transfer
        fields: list[str] = []


EarningFilter.base_filters.update(bounds_of("created_at"))
