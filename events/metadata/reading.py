"""JSON text read exactly and written exactly."""

import json
import re
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from events import limits
from events.types import Json, Refusal, RefusalCode

NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_EXACT_BOUND = Decimal(10) ** limits.EXACT_DIGITS
_INT_DIGITS = 18  # every shorter integer fits 64 bits

# The walks below call themselves once a level; a body nested deeper than this is not read at all.
_BODY_DEPTH_LEVELS = 64
_TOO_DEEP = Refusal(
    code=RefusalCode.TOO_DEEP,
    message=f"The body is nested deeper than {_BODY_DEPTH_LEVELS} levels.",
)


def _written_mark(value: object) -> str:
    if isinstance(value, _Mark):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form.")


_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_written_mark)


class _UnreadableError(ValueError):
    """Carries the refusal out of the JSON parser's hooks."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class RepeatedKeys(dict[str, Any]):
    """A JSON object in which a key came twice; it holds the last value, `repeated` the key."""

    repeated: str = ""


def read_json(body: bytes) -> Json | Refusal:
    """Return the JSON value of a body, numbers as int or Decimal, or why it can't be read.

    Objects with a key given twice come as RepeatedKeys; `repeated_key` finds them.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        return Refusal(
            code=RefusalCode.INVALID_JSON,
            message=f"The body is not UTF-8: byte {error.start} can't be read.",
        )
    try:
        value: Json = _decoder.decode(text)
    except _UnreadableError as error:
        return Refusal(code=error.code, message=str(error), field=_unreadable_path(text))
    except json.JSONDecodeError as error:
        return Refusal(
            code=RefusalCode.INVALID_JSON,
            message=f"The body is not JSON: {error.msg} at line {error.lineno}, "
            f"column {error.colno}.",
        )
    except RecursionError:
        return _TOO_DEEP
    return _TOO_DEEP if _is_too_deep(body, value) else value


def _is_too_deep(body: bytes, value: Json) -> bool:
    # Few brackets can't nest deeply: nearly every body is done after two counts.
    if body.count(b"[") + body.count(b"{") <= _BODY_DEPTH_LEVELS:
        return False
    level: list[Json] = [value]
    for _ in range(_BODY_DEPTH_LEVELS):
        level = [inner for outer in level for inner in _children(outer)]
        if not level:
            return False
    return True


def _children(value: Json) -> Collection[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) == len(pairs):
        return read
    seen: set[str] = set()
    marked = RepeatedKeys(read)
    for key, _ in pairs:
        if key in seen:
            marked.repeated = key
            break
        seen.add(key)
    return marked


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _INT_DIGITS else _decimal(text)


def _decimal(text: str) -> Decimal:
    number = bounded(text)
    if number is None:
        raise _unreadable(text)
    return number


def _unreadable(number: str) -> _UnreadableError:
    if number in _NOT_FINITE:
        return _UnreadableError(RefusalCode.NUMBER_NOT_FINITE, f"{number} is not a JSON number.")
    return _UnreadableError(
        RefusalCode.NUMBER_TOO_LONG,
        "A number, written out without its exponent, has more than "
        f"{limits.NUMBER_CHARACTERS} digits.",
    )


_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})


def bounded(text: str) -> Decimal | None:
    # A short text can stand for a number that fills a disk: 1e999999999 is refused by its size.
    if len(text) > limits.NUMBER_CHARACTERS:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:  # the exponent has more digits than Decimal holds
        return None
    if "e" not in text and "E" not in text:
        return number
    exponent = number.as_tuple().exponent
    is_short = isinstance(exponent, int) and exponent >= -limits.NUMBER_CHARACTERS
    return number if is_short and number.adjusted() < limits.NUMBER_CHARACTERS else None


def _not_finite(word: str) -> None:
    raise _unreadable(word)


_decoder = json.JSONDecoder(
    object_pairs_hook=_pairs,
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=_not_finite,
)


class _Mark(str):
    """Stands where a number that can't be read stood; it holds the number's text."""

    __slots__ = ()


def _marked(text: str) -> Decimal | _Mark:
    number = bounded(text)
    return _Mark(text) if number is None else number


_marking_decoder = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_marked, parse_float=_marked, parse_constant=_Mark
)


def read_json_apart(body: bytes) -> Json | Refusal:
    """Return what `read_json` does, but with a number that can't be read left in its place.

    So one of many values may be refused for its number (`number_refusal`) without the others.
    """
    value = read_json(body)
    if not isinstance(value, Refusal) or value.code not in _OF_A_NUMBER:
        return value
    try:
        marked: Json = _marking_decoder.decode(body.decode())
    except (json.JSONDecodeError, RecursionError):  # it breaks off behind the number
        return value
    return _TOO_DEEP if _is_too_deep(body, marked) else marked


_OF_A_NUMBER = frozenset({RefusalCode.NUMBER_TOO_LONG, RefusalCode.NUMBER_NOT_FINITE})


def number_refusal(value: Json) -> Refusal | None:
    """Return why a value that `read_json_apart` read holds a number that can't be read."""
    path, mark = _mark_in(value, "") or ("", None)
    if mark is None:
        return None
    error = _unreadable(mark)
    return Refusal(code=error.code, message=str(error), field=path)


def _unreadable_path(text: str) -> str:
    # Only a refused body is read twice; one that breaks off later has no paths to tell.
    try:
        path, _ = _mark_in(_marking_decoder.decode(text), "") or ("", None)
    except (json.JSONDecodeError, RecursionError):
        return ""
    return path


def _mark_in(value: Json, path: str) -> tuple[str, _Mark] | None:
    if isinstance(value, _Mark):
        return path, value
    for inner_path, inner in _inner(value, path):
        if found := _mark_in(inner, inner_path):
            return found
    return None


def _inner(value: Json, path: str) -> list[tuple[str, Json]]:
    match value:
        case Mapping():
            return [(joined(path, key), inner) for key, inner in value.items()]
        case list():
            return [(f"{path}[{index}]", inner) for index, inner in enumerate(value)]
        case _:
            return []


def write_json(value: object) -> bytes:
    """Return JSON bytes: Decimals as exact numbers, datetimes as RFC 3339."""
    return _encoder.encode(value)


def write_json_as_sent(value: Json, sent: Json) -> bytes:
    """Return JSON that is refused for what `sent` is, of which the value was made.

    A key that came twice is written twice, its lost value as null. Half a surrogate pair is
    written as it is read. A text that took the place of a value keeps both flaws, not the value.
    """
    match value, sent:
        case Mapping(), Mapping():
            twice = [sent.repeated] if isinstance(sent, RepeatedKeys) else []
            pairs = [b"%b:null" % _ascii(key) for key in twice]
            pairs += [
                b"%b:%b" % (_ascii(key), write_json_as_sent(inner, sent.get(key)))
                for key, inner in value.items()
            ]
            return b"{%b}" % b",".join(pairs)
        case list(), list():
            inner_pairs = zip(value, sent, strict=True)
            return b"[%b]" % b",".join(write_json_as_sent(*each) for each in inner_pairs)
        case str(), _ if value != sent:
            text = _ascii(value + _unstorable_in(sent))
            return b"{%b:null,%b:null}" % (text, text) if _repeats(sent) else text
        case str(), _:
            return _ascii(value)
        case _:
            return write_json(value)


def _ascii(text: str) -> bytes:
    return json.dumps(text).encode()


def _unstorable_in(value: Json) -> str:
    """Return a character of a value that no database takes, "" where it has none."""
    if isinstance(value, str):
        found = UNSTORABLE.search(value)
        return found[0] if found else ""
    inner = [*value, *value.values()] if isinstance(value, Mapping) else _children(value)
    return next(filter(None, map(_unstorable_in, inner)), "")


def repeated_key(value: Json) -> str:
    """Return the path of the first key given twice, "" where there is none."""
    # Nearly every value has none: no path is built before it is known that one is needed.
    return _repeated_path(value, "") if _repeats(value) else ""


def _repeats(value: Json) -> bool:
    if isinstance(value, RepeatedKeys):
        return True
    for inner in _children(value):  # noqa: SIM110  a generator costs more than the walk
        if isinstance(inner, (dict, list)) and _repeats(inner):
            return True
    return False


def _repeated_path(value: Json, path: str) -> str:
    if isinstance(value, RepeatedKeys):
        return joined(path, value.repeated)
    found = (_repeated_path(inner, inner_path) for inner_path, inner in _inner(value, path))
    return next(filter(None, found), "")


def joined(path: str, key: str) -> str:
    # A path is shown and stored: a key that can't be, or that floods the answer, is not.
    shown = UNSTORABLE.sub("\ufffd", key[: limits.METADATA_KEY_CHARACTERS]) or '""'
    return f"{path}.{shown}" if path else shown
