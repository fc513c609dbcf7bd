"""A shop that refuses what it is sent until its catalogue is fixed, and what replays make of it."""

from events.models import EventType, Project, Quarantine
from events.projects import NewProject
from rewards import replay
from tests import make
from tests.calling import Caller
from tests.rewards.definitions import definition

TEN = definition(award={"fixed": 10})


def refusing_shop(keys: NewProject) -> Caller:
    """Give ten points for each `buy`, which is not active yet."""
    make.event_type(keys.project, "buy", active=False)
    make.rule(keys.project, "ten", TEN)
    return Caller(keys=keys)


def open_type(project: Project, name: str = "buy") -> None:
    """Fix the catalogue."""
    event_type = EventType.objects.get(project=project, name=name)
    event_type.active = True
    event_type.save()


def close_type(project: Project) -> None:
    event_type = EventType.objects.get(project=project, name="buy")
    event_type.active = False
    event_type.save()


def rows() -> list[Quarantine]:
    return list(Quarantine.objects.order_by("id"))


def became(*tried: Quarantine) -> list[str]:
    return [replay.replay(Quarantine.objects.get(pk=row.pk)).became for row in tried or rows()]


def balance(caller: Caller, customer: str = "c-1") -> int:
    points: int = caller.customer(customer)["balance"]
    return points
