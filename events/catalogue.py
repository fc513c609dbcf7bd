"""The catalogue as requests use it: read once a version, grown by what events bring."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast
from zoneinfo import ZoneInfo

from django.utils import timezone

from events import limits
from events.metadata import FieldType
from events.models import EventType, MetadataField, touch_setup
from events.sql import execute, given


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguedType:
    """One event type with its fields' declared types, "auto" where none is declared."""

    id: int
    name: str
    active: bool
    server_only: bool
    fields: Mapping[str, FieldType]
    has_numbers: bool  # a field declared as one


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What a project knows of its events, in one version of its set-up."""

    project_id: int
    version: int
    zone: ZoneInfo
    strict: bool
    reward_window_days: int
    types: Mapping[str, CataloguedType]
    automatic_types: int = 0


@dataclass(slots=True)
class Wanted:
    """What the events of one project need: type names, each with the metadata keys it came with."""

    keys: dict[str, set[str]] = field(default_factory=dict)

    def add(self, name: str, keys: Iterable[str]) -> None:
        self.keys.setdefault(name, set()).update(keys)


_catalogues: dict[int, Catalogue] = {}


def current(project_ids: Iterable[int]) -> dict[int, Catalogue]:
    """Return the catalogues in force, in the transaction's own view of the set-up's version."""
    query, parameters = given([(project_id,) for project_id in sorted(set(project_ids))], "bigint")
    rows = execute(
        f"WITH given(id) AS ({query}) SELECT p.id, p.setup_version, p.time_zone, p.strict, "
        "p.reward_window_days FROM given JOIN events_project p ON p.id = given.id",
        parameters,
    )
    found = {}
    for project_id, version, zone, strict, window in rows:
        known = _catalogues.get(project_id)
        if known is None or known.version != version:
            known = _read(project_id, version, ZoneInfo(zone), bool(strict), window)
            _catalogues[project_id] = known
        found[project_id] = known
    return found


def forget() -> None:
    """Forget every catalogue, as after a restart."""
    _catalogues.clear()


def _read(
    project_id: int, version: int, zone: ZoneInfo, strict: bool, window_days: int
) -> Catalogue:
    fields: dict[int, dict[str, FieldType]] = {}
    declared = MetadataField.objects.filter(event_type__project_id=project_id)
    for type_id, name, kind in declared.values_list("event_type_id", "name", "type"):
        fields.setdefault(type_id, {})[name] = cast("FieldType", kind)
    types = {}
    automatic = 0
    for event_type in EventType.objects.filter(project_id=project_id):
        automatic += event_type.created_automatically
        types[event_type.name] = CataloguedType(
            id=event_type.pk,
            name=event_type.name,
            active=event_type.active,
            server_only=event_type.server_only,
            fields=fields.get(event_type.pk, {}),
            has_numbers="number" in fields.get(event_type.pk, {}).values(),
        )
    return Catalogue(
        project_id=project_id,
        version=version,
        zone=zone,
        strict=strict,
        reward_window_days=window_days,
        types=types,
        automatic_types=automatic,
    )


def grown(catalogue: Catalogue, wanted: Wanted) -> Catalogue:
    """Return the catalogue with what is wanted and was missing, made in this transaction.

    The new version is not remembered here: the transaction may yet fail. Fields beyond the limit
    are left out; they stay with their events.
    """
    new_types = sorted(name for name in wanted.keys if name not in catalogue.types)
    new_fields = {
        name: sorted(keys - known.fields.keys())[: _room(known)]
        for name, keys in wanted.keys.items()
        if (known := catalogue.types.get(name)) and not keys <= known.fields.keys()
    }
    if not new_types and not any(new_fields.values()):
        return catalogue
    # First the project's row, then types, then fields: all processes lock in this order.
    touch_setup(catalogue.project_id)
    _insert_types(catalogue.project_id, new_types)
    ids = _type_ids(catalogue.project_id, [*new_types, *new_fields])
    for name in new_types:
        new_fields[name] = sorted(wanted.keys[name])[: limits.FIELDS_PER_EVENT_TYPE]
    _insert_fields({ids[name]: keys for name, keys in sorted(new_fields.items()) if keys})
    return _read(
        catalogue.project_id,
        catalogue.version,
        catalogue.zone,
        catalogue.strict,
        catalogue.reward_window_days,
    )


def _room(known: CataloguedType) -> int:
    return max(0, limits.FIELDS_PER_EVENT_TYPE - len(known.fields))


def _insert_types(project_id: int, names: list[str]) -> None:
    now = timezone.now()
    EventType.objects.bulk_create(
        [
            EventType(project_id=project_id, name=name, created_automatically=True, created_at=now)
            for name in names
        ],
        ignore_conflicts=True,  # another process may have made it a moment ago
    )


def _type_ids(project_id: int, names: list[str]) -> dict[str, int]:
    found = EventType.objects.filter(project_id=project_id, name__in=names)
    return dict(found.values_list("name", "id"))


def _insert_fields(fields: Mapping[int, list[str]]) -> None:
    now = timezone.now()
    MetadataField.objects.bulk_create(
        [
            MetadataField(
                event_type_id=type_id, name=name, created_automatically=True, created_at=now
            )
            for type_id, names in fields.items()
            for name in names
        ],
        ignore_conflicts=True,
    )
