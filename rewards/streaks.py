"""A streak's state: the runs of active periods, folded from a set, whatever order it came in."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from rewards.rules import Milestone


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Run:
    """Consecutive active periods, by index, both ends included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


Runs: TypeAlias = tuple[Run, ...]
"""Sorted, and with at least one inactive period between two of them."""


def with_active(runs: Runs, index: int) -> Runs:
    """Return the runs after that period became active; the same runs where it was already."""
    at = bisect_right(runs, index, key=lambda run: run.first)
    before = runs[at - 1] if at else None
    after = runs[at] if at < len(runs) else None
    if before and index <= before.last:
        return runs
    first, last, start, end = index, index, at, at
    if before and before.last == index - 1:
        first, start = before.first, at - 1
    if after and after.first == index + 1:
        last, end = after.last, at + 1
    return (*runs[:start], Run(first=first, last=last), *runs[end:])


def union(*several: Runs) -> Runs:
    """Return the runs of all periods that are active in one of several."""
    joined: list[Run] = []
    for run in sorted(chain.from_iterable(several)):
        if joined and run.first <= joined[-1].last + 1:
            before = joined.pop()
            joined.append(Run(first=before.first, last=max(before.last, run.last)))
        else:
            joined.append(run)
    return tuple(joined)


def current(runs: Runs) -> int:
    """Return the length of the run that holds the latest active period, 0 without one."""
    return runs[-1].length if runs else 0


def current_on(runs: Runs, today_index: int) -> int:
    """Return the current length, 0 where the run ended before the period before today's."""
    return current(runs) if runs and runs[-1].last >= today_index - 1 else 0


def longest(runs: Runs) -> int:
    """Return the length of the longest run, 0 without one."""
    return max((run.length for run in runs), default=0)


def milestones_crossed(
    before: Runs, after: Runs, index: int, milestones: Iterable[Milestone]
) -> tuple[Milestone, ...]:
    """Return the milestones that the period at `index` pays.

    A milestone pays when the run that now holds the period is long enough and none of the runs it
    was joined from was, so that it pays once per run as known on arrival: days 1, 2, 3, 5, 6, 7
    and then 4 pay a milestone of 3 twice and one of 7 once.
    """
    run = next(run for run in after if run.first <= index <= run.last)
    paid_to = max(
        (piece.length for piece in before if run.first <= piece.first and piece.last <= run.last),
        default=0,
    )
    return tuple(one for one in milestones if paid_to < one.at <= run.length)


def runs_to_json(runs: Runs) -> list[list[int]]:
    """Return the runs as [[first, last], …]."""
    return [[run.first, run.last] for run in runs]


def runs_from_json(pairs: Iterable[Sequence[int]]) -> Runs:
    """Return the runs that `runs_to_json` wrote."""
    return tuple(Run(first=first, last=last) for first, last in pairs)
