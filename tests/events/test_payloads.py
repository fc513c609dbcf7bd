"""The path that is kept of a refused request."""

import pytest

from events.payloads import path_of
from events.types import ProfileUpdate, Request
from events.wires import vibetrace

USER = "/v1/user/ann@example.com"


class TestAPath:
    @pytest.mark.parametrize(
        ("path", "kept"),
        [
            (USER, USER),
            (f"{USER}?", USER),
            (f"{USER}?phone=5", USER),
            (f"{USER}?a=b&upsert=True&phone=5", f"{USER}?upsert=True"),
            (f"{USER}?upsert=0&upsert=1", f"{USER}?upsert=0&upsert=1"),
            (f"{USER}?%75psert=1", f"{USER}?upsert=1"),
            (f"{USER}?upsert=", USER),
        ],
    )
    def test_keeps_what_its_wire_reads_and_reads_the_same(self, path: str, kept: str) -> None:
        assert path_of(path, wire="vibetrace") == kept
        assert path_of(kept, wire="vibetrace") == kept
        assert path_of(path, wire="native") == USER
        assert must_exist(kept) is must_exist(path)


def must_exist(path: str) -> bool:
    request = vibetrace.wire.parse({}, path, b"{}")
    assert isinstance(request, Request), request
    [entry] = request.entries
    assert isinstance(entry, ProfileUpdate)
    return entry.must_exist
