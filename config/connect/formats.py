"""What it takes to send a first event in each vendor's format, as texts to copy."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

API_KEY = "API_KEY"
SECRET_KEY = "SECRET_KEY"  # noqa: S105 (the place of a secret)
TOKEN = "TOKEN"  # noqa: S105 (the place of a token)
# Where the page puts the keys that its reader enters.
PLACES = (API_KEY, SECRET_KEY, TOKEN)

_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One POST of a format: its path from the root, its headers beside the JSON's, its body."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A vendor's format as a developer meets it.

    `base_path` is what follows this installation's address in the client's base URL; `former` is
    the base URL that it replaces, "" where that is not public or ours; `note` says what must be
    there first.
    """

    wire: str
    title: str
    base_path: str
    former: str
    calls: Sequence[Call]
    note: str = ""


def formats(event: str) -> tuple[Format, ...]:
    """Return all formats, their examples sending an event type that the project has."""
    makers = (_native, _gameball, _referd, _lynes, _releva, _vibetrace)
    return tuple(make(event) for make in makers)


def _native(event: str) -> Format:
    body = {
        "event": event,
        "customer": "c-1",
        "id": "first-1",
        "metadata": {"amount": 120.5, "brand": "Acme"},
    }
    return Format(
        wire="native",
        title="Trackward",
        base_path="/api/v1",
        former="",
        calls=[Call(path="/api/v1/events", headers={"X-API-Key": API_KEY}, body=body)],
        note="The id makes a retry safe: sent again, the event is answered and not counted.",
    )


def _gameball(event: str) -> Format:
    call = Call(
        path="/gameball/api/v4/integrations/events",
        headers={"apikey": API_KEY, "secretkey": SECRET_KEY},
        body={"customerId": "c-1", "events": {event: {"amount": 120.5, "currency": "EUR"}}},
    )
    return Format(
        wire="gameball",
        title="Gameball v4",
        base_path="/gameball",
        former="https://api.gameball.co",
        calls=[call],
    )


def _referd(event: str) -> Format:
    call = Call(
        path="/referd/api/v3.0/integrations/event",
        headers={"APIKey": API_KEY},
        body={"playerUniqueId": "c-1", "events": {event: {"amount": 120.5}}},
    )
    return Format(
        wire="referd",
        title="Referd and Gameball v3",
        base_path="/referd",
        former="https://api.gameball.co",
        calls=[call],
    )


def _lynes(event: str) -> Format:
    call = Call(
        path="/lynes/event",
        headers={"Authorization": f"Bearer {TOKEN}"},
        body={"eventId": event, "userId": "c-1", "metadata": {"amount": 120.5}},
    )
    return Format(
        wire="lynes",
        title="Lynes",
        base_path="/lynes",
        former="https://api.lynesapp.de",
        calls=[call],
        note="Lynes knows only event types that are in the catalogue.",
    )


def _releva(event: str) -> Format:
    sent = {
        "action": event,
        "email": "ada@example.com",
        "products": [{"id": "p-1", "quantity": 2}],
        "custom": {"numeric": [{"key": "amount", "values": [120.5]}]},
    }
    call = Call(
        path="/releva/api/v0/events",
        headers={"Authorization": f"Bearer {SECRET_KEY}"},
        body={"events": [sent]},
    )
    return Format(
        wire="releva",
        title="Releva",
        base_path="/releva",
        former="https://releva.ai",
        calls=[call],
    )


def _vibetrace(event: str) -> Format:
    headers = {"Authorization": API_KEY}
    user = {"email": "ada@example.com", "firstname": "Ada"}
    own = {"event_name": event, "amount": 120.5}
    sent = {"user": {"email": "ada@example.com"}, "event": {"generic": {"generic": own}}}
    return Format(
        wire="vibetrace",
        title="Vibetrace",
        base_path="/vibetrace",
        former="",
        calls=[
            Call(path="/vibetrace/v1/user", headers=headers, body=user),
            Call(path="/vibetrace/v1/event", headers=headers, body=sent),
        ],
        note="The user must exist before the event, so the first of the two calls makes it.",
    )


def curl_of(each: Format, root: str) -> str:
    """Return the calls as a shell's lines; `root` is this installation's address."""
    return "\n\n".join("\n".join(_curl_lines(call, root)) for call in each.calls)


def _curl_lines(call: Call, root: str) -> Iterator[str]:
    yield f"curl -sS -X POST {shlex.quote(root + call.path)} \\"
    for name, value in {**call.headers, **_JSON}.items():
        yield f"  -H {shlex.quote(f'{name}: {value}')} \\"
    yield f"  -d {shlex.quote(json.dumps(call.body, ensure_ascii=False))}"


def python_of(each: Format, root: str) -> str:
    """Return the calls as a Python program that needs nothing installed."""
    blocks = [_python_block(call, root) for call in each.calls]
    return "import json\nfrom urllib.request import Request, urlopen\n\n" + "\n".join(blocks)


def _python_block(call: Call, root: str) -> str:
    headers = "".join(
        f"    {json.dumps(name)}: {json.dumps(value)},\n"
        for name, value in {**call.headers, **_JSON}.items()
    )
    body = _python_literal(call.body)
    return (
        f"headers = {{\n{headers}}}\n"
        f"body = {body}\n"
        f"request = Request({json.dumps(root + call.path)}, json.dumps(body).encode(), headers)\n"
        "with urlopen(request) as answer:\n"
        "    print(answer.status, answer.read().decode())\n"
    )


def _python_literal(body: Mapping[str, Any]) -> str:
    # Only texts, numbers, lists and objects: their JSON is Python too.
    return json.dumps(body, ensure_ascii=False, indent=4)
