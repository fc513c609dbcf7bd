"""What Gameball's clients read: a customer, its balance, a batch, the widget's settings."""

from django.db.models import Sum
from rest_framework.request import Request
from rest_framework.response import Response

from events.api import ProjectAPIView, RefusedError, not_found, rendered
from events.models import Customer
from events.types import Refusal, RefusalCode
from events.wires import gameball
from rewards import standing

_NUMBER_DIGITS = 16  # of 53 bits


class _GameballView(ProjectAPIView):
    """A view in Gameball's words; `config.urls` gives it the wire with the keys that it needs."""

    def customer(self, external_id: str) -> Customer:
        found = standing.customer_at(self.project, external_id)
        if found is None:
            raise RefusedError(
                Refusal(
                    code=RefusalCode.CUSTOMER_NOT_FOUND,
                    message="The project has no customer with this id.",
                    field="customerId",
                )
            )
        return found


class GameballCustomerView(_GameballView):
    """`GET customers/{id}`: what may be known of a customer."""

    def get(self, request: Request, external_id: str) -> Response:
        customer = self.customer(external_id)
        return rendered(
            gameball.render_profile(customer.pk, external_id.removesuffix("/"), customer.attributes)
        )


class BalanceView(_GameballView):
    """`GET customers/{id}/balance`: the customer's points."""

    def get(self, request: Request, external_id: str) -> Response:
        customer = self.customer(external_id)
        earned = standing.earnings_of(customer).aggregate(points=Sum("amount"))["points"]
        return rendered(gameball.render_balance(standing.balance_of(customer), earned=earned or 0))


class BatchStatusView(_GameballView):
    """`GET batches/{number}/status`: how far a batch is."""

    def get(self, request: Request, number: str) -> Response:
        is_number = number.isdecimal() and len(number) <= _NUMBER_DIGITS
        jobs = self.project.batch_jobs.all()
        job = jobs.filter(pk=int(number)).first() if is_number else None
        if job is None:
            raise not_found("The project has no batch with this number.")
        return rendered(
            gameball.render_job(
                gameball.Job(
                    number=job.pk,
                    elements=job.total,
                    processed=job.processed,
                    failed=job.failed,
                    is_finished=job.finished_at is not None,
                    errors=job.errors,
                )
            )
        )


class BotSettingsView(_GameballView):
    """`GET Bots/BotSettings`: what the React Native client asks for as it starts."""

    def get(self, request: Request) -> Response:
        return rendered(gameball.render_bot_settings())
