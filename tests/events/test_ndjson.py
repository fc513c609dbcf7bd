"""Files of one JSON value a line."""

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from events.ndjson import NdjsonFile, UnreadableFileError

pytestmark = pytest.mark.once

CONTENT = b'{"a":1}\n\n  \r\n{"b":2}\r\n{"c":3}'


def file_of(folder: Path, content: bytes) -> NdjsonFile:
    path = folder / "events.ndjson"
    path.write_bytes(content)
    return NdjsonFile(path)


def lines_of(file: NdjsonFile, most_bytes: int = 100) -> list[tuple[int, bytes, bool]]:
    found = file.lines(most_bytes=most_bytes)
    return [(line.number, line.content.rstrip(), line.is_cut) for line in found]


class TestLines:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
    def test_are_those_that_are_not_blank(self, tmp_path: Path, pack: type[bytes]) -> None:
        file = file_of(tmp_path, pack(CONTENT))

        assert lines_of(file) == [
            (1, b'{"a":1}', False),
            (4, b'{"b":2}', False),
            (5, b'{"c":3}', False),
        ]

    def test_go_on_in_the_next_member_of_a_gzip_file(self, tmp_path: Path) -> None:
        file = file_of(tmp_path, gzip.compress(b"1\n") + gzip.compress(b"2\n"))

        assert lines_of(file) == [(1, b"1", False), (2, b"2", False)]

    def test_are_cut_where_they_are_too_long(self, tmp_path: Path) -> None:
        file = file_of(tmp_path, b"12345\n123456\n1234567\n12345")

        assert lines_of(file, most_bytes=5) == [
            (1, b"12345", False),
            (2, b"123456", True),
            (3, b"123456", True),
            (4, b"12345", False),
        ]

    def test_begin_behind_a_byte_order_mark(self, tmp_path: Path) -> None:
        assert lines_of(file_of(tmp_path, b"\xef\xbb\xbf1\n2")) == [
            (1, b"1", False),
            (2, b"2", False),
        ]

    def test_are_none_of_an_empty_file(self, tmp_path: Path) -> None:
        assert lines_of(file_of(tmp_path, b"")) == []

    def test_tell_how_far_the_file_was_read(self, tmp_path: Path) -> None:
        file = file_of(tmp_path, b"1\n2\n")

        assert [line.position for line in file.lines(most_bytes=10)] == [2, 4]
        assert file.size_bytes == 4

    def test_are_read_up_to_where_a_gzip_file_breaks_off(self, tmp_path: Path) -> None:
        content = b"".join(os.urandom(30).hex().encode() + b"\n" for _ in range(10_000))
        packed = gzip.compress(content)
        file = file_of(tmp_path, packed[: len(packed) // 2])
        read: list[bytes] = []

        with pytest.raises(UnreadableFileError, match="is incomplete: its gzip data break off"):
            read.extend(line.content for line in file.lines(most_bytes=100))

        assert len(read) > 1_000
        assert content.startswith(b"".join(read))

    def test_are_refused_where_a_gzip_file_is_damaged(self, tmp_path: Path) -> None:
        packed = bytearray(gzip.compress(CONTENT))
        packed[-6] ^= 1  # of the checksum

        with pytest.raises(UnreadableFileError, match="is damaged"):
            lines_of(file_of(tmp_path, bytes(packed)))

    def test_are_refused_where_there_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableFileError, match="can't be read: No such file or directory"):
            lines_of(NdjsonFile(tmp_path / "missing"))
        with pytest.raises(UnreadableFileError, match="can't be read: Is a directory"):
            lines_of(NdjsonFile(tmp_path))


class TestTheContentHash:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
    def test_is_that_of_the_uncompressed_content(self, tmp_path: Path, pack: type[bytes]) -> None:
        file = file_of(tmp_path, pack(CONTENT))

        assert file.content_hash == hashlib.sha256(CONTENT).hexdigest()
