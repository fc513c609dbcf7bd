"""Tests of the pages of fields, as HTML."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from urllib.parse import urljoin

import pytest
from django.contrib.auth.models import User
from django.test import Client
from time_machine import Traveller

from analytics import rollup, statistics
from analytics.statistics import Question, Values
from events.models import MetadataField, Project
from events.types import Json
from tests import make
from tests.analytics import feed
from tests.analytics.documents import Document, field_path, get

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


def days_ago(days: int) -> datetime:
    return make.NOW - timedelta(days=days)


class TestFieldPage:
    def test_shows_the_figures_of_the_statistics(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1, 2, Decimal("3.5"), 10**20, None, "text"])
        rollup.roll_up(seconds=60)

        page = get(reader, field_path("price"))

        number = totals(feed.field(shop, "price"), shop).number
        assert number is not None
        assert page.tables["Figures of price"] == [
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
        assert html.count(line) == html.count('<section class="panel') == 4

    def test_draws_what_its_table_says(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", list(range(100)))

        page = get(reader, field_path("price"))

        bins = page.tables["Distribution of price"][1:]
        bars = page.json["distribution-figure"]["data"][0]
        assert [int(count) for _, _, count, _ in bins] == bars["y"]
        assert sum(bars["y"]) == 100
        [day] = page.tables["Percentiles of price by day"][1:]
        lines = page.json["percentiles-figure"]["data"]
        last = f"{lines[0]['x'][-1]} so far"
        assert [last, "100", *(repr(line["y"][-1]) for line in lines)] == day
        assert len(lines[0]["x"]) == 30

    def test_shows_percentiles_by_day(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1, 1])
        feed.send_values(shop, "price", [5], occurred_at=make.NOW - timedelta(days=2))
        rollup.roll_up(seconds=60)

        page = get(reader, field_path("price") + "?from=2026-02-27&to=2026-03-02")

        assert page.tables["Percentiles of price by day"] == [
            ["Day", "Values", "p50", "p90", "p99"],
            ["2026-02-28", "1", "5.0", "5.0", "5.0"],
            ["2026-03-02 so far", "2", "1.0", "1.0", "1.0"],
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
            ([Decimal("1E-16"), 10**6, *range(5, 50)], "", "quantile"),
            ([2**n for n in range(40)], "linear", "linear"),
            (list(range(100)), "log", "logarithmic"),
            (list(range(100)), "quantile", "quantile"),
        ],
        ids=[
            "even",
            "one value",
            "skewed",
            "one tiny value",
            "skewed, linear",
            "even, log",
            "even, quantile",
        ],
    )
    def test_chooses_bins_unless_told(
        self, shop: Project, reader: Client, values: list[Json], scale: str, bins: str
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

    def test_shows_texts_over_time(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "brand", [*"aabbbcdefg", "g", "g"])
        feed.send_values(shop, "brand", ["a"], occurred_at=days_ago(3))

        page = get(reader, field_path("brand"))

        assert page.tables["Top values of brand by day"] == [
            ["Day", "a", "b", "g", "c", "d", "(all others)"],
            ["2026-02-27", "1", "0", "0", "0", "0", "0"],
            ["2026-03-02 so far", "2", "3", "3", "1", "1", "2"],
        ]
        assert len(page.json["over-time-figure"]["data"]) == 5

    def test_shows_versions_in_their_order(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "app", ["2.9.0", "2.10.0", "2.9.0", "2.10.0-rc.1"])

        page = get(reader, field_path("app"))

        table = page.tables["Versions of app, newest first"]
        assert [row[:2] for row in table] == [
            ["Value", "Events"],
            ["2.10.0", "1"],
            ["2.10.0-rc.1", "1"],
            ["2.9.0", "2"],
        ]
        assert page.tables["Versions of app by day"][0] == [
            "Day",
            "2.10.0",
            "2.10.0-rc.1",
            "2.9.0",
            "(all others)",
        ]

    def test_shows_dates_by_what_they_name(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "due", ["2026-03-01", "2026-03-09T10:00:00Z", "2026-05-01"])

        page = get(reader, field_path("due"))
        html = reader.get(field_path("due")).content.decode()

        assert page.tables["due by the day that it names"] == [
            ["Day", "Values", "Share"],
            ["2026-03-01", "1", "33.3 %"],
            ["2026-03-09", "1", "33.3 %"],
            ["2026-05-01", "1", "33.3 %"],
        ]
        assert "The dates lie between 2026-03-01 and 2026-05-01." in html

    def test_takes_a_declared_text_for_an_identifier_too(
        self, shop: Project, reader: Client
    ) -> None:
        make.field(make.event_type(shop, "play"), "order", type="text")
        feed.send_values(shop, "order", [f"o-{number}" for number in range(200)])

        page = get(reader, field_path("order"))
        [_, row] = get(reader, "/analytics/shop/play/").tables["Fields of the metadata"]

        assert "Identifiers in order" in page.tables
        assert row[-1] == "identifier, 100 % unique"

    def test_keeps_identifiers_out_of_top_values(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "order", [f"o-{number}" for number in range(199)] + ["o-0"])

        page = get(reader, field_path("order"))

        assert page.tables["Identifiers in order"] == [
            ["Figure", "Value"],
            ["Values", "200"],
            ["Distinct", "199"],
            ["Unique", "99.5 %"],
        ]
        assert "top-figure" not in page.json

    def test_shows_the_share_of_true_over_time(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "gift", [True, False, False, False])

        page = get(reader, field_path("gift"))

        assert page.tables["Share of true in gift by day"] == [
            ["Day", "True", "Events", "Share"],
            ["2026-03-02 so far", "1", "4", "25.0 %"],
        ]
        assert page.json["true-share-figure"]["data"][0]["y"][-2:] == [None, 0.25]

    def test_shows_lengths_of_arrays(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "items", [["a", "b", "a"], ["a"], []])

        page = get(reader, field_path("items"))

        assert page.tables["Top elements of items"] == [
            ["Value", "Occurrences", "Share of all", "Events with it"],
            ["a", "3", "75.0 %", "2"],
            ["b", "1", "25.0 %", "1"],
        ]
        figures = dict(page.tables["Figures of the length of items"])
        assert (figures["Count"], figures["Min"], figures["Max"]) == ("3", "0", "3")

    def test_says_what_speaks_against_its_type(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [*range(300), "free", "<b>"])

        html = reader.get(field_path("price")).content.decode()

        assert "Its type follows from what arrived, and changes with it." in html
        assert "99.3 % of the values came as a number, like 0, 299." in html
        assert (
            "Conflict: 0.7 % (2) came as a text, like “&lt;b&gt;”, “free”, "
            "between 2026-03-02 and 2026-03-02." in html
        )

    def test_draws_longer_periods_where_told_so(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [1, 2])

        page = get(reader, field_path("price") + "?interval=month&from=2026-01-01")

        assert page.tables["Percentiles of price by month"][1][0] == "2026-03-01 so far"
        assert page.json["percentiles-figure"]["data"][0]["x"] == [
            "2026-01-01",
            "2026-02-01",
            "2026-03-01",
        ]

    def test_keeps_personal_values_to_itself(self, shop: Project, reader: Client) -> None:
        event_type = make.event_type(shop, "play")
        make.field(event_type, "street", personal=True)
        feed.send_values(shop, "street", ["Main Street 1", 4711])

        html = reader.get(field_path("street")).content.decode()

        assert "marked as personal" in html
        assert "Main Street" not in html
        assert "4711" not in html
        assert "100 %" in html

    def test_leads_to_the_days_that_have_events(self, shop: Project, reader: Client) -> None:
        feed.send_values(shop, "price", [7], occurred_at=make.NOW - timedelta(days=100))
        rollup.roll_up(seconds=60)

        page = get(reader, field_path("price"))
        link = page.links["Show the 30 days up to then"]
        shown = get(reader, urljoin(field_path("price"), link))

        assert link == "?to=2025-11-22"
        assert shown.tables["Figures of price"][1] == ["Count", "1"]

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
