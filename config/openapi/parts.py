"""The words in which endpoints are described."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, TypeAlias

from events.types import RefusalCode

Schema: TypeAlias = Mapping[str, Any]
Method: TypeAlias = Literal["get", "post", "put"]

TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
DAY: Schema = {"type": "string", "format": "date"}
DAY_OR_MOMENT: Schema = {"anyOf": [DAY, MOMENT]}
UUID: Schema = {"type": "string", "format": "uuid"}
ANYTHING: Schema = {}
FREE_OBJECT: Schema = {"type": "object", "additionalProperties": True}
EMPTY_OBJECT: Schema = {"type": "object", "properties": {}, "maxProperties": 0}
EMPTY_LIST: Schema = {"type": "array", "maxItems": 0}
NULL: Schema = {"type": "null"}
# As PHP clients write objects: an empty one as a list.
OBJECT_OR_NOTHING: Schema = {"anyOf": [FREE_OBJECT, EMPTY_LIST, NULL]}


def record(properties: Mapping[str, Schema], *, optional: Sequence[str] = ()) -> Schema:
    """Return the schema of an object; its fields are always there, but for the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": dict(properties)}


def list_of(items: Schema, **bounds: int) -> Schema:
    return {"type": "array", "items": items, **bounds}


def words(*values: str) -> Schema:
    """Return the schema of a text that is one of some words."""
    return {"type": "string", "enum": list(values)}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, NULL]}


def described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def named(name: str) -> Schema:
    """Return a reference to one of the schemas that have a name."""
    return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter; `example` is a value that a reader can try."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: TEXT)
    place: Literal["query", "path"] = "query"
    example: object = None

    def as_json(self) -> Schema:
        example = {} if self.example is None else {"example": self.example}
        return {
            "name": self.name,
            "in": self.place,
            "required": self.place == "path",
            "description": self.description,
            "schema": self.schema,
            **example,
        }


def codes_but(never: Collection[RefusalCode]) -> Sequence[RefusalCode]:
    """Return the codes of what may be refused for nearly every reason."""
    return [code for code in RefusalCode if code not in never]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """The envelope in which a wire refuses, and the status of each code there."""

    status_of: Mapping[RefusalCode, int]
    schema: Schema
    media_type: str = "application/json"

    def answers(self, codes: Sequence[RefusalCode]) -> dict[str, Schema]:
        """Return the answer of each status with the codes that it may have here."""
        by_status: dict[int, list[RefusalCode]] = {}
        for code in codes:
            by_status.setdefault(self.status_of[code], []).append(code)
        return {str(status): self._answer(status, found) for status, found in by_status.items()}

    def _answer(self, status: int, codes: Sequence[RefusalCode]) -> Schema:
        shown = ", ".join(f"`{code}`" for code in codes)
        answer = {
            "description": f"{HTTPStatus(status).phrase}: {shown}",
            "content": {self.media_type: {"schema": self.schema}},
        }
        if set(codes) & {RefusalCode.RATE_LIMITED, RefusalCode.TOO_BUSY}:
            answer["headers"] = {"Retry-After": _RETRY_AFTER}
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class EitherRefusals:
    """The envelopes of two wires at one path: each answer is of the one or of the other."""

    first: Refusals
    second: Refusals

    def answers(self, codes: Sequence[RefusalCode]) -> dict[str, Schema]:
        one, other = self.first.answers(codes), self.second.answers(codes)
        both = {"oneOf": [self.first.schema, self.second.schema]}
        shown = {status: {**one.get(status, {}), **found} for status, found in other.items()}
        for status in one.keys() & other.keys():
            texts = dict.fromkeys(told[status]["description"] for told in (one, other))
            shown[status] = {
                **shown[status],
                "description": "; or ".join(texts),
                "content": {self.first.media_type: {"schema": both}},
            }
        return {**one, **shown}


_RETRY_AFTER = {"description": "Seconds until the next try.", "schema": COUNT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a request holds, with requests that a reader can try."""

    schema: Schema
    examples: Mapping[str, Schema]

    def as_json(self) -> Schema:
        examples = {name: {"value": value} for name, value in self.examples.items()}
        content = {"schema": self.schema, "examples": examples}
        return {"required": True, "content": {"application/json": content}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path; `keys` names the security schemes of which one is needed, or the
    pairs that are needed together."""

    name: str
    tag: str
    summary: str
    description: str
    answers: Mapping[int, tuple[str, Schema]]
    parameters: Sequence[Parameter] = ()
    body: Body | None = None
    keys: Sequence[str | tuple[str, ...]] = ()
    refusals: Refusals | EitherRefusals | None = None
    codes: Sequence[RefusalCode] = ()

    def as_json(self) -> Schema:
        written: dict[str, Any] = {
            "operationId": self.name,
            "tags": [self.tag],
            "summary": self.summary,
            "description": self.description,
            "parameters": [parameter.as_json() for parameter in self.parameters],
            "security": [
                dict.fromkeys((key,) if isinstance(key, str) else key, ()) for key in self.keys
            ],
            "responses": self._answers(),
        }
        if self.body:
            written["requestBody"] = self.body.as_json()
        return written

    def _answers(self) -> dict[str, Schema]:
        told = {
            str(status): {
                "description": description,
                "content": {"application/json": {"schema": schema}},
            }
            for status, (description, schema) in self.answers.items()
        }
        return told | (self.refusals.answers(self.codes) if self.refusals else {})


Paths: TypeAlias = Mapping[str, Mapping[Method, Operation]]
