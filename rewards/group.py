"""One commit group: its events decided one after another, each seeing the ones before it."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from events import catalogue, customers, store
from events.catalogue import Catalogue, CataloguedType, Wanted
from events.customers import LockedCustomer
from events.ids import new_id
from events.metadata import as_declared, canonical, write_json
from events.types import (
    Award,
    Event,
    Json,
    JsonObject,
    Outcome,
    Reception,
    Refusal,
    RefusalCode,
    Request,
    StreakProgress,
    Wire,
)
from rewards import facts, ledger, ruleset
from rewards.decide import AwardDue, Decision, Occurrence, StreakDue, decide
from rewards.facts import GroupFacts
from rewards.models import Account, Transfer
from rewards.ruleset import ProjectRules

TOO_LATE = "too_late"

_NOTHING = Decision(awards=(), streaks=())
_CONFLICT = Refusal(
    code=RefusalCode.IDEMPOTENCY_CONFLICT,
    message="The id was used before for another event.",
    field="id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One request with all that is known of it.

    `body_hashes` has one for each entry, b"" where the entry has no key. They are made by who
    asks, for who commits keeps others waiting.
    """

    wire: Wire
    request: Request
    reception: Reception
    project_id: int
    body_hashes: tuple[bytes, ...]

    @classmethod
    def of(cls, wire: Wire, request: Request, reception: Reception) -> "Submission":
        return cls(
            wire=wire,
            request=request,
            reception=reception,
            project_id=reception.access.project_id,
            body_hashes=tuple(
                _body_hash(entry) if isinstance(entry, Event) and entry.key else b""
                for entry in request.entries
            ),
        )

    def part(self, start: int, end: int) -> "Submission":
        """Return a submission of some of the entries."""
        request = replace(
            self.request,
            entries=self.request.entries[start:end],
            lines=self.request.lines[start:end],
        )
        return replace(self, request=request, body_hashes=self.body_hashes[start:end])


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An event that may come in, and the place of its answer."""

    submission: Submission
    event: Event
    number: int  # of the submission in the group
    index: int  # of the entry in the submission
    project_id: int
    occurred_at: datetime
    key: tuple[int, str]

    @property
    def body_hash(self) -> bytes:
        return self.submission.body_hashes[self.index]


@dataclass(slots=True)
class Group:
    """What one transaction answers and writes. `answers[number][index]` is an entry's outcome."""

    answers: list[list[Outcome | None]]
    refused: list[store.RefusedEntry] = field(default_factory=list)
    events: list[store.NewEvent] = field(default_factory=list)
    postings: list[ledger.Posting] = field(default_factory=list)
    shadows: list[ledger.ShadowPosting] = field(default_factory=list)

    def answer(self, candidate: Candidate, outcome: Outcome) -> None:
        self.answers[candidate.number][candidate.index] = outcome

    def answer_again(self, candidate: Candidate, used: store.UsedKey) -> None:
        """Give the first answer again, marked duplicate, or refuse the key's other event."""
        if used.body_hash != candidate.body_hash:
            self.refuse(candidate, _CONFLICT)
            return
        original = msgspec.json.decode(used.answer, type=Outcome)
        self.answer(candidate, replace(original, status="duplicate"))

    def refuse(self, candidate: Candidate, refusal: Refusal) -> None:
        """Answer a refused event and keep it."""
        self.answer(candidate, Outcome(status="rejected", error=refusal))
        self.keep(candidate.submission, refusal, candidate.event.source, index=candidate.index)

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
                line=lines[index] if lines else None,
            )
        )

    def write(self, now: datetime, known: GroupFacts | None) -> None:
        """Write all of it in the caller's transaction."""
        store.record(self.events, now)
        ledger.post(self.postings, now)
        ledger.post_shadow(self.shadows, now)
        if known:
            known.save()
        if self.refused:
            store.quarantine(self.refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A candidate with all that deciding needs."""

    candidate: Candidate
    type: CataloguedType
    customer: LockedCustomer
    rules: ProjectRules
    occurrence: Occurrence
    earns: bool


def decide_all(
    candidates: Sequence[Candidate], catalogues: dict[int, Catalogue], group: Group, now: datetime
) -> GroupFacts:
    """Decide the candidates in order; fill the group's answers and rows. Locks what it reads.

    Raises LostRaceError where another transaction made the same customer first.
    """
    ready = _ready(candidates, catalogues, now)
    # Read again now that the customers are locked: who sent the same key held the same lock.
    used = store.used_keys(each.key for each in candidates if each.event.key)
    new = [each for each in ready if each.candidate.key not in used]
    known = facts.load(
        (
            (each.candidate.project_id, each.occurrence, each.rules.ruleset)
            for each in new
            if each.earns
        ),
        customer_ids={each.customer.id for each in new},
    )
    for each in ready:
        _decide_one(each, used, known, group)
    return known


def _ready(
    candidates: Sequence[Candidate], catalogues: dict[int, Catalogue], now: datetime
) -> list[_Ready]:
    known = _grown(candidates, catalogues)
    rules = {project_id: ruleset.current(each) for project_id, each in known.items()}
    # In their order, each once: that of a set would give out names at random.
    wanted = dict.fromkeys((each.project_id, each.event.customer) for each in candidates)
    found = customers.locked(wanted.keys(), now)
    return [
        _with_occurrence(
            candidate,
            known[candidate.project_id],
            found[candidate.project_id, candidate.event.customer],
            rules=rules[candidate.project_id],
        )
        for candidate in candidates
    ]


def _grown(
    candidates: Iterable[Candidate], catalogues: dict[int, Catalogue]
) -> dict[int, Catalogue]:
    wanted: dict[int, Wanted] = {}
    for candidate in candidates:
        project = wanted.setdefault(candidate.project_id, Wanted())
        project.add(candidate.event.name, candidate.event.metadata)
    # In one order, for each may lock its project's row.
    return {
        project_id: catalogue.grown(catalogues[project_id], wanted[project_id])
        for project_id in sorted(wanted)
    }


def _with_occurrence(
    candidate: Candidate, known: Catalogue, customer: LockedCustomer, *, rules: ProjectRules
) -> _Ready:
    event, reception = candidate.event, candidate.submission.reception
    of_type = known.types[event.name]
    window = timedelta(days=known.reward_window_days)
    return _Ready(
        candidate=candidate,
        type=of_type,
        customer=customer,
        rules=rules,
        occurrence=Occurrence(
            event=event.name,
            metadata=_declared(event.metadata, of_type),
            attributes=customer.attributes,
            occurred_at=candidate.occurred_at,
            zone=known.zone,
            customer_id=customer.id,
        ),
        earns=reception.earns_late or candidate.occurred_at >= reception.received_at - window,
    )


def _declared(metadata: JsonObject, of_type: CataloguedType) -> JsonObject:
    if not of_type.has_numbers:  # only a declared number is read as something else
        return metadata
    return {
        key: as_declared(value, of_type.fields.get(key, "auto")) for key, value in metadata.items()
    }


def _decide_one(
    ready: _Ready,
    used: dict[tuple[int, str], store.UsedKey],
    known: GroupFacts,
    group: Group,
) -> None:
    candidate = ready.candidate
    if candidate.event.key and candidate.key in used:
        group.answer_again(candidate, used[candidate.key])
        return
    decision = _NOTHING
    if ready.earns:
        view = known.of(candidate.project_id, ready.customer.id)
        decision = decide(ready.occurrence, view, ready.rules.ruleset)
        known.apply(decision, project_id=candidate.project_id, occurrence=ready.occurrence)
    event = _new_event(ready, decision, known.balance(ready.customer.id))
    group.answer(candidate, event.outcome)
    group.events.append(event)
    _post(ready, decision, event.id, group)
    if candidate.event.key:
        used[candidate.key] = store.UsedKey(
            body_hash=event.body_hash, answer=write_json(event.outcome)
        )


def _new_event(ready: _Ready, decision: Decision, balance: int) -> store.NewEvent:
    candidate, event = ready.candidate, ready.candidate.event
    reception = candidate.submission.reception
    ready.customer.seq += 1
    event_id = new_id(reception.received_at)
    awarded = sum(award.points for award in decision.awards)
    outcome = Outcome(
        status="accepted",
        event_id=str(event_id),
        occurred_at=candidate.occurred_at,
        points_awarded=awarded,
        awards=tuple(_award(award) for award in decision.awards),
        streaks=tuple(_progress(streak, candidate.occurred_at) for streak in decision.streaks),
        balance=balance,
        reason="" if ready.earns else TOO_LATE,
    )
    return store.NewEvent(
        id=event_id,
        project_id=candidate.project_id,
        event_type_id=ready.type.id,
        customer_id=ready.customer.id,
        customer_seq=ready.customer.seq,
        occurred_at=candidate.occurred_at,
        received_at=reception.received_at,
        wire=candidate.submission.wire.name,
        status="accepted",
        reason=outcome.reason,
        metadata=event.metadata,
        extra=event.extra,
        points_awarded=awarded,
        points_total=awarded + sum(streak.points for streak in decision.streaks),
        key=event.key,
        body_hash=candidate.body_hash,
        outcome=outcome,
    )


def _award(due: AwardDue) -> Award:
    return Award(rule=due.rule, points=due.points, desired=due.desired)


def _progress(due: StreakDue, occurred_at: datetime) -> StreakProgress:
    return StreakProgress(
        streak=due.streak,
        current=due.current,
        longest=due.longest,
        milestone_reached=due.milestone_reached,
        points_awarded=due.points,
        updated_at=occurred_at,
    )


def _post(ready: _Ready, decision: Decision, event_id: UUID, group: Group) -> None:
    for award in decision.awards:
        if award.points > 0:
            group.postings.append(_award_posting(ready, award, event_id))
    for streak in decision.streaks:
        group.postings += _streak_postings(ready, streak, event_id)
    group.shadows += [
        ledger.ShadowPosting(
            project_id=ready.candidate.project_id,
            customer_id=ready.customer.id,
            event_id=event_id,
            version_id=shadow.version_id,
            points=shadow.points,
            trace=shadow.trace,
        )
        for shadow in decision.shadow
    ]


def _award_posting(ready: _Ready, award: AwardDue, event_id: UUID) -> ledger.Posting:
    return ledger.Posting(
        project_id=ready.candidate.project_id,
        customer_id=ready.customer.id,
        issued_account_id=ready.rules.rule_accounts[award.rule_id],
        points=award.points,
        kind=Transfer.Kind.AWARD,
        source_key=ledger.source_key(event_id, Account.Owner.RULE, award.rule_id, "award"),
        event_id=event_id,
        version_id=award.version_id,
        # What each counter grew by, so that the counters can be recounted from the ledger.
        trace={
            **award.trace,
            "uses": [
                {
                    "rule_id": key.rule_id,
                    "customer_id": key.customer_id,
                    "of": key.of,
                    "window": key.window,
                    "starts": key.starts.isoformat(),
                    "use": use,
                }
                for key, use in award.uses
            ],
        },
    )


def _streak_postings(ready: _Ready, streak: StreakDue, event_id: UUID) -> list[ledger.Posting]:
    return [
        ledger.Posting(
            project_id=ready.candidate.project_id,
            customer_id=ready.customer.id,
            issued_account_id=ready.rules.streak_accounts[streak.streak_id],
            points=milestone.points,
            kind=Transfer.Kind.STREAK,
            source_key=ledger.source_key(
                event_id, Account.Owner.STREAK, streak.streak_id, f"milestone:{milestone.at}"
            ),
            event_id=event_id,
            version_id=streak.version_id,
            trace={"streak": streak.streak, "milestone": milestone.at, "current": streak.current},
        )
        for milestone in streak.milestones
        if milestone.points > 0
    ]


def _body_hash(event: Event) -> bytes:
    customer = event.customer
    body = [
        event.name,
        [customer.external_id, customer.email, customer.phone],
        None if event.occurred_at is None else event.occurred_at.isoformat(),
        canonical(event.metadata),
    ]
    return hashlib.sha256(write_json(body)).digest()
