"""The only writer of what repeats and throttles are told by; which events of a group they discard.

Of events with the same value of a field only the first counts, and of one customer's events at
most one in so many minutes: both are conditions of an event type.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from events.catalogue import CataloguedType
from events.protection import MASK, Protection
from events.sql import execute, given, send
from events.types import DiscardReason, Json, JsonObject

# (event type id, hash of the value)
_NaturalKey: TypeAlias = tuple[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """An event that may be discarded; `natural_key` is None where it can repeat no other.

    It opens a window of `throttle` where it is accepted, and is discarded within another's.
    """

    event_id: UUID
    event_type_id: int
    customer_id: int
    occurred_at: datetime
    natural_key: _NaturalKey | None
    throttle: timedelta | None
    is_bot: bool

    @classmethod
    def of(
        cls,
        event_id: UUID,
        of_type: CataloguedType,
        sent: JsonObject,
        *,
        customer_id: int,
        occurred_at: datetime,
        is_bot: bool,
    ) -> "Contender":
        """Return the event of a type; `sent` is its metadata with personal values as they came."""
        minutes = of_type.throttle_minutes
        return cls(
            event_id=event_id,
            event_type_id=of_type.id,
            customer_id=customer_id,
            occurred_at=occurred_at,
            natural_key=_natural_key(of_type, sent),
            throttle=None if minutes is None else timedelta(minutes=minutes),
            is_bot=is_bot,
        )


def _natural_key(of_type: CataloguedType, sent: JsonObject) -> _NaturalKey | None:
    name = of_type.unique_by
    value_hash = protected_hash_of(name, sent.get(name), of_type.protection) if name else None
    return None if value_hash is None else (of_type.id, value_hash)


def protected_hash_of(unique_by: str, value: Json, protection: Protection | None) -> bytes | None:
    """Return what `hash_of` does, for a field that may be personal."""
    if protection is not None and unique_by in protection.fields:
        # By its keyed hash even where it is masked: a plain one of a phone number is soon guessed.
        hashing = replace(protection, fields={unique_by: "hash"})
        value = hashing.metadata({unique_by: value})[unique_by]
    return hash_of(unique_by, value)


def hash_of(unique_by: str, value: Json) -> bytes | None:
    """Return what tells a value of this field from others, None where it equals no other.

    The field's name is part of it: who makes a type unique by another field begins anew.
    """
    text = _text_of(value)
    return hashlib.sha256(f"{unique_by}\x00{text}".encode()).digest() if text else None


def _text_of(value: Json) -> str:
    """Return the text by which values are compared: 7, 7.0 and "7" are the same order.

    "" stands for what names no order: null, an empty text, a mask, an array, an object.
    """
    match value:
        case bool():
            return str(value).lower()
        case str():
            return "" if value == MASK else value  # all of a replayed request look the same
        case int() | Decimal():
            return _plain(Decimal(value))
        case _:
            return ""


def _plain(number: Decimal) -> str:
    if not number:
        return "0"  # -0 too
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(slots=True, kw_only=True)
class Discards:
    """What a group's events are discarded by; each sees those that were accepted before it."""

    claimed: Mapping[_NaturalKey, UUID] = field(default_factory=dict)
    throttled: AbstractSet[UUID] = frozenset()
    _kept: dict[_NaturalKey, UUID] = field(default_factory=dict)
    _opened: dict[tuple[int, int], list[Contender]] = field(default_factory=dict)

    def take(self, contender: Contender) -> DiscardReason | None:
        """Return why an event is discarded; None where it is accepted, as the later ones see."""
        if contender.is_bot:
            return DiscardReason.BOT
        if self._is_repeated(contender):
            return DiscardReason.UNIQUE_BY
        if self._is_throttled(contender):
            return DiscardReason.THROTTLE
        if contender.natural_key is not None:
            self._kept[contender.natural_key] = contender.event_id
        if contender.throttle is not None:
            self._windows_of(contender).append(contender)
        return None

    def _is_repeated(self, contender: Contender) -> bool:
        key = contender.natural_key
        return key is not None and (key not in self.claimed or key in self._kept)

    def _is_throttled(self, contender: Contender) -> bool:
        throttle, moment = contender.throttle, contender.occurred_at
        if throttle is None:
            return False
        return contender.event_id in self.throttled or any(
            opened.occurred_at <= moment < opened.occurred_at + throttle
            for opened in self._windows_of(contender)
        )

    def _windows_of(self, contender: Contender) -> list[Contender]:
        return self._opened.setdefault((contender.event_type_id, contender.customer_id), [])

    def save(self) -> None:
        """Write what later events are discarded by, in the transaction of the group."""
        # A claim is another event's, or nobody's, where the first to come was throttled.
        _delete_keys(
            key for key, event_id in self.claimed.items() if self._kept.get(key) != event_id
        )
        _insert_keys(self._kept.items() - self.claimed.items())
        _insert_moments([one for windows in self._opened.values() for one in windows])


def load(contenders: Sequence[Contender]) -> Discards:
    """Return what the events of a group may be discarded by, in its transaction.

    Their customers are locked, so nobody else opens a window of theirs meanwhile. The values of
    unique fields are claimed here already: another transaction with one of them waits for the end
    of this one, and finds it taken.
    """
    judged = [each for each in contenders if not each.is_bot]
    return Discards(claimed=_claimed(judged), throttled=_throttled(judged))


def peek(contenders: Sequence[Contender]) -> Discards:
    """Return the same for who only looks: nothing is claimed, so another may come first."""
    wanted: dict[_NaturalKey, UUID] = {}
    for each in contenders:
        if each.natural_key is not None:
            wanted.setdefault(each.natural_key, each.event_id)
    taken = _taken(wanted)
    return Discards(
        claimed={key: event_id for key, event_id in wanted.items() if key not in taken},
        throttled=_throttled(contenders),
    )


def _taken(keys: Iterable[_NaturalKey]) -> set[_NaturalKey]:
    rows = sorted(keys)
    if not rows:
        return set()
    query, parameters = given(rows, "bigint", "bytea")
    found = execute(
        f"WITH given(event_type_id, value_hash) AS ({query}) "
        "SELECT k.event_type_id, k.value_hash FROM given JOIN events_naturalkey k "
        "ON k.event_type_id = given.event_type_id AND k.value_hash = given.value_hash",
        parameters,
    )
    return {(type_id, bytes(value_hash)) for type_id, value_hash in found}


def _claimed(contenders: Iterable[Contender]) -> dict[_NaturalKey, UUID]:
    """Return the keys that no event had, each with the first contender that has it."""
    wanted: dict[_NaturalKey, UUID] = {}
    for each in contenders:
        if each.natural_key is not None:
            wanted.setdefault(each.natural_key, each.event_id)
    new = _insert_keys(wanted.items(), or_leave="WHERE true ON CONFLICT DO NOTHING")
    return {key: wanted[key] for key in new}


def _insert_keys(
    keys: Iterable[tuple[_NaturalKey, UUID]], *, or_leave: str = ""
) -> list[_NaturalKey]:
    """Insert natural keys and return those that were; all transactions lock in one order."""
    rows = sorted((*key, event_id) for key, event_id in keys)
    if not rows:
        return []
    columns = "event_type_id, value_hash, event_id"
    query, parameters = given(rows, "bigint", "bytea", "uuid")
    inserted = execute(
        f"WITH given({columns}) AS ({query}) INSERT INTO events_naturalkey ({columns}) "
        f"SELECT * FROM given {or_leave} RETURNING event_type_id, value_hash",
        parameters,
    )
    return [(type_id, bytes(value_hash)) for type_id, value_hash in inserted]


def _delete_keys(keys: Iterable[_NaturalKey]) -> None:
    rows = sorted(keys)
    if rows:
        query, parameters = given(rows, "bigint", "bytea")
        send(
            f"WITH given(event_type_id, value_hash) AS ({query}) DELETE FROM events_naturalkey "
            "WHERE (event_type_id, value_hash) IN (SELECT * FROM given)",
            parameters,
        )


def _throttled(contenders: Iterable[Contender]) -> set[UUID]:
    """Return the events that lie in a window which was opened before this group."""
    asked = [(each, each.throttle) for each in contenders if each.throttle is not None]
    if not asked:
        return set()
    rows = [
        (place, each.event_type_id, each.customer_id, each.occurred_at - throttle, each.occurred_at)
        for place, (each, throttle) in enumerate(asked)
    ]
    query, parameters = given(rows, "int", "bigint", "bigint", "timestamptz", "timestamptz")
    found = execute(
        f"WITH given(place, event_type_id, customer_id, after, until) AS ({query}) "
        "SELECT given.place FROM given WHERE EXISTS (SELECT 1 FROM events_throttledmoment m "
        "WHERE m.event_type_id = given.event_type_id AND m.customer_id = given.customer_id "
        "AND m.occurred_at > given.after AND m.occurred_at <= given.until)",
        parameters,
    )
    return {asked[place][0].event_id for (place,) in found}


def _insert_moments(accepted: Sequence[Contender]) -> None:
    if not accepted:
        return
    columns = "event_type_id, customer_id, occurred_at, event_id"
    rows = [
        (each.event_type_id, each.customer_id, each.occurred_at, each.event_id) for each in accepted
    ]
    query, parameters = given(rows, "bigint", "bigint", "timestamptz", "uuid")
    send(
        f"WITH given({columns}) AS ({query}) "
        f"INSERT INTO events_throttledmoment ({columns}) SELECT * FROM given",
        parameters,
    )


def give_windows(project_id: int, *, loser_id: int, survivor_id: int) -> None:
    """Give the windows of a customer who was merged to the survivor, in the caller's transaction.

    Both customers must be locked.
    """
    send(
        "UPDATE events_throttledmoment SET customer_id = %s WHERE customer_id = %s "
        "AND event_type_id IN (SELECT id FROM events_eventtype WHERE project_id = %s)",
        [survivor_id, loser_id, project_id],
    )
