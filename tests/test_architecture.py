"""What the import contracts can't show: which module writes which table, what a process loads."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import Model

PACKAGES = ("config", "events", "rewards", "analytics")

# The only writers of each table. A new table is placed here, or among the set-up below.
WRITERS = {
    "analytics_rollup": {"analytics.rows"},
    "analytics_shardstate": {"analytics.shards"},
    "events_batch": {"events.store"},
    "events_batchjob": {"events.jobs"},
    "events_customer": {"events.customers", "events.store"},
    "events_event": {"events.erasure", "events.store"},
    "events_eventkey": {"events.erasure", "events.store"},
    "events_identity": {"events.customers"},
    "events_identityclaim": {"events.customers"},
    "events_limitedday": {"events.key_activity"},
    "events_merge": {"events.customers"},
    "events_naturalkey": {"events.erasure", "events.discards"},
    "events_openbatch": {"events.store", "analytics.rollup"},
    "events_quarantine": {"events.erasure", "events.store"},
    "events_quarantineday": {"events.store"},
    "events_receipt": {"events.store"},
    "events_throttledmoment": {"events.discards"},
    "events_wireuse": {"events.uses"},
    "events_workerheartbeat": {"events.heartbeat"},
    "rewards_account": {"rewards.ledger"},
    "rewards_limitcounter": {"rewards.facts"},
    "rewards_ruleversion": {"rewards.publishing"},
    "rewards_shadowaward": {"rewards.ledger"},
    "rewards_streakstate": {"rewards.facts"},
    "rewards_streakversion": {"rewards.publishing"},
    "rewards_transfer": {"rewards.ledger"},
}
# Rows that people edit, in the admin and elsewhere; saving one tells every process.
SET_UP = {
    "events_apikey",
    "events_eventtype",
    "events_metadatafield",
    "events_project",
    "events_project_members",
    "rewards_rule",
    "rewards_streak",
}

SQL_WRITE = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|COPY)\s+(\w+)", re.IGNORECASE
)
ORM_WRITES = {
    "abulk_create",
    "acreate",
    "adelete",
    "asave",
    "aupdate",
    "bulk_create",
    "bulk_update",
    "create",
    "delete",
    "get_or_create",
    "raw_delete",
    "_raw_delete",
    "save",
    "update",
    "update_or_create",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A statement that writes a table, where it stands."""

    module: str
    table: str
    line: int


class Writes:
    """The writes that stand in the source of one module."""

    def __init__(self, module: str, source: str) -> None:
        self.module = module
        self.tree = ast.parse(source)
        self.models = {model.__name__: model for model in our_models()}
        self.imported = dict(self._imported())
        self.related = related_tables()

    def __iter__(self) -> Iterator[Write]:
        for node in ast.walk(self.tree):
            for table in self._tables(node):
                yield Write(module=self.module, table=table, line=getattr(node, "lineno", 0))

    def _tables(self, node: ast.AST) -> Iterable[str]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return set(SQL_WRITE.findall(node.value)) & set(WRITERS)
        if isinstance(node, ast.Call):
            return self._called(node)
        return ()

    def _called(self, call: ast.Call) -> Iterable[str]:
        """Yield the tables of a model that is built, or of a query set that ends in a write."""
        if model := self._model(call.func):
            yield model._meta.db_table
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in ORM_WRITES:
            return
        if call.func.attr == "update" and call.args:
            return  # a dict's or a set's
        for part in ast.walk(call.func.value):
            if model := self._model(part):
                yield model._meta.db_table
            elif isinstance(part, ast.Attribute):
                yield from self.related.get(part.attr, ())

    def _model(self, node: ast.AST) -> type[Model] | None:
        """Return the model that is named as `Event`, by another name, or as `models.Event`."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return self.models.get(node.attr) if node.value.id == "models" else None
        return None

    def _imported(self) -> Iterator[tuple[str, type[Model]]]:
        models_modules = {f"{package}.models" for package in PACKAGES}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module in models_modules:
                for alias in node.names:
                    if alias.name in self.models:
                        yield alias.asname or alias.name, self.models[alias.name]


def our_models() -> list[type[Model]]:
    return [
        model
        for package in PACKAGES
        for model in apps.get_app_config(package).get_models(include_auto_created=True)
    ]


def related_tables() -> dict[str, set[str]]:
    """Return the tables that each related name leads to (`project.events`)."""
    tables: dict[str, set[str]] = {}
    for model in our_models():
        for relation in model._meta.related_objects:
            name = relation.get_accessor_name()
            if name:
                tables.setdefault(name, set()).add(relation.related_model._meta.db_table)
    return tables


def our_modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((settings.BASE_DIR / package).rglob("*.py")):
            parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
            if "migrations" not in parts:
                yield ".".join(part for part in parts if part != "__init__"), path


class TestTables:
    def test_are_all_placed(self) -> None:
        assert {model._meta.db_table for model in our_models()} == set(WRITERS) | SET_UP

    def test_have_one_writer_per_family(self) -> None:
        strangers = [
            write
            for module, path in our_modules()
            for write in Writes(module, path.read_text())
            if module not in WRITERS.get(write.table, {module})
        ]

        assert strangers == []

    @pytest.mark.parametrize(
        ("source", "table"),
        [
            ("from events.models import Event\nEvent.objects.create(x=1)", "events_event"),
            ("from events.models import Event as Row\nRow.objects.all().delete()", "events_event"),
            ("from events.models import Event\nEvent(x=1).save()", "events_event"),
            ("from events import models\nmodels.Batch.objects.bulk_create([])", "events_batch"),
            ("from rewards.models import Account\nrow = Account(x=1)", "rewards_account"),
            ("def f(p):\n    p.transfers.filter(x=1).update(x=2)", "rewards_transfer"),
            ("execute('INSERT INTO events_event (id) VALUES (1)')", "events_event"),
            ("execute(f'WITH given AS ({q}) UPDATE rewards_account SET x')", "rewards_account"),
            ("execute('delete from rewards_transfer')", "rewards_transfer"),
        ],
    )
    def test_have_no_writer_that_goes_unseen(self, source: str, table: str) -> None:
        assert {write.table for write in Writes("somewhere", source)} == {table}

    @pytest.mark.parametrize(
        "source",
        [
            "from events.types import Event\nEvent(name='buy')",
            "from events.models import Event\nEvent.objects.filter(x=1).first()",
            "def f(facts, more):\n    facts.events.update(more)",
            "execute('SELECT id FROM events_event FOR UPDATE OF events_event')",
        ],
    )
    def test_are_not_written_by_who_reads_them(self, source: str) -> None:
        assert list(Writes("somewhere", source)) == []


class TestWebProcess:
    def test_loads_no_pandas_before_a_page_is_opened(self) -> None:
        """It would double the memory of each web process (70 MiB without)."""
        program = (
            "import sys, django; django.setup(); import config.urls, config.wsgi; "
            "print(sorted({'pandas', 'plotly', 'numpy'} & set(sys.modules)))"
        )
        environment = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "TRACKWARD_DATA_DIR": str(settings.DATA_DIR),
        }

        loaded = subprocess.run(
            [sys.executable, "-c", program],
            cwd=settings.BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )

        assert loaded.stdout == "[]\n"
