"""Releva's custom fields: typed groups of keys and values, read as flat metadata."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from events import limits
from events.metadata import number_in
from events.types import Json, JsonObject, RefusalCode
from events.wires.reading import TextField, absent, extra_in, invalid, refused, required_text
from events.wires.releva.dates import rfc_3339

_KEY = TextField(
    name="key",
    path="key",
    most_characters=limits.METADATA_KEY_CHARACTERS,
    too_long=RefusalCode.METADATA_KEY_TOO_LONG,
)


def custom_in(source: JsonObject, path: str) -> tuple[dict[str, Json], JsonObject]:
    """Return the values of an object's custom fields by key, and the groups that nobody knows.

    One value stands alone, several are an array. A key given twice in one group has the values of
    both, as if they had been given at once; in two groups it is refused, for nobody could tell
    which type was meant.
    """
    groups = source.get("custom")
    if groups is None or groups == []:
        return {}, {}
    if not isinstance(groups, dict):
        raise invalid(path, f"The field {path} must be an object of groups: {', '.join(_GROUPS)}.")
    values: dict[str, list[Json]] = {}
    group_of: dict[str, str] = {}
    for group, read in _GROUPS.items():
        for key, found, place in _fields(groups.get(group), f"{path}.{group}"):
            if group_of.setdefault(key, group) != group:
                raise refused(
                    RefusalCode.DUPLICATE_KEY,
                    place,
                    f"The key {key} is given as {group_of[key]} and as {group}; choose one.",
                )
            values.setdefault(key, []).extend(read(each, f"{place}.values") for each in found)
    unknown = extra_in(groups, _GROUPS.keys()) or {}
    return {key: found[0] if len(found) == 1 else found for key, found in values.items()}, unknown


def _fields(group: Json, path: str) -> Iterator[tuple[str, Sequence[Json], str]]:
    """Yield key, values and path of each field of a group; null and {} are as no group."""
    if group is None or group == {}:
        return
    if not isinstance(group, list):
        raise invalid(path, f"The field {path} must be an array of key and values.")
    for index, field in enumerate(group):
        place = f"{path}[{index}]"
        if not isinstance(field, dict):
            raise invalid(place, f"The field {place} must be an object of key and values.")
        key = required_text(field, replace(_KEY, path=f"{place}.key"))
        values = field.get("values")
        if values is None:
            raise absent(field, "values", path=f"{place}.values")
        if not isinstance(values, list):
            raise invalid(f"{place}.values", f"The field {place}.values must be an array.")
        yield key, values, place


def _string(value: Json, path: str) -> Json:
    """Return a text; the group says that a number in it is meant as one."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(value)
    raise invalid(path, f"The field {path} must hold strings.")


def _numeric(value: Json, path: str) -> Json:
    """Return a number; the group says that a text in it is meant as one."""
    if value is None:
        return None
    number = number_of(value)
    if number is None:
        raise invalid(path, f"The field {path} must hold numbers; text belongs into string.")
    return number


def number_of(value: Json) -> int | Decimal | None:
    """Return a number, given as such or as its text, else None."""
    number = number_in(value) if isinstance(value, str) else value
    if isinstance(number, (int, Decimal)) and not isinstance(number, bool):
        return number
    return None


def _date(value: Json, path: str) -> Json:
    """Return a date as it is written: as text, the zone and the digits of its clock included."""
    if value is None or (isinstance(value, str) and rfc_3339(value)):
        return value
    raise invalid(
        path,
        f"The field {path} must hold dates of the calendar in ISO 8601, as in "
        "2026-03-02 or 2026-03-02T09:00:00Z.",
    )


def _boolean(value: Json, path: str) -> Json:
    if value is None or isinstance(value, bool):
        return value
    raise invalid(path, f"The field {path} must hold true or false.")


# `boolean` is our own: the vendor's clients know the other three.
_GROUPS: Mapping[str, Callable[[Json, str], Json]] = {
    "string": _string,
    "numeric": _numeric,
    "date": _date,
    "boolean": _boolean,
}
