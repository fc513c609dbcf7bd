"""`demo`: a project to look at, then `up`."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management import BaseCommand
from django.utils import timezone

from config.demo import Demo, keep_demo, kept_demo, make_demo, seed
from config.preparation import prepare, release_connections
from config.supervisor import Options, add_options, options_from, run


class Command(BaseCommand):
    help = "Seed a small project where it is missing, print how to reach it, then run as `up`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_options(parser)
        parser.add_argument("--no-seed", action="store_true", help="make the project, no events")

    def handle(self, *args: object, **values: object) -> None:
        options = options_from(values)
        prepare(options)
        now = timezone.now()
        demo = kept_demo(settings.DATA_DIR)
        if demo is None:
            demo = make_demo(now)
            if not values["no_seed"]:
                self.stdout.write(f"seeded {seed(now.date())} events")
            # Last: a start that was cut short before this seeds again, which changes nothing twice.
            keep_demo(demo, settings.DATA_DIR)
        self.stdout.write(_told(demo, options))
        self.stdout.flush()
        release_connections()
        run(options)


def _told(demo: Demo, options: Options) -> str:
    return f"""
Dashboards  {options.url}/            Admin  {options.url}/admin/
Login       {demo.login} / {demo.password}

api_key     {demo.api_key}
secret_key  {demo.secret_key}
jwt         {demo.jwt}

Send an event (a login earns 10 points and starts a streak):

curl -X POST {options.url}/event -H 'Authorization: Bearer {demo.jwt}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"eventId": "daily_login", "userId": "user123", "metadata": {{"platform": "ios"}}}}'
"""
