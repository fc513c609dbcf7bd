"""What must be true of the tables after the load, whatever the speed."""

from collections.abc import Iterator

from tests.load.measuring import CLIENTS
from tests.load.stage import POINTS, Stage

_COUNTED = """
SELECT
  (SELECT count(*) FROM events_event WHERE status = 'accepted') AS events,
  (SELECT coalesce(sum(points_total), 0) FROM events_event) AS points,
  (SELECT count(*) FROM rewards_transfer) AS transfers,
  (SELECT coalesce(sum(amount), 0) FROM rewards_transfer) AS transferred,
  (SELECT count(DISTINCT event_id) FROM rewards_transfer WHERE kind = 'award') AS rewarded,
  (SELECT coalesce(sum(balance), 0) FROM rewards_account) AS balances,
  (SELECT coalesce(sum(events), 0) FROM events_batch) AS batched,
  (SELECT count(*) FROM (SELECT FROM events_event WHERE wire <> 'pgbench'
    GROUP BY customer_id, customer_seq HAVING count(*) > 1) repeated) AS repeated
"""


def faults(at: Stage, *, answered: int, rounds: int) -> Iterator[str]:
    """Yield what is wrong; `answered` events were acknowledged, by Trackward in `rounds` rounds.

    wrk leaves without waiting for its last answers, so that a round may have stored one event
    more for each connection than it counted.
    """
    [found] = at.rows(_COUNTED)
    unheard = found["events"] - answered
    if not 0 <= unheard <= rounds * CLIENTS:
        yield f"{answered} events were answered with success, {found['events']} are stored."
    for name in ("points", "transferred", "balances"):
        if found[name] != POINTS * found["events"]:
            yield f"{found['events']} events earn {POINTS} points each, {name} are {found[name]}."
    for name in ("transfers", "rewarded", "batched"):
        if found[name] != found["events"]:
            yield f"{found['events']} events are stored, {name} are {found[name]}."
    if found["repeated"]:
        yield f"{found['repeated']} numbers were given to two events of a customer."
