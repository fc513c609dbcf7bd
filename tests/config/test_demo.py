"""The demo: two projects to look at, the same for a date, whose keys are kept."""

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from analytics import rollup
from config.demo import (
    FILE_NAME,
    WORLDS,
    Demo,
    TakenSlugError,
    keep_demo,
    kept_demo,
    make_demo,
    seed,
    span_of,
    told,
)
from config.demo.world import Arrival, World
from events import auth
from events.metadata import write_json
from events.models import Customer, Event, EventKey, EventType, MetadataField, Project, Quarantine
from events.types import Access, Credential
from events.types import Event as Happening
from rewards.models import ShadowAward, Transfer
from tests import make
from tests.ledger import differences
from tests.running import ROOT, Installation, installation

CROWD = 0.1  # of the people there are in the demo: enough for each kind of event
READY_SECONDS = 240  # it takes 30 on a machine that does nothing else, as that of tests never does
SHOP = {world.slug: world for world in WORLDS}["shop"]
GAME = {world.slug: world for world in WORLDS}["game"]
COMMAND = re.compile(r"^curl (?:.*\\\n)*.*$", re.MULTILINE)  # it goes on after each backslash
HREF = re.compile(r'href="(/analytics/[^"?#]*)')

PERSONAL = "/analytics/shop/order_placed/email/"  # says that it shows no values, and why
ADMIN_TABLES = (
    "events/apikey",
    "events/customer",
    "events/event",
    "events/eventtype",
    "events/project",
    "events/quarantine",
    "rewards/rule",
    "rewards/streak",
    "rewards/transfer",
)

# Prints a hash of the whole story, in a process with other hashes of texts than ours.
STORY = """
import django; django.setup()
from tests.config.test_demo import digest
print(digest())
"""


def story(world: World, **columns: Any) -> list[Arrival]:
    return list(world.arrivals(span_of(world, make.NOW, make.NOW, **columns)))


def digest() -> str:
    """Return a hash of every byte of both stories."""
    digest = hashlib.sha256()
    for arrival in story(GAME) + story(SHOP):
        circumstances = [arrival.received_at, arrival.wire.name, arrival.client]
        digest.update(write_json([*circumstances, arrival.attributes, *arrival.entries]))
    return digest.hexdigest()


def happenings(arrivals: Sequence[Arrival]) -> Iterator[Happening]:
    for arrival in arrivals:
        yield from (entry for entry in arrival.entries if isinstance(entry, Happening))


def stored_keys(world: World) -> set[str]:
    return set(EventKey.objects.filter(project__slug=world.slug).values_list("key", flat=True))


def stored() -> list[tuple[object, ...]]:
    """Return what the events say, without their ids."""
    events = Event.objects.select_related("customer", "event_type").order_by("occurred_at")
    return sorted(
        (
            each.occurred_at.isoformat(),
            each.received_at.isoformat(),
            each.customer.label,
            each.event_type.name,
            str(each.metadata),
        )
        for each in events
    )


@pytest.fixture
def made(db: None, tmp_path: Path) -> Demo:
    """The demo made on the tests' day, without events."""
    return make_demo(WORLDS, tmp_path, make.NOW)


class TestTheStory:
    def test_is_the_same_in_every_process(self) -> None:
        other = subprocess.run(
            [sys.executable, "-c", STORY],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": "7"},
            capture_output=True,
            text=True,
            check=True,
        )

        assert other.stdout.strip() == digest()

    @pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.slug)
    def test_of_a_day_does_not_depend_on_those_that_follow(self, world: World) -> None:
        short = span_of(world, make.NOW, make.NOW, crowd=CROWD)
        long = span_of(world, make.NOW, make.NOW + timedelta(days=3), crowd=CROWD)

        events = list(world.arrivals(short))

        assert list(world.arrivals(long))[: len(events)] == events

    @pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.slug)
    def test_has_late_events(self, world: World) -> None:
        late = [
            arrival
            for arrival in story(world)
            if any(
                each.occurred_at and arrival.received_at - each.occurred_at > timedelta(hours=17)
                for each in happenings([arrival])
            )
        ]

        assert late

    def test_has_a_level_that_a_release_eases(self) -> None:
        tries = [
            each
            for each in happenings(story(GAME))
            if each.metadata.get("levelId") == "world_2_level_5"
        ]

        def passing(version: str) -> float:
            of_version = [each for each in tries if each.metadata["appVersion"] == version]
            return sum(each.name == "level_completed" for each in of_version) / len(of_version)

        assert passing("2.11.0") > 1.5 * passing("2.10.1")

    def test_has_a_sale_with_more_orders_and_its_coupon(self) -> None:
        orders = [each for each in happenings(story(SHOP)) if each.name == "order_placed"]
        days = Counter(each.occurred_at.date() for each in orders if each.occurred_at)
        at_sale = {
            each.occurred_at.date()
            for each in orders
            if each.occurred_at and each.metadata.get("coupon") == "SALE20"
        }

        assert 3 <= len(at_sale) <= 4  # a day of Berlin lies in two of UTC
        on_a_day = sum(days[day] for day in at_sale) / len(at_sale)
        assert on_a_day > 1.5 * sum(days.values()) / len(days)

    def test_has_a_field_whose_type_one_version_got_wrong(self) -> None:
        texts = {
            each.metadata.get("appVersion")
            for each in happenings(story(SHOP))
            if isinstance(each.metadata.get("price"), str)
        }

        assert texts == {"3.1.4"}


class TestTheSeed:
    def test_fills_every_part(self, made: Demo) -> None:
        for world in WORLDS:
            seed(world, make.NOW, crowd=CROWD)

        assert not EventType.objects.filter(events__isnull=True).exists()
        assert set(Transfer.objects.values_list("kind", flat=True)) == {"award", "streak"}
        for world in WORLDS:
            of_project = {"project__slug": world.slug}
            assert Quarantine.objects.filter(**of_project).exists()
            assert ShadowAward.objects.filter(**of_project).exists()
            assert all(each.attributes for each in Customer.objects.filter(**of_project))
        assert differences() == []

    def test_changes_nothing_a_second_time(self, made: Demo) -> None:
        seed(SHOP, make.NOW, crowd=CROWD)
        first = stored()

        added = seed(SHOP, make.NOW, crowd=CROWD)

        assert added == 0
        assert stored() == first

    @pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.slug)
    def test_goes_on_where_it_ended(self, made: Demo, world: World) -> None:
        """As after a start that was cut short, and as on a later date."""
        seed(world, make.NOW - timedelta(days=40, hours=5), crowd=CROWD)

        seed(world, make.NOW, crowd=CROWD)

        came = [each for each in story(world, crowd=CROWD) if each.received_at <= make.NOW]
        entries = [entry for arrival in came for entry in arrival.entries]
        keys = {entry.key for entry in happenings(came)} - {""}
        assert stored_keys(world) == keys
        assert Event.objects.filter(project__slug=world.slug).count() == len(keys)
        # What has no key is what is refused, and would be kept twice.
        refused = Quarantine.objects.filter(project__slug=world.slug).count()
        assert refused == len(entries) - len(keys)


class TestTheKeys:
    def test_are_kept_for_the_owner_alone(self, made: Demo, tmp_path: Path) -> None:
        assert kept_demo(tmp_path) == made
        assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600

    def test_of_the_game_stand_beside_the_login(self, made: Demo, tmp_path: Path) -> None:
        kept = json.loads((tmp_path / FILE_NAME).read_text())

        assert kept["project"] == "game"
        assert {name: kept[name] for name in kept["projects"]["game"]} == kept["projects"]["game"]
        assert set(kept["projects"]) == {"game", "shop"}

    def test_are_kept_with_the_date_that_the_events_reach(self, made: Demo, tmp_path: Path) -> None:
        keep_demo(told(made, make.NOW), tmp_path)

        kept = kept_demo(tmp_path)

        assert kept
        assert kept.told_on == "2026-03-02"

    def test_of_another_database_are_not_shown(self, made: Demo, tmp_path: Path) -> None:
        Project.objects.get(slug="shop").api_keys.all().delete()
        auth.forget()

        assert kept_demo(tmp_path) is None

    @pytest.mark.parametrize(
        "text",
        ["{", "[]", '{"project": "demo", "login": "admin", "password": "x", "api_key": "twa_x"}'],
        ids=["that broke", "of nothing", "of an earlier version"],
    )
    def test_in_a_file_are_made_anew(self, tmp_path: Path, text: str) -> None:
        (tmp_path / FILE_NAME).write_text(text)

        assert kept_demo(tmp_path) is None

    def test_are_made_anew_for_projects_that_are_there(self, made: Demo, tmp_path: Path) -> None:
        second = make_demo(WORLDS, tmp_path, make.NOW)

        for keys in (*made.projects.values(), *second.projects.values()):
            key = Credential(kind="api_key", value=keys.api_key)
            assert isinstance(auth.authenticate([key]), Access)

    def test_are_not_made_for_a_project_of_somebody_else(self, db: None, tmp_path: Path) -> None:
        make.project("shop")

        with pytest.raises(TakenSlugError, match="“shop” is not the demo's"):
            make_demo(WORLDS, tmp_path, make.NOW)

        assert not Project.objects.filter(slug="game").exists()


class TestThePages:
    """Every page that a reader of the demo comes to has something on it."""

    @pytest.fixture
    def reader(self, made: Demo, client: Client) -> Client:
        for world in WORLDS:
            seed(world, make.NOW, crowd=CROWD)
        rollup.roll_up(seconds=60)
        assert client.login(username=made.login, password=made.password)
        return client

    @pytest.mark.usefixtures("clock")
    def test_for_analysts_are_not_empty(self, reader: Client) -> None:
        seen, ahead = set[str](), ["/analytics/"]
        while ahead:
            path = ahead.pop()
            answer = reader.get(path)
            text = answer.content.decode()
            assert answer.status_code == 200, path
            assert ('class="empty"' in text) == (path == PERSONAL), path
            seen.add(path)
            ahead += sorted(set(HREF.findall(text)) - seen - set(ahead))

        assert len(seen) > MetadataField.objects.count()

    @pytest.mark.usefixtures("clock")
    def test_of_the_admin_are_not_empty(self, reader: Client) -> None:
        for table in ADMIN_TABLES:
            answer = reader.get(f"/admin/{table}/")
            assert answer.status_code == 200, table
            assert answer.context["cl"].result_count > 0, table
            first = answer.context["cl"].result_list[0]
            assert reader.get(f"/admin/{table}/{first.pk}/change/").status_code == 200, table


@pytest.mark.once("sqlite")  # the seed and `up` are tried on both
class TestTheCommand:
    def test_prints_what_works_and_keeps_it(self, tmp_path: Path, database_url: str) -> None:
        demo: Installation = installation(tmp_path / "var", database_url)
        printed, totals = [], []
        for _ in range(2):
            demo.log.clear()
            with demo.up(command="demo", ready_seconds=READY_SECONDS):
                text = "".join(demo.log)
                answer = json.loads(_run(text))
                printed.append(re.findall(r"^ +(?:api_key|secret_key|jwt) +(\S+)$", text, re.M))
                totals.append(_seeded(demo, printed[-1]))

        assert answer["data"]["pointsAwarded"] == 10
        assert answer["data"]["streaks"][0]["currentCount"] == 1
        assert len(printed[0]) == 6
        assert printed[0] == printed[1]
        assert totals[0] > 1_000
        assert totals[0] == totals[1]


def _run(text: str) -> str:
    """Run the printed line as it stands there; return its answer."""
    [command] = COMMAND.findall(text)
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout


def _seeded(demo: Installation, printed: Sequence[str]) -> int:
    """Return how many levels the game's statistics count: the printed line adds none."""
    client = demo.client()
    path = "/api/v1/event-types/level_completed/fields/levelId/statistics"
    answer = client.get(path, x_api_key=printed[0])
    client.close()
    rows: int = answer.body["rows"]
    return rows
