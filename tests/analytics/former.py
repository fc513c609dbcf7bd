"""Rollups as a former release left them, for the tests of what an upgrade does."""

from analytics.models import Rollup, ShardState

FORMER_BYTE = b"\x01"


def leave_as_former_release() -> None:
    """Give all rollups a layout that this release can't read."""
    for row in Rollup.objects.all():
        summary = FORMER_BYTE + bytes(row.summary)[1:]
        Rollup.objects.filter(pk=row.pk).update(summary=summary)
    ShardState.objects.update(layout=1)
