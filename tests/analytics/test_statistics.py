"""The statistics of one field: what they count, when, and how the API is asked for them."""

import json
import math
import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import rollup, statistics
from analytics.profiles import type_of
from analytics.serializers import Shape, statistics_json
from analytics.statistics import FieldStatistics, Question, field_statistics
from events.metadata import read_json, write_json
from events.models import OpenBatch, Project
from events.projects import NewProject
from events.types import Json
from tests import make
from tests.analytics.feed import Sent, field, send, send_values
from tests.analytics.recount import Recount
from tests.make import NOW

DAY = date(2026, 3, 2)  # of make.NOW


def fold_all() -> None:
    rollup.roll_up(seconds=60)


def asked(
    project: Project, name: str = "level", *, first: date = DAY, last: date = DAY
) -> FieldStatistics:
    found = field(project, name)
    question = Question(
        project=project, event_type=found.event_type, field=found, first=first, last=last
    )
    return field_statistics(question, now=NOW)


def answer(project: Project, name: str = "level", **shape: Any) -> dict[str, Any]:
    """Return the JSON as a client reads it, numbers exact."""
    written = write_json(statistics_json(asked(project, name), Shape(**shape)))
    read: dict[str, Any] = json.loads(written, parse_float=Decimal)
    return read


NUMBERS = st.one_of(
    st.integers(-(10**31), 10**31),
    st.integers(-5, 5),
    st.decimals(-1000, 1000, places=2),
    st.just(Decimal("1e-31")),
)
TEXTS = st.one_of(
    st.sampled_from(["", "12", "-1.5e3", "0012", "é", "cave", "1" * 300]),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=5),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES: st.SearchStrategy[Json] = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=4),
    st.dictionaries(st.sampled_from("ab"), SCALARS, max_size=2),
)
EVENTS = st.lists(
    st.one_of(st.just({}), VALUES.map(lambda value: {"level": value})), min_size=1, max_size=25
)


@pytest.mark.django_db
class TestFieldStatistics:
    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(events=EVENTS, folded=st.integers(0, 25))
    def test_equal_a_plain_recount(self, events: list[dict[str, Json]], folded: int) -> None:
        project = make.project(uuid.uuid4().hex)
        make.event_type(project, "play", fields={"level": "auto"})
        for part in (events[:folded], events[folded:]):
            # The first part is folded, the second read from the tail.
            fold_all()
            if part:
                send(project, *(Sent(metadata=metadata) for metadata in part))

        in_tail = answer(project, top=1000)
        fold_all()
        all_folded = answer(project, top=1000)

        assert in_tail["tail_rows"] == max(0, len(events) - folded)
        assert in_tail | {"tail_rows": 0} == all_folded
        assert_equal(all_folded, Recount.of(events, "level"))

    def test_count_numbers_in_texts_where_the_field_is_a_number(self, shop: Project) -> None:
        send_values(shop, "level", [1, "2.5", "0012", "1e1", True])
        fold_all()
        send_values(shop, "level", ["4"])
        before = answer(shop)

        level = field(shop, "level")
        level.type = level.Type.NUMBER
        level.save()
        after = answer(shop)

        assert (before["number"]["count"], before["number"]["sum"]) == (1, 1)
        assert (after["number"]["count"], after["number"]["sum"]) == (4, Decimal("17.5"))
        assert (before["type"], after["type"]) == ("mixed", "number")
        for key in ("types", "text", "rows", "missing"):
            assert before[key] == after[key]

    def test_leave_out_other_days_of_the_tail(self, shop: Project) -> None:
        send(
            shop,
            *(
                Sent(metadata={"level": 1}, occurred_at=NOW - timedelta(days=days))
                for days in range(5)
            ),
        )

        some = asked(shop, first=DAY - timedelta(days=3), last=DAY - timedelta(days=1))

        assert (some.total.rows, some.tail_rows) == (3, 3)
        assert list(some.days) == [DAY - timedelta(days=days) for days in (3, 2, 1)]

    def test_are_complete_up_to_now(self, shop: Project) -> None:
        send_values(shop, "level", [1])

        assert asked(shop).complete_to == NOW

    def test_say_where_they_end_when_the_tail_is_too_long(
        self, shop: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(statistics, "TAIL_EVENTS", 3)
        send_values(shop, "level", [1, 2])
        fold_all()
        moments = [NOW - timedelta(seconds=20), NOW - timedelta(seconds=30)]
        for moment in moments:
            send(
                shop,
                *[Sent(metadata={"level": 3}, occurred_at=moment)] * 2,
                received_at=moment,
            )

        short = asked(shop)

        assert (short.total.rows, short.tail_rows) == (2, 0)
        assert short.complete_to == min(moments)

    def test_of_a_field_without_values_are_empty(self, shop: Project) -> None:
        make.event_type(shop, "play", fields={"level": "auto"})

        empty = answer(shop)

        assert (empty["rows"], empty["missing"], empty["type"]) == (0, 0, None)
        assert [empty[kind] for kind in ("number", "text", "boolean", "array")] == [None] * 4

    def test_of_arrays_count_occurrences_and_rows(self, shop: Project) -> None:
        send_values(shop, "tags", [["a", "a", "b"], ["a", 1], []])
        fold_all()

        array = answer(shop, "tags")["array"]

        assert array["elements"] == [
            {"value": "a", "count": 3, "rows": 2},
            {"value": "1", "count": 1, "rows": 1},
            {"value": "b", "count": 1, "rows": 1},
        ]
        assert (array["lengths"]["count"], array["lengths"]["sum"]) == (3, 5)


def assert_equal(found: dict[str, Any], expected: Recount) -> None:
    assert found["rows"] == expected.rows
    assert found["missing"] == expected.missing
    assert found["null"] == expected.null
    assert found["types"] == expected.types
    assert found["rows"] == found["missing"] + found["null"] + sum(found["types"].values())
    for kind, check in (("number", assert_numbers), ("text", assert_texts)):
        assert (found[kind] is None) == (expected.types[kind] == 0)
        if found[kind]:
            check(found[kind], expected)
    if found["boolean"]:
        assert found["boolean"] == {
            "true": expected.booleans(True),
            "false": expected.booleans(False),
        }
    if found["array"]:
        assert found["array"]["lengths"]["count"] == len(expected.lengths)
        assert found["array"]["lengths"]["max"] == expected.lengths[-1]


def assert_numbers(found: dict[str, Any], expected: Recount) -> None:
    numbers = expected.numbers
    assert found["count"] == len(numbers)
    assert found["outside"] == expected.types["number"] - len(numbers)
    assert found["sum"] == expected.total
    if not numbers:
        return
    assert (found["min"], found["max"]) == (min(numbers), max(numbers))
    assert math.isclose(found["mean"], float(expected.total / len(numbers)), rel_tol=1e-12)
    assert math.isclose(found["std_population"], math.sqrt(expected.variance), rel_tol=1e-12)
    assert sum(part["count"] for part in found["histogram"]) == len(numbers)


def assert_texts(found: dict[str, Any], expected: Recount) -> None:
    assert found["distinct"] == len(expected.top)
    counts = [entry["count"] for entry in found["top"]]
    assert counts == [count for _, count in expected.top]
    assert sum(counts) + found["other"] == expected.types["text"]


@pytest.mark.django_db
class TestDays:
    @pytest.mark.parametrize(
        ("zone", "moments", "counts"),
        [
            pytest.param(
                "Asia/Kathmandu",
                ["2026-03-01T18:14:59", "2026-03-01T18:15", "2026-03-02T18:14"],
                {"2026-03-01": 1, "2026-03-02": 2},
                id="kathmandu-starts-at-18:15",
            ),
            pytest.param(
                "Europe/Berlin",
                ["2025-10-25T21:59", "2025-10-25T22:00", "2025-10-26T22:59", "2025-10-26T23:00"],
                {"2025-10-25": 1, "2025-10-26": 2, "2025-10-27": 1},
                id="berlin-has-25-hours",
            ),
            pytest.param(
                "Europe/Berlin",
                ["2025-03-29T22:59", "2025-03-29T23:00", "2025-03-30T21:59", "2025-03-30T22:00"],
                {"2025-03-29": 1, "2025-03-30": 2, "2025-03-31": 1},
                id="berlin-has-23-hours",
            ),
            pytest.param(
                "Australia/Lord_Howe",
                ["2025-04-05T12:59", "2025-04-05T13:00", "2025-04-06T13:29", "2025-04-06T13:30"],
                {"2025-04-05": 1, "2025-04-06": 2, "2025-04-07": 1},
                id="lord-howe-has-24-and-a-half-hours",
            ),
        ],
    )
    def test_are_those_of_the_local_calendar(
        self, zone: str, moments: list[str], counts: dict[str, int]
    ) -> None:
        project = make.project("away", time_zone=zone)
        for moment in moments:
            at = datetime.fromisoformat(f"{moment}+00:00")
            send(project, Sent(metadata={"level": 1}, occurred_at=at))

        def found() -> dict[str, int]:
            whole = asked(project, first=date(2025, 1, 1), last=date(2026, 12, 31))
            return {str(day): values.rows for day, values in whole.days.items()}

        assert found() == counts
        fold_all()
        assert found() == counts
        for day, count in counts.items():
            alone = date.fromisoformat(day)
            assert asked(project, first=alone, last=alone).total.rows == count


class TestType:
    @pytest.mark.parametrize(
        ("declared", "types", "expected"),
        [
            pytest.param("auto", {}, None, id="nothing"),
            pytest.param("auto", {"number": 3}, "number", id="one-kind"),
            pytest.param("auto", {"number": 1, "text": 200}, "text", id="a-slip"),
            pytest.param("auto", {"number": 2, "text": 198}, "mixed", id="one-percent"),
            pytest.param("auto", {"object": 2}, "mixed", id="objects"),
            pytest.param("version", {"number": 5}, "version", id="declared"),
        ],
    )
    def test_is_declared_or_what_most_values_are(
        self, declared: Any, types: dict[str, int], expected: str | None
    ) -> None:
        assert type_of(declared, types) == expected


def path_of(event: str = "play", name: str = "level") -> str:
    names = [quote(part, safe="") for part in (event, name)]
    return f"/api/v1/event-types/{names[0]}/fields/{names[1]}/statistics"


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestStatisticsAPI:
    def get(
        self, keys: NewProject, path: str, parameters: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        response = Client().get(path, parameters or {}, headers={"X-API-Key": keys.api_key})
        body = read_json(response.content)
        assert isinstance(body, dict)
        return response.status_code, body

    def test_answers_what_was_agreed(self, shop_keys: NewProject) -> None:
        send_values(shop_keys.project, "level", [1, 2, "x", None])
        send(shop_keys.project, Sent(metadata={}))

        status, body = self.get(shop_keys, path_of(), {"bins": "2", "percentiles": "50, 99.5"})

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
            "missing": 1,
            "null": 1,
            "type": "mixed",
            "types": {"number": 2, "text": 1, "boolean": 0, "array": 0, "object": 0},
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
                "relative_error": Decimal("0.01"),
                "histogram": [
                    {"from": Decimal("1.0"), "to": Decimal("1.5"), "count": 1},
                    {"from": Decimal("1.5"), "to": Decimal("2.0"), "count": 1},
                ],
                "approximate": True,
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

        status, body = self.get(shop_keys, path_of(event, name))

        assert (status, body["event"], body["field"]) == (200, event, name)

    @pytest.mark.parametrize(
        ("parameters", "named"),
        [
            ({"from": "yesterday"}, "from"),
            ({"to": "2026-02-30"}, "to"),
            ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
            ({"from": "0001-01-01"}, "from"),
            ({"to": "9999-12-31"}, "to"),
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

        status, body = self.get(shop_keys, path_of(), parameters)

        assert status == 400
        assert body["field"] == named

    @pytest.mark.parametrize("scale", ["linear", "log", "quantile"])
    def test_takes_what_is_at_the_limits(self, shop_keys: NewProject, scale: str) -> None:
        send_values(shop_keys.project, "level", [1, 0, -3, 1000])

        status, body = self.get(
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

        status, body = self.get(shop_keys, path)

        assert status == 404
        assert body["status"] == 404

    def test_shows_nothing_to_another_project(
        self, shop_keys: NewProject, other_keys: NewProject
    ) -> None:
        send_values(shop_keys.project, "level", [1])

        assert self.get(other_keys, path_of())[0] == 404

    def test_asks_for_a_key(self, shop: Project) -> None:
        send_values(shop, "level", [1])

        assert Client().get(path_of()).status_code == 401
        assert OpenBatch.objects.count() == 1
