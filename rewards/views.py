"""The native API's views of what customers have."""

from rest_framework.request import Request
from rest_framework.response import Response

from events.api import ProjectAPIView, not_found
from events.models import Customer, Identity
from events.types import JsonObject
from rewards.standing import StreakStanding, balance_of, customer_at, streaks_of


class CustomerView(ProjectAPIView):
    """`GET customers/{external id}`: who it is and what it has."""

    def get(self, request: Request, external_id: str) -> Response:
        customer = customer_at(self.project, external_id)
        if customer is None:
            raise not_found("The project has no customer with this external id.")
        identities = _identities(customer)
        return Response(
            {
                "customer": identities[Identity.Kind.EXTERNAL_ID],
                "identities": identities,
                "attributes": customer.attributes,
                "balance": balance_of(customer),
                "streaks": [_streak(each) for each in streaks_of(customer, self.project.zone)],
                "challenges": [],
            }
        )


def _identities(customer: Customer) -> JsonObject:
    """Return the first name of each kind."""
    found = customer.identities.order_by("-id").values_list("kind", "value")
    return dict(found)


def _streak(streak: StreakStanding) -> JsonObject:
    return {
        "streak": streak.streak,
        "current": streak.current,
        "longest": streak.longest,
        "updated_at": streak.updated_at.isoformat(),
    }
