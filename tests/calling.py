"""A client of one project: requests as plain values, answers as JSON."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from events.projects import NewProject

EVENTS = "/api/v1/events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; `body` is its JSON."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls with a project's API key. An exception in the server is raised in the test,
    unless the caller `takes_faults`."""

    keys: NewProject
    takes_faults: bool = False
    _client: Client = field(default_factory=Client)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """Send JSON, or bytes as they are; `user_agent="x"` becomes the header User-Agent."""
        return self._sent("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Answer:
        return self._sent("PUT", path, body, **headers)

    def _sent(self, method: str, path: str, body: Any, **headers: str) -> Answer:
        sent = {"x-api-key": self.keys.api_key, "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        self._client.raise_request_exception = not self.takes_faults
        response = self._client.generic(
            method,
            path,
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            content_type=sent.pop("content-type"),
            headers={name: value for name, value in sent.items() if value},
        )
        return _answer(response)

    def get(self, path: str, query: Any = None, **headers: str) -> Answer:
        sent = {"x-api-key": self.keys.api_key}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return _answer(self._client.get(path, query, headers=sent))

    def send(self, *events: Any) -> list[Any]:
        """Send a list of events in the native format; return their results."""
        answer = self.post(EVENTS, {"events": list(events)})
        assert answer.status == 200, answer
        results: list[Any] = answer.body["results"]
        return results

    def send_one(self, event: Any, status: int = 200) -> Any:
        """Send one event in the native format; return its result."""
        answer = self.post(EVENTS, event)
        assert answer.status == status, answer
        return answer.body["results"][0]

    def customer(self, external_id: str) -> Any:
        answer = self.get(f"/api/v1/customers/{external_id}")
        assert answer.status == 200, answer
        return answer.body


def _answer(response: Any) -> Answer:
    text = response.content
    return Answer(
        status=response.status_code,
        body=json.loads(text) if text else None,
        headers=dict(response.headers),
    )


def buy(customer: str = "c-1", **fields: Any) -> dict[str, Any]:
    """Return a native event; `amount=5` and the like become its metadata, except its own fields."""
    own = {"event", "id", "occurred_at", "identities", "metadata"}
    event = {name: value for name, value in fields.items() if name in own}
    metadata = {name: value for name, value in fields.items() if name not in own}
    return {"event": "buy", "customer": customer, "metadata": metadata, **event}
