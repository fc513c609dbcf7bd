"""Discarded events are counted by day and reason, and enter no other figure."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from analytics import coverage, overview
from analytics.models import Rollup
from analytics.readings import Days
from analytics.statistics import type_statistics
from events.models import Event, EventType, Project
from events.projects import NewProject
from tests import make
from tests.analytics.asking import NONE_DISCARDED, below, get, path_of
from tests.analytics.folding import DAY, differences, fold_all
from tests.entries import event, sent
from tests.events.test_agents import GOOGLEBOT
from tests.make import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def order(shop: Project) -> EventType:
    """Three orders that count, two that repeat one, one of a bot, and a repeat of the day before
    yesterday."""
    shop.discard_bots = True
    shop.save()
    made = make.event_type(shop, "order", unique_by="id")
    sent(
        shop,
        *(event(f"c-{each}", name="order", id=each, amount=each) for each in (1, 2, 3)),
        *(event("c-9", name="order", id=each, amount=1000) for each in (1, 2)),
        event("c-8", name="order", id=4, userAgent=GOOGLEBOT),
        event("c-9", name="order", id=3, occurred_at=NOW - timedelta(days=2)),
    )
    assert Event.objects.filter(status="discarded").count() == 4
    return made


@pytest.fixture(params=["waiting", "folded"])
def is_folded(request: pytest.FixtureRequest, order: EventType) -> bool:
    if request.param == "folded":
        fold_all()
    return bool(request.param == "folded")


def days(project: Project) -> Days:
    return Days(project=project, first=DAY - timedelta(days=1), last=DAY)


class TestDiscardedEvents:
    def test_are_rows_of_their_reason_by_day(self, order: EventType) -> None:
        fold_all()

        rows = Rollup.objects.filter(field_id=0, grain="day").order_by("starts_at", "kind")

        yesterday = DAY - timedelta(days=2)
        assert list(rows.values_list("local_date", "kind", "count")) == [
            (yesterday, "unique_by", 1),
            (DAY, "bot", 1),
            (DAY, "event", 3),
            (DAY, "unique_by", 2),
        ]
        assert not Rollup.objects.filter(field_id=0, grain="hour").exclude(kind="event").exists()
        assert differences() == []

    def test_are_missed_where_a_row_is_wrong(self, order: EventType) -> None:
        fold_all()
        Rollup.objects.filter(kind="bot").update(count=2)
        Rollup.objects.filter(kind="unique_by", local_date=DAY).delete()

        assert [difference.split(" UTC, ")[1] for difference in differences()] == [
            "is counted as 2 values; the events have 1.",
            "is not stored; the events have 2 values.",
        ]
        assert "order: events discarded by bot, the day from" in differences()[0]

    def test_are_in_no_statistics(
        self, order: EventType, shop_keys: NewProject, is_folded: bool
    ) -> None:
        status, body = get(shop_keys, path_of("order", "amount"))

        assert status == 200
        assert (body["rows"], body["missing"], body["number"]["max"]) == (3, 0, 3)
        assert body["tail_rows"] == (0 if is_folded else 3)
        _, trend = get(shop_keys, below("order", "trend"))
        assert [(point["events"], point["customers"]) for point in trend["points"][-3:]] == [
            (0, 0),
            (0, 0),
            (3, 3),
        ]
        _, by_hour = get(shop_keys, below("order", "trend"), {"interval": "hour"})
        assert sum(point["events"] for point in by_hour["points"]) == 3

    def test_are_counted_by_reason(
        self, order: EventType, shop_keys: NewProject, is_folded: bool
    ) -> None:
        _, types = get(shop_keys, "/api/v1/event-types")
        _, fields = get(shop_keys, below("order", "fields"))
        _, today = get(shop_keys, "/api/v1/event-types", {"from": "2026-03-02"})

        [listed] = types["results"]
        assert (listed["events"], listed["customers"]) == (3, 3)
        assert listed["discarded"] == {"unique_by": 3, "throttle": 0, "bot": 1}
        assert fields["discarded"] == listed["discarded"]
        assert today["results"][0]["discarded"] == {"unique_by": 2, "throttle": 0, "bot": 1}

    def test_are_in_no_coverage(self, order: EventType, shop: Project, is_folded: bool) -> None:
        found = coverage.type_coverage(order, days(shop), now=NOW)

        assert found.rows == 3
        assert {each.field.name: each.filled for each in found.fields} == {
            "amount": 3,
            "id": 3,
            "userAgent": 0,
        }
        [(_, events)] = coverage.event_counts(days(shop), now=NOW).events
        assert events == 3
        assert found.tail_rows == (0 if is_folded else 3)

    def test_may_be_all_that_came(self, shop: Project, shop_keys: NewProject) -> None:
        shop.discard_bots = True
        shop.save()
        sent(shop, event("c-1", name="visit", userAgent=GOOGLEBOT))
        fold_all()
        visit = shop.event_types.get()

        found = type_statistics(visit, days(shop), now=NOW, fields=list(visit.fields.all()))

        assert (found.rows, dict(found.discarded), found.daily) == (0, {"bot": 1}, {})
        assert coverage.last_day(visit) is None
        assert overview.overview(days(shop), now=NOW).current.events == 0
        status, body = get(shop_keys, path_of("visit", "userAgent"))
        assert (status, body["rows"]) == (200, 0)
        assert differences() == []


class TestPages:
    @pytest.fixture
    def reader(self, client: Client, alice: User) -> Client:
        client.force_login(alice)
        return client

    def test_show_why_events_of_a_type_were_discarded(
        self, reader: Client, order: EventType, is_folded: bool
    ) -> None:
        url = reverse("event-type-page", args=["shop", "order"])

        page = reader.get(url)

        [panel] = [panel for panel in page.context["panels"] if panel.name == "discarded"]
        assert [[cell.text for cell in row] for row in panel.table.rows] == [
            ["repeats an earlier event", "3", "42.9 %"],
            ["a bot's", "1", "14.3 %"],
        ]
        assert "Discarded events" in page.content.decode()
        csv = reader.get(url, {"format": "csv", "panel": "discarded"})
        assert "repeats an earlier event,3,42.9 %" in csv.content.decode()

    def test_show_how_many_of_each_type_were_discarded(
        self, reader: Client, order: EventType, shop: Project
    ) -> None:
        make.event_type(shop, "view")

        page = reader.get(reverse("project-page", args=["shop"]))

        [panel] = [panel for panel in page.context["panels"] if panel.name == "event-types"]
        assert panel.table.columns[-1] == "Discarded"
        assert [row[-1].text for row in panel.table.rows] == ["4", "0"]

    def test_say_nothing_of_it_where_none_was(
        self, reader: Client, shop: Project, shop_keys: NewProject
    ) -> None:
        sent(shop, event("c-1", name="visit"))

        pages = [
            reader.get(reverse("project-page", args=["shop"])),
            reader.get(reverse("event-type-page", args=["shop", "visit"])),
        ]

        assert not [page for page in pages if "iscarded" in page.content.decode()]
        _, types = get(shop_keys, "/api/v1/event-types")
        assert types["results"][0]["discarded"] == NONE_DISCARDED

    def test_are_shown_where_all_was_discarded(self, reader: Client, shop: Project) -> None:
        shop.discard_bots = True
        shop.save()
        sent(shop, event("c-1", name="visit", userAgent=GOOGLEBOT))

        for name, *names in (("project-page", "shop"), ("event-type-page", "shop", "visit")):
            page = reader.get(reverse(name, args=names))

            assert page.status_code == 200
            assert "iscarded" in page.content.decode()
