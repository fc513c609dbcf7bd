"""Moments in the forms of ISO 8601 that Releva's clients write."""

from datetime import UTC, datetime
from typing import Any

import pytest

from events.metadata import write_json
from events.types import Event, Refusal, Request
from events.wires import releva


def sent(timestamp: str) -> Request | Refusal:
    event: dict[str, Any] = {"action": "visit", "profileId": "c-1", "timestamp": timestamp}
    return releva.wire.parse({}, "/api/v0/events", write_json({"events": [event]}))


class TestATimestamp:
    @pytest.mark.parametrize(
        ("written", "hour"),
        [
            ("2026-11-20", 0),
            ("2026-11-20T10:00Z", 10),
            ("2026-11-20T10:00", 10),
            ("2026-11-20t10:00+0200", 8),
            ("2026-11-20 10:00:00,000000000+02", 8),
            ("2026-11-20T10:00:00-0230", 12.5),
        ],
    )
    def test_may_leave_out_what_it_does_not_know(self, written: str, hour: float) -> None:
        request = sent(written)

        assert isinstance(request, Request), request
        [event] = request.entries
        assert isinstance(event, Event)
        minutes = int(hour % 1 * 60)
        assert event.occurred_at == datetime(2026, 11, 20, int(hour), minutes, tzinfo=UTC)

    @pytest.mark.parametrize(
        "written",
        [
            "",
            "20261120",
            "2026-11-31",
            "2026-11-20T",
            "2026-11-20Z",
            "2026-11-20T10",
            "2026-11-20T25:00Z",
            "2026-11-20T10:00,5Z",
            "2026-11-20T10:00:00+2",
            "2026-11-20T10:00:00+02:60",
            "2026-11-20T10:00:00Z ",
            "٢٠٢٦-11-20",
        ],
    )
    def test_is_refused_with_how_to_write_it(self, written: str) -> None:
        refusal = sent(written)

        assert isinstance(refusal, Refusal)
        assert refusal.field == "events[0].timestamp"
        assert "as in 2026-03-02T09:00:00Z" in refusal.message
