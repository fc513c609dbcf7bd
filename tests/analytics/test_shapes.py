"""Dates and versions are told by their texts."""

import random

import pytest

from analytics.sketches.shapes import is_date, is_version, shape_of, version_key
from analytics.sketches.texts import value_key

pytestmark = pytest.mark.once

DATES = [
    "2026-03-02",
    "2024-02-29",
    "2026-03-02T09:30",
    "2026-03-02 09:30:00",
    "2026-03-02t09:30:60z",
    "2026-03-02T09:30:00.123456789Z",
    "2026-03-02T09:30:00,5+05:45",
    "2026-03-02 09:30:00 -0800",
]
VERSIONS = [
    "2.10.0",
    "v1.2",
    "V1.2",
    "120.0.6099.71",
    "1.5-beta",
    "1.0.0-rc.1+build.5",
    "2.9.0+7",
    "v10.0.0.1",
    "10.0.0.1-rc1",
    "2026.03.02",
]
NEITHER = [
    "",
    "0012",
    "2023-01",
    "2023-02-30",
    "0000-01-01",
    "20230105",
    "1712345678",
    "1.5",
    "-1.5",
    "1.5-2",
    "1.",
    "1..2",
    "1.2.3.4.5",
    "10.0.0.1",
    "255.255.255.255",
    "v",
    "v2",
    "version 1.2",
    "1.2.3 ",
    " 2026-03-02",
    "2026-03-02T",
    "2026-03-02T09",
    "2026-03-02T25:00",
    "2026-03-02T9:30",
    "2026-3-2",
    "２０２６-03-02",
    "localhost:8000",
    "cave",
    "1.2." + "3" * 64,
    "2026-03-02" + "x" * 300,
]


class TestIsDate:
    @pytest.mark.parametrize("text", DATES)
    def test_takes_a_calendar_date(self, text: str) -> None:
        assert is_date(text)

    @pytest.mark.parametrize("text", NEITHER + VERSIONS)
    def test_refuses_what_is_none(self, text: str) -> None:
        assert not is_date(text)


class TestIsVersion:
    @pytest.mark.parametrize("text", VERSIONS)
    def test_takes_groups_of_digits(self, text: str) -> None:
        assert is_version(text)

    @pytest.mark.parametrize("text", NEITHER + DATES)
    def test_refuses_what_is_none(self, text: str) -> None:
        assert not is_version(text)


class TestShapeOf:
    def test_names_the_shape(self) -> None:
        assert {shape_of(text) for text in DATES} == {"date"}
        assert {shape_of(text) for text in VERSIONS} == {"version"}
        assert {shape_of(text) for text in NEITHER} == {None}

    @pytest.mark.parametrize("text", ["2026-03-02" * 40, "1.2" * 100])
    def test_is_the_same_of_a_shortened_text(self, text: str) -> None:
        assert shape_of(value_key(text)) is shape_of(text) is None


class TestVersionKey:
    def test_sorts_versions_by_their_precedence(self) -> None:
        """The pre-releases are those of semver.org, 11."""
        rising = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.5",
            "v1.10",
            "2.9.0",
            "2.10.0",
            "120.0.6099.71",
            "120.0.6099.109",
            "cave",
            "version 1",
        ]
        shuffled = random.Random(1).sample(rising, len(rising))

        assert sorted(shuffled, key=version_key) == rising

    def test_takes_missing_groups_as_zero(self) -> None:
        first, second = version_key("1.2"), version_key("v1.2.0")

        assert first[:-1] == second[:-1]
        assert first < second
