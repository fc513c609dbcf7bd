"""What the published description says of every wire is what a server answers."""

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from config.openapi.document import document
from events import heartbeat
from events.projects import NewProject
from tests import make
from tests.calling import Caller, buy
from tests.conformance import Conformance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

# `python -m tests.load.conformance` sends 5,000 to each.
CASES = 40


@pytest.fixture
def keys(transactional_db: None) -> NewProject:
    keys = make.keyed_project("shop")
    make.event_type(keys.project, "place_order", fields={"total": "number"})
    Caller(keys=keys).send_one(buy(event="place_order", metadata={"total": 12.5}))
    heartbeat.beat("a worker", now=timezone.now())
    return keys


class TestDescription:
    @pytest.mark.parametrize("tag", [tag["name"] for tag in document()["tags"]])
    def test_holds_for_any_request(
        self, tag: str, keys: NewProject, live_server: LiveServer
    ) -> None:
        proofs = {
            "api_key": keys.api_key,
            "secret_key": keys.secret_key,
            "jwt": keys.jwt,
        }

        found = Conformance(url=live_server.url, keys=proofs, tag=tag).run(CASES)

        assert found.faults == []
        assert found.sent
        assert found.statuses.get(200, 0) + found.statuses.get(202, 0)
