"""What a field is, by its declaration or by the evidence of its values."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from events.metadata import FieldType

ShownType: TypeAlias = Literal["number", "text", "boolean", "date", "version", "array", "mixed"]

# Below this share a kind is a slip of some client and not what the field is.
_SLIP_SHARE = 0.01

_TYPES: Mapping[str, ShownType] = {
    "number": "number",
    "text": "text",
    "boolean": "boolean",
    "array": "array",
}


def type_of(declared: FieldType, types: Mapping[str, int]) -> ShownType | None:
    """Return what a field is, given how many values came as each JSON kind; None without any.

    A declared type wins. Else the one kind that makes up at least 1 % of the values; where there
    are several it is mixed, as it is where the values are objects. A number in a string is a text
    until the field is declared a number: "0012" and "12" may be two products.
    """
    if declared != "auto":
        return declared
    total = sum(types.values())
    kinds = [kind for kind, count in types.items() if count and count >= _SLIP_SHARE * total]
    if not kinds:
        return None
    return _TYPES.get(kinds[0], "mixed") if len(kinds) == 1 else "mixed"
