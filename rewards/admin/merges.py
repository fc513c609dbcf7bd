"""The pages of names that two customers gave, and of customers who were merged."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from events.admin.lists import RecordAdmin, SinceFilter, VisibleFilter, local_stamp
from events.models import Identity, IdentityClaim, Merge
from rewards import merging


@admin.register(IdentityClaim)
class IdentityClaimAdmin(RecordAdmin):
    """Names that came with one customer while they are another's: the duplicates."""

    list_display = ("value", "kind", "claimant", "owner", "came", "project")
    list_filter = (("project", VisibleFilter), "kind")
    list_select_related = ("project", "customer")
    search_fields = ("value",)
    search_help_text = "A whole external id, email or phone"
    actions = ("merge_selected",)
    fields = ("project", "kind", "value", "claimant", "owner", "came")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        named = Identity.objects.filter(
            project=OuterRef("project"), kind=OuterRef("kind"), value=OuterRef("value")
        )
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .annotate(
                owner_id=Subquery(named.values("customer_id")),
                owner_label=Subquery(named.values("customer__label")),
            )
        )
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return (queryset.filter(value=search_term) if search_term else queryset), False

    def has_merge_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @admin.action(description="Merge the customers of what is selected", permissions=["merge"])
    def merge_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        by = cast(User, request.user)
        merged = 0
        for claim in queryset.order_by("id"):
            try:
                survivor = merging.merge(claim.project, [claim.customer_id, claim.owner_id], by=by)
            except merging.CannotMergeError:
                continue  # one of those before it has made them one
            merged += 1
            self.log_change(request, survivor, f"Merged for the sake of {claim}.")
        self.message_user(request, f"Customers merged: {merged}.", messages.SUCCESS)

    @admin.display(description="came with")
    def claimant(self, claim: Any) -> str:
        return _link(claim.customer_id, claim.customer.label)

    @admin.display(description="belongs to")
    def owner(self, claim: Any) -> str:
        return _link(claim.owner_id, claim.owner_label)

    @admin.display(description="first came")
    def came(self, claim: IdentityClaim) -> str:
        return local_stamp(claim.created_at, claim.project)


@admin.register(Merge)
class MergeAdmin(RecordAdmin):
    """Who became a part of whom, why, and what moved."""

    list_display = ("merged", "who", "into", "why", "by", "points", "project")
    list_filter = (("project", VisibleFilter), "cause", SinceFilter)
    list_select_related = ("project", "survivor", "loser", "by")
    fields = ("project", "merged", "who", "into", "why", "by", "points")

    @admin.display(description="merged")
    def merged(self, merge: Merge) -> str:
        return local_stamp(merge.created_at, merge.project)

    @admin.display(description="customer")
    def who(self, merge: Merge) -> str:
        return merge.loser.label

    @admin.display(description="became a part of")
    def into(self, merge: Merge) -> str:
        return _link(merge.survivor_id, merge.survivor.label)

    @admin.display(description="why")
    def why(self, merge: Merge) -> str:
        return merge.get_cause_display()

    @admin.display(description="points moved")
    def points(self, merge: Merge) -> str:
        return f"{merge.points_moved:,}"


def _link(customer_id: int, label: str) -> str:
    url = reverse("admin:events_customer_change", args=[customer_id])
    return format_html('<a href="{}">{}</a>', url, label)
