"""The statistics of fields: what they count, and when."""

import json
import math
import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import readings, rollup
from analytics.readings import Days
from analytics.serializers import Shape, statistics_json
from analytics.statistics import (
    FieldStatistics,
    Question,
    TypeStatistics,
    field_statistics,
    type_statistics,
)
from events.metadata import write_json
from events.models import Project
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
        monkeypatch.setattr(readings, "TAIL_EVENTS", 3)
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

    def test_of_long_arrays_count_every_element(self, shop: Project) -> None:
        longest = [f"item {n}" for n in range(1_114)]
        send_values(shop, "tags", [longest])
        fold_all()
        send_values(shop, "tags", [longest[:3], longest[:1] * 1_114])

        array = answer(shop, "tags", top=2)["array"]

        lengths = array["lengths"]
        assert (lengths["count"], lengths["sum"]) == (3, 2 * 1_114 + 3)
        assert (lengths["min"], lengths["max"]) == (3, 1_114)
        assert array["elements"][0] == {"value": "item 0", "count": 1_116, "rows": 3}
        assert array["elements"][1]["count"] == 2

    def test_of_nested_arrays_count_elements_by_their_json(self, shop: Project) -> None:
        nested: list[Json] = [
            [1, "a"],
            {"b": [Decimal("1.0")], "a": None},
            None,
            True,
            "true",
            1,
            "1",
        ]
        send_values(shop, "tags", [nested, [[1, "a"], []]])

        array = answer(shop, "tags")["array"]

        assert [(found["value"], found["count"], found["rows"]) for found in array["elements"]] == [
            ("1", 2, 1),
            ('[1,"a"]', 2, 2),
            ("true", 2, 1),
            ("[]", 1, 1),
            ("null", 1, 1),
            ('{"a":null,"b":[1]}', 1, 1),
        ]

    def test_of_few_numbers_are_exact(self, shop: Project) -> None:
        send_values(shop, "level", [2021, 2022, 2023])

        number = answer(shop, percentiles=["50", "75"], bins=2)["number"]

        assert (number["relative_error"], number["approximate"]) == (0, False)
        assert number["percentiles"] == {"50": 2022, "75": Decimal("2022.5")}
        assert [part["count"] for part in number["histogram"]] == [1, 2]

    def test_of_many_numbers_say_how_far_they_may_be_off(self, shop: Project) -> None:
        for start in range(0, 5_000, 1_000):
            send_values(shop, "level", list(range(start, start + 1_000)))
            fold_all()

        number = answer(shop, percentiles=["50"])["number"]

        assert (number["relative_error"], number["approximate"]) == (Decimal("0.01"), True)
        assert abs(number["percentiles"]["50"] / Decimal("2499.5") - 1) <= Decimal("0.01")
        assert (number["min"], number["max"], number["sum"]) == (0, 4_999, 4_999 * 2_500)

    def test_of_many_texts_are_exact_while_no_day_is_capped(self, shop: Project) -> None:
        for back in range(3):
            values: list[Json] = [f"order {back}-{n}" for n in range(900)]
            send_values(shop, "level", [*values, "same"], occurred_at=NOW - timedelta(days=back))
        fold_all()

        total = asked(shop, first=DAY - timedelta(days=2)).total

        assert total.text is not None
        assert (total.text.distinct, total.text.distinct_error) == (2_701, 0)
        assert total.text.top(1) == [("same", 3)]
        assert total.shown_type == "identifier"


@pytest.mark.django_db
class TestEvidence:
    def test_tells_what_arrived_as_each_kind_with_samples(self, shop: Project) -> None:
        send_values(shop, "price", [5, 5, 9, 7], occurred_at=NOW - timedelta(days=2))
        send_values(shop, "price", ["12", "12", "n/a", "2026-03-01"])
        fold_all()
        send_values(shop, "price", [3, "n/a", "?", "-", "!", True, {}, [1], None, "1.2.3"])

        found = asked(shop, "price", first=DAY - timedelta(days=2))

        before = DAY - timedelta(days=2)
        table = [
            (one.kind, one.count, one.samples, one.first_day, one.last_day)
            for one in found.evidence
        ]
        assert table == [
            ("number", 5, [3, 9], before, DAY),
            ("text", 5, ["n/a", "!", "-"], DAY, DAY),
            ("numeric_text", 2, ["12"], DAY, DAY),
            ("array", 1, (), DAY, DAY),
            ("boolean", 1, [True], DAY, DAY),
            ("date", 1, ["2026-03-01"], DAY, DAY),
            ("object", 1, (), DAY, DAY),
            ("version", 1, ["1.2.3"], DAY, DAY),
        ]
        assert sum(one.share for one in found.evidence) == pytest.approx(1)
        assert found.total.shown_type == "mixed"

    def test_speaks_against_a_declared_type(self, shop: Project) -> None:
        make.event_type(shop, "play", fields={"price": "number"})
        send_values(shop, "price", [1, 2, "3", "n/a"])

        [conflict] = asked(shop, "price").conflicts

        assert (conflict.kind, conflict.share, conflict.samples) == ("text", 0.25, ["n/a"])
        assert conflict.first_day == DAY

    def test_of_a_personal_field_has_no_samples(self, shop: Project) -> None:
        send_values(shop, "email", ["a@example.org", 1, True])
        email = field(shop, "email")
        email.personal = True
        email.save()

        assert [one.samples for one in asked(shop, "email").evidence] == [()] * 3


def type_asked(project: Project, *names: str, first: date = DAY) -> TypeStatistics:
    play = project.event_types.get(name="play")
    return type_statistics(
        play,
        Days(project=project, first=first, last=DAY),
        now=NOW,
        fields=[field(project, name) for name in names],
    )


@pytest.mark.django_db
class TestTypeStatistics:
    def test_have_each_field_as_it_is_alone(self, shop: Project) -> None:
        send(
            shop,
            Sent(metadata={"level": 1, "map": "x"}, occurred_at=NOW - timedelta(days=1)),
            Sent(metadata={"level": None, "map": "y"}),
        )
        fold_all()
        send(shop, Sent(metadata={"level": "3", "tags": []}), Sent(metadata={}, event="other"))

        found = type_asked(shop, "tags", "level", "map", first=DAY - timedelta(days=1))

        assert (found.rows, found.tail_rows, found.complete_to) == (3, 1, NOW)
        assert {day: events.count for day, events in found.daily.items()} == {
            DAY - timedelta(days=1): 1,
            DAY: 2,
        }
        assert [summary.field.name for summary in found.fields] == ["tags", "level", "map"]
        for summary in found.fields:
            alone = asked(shop, summary.field.name, first=DAY - timedelta(days=1))
            assert summary.total == alone.total
            assert summary.evidence == alone.evidence
            assert summary.conflicts == alone.conflicts
            filled = {day: values.filled for day, values in alone.days.items()}
            assert summary.daily == {day: count for day, count in filled.items() if count}

    def test_take_as_many_queries_for_many_fields(
        self, shop: Project, django_assert_max_num_queries: Any
    ) -> None:
        names = [f"field {n}" for n in range(30)]
        send(shop, Sent(metadata=dict.fromkeys(names, 1)))
        fold_all()
        play = shop.event_types.get(name="play")
        fields = list(play.fields.order_by("name"))
        days = Days(project=shop, first=DAY, last=DAY)

        with django_assert_max_num_queries(5):
            found = type_statistics(play, days, now=NOW, fields=fields)

        assert [summary.total.filled for summary in found.fields] == [1] * 30

    def test_of_fields_without_values_are_empty(self, shop: Project) -> None:
        make.event_type(shop, "play", fields={"level": "auto"})

        found = type_asked(shop, "level")

        assert (found.rows, found.daily) == (0, {})
        assert [(one.total.rows, one.daily, one.evidence) for one in found.fields] == [(0, {}, [])]

    def test_are_of_a_page_of_fields_at_most(self, shop: Project) -> None:
        made = make.event_type(shop, "play", fields={f"f{n}": "auto" for n in range(101)})
        days = Days(project=shop, first=DAY, last=DAY)

        with pytest.raises(ValueError, match="101 fields were asked for; at most 100 are read"):
            type_statistics(made, days, now=NOW, fields=list(made.fields.all()))


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
