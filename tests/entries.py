"""Entries as a wire would read them, and the way from them to their outcomes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from events.models import Project
from events.types import (
    Access,
    Entry,
    Event,
    Identity,
    JsonObject,
    Outcome,
    ProfileUpdate,
    Reception,
    Request,
    Scope,
    Wire,
)
from events.wires import native
from rewards.pipeline import process

plain = native.wire
whole = replace(native.wire, is_atomic=True)  # one refused entry refuses the request
linking = replace(native.wire, links_identities=True)


def event(
    external_id: str = "",
    *,
    email: str = "",
    phone: str = "",
    occurred_at: datetime | None = None,
    **columns: Any,
) -> Event:
    """Return an event `buy`; `amount=5` and the like become its metadata, except its columns."""
    own = {
        name: columns.pop(name)
        for name in ("key", "attributes", "must_exist", "extra")
        if name in columns
    }
    return Event(
        name=columns.pop("name", "buy"),
        customer=Identity(external_id=external_id, email=email, phone=phone),
        metadata=columns,
        occurred_at=occurred_at,
        source={"event": "buy"},
        **own,
    )


def profile(
    external_id: str = "",
    attributes: JsonObject | None = None,
    *,
    email: str = "",
    phone: str = "",
    must_exist: bool = False,
) -> ProfileUpdate:
    return ProfileUpdate(
        customer=Identity(external_id=external_id, email=email, phone=phone),
        attributes=attributes or {},
        source={"profile": external_id},
        must_exist=must_exist,
    )


def sent(project: Project, *entries: Entry, wire: Wire = plain) -> Sequence[Outcome]:
    """Return what one request with these entries is answered."""
    access = Access(project_id=project.pk, scopes=frozenset({Scope.INGEST}))
    reception = Reception(access=access, received_at=timezone.now())
    return process(wire, Request(entries=entries, is_list=True), reception)


def codes(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the code of each refusal, "" where there is none."""
    return [outcome.error.code if outcome.error else "" for outcome in outcomes]
