"""Whether a project's events come in, format by format."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from events.models import Project, Quarantine, WireUse

# Older refusals say nothing of the client that is being connected.
REFUSALS_SINCE = timedelta(hours=24)
MOST_REFUSALS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """What came in one format: the first event and the latest to the minute (None without), and
    the latest refusal since, if any."""

    first_at: datetime | None = None
    latest_at: datetime | None = None
    refusal: Quarantine | None = None

    @property
    def state(self) -> str:
        """Return on, refused, or off where nothing came."""
        if self.first_at:
            return "on"
        return "refused" if self.refusal else "off"


def lights_of(project: Project, *, now: datetime) -> Mapping[str, Light]:
    """Return the light of each format that something came in, by the wire's name."""
    refusals: dict[str, Quarantine] = {}
    refused = Quarantine.objects.filter(project=project, received_at__gt=now - REFUSALS_SINCE)
    for each in refused.order_by("-received_at", "-id")[:MOST_REFUSALS]:
        refusals.setdefault(each.wire, each)
    uses = {use.wire: use for use in WireUse.objects.filter(project=project)}
    return {
        wire: _light(uses.get(wire), refusals.get(wire)) for wire in uses.keys() | refusals.keys()
    }


def _light(use: WireUse | None, refusal: Quarantine | None) -> Light:
    if use is None:
        return Light(refusal=refusal)
    is_newer = refusal is not None and refusal.received_at > use.latest_at
    return Light(
        first_at=use.first_at,
        latest_at=use.latest_at,
        refusal=refusal if is_newer else None,
    )
