"""What a field is, and what speaks against it."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from analytics.profiles import Evidence, Kind, conflicts_of, evidence_of, kind_of_text, type_of
from analytics.sketches import TextSummary

MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(days=1)


def texts(*values: str) -> TextSummary:
    return TextSummary.of(values)


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
        self, declared: Any, types: Mapping[str, int], expected: str | None
    ) -> None:
        assert type_of(declared, types) == expected

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            pytest.param(["2.9.0", "2.10.0"], "version", id="versions"),
            pytest.param(["v1.2"], "version", id="version-with-v"),
            pytest.param(["2026-03-02", "2026-03-02T10:00:00Z"], "date", id="dates"),
            pytest.param(["2023-01"], "text", id="a-month-alone"),
            pytest.param(["0012"], "text", id="leading-zeros"),
            pytest.param(["12", "13"], "text", id="numbers-in-texts"),
            pytest.param(["0x00ab"], "text", id="hexadecimal"),
            pytest.param(["localhost:8000"], "text", id="host-and-port"),
            pytest.param(["10.0.0.1"], "text", id="an-address"),
            pytest.param(["2.9.0", "2026-03-02"], "text", id="versions-and-dates"),
            pytest.param(["1.2.3"] * 99 + ["x"], "version", id="99-percent-versions"),
            pytest.param(["1.2.3"] * 98 + ["x"], "text", id="below-99-percent-versions"),
            pytest.param(["2026-03-02"] * 99 + ["x"], "date", id="99-percent-dates"),
            pytest.param(["2026-03-02"] * 98 + ["x"], "text", id="below-99-percent-dates"),
        ],
    )
    def test_of_texts_is_told_by_nearly_all_of_them(self, values: list[str], expected: str) -> None:
        assert type_of("auto", {"text": len(values)}, texts(*values)) == expected

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            pytest.param(range(100), "identifier", id="a-hundred-different-ones"),
            pytest.param(range(99), "text", id="too-few-to-tell"),
            pytest.param([*range(90), *[0] * 10], "identifier", id="90-percent-distinct"),
            pytest.param([*range(89), *[0] * 11], "text", id="less-than-90-percent-distinct"),
            pytest.param(range(5_000), "identifier", id="more-than-are-counted-one-by-one"),
            pytest.param([*range(2_500)] * 2, "text", id="each-one-twice"),
        ],
    )
    def test_of_texts_nearly_all_distinct_is_identifier(
        self, values: Iterable[int], expected: str
    ) -> None:
        named = [f"order {value}" for value in values]

        assert type_of("auto", {"text": len(named)}, texts(*named)) == expected

    def test_of_distinct_moments_is_date(self) -> None:
        moments = [f"2026-03-02T10:{n // 60:02}:{n % 60:02}Z" for n in range(200)]

        assert type_of("auto", {"text": 200}, texts(*moments)) == "date"


class TestKindOfText:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("12", "numeric_text"),
            ("-1.5e3", "numeric_text"),
            ("2.10", "numeric_text"),
            ("2.10.0", "version"),
            ("2026-03-02", "date"),
            ("0012", "text"),
            ("", "text"),
        ],
    )
    def test_is_what_it_reads_as(self, text: str, expected: Kind) -> None:
        assert kind_of_text(text) == expected

    @pytest.mark.parametrize("text", ["12", "1.5e-3", "2.10.0", "1.5-rc1", "2026-03-02 10:00", "é"])
    def test_agrees_with_what_a_summary_counts(self, text: str) -> None:
        summary = texts(text)

        kind = kind_of_text(text)

        assert (summary.dates, summary.versions) == (kind == "date", kind == "version")


def evidence(kind: Kind, count: int, share: float, **rest: Any) -> Evidence:
    columns: dict[str, Any] = {"samples": (), "first_day": MONDAY, "last_day": MONDAY}
    return Evidence(kind=kind, count=count, share=share, **columns | rest)


class TestEvidence:
    def test_has_the_most_frequent_kind_first(self) -> None:
        found = evidence_of(
            {
                TUESDAY: {"number": 5, "text": 1, "boolean": 0},
                MONDAY: {"number": 2, "text": 0, "boolean": 0},
            },
            {"number": [1, 2, 3, 4], "boolean": [True]},
        )

        assert found == [
            evidence("number", 7, 0.875, samples=[1, 2, 3], last_day=TUESDAY),
            evidence("text", 1, 0.125, first_day=TUESDAY, last_day=TUESDAY),
        ]

    def test_of_nothing_is_empty(self) -> None:
        assert evidence_of({MONDAY: {"number": 0}}, {}) == []


class TestConflicts:
    @pytest.mark.parametrize(
        ("declared", "shown", "kinds", "expected"),
        [
            pytest.param("auto", "number", {"number": 995, "text": 5}, ["text"], id="a-slip"),
            pytest.param("auto", "mixed", {"number": 9, "text": 1}, ["text"], id="mixed"),
            pytest.param(
                "auto",
                "mixed",
                {"number": 4, "text": 3, "date": 3},
                ["number"],
                id="mixed-mostly-texts-of-two-kinds",
            ),
            pytest.param("auto", "mixed", {"object": 3}, [], id="objects-alone"),
            pytest.param(
                "auto",
                "text",
                {"text": 5, "numeric_text": 2, "date": 1, "version": 1},
                [],
                id="all-are-texts",
            ),
            pytest.param("auto", "identifier", {"numeric_text": 200}, [], id="numeric-identifiers"),
            pytest.param("auto", "date", {"date": 99, "text": 1}, ["text"], id="no-date"),
            pytest.param("auto", "version", {"version": 99, "text": 1}, ["text"], id="no-version"),
            pytest.param(
                "number",
                "number",
                {"number": 5, "numeric_text": 4, "text": 1},
                ["text"],
                id="declared-a-number",
            ),
            pytest.param("text", "text", {"number": 3}, ["number"], id="declared-a-text"),
            pytest.param("version", "version", {"number": 3}, ["number"], id="declared-a-version"),
            pytest.param("boolean", "boolean", {}, [], id="nothing-came"),
        ],
    )
    def test_are_kinds_other_than_the_type(
        self, declared: Any, shown: Any, kinds: Mapping[Kind, int], expected: list[str]
    ) -> None:
        found = evidence_of({MONDAY: kinds}, {})

        assert [conflict.kind for conflict in conflicts_of(declared, shown, found)] == expected
