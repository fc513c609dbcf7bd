"""Starts web and worker processes under one parent."""

from argparse import ArgumentParser

from django.core.management import BaseCommand

from config.preparation import prepare
from config.supervisor import add_options, options_from, run


class Command(BaseCommand):
    help = "Migrate, then run web and worker processes until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_options(parser)

    def handle(self, *args: object, **values: object) -> None:
        options = options_from(values)
        prepare(options)
        run(options)
