"""A visit with a real browser, which notes what went wrong on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request, sync_playwright

Scheme: TypeAlias = Literal["light", "dark"]

DESKTOP_PIXELS = 1440
PHONE_PIXELS = 375
_HEIGHT_PIXELS = 900

# Chromium as root in a container, and without calls home.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_NOTE_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`${event.violatedDirective} forbids ${event.blockedURI}`));
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who visits which server, by which browser, with which screen.

    The password is that of `make.staff`.
    """

    url: str
    chromium_path: str
    username: str = ""
    password: str = "a pass phrase"
    width: int = DESKTOP_PIXELS
    scheme: Scheme = "light"
    is_scripted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """An open page; `complaints` are errors on its console, `strangers` other hosts it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)


@contextmanager
def visit(visitor: Visitor, path: str) -> Iterator[Visit]:
    """Open a page, logged in where the visitor has a name.

    Within the block the test must leave the database alone: Playwright runs an event loop in this
    thread, and there Django refuses to wait for a query. So what to expect is read before.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=visitor.chromium_path, args=list(_ARGUMENTS)
        )
        context = browser.new_context(
            base_url=visitor.url,
            viewport={"width": visitor.width, "height": _HEIGHT_PIXELS},
            color_scheme=visitor.scheme,
            java_script_enabled=visitor.is_scripted,
        )
        context.add_init_script(_NOTE_VIOLATIONS)
        opened = Visit(page=context.new_page())
        _listen(opened, host=urlsplit(visitor.url).netloc)
        opened.page.goto(path)
        if visitor.username:
            opened.page.get_by_label("Username").fill(visitor.username)
            opened.page.get_by_label("Password").fill(visitor.password)
            opened.page.get_by_role("button", name="Log in").click()
            opened.page.wait_for_load_state()
        yield opened
        browser.close()


def _listen(opened: Visit, *, host: str) -> None:
    def note_request(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != host:
            opened.strangers.append(request.url)

    opened.page.on("request", note_request)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.on(
        "console",
        lambda message: (
            opened.complaints.append(message.text) if message.type in {"error", "warning"} else None
        ),
    )
