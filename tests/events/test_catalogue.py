"""The catalogue as requests use it: remembered by version, grown by what comes."""

from typing import Any

import pytest
from django.db import connection

from events import catalogue, limits
from events.catalogue import Catalogue, Wanted
from events.models import EventType, MetadataField, Project
from tests import make

pytestmark = pytest.mark.django_db


def current(project: Project) -> Catalogue:
    return catalogue.current([project.pk])[project.pk]


def grow(project: Project, **keys: str) -> Catalogue:
    """Grow by event types, each with the keys it came with, in one string."""
    wanted = Wanted()
    for name, letters in keys.items():
        wanted.add(name, letters)
    return catalogue.grown(current(project), wanted)


def version(project: Project) -> int:
    return Project.objects.get(pk=project.pk).setup_version


def fields(project: Project, name: str) -> dict[str, str]:
    return dict(current(project).types[name].fields)


class TestTheCurrentCatalogue:
    def test_holds_the_project_as_it_is_set_up(self, shop: Project) -> None:
        made = make.event_type(shop, "buy", fields={"amount": "number"}, server_only=True)
        make.event_type(shop, "old", active=False, created_automatically=True)

        found = current(shop)

        assert (found.zone.key, found.strict, found.reward_window_days) == (
            "Europe/Berlin",
            False,
            30,
        )
        buy, old = found.types["buy"], found.types["old"]
        assert (buy.id, buy.active, buy.server_only) == (made.pk, True, True)
        assert buy.fields == {"amount": "number"}
        assert (old.active, found.automatic_types) == (False, 1)

    def test_is_read_once_a_version(self, shop: Project, django_assert_num_queries: Any) -> None:
        make.event_type(shop, "buy")
        first = current(shop)

        assert current(shop) is first
        # On PostgreSQL the version is asked for beside Django's own cursor, which is counted.
        with django_assert_num_queries(0 if connection.vendor == "postgresql" else 1):
            current(shop)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda shop: make.event_type(shop, "view"), id="a type made"),
            pytest.param(lambda shop: shop.event_types.get().delete(), id="a type deleted"),
            pytest.param(lambda shop: shop.event_types.get().save(), id="a type saved"),
            pytest.param(lambda shop: make.field(shop.event_types.get(), "a"), id="a field made"),
            pytest.param(lambda shop: shop.save(), id="the project saved"),
        ],
    )
    def test_is_read_again_after_a_change(self, shop: Project, change: Any) -> None:
        make.event_type(shop, "buy")
        before = current(shop)

        change(shop)

        after = current(shop)
        assert after is not before
        assert after.version > before.version

    def test_of_several_projects_holds_each_its_own(self, shop: Project, other: Project) -> None:
        make.event_type(shop, "buy")

        found = catalogue.current([other.pk, shop.pk, shop.pk])

        assert {key: list(each.types) for key, each in found.items()} == {
            shop.pk: ["buy"],
            other.pk: [],
        }


class TestAGrownCatalogue:
    def test_has_what_was_missing(self, shop: Project) -> None:
        grown = grow(shop, buy="ab", view="")

        assert {name: dict(each.fields) for name, each in grown.types.items()} == {
            "buy": {"a": "auto", "b": "auto"},
            "view": {},
        }
        assert grown.automatic_types == 2
        assert set(EventType.objects.values_list("created_automatically", flat=True)) == {True}

    def test_is_the_same_where_nothing_was_missing(self, shop: Project) -> None:
        grow(shop, buy="ab")
        before, number = current(shop), version(shop)

        assert grow(shop, buy="a") is before
        assert version(shop) == number

    def test_is_in_force_for_the_next_request(self, shop: Project) -> None:
        before = version(shop)

        grow(shop, buy="a")

        assert version(shop) > before
        assert fields(shop, "buy") == {"a": "auto"}

    def test_is_remembered_by_nobody_until_it_is_committed(self, shop: Project) -> None:
        stale = current(shop)

        grow(shop, buy="a")

        assert stale.types == {}

    def test_leaves_declared_fields_as_they_are(self, shop: Project) -> None:
        make.event_type(shop, "buy", fields={"a": "number"})

        grow(shop, buy="ab")

        assert fields(shop, "buy") == {"a": "number", "b": "auto"}
        declared = MetadataField.objects.get(name="a")
        assert not declared.created_automatically

    def test_has_a_thousand_fields_of_a_type_at_most(
        self, shop: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "FIELDS_PER_EVENT_TYPE", 3)

        grow(shop, buy="edcba", view="a")
        assert list(fields(shop, "buy")) == ["a", "b", "c"]
        number = version(shop)
        full = current(shop)

        # What no longer fits is not asked for again with every event.
        assert grow(shop, buy="xyz") is full
        assert version(shop) == number

    def test_takes_what_another_process_has_made_meanwhile(self, shop: Project) -> None:
        stale = current(shop)
        made = make.event_type(shop, "buy", fields={"a": "text"})
        wanted = Wanted()
        wanted.add("buy", "ab")

        grown = catalogue.grown(stale, wanted)

        assert grown.types["buy"].id == made.pk
        assert grown.types["buy"].fields == {"a": "text", "b": "auto"}

    @pytest.mark.parametrize("name", ["Ünï", "a b", "", "🦊", "%s", "'", "A", "n" * 100])
    def test_takes_names_as_they_come(self, shop: Project, name: str) -> None:
        wanted = Wanted()
        wanted.add(name, {name})

        assert catalogue.grown(current(shop), wanted).types[name].fields == {name: "auto"}
