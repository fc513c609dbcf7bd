"""Bots are told by the end user's agent that an event names."""

import pytest

from events.agents import AGENT_CHARACTERS, is_bots
from events.types import JsonObject

pytestmark = pytest.mark.once

SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class TestIsBots:
    @pytest.mark.parametrize("agent", [GOOGLEBOT, "facebookexternalhit/1.1", "python-requests/2.3"])
    @pytest.mark.parametrize("key", ["user_agent", "userAgent", "useragent"])
    def test_knows_a_bot_by_each_name_of_its_agent(self, key: str, agent: str) -> None:
        assert is_bots({key: agent}, None)
        assert is_bots({}, {key: agent})

    @pytest.mark.parametrize(
        "metadata",
        [
            pytest.param({}, id="no agent"),
            pytest.param({"user_agent": SAFARI}, id="a browser"),
            pytest.param({"user_agent": ""}, id="an empty agent"),
            pytest.param({"user_agent": None}, id="null"),
            pytest.param({"user_agent": 7}, id="a number"),
            pytest.param({"user_agent": [GOOGLEBOT]}, id="a list"),
            pytest.param({"agent": GOOGLEBOT, "User_Agent": GOOGLEBOT}, id="another name"),
        ],
    )
    def test_takes_all_else_for_people(self, metadata: JsonObject) -> None:
        assert not is_bots(metadata, None)

    def test_believes_the_metadata_before_what_is_beside_it(self) -> None:
        assert not is_bots({"user_agent": SAFARI}, {"user_agent": GOOGLEBOT})
        assert is_bots({"userAgent": GOOGLEBOT}, {"user_agent": SAFARI})

    def test_looks_no_further_than_an_agent_is_long(self) -> None:
        long = "Mozilla/5.0 " + " " * AGENT_CHARACTERS

        assert not is_bots({"user_agent": long + GOOGLEBOT}, None)
