"""An installation that the tests of this folder share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.stage import install
from tests.running import Installation


@pytest.fixture(scope="session")
def static_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the first installation collects, for compressing takes seconds."""
    return tmp_path_factory.mktemp("static")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, static_files: Path) -> Iterator[Installation]:
    """An installation on SQLite that runs; who harms it must see it recover."""
    made = install(tmp_path_factory.mktemp("running"), static_files)
    with made.up():
        yield made
