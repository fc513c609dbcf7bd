"""`export_config [FILE] --project SLUG`: a set-up written as JSON."""

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from config.set_up import counts_of, written_set_up
from events.metadata import write_json
from events.models import Project


class Command(BaseCommand):
    help = "Write a project's set-up as JSON, to FILE or to the output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?")
        parser.add_argument("--project", metavar="SLUG", help="needed where there are several")

    def handle(self, *_: Any, **options: Any) -> None:
        set_up = written_set_up(_project(options["project"]))
        text = msgspec.json.format(write_json(set_up), indent=2).decode()
        if options["file"] is None:
            self.stdout.write(text)
            return
        try:
            options["file"].write_text(f"{text}\n")
        except OSError as error:
            raise CommandError(f"{options['file']} can't be written: {error.strerror}.") from error
        self.stdout.write(write_json(asdict(counts_of(set_up))).decode())


def _project(slug: str | None) -> Project:
    if slug:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no project “{slug}”.")
        return project
    projects = list(Project.objects.all()[:2])
    if len(projects) != 1:
        raise CommandError("Name the project: --project SLUG.")
    return projects[0]
