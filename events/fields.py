"""A model field that keeps JSON exactly as it was written."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from events.metadata import read_json, write_json
from events.types import Refusal

# Django's Field takes no type parameters at run time.
if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field


class ExactJSONField(_Field):
    """JSON kept as text (`json` on PostgreSQL), numbers read back as int or Decimal.

    Not `jsonb`: that writes 1e100000 out as a hundred thousand digits, refuses 1e200000 with an
    error, and costs more to store. Nothing filters on what is inside.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "json" if connection.vendor == "postgresql" else "text"

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else write_json(value).decode()

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> str | None:
        return value if prepared else self.get_prep_value(value)

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        # psycopg would parse the json type itself, with floats.
        is_postgresql = compiler.connection.vendor == "postgresql"
        return (f"{sql}::text" if is_postgresql else sql), params

    def from_db_value(self, value: str | None, *_: object) -> Any:
        if value is None:
            return None
        read = read_json(value.encode())
        if isinstance(read, Refusal):
            raise ValueError(f"The column {self.name} holds what is not JSON: {read.message}")
        return read

    def to_python(self, value: Any) -> Any:
        return value
