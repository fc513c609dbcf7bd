"""Events of a file through the pipeline: committed group by group, found again on a second run."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from django.db import DatabaseError, OperationalError, connection
from django.utils import timezone

from events import limits
from events.metadata import RepeatedKeys
from events.ndjson import Line, NdjsonFile, UnreadableFileError
from events.types import (
    Access,
    Event,
    Outcome,
    Reception,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Request,
    Scope,
    Status,
)
from events.wires import native
from rewards import pipeline
from rewards.submissions import Submission

# Half the commits of 500 are half the trips and plans; the locks on a group's customers, for
# which their own requests wait, are held for 0.2 s.
EVENTS_PER_GROUP = 1_000
# SQLite has one writer: web processes wait for as long as a group takes, which is 50 ms then.
SQLITE_EVENTS_PER_GROUP = 250
# SQLite gives the lock to who asks at the right moment, and asks less and less often. Without a
# pause a web process that waits would find no such moment between two groups.
SQLITE_PAUSE_SECONDS = 0.01
# As much as a request may have, so that a group of very long lines fits into memory as well.
GROUP_BYTES = limits.BODY_BYTES

_CLIENT_CHARACTERS = 150  # of the quarantine's 200, the line's number needs some

Item = TypeVar("Item")
_Read: TypeAlias = tuple[Line, Event | RefusedEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLine:
    """Which line was refused, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """One group that is stored: its verdicts, its last line, how far into the file it reaches."""

    verdicts: Counter[Status]
    refused: Sequence[RefusedLine]
    last_line: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    submission: Submission
    last: Line


def import_file(file: NdjsonFile, *, project_id: int) -> Iterator[Committed]:
    """Commit the file's events in order, group by group; each group is yielded when it is stored.

    An event without an id gets one from the file's content and its line, so that the same file
    counts once however often it is read. Raises UnreadableFileError after the last group of what
    can be read, and OperationalError where the database is away.
    """
    is_sqlite = connection.vendor == "sqlite"
    most_events = SQLITE_EVENTS_PER_GROUP if is_sqlite else EVENTS_PER_GROUP
    parts = _parts(_entries(file), most_events=most_events)
    for group in _read_ahead(_group(part, file, project_id=project_id) for part in parts):
        outcomes = _committed(group.submission)
        yield Committed(
            verdicts=Counter(outcome.status for outcome in outcomes),
            refused=list(_refused(group.submission.request.lines, outcomes)),
            last_line=group.last.number,
            position=group.last.position,
        )
        if is_sqlite:
            time.sleep(SQLITE_PAUSE_SECONDS)


def _refused(lines: Sequence[int], outcomes: Sequence[Outcome]) -> Iterator[RefusedLine]:
    for number, outcome in zip(lines, outcomes, strict=True):
        if outcome.error:
            yield RefusedLine(number=number, reason=outcome.error.message)


def _read_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items; each is made by a thread while its predecessor is worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="reader") as reader:
        upcoming = reader.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = reader.submit(next, items, None)
            yield item


def _parts(read: Iterator[_Read], *, most_events: int) -> Iterator[list[_Read]]:
    """Yield what was read in lists that one transaction takes, and only then what went wrong."""
    part: list[_Read] = []
    size_bytes = 0
    failure: UnreadableFileError | None = None
    try:
        for one in read:
            part.append(one)
            size_bytes += len(one[0].content)
            if len(part) == most_events or size_bytes >= GROUP_BYTES:
                yield part
                part, size_bytes = [], 0
    except UnreadableFileError as error:
        failure = error
    if part:
        yield part
    if failure:
        raise failure


def _entries(file: NdjsonFile) -> Iterator[_Read]:
    for line in file.lines(most_bytes=limits.BODY_BYTES):
        if line.is_cut:
            yield line, RefusedEvent(refusal=_TOO_LONG, source=line.content)
            continue
        entry = native.read_line(line.content)
        has_key = isinstance(entry, Event) and entry.key
        yield line, entry if has_key else _keyed(entry, line, file)


_TOO_LONG = Refusal(
    code=RefusalCode.BODY_TOO_LARGE,
    message=f"The line has more than {limits.BODY_BYTES} bytes.",
)


def _keyed(entry: Event | RefusedEvent, line: Line, file: NdjsonFile) -> Event | RefusedEvent:
    """Return the entry with a key of its own, in what is kept of it too: replayed from the
    quarantine it is the same event as in the file."""
    source = entry.source
    if not isinstance(source, dict) or source.get("id") is not None:
        return entry
    if isinstance(source, RepeatedKeys):  # which must still be seen of what is kept
        return entry
    try:
        key = f"{file.content_hash}:{line.number}"
    except UnreadableFileError as error:
        raise UnreadableFileError(
            f"{error} Line {line.number} has no id; its key would come from the whole file, so "
            "that it counts once."
        ) from error
    keyed = {**source, "id": key}
    if isinstance(entry, RefusedEvent):
        return replace(entry, source=keyed)
    return replace(entry, key=key, source=keyed)


def _group(part: Sequence[_Read], file: NdjsonFile, *, project_id: int) -> _Group:
    reception = Reception(
        access=Access(project_id=project_id, scopes=frozenset({Scope.INGEST})),
        received_at=timezone.now(),
        client=f"import_events {file.path.name}"[:_CLIENT_CHARACTERS],
        earns_late=True,
    )
    request = Request(
        entries=tuple(entry for _, entry in part),
        is_list=True,
        lines=tuple(line.number for line, _ in part),
    )
    return _Group(
        submission=Submission.of(native.wire, request, reception),
        last=part[-1][0],
    )


def _committed(submission: Submission) -> Sequence[Outcome]:
    try:
        return pipeline.commit_alone(submission)
    except OperationalError:
        raise  # the database is away, for every event alike
    except DatabaseError as error:
        entries = submission.request.entries
        if len(entries) == 1:
            return pipeline.commit_alone(_refused_whole(submission, error))
        # One of them can't be written: halves, so that its neighbours can.
        middle = len(entries) // 2
        first, second = submission.part(0, middle), submission.part(middle, len(entries))
        return [*_committed(first), *_committed(second)]


def _refused_whole(submission: Submission, error: DatabaseError) -> Submission:
    [entry] = submission.request.entries
    refused = RefusedEvent(refusal=pipeline.unstorable(error), source=entry.source)
    request = replace(submission.request, entries=(refused,))
    return Submission.of(submission.wire, request, submission.reception)
