"""Questions to the statistics API, as clients send them."""

from typing import Any
from urllib.parse import quote

from django.test import Client

from events.metadata import read_json
from events.models import Project
from events.projects import NewProject
from tests.analytics.feed import field

NONE_DISCARDED = {"unique_by": 0, "throttle": 0, "bot": 0}


def path_of(event: str = "play", name: str = "level") -> str:
    names = [quote(part, safe="") for part in (event, name)]
    return f"/api/v1/event-types/{names[0]}/fields/{names[1]}/statistics"


def below(event: str, end: str) -> str:
    return f"/api/v1/event-types/{quote(event, safe='')}/{end}"


def get(
    keys: NewProject, path: str, parameters: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Return the status and the body, numbers exact."""
    response = Client().get(path, parameters or {}, headers={"X-API-Key": keys.api_key})
    body = read_json(response.content)
    assert isinstance(body, dict)
    return response.status_code, body


def make_personal(project: Project, name: str, *, kept_as: str = "mask") -> None:
    found = field(project, name)
    found.personal, found.personal_as = True, kept_as
    found.save()
