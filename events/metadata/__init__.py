"""JSON values of metadata: read exactly, checked against the limits, told apart by kind."""

from events.metadata.reading import (
    RepeatedKeys,
    number_refusal,
    read_json,
    read_json_apart,
    repeated_key,
    write_json,
    write_json_as_sent,
)
from events.metadata.values import (
    FieldType,
    Kind,
    as_declared,
    canonical,
    exact_number,
    kind_of,
    metadata_refusal,
    number_in,
    text_refusal,
)

__all__ = [
    "FieldType",
    "Kind",
    "RepeatedKeys",
    "as_declared",
    "canonical",
    "exact_number",
    "kind_of",
    "metadata_refusal",
    "number_in",
    "number_refusal",
    "read_json",
    "read_json_apart",
    "repeated_key",
    "text_refusal",
    "write_json",
    "write_json_as_sent",
]
