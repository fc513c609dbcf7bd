"""The checks of style, types and imports, which are tests like any other."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

PACKAGES = ("config", "events", "rewards", "analytics")
LINT_IMPORTS = str(Path(sys.executable).with_name("lint-imports"))
CHECKS = [
    pytest.param([sys.executable, "-m", "ruff", "check", "."], id="ruff check"),
    pytest.param([sys.executable, "-m", "ruff", "format", "--check", "."], id="ruff format"),
    pytest.param([sys.executable, "-m", "mypy"], id="mypy"),
    pytest.param([LINT_IMPORTS], id="lint-imports"),
]

# A contract, and what breaks it: a line added to a module, which may be a new one.
VIOLATIONS = [
    ("Data flows one way", "events/limits.py", "import rewards.models"),
    ("Data flows one way", "rewards/decide.py", "import analytics.models"),
    ("The house is composed of its parts", "config/secrets.py", "import config.urls"),
    ("The house is composed of its parts", "config/helpers.py", ""),
    ("Statistics are layered", "analytics/periods.py", "import analytics.models"),
    ("Statistics are layered", "analytics/helpers.py", ""),
    ("Rewards are layered", "rewards/reading.py", "import rewards.rules"),
    ("Rewards are layered", "rewards/helpers.py", ""),
    ("Events are layered", "events/models.py", "import events.store"),
    ("Events are layered", "events/helpers.py", ""),
    ("Wires do not know each other", "events/wires/lynes.py", "import events.wires.native"),
    ("Wires do not know each other", "events/wires/helpers.py", ""),
    ("Pure modules know no framework", "rewards/decide.py", "from django.db import connection"),
    ("Pure modules know no framework", "events/wires/native.py", "import rest_framework.views"),
    ("Pure modules know no framework", "events/wires/reading.py", "import events.keys"),
    ("Ingest loads no data frames", "events/customers.py", "import pandas as pd"),
    ("Ingest loads no data frames", "rewards/facts.py", "from numpy import array"),
    ("Only frames.py builds data frames", "analytics/charts.py", "import pandas as pd"),
    ("Only the pipeline records", "config/urls.py", "from events.store import record"),
    ("Only the pipeline posts", "rewards/ruleset.py", "import rewards.ledger"),
]


def run(command: list[str], *, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


class TestSources:
    @pytest.mark.parametrize("command", CHECKS)
    def test_pass(self, command: list[str]) -> None:
        checked = run(command, cwd=settings.BASE_DIR)

        assert checked.returncode == 0, checked.stdout + checked.stderr


class TestMigrations:
    @pytest.mark.once
    @pytest.mark.django_db
    def test_match_the_models(self) -> None:
        call_command("makemigrations", check=True, dry_run=True)


class TestImportContracts:
    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        """A copy of the packages, with their contracts, to plant a violation in."""
        for package in PACKAGES:
            shutil.copytree(
                settings.BASE_DIR / package,
                tmp_path / package,
                ignore=shutil.ignore_patterns("__pycache__", "static", "templates"),
            )
        shutil.copy(settings.BASE_DIR / "pyproject.toml", tmp_path)
        return tmp_path

    @pytest.mark.parametrize(("contract", "module", "line"), VIOLATIONS)
    def test_are_broken_by_a_violation(
        self, copy: Path, contract: str, module: str, line: str
    ) -> None:
        with (copy / module).open("a") as file:
            file.write(f"\n{line}\n")

        checked = run([LINT_IMPORTS, "--no-cache"], cwd=copy)

        assert checked.returncode == 1
        assert f"{contract} BROKEN" in checked.stdout

    def test_are_all_tried(self) -> None:
        with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
            contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]

        assert {contract["name"] for contract in contracts} == {name for name, _, _ in VIOLATIONS}
