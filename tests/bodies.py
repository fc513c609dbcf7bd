"""Bodies that are nearly right, and queries: what Hypothesis draws for any endpoint."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.events.wire_cases import json_values, keys, scalars

# Numbers as no encoder writes them: too long, too large, too small, none at all.
numbers = st.sampled_from(
    [
        "1e999999999",
        "-1E-999999999",
        "1" * 400,
        "1" * 401,
        "0." + "0" * 399 + "1",
        "1e400",
        "-0",
        "1e-400",
        "9223372036854775808",
        "1e18",
        "NaN",
        "-Infinity",
        "01",
        "1.",
        "+1",
    ]
)
_PLACE = "the place of a number"

texts = st.text(st.characters(), max_size=30)
query_values = (
    texts
    | st.sampled_from(
        [
            "",
            "1",
            "1000",
            "-1",
            "1e3",
            "9" * 40,
            "²",
            "2026-02-30",
            "0001-01-01",
            "9999-12-31T23:59:59+14:00",
            "0001-01-01T00:00:00+14:00",
            "2026-03-01",
            "accepted",
            "00000000-0000-0000-0000-000000000000",
            "linear",
            "1,2,3",
            "50,nan",
            "inf",
            "0",
            "NaN",
            "null",
            "[]",
        ]
    )
    | scalars.map(str)
)


@st.composite
def mutated(draw: st.DrawFn, valid: dict[str, Any]) -> dict[str, Any]:
    """Return a valid body with one or two places changed, taken away or made double."""
    body: dict[str, Any] = json.loads(json.dumps(valid))
    for _ in range(draw(st.integers(1, 2))):
        found = list(_places(body))
        if not found:
            return body
        inside, name = draw(st.sampled_from(found))
        match draw(st.sampled_from(["value", "double", "gone"])):
            case "value":
                inside[name] = draw(json_values)
            case "double" if isinstance(inside, dict):
                inside[draw(keys)] = inside[name]
            case "double":
                inside.append(inside[name])
            case _:
                del inside[name]
    return body


@st.composite
def with_numbers(draw: st.DrawFn, valid: dict[str, Any]) -> bytes:
    """Return the text of a valid body with such a number somewhere."""
    body = json.loads(json.dumps(valid))
    found = list(_places(body))
    if not found:
        return draw(numbers).encode()
    inside, name = draw(st.sampled_from(found))
    inside[name] = _PLACE
    return json.dumps(body).replace(json.dumps(_PLACE), draw(numbers)).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every object and array within, each with every key or index."""
    found = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in list(found):
        yield value, name
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


@st.composite
def cut_or_flipped(draw: st.DrawFn, valid: dict[str, Any]) -> bytes:
    """Return the bytes of a valid body, some of them others, the end missing."""
    body = bytearray(json.dumps(valid).encode())
    for _ in range(draw(st.integers(0, 4))):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body[: draw(st.integers(0, len(body)))])


def bodies(valid: dict[str, Any]) -> st.SearchStrategy[Any]:
    return (
        json_values
        | mutated(valid)
        | with_numbers(valid)
        | cut_or_flipped(valid)
        | st.binary(max_size=60)
    )
