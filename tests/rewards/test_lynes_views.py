"""What Lynes' clients read of a user, and how they make one."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.contrib.auth.models import User

from events.models import Customer, Event, Project
from events.projects import NewProject
from rewards import merging
from tests import make
from tests.calling import Answer, Caller, buy
from tests.rewards.definitions import definition

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller(shop_keys: NewProject, clock: time_machine.Traveller) -> Caller:
    """A shop in which a buy is worth 10 points, and each second day in a row 5."""
    shop = shop_keys.project
    make.rule(shop, "ten", definition())
    milestones: Any = [{"at": 2, "points": 5}]
    make.streak(shop, "daily", {"event": "buy", "period": "day", "milestones": milestones})
    caller = Caller(keys=shop_keys)
    caller.send(buy("u-1", id="first", occurred_at="2026-03-01T12:00:00Z"))
    clock.shift(60)
    caller.send(buy("u-1", id="second"))
    return caller


def token(keys: NewProject, subject: str, **claims: Any) -> str:
    told = {
        "sub": subject,
        "iss": "the shop",
        "aud": keys.project.slug,
        "exp": make.NOW + timedelta(hours=1),
    }
    return jwt.encode(told | claims, keys.jwt_secret, algorithm="HS256")


def get(caller: Caller, path: str, bearer: str = "") -> Answer:
    if bearer:
        return caller.get(path, x_api_key="", authorization=f"Bearer {bearer}")
    return caller.get(path)


class TestATokenBesideAKey:
    @pytest.mark.parametrize("path", ["/event", "/v1/event", "/user"])
    def test_must_hold_and_be_of_the_same_project(
        self, caller: Caller, shop_keys: NewProject, other_keys: NewProject, path: str
    ) -> None:
        expired = token(shop_keys, "u-1", exp=make.NOW - timedelta(hours=1))
        told = {"eventId": "buy", "userId": "u-1"}
        for wrong in (expired, other_keys.jwt, token(other_keys, "u-1"), "a.b.c"):
            answer = caller.post(path, told, authorization=f"Bearer {wrong}")
            assert (answer.status, answer.body["error"]["code"]) == (401, "invalid_credentials")
            assert caller.get("/user/u-1/points", authorization=f"Bearer {wrong}").status == 401
        assert Event.objects.count() == 2

    def test_leaves_the_rights_of_the_key(self, caller: Caller, shop_keys: NewProject) -> None:
        kind = shop_keys.project.event_types.get(name="buy")
        kind.server_only = True
        kind.save()
        both = {"authorization": f"Bearer {token(shop_keys, 'u-2')}"}
        told = {"eventId": "buy", "userId": "u-1"}

        assert caller.post("/event", told, x_api_key="", **both).status == 403
        assert caller.post("/event", told, **both).status == 200
        assert caller.get("/user/u-1/points", **both).status == 200


class TestPoints:
    def test_are_told_where_the_vendor_has_them_and_in_its_envelope(self, caller: Caller) -> None:
        answer = get(caller, "/user/u-1/points")

        assert answer.status == 200
        assert answer.body == {"success": True, "data": {"points": 25}, "points": 25}

    @pytest.mark.parametrize(
        "path",
        [
            "/user/u-1/points/",
            "/v0/user/u-1/points",
            "/V1/User/u-1/Points",
            "/v3/user/u-1/points",
            "/lynes/user/u-1/points",
            "/LYNES/V2/USER/u-1/POINTS/",
            "/v1/customer/u-1/points",
        ],
    )
    def test_are_told_at_many_paths(self, caller: Caller, path: str) -> None:
        assert get(caller, path).body["points"] == 25

    @pytest.mark.parametrize("user_id", ["a/b", "a/points", "a b", "ü", "user"])
    def test_are_told_of_any_id(self, caller: Caller, user_id: str) -> None:
        caller.send(buy(user_id))

        answer = get(caller, f"/user/{user_id}/points")

        assert (answer.status, answer.body["points"]) == (200, 10)

    @pytest.mark.parametrize("what", ["points", "history", "streak"])
    @pytest.mark.parametrize("user_id", ["nobody", "%00", "U-1"])
    def test_of_nobody_are_not_found(self, caller: Caller, what: str, user_id: str) -> None:
        answer = get(caller, f"/user/{user_id}/{what}")

        assert answer.status == 404
        assert answer.body == {
            "success": False,
            "error": {"code": "not_found", "message": "The project has no user with this id."},
        }


class TestAMergedUser:
    def test_has_all_under_each_of_its_names(
        self, caller: Caller, shop: Project, alice: User
    ) -> None:
        caller.send(buy("u-2"))
        before = [item["id"] for item in history(caller)["data"]]

        merging.merge(shop, Customer.objects.values_list("id", flat=True), by=alice)

        for name in ("u-1", "u-2"):
            assert get(caller, f"/user/{name}/points").body["points"] == 35
            items = get(caller, f"/user/{name}/history").body["data"]
            assert [item["id"] for item in items][1:] == before
            assert [item["points"] for item in items] == [10, 5, 10, 10]


class TestAccess:
    @pytest.mark.parametrize("what", ["points", "history", "streak"])
    def test_is_given_to_a_key_the_backend_and_the_user(
        self, caller: Caller, shop_keys: NewProject, what: str
    ) -> None:
        for bearer in ("", shop_keys.jwt, token(shop_keys, "u-1")):
            assert get(caller, f"/user/u-1/{what}", bearer).status == 200

    @pytest.mark.parametrize("what", ["points", "history", "streak"])
    @pytest.mark.parametrize("subject", ["u-2", "backend", "U-1"])
    def test_is_not_given_to_another_user(
        self, caller: Caller, shop_keys: NewProject, what: str, subject: str
    ) -> None:
        answer = get(caller, f"/user/u-1/{what}", token(shop_keys, subject))

        assert answer.status == 403
        assert answer.body["error"]["code"] == "forbidden"

    def test_is_not_told_apart_for_users_that_are_not_there(
        self, caller: Caller, shop_keys: NewProject
    ) -> None:
        answer = get(caller, "/user/nobody/points", token(shop_keys, "u-2"))

        assert answer.status == 403

    def test_needs_a_key(self, caller: Caller, other_keys: NewProject) -> None:
        assert caller.get("/user/u-1/points", x_api_key="").status == 401
        assert caller.get("/user/u-1/points", x_api_key=other_keys.api_key).status == 404
        assert get(caller, "/user/u-1/points", token(other_keys, "u-1")).status == 404

    def test_is_not_given_by_a_token_that_has_expired(
        self, caller: Caller, shop_keys: NewProject
    ) -> None:
        expired = token(shop_keys, "u-1", exp=make.NOW - timedelta(hours=1))

        assert get(caller, "/user/u-1/points", expired).status == 401


AWARD = {"title": "ten", "description": "buy", "points": 10, "type": "event", "image": None}
MILESTONE = AWARD | {"title": "daily", "points": 5, "type": "streak_milestone"}
FIRST_MS = 1772442000000
SECOND_MS = FIRST_MS + 60_000


def history(caller: Caller, query: str = "") -> Any:
    answer = get(caller, f"/user/u-1/history{query}")
    assert answer.status == 200, answer
    assert answer.body["success"] is True
    return answer.body


def without_ids(body: Any) -> list[Any]:
    return [{name: item[name] for name in item if name != "id"} for item in body["data"]]


class TestHistory:
    def test_lists_what_was_earned_the_newest_first(self, caller: Caller) -> None:
        body = history(caller)

        assert without_ids(body) == [
            MILESTONE | {"timestamp": SECOND_MS},
            AWARD | {"timestamp": SECOND_MS},
            AWARD | {"timestamp": FIRST_MS},
        ]
        assert body["pagination"] == {"total": 3, "limit": 20, "offset": 0, "hasMore": False}
        assert len({item["id"] for item in body["data"]}) == 3

    def test_comes_in_pages(self, caller: Caller) -> None:
        pages = [history(caller, f"?limit=2&offset={offset}") for offset in (0, 2, 4)]

        assert [len(page["data"]) for page in pages] == [2, 1, 0]
        assert [page["pagination"]["hasMore"] for page in pages] == [True, False, False]
        every = [item for page in pages for item in page["data"]]
        assert every == history(caller)["data"]

    @pytest.mark.parametrize(
        ("types", "points"),
        [
            ("event", [10, 10]),
            ("streak_milestone", [5]),
            ("streak_points", [5]),
            ("event,streak_points", [5, 10, 10]),
            ("challenge", []),
            ("redemption,challenge", []),
        ],
    )
    def test_may_be_of_some_types(self, caller: Caller, types: str, points: list[int]) -> None:
        body = history(caller, f"?types={types}")

        assert [item["points"] for item in body["data"]] == points
        assert body["pagination"]["total"] == len(points)

    @pytest.mark.parametrize(
        ("query", "items"),
        [
            ("?from=2026-03-02", 3),
            ("?to=2026-03-02", 3),
            ("?to=2026-03-01", 0),
            ("?from=2026-03-03", 0),
            ("?from=2026-03-02T09:00:30Z", 2),
            ("?to=2026-03-02T09:00:30Z", 1),
            ("?lang=en", 3),
        ],
    )
    def test_may_be_of_some_days(self, caller: Caller, query: str, items: int) -> None:
        assert len(history(caller, query)["data"]) == items

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0", "limit=101", "limit=x", "limit=-1", "offset=-1", "offset=10001",
            "limit=" + "9" * 5000, "types=points", "from=yesterday", "to=2026-02-30",
        ],
    )  # fmt: skip
    def test_refuses_what_can_not_be_asked(self, caller: Caller, query: str) -> None:
        answer = get(caller, f"/user/u-1/history?{query}")

        assert answer.status == 400
        assert answer.body["error"]["code"] == "invalid_field"

    def test_is_empty_for_who_earned_nothing(self, caller: Caller) -> None:
        caller.send(buy("u-2", event="look"))

        assert get(caller, "/user/u-2/history").body["data"] == []


class TestStreaks:
    @pytest.mark.parametrize("path", ["/user/u-1/streak", "/v1/customer/u-1/streaks"])
    def test_are_told_as_of_today(self, caller: Caller, path: str) -> None:
        assert get(caller, path).body == {
            "success": True,
            "data": [
                {
                    "streakId": "daily",
                    "currentCount": 2,
                    "longestCount": 2,
                    "lastUpdate": "2026-03-02T09:01:00.000Z",
                }
            ],
        }

    def test_are_over_where_no_day_went_on(
        self, caller: Caller, clock: time_machine.Traveller
    ) -> None:
        clock.shift(timedelta(days=3))

        [streak] = get(caller, "/user/u-1/streak").body["data"]

        assert (streak["currentCount"], streak["longestCount"]) == (0, 2)


class TestAUser:
    @pytest.mark.parametrize("path", ["/user", "/user/", "/v0/User", "/lynes/v1/user", "/v1/user"])
    def test_is_made_and_updated(self, caller: Caller, path: str) -> None:
        made = caller.post(path, {"userId": "u-9", "usergroup": "subscriber", "age": None})
        caller.post(path, {"userId": "u-9", "level": 3})

        assert made.status == 200
        assert made.body == {
            "success": True,
            "data": {"userId": "u-9"},
            "message": "user created successfully",
            "userId": "u-9",
        }
        assert caller.customer("u-9")["attributes"] == {"usergroup": "subscriber", "level": 3}
        assert Event.objects.filter(customer__label="u-9").count() == 0

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "missing_field"),
            ({"userId": None}, "null_field"),
            ({"userId": ""}, "invalid_field"),
            ([], "invalid_json"),
            ({"userId": "u", "": 1}, "invalid_field"),
            ({"userId": "u", "note": "a\x00"}, "invalid_text"),
        ],
    )
    def test_is_refused_where_it_can_not_be_read(
        self, caller: Caller, body: object, code: str
    ) -> None:
        answer = caller.post("/user", body)

        assert answer.status == 400
        assert answer.body["error"]["code"] == code

    @pytest.mark.parametrize("path", ["/user", "/v1/user"])
    def test_is_changed_by_no_other_users_token(
        self, caller: Caller, shop_keys: NewProject, path: str
    ) -> None:
        told = {"userId": "u-1", "level": 9}
        for subject in ("u-2", "U-1", "backend"):
            other = f"Bearer {token(shop_keys, subject)}"
            answer = caller.post(path, told, x_api_key="", authorization=other)
            assert (answer.status, answer.body["error"]["code"]) == (403, "forbidden")
        assert caller.customer("u-1")["attributes"] == {}
        new = caller.post(path, {"userId": "u-new"}, x_api_key="", authorization=other)
        assert (new.status, Customer.objects.filter(label="u-new").exists()) == (403, False)

    def test_is_changed_by_its_own_token_the_backends_and_a_key(
        self, caller: Caller, shop_keys: NewProject
    ) -> None:
        others, key = token(shop_keys, "u-2"), shop_keys.api_key
        proofs = [("", token(shop_keys, "u-1")), ("", shop_keys.jwt), (key, ""), (key, others)]
        for level, (x_api_key, bearer) in enumerate(proofs):
            authorization = f"Bearer {bearer}" if bearer else ""
            told = {"userId": "u-1", "level": level}
            answer = caller.post("/user", told, x_api_key=x_api_key, authorization=authorization)
            assert answer.status == 200, answer
            assert caller.customer("u-1")["attributes"] == {"level": level}

    def test_may_be_named_customer_in_an_event(self, caller: Caller) -> None:
        answer = caller.post("/event", {"eventId": "buy", "customerId": "u-1", "amount": 7})

        assert (answer.status, answer.body["data"]["userId"]) == (200, "u-1")
        assert get(caller, "/user/u-1/points").body["points"] == 35


class TestAPathOfNothing:
    @pytest.mark.parametrize(
        "path", ["/lynes/rank", "/user/u-1/rank", "/v1/user/u-1/offer/feed", "/v2/customer/u-1"]
    )
    def test_is_refused_in_the_vendors_words(self, caller: Caller, path: str) -> None:
        answer = get(caller, path)

        assert answer.status == 404
        assert answer.body["success"] is False
        assert answer.body["error"]["code"] == "not_found"
