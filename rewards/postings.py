"""What a decision moves in the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from rewards import ledger
from rewards.decide import AwardDue, Decision, StreakDue
from rewards.models import Account, Transfer
from rewards.ruleset import ProjectRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Earner:
    """The event for which points move, whose it is, and the accounts that issue them."""

    project_id: int
    customer_id: int
    event_id: UUID
    rules: ProjectRules


def postings(decision: Decision, earner: Earner) -> Iterator[ledger.Posting]:
    """Yield the points that the decision pays."""
    for award in decision.awards:
        if award.points > 0:
            yield _award_posting(award, earner)
    for streak in decision.streaks:
        yield from _streak_postings(streak, earner)


def shadow_postings(decision: Decision, earner: Earner) -> Iterator[ledger.ShadowPosting]:
    """Yield what the rules in shadow would have paid."""
    for shadow in decision.shadow:
        yield ledger.ShadowPosting(
            project_id=earner.project_id,
            customer_id=earner.customer_id,
            event_id=earner.event_id,
            version_id=shadow.version_id,
            points=shadow.points,
            trace=shadow.trace,
        )


def _award_posting(award: AwardDue, earner: Earner) -> ledger.Posting:
    return ledger.Posting(
        project_id=earner.project_id,
        customer_id=earner.customer_id,
        issued_account_id=earner.rules.rule_accounts[award.rule_id],
        points=award.points,
        kind=Transfer.Kind.AWARD,
        source_key=ledger.source_key(earner.event_id, Account.Owner.RULE, award.rule_id, "award"),
        event_id=earner.event_id,
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


def _streak_postings(streak: StreakDue, earner: Earner) -> Iterator[ledger.Posting]:
    for milestone in streak.milestones:
        if milestone.points > 0:
            outcome = f"milestone:{milestone.at}"
            yield ledger.Posting(
                project_id=earner.project_id,
                customer_id=earner.customer_id,
                issued_account_id=earner.rules.streak_accounts[streak.streak_id],
                points=milestone.points,
                kind=Transfer.Kind.STREAK,
                source_key=ledger.source_key(
                    earner.event_id, Account.Owner.STREAK, streak.streak_id, outcome
                ),
                event_id=earner.event_id,
                version_id=streak.version_id,
                trace={
                    "streak": streak.streak,
                    "milestone": milestone.at,
                    "current": streak.current,
                },
            )
