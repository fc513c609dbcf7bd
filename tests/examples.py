"""The requests that a page of the documentation shows, with the answers that it shows."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

FENCED = re.compile(r"^```\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
_REQUEST = re.compile(r"(GET|POST) (/\S*)(?:\n(.*))?", re.DOTALL)
_NAME = re.compile(r"\{(\w+)\}")
ANY = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request as it stands on a page; `shown` is the answer beside it."""

    method: str
    path: str
    body: str
    shown: Any

    def path_with(self, known: dict[str, str]) -> str:
        """Return the path with what former answers held for the names in braces."""
        return _NAME.sub(lambda found: known[found[1]], self.path)


def examples(text: str) -> Iterator[Example]:
    """Yield each request of a page, in order; its answer is the next thing that is fenced."""
    fenced = FENCED.findall(text)
    for place, block in enumerate(fenced):
        if found := _REQUEST.fullmatch(block):
            method, path, body = found.groups()
            yield Example(
                method=method, path=path, body=body or "", shown=json.loads(fenced[place + 1])
            )


def differences(shown: Any, answer: Any, path: str = "") -> list[str]:
    """Return where an answer is not what is shown; `…` stands for any text."""
    match shown, answer:
        case dict(), dict():
            names = shown.keys() | answer.keys()
            pairs = {name: (shown.get(name), answer.get(name)) for name in names}
            found = [f"{path}.{name}" for name in shown.keys() ^ answer.keys()]
        case list(), list() if len(shown) == len(answer):
            pairs, found = dict(enumerate(zip(shown, answer, strict=True))), []
        case _:
            is_any = shown == ANY and isinstance(answer, str)
            return [] if is_any or shown == answer else [f"{path}: {answer!r}, shown as {shown!r}"]
    for name, (inner, other) in pairs.items():
        found += differences(inner, other, f"{path}.{name}")
    return found


def texts_in(value: Any) -> Iterator[tuple[str, str]]:
    """Yield each text of an answer with its name."""
    if isinstance(value, dict):
        yield from ((name, inner) for name, inner in value.items() if isinstance(inner, str))
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, (dict, list)):
        for inner in children:
            yield from texts_in(inner)
