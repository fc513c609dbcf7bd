"""Files of one JSON value a line, plain or gzipped: their numbered lines and their hash."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # spreadsheets put it before the first line
_CHUNK_BYTES = 1 << 20


class UnreadableFileError(Exception):
    """The file can't be read, or not to its end; the message is a full sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that is not blank. `number` counts from 1, blank lines too; `position` is how many
    bytes of the file on disk were read by then; `is_cut`: only its beginning is held."""

    number: int
    content: bytes
    position: int
    is_cut: bool


class NdjsonFile:
    """One file; whether it is gzipped is told by its first bytes, not by its name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def size_bytes(self) -> int:
        with self._opened() as (disk, _):
            return disk.seek(0, io.SEEK_END)

    @cached_property
    def content_hash(self) -> str:
        """Return the SHA-256 of the uncompressed content; raise UnreadableFileError."""
        digest = hashlib.sha256()
        with self._opened() as (_, content):
            while chunk := content.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def lines(self, *, most_bytes: int) -> Iterator[Line]:
        """Yield every line that is not blank, cut after `most_bytes`; raise UnreadableFileError
        where the file breaks off, after the last line that is whole."""
        with self._opened() as (disk, content):
            number = 0
            while line := content.readline(most_bytes + 1):
                number += 1
                if number == 1:
                    line = line.removeprefix(_BYTE_ORDER_MARK)
                is_cut = len(line) > most_bytes and not line.endswith(b"\n")
                if is_cut:
                    _skip_line(content)
                if not line.isspace():
                    yield Line(number=number, content=line, position=disk.tell(), is_cut=is_cut)

    @contextmanager
    def _opened(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """Yield the file on disk and its uncompressed content."""
        try:
            with self.path.open("rb") as disk:
                is_gzipped = disk.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
                disk.seek(0)
                if is_gzipped:
                    with gzip.GzipFile(fileobj=disk) as content:
                        yield disk, content  # type: ignore[misc]
                else:
                    yield disk, disk
        except EOFError as error:
            raise UnreadableFileError(f"{self.path} is incomplete: its gzip data break off.") from (
                error
            )
        except (zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableFileError(f"{self.path} is damaged: {error}.") from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnreadableFileError(f"{self.path} can't be read: {reason}.") from error


def _skip_line(content: BinaryIO) -> None:
    while (rest := content.readline(_CHUNK_BYTES)) and not rest.endswith(b"\n"):
        pass
