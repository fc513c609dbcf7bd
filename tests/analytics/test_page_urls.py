"""Tests of the paths of the pages."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from time_machine import Traveller

from events.models import Project
from tests.analytics import feed
from tests.analytics.documents import Document, field_path, get

# Browsers, servers and Django each have their own idea of what these mean in a path.
NAMES = [
    "a/b",
    "a//b/",
    "50%",
    "a%2Fb",
    "%",
    "<script>alert(1)</script>",
    "say \"hi\" & 'bye'",
    "..",
    ".",
    "?from=1#x",
    "back\\slash",
    "two words",
    "Größe 日本 🙂",
    "fields",
    "line\nbreak",
    "{{ name }}",
]


@pytest.fixture
def reader(alice: User, clock: Traveller) -> Client:
    """Alice's browser, on the day the events come."""
    client = Client()
    client.force_login(alice)
    return client


class TestPath:
    @pytest.mark.parametrize("name", NAMES)
    def test_leads_to_a_page_whatever_the_names(
        self, shop: Project, reader: Client, name: str
    ) -> None:
        feed.send_values(shop, name, [41, 1], event=name)

        path = link_to(get(reader, "/analytics/shop/"), name)
        page = get(reader, link_to(get(reader, path), name))

        assert page.tables[f"Figures of {name}"][1] == ["Count", "2"]

    def test_tells_names_apart_that_read_alike(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "c", [1], event="a/b")
        feed.send_values(shop, "b/c", [1, 2], event="a")

        counts = [
            get(reader, field_path(name, event=event)).tables[f"Figures of {name}"][1][1]
            for event, name in (("a/b", "c"), ("a", "b/c"))
        ]

        assert counts == ["1", "2"]

    @pytest.mark.parametrize(
        "path",
        [
            "/analytics/shop/play/no/",
            "/analytics/shop/no/price/",
            "/analytics/no/play/price/",
            "/analytics/shop/play/%00/",
            "/analytics/shop/play/%25FF/",
            f"/analytics/shop/play/{'x' * 101}/",
            f"/analytics/shop/{'x' * 10_000}/",
        ],
    )
    def test_of_unknown_names_leads_nowhere(self, shop: Project, reader: Client, path: str) -> None:
        feed.send_values(shop, "price", [1])

        assert reader.get(path).status_code == 404


def link_to(page: Document, name: str) -> str:
    return page.links[name.strip()]
