"""The catalogue as requests use it: read once a version, grown by what events bring."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from events import limits
from events.metadata import FieldType
from events.models import EventType, MetadataField, touch_setup
from events.protection import PersonalAs, Protection, key_of
from events.sql import execute, given
from events.types import TypeDefaults


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguedType:
    """One event type with its fields' declared types, "auto" where none is declared."""

    id: int
    name: str
    active: bool
    server_only: bool
    fields: Mapping[str, FieldType]
    has_numbers: bool  # a field declared as one
    protection: Protection | None = None  # of its personal fields, None where it has none
    unique_by: str = ""
    throttle_minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What a project knows of its events, in one version of its set-up."""

    project_id: int
    version: int
    zone: ZoneInfo
    strict: bool
    reward_window_days: int
    merge_by: str = ""  # the kind of identity
    has_inactive_customers: bool = False
    discard_bots: bool = False
    protection: Protection | None = None  # of the personal fields of any type
    types: Mapping[str, CataloguedType] = field(default_factory=dict)
    automatic_types: int = 0


@dataclass(slots=True)
class Wanted:
    """What the events of one project need: type names, each with the metadata keys it came with."""

    keys: dict[str, set[str]] = field(default_factory=dict)
    defaults: dict[str, TypeDefaults] = field(default_factory=dict)

    def add(self, name: str, keys: Iterable[str], *, defaults: TypeDefaults | None = None) -> None:
        """Add a type's name and keys; it is made with the defaults that were named first."""
        self.keys.setdefault(name, set()).update(keys)
        if defaults is not None:
            self.defaults.setdefault(name, defaults)


_catalogues: dict[int, Catalogue] = {}


def current(project_ids: Iterable[int]) -> dict[int, Catalogue]:
    """Return the catalogues in force, in the transaction's own view of the set-up's version."""
    query, parameters = given([(project_id,) for project_id in sorted(set(project_ids))], "bigint")
    rows = execute(
        f"WITH given(id) AS ({query}) SELECT p.id, p.setup_version, p.time_zone, p.strict, "
        "p.reward_window_days, p.merge_by, p.has_inactive_customers, p.discard_bots "
        "FROM given JOIN events_project p ON p.id = given.id",
        parameters,
    )
    found = {}
    for project_id, version, *choices in rows:
        known = _catalogues.get(project_id)
        if known is None or known.version != version:
            known = _filled(_empty(project_id, version, choices))
            _catalogues[project_id] = known
        found[project_id] = known
    return found


def _empty(project_id: int, version: int, choices: Sequence[Any]) -> Catalogue:
    zone, strict, window_days, merge_by, has_inactive_customers, discard_bots = choices
    return Catalogue(
        project_id=project_id,
        version=version,
        zone=ZoneInfo(zone),
        strict=bool(strict),
        reward_window_days=window_days,
        merge_by=merge_by,
        has_inactive_customers=bool(has_inactive_customers),
        discard_bots=bool(discard_bots),
    )


def may_discard_bots(project_id: int) -> bool:
    """Tell whether a project discarded bots' events when it was last looked at, if it was."""
    known = _catalogues.get(project_id)
    return known is None or known.discard_bots


def forget() -> None:
    """Forget every catalogue, as after a restart."""
    _catalogues.clear()


def _filled(catalogue: Catalogue) -> Catalogue:
    """Return the catalogue with the event types as they stand."""
    project_id = catalogue.project_id
    fields: dict[int, dict[str, FieldType]] = {}
    personal: dict[int, dict[str, PersonalAs]] = {}
    declared = MetadataField.objects.filter(event_type__project_id=project_id)
    for type_id, name, kind, is_personal, kept_as in declared.values_list(
        "event_type_id", "name", "type", "personal", "personal_as"
    ):
        fields.setdefault(type_id, {})[name] = cast("FieldType", kind)
        if is_personal:
            personal.setdefault(type_id, {})[name] = cast("PersonalAs", kept_as)
    key = key_of(settings.ENCRYPTION_KEY, project_id) if personal else b""
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
            unique_by=event_type.unique_by,
            throttle_minutes=event_type.throttle_minutes,
            protection=_protection(personal.get(event_type.pk), key),
        )
    return replace(
        catalogue,
        protection=_protection(_of_any_type(personal.values()), key),
        types=types,
        automatic_types=automatic,
    )


def _protection(fields: Mapping[str, PersonalAs] | None, key: bytes) -> Protection | None:
    return Protection(fields=fields, key=key) if fields else None


def _of_any_type(personal: Iterable[Mapping[str, PersonalAs]]) -> dict[str, PersonalAs]:
    """Return the personal fields of all types: hashed where two differ.

    What was refused may be replayed: then a hash is masked where its type says so, while a mask
    would stay one.
    """
    fields: dict[str, PersonalAs] = {}
    for of_type in personal:
        for name, kept_as in of_type.items():
            fields[name] = kept_as if fields.get(name, kept_as) == kept_as else "hash"
    return fields


def protection_of(project_id: int) -> Protection | None:
    """Return how values of any of a project's personal fields are kept, None where it has none."""
    return current([project_id])[project_id].protection


def protections(event_types: Iterable[EventType]) -> dict[int, Protection]:
    """Return how the personal fields of event types are kept, by their ids; types that have none
    are left out.

    For readers: what was stored before a field became personal is shown as if it had been after.
    """
    projects = {each.pk: each.project_id for each in event_types}
    rows = MetadataField.objects.filter(event_type__in=projects, personal=True)
    fields: dict[int, dict[str, PersonalAs]] = {}
    for type_id, name, kept_as in rows.values_list("event_type_id", "name", "personal_as"):
        fields.setdefault(type_id, {})[name] = cast("PersonalAs", kept_as)
    return {
        type_id: Protection(fields=personal, key=key_of(settings.ENCRYPTION_KEY, projects[type_id]))
        for type_id, personal in fields.items()
    }


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
    _insert_types(catalogue.project_id, new_types, wanted)
    ids = _type_ids(catalogue.project_id, [*new_types, *new_fields])
    for name in new_types:
        new_fields[name] = sorted(wanted.keys[name])[: limits.FIELDS_PER_EVENT_TYPE]
    _insert_fields({ids[name]: keys for name, keys in sorted(new_fields.items()) if keys})
    return _filled(catalogue)


def _room(known: CataloguedType) -> int:
    return max(0, limits.FIELDS_PER_EVENT_TYPE - len(known.fields))


def _insert_types(project_id: int, names: list[str], wanted: Wanted) -> None:
    now = timezone.now()
    defaults = {name: wanted.defaults.get(name, _NO_DEFAULTS) for name in names}
    EventType.objects.bulk_create(
        [
            EventType(
                project_id=project_id,
                name=name,
                unique_by=made_with.unique_by,
                throttle_minutes=made_with.throttle_minutes,
                created_automatically=True,
                created_at=now,
            )
            for name, made_with in defaults.items()
        ],
        ignore_conflicts=True,  # another process may have made it a moment ago
    )


_NO_DEFAULTS = TypeDefaults()


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


def suspect(field_id: int, suspected: str) -> None:
    """Note what the values of a field look like, unless somebody has declared it meanwhile.

    Nothing that requests read depends on it, so that no process need read its catalogue anew.
    """
    MetadataField.objects.filter(
        pk=field_id, created_automatically=True, suspicion_dismissed=False
    ).update(suspected=suspected)


def mark_personal(field: MetadataField, kept_as: PersonalAs) -> None:
    """Keep the values of a field masked or hashed from the next event on."""
    field.personal, field.personal_as = True, kept_as
    field.suspected, field.created_automatically = "", False
    field.save()


def dismiss_suspicion(field: MetadataField) -> None:
    """Note that somebody looked, and that the field holds nothing personal."""
    field.suspected, field.suspicion_dismissed = "", True
    field.save()
