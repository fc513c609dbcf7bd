"""What is answered where no view did: faults of ours, unknown paths, hostile requests."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from events.models import Event
from events.projects import NewProject
from tests import faults, make
from tests.calling import EVENTS, Answer, Caller, buy

pytestmark = pytest.mark.django_db

PROBLEM = "application/problem+json"


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    make.event_type(shop_keys.project, "buy")
    return Caller(keys=shop_keys, takes_faults=True)


class TestAFaultOfOurs:
    def test_is_told_in_the_native_envelope(self, caller: Caller) -> None:
        faults.raise_on("INSERT", "events_event")

        answer = caller.post(EVENTS, buy())

        assert (answer.status, answer.headers["Content-Type"]) == (500, PROBLEM)
        assert answer.body == {
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "The server made a mistake. Nothing was half-written; "
            "send the request again.",
            "code": "internal_error",
        }
        assert not Event.objects.exists()

    @pytest.mark.parametrize("path", ["/event", "/Lynes/V2/event/", "/lynes//event"])
    def test_is_told_in_the_envelope_of_lynes(self, caller: Caller, path: str) -> None:
        faults.raise_on("INSERT", "events_event")

        answer = caller.post(path, {"eventId": "buy", "userId": "u-1"})

        assert (answer.status, answer.headers["Content-Type"]) == (500, "application/json")
        assert answer.body["success"] is False
        assert answer.body["error"]["code"] == "internal_error"

    def test_says_nothing_of_its_cause(self, caller: Caller) -> None:
        faults.raise_on("INSERT", "events_event")

        assert "forced" not in str(caller.post(EVENTS, buy()).body)


class TestAnUnknownPath:
    @pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/api/v2/events"])
    def test_of_the_api_is_a_problem(self, caller: Caller, path: str) -> None:
        answer = caller.get(path)

        assert (answer.status, answer.headers["Content-Type"]) == (404, PROBLEM)
        assert answer.body["code"] == "not_found"

    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/nothing",
            "/user/u-1/rank",
            "/integrations/nothing",
            "/gameball/api/v4/integrations/nothing",
            "/vibetrace/nothing",
            "/releva/api/v0/nothing",
        ],
    )
    def test_with_several_slashes_is_told_as_with_one(self, caller: Caller, path: str) -> None:
        def told(answer: Answer) -> tuple[object, ...]:
            # One vendor's answers have an id each.
            body = {name: value for name, value in answer.body.items() if name != "requestId"}
            return answer.status, answer.headers["Content-Type"], body

        once = told(caller.get(path))
        assert once[0] == 404
        # The test client would take what stands after two slashes for a host.
        for doubled in (f"/{path}", path.replace("/", "//"), f"{path}//"):
            assert told(caller.get(f"http://testserver{doubled}")) == once
            assert told(caller.post(f"http://testserver{doubled}", {})) == once

    def test_elsewhere_is_a_page(self, caller: Caller) -> None:
        response = Client().get("/nothing")

        assert response.status_code == 404
        assert response.headers["Content-Type"].startswith("text/html")

    def test_leaves_every_known_one_reversible(self) -> None:
        assert reverse("admin:index") == "/admin/"


class TestARequestThatCanNotBeRead:
    def test_is_a_problem(self, caller: Caller) -> None:
        too_many = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1

        answer = caller.get(f"{EVENTS}?{'&'.join(['a=1'] * too_many)}")

        assert (answer.status, answer.headers["Content-Type"]) == (400, PROBLEM)
        assert answer.body["code"] == "invalid_field"
