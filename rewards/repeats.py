"""Which events of a replay came in otherwise: their clients sent them again after the refusal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from events import limits
from events.metadata import canonical, write_json
from events.models import Event
from events.partitions import first_id
from events.protection import Protection
from events.types import JsonObject

# (customer id, event type id, canonical metadata)
_Deed: TypeAlias = tuple[int, int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """An event of a replay. `metadata` is as it would be stored; `occurred_at` is None where the
    client gave none."""

    customer_id: int
    event_type_id: int
    metadata: JsonObject
    occurred_at: datetime | None

    def deed(self, protection: Protection | None) -> _Deed:
        return self.customer_id, self.event_type_id, _canonical(self.metadata, protection)


def came_in(
    sought: Sequence[Sought], refused_at: datetime, *, protection: Protection | None
) -> list[bool]:
    """Tell of each event whether an equal one was stored since it was refused.

    Equal but for values of the project's personal fields in clear: the refused payload has none.

    Two equal ones among them need two. The customers are locked by the caller, so that nothing
    of theirs can come in meanwhile.
    """
    if not sought:
        return []
    found = _stored(sought, refused_at, protection)
    return [
        _is_taken_from(found.get(each.deed(protection), []), each.occurred_at) for each in sought
    ]


def _stored(
    sought: Iterable[Sought], refused_at: datetime, protection: Protection | None
) -> dict[_Deed, list[datetime]]:
    """Return when the events occurred that may be the same as those sought."""
    customer_ids = {each.customer_id for each in sought}
    resent = timedelta(hours=limits.RESEND_HOURS)
    since, until = refused_at - resent, refused_at + resent
    events = (
        Event.objects.filter(
            Q(customer_id__in=customer_ids) | Q(customer__merged_into_id__in=customer_ids),
            event_type_id__in={each.event_type_id for each in sought},
            # The id begins with the moment of receipt: only these months' partitions are read.
            id__gte=first_id(since.date()),
            id__lt=first_id(until.date() + timedelta(days=1)),
            received_at__range=(since, until),
            # Stored later, though it may have been received before: as another row's replay.
            batch__created_at__gt=refused_at,
        )
        # What came in the same request is a neighbour and no repeat.
        .exclude(received_at=refused_at)
        .order_by("id")
    )
    found: dict[_Deed, list[datetime]] = {}
    for customer_id, event_type_id, metadata, occurred_at in events.values_list(
        Coalesce(F("customer__merged_into_id"), F("customer_id")),
        "event_type_id",
        "metadata",
        "occurred_at",
    ):
        deed = customer_id, event_type_id, _canonical(metadata, protection)
        found.setdefault(deed, []).append(occurred_at)
    return found


def _is_taken_from(moments: list[datetime], occurred_at: datetime | None) -> bool:
    if occurred_at is None and moments:
        moments.pop(0)
        return True
    if occurred_at in moments:
        moments.remove(occurred_at)
        return True
    return False


def _canonical(metadata: JsonObject, protection: Protection | None) -> bytes:
    return write_json(canonical(protection.metadata(metadata) if protection else metadata))
