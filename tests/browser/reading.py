"""What a reader sees on a page: its tables, its charts, and what keeps people from using it."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.visit import Scheme


def wait_for_charts(page: Page, scheme: Scheme = "light") -> None:
    for chart in page.locator("[data-figure]").all():
        expect(chart).to_have_attribute("data-drawn", scheme)


def cells(page: Page, caption: str) -> list[list[str]]:
    """Return a table's body, numbers as programs read them."""
    rows: list[list[str]] = page.get_by_role("table", name=caption, exact=True).evaluate(
        """(table) => Array.from(table.tBodies[0].rows, (row) => Array.from(row.cells, (cell) =>
            cell.querySelector("data")?.value ?? cell.textContent.trim()))"""
    )
    return rows


def barriers(page: Page) -> list[str]:
    """Return what axe-core finds that keeps people from using the page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']} at {each['nodes'][0]['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than the screen."""
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width


def hidden_columns(page: Page) -> list[str]:
    """Return the tables that must be moved sideways to be read."""
    tables: list[str] = page.locator(".scroll").evaluate_all(
        """(all) => all.filter((one) => one.scrollWidth > one.clientWidth)
            .map((one) => one.ariaLabel)"""
    )
    return tables


def cut_texts(page: Page) -> list[str]:
    """Return the texts of charts that stand out of their chart, or over one another."""
    texts: list[str] = page.evaluate(_CUT_TEXTS)
    return texts


_CUT_TEXTS = """() => Array.from(document.querySelectorAll(".chart")).flatMap((chart) => {
  const frame = chart.getBoundingClientRect();
  const texts = Array.from(chart.querySelectorAll("text"))
    .map((text) => [text.textContent, text.getBoundingClientRect()])
    .filter(([text, box]) => text && box.width);
  const cut = texts.filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1
    || box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
  const met = texts.filter(([, box], place) => texts.slice(place + 1).some(([, other]) =>
    Math.min(box.right, other.right) - Math.max(box.left, other.left) > 1
    && Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top) > 4));
  return [...cut, ...met].map(([text]) => text);
})"""
