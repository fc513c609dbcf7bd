"""`import_config FILE --project SLUG`: a set-up read from JSON."""

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.set_up import read_set_up
from events.metadata import read_json, write_json
from events.models import Project
from events.types import Refusal
from rewards.reading import RuleError


class Command(BaseCommand):
    help = "Read a set-up from JSON: all of it, or none. It holds for the next request."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--project", required=True, metavar="SLUG")

    def handle(self, *_: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        try:
            given = read_json(options["file"].read_bytes())
        except OSError as error:
            raise CommandError(f"{options['file']} can't be read: {error.strerror}.") from error
        if isinstance(given, Refusal):
            raise CommandError(
                f"{options['file']}: {given.message.replace('The body', 'The file')}"
            )
        try:
            counts = read_set_up(project, given, by=None, now=timezone.now())
        except RuleError as error:
            raise CommandError(f"{options['file']}: {error}") from error
        self.stdout.write(write_json(asdict(counts)).decode())
