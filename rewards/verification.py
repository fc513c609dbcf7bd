"""The ledger recounted: balances, counters, merges and events' points against its transfers."""

from dataclasses import dataclass, field

from django.db import connection

from events.snapshot import snapshot
from events.sql import execute


@dataclass(slots=True)
class Verification:
    """How much was compared, and a sentence for each difference."""

    checked: int = 0
    differences: list[str] = field(default_factory=list)

    def compare(self, what: str, *, kept: int, recounted: int) -> None:
        self.checked += 1
        if kept != recounted:
            self.differences.append(f"{what} is {kept}, its transfers say {recounted}.")


# A full join, spelled for SQLite before 3.39 too: what is kept, and what only transfers know.
_BALANCES = """
WITH moved(account_id, points) AS (
    SELECT account_id, SUM(points) FROM (
        SELECT credit_id AS account_id, amount AS points FROM rewards_transfer
        UNION ALL SELECT debit_id, -amount FROM rewards_transfer
    ) AS sides GROUP BY account_id
)
SELECT a.id, a.owner_id, a.balance, COALESCE(m.points, 0)
FROM rewards_account a LEFT JOIN moved m ON m.account_id = a.id
WHERE a.owner_type = 'customer'
UNION ALL
SELECT m.account_id, 0, 0, m.points FROM moved m
WHERE NOT EXISTS (SELECT 1 FROM rewards_account a WHERE a.id = m.account_id)
ORDER BY 1
"""

_EVENTS = """
WITH earned(event_id, customer_id, points) AS (
    SELECT event_id, customer_id, SUM(amount) FROM rewards_transfer
    WHERE kind IN ('award', 'streak') GROUP BY event_id, customer_id
)
SELECT CAST(e.id AS text), e.points_total, COALESCE(n.points, 0)
FROM events_event e LEFT JOIN earned n ON n.event_id = e.id AND n.customer_id = e.customer_id
WHERE e.points_total <> 0 OR n.points IS NOT NULL
UNION ALL
SELECT CAST(n.event_id AS text), 0, n.points FROM earned n
WHERE NOT EXISTS (
    SELECT 1 FROM events_event e WHERE e.id = n.event_id AND e.customer_id = n.customer_id
)
ORDER BY 1
"""

_MERGES = """
SELECT CAST(m.id AS text), m.points_moved, COALESCE(
    CASE WHEN a.owner_id = m.survivor_id THEN t.amount ELSE -t.amount END, 0)
FROM events_merge m
LEFT JOIN rewards_transfer t ON t.source_key = replace(CAST(m.id AS text), '-', '') || ':merge'
LEFT JOIN rewards_account a ON a.id = t.credit_id
ORDER BY 1
"""

_USES_POSTGRESQL = """
SELECT t.project_id, (u->>'rule_id')::bigint AS rule_id,
    (u->>'customer_id')::bigint AS customer_id, u->>'of' AS measure, u->>'window' AS span,
    u->>'starts' AS starts, (u->>'use')::bigint AS used
FROM rewards_transfer t, json_array_elements(t.trace->'uses') AS u WHERE t.kind = 'award'
"""

_USES_SQLITE = """
SELECT t.project_id, json_extract(u.value, '$.rule_id') AS rule_id,
    json_extract(u.value, '$.customer_id') AS customer_id,
    json_extract(u.value, '$.of') AS measure, json_extract(u.value, '$.window') AS span,
    json_extract(u.value, '$.starts') AS starts, json_extract(u.value, '$.use') AS used
FROM rewards_transfer t, json_each(t.trace, '$.uses') AS u WHERE t.kind = 'award'
"""

# Grouped instead of joined: a join of two million counters without an index never ends. What a
# customer used who was merged counts for the survivor.
_COUNTERS = """
SELECT project_id, rule_id, customer_id, measure, span, starts, SUM(kept), SUM(used) FROM (
    SELECT project_id, rule_id, customer_id, "of" AS measure, "window" AS span,
        CAST(starts_date AS text) AS starts, used AS kept, 0 AS used FROM rewards_limitcounter
    UNION ALL
    SELECT uses.project_id, rule_id, COALESCE(c.merged_into_id, customer_id), measure, span,
        starts, 0, used
    FROM ({uses}) AS uses
    LEFT JOIN events_customer c ON c.id = customer_id AND c.merged_into_id IS NOT NULL
) AS counters
GROUP BY project_id, rule_id, customer_id, measure, span, starts
ORDER BY project_id, rule_id, customer_id, measure, span, starts
"""


def verify() -> Verification:
    """Recount balances, events' points, merges and limit counters, all as of one moment."""
    verification = Verification()
    with snapshot():
        for account_id, customer_id, kept, recounted in execute(_BALANCES):
            verification.compare(
                f"The balance of account {account_id} (customer {customer_id})",
                kept=kept,
                recounted=int(recounted),
            )
        for event_id, kept, recounted in execute(_EVENTS):
            verification.compare(
                f"What event {event_id} earned", kept=kept, recounted=int(recounted)
            )
        for merge_id, kept, recounted in execute(_MERGES):
            verification.compare(
                f"What merge {merge_id} moved", kept=kept, recounted=int(recounted)
            )
        uses = _USES_POSTGRESQL if connection.vendor == "postgresql" else _USES_SQLITE
        for *key, kept, recounted in execute(_COUNTERS.format(uses=uses)):
            project_id, rule_id, customer_id, measure, span, starts = key
            verification.compare(
                f"The {measure} counter of project {project_id}, rule {rule_id}, "
                f"customer {customer_id}, {span} from {starts}",
                kept=int(kept),
                recounted=int(recounted),
            )
    return verification
