"""`import_events FILE --project SLUG`: history from a file, through the same pipeline."""

import gc
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from rich.console import Console
from rich.progress import Progress, TaskID

from events.metadata import write_json
from events.models import Project
from events.ndjson import NdjsonFile, UnreadableFileError
from events.types import Status
from rewards.importing import Committed, RefusedLine, import_file

_OBJECTS_PER_COLLECTION = 50_000  # about those of one group

_SHOWN_REFUSALS = 5

_STATUSES: tuple[Status, ...] = ("accepted", "duplicate", "discarded", "rejected")


class Command(BaseCommand):
    help = "Take events from a file, one JSON object a line; the same file again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="NDJSON in the native form, plain or gzipped")
        parser.add_argument("--project", required=True, metavar="SLUG")

    def handle(self, *_: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        done = _Done()
        fault = _import(NdjsonFile(options["file"]), project, done)
        for sentence in done.refusals_in_words():
            self.stderr.write(sentence)
        if done.last_line or not fault:
            self.stdout.write(write_json(done.counts()).decode())
        if fault:
            raise CommandError(f"{fault} {done.in_words()}")
        if done.is_all_refused():
            raise CommandError(f"No line of {options['file']} is an event. Nothing was imported.")


@dataclass(slots=True)
class _Done:
    """What is stored by now."""

    started: float = field(default_factory=time.monotonic)
    verdicts: Counter[Status] = field(default_factory=Counter)
    refused: list[RefusedLine] = field(default_factory=list)  # the first few
    last_line: int = 0

    def add(self, group: Committed) -> None:
        self.verdicts += group.verdicts
        self.refused += group.refused[: _SHOWN_REFUSALS - len(self.refused)]
        self.last_line = group.last_line

    def is_all_refused(self) -> bool:
        return bool(self.verdicts) and self.verdicts["rejected"] == self.verdicts.total()

    def refusals_in_words(self) -> Iterator[str]:
        for line in self.refused:
            yield f"Line {line.number}: {line.reason}"
        if self.refused:
            others = self.verdicts["rejected"] - len(self.refused)
            more = f"{others:,} more lines were refused. " if others else ""
            yield f"{more}What is refused stands in the quarantine, in the admin."

    def counts(self) -> dict[str, object]:
        seconds = round(time.monotonic() - self.started, 3)
        return {**{status: self.verdicts[status] for status in _STATUSES}, "seconds": seconds}

    def in_words(self) -> str:
        if not self.last_line:
            return "Nothing was imported."
        return f"The lines up to {self.last_line} are imported."


def _import(file: NdjsonFile, project: Project, done: _Done) -> str:
    """Import the file; return why it ended before its end, "" where it did not."""
    try:
        with _settled_memory(), _progress_bar(file) as (bar, task):
            for group in import_file(file, project_id=project.pk):
                done.add(group)
                bar.update(task, completed=group.position)
    except UnreadableFileError as error:
        return str(error)
    except OperationalError as error:
        return f"The database can't be used: {' '.join(str(error).split())}."
    except KeyboardInterrupt:
        return f"Stopped. Run it again for the rest of {file.path}."
    return ""


@contextmanager
def _settled_memory() -> Iterator[None]:
    """Keep the garbage collector, which took a quarter of the time, off what is loaded by now and
    off the objects of a group, of which nearly all end with it."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


@contextmanager
def _progress_bar(file: NdjsonFile) -> Iterator[tuple[Progress, TaskID]]:
    """A bar of the file's bytes on stderr, where that is a terminal."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        yield bar, bar.add_task(file.path.name, total=file.size_bytes)
