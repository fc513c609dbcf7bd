"""Rate limits as people write them."""

import pytest

from events.rate_limits import GAMEBALL_PRESET, RateLimitError, in_words, read_rate_limits
from events.types import RateLimit


class TestText:
    @pytest.mark.parametrize(
        ("text", "limits"),
        [
            pytest.param("", [], id="nothing is no limit"),
            pytest.param("  ", [], id="neither are blanks"),
            pytest.param("100/s", [(100, 1)], id="per second"),
            pytest.param("1200/30s", [(1200, 30)], id="per some seconds"),
            pytest.param("100/s, 1200/30s", [(100, 1), (1200, 30)], id="two at a time"),
            pytest.param("100/s,1200/30s", [(100, 1), (1200, 30)], id="two without a blank"),
            pytest.param("5000/min", [(5000, 60)], id="per minute"),
            pytest.param("1/2 H", [(1, 7200)], id="per hours in capitals"),
            pytest.param("1000000000/24h", [(1_000_000_000, 86_400)], id="as much as there is"),
        ],
    )
    def test_names_limits(self, text: str, limits: list[tuple[int, int]]) -> None:
        assert [(each.events, each.seconds) for each in read_rate_limits(text)] == limits

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("100", "“100” is no rate limit"),
            ("100/", "“100/” is no rate limit"),
            ("100/day", "“100/day” is no rate limit"),
            ("-1/s", "“-1/s” is no rate limit"),
            ("1.5/s", "“1.5/s” is no rate limit"),
            ("1,200/30s", "“1” is no rate limit"),
            ("100/s,", "“” is no rate limit"),
            ("١٠٠/s", "is no rate limit"),
            ("0/s", "must allow 1 to 1,000,000,000 events"),
            ("9999999999/s", "must allow 1 to 1,000,000,000 events"),
            ("1" * 5_000 + "/s", "is no rate limit"),
            ("100/0s", "must be 1 to 86,400 seconds"),
            ("100/25h", "must be 1 to 86,400 seconds"),
            ("1/s, 2/2s, 3/3s, 4/4s, 5/5s", "At most 4 limits"),
            ("100/min, 50/60s", "Two of the limits are of the same window"),
        ],
    )
    def test_is_refused_with_the_reason(self, text: str, why: str) -> None:
        with pytest.raises(RateLimitError, match=why):
            read_rate_limits(text)

    def test_of_the_preset_is_one(self) -> None:
        assert len(read_rate_limits(GAMEBALL_PRESET)) == 2


class TestWords:
    @pytest.mark.parametrize(
        ("events", "seconds", "words"),
        [
            (1, 1, "1 event per second"),
            (100, 1, "100 events per second"),
            (1_200, 30, "1,200 events per 30 seconds"),
            (5, 60, "5 events per minute"),
            (5, 90, "5 events per 90 seconds"),
            (5, 7_200, "5 events per 2 hours"),
        ],
    )
    def test_say_the_limit(self, events: int, seconds: int, words: str) -> None:
        assert in_words(RateLimit(events=events, seconds=seconds)) == words
