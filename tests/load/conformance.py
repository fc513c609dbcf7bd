"""`python -m tests.load.conformance`: thousands of requests as the API is described."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import requests

from tests import databases
from tests.conformance import TIMEOUT_SECONDS, Conformance, Findings
from tests.running import Installation, installation

MOST_CASES = 100_000
SHOWN_FAULTS = 5
SET_UP = {"event_types": [{"name": "place_order", "fields": [{"name": "total", "type": "number"}]}]}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.conformance", description=__doc__)
    parser.add_argument("--cases", type=int, default=5_000, help="requests for each tag")
    parser.add_argument("--tag", action="append", help="only these, as Gameball; by default all")
    options = parser.parse_args()
    if not 1 <= options.cases <= MOST_CASES:
        parser.error(f"--cases must be from 1 to {MOST_CASES}.")
    with tempfile.TemporaryDirectory(prefix="trackward-load-") as name:
        folder = Path(name)
        with databases.fresh(folder) as url:
            made = installation(folder / "data", url)
            return _run(made, cases=options.cases, wanted=options.tag)


def _run(made: Installation, *, cases: int, wanted: list[str] | None) -> int:
    keys = made.last_line("create_project", "conformance", "--json")
    set_up = made.data_dir / "set_up.json"
    set_up.write_text(json.dumps(SET_UP))
    made.manage("import_config", str(set_up), "--project", "conformance")
    are_right = True
    with made.up():
        url = f"http://127.0.0.1:{made.port}"
        document = requests.get(f"{url}/api/schema/", timeout=TIMEOUT_SECONDS).json()
        _print("| tag | requests | statuses | undocumented or 5xx | seconds |")
        _print("| --- | ---: | --- | ---: | ---: |")
        for tag in wanted or [each["name"] for each in document["tags"]]:
            start = time.monotonic()
            found = Conformance(url=url, keys=keys, tag=tag).run(cases)
            _print(_row(tag, found, time.monotonic() - start))
            for fault in found.faults[:SHOWN_FAULTS]:
                sys.stderr.write(f"{fault}\n\n")
            are_right = are_right and not found.faults
    return 0 if are_right else 1


def _row(tag: str, found: Findings, seconds: float) -> str:
    statuses = ", ".join(
        f"{status}: {number:,}" for status, number in sorted(found.statuses.items())
    )
    sent = sum(found.sent.values())
    return f"| {tag} | {sent:,} | {statuses} | {len(found.faults)} | {seconds:.0f} |"


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
