"""Mergeable summaries of metadata values, one class per kind, as rollups store and read them.

Every summary folds from values (`of`), merges (`merge`, `merge_all`) and is stored as bytes
(`to_bytes`, `from_bytes`); what it holds depends on neither the order of the values nor how they
were split, so that a rebuild gives the same bytes. The one exception is named in TextSummary.
"""

from collections.abc import Mapping
from types import MappingProxyType

from analytics.layout import UnreadableSummaryError
from analytics.sketches.arrays import ArraySummary, ArrayTally, element_text
from analytics.sketches.bins import Bin, Scale
from analytics.sketches.counts import BooleanSummary, CountSummary, EventFact, EventSummary
from analytics.sketches.distinct import DISTINCT_ERROR, EXACT_TEXTS, DistinctSummary
from analytics.sketches.histogram import RELATIVE_ERROR, LogHistogram
from analytics.sketches.moments import Moments
from analytics.sketches.numbers import EXACT_NUMBERS, READING_NUMBERS, NumberSummary
from analytics.sketches.shapes import is_date, is_version, version_key
from analytics.sketches.summary import Summary
from analytics.sketches.texts import READING_CAP, VALUES_CAP, TextSummary, value_key
from events.types import DiscardReason

# The kinds are those of metadata values, the text that is a number, the event itself, and the
# reasons for which events were discarded.
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
        **dict.fromkeys(DiscardReason, CountSummary),
    }
)

__all__ = [
    "DISTINCT_ERROR",
    "EXACT_NUMBERS",
    "EXACT_TEXTS",
    "READING_CAP",
    "READING_NUMBERS",
    "RELATIVE_ERROR",
    "SUMMARIES",
    "VALUES_CAP",
    "ArraySummary",
    "ArrayTally",
    "Bin",
    "BooleanSummary",
    "CountSummary",
    "DistinctSummary",
    "EventFact",
    "EventSummary",
    "LogHistogram",
    "Moments",
    "NumberSummary",
    "Scale",
    "Summary",
    "TextSummary",
    "UnreadableSummaryError",
    "element_text",
    "is_date",
    "is_version",
    "value_key",
    "version_key",
]
