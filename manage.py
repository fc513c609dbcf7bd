#!/usr/bin/env python
"""Trackward's command line: `manage.py COMMAND [--data-dir D]`."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, ProgrammingError
from environs import EnvError


def without_data_dir(argv: list[str]) -> list[str]:
    """Return argv without `--data-dir D`, which goes into the environment instead.

    The settings read the environment once, before any command parses its options.
    """
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        name, is_pair, value = word.partition("=")
        if name != "--data-dir":
            rest.append(word)
            continue
        value = value if is_pair else next(words, "")
        if not value:
            sys.exit("manage.py: --data-dir needs a folder.")
        os.environ["TRACKWARD_DATA_DIR"] = value
    return rest


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    argv = without_data_dir(sys.argv)
    try:
        _ = settings.DATA_DIR  # reads the environment
    except EnvError as error:
        sys.exit(f"manage.py: {error}")
    except ImproperlyConfigured as error:
        sys.exit(f"manage.py: {error}")
    except OSError as error:
        sys.exit(f"manage.py: the data folder can't be used: {error}.")
    try:
        execute_from_command_line(argv)
    except (OperationalError, ProgrammingError) as error:
        # Whoever runs commands is told what to do; where the fault is ours, the cause is there.
        sys.exit(
            f"manage.py: the database can't be used: {' '.join(str(error).split())} "
            "(`manage.py migrate` or `manage.py up` makes missing tables)"
        )


if __name__ == "__main__":
    main()
