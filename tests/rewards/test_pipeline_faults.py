"""What the pipeline leaves behind when the database refuses a statement: all or nothing."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import DatabaseError, connection

from events.metadata import write_json
from events.models import Customer, Event, Project
from events.projects import NewProject
from events.types import Access, Outcome, Reception, Scope
from events.types import Request as CanonicalRequest
from events.wires import native
from rewards import pipeline
from rewards.commit_queue import Job
from rewards.models import Rule
from rewards.submissions import Submission
from tests import faults, make
from tests.calling import EVENTS, Caller, buy
from tests.ledger import differences
from tests.rewards.definitions import definition, limit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

# Each statement of a commit: of a first event, and of one that finds its rows there already.
INSERTS = [
    "events_eventtype",
    "events_metadatafield",
    "events_customer",
    "events_identity",
    "events_batch",
    "events_event",
    "events_openbatch",
    "events_eventkey",
    "events_receipt",
    "rewards_account",
    "rewards_transfer",
    "rewards_shadowaward",
    "rewards_limitcounter",
    "rewards_streakstate",
    "events_quarantineday",
    "events_quarantine",
]
UPDATES = [
    "events_project",
    "events_customer",
    "rewards_account",
    "rewards_limitcounter",
    "rewards_streakstate",
    "events_quarantineday",
]
STATEMENTS = [("INSERT", table) for table in INSERTS] + [("UPDATE", table) for table in UPDATES]


@pytest.fixture
def caller(shop_keys: NewProject) -> Caller:
    """The shop with everything that a commit can write to."""
    shop = shop_keys.project
    limits = [limit("customer points day", 100), limit("project points lifetime", 500)]
    make.rule(shop, "ten", definition(limits=limits))
    make.rule(shop, "shadow", definition(), state=Rule.State.SHADOW)
    make.streak(
        shop,
        "daily",
        {"event": "buy", "period": "day", "milestones": [{"at": 1, "points": 5}]},
    )
    return Caller(keys=shop_keys, takes_faults=True)


def request() -> dict[str, Any]:
    """Return a request that makes a type, a field and a customer, and has one event refused."""
    return {
        "events": [
            buy("c-new", id="k-1", brand="x"),
            {"customer": "c-2"},
            buy("c-1", id="k-2", occurred_at="2026-03-01T12:00:00Z"),
            buy("c-1", event="walk"),
        ]
    }


class TestACommitThatFails:
    @pytest.mark.parametrize(("verb", "table"), STATEMENTS)
    def test_leaves_nothing_at_whatever_statement(
        self, caller: Caller, verb: str, table: str
    ) -> None:
        caller.send(buy("c-1"), {"customer": "c-2"})
        before = faults.all_rows()
        faults.raise_on(verb, table)

        answer = caller.post(EVENTS, request())

        assert answer.status == 500
        assert answer.body["code"] == "internal_error"
        assert faults.all_rows() == before

        faults.relent(table)
        results = caller.send(*request()["events"])
        assert [result["status"] for result in results] == [
            "accepted",
            "rejected",
            "accepted",
            "accepted",
        ]
        assert differences() == []

    @pytest.mark.parametrize("table", ["events_customer", "events_eventkey", "rewards_transfer"])
    def test_is_to_be_sent_again_where_the_database_is_away(
        self, caller: Caller, table: str
    ) -> None:
        before = faults.all_rows()
        faults.be_away_on("INSERT", table)

        answer = caller.post(EVENTS, request())

        assert answer.status == 503
        assert answer.body["code"] == "too_busy"
        assert int(answer.headers["Retry-After"]) >= 1
        assert faults.all_rows() == before

    def test_is_to_be_sent_again_where_not_even_a_refusal_can_be_kept(self, caller: Caller) -> None:
        faults.be_away_on("INSERT", "events_quarantine")

        answer = caller.post(EVENTS, b"no JSON")

        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1

    def test_is_to_be_sent_again_where_not_even_the_key_can_be_looked_up(
        self, caller: Caller
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE events_apikey RENAME TO hidden")
            if connection.vendor == "postgresql":
                cursor.execute(
                    "CREATE VIEW events_apikey AS SELECT hidden.* FROM hidden, pg_sleep(1)"
                )
                cursor.execute("SET LOCAL statement_timeout = 100")

        answer = caller.post(EVENTS, buy())

        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1


class TestAGroupWithARequestThatCanNotBeWritten:
    def test_commits_the_others(self, caller: Caller) -> None:
        faults.raise_on("INSERT", "events_customer", when="NEW.label = 'bad'")
        jobs = [job(caller.keys.project, name) for name in ("c-1", "c-2", "bad", "c-3", "c-4")]

        pipeline.commit(jobs)

        for each in (*jobs[:2], *jobs[3:]):
            [outcome] = each.answer()
            assert (outcome.status, outcome.points_awarded) == ("accepted", 10)
        with pytest.raises(DatabaseError, match="forced"):
            jobs[2].answer()
        assert Event.objects.count() == 4
        assert set(Customer.objects.values_list("label", flat=True)) == {"c-1", "c-2", "c-3", "c-4"}
        assert differences() == []

    def test_refuses_them_all_alike_where_the_database_is_away(self, caller: Caller) -> None:
        faults.be_away_on("INSERT", "events_batch")
        jobs = [job(caller.keys.project, name) for name in ("c-1", "c-2")]

        pipeline.commit(jobs)

        assert {type(each.error).__name__ for each in jobs} == {"OperationalError"}
        assert not Event.objects.exists()


def job(project: Project, customer: str) -> Job[Submission, Sequence[Outcome]]:
    parsed = native.wire.parse({}, EVENTS, write_json(buy(customer)))
    assert isinstance(parsed, CanonicalRequest)
    access = Access(project_id=project.pk, scopes=frozenset({Scope.INGEST}))
    reception = Reception(access=access, received_at=make.NOW)
    submission = Submission.of(native.wire, parsed, reception)
    return Job(submission, size=1)
