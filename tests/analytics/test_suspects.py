"""Fields that nobody declared, marked for what their values look like."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from analytics import rollup
from analytics.periods import Calendar
from analytics.summaries import RawEvent, Summariser
from analytics.suspects import suspects
from events import catalogue
from events.models import EventType, MetadataField, Project
from events.projects import NewProject
from events.suspicion import VALUES_LOOKED_AT
from events.types import Json
from tests import make
from tests.analytics.feed import field, send_values

CARD = 4111111111111111
ALL_KINDS = "card,email,phone"


def suspected(project: Project, name: str) -> str:
    return field(project, name).suspected


@pytest.mark.django_db(transaction=True)
class TestAnUndeclaredField:
    @pytest.mark.parametrize(
        ("values", "found"),
        [
            (["ann@example.com", "bob"], "email"),
            ([CARD, CARD], "card"),
            ([["+49 171 1234567"], ["x"]], "phone"),
            (["ann@example.com", "+49 171 1234567", CARD], ALL_KINDS),
            (["ann", 5, None, True, ["x"], {"a": "ann"}], ""),
            ([{"email": "p@mail.org", "phone": "+4915112345678", "card": str(CARD)}], ALL_KINDS),
            ([{"card": CARD}, {"deep": [{"deeper": {"email": "p@mail.org"}}]}], "card,email"),
            (["ann@example.com", {"phone": "+4915112345678"}], "email,phone"),
            ([{"name": "x", "since": None, "is_new": True, "n": Decimal("1.5")}], ""),
        ],
    )
    def test_is_marked_by_a_fold(self, shop: Project, values: list[Json], found: str) -> None:
        send_values(shop, "who", values)

        rollup.roll_up(seconds=60)

        assert suspected(shop, "who") == found

    def test_keeps_what_it_was_marked_with(self, shop: Project) -> None:
        for value in ("ann@example.com", "nothing", "+49 171 1234567"):
            send_values(shop, "who", [value])
            rollup.roll_up(seconds=60)

        assert suspected(shop, "who") == "email,phone"

    def test_is_marked_without_a_new_version_of_the_set_up(self, shop: Project) -> None:
        send_values(shop, "who", ["ann@example.com"])
        shop.refresh_from_db()
        version = shop.setup_version

        rollup.roll_up(seconds=60)

        shop.refresh_from_db()
        assert (suspected(shop, "who"), shop.setup_version) == ("email", version)

    def test_is_not_looked_at_again_once_it_was_dismissed(self, shop: Project) -> None:
        send_values(shop, "who", ["ann@example.com"])
        rollup.roll_up(seconds=60)
        catalogue.dismiss_suspicion(field(shop, "who"))

        send_values(shop, "who", ["bob@example.com"])
        rollup.roll_up(seconds=60)

        assert suspected(shop, "who") == ""

    def test_that_is_made_personal_holds_no_suspicion(self, shop_keys: NewProject) -> None:
        send_values(shop_keys.project, "who", ["ann@example.com"])
        rollup.roll_up(seconds=60)
        catalogue.mark_personal(field(shop_keys.project, "who"), "hash")

        send_values(shop_keys.project, "who", ["bob@example.com"])
        rollup.roll_up(seconds=60)

        found = field(shop_keys.project, "who")
        assert (found.personal, found.personal_as, found.suspected) == (True, "hash", "")

    @pytest.mark.parametrize("columns", [{"type": "text"}, {"personal": True}, {}])
    def test_is_none_that_somebody_declared(
        self, shop: Project, columns: dict[str, object]
    ) -> None:
        make.field(make.event_type(shop, "play"), "who", **columns)

        send_values(shop, "who", ["ann@example.com"])
        rollup.roll_up(seconds=60)

        assert suspected(shop, "who") == ""

    def test_that_is_declared_meanwhile_is_left_alone(self, shop: Project) -> None:
        declared = make.field(make.event_type(shop, "play"), "who")

        catalogue.suspect(declared.pk, "email")

        assert MetadataField.objects.get().suspected == ""
        assert EventType.objects.count() == 1


class TestSuspects:
    def test_are_none_where_no_field_is_looked_at(self) -> None:
        assert suspects({}, {}, nested={1: ["ann@example.com"]}) == {}

    def test_are_sought_in_a_sample_of_what_objects_hold(self) -> None:
        late = [*["x"] * VALUES_LOOKED_AT, "ann@example.com"]

        assert suspects({}, {1: "", 2: ""}, nested={1: late, 2: late[1:]}) == {2: "email"}


class TestNestedTexts:
    def summariser(self, *metadata: dict[str, Json], apart: timedelta) -> Summariser:
        made = Summariser(Calendar(ZoneInfo("UTC")), {1: {"who": 7, "plain": 8}})
        made.add(
            RawEvent(
                event_type_id=1,
                customer_id=1,
                occurred_at=make.NOW + number * apart,
                received_at=make.NOW + number * apart,
                points_awarded=0,
                points_total=0,
                metadata=each,
                characters=100,
            )
            for number, each in enumerate(metadata)
        )
        return made

    @pytest.mark.parametrize("apart", [timedelta(0), timedelta(hours=1)])
    def test_are_no_more_than_are_looked_at(self, apart: timedelta) -> None:
        events: list[dict[str, Json]] = [{"who": {"a": [f"x{n}"] * 30}} for n in range(9)]

        found = self.summariser(*events, apart=apart).nested()

        assert found == {7: [f"x{n // 30}" for n in range(VALUES_LOOKED_AT)]}

    def test_are_cut_and_are_of_objects_alone(self) -> None:
        found = self.summariser(
            {"who": {"a": "x" * 999}, "plain": "y"}, {"who": "z"}, apart=timedelta(0)
        ).nested()

        assert found == {7: ["x" * 200]}
