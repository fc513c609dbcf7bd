"""The OpenAPI document, composed of what each part of the API says of itself."""

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings

from config.openapi import (
    gameball,
    ingest,
    lynes,
    native,
    quarantine,
    reading,
    referd,
    releva,
    statistics,
    vibetrace,
)
from config.openapi.parts import Paths, Schema
from events.metadata import write_json

# A wire of a further vendor joins here.
_PARTS = (ingest, reading, quarantine, statistics, lynes, referd, gameball, vibetrace, releva)
_SCHEMAS: Mapping[str, Schema] = {
    name: schema for part in (native, *_PARTS) for name, schema in part.SCHEMAS.items()
}
_TAGS = {
    ingest.TAG: "What customers did: sent, and stored for good.",
    reading.CUSTOMERS_TAG: "Who they are and what they have.",
    quarantine.TAG: "What was refused, with its reason, and tried again.",
    statistics.TAG: "What every field of the metadata says.",
    ingest.LYNES_TAG: "The format of Lynes' clients, which change nothing but the address.",
    referd.TAG: "The format of Referd's clients, and of those of Gameball's API 2.0 and 3.0.",
    gameball.TAG: "The format of the clients of Gameball's API 4, 4.0 and 4.1.",
    vibetrace.TAG: "The format of Vibetrace's clients, and the paths that Lynes' have too.",
    releva.TAG: "The format of Releva's clients.",
    reading.HEALTH_TAG: "For balancers and operators.",
}
_DESCRIPTION = (
    "Customer events, exactly-once rewards and statistics of every metadata field.\n\n"
    "Names in paths are percent-encoded. Numbers are exact: read them as decimals where money is "
    "meant. Whatever goes wrong is answered as problem+json (RFC 9457) with a `code`."
)


@cache
def document() -> Schema:
    """Return the OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Trackward",
            "version": _version(),
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "This installation"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": _paths(*(part.PATHS for part in _PARTS)),
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": native.KEY_SCHEMES
            | ingest.KEY_SCHEMES
            | referd.KEY_SCHEMES
            | gameball.KEY_SCHEMES
            | vibetrace.KEY_SCHEMES,
        },
    }


@cache
def document_bytes() -> bytes:
    """Return the document as JSON."""
    return write_json(document())


def _paths(*parts: Paths) -> Schema:
    """Return the operations of each path, which may come from several parts."""
    joined: dict[str, dict[str, Any]] = {}
    for part in parts:
        for path, operations in part.items():
            for method, operation in operations.items():
                joined.setdefault(path, {})[method] = operation.as_json()
    return joined


def _version() -> str:
    text = (settings.BASE_DIR / "pyproject.toml").read_text()
    version: str = tomllib.loads(text)["project"]["version"]
    return version
