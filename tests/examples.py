"""The requests that a page of the documentation shows, with the answers that it shows."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

FENCED = re.compile(r"^```\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
_REQUEST = re.compile(r"(GET|POST) (/\S*)(?:\n(.*))?", re.DOTALL)
_NAME = re.compile(r"\{(\w+)\}")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
_ANSWERS = re.compile(r"\A# answers (\d{3})\n")
_HOST = "http://127.0.0.1:8000"
# What curl says of a body where nobody says what it is.
_FORM = "application/x-www-form-urlencoded"
ANY = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request as it stands on a page; `shown` is the answer beside it, `status` its status.

    `headers` are those of a curl command; the API's page shows none.
    """

    method: str
    path: str
    body: str
    shown: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

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


def curl_examples(text: str, keys: Mapping[str, str]) -> Iterator[Example]:
    """Yield each curl command of a page, in order, with the JSON that must stand next to it.

    `$API_KEY` and the like are replaced by what `keys` holds under that name; a command that
    begins with the line `# answers 404` must be answered so, else with 200.
    """
    blocks = _BLOCK.findall(text)
    for place, (language, block) in enumerate(blocks):
        if language != "bash" or "curl " not in block:
            continue
        next_language, shown = blocks[place + 1]
        assert next_language == "json", f"No answer is shown for:\n{block}"
        yield _of_curl(_with_keys(block, keys), json.loads(shown))


def _with_keys(text: str, keys: Mapping[str, str]) -> str:
    return re.sub(r"\$?\b([A-Z]+(?:_KEY)?)\b", lambda found: keys.get(found[1], found[0]), text)


def _of_curl(block: str, shown: Any) -> Example:
    """Return what curl sends; a command or option that is not known here raises."""
    told = _ANSWERS.match(block)
    words = iter(shlex.split(block.replace("\\\n", " "), comments=True))
    assert next(words) == "curl"
    method, body, url = "", "", ""
    headers: dict[str, str] = {}
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(":")
                headers[name.lower()] = value.strip()
            case "-d":
                body = next(words)
            case _:
                assert not url, word
                assert word.startswith(f"{_HOST}/"), word
                url = word.removeprefix(_HOST)
    if body:
        headers = {"content-type": _FORM, **headers}
    return Example(
        method=method or ("POST" if body else "GET"),
        path=url,
        body=body,
        shown=shown,
        headers=headers,
        status=int(told[1]) if told else 200,
    )


def differences(shown: Any, answer: Any, path: str = "") -> list[str]:
    """Return where an answer is not what is shown; `…` stands for any text or number."""
    match shown, answer:
        case dict(), dict():
            names = shown.keys() | answer.keys()
            pairs = {name: (shown.get(name), answer.get(name)) for name in names}
            found = [f"{path}.{name}" for name in shown.keys() ^ answer.keys()]
        case list(), list() if len(shown) == len(answer):
            pairs, found = dict(enumerate(zip(shown, answer, strict=True))), []
        case _:
            is_any = shown == ANY and isinstance(answer, (str, int))
            return [] if is_any or shown == answer else [f"{path}: {answer!r}, shown as {shown!r}"]
    for name, (inner, other) in pairs.items():
        found += differences(inner, other, f"{path}.{name}")
    return found


def texts_in(value: Any) -> Iterator[tuple[str, str]]:
    """Yield each text and each whole number of an answer, as text, with its name."""
    if isinstance(value, dict):
        found = value.items()
        yield from ((name, str(inner)) for name, inner in found if isinstance(inner, (str, int)))
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, (dict, list)):
        for inner in children:
            yield from texts_in(inner)
