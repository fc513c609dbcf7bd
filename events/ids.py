"""Event ids: UUIDv7 of the moment of receipt (RFC 9562, 5.7)."""

import os
from datetime import UTC, datetime
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_BITS = (0xFFF << 64) | ((1 << 62) - 1)


def new_id(moment: datetime) -> UUID:
    """Return an id that sorts by the moment's millisecond."""
    since = moment - _EPOCH
    millis = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    # The system's randomness: worker processes that were forked share the state of `random`.
    random_bits = int.from_bytes(os.urandom(10), "big") & _RANDOM_BITS
    return UUID(int=(millis << 80) | _VERSION | _VARIANT | random_bits)
