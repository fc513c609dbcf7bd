"""Requests drawn from the published description, and the answers held against it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, checks
from schemathesis.core.failures import Failure, FailureGroup

from tests.bodies import bodies

TIMEOUT_SECONDS = 30
_CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@dataclass(slots=True)
class Findings:
    """How many requests were sent to each operation, how they were answered, what was wrong."""

    sent: dict[str, int] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def count(self, operation: str, status: int) -> None:
        self.sent[operation] = self.sent.get(operation, 0) + 1
        self.statuses[status] = self.statuses.get(status, 0) + 1


@dataclass(slots=True)
class Conformance:
    """The operations of one tag of the description that a server publishes."""

    url: str
    keys: Mapping[str, str]
    tag: str
    findings: Findings = field(default_factory=Findings)

    def run(self, cases: int) -> Findings:
        """Send so many requests in all, spread over the tag's operations."""
        operations = list(self._operations())
        assert operations, f"The description has no operation of {self.tag}."
        session = requests.Session()
        for operation in operations:
            self._try(operation, session, cases=-(-cases // len(operations)))
        return self.findings

    def _operations(self) -> Iterator[Any]:
        document = requests.get(f"{self.url}/api/schema/", timeout=TIMEOUT_SECONDS).json()
        schema = schemathesis.openapi.from_dict(document)
        schema.config.update(base_url=self.url)
        for result in schema.get_all_operations():
            operation: Any = result.ok()  # type: ignore[union-attr]  # an error has none, and raises
            if self.tag in operation.definition.raw["tags"]:
                yield operation

    def _try(self, operation: Any, session: requests.Session, *, cases: int) -> None:
        @settings(
            max_examples=cases,
            deadline=None,
            database=None,
            derandomize=False,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=_cases(operation), headers=_headers(operation, self.keys))
        def answer(case: Case[Any], headers: dict[str, str]) -> None:
            response = _sent(case, headers, session, self.url)
            self.findings.count(
                f"{operation.method.upper()} {operation.path}", response.status_code
            )
            try:
                case.validate_response(response, checks=_CHECKS)
            except (Failure, FailureGroup) as fault:
                self.findings.faults.append(f"{fault}\n{response.request.body!r}"[:2000])

        answer()


def _cases(operation: Any) -> st.SearchStrategy[Case[Any]]:
    """Return requests as the description allows them, as it does not, and with bodies near its
    examples."""
    allowed = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    examples = _examples(operation)
    strategies = [allowed]
    if operation.body or operation.query:
        strategies.append(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    if examples:
        near = st.sampled_from(examples).flatmap(bodies)
        strategies.append(st.builds(_with_body, allowed, near))
    return st.one_of(strategies)


def _examples(operation: Any) -> list[Any]:
    content = operation.definition.raw.get("requestBody", {}).get("content", {})
    examples = content.get("application/json", {}).get("examples", {})
    return [example["value"] for example in examples.values()]


def _with_body(case: Case[Any], body: Any) -> Case[Any]:
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    case.body = written
    return case


def _headers(operation: Any, keys: Mapping[str, str]) -> st.SearchStrategy[dict[str, str]]:
    """Return the headers of one of the ways to name a project, rarely of none or of a wrong key."""
    schemes = operation.schema.raw_schema["components"]["securitySchemes"]
    ways = [
        {
            name: value
            for scheme in way
            for name, value in _proof(schemes[scheme], scheme, keys).items()
        }
        for way in operation.definition.raw.get("security", [])
    ] or [{}]
    wrong = [dict.fromkeys(way, "wrong") for way in ways]
    return st.sampled_from([*ways * 9, *wrong, {}])


def _proof(scheme: Mapping[str, Any], name: str, keys: Mapping[str, str]) -> dict[str, str]:
    if scheme["type"] == "http":
        return {"Authorization": f"Bearer {keys['jwt' if 'oken' in name else 'secret_key']}"}
    is_secret = "secret" in scheme["name"].lower()
    return {scheme["name"]: keys["secret_key" if is_secret else "api_key"]}


def _sent(
    case: Case[Any], headers: Mapping[str, str], session: requests.Session, url: str
) -> requests.Response:
    arguments = case.as_transport_kwargs(base_url=url)
    sent = {str(name): value for name, value in dict(arguments.pop("headers", {})).items()}
    if isinstance(case.body, bytes):
        arguments.pop("json", None)
        arguments["data"] = case.body
    kept = {
        name: value
        for name, value in sent.items()
        if name.lower() not in {"authorization", *(each.lower() for each in headers)}
    }
    all_headers = {"Content-Type": "application/json", **kept, **headers}
    return session.request(headers=all_headers, timeout=TIMEOUT_SECONDS, **arguments)
