"""What is kept of a refused request: its payload and its path."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from events import limits
from events.metadata import number_refusal, repeated_key, write_json
from events.protection import Protection
from events.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A payload as text, with the SHA-256 of the whole of it.

    `is_cut`: the text does not say all that was sent, so that reading it again could give another
    event: it was too long, held what no text can, or what JSON written anew loses.
    """

    text: str
    whole_hash: bytes
    is_cut: bool


def kept_of(source: Json | bytes, *, protection: Protection | None = None, wire: str = "") -> Kept:
    """Return what is kept of a payload: the bytes as sent, or its JSON written anew.

    Values of personal fields are protected before anything is made of it, the hash included.
    """
    written, is_exact = (source, True) if isinstance(source, bytes) else _written(source)
    if protection is not None:
        shown = protection.payload(
            written, wire=wire, most_characters=limits.QUARANTINE_PAYLOAD_BYTES
        )
        written, is_exact = shown.payload, is_exact and shown.is_whole
    return _kept(written, is_exact=is_exact)


def _kept(written: bytes, *, is_exact: bool) -> Kept:
    text = storable(written[: limits.QUARANTINE_PAYLOAD_BYTES].decode("utf-8", "replace"))
    return Kept(
        text=text,
        whole_hash=hashlib.sha256(written).digest(),
        is_cut=not is_exact or text.encode() != written,
    )


# What a wire reads in the query of its paths.
_PARAMETERS: Mapping[str, Collection[str]] = {"vibetrace": {"upsert"}}


def path_of(path: str, *, wire: str) -> str:
    """Return a path with those parameters of its query that the wire reads again in a replay.

    The others are nobody's to keep: they may hold anything, and no field protects them.
    """
    bare, _, query = path.partition("?")
    if not query:
        return bare
    names = _PARAMETERS.get(wire, ())
    known = urlencode([pair for pair in parse_qsl(query) if pair[0] in names])
    return f"{bare}?{known}" if known else bare


def _written(source: Json) -> tuple[bytes, bool]:
    """Return a value as bytes, and whether reading them gives the same value."""
    # Half a surrogate pair is one of the reasons to be refused, so it can't go out as UTF-8.
    try:
        written = write_json(source)
    except UnicodeEncodeError:
        return repr(source).encode("utf-8", "backslashreplace"), False
    # Of a key given twice only one value is left; a number that can't be read is left as a text.
    return written, not repeated_key(source) and number_refusal(source) is None


def storable(text: str) -> str:
    """Return a text that every database takes."""
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()
