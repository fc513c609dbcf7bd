"""Customers found by their identities, made where they are new, locked in one order."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from events.metadata import read_json
from events.models import Identity as IdentityRow
from events.sql import execute, given, row_lock, text_of
from events.types import Identity, JsonObject

# (project id, kind, value)
Name: TypeAlias = tuple[int, str, str]

_TYPES = ("bigint", "text", "text")
_KINDS = tuple(
    kind.value
    for kind in (IdentityRow.Kind.EXTERNAL_ID, IdentityRow.Kind.EMAIL, IdentityRow.Kind.PHONE)
)


class LostRaceError(Exception):
    """Another transaction made the same row first; the group must start again."""


@dataclass(slots=True, kw_only=True)
class LockedCustomer:
    """A customer whose row this transaction holds. `seq` grows as its events are decided."""

    id: int
    project_id: int
    attributes: JsonObject
    seq: int


def locked(
    wanted: Collection[tuple[int, Identity]], now: datetime
) -> dict[tuple[int, Identity], LockedCustomer]:
    """Return the customer of each (project id, identity), locked in the order of their ids.

    The external id decides where it is given, else the email, else the phone. A further name that
    nobody has is added to the customer; one that another has stays there. The names are given out
    in the order of `wanted`, so that a group has the customers of its events one by one.
    Raises LostRaceError.
    """
    names = {name for project_id, identity in wanted for name in _names(project_id, identity)}
    found = _locked_by_name(names)
    new = _new_names(wanted, found)
    if new:
        found |= _insert(sorted(set(new.values()) - found.keys()), now)
        _insert_names(sorted((*name, found[owner].id) for name, owner in new.items()))
        found |= {name: found[owner] for name, owner in new.items()}
    return {each: found[_first(each)] for each in wanted}


def _names(project_id: int, identity: Identity) -> list[Name]:
    values = (identity.external_id, identity.email, identity.phone)
    kinds_and_values = zip(_KINDS, values, strict=True)
    return [(project_id, kind, value) for kind, value in kinds_and_values if value]


def _first(wanted: tuple[int, Identity]) -> Name:
    return _names(*wanted)[0]


def _locked_by_name(names: Iterable[Name]) -> dict[Name, LockedCustomer]:
    query, parameters = given(sorted(names), *_TYPES)
    rows = execute(
        f"WITH given(project_id, kind, value) AS ({query}) "
        f"SELECT i.project_id, i.kind, i.value, c.id, c.last_seq, {text_of('c.attributes')} "
        "FROM given JOIN events_identity i ON i.project_id = given.project_id "
        "AND i.kind = given.kind AND i.value = given.value "
        "JOIN events_customer c ON c.id = i.customer_id "
        f"ORDER BY c.id {row_lock('c')}",
        parameters,
    )
    customers: dict[int, LockedCustomer] = {}
    found = {}
    for project_id, kind, value, customer_id, seq, attributes in rows:
        if customer_id not in customers:
            customers[customer_id] = LockedCustomer(
                id=customer_id,
                project_id=project_id,
                attributes=_object(attributes),
                seq=seq,
            )
        found[project_id, kind, value] = customers[customer_id]
    return found


def _object(text: str) -> JsonObject:
    read = read_json(text.encode()) if text != "{}" else {}
    return read if isinstance(read, dict) else {}


def _new_names(
    wanted: Iterable[tuple[int, Identity]], found: Mapping[Name, LockedCustomer]
) -> dict[Name, Name]:
    """Return each name that nobody has, with the name by which its owner is or will be known."""
    owners: dict[Name, Name] = {}
    for each in wanted:
        first, *others = _names(*each)
        if first not in found:
            owners.setdefault(first, first)
        for name in others:
            if name not in found:
                owners.setdefault(name, owners.get(first, first))
    return owners


def _insert(names: list[Name], now: datetime) -> dict[Name, LockedCustomer]:
    """Make a customer for each name, without the name itself."""
    if not names:
        return {}
    query, parameters = given([(p, value, "{}", 0, now) for p, _, value in names], *_NEW)
    rows = execute(
        f"WITH given(project_id, label, attributes, last_seq, created_at) AS ({query}) "
        "INSERT INTO events_customer (project_id, label, attributes, last_seq, created_at) "
        "SELECT * FROM given RETURNING project_id, label, id",
        parameters,
    )
    ids: dict[tuple[int, str], list[int]] = {}
    for project_id, label, customer_id in rows:
        ids.setdefault((project_id, label), []).append(customer_id)
    made = {}
    for name in names:
        project_id, _, label = name
        customer_id = ids[project_id, label].pop()
        made[name] = LockedCustomer(id=customer_id, project_id=project_id, attributes={}, seq=0)
    return made


_NEW = ("bigint", "text", "json", "bigint", "timestamptz")


def _insert_names(rows: list[tuple[int, str, str, int]]) -> None:
    query, parameters = given(rows, *_TYPES, "bigint")
    inserted = execute(
        f"WITH given(project_id, kind, value, customer_id) AS ({query}) "
        "INSERT INTO events_identity (project_id, kind, value, customer_id) "
        "SELECT * FROM given WHERE true ON CONFLICT DO NOTHING RETURNING id",
        parameters,
    )
    if len(inserted) != len(rows):
        raise LostRaceError
