"""What the values of undeclared fields look like, seen when they are folded."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from analytics.sketches import ArraySummary, NumberSummary, Summary, TextSummary
from analytics.summaries import RowKey
from events.suspicion import VALUES_LOOKED_AT, suspicions, written


def suspects(
    summaries: Mapping[RowKey, Summary],
    undeclared: Mapping[int, str],
    *,
    nested: Mapping[int, Sequence[str]],
) -> dict[int, str]:
    """Return the fields that show something new, with all that their values ever looked like.

    `undeclared` are the fields to look at, with what was found before; `nested` are texts in
    their objects. Of each few values are looked at: a fold is to take no longer for it.
    """
    found = {}
    for field_id, values in _samples(summaries, undeclared, nested).items():
        before = undeclared[field_id]
        now = written({*filter(None, before.split(",")), *suspicions(values)})
        if now != before:
            found[field_id] = now
    return found


def _samples(
    summaries: Mapping[RowKey, Summary],
    fields: Collection[int],
    nested: Mapping[int, Sequence[str]],
) -> Mapping[int, list[str]]:
    samples: defaultdict[int, list[str]] = defaultdict(list)
    for key, summary in summaries.items():
        if key.field_id in fields:
            sample = samples[key.field_id]
            if len(sample) < VALUES_LOOKED_AT:
                sample += islice(_values(summary), VALUES_LOOKED_AT - len(sample))
    for field_id in nested.keys() & fields:
        sample = samples[field_id]
        sample += nested[field_id][: VALUES_LOOKED_AT - len(sample)]
    return samples


def _values(summary: Summary) -> Iterable[str]:
    """Return values as texts; those of a summary that has too many to keep are not looked at."""
    match summary:
        case TextSummary():
            return summary.counts
        case NumberSummary():
            return summary.values
        case ArraySummary():
            return summary.elements.counts
        case _:
            return ()
