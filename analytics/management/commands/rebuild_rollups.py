"""`rebuild_rollups`: rollups made anew from the raw events, or compared with them."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import track

from analytics import rebuild
from events.metadata import write_json
from events.models import Project


class Command(BaseCommand):
    help = (
        "Recompute the rollups from the raw events and name every row that differed. "
        "With --check nothing is written, and the exit code is 1 if any row differs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", metavar="SLUG", help="of this project alone")
        parser.add_argument(
            "--from", dest="first", type=date.fromisoformat, metavar="DATE", help="first local day"
        )
        parser.add_argument(
            "--to", dest="last", type=date.fromisoformat, metavar="DATE", help="last local day"
        )
        parser.add_argument("--check", action="store_true", help="compare, write nothing")

    def handle(self, *_: Any, **options: Any) -> None:
        days = rebuild.days_of(
            _projects(options["project"]), first=options["first"], last=options["last"]
        )
        work = rebuild.check(days) if options["check"] else rebuild.rebuild(days)
        checked = differences = 0
        for result in _shown(work, total=len(days)):
            checked += result.checked
            differences += len(result.differences)
            for difference in result.differences:
                self.stderr.write(difference)
        answer = {"checked": checked, "differences": differences}
        self.stdout.write(write_json(answer).decode())
        if options["check"] and differences:
            sys.exit(1)


def _projects(slug: str | None) -> list[Project]:
    projects = list(Project.objects.filter(slug=slug) if slug else Project.objects.all())
    if slug and not projects:
        raise CommandError(f"There is no project “{slug}”.")
    return projects


def _shown(work: Iterator[rebuild.Verification], *, total: int) -> Iterator[rebuild.Verification]:
    console = Console(stderr=True)
    return iter(
        track(
            work,
            description="Days",
            total=total,
            console=console,
            disable=not console.is_terminal,
        )
    )
