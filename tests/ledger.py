"""The ledger verified within a test's transaction."""

from django.db import connection

from rewards.verification import verify

# What a commit sets until the end of its transaction, which is that of the test here.
_PLANNER = ("seqscan", "hashjoin", "mergejoin", "material")


def differences() -> list[str]:
    """Return what `verify_ledger` would say, by the plans that it would have in its own process."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in _PLANNER:
                cursor.execute(f"RESET enable_{way}")
    return verify().differences
