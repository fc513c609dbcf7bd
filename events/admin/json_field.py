"""A form field in which staff write JSON, kept exactly as written."""

from collections.abc import Callable
from typing import Any

import msgspec
from django import forms
from django.core.exceptions import ValidationError

from events.metadata import read_json, write_json
from events.types import Json, Refusal


def pretty(value: Json) -> str:
    """Return JSON for people: indented, every number with its digits."""
    return msgspec.json.format(write_json(value), indent=2).decode()


class JsonFormField(forms.Field):
    """JSON text. `check` raises ValidationError where the value can't be used."""

    def __init__(self, *, check: Callable[[Json], None], rows: int, **options: Any) -> None:
        attributes = {"rows": rows, "spellcheck": "false", "class": "json"}
        super().__init__(widget=forms.Textarea(attributes), **options)
        self.check = check

    def prepare_value(self, value: Any) -> str:
        # What was typed comes back as text: a form with an error shows it unchanged.
        return value if isinstance(value, str) else pretty(value)

    def to_python(self, value: str | None) -> Json:
        read = read_json((value or "{}").encode())
        if isinstance(read, Refusal):
            raise ValidationError(read.message.replace("The body", "The text"))
        return read

    def validate(self, value: Json) -> None:
        self.check(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True
