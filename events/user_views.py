"""The view in which a Vibetrace client reads one of its users."""

from django.http import HttpResponse
from rest_framework.request import Request

from events.api import ProjectAPIView, RefusedError, response_of
from events.identities import normal_email
from events.models import Customer, Project
from events.models import Identity as IdentityRow
from events.types import Identity, Refusal, RefusalCode
from events.wires import vibetrace


class VibetraceUserView(ProjectAPIView):
    """`GET v1/user/{email or _id}`: the names and attributes of a user."""

    wire = vibetrace.wire

    def get(self, request: Request, name: str) -> HttpResponse:
        wanted = vibetrace.identity_of(name)
        if isinstance(wanted, Refusal):
            raise RefusedError(wanted)
        customer = _customer_of(self.project, wanted)
        if customer is None:
            raise RefusedError(
                Refusal(code=RefusalCode.CUSTOMER_NOT_FOUND, message="The customer is not known.")
            )
        known = dict(customer.identities.order_by("-id").values_list("kind", "value"))
        identity = Identity(
            external_id=known.get(IdentityRow.Kind.EXTERNAL_ID, ""),
            email=known.get(IdentityRow.Kind.EMAIL, ""),
        )
        return response_of(vibetrace.render_user(identity, customer.attributes))


def _customer_of(project: Project, wanted: Identity) -> Customer | None:
    kind, value = (
        (IdentityRow.Kind.EMAIL, normal_email(wanted.email))
        if wanted.email
        else (IdentityRow.Kind.EXTERNAL_ID, wanted.external_id)
    )
    return project.customers.filter(identities__kind=kind, identities__value=value).first()
