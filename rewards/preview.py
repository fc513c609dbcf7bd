"""What events would earn now, decided without a lock and without writing anything."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from events import admission, catalogue, discards
from events.catalogue import Catalogue, CataloguedType
from events.discards import Contender
from events.ids import new_id
from events.linking import Sought
from events.models import Customer, Identity
from events.snapshot import snapshot
from events.types import (
    Award,
    DiscardReason,
    Event,
    Outcome,
    Reception,
    Refusal,
    RefusalCode,
    Request,
    Wire,
)
from rewards import facts, ruleset
from rewards.decide import Decision, Occurrence, decide
from rewards.facts import GroupFacts
from rewards.group import award_of, declared, progress_of
from rewards.ruleset import ProjectRules
from rewards.submissions import protected

_NOT_KNOWN = Refusal(code=RefusalCode.CUSTOMER_NOT_FOUND, message="The customer is not known.")
_INACTIVE = Refusal(
    code=RefusalCode.INACTIVE_CUSTOMER, message="The customer is inactive and earns nothing."
)
_NO_TYPE = Refusal(
    code=RefusalCode.UNKNOWN_EVENT_TYPE, message="The event type is not in the catalogue."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Admitted:
    """An event that may come in; `contender` is None where nothing may discard it."""

    occurrence: Occurrence
    contender: Contender | None


def preview(wire: Wire, request: Request, reception: Reception) -> Sequence[Outcome]:
    """Return one outcome for each event of one customer, as if they came in now, in this order.

    A rule on an event that gives nothing stands among its awards with 0 points. What comes in
    between a preview and the event may change what that earns: ruling it out would take the locks
    for which events wait.
    """
    project_id = reception.access.project_id
    events = [entry for entry in request.entries if isinstance(entry, Event)]
    with snapshot():
        known = catalogue.current([project_id])[project_id]
        customer = _customer(known, events[0])
        if customer is None or not customer.active:
            refusal = _NOT_KNOWN if customer is None else _INACTIVE
            return [Outcome(status="rejected", error=refusal) for _ in events]
        judged = [
            _judged(protected(event, known), known, customer, wire=wire, reception=reception)
            for event in events
        ]
        return list(_outcomes(judged, ruleset.current(known), customer))


def _customer(known: Catalogue, event: Event) -> Customer | None:
    """Return whose the event would be: the oldest of those that it tells."""
    merging = frozenset({known.merge_by} if known.merge_by else ())
    sought = Sought.of(known.project_id, event.customer, merging)
    found = Identity.objects.none()
    for project_id, kind, value in sought.telling_names():
        found |= Identity.objects.filter(project_id=project_id, kind=kind, value=value)
    oldest = found.select_related("customer").order_by("customer_id").first()
    return oldest.customer if oldest else None


def _judged(
    event: Event, known: Catalogue, customer: Customer, *, wire: Wire, reception: Reception
) -> _Admitted | Refusal:
    refusal = admission.refusal_of(
        event, catalogue=known, to_make=(), wire=wire, reception=reception
    )
    of_type = known.types.get(event.name)
    if refusal or of_type is None:
        return refusal or _NO_TYPE
    occurrence = Occurrence(
        event=event.name,
        metadata=declared(event.metadata, of_type),
        attributes=customer.attributes,
        occurred_at=reception.received_at,
        zone=known.zone,
        customer_id=customer.pk,
    )
    return _Admitted(occurrence=occurrence, contender=_contender(event, of_type, occurrence))


def _contender(event: Event, of_type: CataloguedType, occurrence: Occurrence) -> Contender | None:
    if not (of_type.unique_by or of_type.throttle_minutes):
        return None
    return Contender.of(
        new_id(occurrence.occurred_at),
        of_type,
        event.metadata,
        customer_id=occurrence.customer_id,
        occurred_at=occurrence.occurred_at,
        is_bot=False,
    )


def _outcomes(
    judged: Sequence[_Admitted | Refusal], rules: ProjectRules, customer: Customer
) -> Iterator[Outcome]:
    admitted = [each for each in judged if isinstance(each, _Admitted)]
    project_id = customer.project_id
    earned = facts.load(
        [(project_id, each.occurrence, rules.ruleset) for each in admitted],
        customer_ids={customer.pk},
        locks=False,
    )
    discarded = discards.peek([each.contender for each in admitted if each.contender])
    for each in judged:
        if isinstance(each, Refusal):
            yield Outcome(status="rejected", error=each)
            continue
        reason = discarded.take(each.contender) if each.contender else None
        yield _outcome(each.occurrence, rules, earned, project_id=project_id, reason=reason)


def _outcome(
    occurrence: Occurrence,
    rules: ProjectRules,
    earned: GroupFacts,
    *,
    project_id: int,
    reason: DiscardReason | None,
) -> Outcome:
    customer_id, occurred_at = occurrence.customer_id, occurrence.occurred_at
    if reason:
        return Outcome(status="discarded", reason=reason, customer_id=customer_id)
    decision = decide(occurrence, earned.of(project_id, customer_id), rules.ruleset)
    # The event after it sees what this one would have used.
    earned.apply(decision, project_id=project_id, occurrence=occurrence)
    return Outcome(
        status="accepted",
        occurred_at=occurred_at,
        points_awarded=sum(due.points for due in decision.awards),
        awards=(*map(award_of, decision.awards), *_without_points(decision, occurrence, rules)),
        streaks=tuple(progress_of(due, occurred_at) for due in decision.streaks),
        balance=earned.balance(customer_id),
        customer_id=customer_id,
    )


def _without_points(
    decision: Decision, occurrence: Occurrence, rules: ProjectRules
) -> Iterator[Award]:
    """Yield the rules on the event whose conditions it does not meet."""
    giving = {due.rule_id for due in decision.awards}
    for rule in rules.ruleset.rules_on(occurrence):
        if not rule.is_shadow and rule.rule_id not in giving:
            yield Award(rule=rule.name, points=0, desired=0)
