"""How rules and streaks come into force: as versions that never change again."""

from datetime import datetime
from typing import Any

from django.db import models, transaction

from events.models import Project
from events.types import Json, JsonObject
from rewards.ledger import open_issued_account
from rewards.models import Account, Rule, RuleVersion, Streak, StreakVersion
from rewards.reading import RuleError
from rewards.rules import Definition, StreakTrigger, read_definition, read_streak


@transaction.atomic
def put_rule(
    project: Project,
    *,
    name: str,
    state: Rule.State,
    definition: Json,
    in_force_from: datetime | None,
    in_force_until: datetime | None,
    by: Any,
    now: datetime,
) -> Rule:
    """Make or change a rule. A draft is kept beside the versions; any other state publishes.

    An equal definition and schedule makes no new version. Raises RuleError.
    """
    _lock(project)
    source = rule_definition(project, definition).source
    rule, _ = Rule.objects.get_or_create(project=project, name=name)
    open_issued_account(project.pk, Account.Owner.RULE, rule.pk)
    is_draft = state == Rule.State.DRAFT
    rule.draft = source if is_draft else None
    # A published rule goes on while its next version is drafted.
    if not is_draft or not rule.versions.exists():
        rule.state = state
    if not is_draft:
        _publish_rule(rule, source, (in_force_from, in_force_until), by=by, now=now)
    rule.save()
    return rule


def rule_definition(project: Project, definition: Json) -> Definition:
    """Return the definition as it would be published; raise RuleError where it can't be."""
    read = read_definition(definition)
    trigger = read.trigger
    # An event type may be made by its first event; a streak is made by hand alone.
    if not isinstance(trigger, StreakTrigger):
        return read
    if not Streak.objects.filter(project=project, name=trigger.streak).exists():
        raise RuleError("trigger.streak", f"“{trigger.streak}” is not a streak of the project")
    return read


def _publish_rule(
    rule: Rule,
    source: JsonObject,
    schedule: tuple[datetime | None, datetime | None],
    *,
    by: Any,
    now: datetime,
) -> None:
    last = rule.versions.order_by("number").last()
    starts, until = schedule
    if last and last.definition == source and (last.starts_at, last.in_force_until) == schedule:
        return
    RuleVersion.objects.create(
        rule=rule,
        number=last.number + 1 if last else 1,
        definition=source,
        starts_at=starts,
        # The first version may reach into the past; a later one leaves it as it was decided.
        in_force_from=max(starts, now) if last and starts else (now if last else starts),
        in_force_until=until,
        published_at=now,
        published_by=by,
    )


@transaction.atomic
def set_state(rule: Rule, state: Rule.State) -> None:
    """Pause, archive or revive a published rule; its versions and its draft stay as they are.

    Raises RuleError where there is no version that the state could hold for.
    """
    _lock(rule.project)
    if state == Rule.State.DRAFT or not rule.versions.exists():
        raise RuleError(
            "state",
            f"of “{rule.name}” can't become {state}: a draft becomes something else by being "
            "published, and what was published is never a draft again",
        )
    rule.state = state
    rule.save(update_fields=["state"])


@transaction.atomic
def put_streak(project: Project, *, name: str, definition: Json, by: Any, now: datetime) -> Streak:
    """Make or change a streak. An equal definition makes no new version. Raises RuleError."""
    _lock(project)
    source = streak_source(project, name=name, definition=definition)
    streak, _ = Streak.objects.get_or_create(project=project, name=name)
    open_issued_account(project.pk, Account.Owner.STREAK, streak.pk)
    last = streak.versions.order_by("number").last()
    if last is None or last.definition != source:
        StreakVersion.objects.create(
            streak=streak,
            number=last.number + 1 if last else 1,
            definition=source,
            in_force_from=now if last else None,
            published_at=now,
            published_by=by,
        )
    streak.save()
    return streak


def streak_source(project: Project, *, name: str, definition: Json) -> JsonObject:
    """Return the definition as it would be published; raise RuleError where it can't be."""
    source = read_streak(definition).source
    published = StreakVersion.objects.filter(streak__project=project, streak__name=name)
    last = published.order_by("number").last()
    if last and last.definition["period"] != source["period"]:
        raise RuleError(
            "period",
            f"can't change: the runs of “{name}” are counted in "
            f"{last.definition['period']}s; make a new streak instead",
        )
    return source


def _lock(project: Project) -> None:
    """Let one change of a project's set-up follow another."""
    projects: models.QuerySet[Project] = Project.objects.select_for_update(no_key=True)
    projects.get(pk=project.pk)
