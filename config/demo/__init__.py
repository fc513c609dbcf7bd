"""A believable shop and a believable game for a first look: their set-up, events and keys."""

from config.demo import game, shop
from config.demo.keeping import (
    FILE_NAME,
    Demo,
    Keys,
    TakenSlugError,
    keep_demo,
    kept_demo,
    make_demo,
    told,
)
from config.demo.seeding import seed, span_of

# The first is the one that the printed line sends to.
WORLDS = (game.WORLD, shop.WORLD)

__all__ = [
    "FILE_NAME",
    "WORLDS",
    "Demo",
    "Keys",
    "TakenSlugError",
    "keep_demo",
    "kept_demo",
    "make_demo",
    "seed",
    "span_of",
    "told",
]
