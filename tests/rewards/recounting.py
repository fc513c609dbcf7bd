"""A plain recount of what customers have after events, profiles and merges, one after another."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from events.linking import Name, Sought
from events.types import Event, Json, ProfileUpdate
from rewards.decide import Decision, Facts, LimitKey, Occurrence, Ruleset, decide
from rewards.streaks import Runs, with_active

# Whoever's counter it is: each person has counters of their own.
OWN = -1

_NOTHING = Decision(awards=(), streaks=())


@dataclass(slots=True, kw_only=True, eq=False)
class Person:
    """All that is known of one person; `active` are the periods of each streak."""

    number: int
    names: set[Name]
    attributes: dict[str, Json] = field(default_factory=dict)
    active: dict[int, set[int]] = field(default_factory=dict)
    used: dict[LimitKey, int] = field(default_factory=dict)
    balance: int = 0


@dataclass(slots=True, kw_only=True)
class Recount:
    """People in the order in which they were first heard of, and what they share."""

    ruleset: Ruleset
    zone: ZoneInfo
    people: list[Person] = field(default_factory=list)
    shared: dict[LimitKey, int] = field(default_factory=dict)
    heard: int = 0

    def named(self, name: Name) -> Person | None:
        return next((person for person in self.people if name in person.names), None)

    def whose(self, sought: Sought) -> Person:
        """Return the one person who is told by these names, made or merged where need be."""
        told = {person for name in sought.telling_names() if (person := self.named(name))}
        person = self.merged(told) if told else self._new()
        person.names |= {name for name in sought.names if not self.named(name)}
        return person

    def merged(self, several: set[Person]) -> Person:
        """Return the oldest of them with all that the others had."""
        oldest, *others = sorted(several, key=lambda person: person.number)
        for other in others:
            oldest.names |= other.names
            oldest.attributes = {**other.attributes, **oldest.attributes}
            oldest.balance += other.balance
            for streak_id, active in other.active.items():
                oldest.active.setdefault(streak_id, set()).update(active)
            for key, use in other.used.items():
                oldest.used[key] = oldest.used.get(key, 0) + use
            self.people.remove(other)
        return oldest

    def _new(self) -> Person:
        self.heard += 1
        person = Person(number=self.heard, names=set())
        self.people.append(person)
        return person

    def take(
        self, entry: Event | ProfileUpdate, sought: Sought, received_at: datetime
    ) -> tuple[int, int]:
        """Return the points that an entry earns, and the balance after it."""
        person = self.whose(sought)
        put = {**person.attributes, **(entry.attributes or {})}
        person.attributes = {key: value for key, value in put.items() if value is not None}
        decision = _NOTHING
        if isinstance(entry, Event):
            decision = self._decided(entry, person, entry.occurred_at or received_at)
        points = sum(award.points for award in decision.awards)
        points += sum(streak.points for streak in decision.streaks)
        person.balance += points
        return points, person.balance

    def _decided(self, event: Event, person: Person, occurred_at: datetime) -> Decision:
        occurrence = Occurrence(
            event=event.name,
            metadata=event.metadata,
            attributes=person.attributes,
            occurred_at=occurred_at,
            zone=self.zone,
            customer_id=OWN,
        )
        facts = Facts(
            used={**self.shared, **person.used},
            runs={streak_id: _runs(active) for streak_id, active in person.active.items()},
        )
        decision = decide(occurrence, facts, self.ruleset)
        for award in decision.awards:
            for key, use in award.uses:
                counters = person.used if key.customer_id == OWN else self.shared
                counters[key] = counters.get(key, 0) + use
        for streak in decision.streaks:
            periods = {index for run in streak.runs for index in range(run.first, run.last + 1)}
            person.active[streak.streak_id] = periods
        return decision


def _runs(active: Iterable[int]) -> Runs:
    runs: Runs = ()
    for index in active:
        runs = with_active(runs, index)
    return runs
