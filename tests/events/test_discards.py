"""Events are discarded by what was accepted before them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from events import catalogue, discards
from events.discards import Contender
from events.models import NaturalKey, Project, ThrottledMoment, new_id
from events.types import DiscardReason, Json
from tests import make

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class TestHashOf:
    @pytest.mark.once
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            pytest.param(7, "7", id="a number and its text"),
            pytest.param(7, Decimal("7.0"), id="7 and 7.0"),
            pytest.param(Decimal("1e2"), 100, id="1e2 and 100"),
            pytest.param(Decimal("-0"), "0", id="-0 and 0"),
            pytest.param(Decimal("0.50"), "0.5", id="0.50 and the text 0.5"),
            pytest.param(10**40, str(10**40), id="a number of very many digits"),
            pytest.param(Decimal("1" * 31 + ".50"), "1" * 31 + ".5", id="more than 28 digits"),
            pytest.param(True, "true", id="true and its text"),
        ],
    )
    def test_is_the_same_for_the_same_order(self, one: Json, other: Json) -> None:
        assert discards.hash_of("order", one) == discards.hash_of("order", other) is not None

    @pytest.mark.once
    def test_tells_all_else_apart(self) -> None:
        values: list[Json] = ["7", "07", " 7", "7.0", "a", "A", "ä", 8, Decimal("7.1"), True]

        hashes = {discards.hash_of("order", value) for value in values}

        assert len(hashes) == len(values)
        assert discards.hash_of("order", 7) != discards.hash_of("basket", 7)

    @pytest.mark.once
    @pytest.mark.parametrize("value", [None, "", [], ["7"], {}, {"id": 7}], ids=str)
    def test_is_none_for_what_names_no_order(self, value: Json) -> None:
        assert discards.hash_of("order", value) is None


@pytest.mark.django_db
class TestDiscards:
    @pytest.fixture
    def type_id(self, shop: Project) -> int:
        return make.event_type(shop, "buy", unique_by="order", throttle_minutes=20).pk

    def contender(self, type_id: int, **columns: Any) -> Contender:
        order = columns.pop("order", None)
        return Contender(
            **{
                "event_id": new_id(),
                "event_type_id": type_id,
                "customer_id": 1,
                "occurred_at": AT,
                "natural_key": (type_id, discards.hash_of("order", order)) if order else None,
                "throttle": timedelta(minutes=20),
                "is_bot": False,
                **columns,
            }
        )

    def taken(self, *contenders: Contender) -> list[DiscardReason | None]:
        found = discards.load(contenders)
        reasons = [found.take(each) for each in contenders]
        found.save()
        return reasons

    def test_leave_one_of_each_value(self, type_id: int) -> None:
        one, other = ({"throttle": None, "order": order} for order in ("a", "b"))

        first = self.taken(*(self.contender(type_id, **each) for each in (one, one, other)))
        later = self.taken(*(self.contender(type_id, **each) for each in (other, one)))

        assert first == [None, DiscardReason.UNIQUE_BY, None]
        assert later == [DiscardReason.UNIQUE_BY, DiscardReason.UNIQUE_BY]

    def test_open_a_window_with_each_that_is_accepted(self, type_id: int) -> None:
        minutes = [0, 19, 20, 39, -1, 40, 12]
        moments = [AT + timedelta(minutes=number) for number in minutes]

        reasons = [self.taken(self.contender(type_id, occurred_at=each))[0] for each in moments]

        kept = {at for at, reason in zip(minutes, reasons, strict=True) if reason is None}
        assert kept == {0, 20, -1, 40}
        assert set(reasons) == {None, DiscardReason.THROTTLE}

    def test_end_a_window_at_the_microsecond(self, type_id: int) -> None:
        end = AT + timedelta(minutes=20)
        self.taken(self.contender(type_id))

        [within] = self.taken(self.contender(type_id, occurred_at=end - timedelta.resolution))
        [beyond] = self.taken(self.contender(type_id, occurred_at=end))

        assert (within, beyond) == (DiscardReason.THROTTLE, None)

    def test_keep_customers_and_event_types_apart(self, shop: Project, type_id: int) -> None:
        other_id = make.event_type(shop, "sell", unique_by="order").pk

        reasons = self.taken(
            self.contender(type_id, order="a"),
            self.contender(type_id, order="b", customer_id=2),
            self.contender(other_id, order="a", throttle=None),
        )

        assert reasons == [None, None, None]

    def test_give_a_value_to_the_first_that_is_not_throttled(self, type_id: int) -> None:
        later = AT + timedelta(hours=1)
        self.taken(self.contender(type_id))
        throttled = self.contender(type_id, order="a")
        accepted = self.contender(type_id, order="a", occurred_at=later)
        dropped = self.contender(type_id, order="b", occurred_at=later)

        assert self.taken(throttled, accepted, dropped) == [
            DiscardReason.THROTTLE,
            None,
            DiscardReason.THROTTLE,
        ]

        # Nobody has the claim of what was dropped: the value is free for the next.
        assert list(NaturalKey.objects.values_list("event_id", flat=True)) == [accepted.event_id]
        much_later = later + timedelta(hours=1)
        assert self.taken(self.contender(type_id, order="b", occurred_at=much_later)) == [None]

    def test_count_no_bot_as_having_come_first(self, type_id: int) -> None:
        bots = self.contender(type_id, order="a", is_bot=True)

        assert self.taken(bots, self.contender(type_id, order="a")) == [DiscardReason.BOT, None]

    def test_are_read_by_two_statements(self, type_id: int, django_assert_num_queries: Any) -> None:
        contenders = [self.contender(type_id, order=str(number)) for number in range(50)]
        unconditional = [self.contender(type_id, throttle=None) for _ in range(50)]

        with django_assert_num_queries(0 if connection.vendor == "postgresql" else 2):
            discards.load(contenders)  # on PostgreSQL they go past Django's cursor
        with django_assert_num_queries(0):
            discards.load(unconditional).save()

    def test_go_over_to_the_survivor_of_a_merge(self, shop: Project, type_id: int) -> None:
        self.taken(self.contender(type_id, customer_id=2))

        discards.give_windows(shop.pk, loser_id=2, survivor_id=1)

        assert self.taken(self.contender(type_id, customer_id=1)) == [DiscardReason.THROTTLE]
        assert set(ThrottledMoment.objects.values_list("customer_id", flat=True)) == {1}


@pytest.mark.django_db
class TestPeek:
    def test_looks_without_a_claim(self, shop: Project) -> None:
        of_type = make.event_type(shop, "buy", unique_by="order")
        known = catalogue.current([shop.pk])[shop.pk].types["buy"]
        contender = Contender.of(
            UUID(int=1), known, {"order": 7}, customer_id=1, occurred_at=AT, is_bot=False
        )

        assert discards.peek([contender]).take(contender) is None
        assert not NaturalKey.objects.exists()
        discards.load([contender])
        assert NaturalKey.objects.get().event_type_id == of_type.pk
        assert discards.peek([contender]).take(contender) == DiscardReason.UNIQUE_BY
