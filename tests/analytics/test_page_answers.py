"""Answers of the pages that are no page: errors, what is swapped in, CSV."""

import csv
from decimal import Decimal

import pytest
from django.template.loader import render_to_string
from django.test import Client

from analytics import rollup
from events.models import Project
from tests.analytics import feed
from tests.analytics.documents import field_path, get
from tests.analytics.former import leave_as_former_release

_FIELDS = "Fields of the metadata"


@pytest.mark.usefixtures("shop")
class TestErrorPage:
    def test_says_that_nothing_is_there(self, reader: Client) -> None:
        response = reader.get("/analytics/nowhere/")

        assert response.status_code == 404
        assert "There is nothing at this address" in response.content.decode()

    def test_tells_strangers_no_more(self) -> None:
        html = Client().get("/nowhere").content.decode()

        assert "There is nothing at this address" in html
        assert "Log out" not in html

    def test_says_what_cannot_be_read(self) -> None:
        assert "can't be read" in render_to_string("400.html")


class TestUnreadableStatistics:
    """Rows that another release wrote, and that nobody made anew yet."""

    @pytest.fixture
    def paths(self, shop: Project) -> list[str]:
        feed.send_values(shop, "price", [1])
        rollup.roll_up(seconds=60)
        leave_as_former_release()
        return ["/analytics/shop/", "/analytics/shop/play/", field_path("price")]

    def test_are_answered_with_what_to_do(self, paths: list[str], reader: Client) -> None:
        for path in paths:
            response = reader.get(path)
            html = response.content.decode()

            assert (response.status_code, response["Retry-After"]) == (503, "60")
            assert "manage.py rebuild_rollups" in html
            assert "Log out" in html

    def test_are_told_to_htmx_without_the_frame(self, paths: list[str], reader: Client) -> None:
        response = reader.get(paths[-1], headers={"HX-Request": "true"})

        assert response.status_code == 503
        assert response.content.decode().lstrip().startswith("<title>")
        assert "HX-Request" in response["Vary"]

    def test_are_not_needed_for_the_list_of_projects(
        self, paths: list[str], reader: Client
    ) -> None:
        assert reader.get("/analytics/?all=1").status_code == 200

    def test_are_no_csv(self, paths: list[str], reader: Client) -> None:
        assert reader.get(f"{paths[0]}?format=csv&panel=events").status_code == 503


class TestSwapping:
    """What htmx asks for."""

    def test_brings_the_content_without_its_frame(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1])

        for path in ("/analytics/shop/", "/analytics/shop/play/", field_path("price")):
            response = reader.get(path, headers={"HX-Request": "true"})
            html = response.content.decode()

            assert html.lstrip().startswith("<title>")
            assert "<body" not in html
            assert "HX-Request" in response["Vary"]

    def test_leads_to_the_login_as_a_page(self, shop: Project) -> None:
        response = Client().get("/analytics/shop/", headers={"HX-Request": "true"})

        assert response["HX-Redirect"] == "/login/?next=/analytics/shop/"


class TestCsv:
    def test_is_what_the_table_shows(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1, 2, Decimal("3.5"), 10**20])

        page = get(reader, field_path("price"))
        response = reader.get(page.links["CSV of Figures of price"])

        assert response["Content-Type"].startswith("text/csv; charset=utf-8")
        assert response["Content-Disposition"] == (
            'attachment; filename="shop-play-price-figures.csv"'
        )
        rows = list(csv.reader(response.content.decode().splitlines()))
        assert rows == page.tables["Figures of price"]

    def test_leaves_out_what_is_drawn(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1, 2])

        text = reader.get("/analytics/shop/play/?format=csv&panel=fields").content.decode()

        assert text == "Field,Type,Filled,Values\r\nprice,number,100 %,1 · 1.5 · 2\r\n"

    def test_is_of_the_days_shown(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1, 2])
        path = "/analytics/shop/?from=2026-03-01&to=2026-03-02&interval=day"

        text = reader.get(f"{path}&format=csv&panel=events").content.decode()

        assert text.splitlines() == [
            "Day,Events,Before,Change",
            "2026-03-01,0,0,→ unchanged",
            "2026-03-02,2,0,▲ new",
        ]

    def test_of_an_unknown_panel_is_nowhere(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1])

        for query in ("format=csv", "format=csv&panel=no", "format=csv&panel=%00"):
            assert reader.get(f"{field_path('price')}?{query}").status_code == 404
