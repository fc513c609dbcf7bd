"""The awards of rules: what one occurrence is worth, before limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from itertools import pairwise
from typing import Literal, TypeAlias

from events.limits import POINTS_PER_AWARD
from events.types import Json, JsonObject
from rewards.fields import Field, Occurrence, read_field
from rewards.reading import (
    RuleError,
    as_number,
    inner,
    portable,
    read_choice_or_first,
    read_list,
    read_number,
    read_object,
    read_positive,
    read_whole,
    shown,
)

Step: TypeAlias = Literal["exact", "whole"]
Rounding: TypeAlias = Literal["floor", "half_up", "ceil"]

STEPS: tuple[Step, ...] = ("exact", "whole")
ROUNDINGS: tuple[Rounding, ...] = ("floor", "half_up", "ceil")
TABLE_ROWS = 100

# A definition's numbers lie between 10^-30 and 10^30, so that a rate lies between 10^-60 and
# 10^60: from 10^100 on every amount is worth the most there is, below 10^-100 less than half a
# point. Amounts beyond are judged by their size alone, for 1e999999 has a million digits.
_JUDGED_DIGITS = 100
_JUDGED_BITS = 400
# No trap: a trace is for reading, and must never stop an award.
_SHOWN = Context(prec=30, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The points that an award wants to give, and each number on the way there."""

    points: int
    trace: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedAward:
    """The same points each time."""

    points: int

    def worth(self, occurrence: Occurrence) -> Worth | None:
        return Worth(points=self.points, trace={})


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnitAward:
    """Points in proportion to an amount: `points` for each `per` of the field.

    Step whole counts whole units only; the result is rounded once, then held within
    `min_points` and `max_points`.
    """

    points: Decimal
    per: Decimal
    field: Field
    step: Step = "exact"
    rounding: Rounding = "floor"
    min_points: int = 0
    max_points: int = POINTS_PER_AWARD

    def worth(self, occurrence: Occurrence) -> Worth | None:
        """Return what the amount earns; None where it is unknown or negative."""
        amount = _amount(self.field, occurrence)
        if amount is None:
            return None
        rounded = self.points_for(amount)
        points = min(max(rounded, self.min_points), self.max_points)
        trace: JsonObject = {
            "amount": _written(amount),
            "unrounded": self._unrounded(amount),
            "rounded": rounded,
        }
        return Worth(points=points, trace=trace)

    def points_for(self, amount: int | Decimal) -> int:
        """Return the points of an amount ≥ 0, exact whatever its digits, rounded once."""
        if not amount:
            return 0
        size = _size(amount)
        if size is not None:
            return size * POINTS_PER_AWARD if size else self._least_points()
        top, bottom = amount.as_integer_ratio()
        points_top, points_bottom = self.points.as_integer_ratio()
        per_top, per_bottom = self.per.as_integer_ratio()
        top, bottom = top * per_bottom, bottom * per_top
        if self.step == "whole":
            top, bottom = top // bottom, 1
        rounded = _ROUND[self.rounding](top * points_top, bottom * points_bottom)
        return min(rounded, POINTS_PER_AWARD)

    def _least_points(self) -> int:
        return int(self.step == "exact" and self.rounding == "ceil")

    def _unrounded(self, amount: int | Decimal) -> str:
        units = _SHOWN.divide(_SHOWN.create_decimal(amount), self.per)
        if self.step == "whole":
            units = units.to_integral_value(rounding="ROUND_FLOOR")
        return _written(_SHOWN.multiply(units, self.points))


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """Points for an amount from `start` (included) to `end` (excluded; None is without end)."""

    start: Decimal
    end: Decimal | None
    points: int

    def holds(self, amount: int | Decimal) -> bool:
        return self.start <= amount and (self.end is None or amount < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAward:
    """The points of the row that holds the amount; nothing where none does."""

    field: Field
    rows: tuple[TableRow, ...]

    def worth(self, occurrence: Occurrence) -> Worth | None:
        """Return what the amount earns; None where it is unknown, negative or in no row."""
        amount = _amount(self.field, occurrence)
        if amount is None:
            return None
        for row in self.rows:
            if row.holds(amount):
                return Worth(points=row.points, trace={"amount": _written(amount)})
        return None


Award: TypeAlias = FixedAward | PerUnitAward | TableAward


def read_award(value: Json, path: str) -> Award:
    """Return the award; raise RuleError where the JSON is not one."""
    if not isinstance(value, Mapping):
        raise RuleError(path, f"must be an object, not {shown(value)}")
    kinds = [kind for kind in ("fixed", "per_unit", "table", "multiply") if kind in value]
    if len(kinds) != 1:
        raise RuleError(path, "must have exactly one of fixed, per_unit and table")
    return _AWARD_READERS[kinds[0]](value, path)


def award_json(award: Award) -> JsonObject:
    """Return the award's JSON, defaults filled in."""
    match award:
        case FixedAward():
            return {"fixed": award.points}
        case PerUnitAward():
            return {"per_unit": _per_unit_json(award)}
        case TableAward():
            return {"table": [_row_json(row) for row in award.rows], "field": award.field.name}


def describe_award(award: Award) -> str:
    """Return what the award gives, in words that complete "Gives …"."""
    match award:
        case FixedAward():
            return points_words(award.points)
        case PerUnitAward():
            return _per_unit_words(award)
        case TableAward():
            rows = "; ".join(_row_words(row) for row in award.rows)
            return f"points by {award.field.words} ({rows})"


def points_words(points: int | Decimal) -> str:
    """Return "1 point", "2 points"."""
    return "1 point" if points == 1 else f"{portable(points)} points"


def _per_unit_words(award: PerUnitAward) -> str:
    unit = f"{'whole ' if award.step == 'whole' else ''}{portable(award.per)}"
    words = f"{points_words(award.points)} per {unit} of {award.field.words}"
    # Whole points for whole units leave nothing to round.
    if award.step == "exact" or award.points.as_integer_ratio()[1] != 1:
        words += f", {_ROUNDING_WORDS[award.rounding]}"
    bounds = [f"at least {award.min_points}"] if award.min_points else []
    if award.max_points != POINTS_PER_AWARD:
        bounds.append(f"at most {award.max_points}")
    return f"{words}, {' and '.join(bounds)}" if bounds else words


def _row_words(row: TableRow) -> str:
    start = portable(row.start)
    bounds = f"from {start}" if row.end is None else f"from {start} to below {portable(row.end)}"
    return f"{points_words(row.points)} {bounds}"


def _per_unit_json(award: PerUnitAward) -> JsonObject:
    return {
        "points": portable(award.points),
        "per": portable(award.per),
        "field": award.field.name,
        "step": award.step,
        "rounding": award.rounding,
        "min": award.min_points or None,
        "max": None if award.max_points == POINTS_PER_AWARD else award.max_points,
    }


def _row_json(row: TableRow) -> JsonObject:
    end = None if row.end is None else portable(row.end)
    return {"from": portable(row.start), "to": end, "points": row.points}


def _read_fixed(value: Json, path: str) -> FixedAward:
    given = read_object(value, path, required=("fixed",))
    return FixedAward(points=_read_points(given["fixed"], inner(path, "fixed"), least=1))


def _read_points(value: Json, path: str, *, least: int = 0) -> int:
    return read_whole(value, path, least=least, most=POINTS_PER_AWARD)


def _read_per_unit(value: Json, outer_path: str) -> PerUnitAward:
    path = inner(outer_path, "per_unit")
    given = read_object(
        read_object(value, outer_path, required=("per_unit",))["per_unit"],
        path,
        required=("points", "per", "field"),
        optional=("step", "rounding", "min", "max"),
    )
    least, most = given.get("min"), given.get("max")
    min_points = 0 if least is None else _read_points(least, inner(path, "min"))
    max_path = inner(path, "max")
    max_points = POINTS_PER_AWARD if most is None else _read_points(most, max_path, least=1)
    if min_points > max_points:
        raise RuleError(max_path, f"must not be below the min of {min_points}")
    return PerUnitAward(
        points=read_positive(given["points"], inner(path, "points")),
        per=read_positive(given["per"], inner(path, "per")),
        field=_read_amount_field(given["field"], inner(path, "field")),
        step=read_choice_or_first(given.get("step"), inner(path, "step"), STEPS),
        rounding=read_choice_or_first(given.get("rounding"), inner(path, "rounding"), ROUNDINGS),
        min_points=min_points,
        max_points=max_points,
    )


def _read_table(value: Json, path: str) -> TableAward:
    given = read_object(value, path, required=("table", "field"))
    table_path = inner(path, "table")
    rows = read_list(given["table"], table_path, _read_row, least=1, most=TABLE_ROWS)
    rows = tuple(sorted(rows, key=lambda row: row.start))
    for row, following in pairwise(rows):
        if row.end is None or row.end > following.start:
            raise RuleError(table_path, f"has two rows that hold {portable(following.start)}")
    return TableAward(field=_read_amount_field(given["field"], inner(path, "field")), rows=rows)


def _read_row(value: Json, path: str) -> TableRow:
    given = read_object(value, path, required=("points",), optional=("from", "to"))
    start, end = given.get("from"), given.get("to")
    row = TableRow(
        start=Decimal(0) if start is None else read_number(start, inner(path, "from")),
        end=None if end is None else read_number(end, inner(path, "to")),
        points=_read_points(given["points"], inner(path, "points")),
    )
    if row.start < 0:
        raise RuleError(inner(path, "from"), "must not be below 0, as such amounts earn nothing")
    if row.end is not None and row.end <= row.start:
        raise RuleError(inner(path, "to"), "must be above from")
    return row


def _read_multiply(value: Json, path: str) -> Award:
    raise RuleError(
        inner(path, "multiply"), "can't be used yet; give fixed, per_unit or table instead"
    )


def _read_amount_field(value: Json, path: str) -> Field:
    field = read_field(value, path)
    if field.is_number:
        raise RuleError(path, f"must be event.<key> or customer.<attribute>, not {field.name}")
    return field


_AWARD_READERS: Mapping[str, Callable[[Json, str], Award]] = {
    "fixed": _read_fixed,
    "per_unit": _read_per_unit,
    "table": _read_table,
    "multiply": _read_multiply,
}

_ROUNDING_WORDS: Mapping[Rounding, str] = {
    "floor": "rounded down",
    "half_up": "rounded half up",
    "ceil": "rounded up",
}

_ROUND: Mapping[Rounding, Callable[[int, int], int]] = {
    "floor": lambda top, bottom: top // bottom,
    "half_up": lambda top, bottom: (2 * top + bottom) // (2 * bottom),
    "ceil": lambda top, bottom: -(-top // bottom),
}


def _amount(field: Field, occurrence: Occurrence) -> int | Decimal | None:
    amount = as_number(field.seen(occurrence))
    return None if amount is None or amount < 0 else amount


def _size(amount: int | Decimal) -> int | None:
    """Return 1 for an amount beyond all rates, 0 for one below them, None for all others."""
    if isinstance(amount, int):
        return 1 if amount.bit_length() > _JUDGED_BITS else None
    if abs(amount.adjusted()) <= _JUDGED_DIGITS:
        return None
    return int(amount.adjusted() > 0)


def _written(number: int | Decimal) -> str:
    return str(_SHOWN.create_decimal(number))


_NUMBER_SCHEMA: JsonObject = {"type": ["number", "string"]}
_POINTS_SCHEMA: JsonObject = {
    "type": ["integer", "string", "null"],
    "minimum": 0,
    "maximum": POINTS_PER_AWARD,
}
_AMOUNT_SCHEMA: JsonObject = {"type": "string", "pattern": r"^(event|customer)\..+$"}


def _only(properties: JsonObject, *, required: tuple[str, ...]) -> JsonObject:
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": properties,
    }


_PER_UNIT_SCHEMA = _only(
    {
        "points": _NUMBER_SCHEMA,
        "per": _NUMBER_SCHEMA,
        "field": _AMOUNT_SCHEMA,
        "step": {"enum": [*STEPS, None], "default": STEPS[0]},
        "rounding": {"enum": [*ROUNDINGS, None], "default": ROUNDINGS[0]},
        "min": _POINTS_SCHEMA,
        "max": _POINTS_SCHEMA,
    },
    required=("points", "per", "field"),
)
_TABLE_SCHEMA: JsonObject = {
    "type": "array",
    "minItems": 1,
    "maxItems": TABLE_ROWS,
    "items": _only(
        {
            "from": {"type": ["number", "string", "null"], "default": 0},
            "to": {"type": ["number", "string", "null"]},
            "points": {"type": ["integer", "string"]},
        },
        required=("points",),
    ),
}

AWARD_SCHEMA: JsonObject = {
    "oneOf": [
        _only({"fixed": {"type": ["integer", "string"]}}, required=("fixed",)),
        _only({"per_unit": _PER_UNIT_SCHEMA}, required=("per_unit",)),
        _only({"table": _TABLE_SCHEMA, "field": _AMOUNT_SCHEMA}, required=("table", "field")),
    ]
}
"""An award as JSON Schema."""
