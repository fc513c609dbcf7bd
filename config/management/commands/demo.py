"""`demo`: two projects to look at, then `up`."""

import time
from argparse import ArgumentParser
from datetime import datetime

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from analytics import rollup
from config.demo import WORLDS, Demo, TakenSlugError, keep_demo, kept_demo, make_demo, seed, told
from config.preparation import prepare, release_connections
from config.supervisor import Options, add_options, options_from, run

# What is left then is folded by the workers, while the pages already read it.
FOLD_SECONDS = 20.0


class Command(BaseCommand):
    help = "Seed a shop and a game where they are missing, print how to reach them, run as `up`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_options(parser)
        parser.add_argument("--no-seed", action="store_true", help="make the projects, no events")

    def handle(self, *args: object, **values: object) -> None:
        options = options_from(values)
        self._say("Preparing tables and pages …")
        prepare(options)
        now = timezone.now()
        demo = kept_demo(settings.DATA_DIR) or _made(now)
        if not values["no_seed"] and demo.told_on != now.date().isoformat():
            self._seed(now)
            # Last: a start that was cut short before this goes on where it ended.
            demo = told(demo, now)
            keep_demo(demo, settings.DATA_DIR)
        self._say(_printed(demo, options))
        release_connections()
        run(options)

    def _seed(self, now: datetime) -> None:
        self._say("Telling what happened in a shop and a game, up to now …")
        began = time.monotonic()
        events = sum(seed(world, now) for world in WORLDS)
        seeded = time.monotonic()
        rollup.roll_up(seconds=FOLD_SECONDS)
        folded = time.monotonic()
        self._say(
            f"seeded {events:,} events in {seeded - began:.0f} s, "
            f"their statistics in {folded - seeded:.0f} s"
        )

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _made(now: datetime) -> Demo:
    try:
        return make_demo(WORLDS, settings.DATA_DIR, now)
    except TakenSlugError as error:
        raise CommandError(str(error)) from error


def _printed(demo: Demo, options: Options) -> str:
    return f"""
Dashboards  {options.url}/
Admin       {options.url}/admin/
API         {options.url}/api/docs/
Login       {demo.login} / {demo.password}
{"".join(_keys(slug, demo) for slug in demo.projects)}
{_reach(demo)}
Send an event of your own (a login in the game earns 10 points and starts a streak):

curl -X POST {options.url}/event -H 'Authorization: Bearer {demo.keys.jwt}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"eventId": "daily_login", "userId": "user123", "metadata": {{"platform": "ios"}}}}'

"""


def _reach(demo: Demo) -> str:
    if not demo.told_on:
        return "There are no events yet; a start without --no-seed adds them."
    return f"The events reach up to {demo.told_on}; a start on a later date adds the days since."


def _keys(slug: str, demo: Demo) -> str:
    keys = demo.projects[slug]
    return f"""
Project {slug}
  api_key     {keys.api_key}
  secret_key  {keys.secret_key}
  jwt         {keys.jwt}
"""
