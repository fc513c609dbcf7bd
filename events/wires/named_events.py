"""Events that stand as the fields of one object, each under its name."""

from events import limits
from events.metadata import text_refusal
from events.types import JsonObject, RefusalCode
from events.wires.reading import UnreadableError, absent, invalid, refused

_FIELD = "events"


def metadata_by_event(body: JsonObject) -> JsonObject:
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
