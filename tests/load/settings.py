"""Trackward's settings with the reference app in place of its paths."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.load.reference"]
ROOT_URLCONF = "tests.load.reference.urls"
