"""Tests of the pages, as HTML."""

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from time_machine import Traveller

from analytics import rollup
from events.models import Project
from events.projects import NewProject
from tests import make
from tests.analytics import feed
from tests.analytics.documents import field_path, get
from tests.analytics.feed import Sent
from tests.calling import Caller


@pytest.mark.usefixtures("shop")
class TestStaffPage:
    @pytest.mark.parametrize(
        "path", ["/analytics/", "/analytics/shop/", "/analytics/shop/x/", "/analytics/shop/x/y/"]
    )
    def test_asks_strangers_to_log_in(self, path: str) -> None:
        response = Client().get(path)

        assert response.status_code == 302
        assert response["Location"] == f"/login/?next={path}"

    def test_asks_those_who_are_no_staff_to_log_in(self) -> None:
        client = Client()
        client.force_login(User.objects.create_user("dave", password="a pass phrase"))

        assert client.get("/analytics/")["Location"] == "/login/?next=/analytics/"

    def test_is_where_the_root_leads(self) -> None:
        assert Client().get("/")["Location"] == "/analytics/"


class TestProjectsPage:
    def test_lists_projects_with_the_events_of_30_days(
        self, shop: Project, other: Project, bob: User, clock: Traveller
    ) -> None:
        client = Client()
        client.force_login(bob)
        feed.send(shop, Sent(metadata={}), Sent(metadata={}, event="buy"))
        feed.send(shop, Sent(metadata={}, occurred_at=make.NOW - timedelta(days=29)))
        feed.send(shop, Sent(metadata={}, occurred_at=make.NOW - timedelta(days=30)))

        unfolded = client.get("/analytics/").content.decode()
        rollup.roll_up(seconds=60)
        folded = client.get("/analytics/").content.decode()

        line = "Complete to 10:00:00 on 2026-03-02 (Europe/Berlin), {} unfolded."
        assert line.format("3 rows") in unfolded
        assert line.format("0 rows") in folded
        for html in (unfolded, folded):
            assert "<dt>Events, 30 days</dt><dd>3</dd>" in html
            assert "<dt>Event types</dt><dd>2</dd>" in html

    def test_leads_to_the_only_project(self, shop: Project, reader: Client) -> None:
        assert reader.get("/analytics/")["Location"] == "/analytics/shop/"
        assert reader.get("/analytics/?all=1").status_code == 200

    def test_shows_nothing_of_other_projects(
        self, shop: Project, other: Project, charlie: User
    ) -> None:
        feed.send(shop, Sent(metadata={"secret": 1}))
        client = Client()
        client.force_login(charlie)

        html = client.get("/analytics/?all=1").content.decode()

        assert "/analytics/other/" in html
        assert "shop" not in html
        assert "play" not in html
        for path in ("/analytics/shop/", "/analytics/shop/play/", field_path("secret")):
            assert client.get(path).status_code == 404

    def test_tells_who_sees_no_project_whom_to_ask(self, db: None) -> None:
        client = Client()
        client.force_login(make.staff("erin"))

        assert "Ask an operator" in client.get("/analytics/").content.decode()


class TestProjectPage:
    def test_sets_its_figures_beside_those_of_the_days_before(
        self, shop: Project, reader: Client
    ) -> None:
        feed.send(shop, *(Sent(metadata={}, customer=f"c-{n}") for n in range(3)))
        feed.send(shop, *(Sent(metadata={}, occurred_at=days_ago(n)) for n in (2, 7, 8)))

        unfolded = get(reader, "/analytics/shop/?from=2026-02-24&to=2026-03-02")
        rollup.roll_up(seconds=60)
        folded = get(reader, "/analytics/shop/?from=2026-02-24&to=2026-03-02")

        assert unfolded.tables == folded.tables
        assert folded.tables["Event types"] == [
            ["Event type", "By day", "Events", "Customers", "Points", "Change", "Late"],
            ["play", "", "4", "3", "0", "▲ 100 % more", "1"],
        ]
        assert folded.tables["Events by day"] == [
            ["Day", "Events", "Before", "Change", "Late"],
            ["2026-02-24", "0", "0", "→ unchanged", "0"],
            ["2026-02-25", "0", "0", "→ unchanged", "0"],
            ["2026-02-26", "0", "0", "→ unchanged", "0"],
            ["2026-02-27", "0", "0", "→ unchanged", "0"],
            ["2026-02-28", "1", "0", "▲ new", "1"],
            ["2026-03-01", "0", "1", "▼ 100 % less", "0"],
            ["2026-03-02 so far", "3", "1", "▲ 200.0 % more", "0"],
        ]

    def test_leads_to_what_was_refused(self, shop_keys: NewProject, reader: Client) -> None:
        path = f"/admin/events/quarantine/?project__id__exact={shop_keys.project.pk}"
        assert path not in reader.get("/analytics/shop/").content.decode()

        Caller(keys=shop_keys).send({}, {})

        text = reader.get("/analytics/shop/").content.decode()
        assert f'<a href="{path}">2 refused on these days</a>' in text
        assert path not in reader.get("/analytics/shop/?to=2026-03-01").content.decode()

    def test_draws_what_its_table_says(self, shop: Project, reader: Client) -> None:
        feed.send(shop, *(Sent(metadata={}, occurred_at=days_ago(n)) for n in (0, 0, 1, 30)))

        page = get(reader, "/analytics/shop/")

        now, before = page.json["events-figure"]["data"]
        table = page.tables["Events by day"][1:]
        names = [*now["x"][:-1], f"{now['x'][-1]} so far"]
        assert [row[:3] for row in table] == [
            [day, str(count), str(earlier)]
            for day, count, earlier in zip(names, now["y"], before["y"], strict=True)
        ]
        assert (now["y"][-2:], before["y"][-1]) == ([1, 2], 1)

    def test_compares_with_nothing_where_told_so(self, shop: Project, reader: Client) -> None:
        feed.send(shop, Sent(metadata={}))

        page = get(reader, "/analytics/shop/?compare=none")

        assert page.tables["Event types"][0] == [
            "Event type",
            "By day",
            "Events",
            "Customers",
            "Points",
        ]
        assert len(page.json["events-figure"]["data"]) == 1

    @pytest.mark.parametrize(
        ("query", "column", "points"),
        [
            ("", "Day", 30),
            ("?from=2026-03-02&to=2026-03-02", "Hour", 24),
            ("?interval=week", "Week", 6),
            ("?interval=month", "Month", 2),
            ("?from=2025-01-01&to=2026-03-02", "Week", 62),
        ],
    )
    def test_chooses_an_interval_unless_told(
        self, shop: Project, reader: Client, query: str, column: str, points: int
    ) -> None:
        feed.send(shop, Sent(metadata={}))

        page = get(reader, f"/analytics/shop/{query}")

        table = page.tables[f"Events by {column.lower()}"]
        assert (table[0][0], len(table) - 1) == (column, points)

    @pytest.mark.parametrize("path", ["/analytics/shop/", "/analytics/shop/play/"])
    @pytest.mark.parametrize(
        "query",
        ["from=1970-01-01&to=9000-12-31", "from=8000-01-01&to=9000-12-31", "to=1970-01-01"],
    )
    def test_shows_a_range_of_any_length(
        self, shop: Project, reader: Client, path: str, query: str
    ) -> None:
        feed.send_values(shop, "price", [1])

        assert reader.get(f"{path}?{query}").status_code == 200

    def test_says_how_to_send_the_first_event(self, shop: Project, reader: Client) -> None:
        html = reader.get("/analytics/shop/").content.decode()

        assert "POST /api/v1/events" in html
        assert "X-API-Key" in html
        assert "curl http://testserver/api/v1/events" in html

    def test_leads_to_the_days_that_have_events(self, shop: Project, reader: Client) -> None:
        feed.send(shop, Sent(metadata={}, occurred_at=days_ago(100)))
        rollup.roll_up(seconds=60)

        link = get(reader, "/analytics/shop/").links["Show the 30 days up to then"]

        assert link == "?to=2025-11-22"

    def test_is_one_of_those_the_reader_may_switch_to(
        self, shop: Project, other: Project, bob: User, clock: Traveller
    ) -> None:
        client = Client()
        client.force_login(bob)

        links = get(client, "/analytics/shop/").links

        assert (links["shop"], links["other"]) == ("/analytics/shop/", "/analytics/other/")


def days_ago(days: int) -> datetime:
    return make.NOW - timedelta(days=days)


class TestEventTypePage:
    def test_lists_fields_with_what_they_are(self, shop: Project, reader: Client) -> None:
        feed.send(
            shop,
            Sent(metadata={"price": 1, "brand": "a", "tags": ["x"]}),
            Sent(metadata={"price": 2, "gift": None, "brand": "b"}),
            Sent(metadata={"price": "3", "gift": True, "brand": "b"}),
            Sent(metadata={}),
        )

        pages = [get(reader, "/analytics/shop/play/")]
        rollup.roll_up(seconds=60)
        pages.append(get(reader, "/analytics/shop/play/"))

        for page in pages:
            assert page.tables["Fields of the metadata"] == [
                ["Field", "Type", "Filled", "By day", "Distribution", "Values"],
                ["brand", "text", "75.0 %", "", "", "b, a 2 distinct"],
                ["gift", "boolean", "25.0 %", "", "", "true 100 %"],
                ["price", "mixed 33.3 % numeric text", "75.0 %", "", "", "1 · 1.5 · 2"],
                ["tags", "array", "25.0 %", "", "", "1 · 1 · 1 long"],
            ]

    def test_keeps_identifiers_out_of_the_values(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "order", [f"o-{number}" for number in range(200)])

        [_, row] = get(reader, "/analytics/shop/play/").tables["Fields of the metadata"]

        assert row == ["order", "identifier", "100 %", "", "", "identifier, 100 % unique"]

    def test_keeps_personal_values_to_itself(self, shop: Project, reader: Client) -> None:
        make.field(make.event_type(shop, "play"), "street", personal=True)
        feed.send_values(shop, "street", ["Main Street 1", 4711])

        html = reader.get("/analytics/shop/play/").content.decode()

        assert "personal: kept off this page" in html
        assert "Main Street" not in html
        assert "4711" not in html

    def test_marks_what_looks_personal_without_a_value(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "who", ["ann@example.com"])
        rollup.roll_up(seconds=60)

        [_, row] = get(reader, "/analytics/shop/play/").tables["Fields of the metadata"]

        assert row[0] == "who looks like email addresses; see the catalogue"

    def test_searches_and_orders_fields(self, shop: Project, reader: Client) -> None:
        feed.send(
            shop, Sent(metadata={"a_one": 1, "b_two": 2}), Sent(metadata={"b_two": 3, "c": 4})
        )

        shown = {
            query: [row[0] for row in get(reader, f"/analytics/shop/play/{query}").tables[_FIELDS]]
            for query in ("?sort=filled", "?q=_", "?q=B_")
        }
        nothing = reader.get("/analytics/shop/play/?q=zzz").content.decode()

        assert shown == {
            "?sort=filled": ["Field", "b_two", "a_one", "c"],
            "?q=_": ["Field", "a_one", "b_two"],
            "?q=B_": ["Field", "b_two"],
        }
        assert "No field with “zzz” in its name" in nothing

    def test_pages_through_many_fields(self, shop: Project, reader: Client) -> None:
        feed.send(shop, Sent(metadata={f"f{number:03}": number for number in range(120)}))

        first = get(reader, "/analytics/shop/play/?from=2026-03-01")
        second = get(reader, first.links["Next fields"])
        last = get(reader, second.links["Next fields"])

        names = [row[0] for page in (first, second, last) for row in page.tables[_FIELDS][1:]]
        assert names == [f"f{number:03}" for number in range(120)]
        assert "from=2026-03-01" in second.links["Next fields"]
        assert "Next fields" not in last.links

    def test_keeps_the_days_in_its_links(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1])

        page = get(reader, "/analytics/shop/play/?from=2026-03-01&to=2026-03-02")

        assert page.links["price"] == "/analytics/shop/play/price/?from=2026-03-01&to=2026-03-02"

    def test_says_what_metadata_would_bring(self, shop: Project, reader: Client) -> None:
        feed.send(shop, Sent(metadata={}))

        assert "carry no metadata" in reader.get("/analytics/shop/play/").content.decode()

    def test_says_how_to_send_the_first_event(self, shop: Project, reader: Client) -> None:
        make.event_type(shop, "it's new")

        html = reader.get(reverse("event-type-page", args=["shop", "it's new"])).content.decode()

        assert "-d &#x27;{&quot;event&quot;: &quot;it&#x27;&quot;&#x27;&quot;&#x27;s new" in html


_FIELDS = "Fields of the metadata"


# A web process that takes an event, sends a stranger to the login and tells what it loaded.
WEB_PROCESS = """
import json, sys
import django
django.setup()
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from events import projects
call_command("migrate", verbosity=0)
made = projects.create(slug="shop", time_zone="UTC", strict=False, now=timezone.now())
taken = Client().post(
    "/api/v1/events",
    json.dumps({"event": "buy", "customer": "c-1", "metadata": {"price": 1}}),
    content_type="application/json",
    headers={"X-API-Key": made.api_key},
)
asked = Client().get("/analytics/")
loaded = sorted({"pandas", "plotly", "numpy"} & set(sys.modules))
print(taken.status_code, asked.status_code, loaded)
"""


class TestIngest:
    @pytest.mark.once("sqlite")
    def test_loads_no_pandas(self, tmp_path: Path) -> None:
        """It would double the memory of each web process that only takes events."""
        environment = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "TRACKWARD_DATA_DIR": str(tmp_path),
        }

        ran = subprocess.run(
            [sys.executable, "-c", WEB_PROCESS],
            cwd=settings.BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

        assert ran.stdout == "200 302 []\n", ran.stderr
