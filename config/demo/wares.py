"""What the invented shop sells."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One thing on sale; its price in cents."""

    id: str
    name: str
    category: str
    cents: int
    tags: tuple[str, ...]

    @property
    def price(self) -> Decimal:
        return Decimal(self.cents) / 100


def _product(line: str) -> Product:
    product_id, name, category, cents, *tags = line.split("|")
    return Product(id=product_id, name=name, category=category, cents=int(cents), tags=(*tags,))


PRODUCTS = tuple(
    _product(line)
    for line in """\
KA-101|Äthiopien Yirgacheffe 500 g|coffee|1390|single origin|organic|light roast
KA-102|Café Crème 1 kg|coffee|1849|blend|medium roast
KA-103|Espresso Nº 7 1 kg|coffee|2190|blend|dark roast|bestseller
KA-104|Kolumbien Nariño 250 g|coffee|899|single origin|fair trade
KA-105|Koffeinfrei 500 g|coffee|1290|decaf|swiss water
KA-106|Jamaica Blue Mountain 250 g|coffee|4990|single origin|limited
TE-201|Sencha 静岡 100 g|tea|1150|green|organic
TE-202|Assam Bio 250 g|tea|990|black|organic|fair trade
TE-203|Rooibos Crème brûlée 100 g|tea|690|herbal|flavoured
TE-204|Kamille 50 g|tea|449|herbal|organic
TE-205|Gyokuro 玉露 50 g|tea|2890|green|limited
ZU-301|Filterpapier Nº 4, 100 St.|accessories|349
ZU-302|Handmühle „Mühlchen“|accessories|5950|steel|bestseller
ZU-303|Milchkännchen 0,35 l|accessories|1990|steel
ZU-304|Cold-Brew-Flasche|accessories|2450|glass
ZU-305|Bodum Chambord 1 l|accessories|3990|glass
MA-401|Siebträger „Prima“|machines|49900|limited
MA-402|Filtermaschine „Guten Morgen“|machines|8990|bestseller
""".splitlines()
)
# How often each is looked at, in the order above.
POPULARITY = (9, 8, 14, 6, 4, 1, 4, 5, 4, 3, 1, 6, 3, 3, 4, 3, 0.3, 1.5)
