"""The layout of stored summaries, which statistics are asked about without loading numpy."""

VERSION = 2  # raised when a layout changes, so that old rows are told apart and rebuilt

FIRST_LAYOUT = 1  # of all rows that were there before it was noted
FIRST_BYTE = bytes((VERSION,))
UNREADABLE_RETRY_SECONDS = 60  # a rebuild takes from seconds to many minutes


class UnreadableSummaryError(ValueError):
    """Stored bytes are not a summary that this release can read."""
