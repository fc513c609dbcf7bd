"""Whose the names are that were given together: known customers, new ones, those to be merged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from events.types import Identity

# (project id, kind, value)
Name: TypeAlias = tuple[int, str, str]
# A customer's id, or the first name of one that is to be made.
Owner: TypeAlias = int | Name

KINDS = ("external_id", "email", "phone")
EVERY_KIND = frozenset(KINDS)


class Sought(NamedTuple):
    """The names by which one entry tells its customer, the one that decides first.

    A name of a kind in `merging` tells the customer as much as the first name does: where it is
    another's, both are one person.
    """

    project_id: int
    names: tuple[Name, ...]
    merging: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, project_id: int, identity: Identity, merging: frozenset[str] = frozenset()
    ) -> "Sought":
        values = (identity.external_id, identity.email, identity.phone)
        names = tuple(
            [(project_id, kind, value) for kind, value in zip(KINDS, values, strict=True) if value]
        )
        return cls(project_id, names, merging)

    def telling_names(self) -> list[Name]:
        """Return those of the names that tell the customer."""
        first, *others = self.names
        return [first, *(name for name in others if name[1] in self.merging)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """Customers that one of those sought is told by, and the oldest of them, which stays."""

    sought: Sought
    owners: tuple[Owner, ...]
    survivor: Owner


@dataclass(slots=True, kw_only=True)
class Plan:
    """What is to be done so that each of those sought is one customer.

    `new_names`: names that nobody has, with their owner; `owners`: of each of those sought;
    `claims`: names given that are another's; `merge`: the first of those sought that several
    customers are told by, after which the plan ends.
    """

    new_names: dict[Name, Owner] = field(default_factory=dict)
    owners: dict[Sought, Owner] = field(default_factory=dict)
    claims: dict[tuple[Name, Owner], None] = field(default_factory=dict)  # in their order
    merge: Merging | None = None


def planned(wanted: Iterable[Sought], found: Mapping[Name, int]) -> Plan:
    """Return the plan for those sought, in their order: one after another gives the same."""
    plan = Plan()
    for sought in wanted:
        names = sought.names
        owner = _owner(sought, names, found, plan)
        plan.owners[sought] = owner
        for name in names:
            known = _known(name, found, plan)
            if known is None:
                plan.new_names[name] = owner
            elif known != owner and name not in sought.telling_names():
                plan.claims[name, owner] = None
        if plan.merge:
            break
    return plan


def _owner(sought: Sought, names: Sequence[Name], found: Mapping[Name, int], plan: Plan) -> Owner:
    first = _known(names[0], found, plan)
    if not sought.merging or len(names) == 1:
        return names[0] if first is None else first
    told = [_known(name, found, plan) for name in sought.telling_names()]
    owners = list(dict.fromkeys(owner for owner in told if owner is not None))
    if not owners:
        return names[0]
    # The oldest customer stays; one that is not made yet is younger than all.
    oldest = min((owner for owner in owners if isinstance(owner, int)), default=owners[0])
    if len(owners) > 1:
        plan.merge = Merging(sought=sought, owners=tuple(owners), survivor=oldest)
    return oldest


def _known(name: Name, found: Mapping[Name, int], plan: Plan) -> Owner | None:
    customer_id = found.get(name)
    return plan.new_names.get(name) if customer_id is None else customer_id
