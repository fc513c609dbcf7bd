"""The statistics API as clients meet it: fields, all of a type or one."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from analytics import rollup
from events.projects import NewProject
from events.protection import MASK, is_protected
from events.types import Json
from tests import make
from tests.analytics.asking import NONE_DISCARDED, below, get, make_personal, path_of
from tests.analytics.feed import Sent, send, send_values
from tests.make import NOW


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
            "discarded": NONE_DISCARDED,
            "next": None,
        }
        assert list(fields) == ["app", "level", "on", "tags"]
        assert fields == fields_of_four_events()

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
        assert (who["text"]["distinct"], who["text"]["other"]) == (1, 0)
        assert who["text"]["top"] == [{"value": MASK, "count": 2}]
        assert who["boolean"] == {"true": None, "false": None}
        assert who["array"]["elements"] == [{"value": MASK, "count": 1, "rows": None}]
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


FIRST_DAY = {"first_day": "2026-02-28", "last_day": "2026-02-28"}
TODAY = {"first_day": "2026-03-02", "last_day": "2026-03-02"}


def fields_of_four_events() -> dict[str, dict[str, Any]]:
    """Return what is told of each field of the events above, by name."""
    one = {"count": 1, "share": 1} | TODAY
    return {
        "app": app_of_four_events(),
        "level": listed_field(
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
        ),
        "on": listed_field(
            filled=1,
            missing=3,
            type="boolean",
            types=types(boolean=1),
            boolean={"true": 1, "false": 0},
            evidence=[{"kind": "boolean", "samples": [True]} | one],
        ),
        "tags": listed_field(
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
        ),
    }


def app_of_four_events() -> dict[str, Any]:
    """Return what is told of a field with a version and a text that is none."""
    half = {"count": 1, "share": Decimal("0.5")}
    no_version = {"kind": "text", "samples": ["n/a"]} | half | TODAY
    return listed_field(
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
            {"kind": "version", "samples": ["1.2.3"]} | half | FIRST_DAY,
        ],
        conflicts=[no_version],
    )


def agreed() -> dict[str, Any]:
    """Return the whole answer for the numbers 1 and 2, a text, a null and an event without."""
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
    return {
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


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestStatisticsAPI:
    def test_answers_what_was_agreed(self, shop_keys: NewProject) -> None:
        send_values(shop_keys.project, "level", [1, 2, "x", None])
        send(shop_keys.project, Sent(metadata={}))

        status, body = get(shop_keys, path_of(), {"bins": "2", "percentiles": "50, 99.5"})

        assert (status, body) == (200, agreed())

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
            "top": [{"value": MASK, "count": 1}],
            "count_error": 0,
            "other": 0,
        }
        assert body["boolean"] == {"true": None, "false": None}
        assert body["array"]["elements"] == [{"value": MASK, "count": 1, "rows": None}]
        assert body["array"]["lengths"]["max"] == 1
        assert [found["samples"] for found in body["evidence"]] == [[]] * 4

    def test_counts_hashes_of_a_personal_field_as_it_counts_values(
        self, shop_keys: NewProject
    ) -> None:
        send_values(shop_keys.project, "level", ["ann"])
        make_personal(shop_keys.project, "level", kept_as="hash")
        send_values(shop_keys.project, "level", ["ann", "bob", ["ann", "bob"], "ann"])
        rollup.roll_up(seconds=60)

        _, body = get(shop_keys, path_of())

        [first, second] = body["text"]["top"]
        assert (first["count"], second["count"]) == (3, 1)
        assert is_protected(first["value"])
        assert is_protected(second["value"])
        assert {each["value"] for each in body["array"]["elements"]} == {
            first["value"],
            second["value"],
        }
        assert "ann" not in str(body)
