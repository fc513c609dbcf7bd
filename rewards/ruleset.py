"""The rules and streaks in force, read once a version of the set-up."""

from collections.abc import Mapping
from dataclasses import dataclass

from events.catalogue import Catalogue
from rewards.decide import Ruleset, RuleVersion, StreakVersion
from rewards.models import Account, Rule
from rewards.models import RuleVersion as RuleVersionRow
from rewards.models import StreakVersion as StreakVersionRow
from rewards.rules import read_definition, read_streak

_PAYING = (Rule.State.LIVE, Rule.State.SHADOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRules:
    """The compiled ruleset of a project and the issued account of each rule and streak."""

    version: int
    ruleset: Ruleset
    rule_accounts: Mapping[int, int]
    streak_accounts: Mapping[int, int]


_rules: dict[int, ProjectRules] = {}


def current(catalogue: Catalogue) -> ProjectRules:
    """Return the rules of the set-up's version that the catalogue has."""
    known = _rules.get(catalogue.project_id)
    if known is None or known.version != catalogue.version:
        known = _read(catalogue.project_id, catalogue.version)
        _rules[catalogue.project_id] = known
    return known


def forget() -> None:
    """Forget every ruleset, as after a restart."""
    _rules.clear()


def _read(project_id: int, version: int) -> ProjectRules:
    rules = RuleVersionRow.objects.filter(rule__project_id=project_id, rule__state__in=_PAYING)
    streaks = StreakVersionRow.objects.filter(streak__project_id=project_id)
    ruleset = Ruleset.of(
        [_rule_version(row) for row in rules.select_related("rule")],
        [_streak_version(row) for row in streaks.select_related("streak")],
    )
    issued = Account.objects.filter(project_id=project_id, kind=Account.Kind.ISSUED)
    accounts: dict[str, dict[int, int]] = {}
    for owner_type, owner_id, account_id in issued.values_list("owner_type", "owner_id", "id"):
        accounts.setdefault(owner_type, {})[owner_id] = account_id
    return ProjectRules(
        version=version,
        ruleset=ruleset,
        rule_accounts=accounts.get(Account.Owner.RULE, {}),
        streak_accounts=accounts.get(Account.Owner.STREAK, {}),
    )


def _rule_version(row: RuleVersionRow) -> RuleVersion:
    return RuleVersion(
        rule_id=row.rule_id,
        version_id=row.pk,
        name=row.rule.name,
        definition=read_definition(row.definition),
        in_force_from=row.in_force_from,
        in_force_until=row.in_force_until,
        is_shadow=row.rule.state == Rule.State.SHADOW,
    )


def _streak_version(row: StreakVersionRow) -> StreakVersion:
    return StreakVersion(
        streak_id=row.streak_id,
        version_id=row.pk,
        name=row.streak.name,
        definition=read_streak(row.definition),
        in_force_from=row.in_force_from,
    )
