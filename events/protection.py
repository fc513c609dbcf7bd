"""Values of personal fields, masked or hashed: the same wherever and however often it is done."""

import hmac
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Literal, TypeAlias

from events.metadata import canonical, read_json, repeated_key, write_json
from events.types import Json, JsonObject, Refusal

PersonalAs: TypeAlias = Literal["mask", "hash"]
# Names that are kept, by what holds them: "" for a request, or each of its entries.
_OuterNames: TypeAlias = Mapping[str, Collection[str]]

MASK = "•••"
_HASH_MARK = "hash:"
_HASH_DIGITS = 32  # 128 bits: no two values of a project will ever share one
_HASHED = re.compile(rf"{_HASH_MARK}[0-9a-f]{{{_HASH_DIGITS}}}")
_PURPOSE = b"trackward: values of personal fields, project "
KEYED_BYTES = 24
_WITHHELD = "[withheld: it may hold values of personal fields]"


def key_of(secret: str | bytes, project_id: int) -> bytes:
    """Return the key of a project's hashes: of no use without the installation's secret."""
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(key, _PURPOSE + str(project_id).encode(), "sha256")


def is_protected(text: str) -> bool:
    """Tell whether a text is a mask or a hash."""
    return text == MASK or _HASHED.fullmatch(text) is not None


def keyed_hash(plain_hash: bytes, key: bytes) -> bytes:
    """Return a hash that tells nothing to who tries all values, in 24 bytes: others have 32."""
    return hmac.digest(key, plain_hash, "sha256")[:KEYED_BYTES]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a payload, and whether that is all of it but for personal values."""

    payload: bytes
    is_whole: bool


@dataclass(frozen=True, kw_only=True)
class Protection:
    """How the personal fields of an event type, or of a whole project, are kept.

    A hash is keyed by the project, so that it can't be guessed from the few values that a phone
    number may have. Equal values have equal hashes: 7, 7.0 and "7" are one.
    """

    fields: Mapping[str, PersonalAs]
    key: bytes = field(repr=False)

    def metadata(self, metadata: JsonObject) -> JsonObject:
        """Return metadata without a personal value in clear, however deep it lies."""
        return {name: self._protected(name, value) for name, value in metadata.items()}

    def text(self, name: str, text: str) -> str:
        """Return a text of a field masked or hashed; that of another field as it is."""
        kept_as = self.fields.get(name)
        return text if kept_as is None else self._word(text, kept_as)

    def inside(self, value: Json) -> Json:
        """Return a value with what stands in it under the name of a personal field protected."""
        match value:
            case Mapping():
                named = _named_by_pair(value)
                return {name: self._protected(name, inner, named) for name, inner in value.items()}
            case list() | tuple():
                return [self.inside(inner) for inner in value]
            case _:
                return value

    def payload(self, payload: bytes, *, wire: str, most_characters: int) -> Kept:
        """Return what may be kept of a request that was refused.

        JSON is walked, but for the names by which the wire knows the customer. In all else the
        values behind a field's name are masked, and what can't be told apart is withheld; of such
        a text no more than `most_characters` are looked at.
        """
        value = read_json(payload)
        if isinstance(value, Refusal) or repeated_key(value):
            return self._kept_text(payload, most_characters)
        vendor, _, _ = wire.partition("_")  # gameball_batch is Gameball's
        shown = self._request(value, _NAMES_OF_CUSTOMERS.get(vendor, {}))
        searched = self._loose(shown)
        # A text is stored as it was sent where it is no personal field's: as it is now, it would
        # be another event.
        is_whole = searched == shown
        return Kept(
            payload=payload if searched == value else write_json(searched), is_whole=is_whole
        )

    def _kept_as(self, name: str, named: str) -> PersonalAs | None:
        kept_as = self.fields.get(name)
        if kept_as is None and name in _VALUES:
            return self.fields.get(named)
        if kept_as is None and name in _SOURCES:
            return next((self.fields[each] for each in _SOURCES[name] if each in self.fields), None)
        return kept_as

    def _protected(self, name: str, value: Json, named: str = "") -> Json:
        """Return what stands under a name; `named` is what a pair around it names."""
        kept_as = self._kept_as(name, named)
        if kept_as is None:
            return self.inside(value)
        is_source = name in _SOURCES and name not in self.fields
        return self._covered(value, kept_as, keeps_names=is_source)

    def _covered(self, value: Json, kept_as: PersonalAs, *, keeps_names: bool) -> Json:
        """Return a personal value: an object as one, for its names may tell as much as the rest.

        The wire makes the values of what `keeps_names`, and its names are the wire's own.
        """
        match value:
            case None:
                return None
            case Mapping() if keeps_names:
                return {
                    name: self._covered(inner, kept_as, keeps_names=True)
                    for name, inner in value.items()
                }
            case str() | int() | Decimal() | Mapping():
                return self._word(value, kept_as)
            case _:
                return [self._covered(inner, kept_as, keeps_names=keeps_names) for inner in value]

    def _word(self, value: str | int | Decimal | JsonObject, kept_as: PersonalAs) -> str:
        # What was masked or hashed before stays so: on replay, on a second import.
        if kept_as == "mask" or value == MASK:
            return MASK
        text = _text_of(value)
        if _HASHED.fullmatch(text):
            return text
        digest = hmac.digest(self.key, text.encode("utf-8", "surrogatepass"), "sha256")
        return _HASH_MARK + digest.hex()[:_HASH_DIGITS]

    def _request(self, value: Json, names: _OuterNames, level: str = "") -> Json:
        """Return a request's JSON; `names` are those of the customer, by their level."""
        match value:
            case Mapping():
                return {
                    name: inner
                    if name in names.get(level, ()) and not isinstance(inner, (dict, list))
                    else self._entry(name, inner, names)
                    for name, inner in value.items()
                }
            case list():
                return [self._request(inner, names, level) for inner in value]
            case _:
                return value

    def _entry(self, name: str, value: Json, names: _OuterNames) -> Json:
        if name in names:
            return self._request(value, names, name)
        if name in _OUTER_LISTS and isinstance(value, list):
            return self._request(value, names)
        return self._protected(name, value)

    def _loose(self, value: Json) -> Json:
        """Return a value with its texts searched: one of them may hold JSON, or a form."""
        match value:
            case str():
                return self._searched(value) if self._assigned.search(value) else value
            case Mapping():
                return {name: self._loose(inner) for name, inner in value.items()}
            case list() | tuple():
                return [self._loose(inner) for inner in value]
            case _:
                return value

    def _kept_text(self, payload: bytes, most_characters: int) -> Kept:
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            return Kept(payload=_WITHHELD.encode(), is_whole=False)
        if "\x00" in text:  # a letter may have one beside it, and no name would be found
            return Kept(payload=_WITHHELD.encode(), is_whole=False)
        looked_at = text[:most_characters]
        searched = self._searched(looked_at)
        is_whole = len(looked_at) == len(text) and not searched.endswith(_WITHHELD)
        return Kept(payload=searched.encode("utf-8", "backslashreplace"), is_whole=is_whole)

    def _searched(self, text: str) -> str:
        """Return a text with the values behind names masked, and cut off where that is in doubt."""
        unescaped = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        parts: list[str] = []
        place = 0
        while found := self._names.search(unescaped, place):
            behind = _ASSIGNED.match(unescaped, found.end())
            end = _end_of_value(unescaped, behind.end()) if behind else None
            if behind is None or end is None:
                return "".join([*parts, unescaped[place : found.end()], _WITHHELD])
            value = unescaped[behind.end() : end]
            parts += [unescaped[place : behind.end()], _mask_for(value)]
            place = end
        return "".join([*parts, unescaped[place:]])

    @cached_property
    def _names(self) -> re.Pattern[str]:
        names = "|".join(re.escape(name) for name in sorted(self.fields, key=len, reverse=True))
        begins = r"(?:(?<!\w)|(?<=%[0-9a-f]{2}))"  # %22 is a quote in an address
        return re.compile(rf"{begins}(?:{names})(?!\w)", re.IGNORECASE)

    @cached_property
    def _assigned(self) -> re.Pattern[str]:
        return re.compile(self._names.pattern + _ASSIGNED.pattern, re.IGNORECASE)


# Releva sends a value as {"key": its name, "values": [it]}.
_VALUES = frozenset({"value", "values"})
# What else holds the values of fields that a wire makes: Releva's products.
_SOURCES: Mapping[str, Collection[str]] = {"products": ("product_ids", "product_quantities")}

# Under these names, in the outer levels of a request, wires are told who the customer is and what
# happened when. They are no metadata, and masked they would lead a replay to somebody else.
_NAMES_OF_CUSTOMERS: Mapping[str, _OuterNames] = {
    "native": {
        "": {"event", "customer", "id", "occurred_at"},
        "identities": {"email", "phone"},
    },
    "referd": {"": {"playerUniqueId", "email", "mobile"}},
    "gameball": {"": {"customerId", "email", "mobile"}},
    "vibetrace": {"": {"_id", "email"}, "user": {"_id", "email"}},
    "lynes": {"": {"eventId", "userId", "customerId", "timestamp"}},
    "releva": {"": {"action", "email", "phoneNumber", "profileId", "timestamp"}},
}
_OUTER_LISTS = frozenset({"events", "body"})

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
# What may stand between a name and its value, in JSON, in Python, in a form, and quoted in each.
_ASSIGNED = re.compile(r"\\*[\"']?\s*[:=]\s*")
_QUOTE = re.compile(r"\\*[\"']")
_BARE = re.compile(rf"[-+.%@\w{MASK}]*(?:\('[^'()]*'\))?")
_NULL = frozenset({"null", "None", ""})
# Where a value has ended for certain: what follows is no more of it.
_ENDED = re.compile(r"\s*(?:$|[}\])&]|,\s*(?:$|\\*[\"'{\[]))")


def _end_of_value(text: str, start: int) -> int | None:
    """Return where the value ends that starts here, None where that can't be told."""
    quote = _QUOTE.match(text, start)
    end = _end_of_quoted(text, quote) if quote else _BARE.match(text, start).end()  # type: ignore[union-attr]  # it matches nothing as well
    return end if _ENDED.match(text, end) else None


def _end_of_quoted(text: str, quote: re.Match[str]) -> int:
    closing, place = quote.group(), quote.end()
    while (place := text.find(closing, place)) >= 0:
        if not _is_escaped(text, place):
            return place + len(closing)
        place += 1
    return len(text)  # the text breaks off in it


def _is_escaped(text: str, place: int) -> bool:
    before = text[:place]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _mask_for(value: str) -> str:
    if value.strip() in _NULL:
        return value
    quote = _QUOTE.match(value)
    return f"{quote.group()}{MASK}{quote.group()}" if quote else MASK


def _named_by_pair(value: JsonObject) -> str:
    name = value.get("key")
    return name if isinstance(name, str) else ""


def _text_of(value: str | int | Decimal | JsonObject) -> str:
    match value:
        case Mapping():
            # In ASCII: half a surrogate pair, which is refused, is no UTF-8.
            return json.dumps(canonical(value))
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case _:
            plain = format(Decimal(value), "f")
            shortest = plain.rstrip("0").rstrip(".") if "." in plain else plain
            return "0" if shortest == "-0" else shortest
