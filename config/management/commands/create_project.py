"""`create_project SLUG`: a project with one key of each kind."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.preparation import check_database, migrate
from events import projects
from events.metadata import write_json


class Command(BaseCommand):
    help = "Make a project with one key of each kind; the keys are shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="letters, digits, hyphens: the project's short name")
        parser.add_argument("--time-zone", default="UTC", help="of the IANA database")
        parser.add_argument("--strict", action="store_true", help="refuse unknown event types")
        parser.add_argument(
            "--rate-limit",
            default="",
            metavar="N/s",
            help="events that each key may send, and all tokens together, as in 100/s or "
            "100/s,1200/30s; any number by default",
        )
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        check_database()
        migrate()  # it may be the first command in a new folder
        try:
            made = projects.create(
                slug=options["slug"],
                time_zone=options["time_zone"],
                strict=options["strict"],
                rate_limit=options["rate_limit"],
                now=timezone.now(),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        shown = {
            "project": made.project.slug,
            "api_key": made.api_key,
            "secret_key": made.secret_key,
            "jwt": made.jwt,
            "jwt_secret": made.jwt_secret,
        }
        if options["json"]:
            self.stdout.write(write_json(shown).decode())
            return
        for name, value in shown.items():
            self.stdout.write(f"{name}: {value}")
