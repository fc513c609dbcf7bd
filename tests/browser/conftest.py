"""The option that keeps what the browser tests see."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots",
        type=Path,
        default=None,
        metavar="DIR",
        help="write pictures of the demo's pages into this folder (pytest tests/browser)",
    )


@pytest.fixture
def screenshots(request: pytest.FixtureRequest) -> Path:
    """The folder for pictures; without one the test is skipped."""
    folder: Path | None = request.config.getoption("--screenshots", default=None)
    if folder is None:
        pytest.skip("Pictures are taken with --screenshots DIR.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
