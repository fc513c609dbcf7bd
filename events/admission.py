"""Whether an event that a wire could read may come in, by the project's catalogue."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from events import limits
from events.catalogue import Catalogue
from events.types import Access, Event, ProfileUpdate, Reception, Refusal, RefusalCode, Wire

_FUTURE = timedelta(hours=limits.FUTURE_HOURS)
_EARLIEST = datetime(limits.EARLIEST_YEAR, 1, 1, tzinfo=UTC)


def refusal_of(
    event: Event,
    *,
    catalogue: Catalogue,
    to_make: Collection[str],
    wire: Wire,
    reception: Reception,
) -> Refusal | None:
    """Return why the event is refused, or None. An unknown type that may be made is no refusal.

    `to_make`: the unknown types of the events before it, not in the catalogue yet.
    """
    if refusal := _time_refusal(event, reception):
        return refusal
    if event.name not in catalogue.types:
        return _unknown_type_refusal(event, catalogue, to_make, creates=wire.creates_event_types)
    return _type_refusal(event, catalogue, reception)


def profile_refusal(update: ProfileUpdate, access: Access) -> Refusal | None:
    """Return why the customer may not be changed: a user's token alone changes nobody else."""
    if access.is_token and access.subject not in ("", update.customer.external_id):
        return Refusal(
            code=RefusalCode.FORBIDDEN,
            message="The token may change its own user alone.",
        )
    return None


def customer_refusal(entry: Event | ProfileUpdate, standing: Collection[bool]) -> Refusal | None:
    """Return why the entry is refused for whose it is, or None.

    `standing`: of each customer that it would be of, whether that one is active.
    """
    if entry.must_exist and not standing:
        return Refusal(code=RefusalCode.CUSTOMER_NOT_FOUND, message="The customer is not known.")
    if isinstance(entry, Event) and not all(standing):
        return Refusal(
            code=RefusalCode.INACTIVE_CUSTOMER,
            message="The customer is inactive; its events are not taken.",
        )
    return None


def _time_refusal(event: Event, reception: Reception) -> Refusal | None:
    if event.occurred_at is None:
        return None
    if event.occurred_at > reception.received_at + _FUTURE:
        return Refusal(
            code=RefusalCode.OCCURRED_IN_FUTURE,
            message=f"The event lies more than {limits.FUTURE_HOURS} hours ahead.",
            field="occurred_at",
        )
    if event.occurred_at < _EARLIEST:
        return Refusal(
            code=RefusalCode.OCCURRED_TOO_EARLY,
            message=f"The event lies before {limits.EARLIEST_YEAR}.",
            field="occurred_at",
        )
    return None


def _type_refusal(event: Event, catalogue: Catalogue, reception: Reception) -> Refusal | None:
    known = catalogue.types[event.name]
    if not known.active:
        return Refusal(
            code=RefusalCode.INACTIVE_EVENT_TYPE,
            message=f"The event type “{event.name}” is not active.",
            field="event",
        )
    if known.server_only and reception.access.is_token:
        return Refusal(
            code=RefusalCode.NEEDS_API_KEY,
            message=f"The event type “{event.name}” is only taken with an API key.",
            field="event",
        )
    return None


def _unknown_type_refusal(
    event: Event, catalogue: Catalogue, to_make: Collection[str], *, creates: bool
) -> Refusal | None:
    if catalogue.strict or not creates:
        return Refusal(
            code=RefusalCode.UNKNOWN_EVENT_TYPE,
            message=f"The event type “{event.name}” is not in the project's catalogue.",
            field="event",
        )
    made = catalogue.automatic_types + len(to_make)
    if event.name not in to_make and made >= limits.EVENT_TYPES_PER_PROJECT:
        return Refusal(
            code=RefusalCode.TOO_MANY_EVENT_TYPES,
            message=f"The project has made {limits.EVENT_TYPES_PER_PROJECT} event types from "
            f"events by itself; add “{event.name}” to the catalogue to take it.",
            field="event",
        )
    return None
