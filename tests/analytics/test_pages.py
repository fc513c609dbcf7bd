"""Tests of the pages, as HTML."""

import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urljoin

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from time_machine import Traveller

from analytics import rollup, statistics
from analytics.statistics import Question, Values
from events.models import MetadataField, Project
from tests import make
from tests.analytics import feed
from tests.analytics.documents import Document, field_path, get
from tests.analytics.feed import Sent

TODAY = date(2026, 3, 2)


@pytest.fixture
def reader(alice: User, clock: Traveller) -> Client:
    """Alice's browser, on the day the events come."""
    client = Client()
    client.force_login(alice)
    return client


def totals(field: MetadataField, project: Project) -> Values:
    """Return what the statistics say of the 30 days that a page shows by itself."""
    question = Question(
        project=project,
        event_type=field.event_type,
        field=field,
        first=TODAY - timedelta(days=29),
        last=TODAY,
    )
    return statistics.field_statistics(question, now=make.NOW).total


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
    def test_lists_event_types_with_the_events_of_30_days(
        self, shop: Project, reader: Client
    ) -> None:
        feed.send(shop, Sent(metadata={}), Sent(metadata={}, event="buy"), Sent(metadata={}))
        feed.send(shop, Sent(metadata={}, occurred_at=make.NOW - timedelta(days=29)))
        feed.send(shop, Sent(metadata={}, occurred_at=make.NOW - timedelta(days=30)))

        unfolded = reader.get("/analytics/").content.decode()
        rollup.roll_up(seconds=60)
        folded = reader.get("/analytics/").content.decode()

        line = "Complete to 10:00:00 on 2026-03-02 (Europe/Berlin), {} unfolded."
        assert line.format("4 rows") in unfolded
        assert line.format("0 rows") in folded
        for html in (unfolded, folded):
            assert html.index(">play</a></th>\n          <td>3</td>") < html.index(
                ">buy</a></th>\n          <td>1</td>"
            )

    def test_shows_nothing_of_other_projects(
        self, shop: Project, other: Project, charlie: User
    ) -> None:
        feed.send(shop, Sent(metadata={"secret": 1}))
        client = Client()
        client.force_login(charlie)

        html = client.get("/analytics/").content.decode()

        assert "/analytics/other/" in html
        assert "shop" not in html
        assert "play" not in html
        for path in ("/analytics/shop/", "/analytics/shop/play/", field_path("secret")):
            assert client.get(path).status_code == 404

    def test_shows_a_project_by_itself(self, shop: Project, bob: User, other: Project) -> None:
        client = Client()
        client.force_login(bob)

        assert {"shop", "other"} <= get(client, "/analytics/").links.keys()
        assert "other" not in get(client, "/analytics/shop/").links

    def test_says_how_to_send_the_first_event(self, reader: Client) -> None:
        html = reader.get("/analytics/").content.decode()

        assert "POST /api/v1/events" in html
        assert "X-API-Key" in html
        assert "curl http://testserver/api/v1/events" in html

    def test_tells_who_sees_no_project_whom_to_ask(self, db: None) -> None:
        client = Client()
        client.force_login(make.staff("erin"))

        assert "Ask an operator" in client.get("/analytics/").content.decode()


class TestEventTypePage:
    def test_lists_fields_with_what_they_are(self, shop: Project, reader: Client) -> None:
        feed.send(
            shop,
            Sent(metadata={"price": 1, "brand": "a"}),
            Sent(metadata={"price": 2, "gift": None}),
            Sent(metadata={"price": "3", "gift": True}),
            Sent(metadata={}),
        )

        pages = [reader.get("/analytics/shop/play/").content.decode()]
        rollup.roll_up(seconds=60)
        pages.append(reader.get("/analytics/shop/play/").content.decode())

        for html in pages:
            shown = [" ".join(row) for row in rows_of(html)]
            assert shown == [
                "Field Type Filled Events",
                "brand text 25.0 % 1",
                "gift boolean 25.0 % 1",
                "price mixed 75.0 % 3",
            ]

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


def rows_of(html: str) -> list[list[str]]:
    """Return the cells of the only table of a page."""
    page = Document(html.replace("<tbody>", "<caption>only</caption><tbody>"))
    return page.tables["only"]


class TestFieldPage:
    def test_shows_the_figures_of_the_statistics(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1, 2, Decimal("3.5"), 10**20, None, "text"])
        rollup.roll_up(seconds=60)

        page = get(reader, field_path("price"))

        number = totals(feed.field(shop, "price"), shop).number
        assert number is not None
        assert page.tables["Figures of the numbers"] == [
            ["Figure", "Value"],
            ["Count", "4"],
            ["Min", "1"],
            ["Median", repr(number.percentile(50))],
            ["Mean", repr(float(number.mean or 0))],
            ["Standard deviation", repr(float(number.std or 0))],
            ["Max", "100000000000000000000"],
            ["Sum", "100000000000000000006.5"],
        ]
        assert page.tables["What arrived in this field"] == [
            ["Arrived as", "Events", "Share"],
            ["Number", "4", "66.7 %"],
            ["Text", "1", "16.7 %"],
            ["Boolean", "0", "0 %"],
            ["Array", "0", "0 %"],
            ["Object", "0", "0 %"],
            ["Null", "1", "16.7 %"],
            ["Missing", "0", "0 %"],
        ]

    def test_shows_the_same_folded_and_not(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1, 2, 2, 50, "a", True])

        unfolded = get(reader, field_path("price"))
        rollup.roll_up(seconds=60)
        folded = get(reader, field_path("price"))

        assert unfolded.tables == folded.tables
        assert unfolded.json == folded.json

    def test_says_up_to_when_it_is_complete(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1, 2, 3])

        html = reader.get(field_path("price")).content.decode()

        line = "Complete to 10:00:00 on 2026-03-02 (Europe/Berlin), 3 rows unfolded.</p>"
        assert html.count(line) == html.count('class="panel"') == 4

    def test_draws_what_its_table_says(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", list(range(100)))

        page = get(reader, field_path("price"))

        bins = page.tables["Distribution of price"][1:]
        bars = page.json["distribution-figure"]["data"][0]
        assert [int(count) for _, _, count, _ in bins] == bars["y"]
        assert sum(bars["y"]) == 100
        [day] = page.tables["Percentiles of price by day"][1:]
        lines = page.json["percentiles-figure"]["data"]
        assert [lines[0]["x"][-1], "100", *(repr(line["y"][-1]) for line in lines)] == day
        assert len(lines[0]["x"]) == 30

    def test_shows_percentiles_by_day(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1, 1])
        feed.send_values(shop, "price", [5], occurred_at=make.NOW - timedelta(days=2))
        rollup.roll_up(seconds=60)

        page = get(reader, field_path("price") + "?from=2026-02-27&to=2026-03-02")

        assert page.tables["Percentiles of price by day"] == [
            ["Day", "Values", "p50", "p90", "p99"],
            ["2026-02-28", "1", "5.0", "5.0", "5.0"],
            ["2026-03-02", "2", "1.0", "1.0", "1.0"],
        ]
        median = page.json["percentiles-figure"]["data"][0]
        assert median["x"] == ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]
        assert median["y"] == [None, 5.0, None, 1.0]

    @pytest.mark.parametrize(
        ("values", "scale", "bins"),
        [
            (list(range(100)), "", "linear"),
            ([1] * 90 + [2**n for n in range(20)], "", "linear"),
            ([2**n for n in range(40)], "", "logarithmic"),
            ([2**n for n in range(40)], "linear", "linear"),
            (list(range(100)), "log", "logarithmic"),
            (list(range(100)), "quantile", "quantile"),
        ],
        ids=["even", "one value", "skewed", "skewed, linear", "even, log", "even, quantile"],
    )
    def test_chooses_bins_unless_told(
        self, shop: Project, reader: Client, values: list[int], scale: str, bins: str
    ) -> None:
        feed.send_values(shop, "price", values)

        html = reader.get(f"{field_path('price')}?scale={scale}").content.decode()

        assert f"Distribution of price, {bins} bins" in html
        assert f'<option value="{scale}" selected>' in html

    def test_shows_top_values(self, shop: Project, reader: Client) -> None:
        texts = [f"v{number:02}" for number in range(25) for _ in range(26 - number)]
        feed.send_values(shop, "brand", [*texts, ""])

        page = get(reader, field_path("brand"))
        html = reader.get(field_path("brand")).content.decode()

        rows = page.tables["Top values of brand"]
        assert rows[0] == ["Value", "Events", "Share"]
        assert rows[1][:2] == ["v00", "26"]
        assert rows[20][:2] == ["v19", "7"]
        assert rows[21][:2] == ["(all others)", str(6 + 5 + 4 + 3 + 2 + 1)]
        assert sum(int(count) for _, count, _ in rows[1:]) == len(texts) + 1
        assert page.json["top-figure"]["data"][0]["x"][:2] == [26, 25]
        assert "26 distinct, exact." in html

    def test_says_how_far_a_distinct_count_may_be_off(self, shop: Project, reader: Client) -> None:
        for part in range(2):
            feed.send_values(shop, "id", [f"{part}-{number}" for number in range(600)])

        html = reader.get(field_path("id")).content.decode()

        text = totals(feed.field(shop, "id"), shop).text
        assert text is not None
        assert f"About {text.distinct:,} distinct (± {100 * text.distinct_error:.1f} %)." in html

    def test_shows_booleans(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "gift", [True, True, True, False])

        page = get(reader, field_path("gift"))

        assert page.tables["True and false in gift"] == [
            ["Value", "Events", "Share"],
            ["true", "3", "75.0 %"],
            ["false", "1", "25.0 %"],
        ]
        assert page.json["booleans-figure"]["data"][0]["x"] == [3, 1]

    def test_shows_elements_of_arrays(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "items", [["a", "b"], ["a"], []])

        page = get(reader, field_path("items"))

        assert [row[:2] for row in page.tables["Top elements of items"][1:]] == [
            ["a", "2"],
            ["b", "1"],
        ]

    def test_keeps_personal_values_to_itself(self, shop: Project, reader: Client) -> None:
        event_type = make.event_type(shop, "play")
        make.field(event_type, "street", personal=True)
        feed.send_values(shop, "street", ["Main Street 1", 4711])

        html = reader.get(field_path("street")).content.decode()

        assert "marked as personal" in html
        assert "Main Street" not in html
        assert "4711" not in html
        assert "50.0 %" in html

    def test_leads_to_the_days_that_have_events(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [7], occurred_at=make.NOW - timedelta(days=100))
        rollup.roll_up(seconds=60)

        page = get(reader, field_path("price"))
        link = page.links["Show the 30 days up to then"]
        shown = get(reader, urljoin(field_path("price"), link))

        assert link == "?to=2025-11-22"
        assert shown.tables["Figures of the numbers"][1] == ["Count", "1"]

    def test_says_that_no_event_had_a_value(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [None])

        html = reader.get(field_path("price")).content.decode()

        assert "No values to show in these days" in html

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("from=yesterday", "Date has wrong format"),
            ("from=2026-03-02&to=2026-03-01", "The first day lies after the last one."),
            ("to=0001-01-01", "The year lies between 1970 and 9000."),
            ("scale=cubic", "is not a valid choice"),
        ],
    )
    def test_says_what_it_could_not_read(
        self, shop: Project, reader: Client, query: str, message: str
    ) -> None:
        feed.send_values(shop, "price", [1])

        response = reader.get(f"{field_path('price')}?{query}")

        assert response.status_code == 400
        assert message in response.content.decode()

    def test_shows_a_range_of_any_length(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1])

        page = get(reader, field_path("price") + "?from=1970-01-01&to=9000-01-01")

        assert len(page.json["percentiles-figure"]["data"][0]["x"]) == 1

    def test_has_no_script_of_its_own(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "brand", ["</script><script>alert(1)</script>"])

        response = reader.get(field_path("brand"))
        page = Document(response.content.decode())

        assert page.inline_scripts == []
        assert "style=" not in response.content.decode()
        assert page.tables["Top values of brand"][1][0] == "</script><script>alert(1)</script>"
        assert "default-src 'self'" in response["Content-Security-Policy"]


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
