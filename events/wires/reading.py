"""Typed fields read out of a vendor's JSON and headers, or the refusal that says what was wrong."""

import re
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TypeVar

from events import limits
from events.identities import is_email, is_phone, normal_email, normal_phone
from events.metadata import metadata_refusal, read_json, repeated_key, text_refusal
from events.types import Headers, Identity, Json, JsonObject, Refusal, RefusalCode

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]+)?(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_EPOCH_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the end of datetime's range
_MOMENT_CHARACTERS = 64  # a fraction of a second may be long, not endless

_Read = TypeVar("_Read")


class UnreadableError(ValueError):
    """Carries the refusal of one field out of the readers; a wire catches it once per event."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class TextField:
    """A text that a vendor's object may hold: its name, its path and its limit.

    `takes_integers`: 42 is read as "42"; `blank_is_absent`: "" means not given.
    """

    name: str
    path: str
    most_characters: int
    too_long: RefusalCode
    takes_integers: bool = False
    blank_is_absent: bool = False


# The texts that every format has, under our own names; a wire replaces them by its vendor's.
EVENT_NAME = TextField(
    name="event",
    path="event",
    most_characters=limits.NAME_CHARACTERS,
    too_long=RefusalCode.NAME_TOO_LONG,
)
CUSTOMER_ID = TextField(
    name="customer",
    path="customer",
    most_characters=limits.CUSTOMER_ID_CHARACTERS,
    too_long=RefusalCode.CUSTOMER_ID_TOO_LONG,
)
EMAIL = TextField(
    name="email",
    path="email",
    most_characters=limits.EMAIL_CHARACTERS,
    too_long=RefusalCode.EMAIL_TOO_LONG,
    blank_is_absent=True,
)
PHONE = TextField(
    name="phone",
    path="phone",
    most_characters=limits.PHONE_CHARACTERS,
    too_long=RefusalCode.PHONE_TOO_LONG,
    blank_is_absent=True,
)


def read_body(body: bytes, read: Callable[[Json], _Read]) -> _Read | Refusal:
    """Return what is read out of a body of JSON, or why it can't be."""
    value = read_json(body)
    if isinstance(value, Refusal):
        return value
    try:
        return read(value)
    except UnreadableError as error:
        return error.refusal


def whole_object(value: Json, message: str = "The body must be an object.") -> JsonObject:
    """Return the object that a body is."""
    if not isinstance(value, dict):
        raise refused(RefusalCode.INVALID_JSON, "", message)
    return value


def required_text(source: JsonObject, field: TextField) -> str:
    """Return the text of a field that must be there and hold something."""
    value = source.get(field.name)
    if value is None:
        raise absent(source, field.name, path=field.path)
    return _checked(value, field)


def optional_text(source: JsonObject, field: TextField) -> str:
    """Return the text of a field, "" where it is absent or null."""
    value = source.get(field.name)
    if value is None or (value == "" and field.blank_is_absent):
        return ""
    return _checked(value, field)


def _checked(value: Json, field: TextField) -> str:
    text = _integer_text(value) if field.takes_integers else None
    if text is None:
        text = value if isinstance(value, str) else None
    if text is None:
        raise invalid(field.path, f"The field {field.path} must be a string.")
    if not text:
        raise invalid(field.path, f"The field {field.path} must not be empty.")
    if len(text) > field.most_characters:
        raise refused(
            field.too_long,
            field.path,
            f"The field {field.path} has {len(text)} characters; "
            f"at most {field.most_characters} are taken.",
        )
    if refusal := text_refusal(text, field.path):
        raise UnreadableError(refusal)
    return text


def _integer_text(value: Json) -> str | None:
    # 1.0 and 1e3 are no identifiers: their text would not be what the client wrote.
    match value:
        case bool():
            return None
        case Decimal():
            return str(value) if value.as_tuple().exponent == 0 else None
        case int():
            return str(value)
        case _:
            return None


def identified(
    *,
    external_id: str = "",
    email: str = "",
    phone: str = "",
    email_path: str = "email",
    phone_path: str = "phone",
    is_strict: bool = False,
) -> Identity:
    """Return the names of a customer in the form in which they are kept.

    An email of blanks is not given. What does not look like an address is no name, for strangers
    share it: it is refused where nothing else names the customer, and where `is_strict`.
    """
    address = normal_email(email) if email else ""
    number = normal_phone(phone) if phone else ""
    identity = Identity(
        external_id=external_id,
        email=address if is_email(address) else "",
        phone=number if is_phone(number) else "",
    )
    if is_strict or not (external_id or identity.email or identity.phone):
        if address and not identity.email:
            raise invalid(
                email_path,
                f"The field {email_path} must be an email address, as in ann@example.com.",
            )
        if phone and not identity.phone:
            raise invalid(
                phone_path,
                f"The field {phone_path} must be a phone number of 5 to 15 digits, "
                "not all the same, as in +4930123456.",
            )
    return identity


def texts_in(*places: tuple[JsonObject, TextField]) -> Iterator[str]:
    """Yield the text of each of some fields, "" where one is absent or null.

    One that nobody comes to is not checked.
    """
    return (optional_text(source, field) for source, field in places)


def identified_by_first(
    external_id: str, *, emails: Iterable[str], phones: Iterable[str]
) -> Identity:
    """Return a customer under the first email and the first phone that look like one."""
    return identified(
        external_id=external_id,
        email=next((each for each in emails if is_email(normal_email(each))), ""),
        phone=next((each for each in phones if is_phone(normal_phone(each))), ""),
    )


def placeholders_in(
    source: JsonObject, *, email: str = "email", phone: str = "phone"
) -> AbstractSet[str]:
    """Return those of two checked fields that hold something, but no email and no phone.

    They name nobody, so a wire keeps them as what they are: fields that nobody reads.
    """
    address, number = source.get(email), source.get(phone)
    found: set[str] = set()
    if isinstance(address, str) and (kept := normal_email(address)) and not is_email(kept):
        found.add(email)
    if isinstance(number, (str, int, Decimal)):
        text = str(number)
        if text and not is_phone(normal_phone(text)):
            found.add(phone)
    return found


def without_names(
    source: JsonObject, attributes: JsonObject, *, known: AbstractSet[str]
) -> JsonObject:
    """Return attributes without the names of the customer among them.

    Names are kept once, where they are found, merged and erased. A placeholder is no name: it stays
    an attribute, and that of the source becomes one where there is none.
    """
    outer = placeholders_in(source, phone="mobile")
    inner = {
        *placeholders_in(attributes, phone="mobile"),
        *placeholders_in(attributes, phone="mobileNumber"),
    }
    kept = {key: value for key, value in attributes.items() if key not in known - inner}
    if not outer:
        return kept
    return attributes_of({**{key: source[key] for key in outer}, **kept}, "attributes")


def metadata_in(source: JsonObject, *, most_fields: int = limits.FIELDS_PER_EVENT) -> JsonObject:
    """Return the checked metadata of an event; null, [] and absent mean none."""
    return metadata_of(source.get("metadata"), path="metadata", most_fields=most_fields)


def metadata_of(
    value: Json, *, path: str, most_fields: int = limits.FIELDS_PER_EVENT
) -> JsonObject:
    """Return the checked metadata that stands at a path; null and [] mean none."""
    metadata = _object_of(value, path)
    if refusal := metadata_refusal(metadata, most_fields=most_fields, path=path):
        raise UnreadableError(refusal)
    return metadata


def attributes_in(source: JsonObject, name: str, *, nested: str = "") -> JsonObject | None:
    """Return a profile's checked attributes, None where there are none; null is not given.

    Those in its own field `nested` stand beside the others, which go before them.
    """
    given = _object_of(source.get(name), name)
    further = _object_of(given.get(nested), f"{name}.{nested}") if nested else {}
    joined = {**further, **{key: value for key, value in given.items() if key != nested}}
    return attributes_of(joined, name) or None


def attributes_of(joined: JsonObject, name: str) -> JsonObject:
    """Return the checked attributes among some fields; null is not given."""
    attributes = {key: value for key, value in joined.items() if value is not None}
    if len(attributes) > limits.ATTRIBUTES_PER_CUSTOMER:
        raise refused(
            RefusalCode.TOO_MANY_FIELDS,
            name,
            f"The field {name} has {len(attributes)} attributes; "
            f"at most {limits.ATTRIBUTES_PER_CUSTOMER} are taken.",
        )
    if refusal := metadata_refusal(attributes, most_fields=len(attributes), path=name):
        raise UnreadableError(refusal)
    return attributes


def _object_of(value: Json, path: str) -> JsonObject:
    """Return an object; null and [] stand for an empty one, as PHP clients write it."""
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise invalid(path, f"The field {path} must be an object.")
    return value


def moment_in(source: JsonObject, name: str, *, zone: tzinfo | None = None) -> datetime | None:
    """Return a moment in UTC from RFC 3339 text or epoch milliseconds, None where absent.

    `zone` is that of a text that names none; without it such a text is refused.
    """
    value = source.get(name)
    match value:
        case None:
            return None
        case str():
            moment = _moment_of_text(value, zone)
        case int() | Decimal() if not isinstance(value, bool):
            moment = _moment_of_epoch(value, name)
        case _:
            moment = None
    if moment is None:
        wanted = "RFC 3339 text" if zone else "RFC 3339 text with its zone"
        raise invalid(name, f"The field {name} must be {wanted}, or epoch milliseconds.")
    if moment.year < limits.EARLIEST_YEAR:
        raise _too_early(name)
    return moment


def _moment_of_text(text: str, zone: tzinfo | None) -> datetime | None:
    found = _RFC_3339.fullmatch(text) if len(text) <= _MOMENT_CHARACTERS else None
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        if found["zone"] is None:
            return None if zone is None else moment.replace(tzinfo=zone).astimezone(UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # 30 February; year 1 or 9999, moved over the edge
        return None


def _moment_of_epoch(milliseconds: int | Decimal, name: str) -> datetime | None:
    # Compared before it is converted: the integer of 1e300 is not worth building.
    if milliseconds < 0:
        raise _too_early(name)
    if milliseconds > _LAST_EPOCH_MS:
        return None
    return _EPOCH + timedelta(microseconds=int(milliseconds * 1000))


def _too_early(name: str) -> UnreadableError:
    return refused(
        RefusalCode.OCCURRED_TOO_EARLY,
        name,
        f"The field {name} lies before the year {limits.EARLIEST_YEAR}.",
    )


def extra_in(source: JsonObject, known: AbstractSet[str]) -> JsonObject | None:
    """Return the fields beside the known ones, None where there are none.

    Nobody reads them, so only what the database can't hold is refused in them.
    """
    if source.keys() <= known:
        return None
    extra = {name: value for name, value in source.items() if name not in known}
    _refuse_unstorable(extra, "")
    return extra


def _refuse_unstorable(value: Json, path: str) -> None:
    match value:
        case str():
            if refusal := text_refusal(value, path):
                raise UnreadableError(refusal)
        case dict():
            for key, inner in value.items():
                _refuse_unstorable(key, path)
                shown = key[: limits.METADATA_KEY_CHARACTERS]
                _refuse_unstorable(inner, f"{path}.{shown}" if path else shown)
        case list():
            for index, inner in enumerate(value):
                _refuse_unstorable(inner, f"{path}[{index}]")


def refuse_repeated_key(value: Json) -> None:
    """Raise where an object holds a key twice, for the wires that forbid it."""
    if path := repeated_key(value):
        raise repeated(path)


def repeated(path: str) -> UnreadableError:
    """Return the refusal of a key that is given twice."""
    return refused(RefusalCode.DUPLICATE_KEY, path, f"The key {path} is given twice.")


def absent(source: JsonObject, name: str, *, path: str) -> UnreadableError:
    """Return the refusal of a required field: null is told apart from missing."""
    if name in source:
        return refused(RefusalCode.NULL_FIELD, path, f"The field {path} is null.")
    return refused(RefusalCode.MISSING_FIELD, path, f"The field {path} is missing.")


def invalid(path: str, message: str) -> UnreadableError:
    """Return the refusal of a field that holds something else than it should."""
    return refused(RefusalCode.INVALID_FIELD, path, message)


def refused(code: RefusalCode, path: str, message: str) -> UnreadableError:
    """Return a refusal as the error that carries it."""
    return UnreadableError(Refusal(code=code, message=message, field=path))


def bearer_token(headers: Headers) -> str:
    """Return the token of `Authorization: Bearer …`, "" where there is none."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
