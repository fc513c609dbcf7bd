"""Values of metadata: told apart by kind, checked against the limits, brought to one form."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal, TypeAlias

from events import limits
from events.metadata.reading import NUMBER, UNSTORABLE, bounded, joined
from events.types import Json, JsonObject, Refusal, RefusalCode

Kind: TypeAlias = Literal["null", "boolean", "number", "text", "array", "object"]
FieldType: TypeAlias = Literal["auto", "number", "text", "boolean", "date", "version", "array"]


def kind_of(value: Json) -> Kind:
    """Return the JSON kind of a value, as it arrived."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | Decimal():
            return "number"
        case str():
            return "text"
        case Mapping():
            return "object"
        case _:
            return "array"


def metadata_refusal(
    metadata: JsonObject, *, most_fields: int = limits.FIELDS_PER_EVENT, path: str = "metadata"
) -> Refusal | None:
    """Return why metadata can't be stored, with the path of the value, or None."""
    if len(metadata) > most_fields:
        return Refusal(
            code=RefusalCode.TOO_MANY_FIELDS,
            message=f"The event has {len(metadata)} metadata fields; "
            f"at most {most_fields} are taken.",
            field=path,
        )
    for key, value in metadata.items():
        if refusal := _key_refusal(key, path):
            return refusal
        # Paths cost more than the checks: they are built for the values that need a closer look.
        if not _is_plain(value) and (refusal := _value_refusal(value, f"{path}.{key}", depth=1)):
            return refusal
    return None


def _is_plain(value: Json) -> bool:
    if isinstance(value, str):
        # Four bytes are the most of one character; what is printable can be stored.
        return len(value) * 4 <= limits.STRING_BYTES and value.isprintable()
    return not isinstance(value, (dict, list))


def _key_refusal(key: str, path: str) -> Refusal | None:
    if not key:
        return Refusal(
            code=RefusalCode.INVALID_FIELD, message="A metadata key is empty.", field=path
        )
    if len(key) > limits.METADATA_KEY_CHARACTERS:
        return Refusal(
            code=RefusalCode.METADATA_KEY_TOO_LONG,
            message=f"A metadata key has {len(key)} characters; "
            f"at most {limits.METADATA_KEY_CHARACTERS} are taken.",
            field=path,
        )
    return text_refusal(key, path)


def _value_refusal(value: Json, path: str, *, depth: int) -> Refusal | None:
    match value:
        case str():
            return _string_refusal(value, path)
        case list() | dict():
            return _nested_refusal(value, path, depth=depth)
        case _:
            return None


def _string_refusal(text: str, path: str) -> Refusal | None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > limits.STRING_BYTES:
        return Refusal(
            code=RefusalCode.STRING_TOO_LONG,
            message=f"The string has {size} bytes; at most {limits.STRING_BYTES} are taken.",
            field=path,
        )
    return text_refusal(text, path)


def _nested_refusal(value: Sequence[Json] | JsonObject, path: str, *, depth: int) -> Refusal | None:
    if depth > limits.DEPTH_LEVELS:
        return Refusal(
            code=RefusalCode.TOO_DEEP,
            message=f"The value is nested deeper than {limits.DEPTH_LEVELS} levels.",
            field=path,
        )
    if len(value) > limits.ARRAY_ELEMENTS:
        return Refusal(
            code=RefusalCode.ARRAY_TOO_LONG,
            message=f"The value has {len(value)} elements; "
            f"at most {limits.ARRAY_ELEMENTS} are taken.",
            field=path,
        )
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if refusal := text_refusal(key, path) or _value_refusal(
                inner, joined(path, key), depth=depth + 1
            ):
                return refusal
        return None
    for index, inner in enumerate(value):
        if not _is_plain(inner) and (
            refusal := _value_refusal(inner, f"{path}[{index}]", depth=depth + 1)
        ):
            return refusal
    return None


def text_refusal(text: str, path: str) -> Refusal | None:
    """Return a refusal where a text holds \\u0000 or half a surrogate pair, else None."""
    # Neither \u0000 nor a surrogate is printable, and this test is the cheaper one.
    found = None if text.isprintable() else UNSTORABLE.search(text)
    if found is None:
        return None
    return Refusal(
        code=RefusalCode.INVALID_TEXT,
        message=f"The text holds U+{ord(found.group()):04X}, which can't be stored.",
        field=path,
    )


def exact_number(value: int | Decimal) -> Decimal | None:
    """Return the number where it enters the statistics, None where it is counted apart.

    It enters when |n| < 10^30 and no digit stands beyond the thirtieth decimal place.
    """
    number = Decimal(value)
    if number and number.adjusted() >= limits.EXACT_DIGITS:
        return None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or len(number.as_tuple().digits) > limits.EXACT_DIGITS:
        return None
    return number if exponent >= -limits.EXACT_DIGITS else None


def number_in(text: str) -> Decimal | None:
    """Return the number that a text is, by JSON's own grammar, else None.

    So "100" and "-1.5e3" are numbers; "0012", "+5", " 5", "0x1f" and "" are not.
    """
    if not 0 < len(text) <= limits.NUMBER_CHARACTERS or not NUMBER.fullmatch(text):
        return None
    return bounded(text)


def as_declared(value: Json, declared: FieldType) -> Json:
    """Return the value as rules and statistics read it, given the field's declared type."""
    if declared == "number" and isinstance(value, str):
        number = number_in(value)
        return value if number is None else number
    return value


def canonical(value: Json) -> Json:
    """Return an equal value for equal JSON: keys sorted, 1, 1.0 and 1e0 the same number.

    Unequal JSON gives unequal values: numbers become {"n": text}, so an object that looks like
    one gets its member wrapped.
    """
    # Most values are texts and numbers, and every event with a key is asked for its canonical form.
    if isinstance(value, str):
        return value
    match value:
        case bool() | None:
            return value
        case int() | Decimal():
            return _canonical_number(value)
        case Mapping():
            if value.keys() == {"n"}:
                return {"n": [canonical(value["n"])]}
            return {key: canonical(value[key]) for key in sorted(value)}
        case _:
            return [canonical(inner) for inner in value]


def _canonical_number(number: int | Decimal) -> Json:
    # By its text: the digits of `as_tuple` come one by one, and cost four times as much.
    mantissa, _, exponent = str(number).partition("E")
    whole, _, fraction = mantissa.partition(".")
    written = (whole + fraction).lstrip("-0")
    kept = written.rstrip("0")
    if not kept:
        return {"n": "0"}
    power = int(exponent or 0) - len(fraction) + len(written) - len(kept)
    return {"n": f"{'-' if mantissa[0] == '-' else ''}{kept}e{power}"}
