"""Tests of numbers as people read them."""

from decimal import Decimal

import pytest

from analytics import numerals


class TestExact:
    @pytest.mark.parametrize(
        ("number", "text"),
        [
            (0, "0"),
            (-1234567, "-1,234,567"),
            (10**20, "100,000,000,000,000,000,000"),
            (Decimal("1234.50"), "1,234.50"),
            (Decimal("1E+20"), "100,000,000,000,000,000,000"),
            (Decimal("1E-7"), "0.0000001"),
        ],
    )
    def test_has_all_digits(self, number: int | Decimal, text: str) -> None:
        assert numerals.exact(number) == text


class TestReadable:
    @pytest.mark.parametrize(
        ("number", "text"),
        [
            (0, "0"),
            (Decimal("0.00"), "0.00"),
            (Decimal("12.50"), "12.50"),
            (Decimal("233832.8600000000000004440892"), "233,832.86"),
            (Decimal("99999999999999.99"), "100,000,000,000,000"),
            (Decimal("-123456789012345678901"), "-123,456,789,012,345,678,901"),
            (Decimal("1234567890123456789012"), "1.23456789012346e+21"),
            (Decimal("1E-16"), "0.0000000000000001"),
            (Decimal("1E-30"), "1e-30"),
        ],
    )
    def test_leaves_out_digits_that_say_nothing(self, number: int | Decimal, text: str) -> None:
        assert numerals.readable(number) == text


class TestRounded:
    @pytest.mark.parametrize(
        ("number", "text"),
        [
            (0.0, "0"),
            (2.5, "2.5"),
            (1 / 3, "0.333333"),
            (-1234567.89, "-1,234,568"),
            (1000.0, "1,000"),
            (999999.5, "1,000,000"),
            (0.00012345678, "0.000123457"),
            (1e-9, "1e-09"),
            (1.5e20, "1.5e+20"),
            (Decimal("12.50"), "12.5"),
            (9007199254740992.0, "9.0072e+15"),
            (Decimal("9007199254740993"), "9,007,199,254,740,993"),
            (Decimal("1E21"), "1e+21"),
        ],
    )
    def test_has_six_digits(self, number: float | Decimal, text: str) -> None:
        assert numerals.rounded(number) == text


class TestShare:
    @pytest.mark.parametrize(
        ("part", "whole", "text"),
        [
            (0, 7, "0 %"),
            (7, 7, "100 %"),
            (1, 3, "33.3 %"),
            (1, 1_000_000, "< 0.1 %"),
            (999_999, 1_000_000, "> 99.9 %"),
            (0, 0, "–"),
        ],
    )
    def test_is_whole_only_where_it_is_exact(self, part: int, whole: int, text: str) -> None:
        assert numerals.share(part, whole) == text


class TestChange:
    @pytest.mark.parametrize(
        ("current", "previous", "direction", "text"),
        [
            (5, 5, "same", "→ unchanged"),
            (0, 0, "same", "→ unchanged"),
            (5, 0, "new", "▲ new"),
            (15, 10, "up", "▲ 50.0 % more"),
            (20, 10, "up", "▲ 100 % more"),
            (5, 10, "down", "▼ 50.0 % less"),
            (0, 10, "down", "▼ 100 % less"),
            (100_001, 100_000, "up", "▲ < 0.1 % more"),
            (-5, -10, "up", "▲ 50.0 % more"),
        ],
    )
    def test_says_how_much_more_or_less(
        self, current: int, previous: int, direction: str, text: str
    ) -> None:
        found = numerals.change(current, previous)

        assert (found.direction, found.text) == (direction, text)
