"""What is asked of the pipeline: one request with all that is known of it."""

import hashlib
from dataclasses import dataclass, replace

from django.conf import settings

from events import agents, catalogue
from events.catalogue import Catalogue
from events.metadata import canonical, write_json
from events.protection import Protection, key_of, keyed_hash
from events.types import Entry, Event, Reception, Request, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One request with all that is known of it.

    `body_hashes` has one for each entry, b"" where the entry has no key. They are made by who
    asks, for who commits keeps others waiting. `protection` is that of the project's personal
    fields, None where it has none; `sent` is the submission before their values were protected.
    """

    wire: Wire
    request: Request
    reception: Reception
    project_id: int
    body_hashes: tuple[bytes, ...]
    protection: Protection | None = None
    sent: "Submission | None" = None

    @classmethod
    def of(cls, wire: Wire, request: Request, reception: Reception) -> "Submission":
        _look_up_agents(request, reception)
        return cls(
            wire=wire,
            request=request,
            reception=reception,
            project_id=reception.access.project_id,
            body_hashes=tuple(map(_key_hash, request.entries)),
        )

    def part(self, start: int, end: int) -> "Submission":
        """Return a submission of some of the entries."""
        request = replace(
            self.request,
            entries=self.request.entries[start:end],
            lines=self.request.lines[start:end],
        )
        return replace(self, request=request, body_hashes=self.body_hashes[start:end])

    def protected(self, known: Catalogue) -> "Submission":
        """Return the submission as it is decided and written: personal values masked or hashed."""
        if known.protection is None:
            return self
        entries = tuple(
            protected(entry, known) if isinstance(entry, Event) else entry
            for entry in self.request.entries
        )
        return replace(
            self,
            request=replace(self.request, entries=entries),
            # Else the hash of a short phone number would tell it to who tries them all.
            body_hashes=tuple(
                body_hash if entry is sent else _key_hash(entry)
                for entry, sent, body_hash in zip(
                    entries, self.request.entries, self.body_hashes, strict=True
                )
            ),
            protection=known.protection,
            sent=self,
        )

    def sent_entry(self, index: int) -> Entry:
        """Return an entry as it came."""
        return (self.sent or self).request.entries[index]

    def has_body(self, index: int, body_hash: bytes) -> bool:
        """Tell whether a hash that was kept with a key is that of this entry.

        One from before a field became personal is of the value as sent; it is keyed where the
        stored values were protected since.
        """
        hashes = {self.body_hashes[index], (self.sent or self).body_hashes[index]}
        if body_hash in hashes:
            return True
        key = key_of(settings.ENCRYPTION_KEY, self.project_id)
        return body_hash in {keyed_hash(each, key) for each in hashes}


def protected(event: Event, known: Catalogue) -> Event:
    """Return an event with the values of its type's personal fields masked or hashed."""
    of_type = known.types.get(event.name)
    if of_type is None or of_type.protection is None:
        return event
    protection = of_type.protection
    return replace(
        event,
        metadata=protection.metadata(event.metadata),
        extra=None if event.extra is None else protection.metadata(event.extra),
    )


def _look_up_agents(request: Request, reception: Reception) -> None:
    """Have the agents of bots remembered by who asks: who commits keeps others waiting."""
    access = reception.access
    if access.has_secret or not catalogue.may_discard_bots(access.project_id):
        return
    for entry in request.entries:
        if isinstance(entry, Event):
            agents.is_bots(entry.metadata, entry.extra)


def _key_hash(entry: Entry) -> bytes:
    return _body_hash(entry) if isinstance(entry, Event) and entry.key else b""


def _body_hash(event: Event) -> bytes:
    customer = event.customer
    body = [
        event.name,
        [customer.external_id, customer.email, customer.phone],
        None if event.occurred_at is None else event.occurred_at.isoformat(),
        canonical(event.metadata),
    ]
    return hashlib.sha256(write_json(body)).digest()
