"""What Gameball's previews are answered."""

import json
from typing import Any

import pytest

from events.types import Award, Outcome, Refusal, RefusalCode, Request, StreakProgress
from events.wires import gameball
from tests import make

pytestmark = pytest.mark.once


class TestPreviews:
    REQUEST = gameball.preview_wire.parse(
        {}, "", b'{"customerId": "c", "events": {"buy": {}, "never": {}}}'
    )

    def answer(self, *outcomes: Outcome) -> Any:
        assert isinstance(self.REQUEST, Request)
        reply = gameball.preview_wire.render(self.REQUEST, outcomes)
        return reply.status, json.loads(reply.body)

    def test_tell_each_campaign_that_is_still_to_be_won(self) -> None:
        awards = (
            Award(rule="given", points=10, desired=12),
            Award(rule="used up", points=0, desired=5),
            Award(rule="not met", points=0, desired=0),
        )
        streaks = (
            StreakProgress(
                streak="daily",
                current=2,
                longest=4,
                milestone_reached=False,
                points_awarded=0,
                updated_at=make.NOW,
            ),
        )
        unknown = Refusal(code=RefusalCode.UNKNOWN_EVENT_TYPE, message="Not known.")
        status, body = self.answer(
            Outcome(status="accepted", points_awarded=10, awards=awards, streaks=streaks),
            Outcome(status="rejected", error=unknown),
        )
        bought, never = body["events"]
        assert status == 200
        assert (body["customerId"], body["totalPoints"], body["totalCoupons"]) == ("c", 10, 0)
        assert [
            (each["campaignName"], each["reason"], each["points"]) for each in bought["campaigns"]
        ] == [("given", "Rewarded", 10), ("not met", "NoMatchingConditions", 0),
              ("daily", "ProgressOnly", 0)]  # fmt: skip
        assert never == {
            "eventName": "never",
            "valid": False,
            "invalidReason": "EventNotFound",
            "totalPoints": 0,
            "campaigns": [],
        }

    @pytest.mark.parametrize(
        ("code", "status"), [("customer_not_found", 404), ("inactive_customer", 422)]
    )
    def test_are_refused_for_who_can_earn_nothing(self, code: str, status: int) -> None:
        refusal = Refusal(code=RefusalCode(code), message="This is why.")
        refused = Outcome(status="rejected", error=refusal)
        assert self.answer(refused, refused)[0] == status
