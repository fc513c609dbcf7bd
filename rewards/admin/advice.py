"""What staff can do about a refusal, in words and with the page on which they do it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from events.models import EventType, Quarantine
from events.types import RefusalCode
from rewards import replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page, and what is done there."""

    words: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do before a replay; `links` are the pages for it."""

    words: str
    links: tuple[Link, ...] = ()


_CLIENTS = "The client must send it in another form: no change of the catalogue makes it readable."
_WORDS: Mapping[str, str] = {
    RefusalCode.UNKNOWN_EVENT_TYPE: "Add the event type to the catalogue, then replay.",
    RefusalCode.TOO_MANY_EVENT_TYPES: "Add the event type to the catalogue, then replay.",
    RefusalCode.INACTIVE_EVENT_TYPE: "Set the event type active, then replay.",
    RefusalCode.NEEDS_API_KEY: "A user's token sent what only a server may send. Where users may "
    "send it after all, lift “server only” of the event type, then replay.",
    RefusalCode.CUSTOMER_NOT_FOUND: "Its format takes events of known customers only. When the "
    "customer is there, replay.",
    RefusalCode.INACTIVE_CUSTOMER: "Set the customer active, then replay.",
    RefusalCode.IDEMPOTENCY_CONFLICT: "Its id stands for another event that is stored. The client "
    "must send it with an id of its own.",
    RefusalCode.OCCURRED_IN_FUTURE: "The client's clock is ahead; it must send the event anew.",
    RefusalCode.OCCURRED_TOO_EARLY: "The client's clock is behind; it must send the event anew.",
    RefusalCode.INTERNAL_ERROR: "The database did not take it. Replay after an upgrade.",
}
_OF_TYPES = frozenset(
    {
        RefusalCode.UNKNOWN_EVENT_TYPE,
        RefusalCode.TOO_MANY_EVENT_TYPES,
        RefusalCode.INACTIVE_EVENT_TYPE,
        RefusalCode.NEEDS_API_KEY,
    }
)


def advice_on(row: Quarantine) -> Advice:
    """Return what to do about a row."""
    words = _WORDS.get(row.code, _CLIENTS)
    if row.code in _OF_TYPES:
        return Advice(words=words, links=_type_links(row))
    if row.code == RefusalCode.INACTIVE_CUSTOMER:
        url = reverse("admin:events_customer_changelist")
        return Advice(words=words, links=(Link(words="Customers", url=url),))
    return Advice(words=words)


def _type_links(row: Quarantine) -> tuple[Link, ...]:
    names = replay.event_names(row)
    known = {
        each.name: each
        for each in EventType.objects.filter(project_id=row.project_id, name__in=names)
    }
    return tuple(_type_link(row, name, known.get(name)) for name in names)


def _type_link(row: Quarantine, name: str, known: EventType | None) -> Link:
    if known is None:
        query = urlencode({"project": row.project_id, "name": name})
        return Link(words=f"Add “{name}”", url=f"{reverse('admin:events_eventtype_add')}?{query}")
    return Link(
        words=f"Change “{name}”", url=reverse("admin:events_eventtype_change", args=[known.pk])
    )
