"""The staff's site: what all of its pages share, such as the navigation."""

from collections.abc import Callable
from typing import Any

from csp.constants import SELF, UNSAFE_EVAL
from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from events.models import Project

View = Callable[..., Any]

# Alpine, on which unfold's pages run, compiles the expressions in their attributes.
_loosened = csp_replace({"script-src": [SELF, UNSAFE_EVAL]})

# Titles of the groups with their pages: title, icon, name of the URL, whether for superusers alone.
_NAVIGATION = (
    (
        "",
        (
            ("Start", "home", "admin:index", False),
            ("Dashboards", "monitoring", "analytics", False),
        ),
    ),
    (
        "What counts",
        (
            ("Catalogue", "category", "admin:events_eventtype_changelist", False),
            ("Rules", "rule", "admin:rewards_rule_changelist", False),
            ("Streaks", "local_fire_department", "admin:rewards_streak_changelist", False),
        ),
    ),
    (
        "What happened",
        (
            ("Customers", "group", "admin:events_customer_changelist", False),
            ("Duplicates", "group_search", "admin:events_identityclaim_changelist", False),
            ("Merges", "merge", "admin:events_merge_changelist", False),
            ("Events", "bolt", "admin:events_event_changelist", False),
            ("Ledger", "receipt_long", "admin:rewards_transfer_changelist", False),
            ("Quarantine", "report", "admin:events_quarantine_changelist", False),
        ),
    ),
    (
        "Set-up",
        (
            ("Projects", "store", "admin:events_project_changelist", False),
            ("API keys", "key", "admin:events_apikey_changelist", False),
            ("Users", "manage_accounts", "admin:auth_user_changelist", True),
        ),
    ),
)


class AdminSite(UnfoldAdminSite):  # type: ignore[misc]
    """What every member of staff sees of the projects that are theirs."""

    index_template = "admin/start.html"
    login_template = "registration/login.html"

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        loosened: View = _loosened(super().admin_view(view, cacheable))
        return loosened

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        user = request.user
        sees_some = user.is_superuser or Project.objects.visible_to(user).exists()
        return [
            {
                "title": title,
                "items": [
                    {
                        "title": name,
                        "icon": icon,
                        "link": reverse(url),
                        "active": _is_active(request, reverse(url)),
                        "has_permission": user.is_superuser if is_for_superusers else sees_some,
                    }
                    for name, icon, url, is_for_superusers in pages
                ],
            }
            for title, pages in _NAVIGATION
        ]

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Nothing leads here, and unfold's own fails where the page is no number.
        raise Http404


def _is_active(request: HttpRequest, url: str) -> bool:
    if url == reverse("admin:index"):
        return request.path == url
    return request.path.startswith(url)
