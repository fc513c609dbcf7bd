"""Customers found by their identities, made where they are new, locked in one order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from events import limits
from events.linking import EVERY_KIND, Merging, Name, Owner, Sought, planned
from events.metadata import read_json, write_json
from events.models import Merge
from events.sql import execute, given, row_lock, send, text_of
from events.types import JsonObject, Refusal, RefusalCode

_TYPES = ("bigint", "text", "text")


class LostRaceError(Exception):
    """Another transaction made the same row first; the group must start again."""


@dataclass(slots=True, kw_only=True)
class LockedCustomer:
    """A customer whose row this transaction holds. `seq` grows as its events are decided."""

    id: int
    project_id: int
    attributes: JsonObject
    seq: int
    has_new_attributes: bool = False

    def put(self, attributes: JsonObject) -> Refusal | None:
        """Put attributes beside those it has, null takes one away; or return why they can't be.

        The mapping that it had stays as it was, for what was decided with it.
        """
        merged = {**self.attributes, **attributes}
        kept = {name: value for name, value in merged.items() if value is not None}
        if len(kept) > max(limits.ATTRIBUTES_PER_CUSTOMER, len(self.attributes)):
            return _TOO_MANY_ATTRIBUTES
        # As text, for 1 and true are equal to Python.
        if write_json(kept) != write_json(self.attributes):
            self.attributes = kept
            self.has_new_attributes = True
        return None


_TOO_MANY_ATTRIBUTES = Refusal(
    code=RefusalCode.TOO_MANY_FIELDS,
    message=f"The customer would have more than {limits.ATTRIBUTES_PER_CUSTOMER} attributes.",
    field="attributes",
)


def standing(names: Collection[Name]) -> dict[Name, bool]:
    """Return which of the names are a customer's, and whether that customer is active."""
    if not names:
        return {}
    query, parameters = given(sorted(names), *_TYPES)
    rows = execute(
        f"WITH given(project_id, kind, value) AS ({query}) "
        "SELECT i.project_id, i.kind, i.value, c.active "
        "FROM given JOIN events_identity i ON i.project_id = given.project_id "
        "AND i.kind = given.kind AND i.value = given.value "
        "JOIN events_customer c ON c.id = i.customer_id",
        parameters,
    )
    return {(project_id, kind, value): bool(active) for project_id, kind, value, active in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeDue:
    """Two customers whose names were given together: the older one stays. Nothing is done yet."""

    survivor: LockedCustomer
    loser: LockedCustomer
    cause: Merge.Cause


class MergeWithinError(Exception):
    """Of several that are sought, one is two customers yet, which must become one before those
    that come after it are looked for. All are locked; nothing was written."""

    def __init__(self, sought: Sought) -> None:
        super().__init__(str(sought))
        self.sought = sought


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The customers of those sought, and what must be merged before any of them is used."""

    customers: Mapping[Sought, LockedCustomer]
    merges: Sequence[MergeDue] = ()


def locked(wanted: Collection[Sought], now: datetime) -> Found:
    """Return the customer of each of those sought, locked in the order of their ids.

    The external id decides where it is given, else the email, else the phone. A further name that
    nobody has is added to the customer; one that another has stays there and is kept as a claim,
    unless it is of a kind that merges. The names are given out in the order of `wanted`, so that a
    group has the customers of its events one by one. Raises LostRaceError and MergeWithinError.
    """
    found = _locked_by_name({name for sought in wanted for name in sought.names})
    plan = planned(wanted, {name: customer.id for name, customer in found.items()})
    if plan.merge and len(wanted) > 1:
        raise MergeWithinError(plan.merge.sought)
    known: dict[Owner, LockedCustomer] = {each.id: each for each in found.values()}
    if plan.new_names:
        firsts = dict.fromkeys(o for o in plan.new_names.values() if not isinstance(o, int))
        known |= _insert(list(firsts), now)
        _insert_names(sorted((*name, known[owner].id) for name, owner in plan.new_names.items()))
    if plan.claims:
        _insert_claims([(*name, known[owner].id, now) for name, owner in plan.claims])
    return Found(
        customers={sought: known[owner] for sought, owner in plan.owners.items()},
        merges=_merges_due(plan.merge, known) if plan.merge else (),
    )


def _merges_due(merging: Merging, known: Mapping[Owner, LockedCustomer]) -> list[MergeDue]:
    is_link = merging.sought.merging == EVERY_KIND
    return [
        MergeDue(
            survivor=known[merging.survivor],
            loser=known[owner],
            cause=Merge.Cause.LINK if is_link else Merge.Cause.CHANNEL,
        )
        for owner in merging.owners
        if owner != merging.survivor
    ]


def _locked_by_name(names: Iterable[Name]) -> dict[Name, LockedCustomer]:
    query, parameters = given(sorted(names), *_TYPES)
    rows = execute(
        f"WITH given(project_id, kind, value) AS ({query}) "
        "SELECT i.project_id, i.kind, i.value, c.id, c.last_seq, c.merged_into_id, "
        f"{text_of('c.attributes')} "
        "FROM given JOIN events_identity i ON i.project_id = given.project_id "
        "AND i.kind = given.kind AND i.value = given.value "
        "JOIN events_customer c ON c.id = i.customer_id "
        f"ORDER BY c.id {row_lock('c')}",
        parameters,
    )
    customers: dict[int, LockedCustomer] = {}
    found = {}
    for project_id, kind, value, *columns in rows:
        customer_id = columns[0]
        if customer_id not in customers:
            customers[customer_id] = _locked_customer(project_id, columns)
        found[project_id, kind, value] = customers[customer_id]
    return found


def held(project_id: int, customer_ids: Collection[int]) -> list[LockedCustomer]:
    """Return the project's customers of these ids, locked in their order.

    Raises LostRaceError where one of them is another's since.
    """
    query, parameters = given([(customer_id,) for customer_id in sorted(customer_ids)], "bigint")
    rows = execute(
        f"WITH given(id) AS ({query}) SELECT c.id, c.last_seq, c.merged_into_id, "
        f"{text_of('c.attributes')} FROM given JOIN events_customer c ON c.id = given.id "
        f"WHERE c.project_id = %s ORDER BY c.id {row_lock('c')}",
        [*parameters, project_id],
    )
    return [_locked_customer(project_id, row) for row in rows]


def _locked_customer(project_id: int, columns: Sequence[Any]) -> LockedCustomer:
    customer_id, seq, merged_into_id, attributes = columns
    if merged_into_id is not None:  # while its row was waited for
        raise LostRaceError
    return LockedCustomer(
        id=customer_id, project_id=project_id, attributes=_object(attributes), seq=seq
    )


def _object(text: str) -> JsonObject:
    read = read_json(text.encode()) if text != "{}" else {}
    return read if isinstance(read, dict) else {}


def _insert(names: list[Name], now: datetime) -> dict[Owner, LockedCustomer]:
    """Make a customer for each name, in their order, without the name itself: one of two that
    were made at once is the older then, as if they had come alone."""
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
    for project_id, label, customer_id in sorted(rows, key=itemgetter(2)):
        ids.setdefault((project_id, label), []).append(customer_id)
    made: dict[Owner, LockedCustomer] = {}
    for name in names:
        project_id, _, label = name
        customer_id = ids[project_id, label].pop(0)
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


def _insert_claims(rows: list[tuple[int, str, str, int, datetime]]) -> None:
    query, parameters = given(rows, *_TYPES, "bigint", "timestamptz")
    columns = "project_id, kind, value, customer_id, created_at"
    send(
        f"WITH given({columns}) AS ({query}) INSERT INTO events_identityclaim ({columns}) "
        "SELECT * FROM given WHERE true ON CONFLICT DO NOTHING",
        parameters,
    )


def merge(due: MergeDue, *, merge_id: UUID, by_id: int | None, points: int, now: datetime) -> None:
    """Let the survivor have all that the loser is known by, in the transaction that holds both.

    `points` were moved. What was written for the loser stays as it is: it points to the survivor,
    and so do all that pointed to it.
    """
    survivor, loser = due.survivor, due.loser
    ids = [survivor.id, loser.id]
    send("UPDATE events_identity SET customer_id = %s WHERE customer_id = %s", ids)
    _merge_claims(survivor.id, loser.id)
    # Beyond every number that was given, and the number of events of both.
    survivor.seq += loser.seq
    survivor.attributes = {**loser.attributes, **survivor.attributes}
    save_attributes([survivor])
    send(
        "UPDATE events_customer SET last_seq = %s, active = active AND "
        "(SELECT active FROM events_customer WHERE id = %s) WHERE id = %s",
        [survivor.seq, loser.id, survivor.id],
    )
    send(
        "UPDATE events_customer SET merged_into_id = %s WHERE id = %s OR merged_into_id = %s",
        [survivor.id, loser.id, loser.id],
    )
    send(
        "INSERT INTO events_merge (id, project_id, survivor_id, loser_id, cause, by_id, "
        "points_moved, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [merge_id, survivor.project_id, *ids, str(due.cause), by_id, points, now],
    )


def _merge_claims(survivor_id: int, loser_id: int) -> None:
    """Let the survivor claim what the loser did; what it has by now is claimed no more."""
    columns = "project_id, kind, value, customer_id, created_at"
    send(
        f"INSERT INTO events_identityclaim ({columns}) SELECT project_id, kind, value, %s, "
        "created_at FROM events_identityclaim WHERE customer_id = %s ON CONFLICT DO NOTHING",
        [survivor_id, loser_id],
    )
    send(
        "DELETE FROM events_identityclaim WHERE customer_id = %s OR customer_id = %s AND EXISTS "
        "(SELECT 1 FROM events_identity i WHERE i.project_id = events_identityclaim.project_id "
        "AND i.kind = events_identityclaim.kind AND i.value = events_identityclaim.value "
        "AND i.customer_id = events_identityclaim.customer_id)",
        [loser_id, survivor_id],
    )


def save_attributes(changed: Iterable[LockedCustomer]) -> None:
    """Write what was put on the customers, in the transaction that holds them."""
    rows = sorted((each.id, write_json(each.attributes).decode()) for each in changed)
    query, parameters = given(rows, "bigint", "json")
    send(
        f"WITH given(id, attributes) AS ({query}) UPDATE events_customer SET attributes = "
        "given.attributes FROM given WHERE events_customer.id = given.id",
        parameters,
    )
