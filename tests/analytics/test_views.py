"""The statistics API as clients meet it: what all endpoints share, event types, trends."""

from datetime import timedelta

import pytest
from django.test import Client

from analytics import rollup
from events.metadata import read_json
from events.models import OpenBatch, Project
from events.projects import NewProject
from tests import make
from tests.analytics.asking import NONE_DISCARDED, below, get, path_of
from tests.analytics.feed import Sent, send, send_values
from tests.analytics.former import leave_as_former_release
from tests.make import NOW

PATHS = {
    "overview": "/api/v1/overview",
    "event-types": "/api/v1/event-types",
    "trend": below("play", "trend"),
    "fields": below("play", "fields"),
    "statistics": path_of(),
}
OF_A_TYPE = ["trend", "fields", "statistics"]


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestEveryEndpoint:
    @pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
    def test_asks_for_a_key(self, shop: Project, path: str) -> None:
        send_values(shop, "level", [1])

        response = Client().get(path)

        assert response.status_code == 401
        assert response["Content-Type"] == "application/problem+json"
        assert OpenBatch.objects.count() == 1

    @pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
    def test_asks_for_the_scope_to_read(self, shop_keys: NewProject, path: str) -> None:
        send_values(shop_keys.project, "level", [1])
        shop_keys.project.api_keys.update(scopes=["ingest"])

        assert get(shop_keys, path)[0] == 403

    @pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
    def test_takes_a_slash_at_the_end(self, shop_keys: NewProject, path: str) -> None:
        send_values(shop_keys.project, "level", [1])

        assert get(shop_keys, f"{path}/") == get(shop_keys, path)
        assert get(shop_keys, path)[0] == 200

    @pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
    def test_takes_no_post(self, shop_keys: NewProject, path: str) -> None:
        response = Client().post(path, headers={"X-API-Key": shop_keys.api_key})

        assert response.status_code == 405

    @pytest.mark.parametrize("name", OF_A_TYPE)
    def test_of_a_type_knows_none_of_another_project(
        self, shop_keys: NewProject, other_keys: NewProject, name: str
    ) -> None:
        send_values(shop_keys.project, "level", [1])

        status, body = get(other_keys, PATHS[name])

        assert (status, body["code"]) == (404, "not_found")

    @pytest.mark.parametrize("name", ["overview", "event-types"])
    def test_of_all_types_lists_none_of_another_project(
        self, shop_keys: NewProject, other_keys: NewProject, name: str
    ) -> None:
        send_values(shop_keys.project, "level", [1])

        status, body = get(other_keys, PATHS[name])

        assert (status, body["tail_rows"]) == (200, 0)
        assert body.get("event_types", body.get("results")) == []

    @pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
    @pytest.mark.parametrize(
        ("parameters", "named"),
        [
            ({"from": "yesterday"}, "from"),
            ({"to": "2026-02-30"}, "to"),
            ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
            ({"from": "0001-01-01"}, "from"),
            ({"to": "9999-12-31"}, "to"),
            ({"from": "2026-03-02\x00"}, "from"),
        ],
    )
    def test_names_the_day_that_it_refuses(
        self, shop_keys: NewProject, path: str, parameters: dict[str, str], named: str
    ) -> None:
        send_values(shop_keys.project, "level", [1])

        status, body = get(shop_keys, path, parameters)

        assert (status, body["code"], body["field"]) == (400, "invalid_field", named)

    @pytest.mark.parametrize("name", set(PATHS) - {"trend"})
    def test_takes_all_days_there_are(self, shop_keys: NewProject, name: str) -> None:
        send_values(shop_keys.project, "level", [1])

        status, _ = get(shop_keys, PATHS[name], {"from": "1970-01-01", "to": "9000-12-31"})

        assert status == 200

    @pytest.mark.parametrize("end", ["fields", "trend"])
    @pytest.mark.parametrize(
        "event", ["a/b", "fields", "trend", "a/fields", "a/trend", "a/", "ü ñ", "a\nb", "50 % off?"]
    )
    def test_finds_events_of_any_name(self, shop_keys: NewProject, event: str, end: str) -> None:
        send(shop_keys.project, Sent(event=event, metadata={"x": 1}), Sent(metadata={}, event="a"))

        status, body = get(shop_keys, below(event, end))

        assert (status, body["event"]) == (200, event)

    @pytest.mark.parametrize("end", ["fields", "trend"])
    @pytest.mark.parametrize("event", ["other", "pl\x00ay", "x" * 5_000])
    def test_knows_no_other_events(self, shop_keys: NewProject, event: str, end: str) -> None:
        send(shop_keys.project, Sent(metadata={}))

        assert get(shop_keys, below(event, end))[0] == 404

    @pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
    def test_asks_for_patience_where_another_release_wrote_the_rows(
        self, shop_keys: NewProject, path: str
    ) -> None:
        send_values(shop_keys.project, "level", [1])
        rollup.roll_up(seconds=60)
        leave_as_former_release()

        response = Client().get(path, headers={"X-API-Key": shop_keys.api_key})

        assert response.status_code == 503
        assert response["Retry-After"] == "60"
        assert response["Content-Type"] == "application/problem+json"
        body = read_json(response.content)
        assert isinstance(body, dict)
        assert body["code"] == "too_busy"
        assert "manage.py rebuild_rollups" in str(body["detail"])


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestEventTypesAPI:
    def test_lists_every_type_with_what_came(self, shop_keys: NewProject) -> None:
        shop = shop_keys.project
        make.event_type(shop, "never", active=False)
        send(shop, Sent(metadata={"level": 1, "map": "x"}, occurred_at=NOW - timedelta(days=2)))
        rollup.roll_up(seconds=60)
        send(shop, Sent(metadata={}), Sent(metadata={}, customer="c-2"))

        status, body = get(shop_keys, "/api/v1/event-types")

        assert status == 200
        assert body == {
            "from": "2026-02-01",
            "to": "2026-03-02",
            "time_zone": "Europe/Berlin",
            "complete_to": "2026-03-02T09:00:00Z",
            "tail_rows": 2,
            "results": [
                {
                    "name": "play",
                    "active": True,
                    "created_automatically": True,
                    "fields": 2,
                    "events": 3,
                    "customers": 2,
                    "customers_error": 0,
                    "points_awarded": 0,
                    "points_total": 0,
                    "late": 1,
                    "discarded": NONE_DISCARDED,
                    "first_day": "2026-02-28",
                    "last_day": "2026-03-02",
                },
                {
                    "name": "never",
                    "active": False,
                    "created_automatically": False,
                    "fields": 0,
                    "events": 0,
                    "customers": 0,
                    "customers_error": 0,
                    "points_awarded": 0,
                    "points_total": 0,
                    "late": 0,
                    "discarded": NONE_DISCARDED,
                    "first_day": None,
                    "last_day": None,
                },
            ],
        }


def headline(events: int, customers: int, **rest: int) -> dict[str, int]:
    return {
        "events": events,
        "customers": customers,
        "customers_error": 0,
        "points_awarded": 0,
        "points_total": 0,
        "late": 0,
    } | rest


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestOverviewAPI:
    def test_answers_both_periods(self, shop_keys: NewProject) -> None:
        shop = shop_keys.project
        send(shop, Sent(metadata={}, occurred_at=NOW - timedelta(days=1)))
        rollup.roll_up(seconds=60)
        send(shop, Sent(metadata={}), Sent(metadata={}, customer="c-2"))

        status, body = get(shop_keys, "/api/v1/overview", {"from": "2026-03-02"})

        assert status == 200
        assert body == {
            "from": "2026-03-02",
            "to": "2026-03-02",
            "time_zone": "Europe/Berlin",
            "complete_to": "2026-03-02T09:00:00Z",
            "tail_rows": 2,
            "current": headline(2, 2),
            "previous": {"from": "2026-03-01", "to": "2026-03-01"} | headline(1, 1),
            "daily": [{"date": "2026-03-02"} | headline(2, 2)],
            "event_types": [
                {"name": "play", "current": headline(2, 2), "previous": headline(1, 1)}
            ],
        }


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestTrendAPI:
    def test_answers_every_period(self, shop_keys: NewProject) -> None:
        shop = shop_keys.project
        make.event_type(shop, "play")
        make.rule(shop, "ten", {"trigger": "play", "award": {"fixed": 10}})
        send(shop, Sent(metadata={}, occurred_at=NOW - timedelta(days=2)))
        rollup.roll_up(seconds=60)
        send(shop, Sent(metadata={}), Sent(metadata={}, customer="c-2"))

        status, body = get(
            shop_keys,
            below("play", "trend"),
            {"interval": "day", "from": "2026-02-28", "to": "2026-03-02"},
        )

        assert status == 200
        assert body == {
            "event": "play",
            "from": "2026-02-28",
            "to": "2026-03-02",
            "time_zone": "Europe/Berlin",
            "interval": "day",
            "complete_to": "2026-03-02T09:00:00Z",
            "tail_rows": 2,
            "points": [
                {
                    "at": f"{day}T00:00:00+01:00",
                    "events": events,
                    "customers": events,
                    "customers_error": 0,
                    "points_awarded": 10 * events,
                    "late": late,
                }
                for day, events, late in [
                    ("2026-02-28", 1, 1),
                    ("2026-03-01", 0, 0),
                    ("2026-03-02", 2, 0),
                ]
            ],
        }

    @pytest.mark.parametrize(
        ("parameters", "points"),
        [
            pytest.param({}, 30, id="days-by-default"),
            pytest.param({"interval": "hour", "from": "2026-03-02"}, 24, id="hours"),
            pytest.param({"interval": "week", "from": "2026-02-16"}, 3, id="weeks"),
            pytest.param({"interval": "month", "from": "2025-12-31"}, 4, id="months"),
        ],
    )
    def test_has_the_points_of_the_interval(
        self, shop_keys: NewProject, parameters: dict[str, str], points: int
    ) -> None:
        send(shop_keys.project, Sent(metadata={}))

        status, body = get(shop_keys, below("play", "trend"), parameters)

        assert (status, len(body["points"])) == (200, points)
        assert sum(point["events"] for point in body["points"]) == 1

    @pytest.mark.parametrize(
        "parameters",
        [{"interval": "year"}, {"interval": "hour", "from": "2020-01-01"}],
        ids=["unknown", "too-many-hours"],
    )
    def test_refuses_other_intervals(
        self, shop_keys: NewProject, parameters: dict[str, str]
    ) -> None:
        send(shop_keys.project, Sent(metadata={}))

        status, body = get(shop_keys, below("play", "trend"), parameters)

        assert (status, body["field"]) == (400, "interval")
