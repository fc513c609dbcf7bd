"""`rotate_key PREFIX`: another key in the place of one, which expires a while later."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from events import keys
from events.metadata import write_json
from events.models import ApiKey


class Command(BaseCommand):
    help = "Make a key that may do what another may, which expires a while later; shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="with which the key begins, such as twa_0123abcd")
        parser.add_argument(
            "--overlap-hours",
            type=int,
            default=keys.OVERLAP_HOURS,
            help="for which the former key still holds (%(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        hours = options["overlap_hours"]
        if not 0 <= hours <= keys.LONGEST_OVERLAP_HOURS:
            raise CommandError(f"The overlap must be 0 to {keys.LONGEST_OVERLAP_HOURS:,} hours.")
        # Who has the whole key at hand may give it: no more of it is looked at, or shown.
        prefix = keys.prefix_of(options["prefix"])
        former = ApiKey.objects.select_related("project").filter(prefix=prefix).first()
        if former is None:
            raise CommandError(f"There is no key that begins with {prefix}.")
        now = timezone.now()
        try:
            issued = keys.rotate(former, overlap=timedelta(hours=hours), now=now)
        except keys.RotationError as error:
            raise CommandError(str(error)) from error
        shown = {
            "project": former.project.slug,
            former.kind: issued.text,
            "former": former.prefix,
            "former_expires_at": (now + timedelta(hours=hours)).isoformat(),
        }
        if options["json"]:
            self.stdout.write(write_json(shown).decode())
            return
        for name, value in shown.items():
            self.stdout.write(f"{name}: {value}")
