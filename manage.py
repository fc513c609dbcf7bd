#!/usr/bin/env python
"""Trackward's command line: `manage.py COMMAND [--data-dir D]`."""

import os
import sys

from django.core.management import execute_from_command_line


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
    execute_from_command_line(without_data_dir(sys.argv))


if __name__ == "__main__":
    main()
