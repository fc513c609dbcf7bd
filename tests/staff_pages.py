"""The staff's pages as a browser asks for them."""

from dataclasses import dataclass
from html import unescape
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

# What the browser sends for each inline formset of a page without rows.
NO_ROWS = {"fields-TOTAL_FORMS": "0", "fields-INITIAL_FORMS": "0"}


def page_url(name: str, /, *args: object, **query: object) -> str:
    """Return the path of an admin page such as "rewards_rule_change"."""
    return reverse(f"admin:{name}", args=args, query=query or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer: `text` is the page with its entities resolved, `rows` a list's objects."""

    status: int
    text: str
    url: str
    context: Any

    @property
    def rows(self) -> list[Any]:
        return list(self.context["cl"].result_list)

    @property
    def errors(self) -> dict[str, list[str]]:
        return dict(self.context["adminform"].form.errors)


class Staff:
    """A browser in which a member of staff is logged in."""

    def __init__(self, user: User) -> None:
        self.client = Client()
        self.client.force_login(user)

    def open(self, name: str, /, *args: object, **query: object) -> Page:
        return self._page(self.client.get(page_url(name, *args, **query)))

    def send(self, name: str, /, *args: object, **values: object) -> Page:
        """Post a form and go where it leads."""
        return self._page(self.client.post(page_url(name, *args), values, follow=True))

    def act(self, name: str, action: str, *rows: Any) -> Page:
        """Choose an action on a list for some of its rows."""
        chosen = [row.pk for row in rows]
        return self.send(name, action=action, _selected_action=chosen)

    def _page(self, response: Any) -> Page:
        return Page(
            status=response.status_code,
            text=unescape(response.content.decode()),
            url=response.get("Location", response.request["PATH_INFO"]),
            context=response.context,
        )
