"""What a player has, in Referd's format."""

from rest_framework.request import Request
from rest_framework.response import Response

from events.api import ProjectAPIView, RefusedError, rendered
from events.types import Refusal, RefusalCode
from events.wires import referd
from rewards.standing import balance_of, customer_named

_NOT_FOUND = Refusal(
    code=RefusalCode.CUSTOMER_NOT_FOUND, message="The project has no player with this id."
)


class PlayerBalanceView(ProjectAPIView):
    """`GET player/{id}/balance`: what a player can spend."""

    wire = referd.player_wire

    def get(self, _request: Request, player_id: str) -> Response:
        customer = customer_named(self.project, player_id)
        if customer is None:
            raise RefusedError(_NOT_FOUND)
        return rendered(referd.render_balance(balance_of(customer)))
