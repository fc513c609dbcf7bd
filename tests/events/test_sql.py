"""Set-based statements: rows that are given to them arrive as they are."""

import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection

from events.sql import execute, given

pytestmark = pytest.mark.django_db

ODD_TEXTS = [
    'a "quote"',
    "back\\slash",
    '\\"',
    "comma, {brace}",
    "NULL",
    "",
    " ",
    "new\nline",
    "\x01é☃🐍",
    "'; --",
]


def returned(rows: list[tuple[Any, ...]], *types: str) -> list[tuple[Any, ...]]:
    query, parameters = given(rows, *types)
    return execute(f"WITH given AS ({query}) SELECT * FROM given", parameters)


class TestGivenRows:
    def test_keep_every_text(self) -> None:
        rows = [(number, text) for number, text in enumerate(ODD_TEXTS)]

        assert returned(rows, "bigint", "text") == rows

    def test_keep_every_text_beside_a_null(self) -> None:
        rows = [(number, text) for number, text in enumerate([*ODD_TEXTS, None])]

        assert returned(rows, "bigint", "text") == rows

    def test_keep_a_single_empty_text(self) -> None:
        assert returned([("",)], "text") == [("",)]

    @pytest.mark.postgresql
    def test_keep_the_other_types(self) -> None:
        row = (uuid.uuid4(), datetime(2026, 3, 2, 9, 0, 0, 1, UTC), date(2026, 3, 2), b"\x00\xff")

        assert returned([row, row], "uuid", "timestamptz", "date", "bytea") == [row, row]

    @pytest.mark.postgresql
    def test_are_refused_where_a_text_holds_what_can_not_be_stored(self) -> None:
        """Texts are joined by U+0000 to be escaped at once: one that holds it must not be split."""
        assert connection.vendor == "postgresql"
        with pytest.raises((DatabaseError, ValueError)):
            returned([(1, "a\x00b"), (2, "c")], "bigint", "text")
