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
def create(
    *, slug: str, time_zone: str, strict: bool, now: datetime, rate_limit: str = ""
) -> NewProject:
    """Make a project; the rate limit is that of each key, and of its tokens together.

    Raises ValidationError where slug, zone or limit can't be, or the slug is taken.
    """
    jwt_secret = keys.new_jwt_secret()
    project = Project(
        slug=slug,
        name=slug,
        time_zone=time_zone,
        strict=strict,
        token_rate_limit=rate_limit,
        jwt_secret=keys.encrypted(jwt_secret),
    )
    project.full_clean()
    project.save()
    return NewProject(
        project=project,
        api_key=_issued(project, ApiKey.Kind.API, "API key"),
        secret_key=_issued(project, ApiKey.Kind.SECRET, "Secret key"),
        jwt=keys.signed_token(slug=slug, secret=jwt_secret, now=now),
        jwt_secret=jwt_secret,
    )


def _issued(project: Project, kind: ApiKey.Kind, name: str) -> str:
    return keys.issue(project, kind, name, rate_limit=project.token_rate_limit).text
