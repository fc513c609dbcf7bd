"""Lists of the native API: their filters, and their pages, the latest row first."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import QueryDict

from events import limits
from events.api import refused
from events.filters import BoundedFilter

PAGE_ROWS = 100
_LIMIT_DIGITS = 10  # int() raises where a text has thousands


def filtered(asked: BoundedFilter) -> QuerySet[Any]:
    """Return the rows that a filter leaves; raise the refusal of what can't be asked for."""
    if not asked.is_valid():
        field, errors = next(iter(asked.errors.items()))
        raise refused(field, str(errors[0]))
    rows: QuerySet[Any] = asked.qs
    return rows


def page_of(rows: QuerySet[Any], asked: QueryDict) -> tuple[list[Any], str | None]:
    """Return the page of rows at `cursor`, `limit` of them, and the cursor of the next."""
    rows = rows.order_by("-id")
    if cursor := asked.get("cursor"):
        rows = rows.filter(id__lt=cursor_in(cursor))
    size = number_asked(asked, "limit", PAGE_ROWS, least=1, most=limits.PAGE_ROWS)
    page = list(rows[: size + 1])
    return page[:size], str(page[size - 1].pk) if len(page) > size else None


def cursor_in(text: str) -> UUID:
    """Return the id that a cursor is, or raise its refusal."""
    try:
        return UUID(text)
    except ValueError as error:
        raise refused("cursor", "The cursor is not one that `next` gave.") from error


def number_asked(asked: QueryDict, name: str, default: int, *, least: int, most: int) -> int:
    """Return the whole number of a parameter, or raise its refusal."""
    text = asked.get(name, str(default))
    number = int(text) if text.isdecimal() and len(text) <= _LIMIT_DIGITS else -1
    if not least <= number <= most:
        raise refused(name, f"The {name} must be a number from {least} to {most}.")
    return number
