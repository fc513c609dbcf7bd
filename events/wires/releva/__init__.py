"""Releva's custom event and profile formats, as its public API pages document them."""

from events.wires.releva.exchange import STATUS_OF, wire

__all__ = ["STATUS_OF", "wire"]
