"""`roll_up`: everything that waits enters the rollups now."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics import rollup
from events.metadata import write_json

ROUND_SECONDS = 5.0
POLL_SECONDS = 0.05


class Command(BaseCommand):
    help = "Fold until no event waits, those that workers are folding included."

    def handle(self, *_: Any, **__: Any) -> None:
        began = time.monotonic()
        waiting = rollup.waiting_events()
        folded = 0
        try:
            while rollup.has_work():
                here = rollup.roll_up(seconds=ROUND_SECONDS)
                folded += here
                if not here:
                    # Workers are at what is left: there is nothing to do but to look again.
                    time.sleep(POLL_SECONDS)
        except rollup.BrokenRollupsError as error:
            raise CommandError(str(error)) from error
        # What workers folded meanwhile has left the backlog as well.
        answer = {
            "events": max(folded, waiting),
            "seconds": round(time.monotonic() - began, 3),
        }
        self.stdout.write(write_json(answer).decode())
