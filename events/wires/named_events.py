"""Events that stand as the fields of one object, each under its name."""

from collections.abc import Collection, Iterator

from events import limits
from events.metadata import text_refusal
from events.types import Event, Identity, JsonObject, RefusalCode
from events.wires.reading import UnreadableError, absent, invalid, metadata_of, refused

_FIELD = "events"


def named_events(
    body: JsonObject,
    customer: Identity,
    *,
    names: Collection[str],
    extra: JsonObject | None,
    attributes: JsonObject | None = None,
) -> Iterator[Event]:
    """Yield the events of one customer, who stands in the fields `names`.

    What is said once, of the customer and beside the events, goes with the first of them.
    """
    named = _metadata_by_event(body)
    rest = {name: value for name, value in body.items() if name != _FIELD}
    for name, metadata in named.items():
        yield Event(
            name=name,
            customer=customer,
            metadata=metadata_of(metadata, path=f"{_FIELD}.{name}"),
            # Each is a request of its own, so that a long one is not stored once for each event.
            source=body if len(named) == 1 else {**rest, _FIELD: {name: metadata}},
            extra=extra,
            attributes=attributes,
        )
        rest = {name: body[name] for name in names if name in body}
        extra = attributes = None


def _metadata_by_event(body: JsonObject) -> JsonObject:
    """Return the object in `events`, its names checked: each names an event and has its metadata.

    Raises UnreadableError where it is absent, null, no object, empty, or has too many.
    """
    events = body.get(_FIELD)
    if events is None:
        raise absent(body, _FIELD, path=_FIELD)
    if not isinstance(events, dict) or not events:
        raise invalid(_FIELD, f"The field {_FIELD} must be an object that names an event.")
    if len(events) > limits.EVENTS_PER_REQUEST:
        raise refused(
            RefusalCode.TOO_MANY_EVENTS,
            _FIELD,
            f"The request has {len(events)} events; at most {limits.EVENTS_PER_REQUEST} are taken.",
        )
    for name in events:
        _check_name(name)
    return events


def _check_name(name: str) -> None:
    if not name:
        raise invalid(_FIELD, "The name of an event is empty.")
    if len(name) > limits.NAME_CHARACTERS:
        raise refused(
            RefusalCode.NAME_TOO_LONG,
            _FIELD,
            f"The name of an event has {len(name)} characters; "
            f"at most {limits.NAME_CHARACTERS} are taken.",
        )
    if refusal := text_refusal(name, _FIELD):
        raise UnreadableError(refusal)
