"""The demo: a project to look at, the same for a date, whose keys are kept."""

import re
import stat
from pathlib import Path

import pytest
from django.utils import timezone

from config.demo import FILE_NAME, SLUG, keep_demo, kept_demo, make_demo, seed
from events import auth
from events.models import Event, EventType, Project
from events.types import Access, Credential
from rewards.models import Transfer
from tests import make
from tests.ledger import differences
from tests.running import Installation, installation

# Not a fixed day: what is older than a month earns nothing.
TODAY = timezone.now().date()


def told() -> list[tuple[str, str, str, object]]:
    """Return what the events say, without ids and moments of receipt."""
    events = Event.objects.select_related("customer", "event_type").order_by("occurred_at")
    return sorted(
        (each.occurred_at.isoformat(), each.customer.label, each.event_type.name, each.metadata)
        for each in events
    )


@pytest.mark.django_db
class TestTheSeed:
    def test_fills_every_part(self) -> None:
        make_demo(make.NOW)

        seed(TODAY)

        with_events = EventType.objects.filter(events__isnull=False).distinct()
        assert {each.name for each in with_events} == {
            "daily_login",
            "level_completed",
            "purchase_completed",
        }
        assert set(Transfer.objects.values_list("kind", flat=True)) == {"award", "streak"}
        assert differences() == []

    def test_changes_nothing_a_second_time(self) -> None:
        make_demo(make.NOW)
        seed(TODAY)
        first = told()

        seed(TODAY)

        assert told() == first


@pytest.mark.django_db
class TestTheKeys:
    def test_are_kept_for_the_owner_alone(self, tmp_path: Path) -> None:
        demo = make_demo(make.NOW)

        keep_demo(demo, tmp_path)

        assert kept_demo(tmp_path) == demo
        assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600

    def test_of_another_database_are_not_shown(self, tmp_path: Path) -> None:
        keep_demo(make_demo(make.NOW), tmp_path)
        Project.objects.get(slug=SLUG).api_keys.all().delete()
        auth.forget()

        assert kept_demo(tmp_path) is None

    def test_in_a_file_that_broke_are_made_anew(self, tmp_path: Path) -> None:
        (tmp_path / FILE_NAME).write_text("{")

        assert kept_demo(tmp_path) is None

    def test_are_made_anew_for_a_project_that_is_there(self) -> None:
        first = make_demo(make.NOW)

        second = make_demo(make.NOW)

        for demo in (first, second):
            key = Credential(kind="api_key", value=demo.api_key)
            assert isinstance(auth.authenticate([key]), Access)


class TestTheCommand:
    def test_prints_what_works_and_keeps_it(self, tmp_path: Path, database_url: str) -> None:
        shop: Installation = installation(tmp_path / "var", database_url)
        printed = []
        for _ in range(2):
            shop.log.clear()
            with shop.up(command="demo"):
                lines = "".join(shop.log)
                jwt = re.search(r"Authorization: Bearer (\S+)'", lines)
                assert jwt
                client = shop.client()
                answer = client.post(
                    "/event",
                    {"eventId": "daily_login", "userId": "user123"},
                    authorization=f"Bearer {jwt[1]}",
                )
                client.close()
            assert answer.body["data"]["pointsAwarded"] == 10
            printed.append(jwt[1])

        assert printed[0] == printed[1]
