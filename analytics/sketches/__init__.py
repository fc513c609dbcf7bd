"""Mergeable summaries of metadata values, one class per kind, as rollups store and read them.

Every summary folds from values (`of`), merges (`merge`, `merge_all`) and is stored as bytes
(`to_bytes`, `from_bytes`); what it holds depends on neither the order of the values nor how they
were split, so that a rebuild gives the same bytes. The one exception is named in TextSummary.
"""

from collections.abc import Mapping
from types import MappingProxyType

from analytics.sketches.arrays import ArraySummary, element_text
from analytics.sketches.bins import Bin, Scale
from analytics.sketches.counts import BooleanSummary, CountSummary, EventFact, EventSummary
from analytics.sketches.distinct import DistinctSummary
from analytics.sketches.histogram import RELATIVE_ERROR, LogHistogram
from analytics.sketches.numbers import NumberSummary
from analytics.sketches.summary import Summary, UnreadableSummaryError
from analytics.sketches.texts import VALUES_CAP, TextSummary, value_key

# The kinds are those of metadata values, the text that is a number, and the event itself.
SUMMARIES: Mapping[str, type[Summary]] = MappingProxyType(
    {
        "event": EventSummary,
        "null": CountSummary,
        "number": NumberSummary,
        "numeric_text": NumberSummary,
        "text": TextSummary,
        "boolean": BooleanSummary,
        "array": ArraySummary,
        "object": CountSummary,
    }
)

__all__ = [
    "RELATIVE_ERROR",
    "SUMMARIES",
    "VALUES_CAP",
    "ArraySummary",
    "Bin",
    "BooleanSummary",
    "CountSummary",
    "DistinctSummary",
    "EventFact",
    "EventSummary",
    "LogHistogram",
    "NumberSummary",
    "Scale",
    "Summary",
    "TextSummary",
    "UnreadableSummaryError",
    "element_text",
    "value_key",
]
