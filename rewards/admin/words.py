"""Rows of the ledger and versions, told in words for the staff's pages."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from events.metadata import write_json
from events.models import Event, Merge, Project
from events.types import DISCARD_WORDS, Json, JsonObject
from rewards.models import RuleVersion, StreakVersion, Transfer
from rewards.rules import describe, describe_streak, read_definition, read_streak

SHOWN_VERSIONS = 50

_TRACE_WORDS = {"desired": "points worked out", "granted": "points given"}


# Why an accepted event earned nothing, and why others were discarded.
_REASON_WORDS = {"too_late": "older than the reward window", **DISCARD_WORDS}


def verdict_words(event: Event) -> str:
    """Return what became of an event, and why where that says more."""
    status, reason = event.get_status_display(), event.reason
    return f"{status}: {_REASON_WORDS.get(reason, reason)}" if reason else status


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A name with what it is, both in words."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow:
    """A transfer as people read it: `source` is the rule or streak, `words` what it said.

    A merge has neither event nor version (`number` is 0). `balance` is what the customer had after
    it, where that was asked for.
    """

    id: int
    kind: str
    points: int
    source: str
    source_url: str
    number: int
    words: str
    trace: tuple[Row, ...]
    event_id: UUID | None
    created_at: datetime
    balance: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A published version in words."""

    number: int
    words: str
    in_force_from: datetime | None
    in_force_until: datetime | None
    published_at: datetime
    published_by: str


def rule_words(definition: Json) -> str:
    return describe(read_definition(definition))


def streak_words(definition: Json) -> str:
    return describe_streak(read_streak(definition))


def version_rows(versions: Iterable[RuleVersion | StreakVersion]) -> list[VersionRow]:
    """Return what was published, in the order given."""
    return [
        VersionRow(
            number=version.number,
            words=_words(version),
            in_force_from=version.in_force_from,
            in_force_until=version.in_force_until,
            published_at=version.published_at,
            published_by=str(version.published_by or "the command line"),
        )
        for version in versions
    ]


def _words(version: RuleVersion | StreakVersion) -> str:
    told = rule_words if isinstance(version, RuleVersion) else streak_words
    return told(version.definition)


def transfer_rows(found: Iterable[Transfer]) -> list[TransferRow]:
    """Return the transfers in the order given; asks for all their versions at once."""
    transfers = list(found)
    kinds = Transfer.Kind
    rules = RuleVersion.objects.select_related("rule").in_bulk(_version_ids(transfers, kinds.AWARD))
    streaks = StreakVersion.objects.select_related("streak").in_bulk(
        _version_ids(transfers, kinds.STREAK)
    )
    merges = Merge.objects.select_related("loser", "survivor").in_bulk(
        [transfer.event_id for transfer in transfers if transfer.kind == kinds.MERGE]
    )
    rows = []
    for transfer in transfers:
        match Transfer.Kind(transfer.kind):
            case kinds.AWARD:
                rows.append(_rule_row(transfer, rules[transfer.version_id]))
            case kinds.STREAK:
                rows.append(_streak_row(transfer, streaks[transfer.version_id]))
            case kinds.MERGE:
                rows.append(_merge_row(transfer, merges[transfer.event_id]))
            case kind:
                assert_never(kind)
    return rows


def transfers_table(rows: Iterable[TransferRow], project: Project) -> str:
    """Return a table of the rows, with the times of the project's clock."""
    with timezone.override(project.zone):
        table = render_to_string("rewards/_transfers.html", {"transfers": rows})
    note = format_html('<p class="tw-note">Times are those of {}.</p>', project.time_zone)
    return table + note


def _version_ids(transfers: Iterable[Transfer], kind: Transfer.Kind) -> set[int]:
    return {transfer.version_id for transfer in transfers if transfer.kind == kind}


def _rule_row(transfer: Transfer, version: RuleVersion) -> TransferRow:
    url = reverse("admin:rewards_rule_change", args=[version.rule_id])
    return _transfer_row(transfer, version, source=version.rule.name, url=url)


def _streak_row(transfer: Transfer, version: StreakVersion) -> TransferRow:
    url = reverse("admin:rewards_streak_change", args=[version.streak_id])
    return _transfer_row(transfer, version, source=version.streak.name, url=url)


def _merge_row(transfer: Transfer, merge: Merge) -> TransferRow:
    return TransferRow(
        id=transfer.pk,
        kind=transfer.get_kind_display(),
        points=transfer.amount,
        source=str(merge),
        source_url=reverse("admin:events_merge_change", args=[merge.pk]),
        number=0,
        words=f"The points of {merge.loser}, who became a part of {merge.survivor}.",
        trace=(),
        event_id=None,
        created_at=transfer.created_at,
    )


def _transfer_row(
    transfer: Transfer, version: RuleVersion | StreakVersion, *, source: str, url: str
) -> TransferRow:
    return TransferRow(
        id=transfer.pk,
        kind=transfer.get_kind_display(),
        points=transfer.amount,
        source=source,
        source_url=url,
        number=version.number,
        words=_words(version),
        trace=trace_rows(transfer.trace),
        event_id=transfer.event_id,
        created_at=transfer.created_at,
    )


def trace_rows(trace: JsonObject) -> tuple[Row, ...]:
    """Return each number on the way to the points, in the order in which it was found."""
    return tuple(_trace_rows(trace))


def _trace_rows(trace: JsonObject) -> Iterator[Row]:
    for key, value in trace.items():
        match key, value:
            case "uses", _:
                continue  # what the counters grew by: for verify_ledger, not for people
            case "limits", [*steps]:
                yield from (_limit_row(step) for step in steps if isinstance(step, Mapping))
            case _:
                yield Row(
                    name=_TRACE_WORDS.get(key, key.replace("_", " ")), value=value_words(value)
                )


def _limit_row(step: Mapping[str, Any]) -> Row:
    return Row(
        name=f"limit of {step['n']} {step['of']} per {step['per']}, {step['window']}",
        value=f"{step['room']} {step['of']} were left; it leaves {step['leaves']} points",
    )


def value_words(value: Json) -> str:
    """Return a value as text: words as they are, anything else as JSON."""
    return value if isinstance(value, str) else write_json(value).decode()
