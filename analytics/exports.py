"""Tables as CSV (RFC 4180)."""

import csv
import io
import re

from analytics.panels import Cell, Table

# A spreadsheet takes a text that begins so for a formula, and some formulas call programs:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

_UNSAFE = re.compile(r"[^0-9A-Za-z._-]")  # in the name of a file, on some system
_NAME_CHARACTERS = 80


def csv_of(table: Table) -> str:
    """Return a header and the rows of a table, numbers with all their digits.

    Columns that are only drawn are left out. A text that a spreadsheet would take for a formula
    gets an apostrophe before it.
    """
    written = io.StringIO()
    writer = csv.writer(written)
    shown = [place for place in range(len(table.columns)) if not _is_drawn(table, place)]
    writer.writerow([_harmless(table.columns[place]) for place in shown])
    writer.writerows([_text_of(row[place]) for place in shown] for row in table.rows)
    return written.getvalue()


def file_name(*parts: str) -> str:
    """Return names as the name of a file, of letters, digits, dots, hyphens and underscores."""
    return "-".join(_plain(part) for part in parts) + ".csv"


def _is_drawn(table: Table, place: int) -> bool:
    cells = [row[place] for row in table.rows]
    return bool(cells) and all(cell.spark and not cell.text for cell in cells)


def _text_of(cell: Cell) -> str:
    if cell.value:
        return cell.value
    return _harmless(f"{cell.text} ({cell.note})" if cell.note else cell.text)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _plain(name: str) -> str:
    return _UNSAFE.sub("_", name)[:_NAME_CHARACTERS]
