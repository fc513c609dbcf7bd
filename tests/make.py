"""Plain builders of the rows that tests start from."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User

from events import projects
from events.models import EventType, MetadataField, Project
from events.projects import NewProject
from events.types import JsonObject
from rewards import publishing
from rewards.models import Rule, Streak

# A Monday in the past, with the shop's clock an hour ahead of UTC.
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def keyed_project(
    slug: str, *, time_zone: str = "UTC", strict: bool = False, now: datetime = NOW
) -> NewProject:
    """Make a project and return it with its keys in clear."""
    return projects.create(slug=slug, time_zone=time_zone, strict=strict, now=now)


def project(slug: str, *, time_zone: str = "UTC", strict: bool = False) -> Project:
    return keyed_project(slug, time_zone=time_zone, strict=strict).project


def event_type(project: Project, name: str, **columns: Any) -> EventType:
    """Make an event type; `fields={"brand": "text"}` declares fields with their types."""
    fields: dict[str, str] = columns.pop("fields", {})
    made = EventType.objects.create(project=project, name=name, **columns)
    for field_name, type_name in fields.items():
        field(made, field_name, type=type_name)
    return made


def field(event_type: EventType, name: str, **columns: Any) -> MetadataField:
    return MetadataField.objects.create(event_type=event_type, name=name, **columns)


def rule(
    project: Project,
    name: str,
    definition: JsonObject,
    *,
    state: Rule.State = Rule.State.LIVE,
    now: datetime = NOW,
) -> Rule:
    """Publish a rule that has always been in force."""
    return publishing.put_rule(
        project,
        name=name,
        state=state,
        definition=definition,
        in_force_from=None,
        in_force_until=None,
        by=None,
        now=now,
    )


def streak(project: Project, name: str, definition: JsonObject, *, now: datetime = NOW) -> Streak:
    """Publish a streak; `definition` is `{"event", "period", "milestones"}`."""
    return publishing.put_streak(project, name=name, definition=definition, by=None, now=now)


def staff(username: str, *projects: Project, **columns: Any) -> User:
    """Make a member of staff who sees these projects."""
    user: User = User.objects.create_user(
        username, password="a pass phrase", is_staff=True, **columns
    )
    for project in projects:
        project.members.add(user)
    return user
