"""Events for the tests of analytics, sent through the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from events.models import EventType, MetadataField, Project
from events.types import Access, Event, Identity, JsonObject, Reception, Request, Scope
from events.wires import native
from rewards.pipeline import process
from tests.make import NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One event to be sent."""

    metadata: JsonObject
    event: str = "play"
    customer: str = "c-1"
    occurred_at: datetime = NOW


def send(project: Project, *sent: Sent, received_at: datetime = NOW) -> None:
    """Send events in one request, which becomes one batch; all of them must be accepted."""
    outcomes = process(
        native.wire,
        Request(entries=tuple(map(_event, sent)), is_list=True),
        Reception(
            access=Access(project_id=project.pk, scopes=frozenset(Scope)), received_at=received_at
        ),
    )
    assert {outcome.status for outcome in outcomes} <= {"accepted"}, outcomes


def send_values(project: Project, field: str, values: Sequence[object], **columns: object) -> None:
    """Send one event for each value of a field."""
    send(project, *(Sent(metadata={field: value}, **columns) for value in values))  # type: ignore[arg-type, dict-item]


def event_type(project: Project, name: str = "play") -> EventType:
    return project.event_types.get(name=name)


def field(project: Project, name: str, *, event: str = "play") -> MetadataField:
    return event_type(project, event).fields.get(name=name)


def _event(sent: Sent) -> Event:
    return Event(
        name=sent.event,
        customer=Identity(external_id=sent.customer),
        metadata=sent.metadata,
        occurred_at=sent.occurred_at,
    )
