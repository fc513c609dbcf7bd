"""The only writer of points: transfers between accounts, and the balances that follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from events.metadata import write_json
from events.sql import execute, given, send
from events.types import JsonObject
from rewards.models import Account, Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Points that a customer earned, from an issued account. `source_key` is its identity."""

    project_id: int
    customer_id: int
    issued_account_id: int
    points: int
    kind: Transfer.Kind
    source_key: str
    event_id: UUID
    version_id: int
    trace: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowPosting:
    """Points that a rule in shadow would have given."""

    project_id: int
    customer_id: int
    event_id: UUID
    version_id: int
    points: int
    trace: JsonObject


_TRANSFER_COLUMNS = {
    "project_id": "bigint",
    "customer_id": "bigint",
    "debit_id": "bigint",
    "amount": "bigint",
    "kind": "text",
    "source_key": "text",
    "event_id": "uuid",
    "version_id": "bigint",
    "trace": "json",
    "created_at": "timestamptz",
}


def source_key(event_id: UUID, owner: str, owner_id: int, outcome: str) -> str:
    """Return the identity of a transfer: event, rule or streak, what of it, once each."""
    return f"{event_id.hex}:{owner}:{owner_id}:{outcome}"


def open_issued_account(project_id: int, owner: Account.Owner, owner_id: int) -> None:
    """Make the account from which a rule or a streak issues its points."""
    Account.objects.get_or_create(
        owner_type=owner,
        owner_id=owner_id,
        kind=Account.Kind.ISSUED,
        defaults={"project_id": project_id},
    )


def post(postings: Sequence[Posting], now: datetime) -> None:
    """Move points to customers, in the caller's transaction, which holds the customers' locks.

    Raises IntegrityError where one of them was posted before.
    """
    if not postings:
        return
    _credit(postings)
    rows = [
        (
            posting.project_id,
            posting.customer_id,
            posting.issued_account_id,
            posting.points,
            str(posting.kind),
            posting.source_key,
            posting.event_id,
            posting.version_id,
            write_json(posting.trace).decode(),
            now,
        )
        for posting in postings
    ]
    columns = ", ".join(_TRANSFER_COLUMNS)
    query, parameters = given(rows, *_TRANSFER_COLUMNS.values())
    send(
        f"WITH given({columns}) AS ({query}) INSERT INTO rewards_transfer ({columns}, credit_id) "
        "SELECT given.*, (SELECT a.id FROM rewards_account a WHERE a.owner_type = 'customer' "
        "AND a.owner_id = given.customer_id AND a.kind = 'available') FROM given",
        parameters,
    )


def _credit(postings: Sequence[Posting]) -> None:
    """Add to the customers' balances; a first posting opens the account."""
    sums: dict[tuple[int, int], int] = {}
    for posting in postings:
        key = (posting.customer_id, posting.project_id)
        sums[key] = sums.get(key, 0) + posting.points
    _add(
        [
            (project_id, customer_id, sums[customer_id, project_id])
            for customer_id, project_id in sorted(sums)
        ]
    )


def _add(changes: Sequence[tuple[int, int, int]]) -> None:
    """Add the points of each (project id, customer id, points) to the customer's balance."""
    rows = [
        (project_id, "available", "customer", customer_id, points)
        for project_id, customer_id, points in changes
    ]
    query, parameters = given(rows, "bigint", "text", "text", "bigint", "bigint")
    columns = "project_id, kind, owner_type, owner_id, balance"
    send(
        f"WITH given({columns}) AS ({query}) INSERT INTO rewards_account ({columns}) "
        "SELECT * FROM given WHERE true ON CONFLICT (owner_type, owner_id, kind) DO UPDATE "
        "SET balance = rewards_account.balance + excluded.balance",
        parameters,
    )


def merge(
    project_id: int, *, survivor_id: int, loser_id: int, merge_id: UUID, now: datetime
) -> int:
    """Move all that the loser has to the survivor, in the caller's transaction, which holds both;
    return how many points. What the loser owes is moved as well: then the survivor pays it.
    """
    balances: dict[int, int] = dict(
        execute(
            "SELECT owner_id, balance FROM rewards_account WHERE owner_type = 'customer' "
            "AND kind = 'available' AND owner_id IN (%s, %s)",
            [survivor_id, loser_id],
        )
    )
    points = balances.get(loser_id, 0)
    if not points:
        return 0
    _add([(project_id, survivor_id, points), (project_id, loser_id, -points)])
    debtor_id, creditor_id = (loser_id, survivor_id) if points > 0 else (survivor_id, loser_id)
    account = (
        "(SELECT id FROM rewards_account WHERE owner_type = 'customer' AND owner_id = %s "
        "AND kind = 'available')"
    )
    send(
        "INSERT INTO rewards_transfer (project_id, customer_id, debit_id, credit_id, amount, kind, "
        "source_key, event_id, version_id, trace, created_at) "
        f"VALUES (%s, %s, {account}, {account}, %s, 'merge', %s, %s, 0, %s, %s)",
        [
            project_id,
            survivor_id,
            debtor_id,
            creditor_id,
            abs(points),
            f"{merge_id.hex}:merge",
            merge_id,
            write_json({"loser": loser_id, "survivor": survivor_id}).decode(),
            now,
        ],
    )
    return points


def post_shadow(postings: Sequence[ShadowPosting], now: datetime) -> None:
    """Keep what rules in shadow would have given; no balance changes."""
    if not postings:
        return
    columns = "project_id, customer_id, event_id, version_id, points, trace, created_at"
    rows = [
        (
            posting.project_id,
            posting.customer_id,
            posting.event_id,
            posting.version_id,
            posting.points,
            write_json(posting.trace).decode(),
            now,
        )
        for posting in postings
    ]
    query, parameters = given(
        rows, "bigint", "bigint", "uuid", "bigint", "bigint", "json", "timestamptz"
    )
    send(
        f"WITH given({columns}) AS ({query}) "
        f"INSERT INTO rewards_shadowaward ({columns}) SELECT * FROM given",
        parameters,
    )
