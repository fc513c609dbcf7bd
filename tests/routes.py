"""Every path that this project serves itself."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from tests.test_tools import PACKAGES


def our_routes() -> dict[str, URLPattern]:
    """Return each route of ours with its pattern, but those of the admin."""
    return {
        route: pattern
        for route, pattern in leaves("", get_resolver())
        if pattern.callback.__module__.split(".")[0] in PACKAGES
        if not route.startswith("admin/")
    }


def leaves(prefix: str, resolver: URLResolver) -> Iterator[tuple[str, URLPattern]]:
    """Yield every pattern below the resolver with its whole route, as ResolverMatch has it."""
    for entry in resolver.url_patterns:
        part = str(entry.pattern)
        route = prefix + part.removeprefix("^") if prefix else part
        if isinstance(entry, URLResolver):
            yield from leaves(route, entry)
        else:
            yield route, entry
