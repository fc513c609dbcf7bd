import os
import signal
import socket
from pathlib import Path

import pytest

from tests.config.stage import (
    DATABASE_FILE,
    child_running,
    family,
    first_child,
    health_of,
    install,
    is_gone,
    kill,
    started,
    until,
)
from tests.running import Installation


@pytest.fixture
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        free: int = listener.getsockname()[1]
        return free


class TestUp:
    def test_prints_the_ready_line_alone_and_stops_all_that_it_started(
        self, tmp_path: Path, database_url: str, port: int
    ) -> None:
        made = install(tmp_path / "var", database_url=database_url)
        made.port = port

        with started(made, port) as up:
            assert up.stdout
            assert up.stdout.readline() == f"ready http://127.0.0.1:{port}\n"
            assert health_of(made) == 200
            processes = family(up.pid)
            up.send_signal(signal.SIGTERM)
            rest = up.stdout.read()

            assert (up.wait(), rest) == (0, "")

        assert len(processes) == 3  # the web process, its worker process and a worker
        assert [pid for pid in processes if not is_gone(pid)] == []

    @pytest.mark.once("sqlite")
    def test_leaves_nothing_behind_when_it_is_killed(self, tmp_path: Path, port: int) -> None:
        made = install(tmp_path / "var")

        with started(made, port) as up:
            assert up.stdout
            up.stdout.readline()
            processes = family(up.pid)
            up.kill()

            assert until(lambda: all(map(is_gone, processes)))

    @pytest.mark.once("sqlite")
    @pytest.mark.parametrize(
        ("variable", "value", "sentence"),
        [
            (
                "DATABASE_URL",
                "postgres://postgres@127.0.0.1:1/trackward",
                "Can't reach the database of DATABASE_URL: connection failed",
            ),
            (
                "CELERY_BROKER_URL",
                "redis://127.0.0.1:1/0",
                "Can't reach the broker of CELERY_BROKER_URL: Error 111",
            ),
            (
                "CELERY_BROKER_URL",
                "amqp://guest@127.0.0.1:1//",
                "Can't reach the broker of CELERY_BROKER_URL: [Errno 111]",
            ),
            (
                "CELERY_BROKER_URL",
                "redis://127.0.0.1:none/0",
                "Can't reach the broker of CELERY_BROKER_URL: Port",
            ),
            (
                "CELERY_BROKER_URL",
                "kafka://127.0.0.1/0",
                "Can't reach the broker of CELERY_BROKER_URL: its scheme is 'kafka'",
            ),
        ],
        ids=["no PostgreSQL", "no Redis", "no RabbitMQ", "no port number", "no such broker"],
    )
    def test_says_in_one_line_what_it_lacks(
        self, tmp_path: Path, variable: str, value: str, sentence: str
    ) -> None:
        made = unprepared(tmp_path)
        made.environment[variable] = value

        refused = made.manage("up", "--port", "0", check=False)

        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith(f"CommandError: {sentence}")
        assert refused.stderr.count("\n") == 1

    @pytest.mark.once("sqlite")
    def test_says_that_the_port_is_in_use(self, tmp_path: Path) -> None:
        made = unprepared(tmp_path)
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken: int = other.getsockname()[1]

            refused = made.manage("up", "--port", str(taken), check=False)

        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith(f"CommandError: Can't listen on 127.0.0.1 port {taken} ")
        assert refused.stderr.count("\n") == 1


def unprepared(data_dir: Path) -> Installation:
    environment = os.environ | {
        "TRACKWARD_DATA_DIR": str(data_dir),
        "DATABASE_URL": f"sqlite:///{data_dir / DATABASE_FILE}",
    }
    return Installation(data_dir=data_dir, environment=environment)


@pytest.mark.once("sqlite")
class TestRunningInstallation:
    def test_folds_what_comes_in(self, running: Installation) -> None:
        assert is_folded(running)

    def test_replaces_a_killed_process_of_the_web_server(self, running: Installation) -> None:
        web = child_running(pid_of(running), "config.web")
        killed = first_child(web)

        kill(killed)

        assert until(lambda: first_child(web) not in {0, killed})
        assert until(lambda: health_of(running) == 200)

    def test_replaces_a_killed_web_server_whole(self, running: Installation) -> None:
        web = child_running(pid_of(running), "config.web")
        orphans = family(web)

        kill(web)

        assert until(lambda: child_running(pid_of(running), "config.web") not in {0, web})
        assert until(lambda: all(map(is_gone, orphans)))
        assert until(lambda: health_of(running) == 200)

    def test_replaces_a_killed_worker(self, running: Installation) -> None:
        worker = child_running(pid_of(running), "celery")

        kill(worker)

        assert until(lambda: child_running(pid_of(running), "celery") not in {0, worker})
        assert is_folded(running)


def pid_of(running: Installation) -> int:
    assert running.process
    return running.process.pid


def is_folded(made: Installation) -> bool:
    """Send an event to a project of its own, and say whether a worker brings it into the rollups.

    The backlog holds it from the answer on: the batch is committed with the event.
    """
    key = made.last_line("create_project", f"shop-{os.urandom(4).hex()}", "--json")["api_key"]
    client = made.client()
    body = {"event": "login", "customer": "c-1", "metadata": {"platform": "ios"}}
    try:
        answer = client.post("/api/v1/events", body, x_api_key=key)
        assert answer.body["results"][0]["status"] == "accepted"
        return until(lambda: client.get("/health").body["backlog"] == {"ok": True, "events": 0})
    finally:
        client.close()
