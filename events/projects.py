"""Projects: made with a key of each kind."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from events import keys
from events.models import ApiKey, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """A project just made, with its secrets in clear: they are shown once."""

    project: Project
    api_key: str
    secret_key: str
    jwt: str
    jwt_secret: str


@transaction.atomic
def create(*, slug: str, time_zone: str, strict: bool, now: datetime) -> NewProject:
    """Make a project. Raises ValidationError where slug or zone can't be, or the slug is taken."""
    jwt_secret = keys.new_jwt_secret()
    project = Project(
        slug=slug,
        name=slug,
        time_zone=time_zone,
        strict=strict,
        jwt_secret=keys.encrypted(jwt_secret),
    )
    project.full_clean()
    project.save()
    return NewProject(
        project=project,
        api_key=keys.issue(project, ApiKey.Kind.API, name="API key").text,
        secret_key=keys.issue(project, ApiKey.Kind.SECRET, name="Secret key").text,
        jwt=keys.signed_token(slug=slug, secret=jwt_secret, now=now),
        jwt_secret=jwt_secret,
    )
