"""The invented shop: coffee and tea from Berlin, sold on the web and in an app."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from config.demo import people
from config.demo.wares import POPULARITY, PRODUCTS, Product
from config.demo.world import (
    Arrival,
    Pen,
    Release,
    Span,
    World,
    as_many,
    moment,
    pick,
    soon,
    version_on,
)
from events.metadata import read_json, write_json
from events.types import Event, Identity, Json, JsonObject, Refusal
from events.wires import native

SLUG = "shop"
TIME_ZONE = "Europe/Berlin"
SALE_DAY = 58  # the sale starts on the first Friday from this day on
SALE_DAYS = 3
SALE_COUPON = "SALE20"

_ZONE = ZoneInfo(TIME_ZONE)
_BY_HOUR = (1, 1, 0.5, 0.5, 0.5, 1, 3, 6, 8, 8, 8, 9, 11, 10, 8, 7, 8, 10, 12, 15, 17, 15, 9, 4)
_BY_WEEKDAY = (1.0, 0.9, 0.9, 1.0, 1.05, 1.3, 1.5)  # from Monday
_SALE_RUSH = 2.1
_FIRST_CUSTOMERS = 150
_JOINING = (1.7, 5.6)  # a day: at the beginning, and from day 90 on
_GROWING_DAYS = 90
_LEAVING = 0.004  # of the customers, a day
_RELEASES = (
    Release(day=0, version="3.1.4"),
    Release(day=12, version="3.2.0"),
    Release(day=44, version="3.3.0"),
)
_BROKEN_VERSION = "3.1.4"  # sent prices as text
_OFFLINE_SHARE = 0.015
_REFUND_SHARE = 0.06
_REVIEW_SHARE = 0.2
_FREE_SHIPPING_FROM = Decimal(39)


_PLATFORMS = {"web": 5.0, "android": 3.0, "ios": 2.5}
_CITIES = {"Berlin": 8.0, "Hamburg": 3.0, "München": 3.0, "Köln": 2.0, "Zürich": 1.0, "Łódź": 0.5}
_REFERRERS = {"google": 5.0, "newsletter": 2.0, "instagram": 1.5, "direct": 3.0}
_PAYMENTS = {"paypal": 5.0, "credit_card": 3.0, "invoice": 2.0, "sepa": 1.0}
_SOURCES = {"checkout": 6.0, "newsletter": 2.0, "friend": 1.0}
_REASONS = {"damaged": 3.0, "wrong_item": 2.0, "changed_mind": 4.0, "late": 1.0}
_SEARCHES = {"espresso": 5.0, "entkoffeiniert": 2.0, "café crème": 2.0, "玉露": 1.0, "mühle": 2.0}
_COMMENTS = ("Sehr gut!", "Schön cremig, gerne wieder ☕", "Kam zerdrückt an.", "Übertrifft alles.")


@dataclass(slots=True, kw_only=True)
class _Customer:
    number: int
    name: str
    platform: str
    city: str
    visits: float  # on an ordinary day
    update_lag_days: float
    newsletter: bool
    birthday: date
    orders: int = 0

    @property
    def id(self) -> str:
        return f"c-{self.number}"

    @property
    def email(self) -> str:
        return people.email(self.name, self.number)

    @property
    def is_gold(self) -> bool:
        return self.visits > 0.35

    @property
    def attributes(self) -> JsonObject:
        return {
            "name": self.name,
            "city": self.city,
            "tier": "gold" if self.is_gold else "basic",
            "newsletter": self.newsletter,
            "birthday": self.birthday.isoformat(),
        }


def set_up(began: date) -> JsonObject:
    """Return the shop's set-up, with its sale in the calendar."""
    read = read_json((Path(__file__).parent / "shop.json").read_bytes())
    if not isinstance(read, dict):
        raise TypeError(f"shop.json holds no object: {read}")
    return {**read, "rules": [*read["rules"], _sale_rule(began)]}


def _sale_rule(began: date) -> JsonObject:
    starts = datetime.combine(_sale_friday(began), time(), _ZONE)
    return {
        "name": "Sale weekend: +25 per order with coupon",
        "state": "live",
        "from": starts.isoformat(),
        "until": (starts + timedelta(days=SALE_DAYS)).isoformat(),
        "definition": {
            "trigger": "order_placed",
            "when": {
                "combinator": "and",
                "rules": [{"field": "event.coupon", "operator": "=", "value": SALE_COUPON}],
            },
            "award": {"fixed": 25},
            "limits": [{"per": "rule", "of": "points", "window": "day", "n": 1000, "over": "clip"}],
        },
    }


def _sale_friday(began: date) -> date:
    first = began + timedelta(days=SALE_DAY)
    return first + timedelta(days=(4 - first.weekday()) % 7)


def arrivals(span: Span) -> Iterator[Arrival]:
    """Yield every request of the days, those of one day in no order."""
    return _Shop(span).arrivals()


class _Shop:
    """The shop as its days go by."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._dice = random.Random(f"{SLUG} {span.first}")  # noqa: S311 (a demo needs repeatable dice)
        self._pen = Pen()
        self._customers: list[_Customer] = []
        self._joined = 0
        self._orders = 0
        self._sale = _sale_friday(span.first)

    def arrivals(self) -> Iterator[Arrival]:
        for _ in range(as_many(self._dice, self._span.people(_FIRST_CUSTOMERS))):
            self._join()
        for number, day in self._span.days():
            yield from self._newcomers(number, day)
            rush = _BY_WEEKDAY[day.weekday()] * (_SALE_RUSH if self._is_sale(day) else 1)
            for customer in self._customers:
                if self._dice.random() < customer.visits * rush:
                    yield from self._visit(customer, number, day)
            yield from self._mistakes(day)
            self._customers = [c for c in self._customers if self._dice.random() > _LEAVING]

    def _is_sale(self, day: date) -> bool:
        return 0 <= (day - self._sale).days < SALE_DAYS

    def _join(self) -> _Customer:
        dice = self._dice
        self._joined += 1
        customer = _Customer(
            number=10_000 + self._joined * 7,
            name=people.name(dice),
            platform=pick(dice, _PLATFORMS),
            city=pick(dice, _CITIES),
            visits=0.03 + 0.55 * dice.betavariate(1.3, 3.2),
            update_lag_days=dice.expovariate(1 / 6) if dice.random() < 0.93 else 400,
            newsletter=dice.random() < 0.4,
            birthday=people.birthday(dice),
        )
        self._customers.append(customer)
        return customer

    def _newcomers(self, number: int, day: date) -> Iterator[Arrival]:
        early, late = _JOINING
        share = min(number / _GROWING_DAYS, 1)
        joining = self._span.people(early + (late - early) * share)
        for _ in range(as_many(self._dice, joining * (1.8 if self._is_sale(day) else 1))):
            customer = self._join()
            at = moment(self._dice, day, _ZONE, _BY_HOUR)
            metadata: dict[str, Json] = {
                "source": pick(self._dice, _SOURCES),
                "newsletter": customer.newsletter,
                "platform": customer.platform,
                "birthday": None if self._dice.random() < 0.3 else customer.birthday.isoformat(),
            }
            if self._dice.random() < 0.15:
                metadata["invitedBy"] = self._dice.choice(self._customers).id
            identity = Identity(external_id=customer.id, email=customer.email)
            yield self._request(
                customer, [self._pen.event("account_created", identity, at, metadata)]
            )

    def _visit(self, customer: _Customer, number: int, day: date) -> Iterator[Arrival]:
        """Yield what one visit sends: views, now and then a cart, now and then an order."""
        dice = self._dice
        at = moment(dice, day, _ZONE, _BY_HOUR)
        version = version_on(number - customer.update_lag_days, _RELEASES)
        sent: list[Event] = []
        cart: list[Product] = []
        for _ in range(1 + min(int(dice.expovariate(0.7)), 7)):
            [product] = dice.choices(PRODUCTS, POPULARITY)
            sent.append(
                self._event("product_viewed", customer, at, self._view(customer, product, version))
            )
            at += timedelta(milliseconds=dice.randint(8_000, 120_000))
            if dice.random() < 0.3:
                cart.append(product)
                sent.append(
                    self._event(
                        "cart_filled", customer, at, self._filled(customer, product, version)
                    )
                )
        is_sale = self._is_sale(day)
        wants = dice.random() < (0.62 if is_sale else 0.46)
        if cart and wants:
            at += timedelta(milliseconds=dice.randint(30_000, 400_000))
            order = self._order(customer, cart, day, is_sale=is_sale)
            sent.append(self._event("order_placed", customer, at, order))
            yield from self._aftermath(customer, order, cart, at)
        if customer.platform != "web" and dice.random() < _OFFLINE_SHARE:
            # The app keeps what it could not send, and sends it all when it is online again.
            yield self._request(customer, sent, late=timedelta(hours=dice.randint(20, 50)))
        else:
            for event in sent:
                yield self._request(customer, [event])

    def _view(self, customer: _Customer, product: Product, version: str) -> JsonObject:
        dice = self._dice
        seen: dict[str, Json] = {
            "productId": product.id,
            "productName": product.name,
            "category": product.category,
            "price": _price(product, customer, version),
            "tags": list(product.tags),
            "platform": customer.platform,
            "inStock": dice.random() < 0.94,
        }
        if customer.platform != "web":
            seen["appVersion"] = version
        else:
            seen["referrer"] = pick(dice, _REFERRERS) if dice.random() < 0.7 else None
        if dice.random() < 0.2:
            seen["searchTerm"] = pick(dice, _SEARCHES)
        return seen

    def _filled(self, customer: _Customer, product: Product, version: str) -> JsonObject:
        filled: dict[str, Json] = {
            "productId": product.id,
            "category": product.category,
            "price": _price(product, customer, version),
            "quantity": self._dice.choices([1, 2, 3, 6], [12, 4, 1, 1])[0],
            "platform": customer.platform,
        }
        if customer.platform != "web":
            filled["appVersion"] = version
        return filled

    def _order(
        self, customer: _Customer, cart: Sequence[Product], day: date, *, is_sale: bool
    ) -> JsonObject:
        dice = self._dice
        self._orders += 1
        customer.orders += 1
        goods = sum((product.price for product in cart), Decimal())
        coupon = self._coupon(is_sale=is_sale)
        if coupon:
            goods = (goods * Decimal("0.8")).quantize(Decimal("0.01"))
        is_pickup = customer.city == "Berlin" and dice.random() < 0.3
        shipping = Decimal(0) if goods >= _FREE_SHIPPING_FROM else Decimal("4.90")
        delivery = day + timedelta(days=dice.randint(1, 4))
        order: dict[str, Json] = {
            "orderId": f"BK-{day:%y%m}-{100_000 + self._orders * 13}",
            "total": goods + (0 if is_pickup else shipping),
            "shipping": None if is_pickup else shipping,
            "deliveryDate": None if is_pickup else delivery.isoformat(),
            "currency": "EUR",
            "items": [product.id for product in cart],
            "itemCount": len(cart),
            "paymentMethod": pick(dice, _PAYMENTS),
            "isFirst": customer.orders == 1,
            "platform": customer.platform,
            "email": customer.email,
        }
        if coupon or customer.platform == "web":  # the app leaves out what it has not
            order["coupon"] = coupon
        return order

    def _coupon(self, *, is_sale: bool) -> str | None:
        if is_sale and self._dice.random() < 0.7:
            return SALE_COUPON
        return "WILLKOMMEN" if self._dice.random() < 0.05 else None

    def _aftermath(
        self, customer: _Customer, order: JsonObject, cart: Sequence[Product], at: datetime
    ) -> Iterator[Arrival]:
        """Yield what follows an order in later days: a refund, a review."""
        dice = self._dice
        if dice.random() < _REFUND_SHARE:
            back = at + timedelta(days=dice.randint(2, 12), milliseconds=dice.randrange(9_000_000))
            yield self._request(
                customer,
                [self._event("order_refunded", customer, back, self._refund(order, cart))],
            )
        if dice.random() < _REVIEW_SHARE:
            later = at + timedelta(days=dice.randint(3, 14), milliseconds=dice.randrange(9_000_000))
            review: JsonObject = {
                "productId": cart[0].id,
                "stars": dice.choices([1, 2, 3, 4, 5], [1, 1, 2, 6, 10])[0],
                "comment": dice.choice(_COMMENTS) if dice.random() < 0.6 else None,
                "photos": dice.choices([0, 1, 2], [8, 2, 1])[0],
            }
            yield self._request(customer, [self._event("review_written", customer, later, review)])

    def _refund(self, order: JsonObject, cart: Sequence[Product]) -> JsonObject:
        is_full = len(cart) == 1 or self._dice.random() < 0.5
        returned = cart if is_full else cart[:1]
        return {
            "orderId": order["orderId"],
            "amount": order["total"] if is_full else min(cart[0].price, _money(order["total"])),
            "items": [product.id for product in returned],
            "reason": pick(self._dice, _REASONS),
            "isFull": is_full,
        }

    def _mistakes(self, day: date) -> Iterator[Arrival]:
        """Yield requests that are refused, as clients with a fault send them."""
        if self._dice.random() > 0.25:
            return
        at = moment(self._dice, day, _ZONE, _BY_HOUR)
        customer = self._dice.choice(self._customers).id if self._customers else "c-1"
        body, client = self._dice.choice(_faulty(customer, at))
        request = native.parse({}, "/api/v1/events", write_json(body))
        if not isinstance(request, Refusal):
            received_at = soon(self._dice, at)
            yield Arrival(
                received_at=received_at, wire=native.wire, client=client, entries=request.entries
            )

    def _event(self, name: str, customer: _Customer, at: datetime, metadata: JsonObject) -> Event:
        return self._pen.event(name, Identity(external_id=customer.id), at, metadata)

    def _request(
        self, customer: _Customer, events: Sequence[Event], *, late: timedelta = timedelta()
    ) -> Arrival:
        last = max(event.occurred_at for event in events if event.occurred_at)
        return Arrival(
            received_at=soon(self._dice, last) + late,
            wire=native.wire,
            client=f"bergkaffee-{customer.platform}",
            entries=tuple(events),
            attributes=customer.attributes,
        )


def _price(product: Product, customer: _Customer, version: str) -> Json:
    is_broken = customer.platform != "web" and version == _BROKEN_VERSION
    return f"{product.price:.2f}" if is_broken else product.price


def _money(value: Json) -> Decimal:
    return Decimal(str(value))


def _faulty(customer: str, at: datetime) -> list[tuple[JsonObject, str]]:
    """Return bodies that are refused, each with its client."""
    ahead = (at + timedelta(days=366)).isoformat()
    return [
        (
            {"event": "order_placed", "metadata": {"total": Decimal("18.40")}},
            "bergkaffee-erp/1.0",
        ),
        (
            {"event": "order_placed", "customer": customer, "occurred_at": "gestern, 18 Uhr"},
            "bergkaffee-erp/1.0",
        ),
        (
            {"event": "product_viewed", "customer": customer, "occurred_at": ahead},
            "bergkaffee-android/3.1.4",
        ),
        (
            {"event": "cart_filled", "customer": customer, "metadata": ["KA-101", 2]},
            "bergkaffee-kiosk/0.3",
        ),
    ]


WORLD = World(slug=SLUG, name="Demo shop", time_zone=TIME_ZONE, set_up=set_up, arrivals=arrivals)
