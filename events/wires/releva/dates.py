"""ISO 8601 texts in the forms that Releva's clients write, and whether they are days that exist."""

import re
from datetime import datetime

# As RFC 3339, and further: a day alone, a clock without seconds, a fraction behind a comma, and a
# zone without its colon, as PHP's DATE_ISO8601 writes it, or of hours alone.
_ISO_8601 = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<minutes>[0-9]{2}:[0-9]{2})"
    r"(?:(?P<seconds>:[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
    r"(?P<zone>[Zz]|(?P<hours>[+-](?:[01][0-9]|2[0-3]))(?::?(?P<rest>[0-5][0-9]))?)?)?"
)


def rfc_3339(text: str) -> str:
    """Return an ISO 8601 text as RFC 3339, "" where it is none; without a zone it stays so."""
    found = _ISO_8601.fullmatch(text)
    if found is None:
        return ""
    fraction = f".{found['fraction']}" if found["fraction"] else ""
    zone = f"{found['hours']}:{found['rest'] or '00'}" if found["hours"] else found["zone"] or ""
    seconds = found["seconds"] or ":00"
    written = f"{found['day']}T{found['minutes'] or '00:00'}{seconds}{fraction}{zone.upper()}"
    return written if _exists(written) else ""


def _exists(written: str) -> bool:
    try:
        datetime.fromisoformat(written)
    except ValueError:  # 30 February, 25 o'clock
        return False
    return True
