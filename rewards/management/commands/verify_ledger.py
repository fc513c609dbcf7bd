"""`verify_ledger`: every balance recounted from its transfers."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from events.metadata import write_json
from rewards.verification import verify


class Command(BaseCommand):
    help = "Recount the ledger; name every difference, and exit with 1 if there is any."

    def handle(self, *_: Any, **__: Any) -> None:
        verification = verify()
        for difference in verification.differences:
            self.stderr.write(difference)
        counts = {
            "checked": verification.checked,
            "differences": len(verification.differences),
        }
        self.stdout.write(write_json(counts).decode())
        if verification.differences:
            sys.exit(1)
