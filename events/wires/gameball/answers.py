"""What Gameball's clients are answered, from plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from events.types import (
    Award,
    Event,
    JsonObject,
    Outcome,
    RefusalCode,
    Reply,
    Request,
    StreakProgress,
)
from events.wires.gameball.errors import render_error
from events.wires.replies import json_reply, message_naming_field

# A job's number is drawn, so that it tells nobody how many others there are; 53 bits are what
# JavaScript reads exactly.
JOB_BITS = 53

# What may be shown for the API key alone, which stands in apps: nothing of it tells who it is.
_SHOWN_ATTRIBUTES = ("joinDate", "preferredLanguage", "channel")
_MAIN_COLOUR = "#0f766e"
_ABOUT_CUSTOMER = frozenset({RefusalCode.CUSTOMER_NOT_FOUND, RefusalCode.INACTIVE_CUSTOMER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How far a batch is. `errors` are (place of the element, what was wrong), the first ones."""

    number: int
    elements: int
    processed: int
    failed: int
    is_finished: bool
    errors: Sequence[tuple[int, str]] = ()

    @property
    def status(self) -> str:
        """The vendor's word; one whose elements were all refused has failed."""
        if not self.is_finished:
            return "processing" if self.processed else "pending"
        return "failed" if self.failed == self.elements else "completed"


def render_events(_request: Request, _outcomes: Sequence[Outcome]) -> Reply:
    """Return that it was taken: the format has no room for what was earned."""
    return json_reply(200, {"success": True, "message": "Events processed"})


def render_customer(_request: Request, outcomes: Sequence[Outcome]) -> Reply:
    """Return the number under which the customer is known."""
    return json_reply(200, {"gameballId": outcomes[0].customer_id})


def render_job_number(request: Request, _outcomes: Sequence[Outcome]) -> Reply:
    """Return the number under which the status of a kept batch can be asked."""
    return json_reply(200, {"jobId": job_number(request.receipt)})


def job_number(receipt: str) -> int:
    """Return the number of the job that a request's receipt stands for."""
    return int(receipt.replace("-", ""), 16) & ((1 << JOB_BITS) - 1)


def render_job(job: Job) -> Reply:
    """Return how far a batch is; the progress is in percent."""
    answer = {
        "batchId": str(job.number),
        "status": job.status,
        "progress": 100 * job.processed // job.elements,
        "totalItems": job.elements,
        "processedItems": job.processed,
        "failedItems": job.failed,
        "results": [],
        "errors": [{"index": place, "message": message} for place, message in job.errors],
    }
    return json_reply(200, answer)


def render_profile(number: int, customer_id: str, attributes: JsonObject) -> Reply:
    """Return what may be shown of a customer for the API key alone."""
    shown = {name: attributes[name] for name in _SHOWN_ATTRIBUTES if name in attributes}
    answer = {"gameballId": number, "customerId": customer_id, "customerAttributes": shown}
    return json_reply(200, {**answer, "referralCode": None, "isReferred": False})


def render_balance(balance: int, *, earned: int) -> Reply:
    """Return the points of a customer. No point of ours waits, runs out or has a price."""
    answer = {
        "totalPointsBalance": balance,
        "totalPointsValue": None,
        "availablePointsBalance": balance,
        "availablePointsValue": None,
        "pendingPoints": 0,
        "pendingPointsValue": None,
        "currency": None,
        "pointsName": "Points",
        "nextExpiringPointsAmount": 0,
        "nextExpiringPointsValue": None,
        "nextExpiringPointsDate": None,
        "totalEarnedPoints": earned,
    }
    return json_reply(200, answer)


def render_bot_settings() -> Reply:
    """Return what the React Native client asks for as it starts: the colour of its widget."""
    settings = {"botMainColor": _MAIN_COLOUR}
    return json_reply(200, {"success": True, "errorMsg": "", "errorCode": 0, "response": settings})


def render_preview(request: Request, outcomes: Sequence[Outcome]) -> Reply:
    """Return what the events of one customer would earn, or that the customer can't earn."""
    refused = [outcome.error for outcome in outcomes if outcome.error]
    if found := next((error for error in refused if error.code in _ABOUT_CUSTOMER), None):
        return render_error(found)
    events = [event for event in request.entries if isinstance(event, Event)]
    previewed = [_preview(*each) for each in zip(events, outcomes, strict=True)]
    answer = {
        "customerId": events[0].customer.external_id,
        "totalPoints": sum(map(_points, outcomes)),
        "totalCoupons": 0,
        "events": previewed,
    }
    return json_reply(200, answer)


def _points(outcome: Outcome) -> int:
    return outcome.points_awarded + sum(streak.points_awarded for streak in outcome.streaks)


def _preview(event: Event, outcome: Outcome) -> Mapping[str, object]:
    campaigns = [_campaign_of_rule(award) for award in outcome.awards if not _is_used_up(award)]
    campaigns += [_campaign_of_streak(streak) for streak in outcome.streaks]
    return {
        "eventName": event.name,
        "valid": outcome.error is None,
        "invalidReason": _invalid_reason(outcome),
        "totalPoints": _points(outcome),
        "campaigns": campaigns,
    }


def _is_used_up(award: Award) -> bool:
    # A campaign that the customer can no longer win is left out, as the vendor does.
    return award.points == 0 and award.desired > 0


def _invalid_reason(outcome: Outcome) -> str | None:
    if outcome.error is None:
        return None
    if outcome.error.code in (RefusalCode.UNKNOWN_EVENT_TYPE, RefusalCode.INACTIVE_EVENT_TYPE):
        return "EventNotFound"
    return f"InvalidMetadata: {message_naming_field(outcome.error)}"


def _campaign_of_rule(award: Award) -> Mapping[str, object]:
    reason = "Rewarded" if award.points else "NoMatchingConditions"
    return _campaign(award.rule, award.points, reason=reason)


def _campaign_of_streak(streak: StreakProgress) -> Mapping[str, object]:
    return _campaign(
        streak.streak,
        streak.points_awarded,
        reason="Rewarded" if streak.points_awarded else "ProgressOnly",
        progress={"current": streak.current, "longest": streak.longest},
    )


def _campaign(
    name: str, points: int, *, reason: str, progress: Mapping[str, int] | None = None
) -> Mapping[str, object]:
    return {
        "campaignId": None,  # ours are known by their names
        "campaignName": name,
        "campaignEndDate": None,
        "eligible": True,
        "reason": reason,
        "rewardType": "Points",
        "rewardPoints": points or None,
        "couponType": None,
        "couponValue": None,
        "points": points,
        "timesAchieved": int(points > 0),
        "progress": progress,
    }
