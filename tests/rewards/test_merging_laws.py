"""The law of merging: any mix of events, profiles and merges gives what a clean recount gives."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from events import catalogue
from events.models import Customer, Project
from events.types import Access, Entry, JsonObject, Reception, Request, Scope, Wire
from rewards import ruleset
from rewards.commit_queue import Job
from rewards.pipeline import commit, sought
from rewards.submissions import Submission
from tests import make
from tests.entries import event, linking, plain, profile
from tests.ledger import differences
from tests.rewards.definitions import definition, leaf, limit, per_unit
from tests.rewards.recounting import Recount

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

# Every example plays in a project of its own, for the tables are emptied after the test alone.
_numbers = itertools.count()
RULES = (
    definition("buy", per_unit(1, "1"), limits=[limit("customer points lifetime", 40)]),
    definition(
        "buy",
        {"fixed": 3},
        when={"combinator": "and", "rules": [leaf("customer.level", "=", "gold")]},
    ),
    definition("buy", {"fixed": 2}, limits=[limit("customer times day", 2)]),
    definition("buy", {"fixed": 1}, limits=[limit("rule points lifetime", 9)]),
)
STREAK: JsonObject = {
    "event": "buy",
    "period": "day",
    "milestones": [{"at": 1, "points": 5}, {"at": 3, "points": 30}],
}
names = st.fixed_dictionaries(
    {
        "external_id": st.sampled_from(["", "a", "b", "c", "d"]),
        "email": st.sampled_from(["", "", "e@x.test", "f@x.test"]),
        "phone": st.sampled_from(["", "", "", "+4930111", "+4930222"]),
    }
).filter(lambda given: any(given.values()))
levels = st.sampled_from([None, {"level": "gold"}, {"level": "silver"}, {"level": None, "x": 1}])


def an_event(given: dict[str, str], day: int, amount: int, attributes: Any) -> Entry:
    occurred_at = make.NOW.replace(month=2, day=day)
    return event(**given, occurred_at=occurred_at, amount=amount, attributes=attributes)


def a_profile(given: dict[str, str], attributes: Any) -> Entry:
    return profile(given["external_id"], attributes, email=given["email"], phone=given["phone"])


entries = st.one_of(
    st.builds(an_event, names, st.integers(1, 7), st.integers(0, 12), levels),
    st.builds(a_profile, names, levels),
)
requests = st.tuples(st.sampled_from([linking, plain]), st.lists(entries, min_size=1, max_size=5))
# Requests that are committed as one group.
groups = st.lists(st.lists(requests, min_size=1, max_size=3), min_size=1, max_size=5)


def commit_group(project: Project, group: Sequence[tuple[Wire, Sequence[Entry]]]) -> list[Any]:
    access = Access(project_id=project.pk, scopes=frozenset({Scope.INGEST}))
    reception = Reception(access=access, received_at=make.NOW)
    jobs: list[Job[Submission, Any]] = [
        Job(Submission.of(wire, Request(entries=tuple(each)), reception), size=len(each))
        for wire, each in group
    ]
    commit(jobs)
    return [outcome for job in jobs for outcome in job.answer()]


class TestAnyMixOfEventsProfilesAndMerges:
    @settings(
        max_examples=30,
        phases=[Phase.explicit, Phase.generate],
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(sent_groups=groups, merge_by=st.sampled_from(Project.MergeBy.values))
    def test_gives_what_a_clean_recount_gives(self, sent_groups: Any, merge_by: str) -> None:
        shop = make.project(f"shop-{next(_numbers)}")
        shop.merge_by = merge_by
        shop.save()
        for number, each in enumerate(RULES):
            make.rule(shop, f"rule {number}", each)
        make.streak(shop, "daily", STREAK)
        known = catalogue.current([shop.pk])[shop.pk]
        recount = Recount(ruleset=ruleset.current(known).ruleset, zone=known.zone)

        for group in sent_groups:
            outcomes = commit_group(shop, group)

            expected = [
                recount.take(entry, sought(entry, wire, known), make.NOW)
                for wire, each in group
                for entry in each
            ]
            assert [
                (one.points_awarded + sum(each.points_awarded for each in one.streaks), one.balance)
                for one in outcomes
            ] == expected

        roots = Customer.objects.filter(project=shop, merged_into=None).order_by("id")
        assert [
            (set(one.identities.values_list("project_id", "kind", "value")), one.attributes)
            for one in roots
        ] == [(person.names, person.attributes) for person in recount.people]
        assert differences() == []
