"""Every wire under its name."""

from collections.abc import Mapping

from events.types import Wire
from events.wires import gameball, lynes, native, referd, releva, vibetrace

_ALL = (
    native.wire,
    lynes.wire,
    lynes.user_wire,
    referd.wire,
    referd.player_wire,
    gameball.wire,
    gameball.customer_wire,
    gameball.batch_wire,
    vibetrace.wire,
    releva.wire,
)

WIRES: Mapping[str, Wire] = {wire.name: wire for wire in _ALL}
