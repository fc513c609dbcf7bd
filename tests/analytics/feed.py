"""Events for the tests of analytics, sent through the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from events.models import MetadataField, Project
from events.types import (
    Access,
    Event,
    Identity,
    Json,
    JsonObject,
    Outcome,
    Reception,
    Request,
    Scope,
)
from events.wires import native
from rewards import pipeline
from rewards.commit_queue import Job
from rewards.submissions import Submission
from tests import databases
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
    submission = Submission.of(
        native.wire,
        Request(entries=tuple(map(_event, sent)), is_list=True),
        Reception(
            access=Access(project_id=project.pk, scopes=frozenset(Scope)),
            received_at=received_at,
        ),
    )
    job: Job[Submission, Sequence[Outcome]] = Job(submission, len(sent))
    pipeline.commit([job])
    outcomes = job.answer()
    assert {outcome.status for outcome in outcomes} <= {"accepted"}, outcomes


def send_values(project: Project, field: str, values: Sequence[Json], **columns: Any) -> None:
    """Send one event for each value of a field."""
    send(project, *(Sent(metadata={field: value}, **columns) for value in values))


def field(project: Project, name: str, *, event: str = "play") -> MetadataField:
    return MetadataField.objects.select_related("event_type").get(
        event_type__project=project, event_type__name=event, name=name
    )


def database_url() -> str:
    """Return the URL of this test's own database, for a process that the test starts."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return databases.database_on(databases.server(), name)


def _event(sent: Sent) -> Event:
    return Event(
        name=sent.event,
        customer=Identity(external_id=sent.customer),
        metadata=sent.metadata,
        occurred_at=sent.occurred_at,
    )
