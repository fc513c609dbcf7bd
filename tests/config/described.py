"""What the OpenAPI document says of an answer, held against a real one."""

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import resolve
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from config.openapi.document import document_bytes
from tests.calling import Answer

DOCUMENT: dict[str, Any] = json.loads(document_bytes())


def operations() -> Iterator[tuple[str, str]]:
    """Yield every path with each of its methods, in capitals."""
    for path, methods in DOCUMENT["paths"].items():
        for method in methods:
            yield method.upper(), path


def route_of_path(path: str) -> str:
    """Return the route that serves a path of the document, with its examples for the names."""
    examples = {
        parameter["name"]: parameter["example"]
        for method in DOCUMENT["paths"][path].values()
        for parameter in method["parameters"]
        if parameter["in"] == "path"
    }
    return str(resolve(path.format(**examples)).route)


def faults(answer: Answer, method: str, path: str) -> list[str]:
    """Return in what an answer is not what the document says; `path` is the document's."""
    answers = DOCUMENT["paths"][path][method.lower()]["responses"]
    told = answers.get(str(answer.status))
    if told is None:
        return [f"{answer.status} is not told of {method} {path}"]
    media_type = answer.headers["Content-Type"].split(";")[0]
    if media_type not in told["content"]:
        return [f"{media_type} is not told of {method} {path}"]
    return validation_faults(answer.body, told["content"][media_type]["schema"])


def validation_faults(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return why a value is not of a schema; a field that the schema lacks is a fault here."""
    root = {**closed(schema), "components": _closed_components()}
    found = OAS31Validator(root, format_checker=oas31_format_checker).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in found]


@functools.cache  # there are hundreds of schemas, and thousands of answers
def _closed_components() -> Any:
    return closed(DOCUMENT["components"])


def closed(schema: Any) -> Any:
    """Return a schema whose objects have no further fields than those they name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(one) for name, one in schema.items()}
    is_object = schema.get("type") == "object" and "properties" in schema
    return {"additionalProperties": False, **inner} if is_object else inner
