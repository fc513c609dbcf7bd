import io
import json
import socket
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.utils.module_loading import import_string

from events.limits import BODY_BYTES
from tests.running import Installation

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TIMEOUT_SECONDS = 30.0
EVENT = b'{"event": "login", "customer": "c-1", "metadata": {"platform": "ios"}}'


def as_django_reads(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer the body as Django sees it: as many bytes as CONTENT_LENGTH tells."""
    return [environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))]


def body_read(environ: "WSGIEnvironment") -> bytes:
    # Imported late: its module makes the application, which looks for the static files.
    with_chunked_bodies = import_string("config.wsgi.with_chunked_bodies")
    return b"".join(with_chunked_bodies(as_django_reads)(environ, lambda *_: lambda _: None))


class TestChunkedBody:
    def test_is_read_to_its_end(self) -> None:
        environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(EVENT)}

        assert body_read(environ) == EVENT

    def test_wins_over_a_length(self) -> None:
        # RFC 9112, 6.3: Transfer-Encoding overrides Content-Length.
        environ = {
            "HTTP_TRANSFER_ENCODING": "chunked",
            "CONTENT_LENGTH": "3",
            "wsgi.input": io.BytesIO(EVENT),
        }

        assert body_read(environ) == EVENT

    def test_is_read_to_just_beyond_the_limit(self) -> None:
        sent = io.BytesIO(bytes(BODY_BYTES + 1_000))

        read = body_read({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": sent})

        assert (len(read), sent.tell()) == (BODY_BYTES + 1, BODY_BYTES + 1)


class TestBodyWithLength:
    def test_is_left_to_django(self) -> None:
        sent = io.BytesIO(EVENT + b"the next request")

        assert body_read({"CONTENT_LENGTH": str(len(EVENT)), "wsgi.input": sent}) == EVENT


class TestRequestWithoutBody:
    def test_is_not_read(self) -> None:
        sent = io.BytesIO(b"the next request")

        assert (body_read({"wsgi.input": sent}), sent.tell()) == (b"", 0)


@pytest.mark.once("sqlite")
class TestServer:
    def test_takes_a_chunked_event(self, raw: socket.socket, head: bytes) -> None:
        raw.sendall(head + b"\r\n" + chunked(EVENT[:10], EVENT[10:]))

        status, answer = answer_of(raw)

        assert status == 200
        assert json.loads(answer)["results"][0]["status"] == "accepted"

    def test_takes_a_chunked_event_from_a_client_that_asks_first(
        self, raw: socket.socket, head: bytes
    ) -> None:
        raw.sendall(head + b"Expect: 100-continue\r\n\r\n")
        interim = raw.recv(100)
        raw.sendall(chunked(EVENT))

        status, answer = answer_of(raw)

        assert interim.startswith(b"HTTP/1.1 100 ")
        assert status == 200
        assert json.loads(answer)["results"][0]["status"] == "accepted"

    def test_takes_the_next_request_on_the_same_connection(
        self, raw: socket.socket, head: bytes
    ) -> None:
        raw.sendall(head + b"\r\n" + chunked(EVENT))
        answer_of(raw)
        raw.sendall(head + b"\r\n" + chunked(EVENT))

        assert answer_of(raw)[0] == 200

    def test_refuses_a_chunked_body_beyond_the_limit(self, raw: socket.socket, head: bytes) -> None:
        raw.sendall(head + b"\r\n" + chunked(bytes(BODY_BYTES + 1)))

        status, answer = answer_of(raw)

        assert status == 413
        assert json.loads(answer)["code"] == "body_too_large"


@pytest.fixture
def raw(running: Installation) -> Iterator[socket.socket]:
    """A connection to the web server without a client library's help."""
    address = ("127.0.0.1", running.port)
    with socket.create_connection(address, timeout=TIMEOUT_SECONDS) as connection:
        yield connection


@pytest.fixture(scope="module")
def head(running: Installation) -> bytes:
    """The beginning of a chunked request with a good key; further headers may follow."""
    key = running.last_line("create_project", "chunky", "--json")["api_key"]
    lines = (
        "POST /api/v1/events HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"X-API-Key: {key}",
        "Transfer-Encoding: chunked",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def chunked(*chunks: bytes) -> bytes:
    written = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return written + b"0\r\n\r\n"


def answer_of(connection: socket.socket) -> tuple[int, bytes]:
    """Read one answer with a Content-Length; return its status and body."""
    with connection.makefile("rb") as file:
        status = int(file.readline().split()[1])
        length = 0
        while (line := file.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, file.read(length)
