"""`python -m tests.load.against REV`: a rewarded event here beside the same in another revision."""

import argparse
import contextlib
import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.load import measuring, stage
from tests.load.measuring import Load, Round
from tests.load.stage import LoadError, Stage

LOCAL_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
MOST_SECONDS, MOST_ROUNDS = 60, 50
WARM_UP_SECONDS = 3
CUSTOMERS = 10_000
BAR = 0.95


@dataclass(slots=True, kw_only=True)
class Contender:
    """A source with a server, a database and its rounds so far; `cpu_us` is what the server's
    processes took for each request."""

    name: str
    at: Stage
    url: str
    pids: Sequence[int]
    rounds: list[Round] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    def run(self, seconds: int) -> None:
        before = _cpu_seconds(self.pids)
        done = measuring.lynes_event(self.at, self.url, Load(seconds=seconds, customers=CUSTOMERS))
        self.rounds.append(done)
        self.cpu_us.append((_cpu_seconds(self.pids) - before) / done.done * 1e6)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.against", description=__doc__)
    parser.add_argument("revision", help="of git, as HEAD~1")
    parser.add_argument("--rounds", type=int, default=10, help="of each (%(default)s)")
    parser.add_argument("--seconds", type=int, default=5, help="of one round (%(default)s)")
    given = parser.parse_args()
    if not 1 <= given.seconds <= MOST_SECONDS or not 1 <= given.rounds <= MOST_ROUNDS:
        parser.error(f"at most {MOST_ROUNDS} rounds of at most {MOST_SECONDS} seconds")
    try:
        with tempfile.TemporaryDirectory(prefix="trackward-load-") as folder:
            _check_out(given.revision, Path(folder))
            with contextlib.ExitStack() as running:
                now = running.enter_context(_contender("this source", stage.ROOT))
                former = running.enter_context(_contender(given.revision, Path(folder)))
                return _measured(now, former, rounds=given.rounds, seconds=given.seconds)
    except LoadError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _check_out(revision: str, folder: Path) -> None:
    done = subprocess.run(
        ["git", "archive", revision], cwd=stage.ROOT, capture_output=True, check=False
    )
    if done.returncode:
        raise LoadError(done.stderr.decode())
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


@contextlib.contextmanager
def _contender(name: str, root: Path) -> Iterator[Contender]:
    server_url = os.environ.get("DATABASE_URL") or LOCAL_SERVER
    with stage.stage(server_url, root=root) as at:
        before = set(_descendants(os.getpid()))
        with stage.web(at, processes=1) as url:
            stage.make_customers(at, url, CUSTOMERS)
            pids = sorted(set(_descendants(os.getpid())) - before)
            yield Contender(name=name, at=at, url=url, pids=pids)


def _descendants(pid: int) -> Iterator[int]:
    """Yield the processes that a process started, and theirs (Linux)."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            yield child
            yield from _descendants(child)


def _cpu_seconds(pids: Sequence[int]) -> float:
    ticks = 0
    for pid in pids:
        # After the name, which may hold anything: user and system time are the 12th and 13th.
        columns = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(columns[11]) + int(columns[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _measured(now: Contender, former: Contender, *, rounds: int, seconds: int) -> int:
    for each in (now, former):
        each.run(WARM_UP_SECONDS)
        each.rounds.clear()
        each.cpu_us.clear()
    for number in range(rounds):
        # Each goes first in turn: what the machine does besides hits both alike.
        for each in (now, former) if number % 2 else (former, now):
            each.run(seconds)
    _print("| source | per second | p50 ms | p99 ms | server CPU µs a request |")
    _print("| --- | ---: | ---: | ---: | ---: |")
    for each in (now, former):
        figures = (
            statistics.median(getattr(one, name) for one in each.rounds)
            for name in ("per_second", "p50_ms", "p99_ms")
        )
        per_second, p50, p99 = figures
        cpu = statistics.median(each.cpu_us)
        _print(f"| {each.name} | {per_second:,.0f} | {p50:.1f} | {p99:.1f} | {cpu:.0f} |")
    ratios = [
        one.per_second / other.per_second
        for one, other in zip(now.rounds, former.rounds, strict=True)
    ]
    ratio = statistics.median(ratios)
    shown = ", ".join(f"{each:.2f}" for each in ratios)
    _print(f"\nRatio {ratio:.3f} (bar {BAR}); each pair of rounds: {shown}")
    cpu_ratio = statistics.median(now.cpu_us) / statistics.median(former.cpu_us)
    _print(f"Server CPU a request, ratio {cpu_ratio:.3f}")
    return 0 if ratio >= BAR else 1


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
