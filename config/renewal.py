"""Statistics that another release wrote, made anew before the processes of `up` start."""

from rich.console import Console
from rich.progress import track

from analytics import rebuild


def renew() -> None:
    """Make anew what this release can't read; say so on stderr, with a bar on a terminal."""
    shards = rebuild.outdated()
    days = sum(len(shard.days) for shard in shards)
    console = Console(stderr=True, soft_wrap=True)
    if days:
        console.print(
            "Another release wrote the statistics: counting "
            f"{days:,} {'day' if days == 1 else 'days'} of event types anew …"
        )
    renewed = rebuild.renew(shards)
    shown = track(renewed, "Days", total=days, console=console, disable=not console.is_terminal)
    for _ in shown:
        pass
