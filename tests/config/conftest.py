"""An installation that the tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.config.stage import install
from tests.running import Installation


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation on SQLite that runs; who harms it must see it recover."""
    made = install(tmp_path_factory.mktemp("running"))
    with made.up():
        yield made
