"""The native API's views of what customers have."""

from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from events.api import ProjectAPIView, not_found
from events.models import Customer, Identity, Project
from events.types import Json, JsonObject
from rewards.models import Account, StreakState
from rewards.rules import read_streak
from rewards.streaks import current_on, longest, runs_from_json
from rewards.windows import local_date, period_index


class CustomerView(ProjectAPIView):
    """`GET customers/{external id}`: who it is and what it has."""

    def get(self, request: Request, external_id: str) -> Response:
        # A slash at the end may be the id's own, or only the path's.
        customer = _customer_named(self.project, external_id) or _customer_named(
            self.project, external_id.removesuffix("/")
        )
        if customer is None:
            raise not_found("The project has no customer with this external id.")
        identities = _identities(customer)
        return Response(
            {
                "customer": identities[Identity.Kind.EXTERNAL_ID],
                "identities": identities,
                "attributes": customer.attributes,
                "balance": balance_of(customer),
                "streaks": streaks_of(customer, self.project.zone),
                "challenges": [],
            }
        )


def _customer_named(project: Project, external_id: str) -> Customer | None:
    if "\x00" in external_id:  # nobody has such a name, and PostgreSQL can't even be asked for it
        return None
    return Customer.objects.filter(
        project=project,
        identities__kind=Identity.Kind.EXTERNAL_ID,
        identities__value=external_id,
    ).first()


def _identities(customer: Customer) -> JsonObject:
    """Return the first name of each kind."""
    found = customer.identities.order_by("-id").values_list("kind", "value")
    return dict(found)


def balance_of(customer: Customer) -> int:
    """Return the points that a customer can spend."""
    accounts = Account.objects.filter(
        owner_type=Account.Owner.CUSTOMER, owner_id=customer.pk, kind=Account.Kind.AVAILABLE
    )
    return accounts.values_list("balance", flat=True).first() or 0


def streaks_of(customer: Customer, zone: ZoneInfo) -> list[Json]:
    """Return the customer's streaks as of today in the zone, by name."""
    states = StreakState.objects.filter(customer_id=customer.pk)
    states = states.select_related("streak").prefetch_related("streak__versions")
    return [_streak(state, zone) for state in states.order_by("streak__name")]


def _streak(state: StreakState, zone: ZoneInfo) -> JsonObject:
    version = max(state.streak.versions.all(), key=lambda each: each.number)
    today = local_date(timezone.now(), zone)
    runs = runs_from_json(state.runs)
    return {
        "streak": state.streak.name,
        "current": current_on(runs, period_index(today, read_streak(version.definition).period)),
        "longest": longest(runs),
        "updated_at": state.updated_at.isoformat(),
    }
