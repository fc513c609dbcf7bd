"""What a user has and earned, in Lynes's format."""

from rest_framework.request import Request
from rest_framework.response import Response

from events import limits
from events.api import ProjectAPIView, not_found, rendered
from events.models import Customer
from events.paging import filtered, number_asked
from events.types import Access, Scope
from events.wires import lynes
from rewards import standing
from rewards.filters import EarningFilter
from rewards.models import Transfer

DEFAULT_ROWS = 20  # both are the vendor's
MOST_ROWS = 100

_TYPES = {Transfer.Kind.AWARD: "event", Transfer.Kind.STREAK: "streak_milestone"}


class _UserView(ProjectAPIView):
    """A `GET` about one user, by a key that may read or by the user's own token."""

    wire = lynes.wire

    def is_allowed(self, access: Access) -> bool:
        if not access.is_token:
            return Scope.READ in access.scopes
        return access.subject in ("", self.kwargs["user_id"])

    def user(self, user_id: str) -> Customer:
        customer = standing.customer_named(self.project, user_id)
        if customer is None:
            raise not_found("The project has no user with this id.")
        return customer


class UserPointsView(_UserView):
    """`GET user/{id}/points`: what a user can spend."""

    def get(self, request: Request, user_id: str) -> Response:
        return rendered(lynes.render_points(standing.balance_of(self.user(user_id))))


class UserStreaksView(_UserView):
    """`GET user/{id}/streak`: a user's streaks as of today."""

    def get(self, request: Request, user_id: str) -> Response:
        items = [
            lynes.StreakItem(
                streak=each.streak,
                current=each.current,
                longest=each.longest,
                updated_at=each.updated_at,
            )
            for each in standing.streaks_of(self.user(user_id), self.project.zone)
        ]
        return rendered(lynes.render_streaks(items))


class UserHistoryView(_UserView):
    """`GET user/{id}/history`: what a user earned, the newest first."""

    def get(self, request: Request, user_id: str) -> Response:
        asked = request.query_params
        earned = standing.earnings_of(self.user(user_id))
        found = filtered(EarningFilter(asked, queryset=earned, zone=self.project.zone))
        limit = number_asked(asked, "limit", DEFAULT_ROWS, least=1, most=MOST_ROWS)
        offset = number_asked(asked, "offset", 0, least=0, most=limits.HISTORY_OFFSET)
        shown = standing.told(found[offset : offset + limit])
        page = lynes.HistoryPage(
            items=[_item(earning) for earning in shown],
            total=found.count(),
            limit=limit,
            offset=offset,
        )
        return rendered(lynes.render_history(page))


def _item(earning: standing.Earning) -> lynes.HistoryItem:
    return lynes.HistoryItem(
        id=str(earning.id),
        title=earning.source,
        event=earning.event,
        points=earning.points,
        type=_TYPES[earning.kind],
        at=earning.at,
    )
