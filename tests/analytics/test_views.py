"""The statistics API as clients meet it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from analytics import rollup
from events.metadata import read_json
from events.models import OpenBatch, Project
from events.projects import NewProject
from events.types import Json
from tests import make
from tests.analytics.feed import Sent, field, send, send_values
from tests.analytics.former import leave_as_former_release
from tests.make import NOW


def path_of(event: str = "play", name: str = "level") -> str:
    names = [quote(part, safe="") for part in (event, name)]
    return f"/api/v1/event-types/{names[0]}/fields/{names[1]}/statistics"


def below(event: str, end: str) -> str:
    return f"/api/v1/event-types/{quote(event, safe='')}/{end}"


def get(
    keys: NewProject, path: str, parameters: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Return the status and the body, numbers exact."""
    response = Client().get(path, parameters or {}, headers={"X-API-Key": keys.api_key})
    body = read_json(response.content)
    assert isinstance(body, dict)
    return response.status_code, body


def make_personal(project: Project, name: str) -> None:
    found = field(project, name)
    found.personal = True
    found.save()


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


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestFieldsAPI:
    def test_tells_of_each_field(self, shop_keys: NewProject) -> None:
        shop = shop_keys.project
        make.event_type(shop, "play", fields={"app": "version"})
        send(
            shop,
            Sent(metadata={"level": 1, "app": "1.2.3"}, occurred_at=NOW - timedelta(days=2)),
            Sent(metadata={"level": None, "tags": ["a", "b", "a"]}),
        )
        rollup.roll_up(seconds=60)
        send(shop, Sent(metadata={"level": 4, "app": "n/a"}), Sent(metadata={"on": True}))

        status, body = get(shop_keys, below("play", "fields"))

        assert status == 200
        fields = {listed.pop("name"): listed for listed in body.pop("results")}
        assert body == {
            "event": "play",
            "from": "2026-02-01",
            "to": "2026-03-02",
            "time_zone": "Europe/Berlin",
            "complete_to": "2026-03-02T09:00:00Z",
            "tail_rows": 2,
            "rows": 4,
            "late": 1,
            "next": None,
        }
        assert list(fields) == ["app", "level", "on", "tags"]
        half = {"count": 1, "share": Decimal("0.5")}
        first_day = {"first_day": "2026-02-28", "last_day": "2026-02-28"}
        today = {"first_day": "2026-03-02", "last_day": "2026-03-02"}
        no_version = {"kind": "text", "samples": ["n/a"]} | half | today
        assert fields["app"] == listed_field(
            declared="version",
            filled=2,
            missing=2,
            type="version",
            types=types(text=2),
            text={
                "distinct": 2,
                "distinct_error": 0,
                "top": [{"value": "1.2.3", "count": 1}, {"value": "n/a", "count": 1}],
                "count_error": 0,
                "other": 0,
            },
            evidence=[
                no_version,
                {"kind": "version", "samples": ["1.2.3"]} | half | first_day,
            ],
            conflicts=[no_version],
        )
        assert fields["level"] == listed_field(
            filled=2,
            missing=1,
            null=1,
            type="number",
            types=types(number=2),
            number={"count": 2, "min": 1, "median": Decimal("2.5"), "mean": Decimal("2.5")}
            | {"max": 4},
            evidence=[
                {
                    "kind": "number",
                    "count": 2,
                    "share": 1,
                    "samples": [1, 4],
                    "first_day": "2026-02-28",
                    "last_day": "2026-03-02",
                }
            ],
        )
        one = {"count": 1, "share": 1} | today
        assert fields["on"] == listed_field(
            filled=1,
            missing=3,
            type="boolean",
            types=types(boolean=1),
            boolean={"true": 1, "false": 0},
            evidence=[{"kind": "boolean", "samples": [True]} | one],
        )
        assert fields["tags"] == listed_field(
            filled=1,
            missing=3,
            type="array",
            types=types(array=1),
            array={
                "lengths": {"count": 1, "min": 3, "median": 3, "mean": 3, "max": 3},
                "elements": [
                    {"value": "a", "count": 2, "rows": 1},
                    {"value": "b", "count": 1, "rows": 1},
                ],
            },
            evidence=[{"kind": "array", "samples": []} | one],
        )

    def test_gives_page_by_page(self, shop_keys: NewProject) -> None:
        names = ["a", "b ", "c/d", "ü"]
        send(shop_keys.project, Sent(metadata=dict.fromkeys(names, 1)))
        found: list[str] = []
        parameters = {"limit": "3"}
        for _ in range(2):
            _, body = get(shop_keys, below("play", "fields"), parameters)
            found += [listed["name"] for listed in body["results"]]
            parameters["cursor"] = body["next"] or ""

        assert sorted(found) == names
        assert body["next"] is None

    @pytest.mark.parametrize(
        ("parameters", "named"),
        [
            ({"limit": "0"}, "limit"),
            ({"limit": "101"}, "limit"),
            ({"limit": "x"}, "limit"),
            ({"cursor": "a\x00"}, "cursor"),
        ],
    )
    def test_names_the_parameter_that_it_refuses(
        self, shop_keys: NewProject, parameters: dict[str, str], named: str
    ) -> None:
        send(shop_keys.project, Sent(metadata={"a": 1}))

        status, body = get(shop_keys, below("play", "fields"), parameters)

        assert (status, body["field"]) == (400, named)

    def test_shows_no_value_of_a_personal_field(self, shop_keys: NewProject) -> None:
        values: list[Json] = ["secret@example.org", 987654, True, ["secret"], "secret@example.org"]
        send_values(shop_keys.project, "who", values)
        make_personal(shop_keys.project, "who")

        _, body = get(shop_keys, below("play", "fields"))

        [who] = body["results"]
        assert "secret" not in str(body)
        assert "987654" not in str(body)
        assert (who["personal"], who["masked"], who["filled"]) == (True, True, 5)
        assert who["number"] == {"count": 1} | dict.fromkeys(("min", "median", "mean", "max"))
        assert (who["text"]["distinct"], who["text"]["top"], who["text"]["other"]) == (1, [], 2)
        assert who["boolean"] == {"true": None, "false": None}
        assert who["array"]["elements"] == []
        assert {found["kind"]: found["samples"] for found in who["evidence"]} == {
            "text": [],
            "number": [],
            "boolean": [],
            "array": [],
        }


def types(**counts: int) -> dict[str, int]:
    return dict.fromkeys(("number", "text", "boolean", "array", "object"), 0) | counts


def listed_field(**figures: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "declared": "auto",
        "dimension": False,
        "personal": False,
        "masked": False,
        "null": 0,
        "number": None,
        "text": None,
        "boolean": None,
        "array": None,
        "conflicts": [],
    }
    return nothing | figures


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestStatisticsAPI:
    def test_answers_what_was_agreed(self, shop_keys: NewProject) -> None:
        send_values(shop_keys.project, "level", [1, 2, "x", None])
        send(shop_keys.project, Sent(metadata={}))

        status, body = get(shop_keys, path_of(), {"bins": "2", "percentiles": "50, 99.5"})

        today = {"first_day": "2026-03-02", "last_day": "2026-03-02"}
        numbers = {
            "kind": "number",
            "count": 2,
            "share": Decimal("0.6666666666666666"),
            "samples": [1, 2],
        } | today
        texts = {
            "kind": "text",
            "count": 1,
            "share": Decimal("0.3333333333333333"),
            "samples": ["x"],
        } | today
        assert status == 200
        assert body == {
            "event": "play",
            "field": "level",
            "from": "2026-02-01",
            "to": "2026-03-02",
            "time_zone": "Europe/Berlin",
            "complete_to": "2026-03-02T09:00:00Z",
            "tail_rows": 5,
            "rows": 5,
            "late": 0,
            "missing": 1,
            "null": 1,
            "type": "mixed",
            "types": {"number": 2, "text": 1, "boolean": 0, "array": 0, "object": 0},
            "masked": False,
            "number": {
                "count": 2,
                "outside": 0,
                "sum": 3,
                "min": 1,
                "max": 2,
                "mean": Decimal("1.5"),
                "std": Decimal("0.7071067811865476"),
                "std_population": Decimal("0.5"),
                "percentiles": {"50": Decimal("1.5"), "99.5": Decimal("1.995")},
                "relative_error": 0,
                "histogram": [
                    {"from": Decimal("1.0"), "to": Decimal("1.5"), "count": 1},
                    {"from": Decimal("1.5"), "to": Decimal("2.0"), "count": 1},
                ],
                "approximate": False,
            },
            "text": {
                "distinct": 1,
                "distinct_error": Decimal("0.0"),
                "top": [{"value": "x", "count": 1}],
                "count_error": 0,
                "other": 0,
            },
            "boolean": None,
            "array": None,
            "evidence": [numbers, texts],
            "conflicts": [texts],
        }

    @pytest.mark.parametrize(
        ("event", "name"),
        [
            ("a/b", "c/d"),
            ("a/fields/b", "c"),
            ("a", "b/fields/c"),
            ("ü ñ", "50 % off?"),
            ("statistics", "statistics"),
        ],
    )
    def test_finds_names_with_any_characters(
        self, shop_keys: NewProject, event: str, name: str
    ) -> None:
        send(shop_keys.project, Sent(event=event, metadata={name: 1}))

        status, body = get(shop_keys, path_of(event, name))

        assert (status, body["event"], body["field"]) == (200, event, name)

    @pytest.mark.parametrize(
        ("parameters", "named"),
        [
            ({"percentiles": "101"}, "percentiles"),
            ({"percentiles": "nan"}, "percentiles"),
            ({"percentiles": "50,,99"}, "percentiles"),
            ({"percentiles": ",".join(["5"] * 21)}, "percentiles"),
            ({"top": "0"}, "top"),
            ({"top": "1001"}, "top"),
            ({"bins": "101"}, "bins"),
            ({"bins": "many"}, "bins"),
            ({"scale": "cubic"}, "scale"),
            ({"by": "map"}, "by"),
        ],
    )
    def test_names_the_parameter_that_it_refuses(
        self, shop_keys: NewProject, parameters: dict[str, str], named: str
    ) -> None:
        send_values(shop_keys.project, "level", [1])

        status, body = get(shop_keys, path_of(), parameters)

        assert status == 400
        assert body["field"] == named

    @pytest.mark.parametrize("scale", ["linear", "log", "quantile"])
    def test_takes_what_is_at_the_limits(self, shop_keys: NewProject, scale: str) -> None:
        send_values(shop_keys.project, "level", [1, 0, -3, 1000])

        status, body = get(
            shop_keys,
            path_of(),
            {
                "from": "1970-01-01",
                "to": "9000-12-31",
                "percentiles": ",".join(map(str, range(81, 101))),
                "top": "1000",
                "bins": "100",
                "scale": scale,
            },
        )

        assert status == 200
        assert sum(part["count"] for part in body["number"]["histogram"]) == 4
        assert len(body["number"]["percentiles"]) == 20

    @pytest.mark.parametrize(
        "path",
        [
            path_of(name="other"),
            path_of(event="other"),
            path_of(name="lev\x00el"),
            "/api/v1/event-types/play/statistics",
            "/api/v1/event-types/play" + "/fields/x" * 1000 + "/statistics",
        ],
    )
    def test_knows_no_other_fields(self, shop_keys: NewProject, path: str) -> None:
        send_values(shop_keys.project, "level", [1])

        status, body = get(shop_keys, path)

        assert status == 404
        assert body["status"] == 404

    def test_shows_no_value_of_a_personal_field(self, shop_keys: NewProject) -> None:
        values: list[Json] = ["secret@example.org", 987654, True, ["secret"]]
        send_values(shop_keys.project, "level", values)
        make_personal(shop_keys.project, "level")

        status, body = get(shop_keys, path_of())

        assert (status, body["masked"], body["type"]) == (200, True, "mixed")
        assert "secret" not in str(body)
        assert "987654" not in str(body)
        figures = ("sum", "min", "max", "mean", "std", "std_population", "percentiles")
        rest = ("relative_error", "histogram", "approximate")
        assert body["number"] == {"count": 1, "outside": 0} | dict.fromkeys(figures + rest)
        assert body["text"] == {
            "distinct": 1,
            "distinct_error": 0,
            "top": [],
            "count_error": 0,
            "other": 1,
        }
        assert body["boolean"] == {"true": None, "false": None}
        assert body["array"]["elements"] == []
        assert body["array"]["lengths"]["max"] == 1
        assert [found["samples"] for found in body["evidence"]] == [[]] * 4
