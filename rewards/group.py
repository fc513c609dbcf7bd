"""One commit group: its events decided one after another, each seeing the ones before it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from events import agents, catalogue, customers, discards, store
from events.catalogue import Catalogue, CataloguedType, Wanted
from events.customers import LockedCustomer
from events.discards import Contender, Discards
from events.ids import new_id
from events.linking import Sought
from events.metadata import as_declared, write_json
from events.types import (
    Award,
    DiscardReason,
    Event,
    Json,
    JsonObject,
    Outcome,
    ProfileUpdate,
    Refusal,
    RefusalCode,
    StreakProgress,
)
from rewards import facts, ledger, merging, repeats, ruleset
from rewards.decide import AwardDue, Decision, Occurrence, StreakDue, decide
from rewards.facts import GroupFacts
from rewards.postings import Earner, postings, shadow_postings
from rewards.ruleset import ProjectRules
from rewards.submissions import Submission

TOO_LATE = "too_late"

# (number of the submission in its group, index of the entry in the submission)
Place: TypeAlias = tuple[int, int]

_NOTHING = Decision(awards=(), streaks=())
_CONFLICT = Refusal(
    code=RefusalCode.IDEMPOTENCY_CONFLICT,
    message="The id was used before for another event.",
    field="id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An event or a profile that may come in, and the place of its answer."""

    submission: Submission
    entry: Event | ProfileUpdate
    number: int  # of the submission in the group
    index: int  # of the entry in the submission
    project_id: int
    sought: Sought
    key: tuple[int, str]

    @property
    def body_hash(self) -> bytes:
        return self.submission.body_hashes[self.index]

    def has_body(self, body_hash: bytes) -> bool:
        return self.submission.has_body(self.index, body_hash)


@dataclass(slots=True)
class Group:
    """What one transaction answers and writes. `answers[number][index]` is an entry's outcome."""

    answers: list[list[Outcome | None]]
    refused: list[store.RefusedEntry] = field(default_factory=list)
    customers: list[LockedCustomer] = field(default_factory=list)
    discards: Discards = field(default_factory=Discards)
    events: list[store.NewEvent] = field(default_factory=list)
    postings: list[ledger.Posting] = field(default_factory=list)
    shadows: list[ledger.ShadowPosting] = field(default_factory=list)

    def answer(self, candidate: Candidate, outcome: Outcome) -> None:
        self.answers[candidate.number][candidate.index] = outcome

    def answer_again(self, candidate: Candidate, used: store.UsedKey) -> None:
        """Give the first answer again, marked duplicate, or refuse the key's other event."""
        if not candidate.has_body(used.body_hash):
            self.refuse(candidate, _CONFLICT)
            return
        original = msgspec.json.decode(used.answer, type=Outcome)
        self.answer(candidate, replace(original, status="duplicate"))

    def refuse(self, candidate: Candidate, refusal: Refusal) -> None:
        """Answer a refused event and keep it."""
        self.answer(candidate, Outcome(status="rejected", error=refusal))
        self.keep(candidate.submission, refusal, candidate.entry.source, index=candidate.index)

    def keep(
        self, submission: Submission, refusal: Refusal, source: Json | bytes, *, index: int = 0
    ) -> None:
        lines = submission.request.lines
        self.refused.append(
            store.RefusedEntry(
                reception=submission.reception,
                wire=submission.wire.name,
                refusal=refusal,
                source=source,
                protection=submission.protection,
                line=lines[index] if lines else None,
            )
        )

    def write(self, now: datetime, known: GroupFacts | None) -> None:
        """Write all of it in the caller's transaction, and keep only the answers."""
        if self.customers:
            customers.save_attributes(self.customers)
        store.record(self.events, now)
        self.discards.save()
        ledger.post(self.postings, now)
        ledger.post_shadow(self.shadows, now)
        if known:
            known.save()
        if self.refused:
            store.quarantine(self.refused)
        for written in (self.refused, self.customers, self.events, self.postings, self.shadows):
            written.clear()
        self.discards = Discards()


class RefusedLateError(Exception):
    """Some entries can't be taken, which was told by their customers once these were locked.

    Nothing was decided or written for the group yet, which must start again without them: of a
    request that is all or nothing, not even the customers may stay.
    """

    def __init__(self, refusals: Mapping[Place, Refusal]) -> None:
        super().__init__(f"{len(refusals)} entries")
        self.refusals = refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """An event with all that deciding needs."""

    candidate: Candidate
    event: Event
    type: CataloguedType
    customer: LockedCustomer
    rules: ProjectRules
    occurrence: Occurrence
    earns: bool
    contender: Contender | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Profiled:
    """A profile that was put on its customer."""

    candidate: Candidate
    customer: LockedCustomer


def decide_all(
    candidates: Sequence[Candidate], catalogues: dict[int, Catalogue], group: Group, now: datetime
) -> GroupFacts:
    """Decide the candidates in order; fill the group's answers and rows. Locks what it reads.

    Raises LostRaceError where another transaction made the same customer first, MergeWithinError
    and RefusedLateError, each before anything was decided.
    """
    grown = _grown(candidates, catalogues)
    # In their order, each once: that of a set would give out names at random.
    wanted = dict.fromkeys(each.sought for each in candidates)
    people = customers.locked(wanted.keys(), now)
    merging.apply(people.merges, now)
    found = people.customers
    reception = candidates[0].submission.reception
    if reception.replays and not reception.takes_repeats:  # it commits alone
        candidates = list(_not_repeated(candidates, grown, found, group))
    # Read again now that the customers are locked: who sent the same key held the same lock.
    used = store.used_keys(each.key for each in candidates if each.key[1])
    ready = _ready(candidates, grown, found, used=used)
    new = [each for each in ready if each.candidate.key not in used]
    group.discards = discards.load(
        [each.contender for each in new if isinstance(each, _Ready) and each.contender]
    )
    known = facts.load(
        (
            (each.candidate.project_id, each.occurrence, each.rules.ruleset)
            for each in new
            if isinstance(each, _Ready) and each.earns
        ),
        customer_ids={each.customer.id for each in new},
    )
    for each in ready:
        if isinstance(each, _Ready):
            _decide_one(each, used, known, group)
        else:
            group.answer(each.candidate, _profile_outcome(each.customer, known))
    changed = {each.id: each for each in found.values() if each.has_new_attributes}
    group.customers += changed.values()
    return known


def _not_repeated(
    candidates: Sequence[Candidate],
    grown: Mapping[int, Catalogue],
    found: Mapping[Sought, LockedCustomer],
    group: Group,
) -> Iterator[Candidate]:
    """Yield what of a replay did not come in otherwise, and answer the rest.

    A key tells a repeat by itself, and to put a profile once more does no harm.
    """
    submission = candidates[0].submission
    sought = {
        candidate.index: repeats.Sought(
            customer_id=found[candidate.sought].id,
            event_type_id=grown[candidate.project_id].types[entry.name].id,
            metadata=entry.metadata,
            occurred_at=entry.occurred_at,
        )
        for candidate in candidates
        if isinstance(entry := candidate.entry, Event) and not entry.key
    }
    came_in = repeats.came_in(
        list(sought.values()),
        submission.reception.received_at,
        protection=submission.protection,
    )
    repeated = dict(zip(sought, came_in, strict=True))
    for candidate in candidates:
        if repeated.get(candidate.index):
            group.answer(candidate, Outcome(status="duplicate"))
        else:
            yield candidate


def _grown(
    candidates: Iterable[Candidate], catalogues: dict[int, Catalogue]
) -> dict[int, Catalogue]:
    wanted: dict[int, Wanted] = {}
    for candidate in candidates:
        if isinstance(candidate.entry, Event):
            project = wanted.setdefault(candidate.project_id, Wanted())
            name = candidate.entry.name
            defaults = candidate.submission.wire.type_defaults.get(name)
            project.add(name, candidate.entry.metadata, defaults=defaults)
    # In one order, for each may lock its project's row.
    return {
        project_id: catalogue.grown(catalogues[project_id], wanted[project_id])
        for project_id in sorted(wanted)
    }


def _ready(
    candidates: Sequence[Candidate],
    grown: Mapping[int, Catalogue],
    found: Mapping[Sought, LockedCustomer],
    *,
    used: Mapping[tuple[int, str], store.UsedKey],
) -> list[_Ready | _Profiled]:
    """Put the attributes on the customers, each entry seeing those of the ones before it."""
    rules = {project_id: ruleset.current(each) for project_id, each in grown.items()}
    ready: list[_Ready | _Profiled] = []
    refusals: dict[Place, Refusal] = {}
    seen = set(used)
    for candidate in candidates:
        entry, customer = candidate.entry, found[candidate.sought]
        # What a repeated event says of its customer may be older than what is known by now.
        attributes = entry.attributes if candidate.key not in seen else None
        if attributes and (refusal := customer.put(attributes)):
            refusals[candidate.number, candidate.index] = refusal
        if candidate.key[1]:
            seen.add(candidate.key)
        if isinstance(entry, ProfileUpdate):
            ready.append(_Profiled(candidate=candidate, customer=customer))
            continue
        known, in_force = grown[candidate.project_id], rules[candidate.project_id]
        ready.append(_with_occurrence(candidate, entry, known, customer=customer, rules=in_force))
    if refusals:
        raise RefusedLateError(refusals)
    return ready


def _with_occurrence(
    candidate: Candidate,
    event: Event,
    known: Catalogue,
    *,
    customer: LockedCustomer,
    rules: ProjectRules,
) -> _Ready:
    reception = candidate.submission.reception
    of_type = known.types[event.name]
    occurred_at = event.occurred_at or reception.received_at
    window = timedelta(days=known.reward_window_days)
    return _Ready(
        candidate=candidate,
        event=event,
        type=of_type,
        customer=customer,
        rules=rules,
        occurrence=Occurrence(
            event=event.name,
            metadata=declared(event.metadata, of_type),
            attributes=customer.attributes,
            occurred_at=occurred_at,
            zone=known.zone,
            customer_id=customer.id,
        ),
        earns=reception.earns_late or occurred_at >= reception.received_at - window,
        contender=_contender(
            candidate, event, known, customer_id=customer.id, occurred_at=occurred_at
        ),
    )


def _contender(
    candidate: Candidate, event: Event, known: Catalogue, *, customer_id: int, occurred_at: datetime
) -> Contender | None:
    """Return the event as one that may be discarded, None where nothing may discard it."""
    of_type, reception = known.types[event.name], candidate.submission.reception
    # With a secret a server sends, which knows its customers.
    may_be_bots = known.discard_bots and not reception.access.has_secret
    sent = _as_sent(candidate, event)
    is_bot = may_be_bots and agents.is_bots(sent.metadata, sent.extra)
    if not (is_bot or of_type.unique_by or of_type.throttle_minutes):
        return None
    return Contender.of(
        new_id(reception.received_at),
        of_type,
        sent.metadata,
        customer_id=customer_id,
        occurred_at=occurred_at,
        is_bot=is_bot,
    )


def _as_sent(candidate: Candidate, event: Event) -> Event:
    """Return the event as it came: a mask tells neither bots nor orders apart."""
    sent = candidate.submission.sent_entry(candidate.index)
    return sent if isinstance(sent, Event) else event


def declared(metadata: JsonObject, of_type: CataloguedType) -> JsonObject:
    """Return the metadata with the values of declared numbers read as such."""
    if not of_type.has_numbers:  # only a declared number is read as something else
        return metadata
    return {
        key: as_declared(value, of_type.fields.get(key, "auto")) for key, value in metadata.items()
    }


def _profile_outcome(customer: LockedCustomer, known: GroupFacts) -> Outcome:
    return Outcome(status="accepted", balance=known.balance(customer.id), customer_id=customer.id)


def _decide_one(
    ready: _Ready,
    used: dict[tuple[int, str], store.UsedKey],
    known: GroupFacts,
    group: Group,
) -> None:
    candidate = ready.candidate
    if candidate.key in used:
        group.answer_again(candidate, used[candidate.key])
        return
    decision = _NOTHING
    reason = group.discards.take(ready.contender) if ready.contender else None
    if ready.earns and reason is None:
        view = known.of(candidate.project_id, ready.customer.id)
        decision = decide(ready.occurrence, view, ready.rules.ruleset)
        known.apply(decision, project_id=candidate.project_id, occurrence=ready.occurrence)
    event = _new_event(ready, decision, known.balance(ready.customer.id), reason=reason)
    group.answer(candidate, event.outcome)
    group.events.append(event)
    earner = Earner(
        project_id=candidate.project_id,
        customer_id=ready.customer.id,
        event_id=event.id,
        rules=ready.rules,
    )
    group.postings += postings(decision, earner)
    group.shadows += shadow_postings(decision, earner)
    if ready.event.key:
        used[candidate.key] = store.UsedKey(
            body_hash=event.body_hash, answer=write_json(event.outcome)
        )


def _new_event(
    ready: _Ready, decision: Decision, balance: int, *, reason: DiscardReason | None
) -> store.NewEvent:
    candidate, event, occurred_at = ready.candidate, ready.event, ready.occurrence.occurred_at
    reception = candidate.submission.reception
    ready.customer.seq += 1
    event_id = ready.contender.event_id if ready.contender else new_id(reception.received_at)
    awarded = sum(award.points for award in decision.awards)
    outcome = Outcome(
        status="discarded" if reason else "accepted",
        event_id=str(event_id),
        occurred_at=occurred_at,
        points_awarded=awarded,
        awards=tuple(award_of(award) for award in decision.awards),
        streaks=tuple(progress_of(streak, occurred_at) for streak in decision.streaks),
        balance=balance,
        reason=reason or ("" if ready.earns else TOO_LATE),
        customer_id=ready.customer.id,
    )
    return store.NewEvent(
        id=event_id,
        project_id=candidate.project_id,
        event_type_id=ready.type.id,
        customer_id=ready.customer.id,
        customer_seq=ready.customer.seq,
        occurred_at=occurred_at,
        received_at=reception.received_at,
        wire=candidate.submission.wire.name,
        status=outcome.status,
        reason=outcome.reason,
        metadata=event.metadata,
        extra=event.extra,
        points_awarded=awarded,
        points_total=awarded + sum(streak.points for streak in decision.streaks),
        key=event.key,
        body_hash=candidate.body_hash,
        outcome=outcome,
    )


def award_of(due: AwardDue) -> Award:
    """Return an award as it is answered."""
    return Award(rule=due.rule, points=due.points, desired=due.desired)


def progress_of(due: StreakDue, occurred_at: datetime) -> StreakProgress:
    """Return a streak as it is answered."""
    return StreakProgress(
        streak=due.streak,
        current=due.current,
        longest=due.longest,
        milestone_reached=due.milestone_reached,
        points_awarded=due.points,
        updated_at=occurred_at,
    )
