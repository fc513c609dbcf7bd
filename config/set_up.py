"""A project's set-up as one JSON: read into the tables, written out of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from events import limits
from events.models import EventType, MetadataField, Project
from events.types import Json, JsonObject
from events.wires.reading import UnreadableError, moment_in
from rewards.models import Rule, RuleVersion, Streak, StreakVersion
from rewards.publishing import put_rule, put_streak
from rewards.reading import (
    RuleError,
    inner,
    read_choice,
    read_flag,
    read_list,
    read_object,
    read_text,
    read_whole,
)

MOST_ENTRIES = 10_000
_STATES = tuple(Rule.State.values)
_TYPES = tuple(MetadataField.Type.values)
_WAYS_OF_KEEPING = tuple(MetadataField.PersonalAs.values)
_SECTIONS = ("event_types", "rules", "streaks", "challenges")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many entries of each section were read."""

    event_types: int
    rules: int
    streaks: int
    challenges: int


@transaction.atomic
def read_set_up(project: Project, given: Json, *, by: Any, now: datetime) -> Counts:
    """Put the set-up in force; what is absent stays. All of it or, with RuleError, none."""
    sections = read_object(given, "", optional=_SECTIONS)
    event_types = _each(sections, "event_types", lambda e, p: _put_event_type(project, e, p))
    # Before the rules, which may be triggered by their milestones.
    streaks = _each(sections, "streaks", lambda e, p: _put_streak(project, e, p, by=by, now=now))
    rules = _each(sections, "rules", lambda e, p: _put_rule(project, e, p, by=by, now=now))
    challenges = _each(sections, "challenges", _refuse_challenge)
    return Counts(event_types=event_types, rules=rules, streaks=streaks, challenges=challenges)


def _each(given: JsonObject, key: str, put: Callable[[Json, str], None], path: str = "") -> int:
    """Put each entry of a list; the same name twice would change one thing back and forth."""
    seen: set[Json] = set()

    def put_once(entry: Json, entry_path: str) -> None:
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if isinstance(name, str) and name in seen:
            raise RuleError(inner(entry_path, "name"), f"names “{name}” a second time")
        seen.add(name if isinstance(name, str) else None)
        put(entry, entry_path)

    return len(read_list(given.get(key, ()), inner(path, key), put_once, most=MOST_ENTRIES))


def _put_event_type(project: Project, given: Json, path: str) -> None:
    entry = read_object(
        given,
        path,
        required=("name",),
        optional=("active", "server_only", "unique_by", "throttle_minutes", "fields"),
    )
    name = _name(entry, path)
    event_type, _ = EventType.objects.get_or_create(project=project, name=name)
    flags = {
        key: read_flag(entry[key], inner(path, key))
        for key in ("active", "server_only")
        if key in entry
    }
    for key, value in {**flags, **_conditions(entry, path)}.items():
        setattr(event_type, key, value)
    event_type.created_automatically = False
    event_type.save()
    _each(entry, "fields", lambda each, each_path: _put_field(event_type, each, each_path), path)


def _conditions(entry: JsonObject, path: str) -> JsonObject:
    """Return what discards events of a type, where it is given; null takes it away."""
    found: dict[str, Json] = {}
    if "unique_by" in entry:
        at, unique_by = inner(path, "unique_by"), entry["unique_by"]
        most = limits.METADATA_KEY_CHARACTERS
        found["unique_by"] = "" if unique_by is None else read_text(unique_by, at, most=most)
    if "throttle_minutes" in entry:
        at, minutes = inner(path, "throttle_minutes"), entry["throttle_minutes"]
        most = limits.THROTTLE_MINUTES
        found["throttle_minutes"] = (
            None if minutes is None else read_whole(minutes, at, least=1, most=most)
        )
    return found


def _put_field(event_type: EventType, given: Json, path: str) -> None:
    entry = read_object(
        given, path, required=("name",), optional=("type", "dimension", "personal", "personal_as")
    )
    name = read_text(entry["name"], inner(path, "name"), most=limits.METADATA_KEY_CHARACTERS)
    field, _ = MetadataField.objects.get_or_create(event_type=event_type, name=name)
    if "type" in entry:
        field.type = read_choice(entry["type"], inner(path, "type"), _TYPES)
    for key in ("dimension", "personal"):
        if key in entry:
            setattr(field, key, read_flag(entry[key], inner(path, key)))
    if "personal_as" in entry:
        field.personal_as = read_choice(
            entry["personal_as"], inner(path, "personal_as"), _WAYS_OF_KEEPING
        )
    field.created_automatically = False
    field.save()


def _put_rule(project: Project, given: Json, path: str, *, by: Any, now: datetime) -> None:
    entry = read_object(
        given, path, required=("name", "definition"), optional=("state", "from", "until")
    )
    name = _name(entry, path)
    known = project.rules.filter(name=name).first()
    # Who imports a new rule without a state wants it to work; a paused one stays paused.
    state = read_choice(
        entry.get("state", known.state if known else "live"), inner(path, "state"), _STATES
    )
    last = _latest(known) if known else None
    with _under(path):
        starts = _moment(entry, "from", last.starts_at if last else None)
        until = _moment(entry, "until", last.in_force_until if last else None)
    with _under(inner(path, "definition")):
        put_rule(
            project,
            name=name,
            state=Rule.State(state),
            definition=entry["definition"],
            in_force_from=starts,
            in_force_until=until,
            by=by,
            now=now,
        )


def _put_streak(project: Project, given: Json, path: str, *, by: Any, now: datetime) -> None:
    entry = read_object(
        given,
        path,
        required=("name", "event"),
        optional=("when", "period", "milestones"),
    )
    name = _name(entry, path)
    known = project.streaks.filter(name=name).first()
    last = _latest(known) if known else None
    definition = {key: value for key, value in entry.items() if key != "name"}
    with _under(path):
        put_streak(
            project,
            name=name,
            definition={"period": "day", **(last.definition if last else {}), **definition},
            by=by,
            now=now,
        )


def _refuse_challenge(_given: Json, path: str) -> None:
    raise RuleError(path, "is a challenge; this version has none")


def _name(entry: JsonObject, path: str) -> str:
    return read_text(entry["name"], inner(path, "name"), most=limits.NAME_CHARACTERS)


def _moment(entry: JsonObject, key: str, absent: datetime | None) -> datetime | None:
    if key not in entry:
        return absent
    try:
        return moment_in(entry, key)
    except UnreadableError as error:
        raise RuleError(key, "must be RFC 3339 text with its zone, or null") from error


@contextmanager
def _under(path: str) -> Iterator[None]:
    """Name the whole path in an error that was raised further down."""
    try:
        yield
    except RuleError as error:
        raise RuleError(inner(path, error.path) if error.path else path, error.problem) from error


def written_set_up(project: Project) -> JsonObject:
    """Return the set-up that `read_set_up` would read into an equal project."""
    return {
        "event_types": [_event_type(each) for each in _event_types(project)],
        "rules": [_rule(each) for each in project.rules.prefetch_related("versions")],
        "streaks": [_streak(each) for each in project.streaks.prefetch_related("versions")],
        "challenges": [],
    }


def counts_of(set_up: JsonObject) -> Counts:
    """Return the size of each section of a set-up."""
    return Counts(**{name: len(set_up[name]) for name in _SECTIONS})  # type: ignore[arg-type]


def _event_types(project: Project) -> Iterable[EventType]:
    return project.event_types.prefetch_related("fields")


def _event_type(event_type: EventType) -> JsonObject:
    return {
        "name": event_type.name,
        "active": event_type.active,
        "server_only": event_type.server_only,
        "unique_by": event_type.unique_by or None,
        "throttle_minutes": event_type.throttle_minutes,
        "fields": [
            {
                "name": field.name,
                "type": field.type,
                "dimension": field.dimension,
                "personal": field.personal,
                **({"personal_as": field.personal_as} if field.personal else {}),
            }
            for field in event_type.fields.all()
        ],
    }


def _rule(rule: Rule) -> JsonObject:
    # A draft stands for the rule only until its first version is out.
    version = _latest(rule)
    return {
        "name": rule.name,
        "state": rule.state,
        "from": _written(version.starts_at) if version else None,
        "until": _written(version.in_force_until) if version else None,
        "definition": version.definition if version else rule.draft,
    }


def _streak(streak: Streak) -> JsonObject:
    version = _latest(streak)
    return {"name": streak.name, **(version.definition if version else {})}


def _latest(published: Rule | Streak) -> RuleVersion | StreakVersion | None:
    """Return the version published last, from what is prefetched where it is."""
    versions: Iterable[RuleVersion | StreakVersion] = published.versions.all()
    return max(versions, key=lambda each: each.number, default=None)


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
