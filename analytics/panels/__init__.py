"""What the pages show: tiles, and charts with their tables."""

from analytics.panels.parts import Cell, Panel, Table, Tile, completeness

__all__ = ["Cell", "Panel", "Table", "Tile", "completeness"]
