"""Pages as a reader's browser gets them, without a browser."""

import json
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse


class Document(HTMLParser):
    """What a page holds: its links, its tables by caption, its JSON by id, its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.json: dict[str, Any] = {}
        self.inline_scripts: list[str] = []
        self._path: list[tuple[str, dict[str, str | None]]] = []
        self._cells: list[list[str]] = []
        self._text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self._path.append((tag, attributes))
        match tag:
            case "table":
                self._cells = []
            case "tr":
                self._cells.append([])
            case "a" | "caption" | "script" | "td" | "th":
                self._text = ""
            case "data":
                self._text = attributes["value"] or ""

    def handle_data(self, data: str) -> None:
        # A number is read as programs read it.
        if not self._path or self._path[-1][0] != "data":
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        while self._path and self._path[-1][0] != tag:
            self._path.pop()
        _, attributes = self._path.pop()
        match tag:
            case "a":
                self.links[self._text.strip()] = attributes["href"] or ""
            case "caption":
                self.tables[self._text] = self._cells
            case "td" | "th":
                self._cells[-1].append(self._text.strip())
            case "script" if attributes.get("type") == "application/json":
                self.json[attributes["id"] or ""] = json.loads(self._text)
            case "script" if not attributes.get("src"):
                self.inline_scripts.append(self._text)


def get(client: Client, path: str) -> Document:
    """Return a page that must be there."""
    response = client.get(path)
    assert response.status_code == 200, response.content
    return Document(response.content.decode())


def field_path(name: str, *, event: str = "play") -> str:
    return reverse("field-page", args=["shop", event, name])
