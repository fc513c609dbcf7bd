"""A project's set-up as one JSON, read and written."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings

from config.set_up import Counts, read_set_up, written_set_up
from events.models import EventType, MetadataField, Project
from rewards.models import Rule, RuleVersion, Streak
from rewards.reading import RuleError
from tests import faults, make
from tests.events.wire_cases import json_values
from tests.rewards.definitions import definition

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(days=1)

SET_UP: dict[str, Any] = {
    "event_types": [
        {
            "name": "buy",
            "active": True,
            "server_only": True,
            "unique_by": "order_id",
            "throttle_minutes": 20,
            "fields": [
                {"name": "amount", "type": "number", "dimension": False, "personal": False},
                {"name": "brand", "type": "text", "dimension": True, "personal": False},
                {
                    "name": "email",
                    "type": "auto",
                    "dimension": False,
                    "personal": True,
                    "personal_as": "hash",
                },
            ],
        },
        {
            "name": "view",
            "active": False,
            "server_only": False,
            "unique_by": None,
            "throttle_minutes": None,
            "fields": [],
        },
    ],
    "rules": [
        {
            "name": "a draft",
            "state": "draft",
            "from": None,
            "until": None,
            "definition": {
                "trigger": "view",
                "when": None,
                "award": {"fixed": 1},
                "limits": [],
            },
        },
        {
            "name": "per euro",
            "state": "live",
            "from": "2026-01-01T00:00:00+00:00",
            "until": "2027-01-01T00:00:00+00:00",
            "definition": {
                "trigger": "buy",
                "when": {
                    "combinator": "and",
                    "not": False,
                    "rules": [{"field": "event.brand", "operator": "=", "value": "Private"}],
                },
                "award": {
                    "per_unit": {
                        "points": "1.5",
                        "per": 1,
                        "field": "event.amount",
                        "step": "exact",
                        "rounding": "half_up",
                        "min": None,
                        "max": 100,
                    }
                },
                "limits": [
                    {"per": "customer", "of": "points", "window": "month", "n": 500, "over": "clip"}
                ],
            },
        },
    ],
    "streaks": [
        {
            "name": "weekly",
            "event": "buy",
            "when": None,
            "period": "week",
            "milestones": [{"at": 4, "points": 50}],
        }
    ],
    "challenges": [],
}


def read(project: Project, given: Any, now: datetime = make.NOW) -> Counts:
    return read_set_up(project, given, by=None, now=now)


def as_json(value: Any) -> Any:
    """Return a set-up as it is once written and read by anyone."""
    return json.loads(json.dumps(value, default=str))


class TestASetUp:
    def test_is_written_as_it_was_read(self, shop: Project) -> None:
        counts = read(shop, SET_UP)

        assert counts == Counts(event_types=2, rules=2, streaks=1, challenges=0)
        written = as_json(written_set_up(shop))
        leaf = written["rules"][1]["definition"]["when"]["rules"][0]
        assert leaf.pop("caseSensitive", None) in (None, True, False)
        assert written == SET_UP

    def test_read_again_makes_no_version(self, shop: Project) -> None:
        read(shop, SET_UP)
        before = rows_but_of_project()

        for equal in (SET_UP, written_set_up(shop)):
            read(shop, equal, now=LATER)
            assert rows_but_of_project() == before

    def test_makes_an_equal_project(self, shop: Project, other: Project) -> None:
        read(shop, SET_UP)

        read(other, written_set_up(shop))

        assert written_set_up(other) == written_set_up(shop)

    def test_leaves_what_it_does_not_name(self, shop: Project) -> None:
        read(shop, SET_UP)
        before = written_set_up(shop)

        assert read(shop, {}) == Counts(event_types=0, rules=0, streaks=0, challenges=0)
        read(
            shop,
            {
                "event_types": [{"name": "buy", "fields": [{"name": "amount"}]}],
                "rules": [{"name": "new", "definition": definition("view")}],
            },
        )

        after = written_set_up(shop)
        assert after["event_types"] == before["event_types"]
        assert after["streaks"] == before["streaks"]
        assert [rule["name"] for rule in after["rules"]] == [  # type: ignore[index, call-overload, union-attr]
            "a draft",
            "new",
            "per euro",
        ]

    def test_makes_a_type_that_events_made_its_own(self, shop: Project) -> None:
        made = make.event_type(shop, "buy", created_automatically=True)
        make.field(made, "amount", created_automatically=True)

        read(shop, SET_UP)

        made.refresh_from_db()
        assert not made.created_automatically
        assert not MetadataField.objects.filter(created_automatically=True).exists()


def rows_but_of_project() -> dict[str, list[str]]:
    """Return all rows but those that only count the changes."""
    rows = faults.all_rows()
    del rows["events_project"]
    return rows


class TestARuleOfASetUp:
    def test_is_live_where_no_state_is_told(self, shop: Project) -> None:
        read(shop, {"rules": [{"name": "ten", "definition": definition()}]})

        rule = Rule.objects.get()
        assert (rule.state, rule.versions.get().in_force_from) == ("live", None)

    @pytest.mark.parametrize("state", ["draft", "live", "shadow", "paused", "archived"])
    def test_has_the_state_that_is_told(self, shop: Project, state: str) -> None:
        entry = {"name": "ten", "state": state, "definition": definition()}
        read(shop, {"rules": [entry]})

        assert Rule.objects.get().state == state
        assert RuleVersion.objects.exists() is (state != "draft")
        [written] = as_json(written_set_up(shop))["rules"]
        assert (written["state"], written["definition"]["award"]) == (state, {"fixed": 10})

    def test_gets_a_version_of_another_definition(self, shop: Project) -> None:
        read(shop, {"rules": [{"name": "ten", "definition": definition()}]})
        read(
            shop,
            {"rules": [{"name": "ten", "definition": definition("buy", {"fixed": 20})}]},
            now=LATER,
        )

        first, second = Rule.objects.get().versions.order_by("number")
        assert (first.in_force_from, second.in_force_from) == (None, LATER)

    def test_keeps_state_and_schedule_where_they_are_not_told(self, shop: Project) -> None:
        entry = {
            "name": "ten",
            "state": "paused",
            "until": "2027-01-01T00:00:00Z",
            "definition": definition(),
        }
        read(shop, {"rules": [entry]})

        read(shop, {"rules": [{"name": "ten", "definition": definition()}]}, now=LATER)

        rule = Rule.objects.get()
        assert (rule.state, rule.versions.count()) == ("paused", 1)
        changed = {"name": "ten", "definition": definition("view"), "until": None}
        read(shop, {"rules": [changed]}, now=LATER)
        rule.refresh_from_db()
        second = rule.versions.get(number=2)
        assert (rule.state, second.in_force_until) == ("paused", None)

    def test_lasts_from_and_until(self, shop: Project) -> None:
        entry = {
            "name": "ten",
            "from": "2026-01-01T00:00:00+01:00",
            "until": "2026-02-01T00:00:00Z",
            "definition": definition(),
        }
        read(shop, {"rules": [entry]})

        version = RuleVersion.objects.get()
        assert version.in_force_from == datetime(2025, 12, 31, 23, tzinfo=UTC)
        assert version.in_force_until == datetime(2026, 2, 1, tzinfo=UTC)


class TestAStreakOfASetUp:
    def test_is_of_days_where_no_period_is_told(self, shop: Project) -> None:
        read(shop, {"streaks": [{"name": "daily", "event": "buy"}]})

        assert Streak.objects.get().versions.get().definition["period"] == "day"

    def test_keeps_what_is_not_told(self, shop: Project) -> None:
        read(shop, SET_UP)

        read(shop, {"streaks": [{"name": "weekly", "event": "buy"}]}, now=LATER)
        assert Streak.objects.get().versions.count() == 1
        read(shop, {"streaks": [{"name": "weekly", "event": "buy", "milestones": []}]}, now=LATER)

        assert as_json(written_set_up(shop))["streaks"][0]["milestones"] == []


class TestASetUpThatCanNotBeRead:
    @pytest.mark.parametrize(
        ("given", "path"),
        [
            ([], "The definition"),
            ({"rule": []}, "rule"),
            ({"rules": {}}, "rules"),
            ({"event_types": [{}]}, "event_types[0].name"),
            ({"event_types": [{"name": ""}]}, "event_types[0].name"),
            ({"event_types": [{"name": "n" * 101}]}, "event_types[0].name"),
            ({"event_types": [{"name": "a\x00"}]}, "event_types[0].name"),
            ({"event_types": [{"name": "a", "active": "yes"}]}, "event_types[0].active"),
            ({"event_types": [{"name": "a", "unique_by": ""}]}, "event_types[0].unique_by"),
            ({"event_types": [{"name": "a", "unique_by": 7}]}, "event_types[0].unique_by"),
            ({"event_types": [{"name": "a", "unique_by": "n" * 101}]}, "event_types[0].unique_by"),
            *(
                (
                    {"event_types": [{"name": "a", "throttle_minutes": minutes}]},
                    "event_types[0].throttle_minutes",
                )
                for minutes in (0, -1, Decimal("1.5"), True, "soon", 525_601)
            ),
            (
                {"event_types": [{"name": "a", "fields": [{"name": "b", "type": "int"}]}]},
                "event_types[0].fields[0].type",
            ),
            ({"rules": [{"name": "a"}]}, "rules[0].definition"),
            ({"rules": [{"name": "a", "definition": 7}]}, "rules[0].definition"),
            (
                {"rules": [{"name": "a", "definition": {"trigger": "b", "award": {}}}]},
                "rules[0].definition.award",
            ),
            (
                {"rules": [{"name": "a", "state": "on", "definition": definition()}]},
                "rules[0].state",
            ),
            (
                {"rules": [{"name": "a", "from": "soon", "definition": definition()}]},
                "rules[0].from",
            ),
            (
                {"rules": [{"name": "a", "until": "2026-01-01", "definition": definition()}]},
                "rules[0].until",
            ),
            ({"streaks": [{"name": "a"}]}, "streaks[0].event"),
            ({"streaks": [{"name": "a", "event": "b", "period": "year"}]}, "streaks[0].period"),
            (
                {"streaks": [{"name": "a", "event": "b", "milestones": [{"at": 0}]}]},
                "streaks[0].milestones[0].points",
            ),
            ({"challenges": [{"name": "a"}]}, "challenges[0]"),
            ({"event_types": [{"name": "a"}, {"name": "a"}]}, "event_types[1].name"),
            (
                {"event_types": [{"name": "a", "fields": [{"name": "b"}, {"name": "b"}]}]},
                "event_types[0].fields[1].name",
            ),
            (
                {"rules": [{"name": "a", "definition": definition()}] * 2},
                "rules[1].name",
            ),
            (
                {
                    "rules": [
                        {
                            "name": "a",
                            "definition": {
                                "trigger": {"streak": "nowhere", "milestone": 3},
                                "award": {"fixed": 1},
                            },
                        }
                    ]
                },
                "rules[0].definition.trigger.streak",
            ),
        ],
    )
    def test_is_refused_by_its_path_and_leaves_nothing(
        self, shop: Project, given: Any, path: str
    ) -> None:
        whole = {**SET_UP, **given} if isinstance(given, dict) else given
        if isinstance(given, dict):
            for section, entries in given.items():
                if isinstance(entries, list) and section in SET_UP:
                    whole[section] = entries
        before = faults.all_rows()

        with pytest.raises(RuleError) as caught:
            read(shop, whole)

        assert str(caught.value).startswith(f"{path} ")
        assert str(caught.value).endswith(".")
        assert faults.all_rows() == before

    def test_is_refused_where_a_streak_would_change_its_period(self, shop: Project) -> None:
        read(shop, SET_UP)

        with pytest.raises(RuleError, match=r"^streaks\[0\]\.period can't change"):
            read(shop, {"streaks": [{"name": "weekly", "event": "buy", "period": "day"}]})

    @given(json_values)
    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_is_never_a_fault_of_ours(self, shop: Project, value: Any) -> None:
        for each in (value, *({section: [value]} for section in SET_UP)):
            with contextlib.suppress(RuleError):
                read(shop, each)


class TestTheCommands:
    def file(self, folder: Path, text: str) -> str:
        path = folder / "set_up.json"
        path.write_text(text)
        return str(path)

    def test_read_and_write_a_file(
        self, shop: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("import_config", self.file(tmp_path, json.dumps(SET_UP)), "--project", "shop")
        counted = {"event_types": 2, "rules": 2, "streaks": 1, "challenges": 0}
        assert json.loads(capsys.readouterr().out.splitlines()[-1]) == counted

        call_command("export_config", "--project", "shop")
        assert json.loads(capsys.readouterr().out) == as_json(written_set_up(shop))

        call_command("export_config", str(tmp_path / "out.json"))
        assert json.loads(capsys.readouterr().out) == counted
        assert json.loads((tmp_path / "out.json").read_text()) == as_json(written_set_up(shop))

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{", "The file is not JSON"),
            ('{"rules": [{"name": 7}]}', r"rules\[0\]"),
            ('{"rules": NaN}', "NaN is not a JSON number"),
        ],
    )
    def test_say_what_is_wrong(self, shop: Project, tmp_path: Path, text: str, said: str) -> None:
        with pytest.raises(CommandError, match=said):
            call_command("import_config", self.file(tmp_path, text), "--project", "shop")

        assert not Rule.objects.exists()

    def test_say_what_is_missing(self, shop: Project, other: Project, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="There is no project “none”"):
            call_command("import_config", self.file(tmp_path, "{}"), "--project", "none")
        with pytest.raises(CommandError, match="can't be read"):
            call_command("import_config", str(tmp_path / "none.json"), "--project", "shop")
        with pytest.raises(CommandError, match="can't be written"):
            call_command("export_config", str(tmp_path / "none" / "x.json"), "--project", "shop")
        with pytest.raises(CommandError, match="Name the project"):
            call_command("export_config")
        assert not EventType.objects.exists()
