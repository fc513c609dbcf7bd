"""Tests of tables as CSV."""

import csv
import io

import pytest

from analytics import sparks
from analytics.exports import csv_of, file_name
from analytics.panels import Cell, Table


def table(*cells: Cell) -> Table:
    return Table(caption="c", columns=["Name", *(["More"] * (len(cells) - 1))], rows=[cells])


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


class TestCsv:
    def test_has_numbers_with_all_their_digits(self) -> None:
        shown = table(Cell(text="a"), Cell(text="1,234.57", value="1234.5678901234567890"))

        assert csv_of(shown) == "Name,More\r\na,1234.5678901234567890\r\n"

    @pytest.mark.parametrize("text", ['say "hi"', "a,b", "line\r\nbreak", "Größe 日本", ""])
    def test_gives_texts_back(self, text: str) -> None:
        assert read(csv_of(table(Cell(text="a"), Cell(text=text))))[1] == ["a", text]

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
    def test_holds_no_formulas(self, text: str) -> None:
        assert read(csv_of(table(Cell(text=text))))[1] == [f"'{text}"]

    def test_leaves_negative_numbers_as_they_are(self) -> None:
        assert read(csv_of(table(Cell(text="-1,000", value="-1000"))))[1] == ["-1000"]

    def test_leaves_out_columns_that_are_only_drawn(self) -> None:
        drawn = Cell(text="", spark=sparks.line([1, 2], label="by day"))

        assert read(csv_of(table(Cell(text="a"), drawn, Cell(text="b", note="2 of 3")))) == [
            ["Name", "More"],
            ["a", "b (2 of 3)"],
        ]

    def test_has_a_header_without_rows(self) -> None:
        assert csv_of(Table(caption="c", columns=["A", "B"], rows=[])) == "A,B\r\n"


class TestFileName:
    def test_holds_nothing_that_a_system_refuses(self) -> None:
        assert file_name("shop", '../a"b\r\nc', "größe") == "shop-.._a_b__c-gr__e.csv"

    def test_is_never_too_long(self) -> None:
        assert len(file_name("a" * 500, "b" * 500)) < 200
