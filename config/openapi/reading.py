"""The endpoints that read what is stored."""

from config.openapi import native
from config.openapi.parts import (
    BOOLEAN,
    COUNT,
    DAY_OR_MOMENT,
    FREE_OBJECT,
    INTEGER,
    MOMENT,
    NUMBER,
    TEXT,
    UUID,
    Operation,
    Parameter,
    Paths,
    Schema,
    described,
    list_of,
    named,
    nullable,
    record,
    words,
)
from events import limits
from events.paging import PAGE_ROWS

TAG = "Events"
CUSTOMERS_TAG = "Customers"
HEALTH_TAG = "Health"


def _part(**fields: Schema) -> Schema:
    return record({"ok": BOOLEAN, **fields})


SCHEMAS: dict[str, Schema] = {
    "StoredEvent": record(
        {
            "id": UUID,
            "event": TEXT,
            "customer": described(TEXT, "External id, else another name of the customer."),
            "occurred_at": MOMENT,
            "received_at": MOMENT,
            "wire": described(TEXT, "The format in which it came."),
            "status": words("accepted", "discarded"),
            "reason": described(TEXT, "Why it earned nothing; empty where nothing forbade it."),
            "metadata": described(FREE_OBJECT, "Values of personal fields masked or hashed."),
            "points_awarded": INTEGER,
        }
    ),
    "StoredEvents": record(
        {
            "results": list_of(named("StoredEvent")),
            "next": described(nullable(UUID), "The `cursor` of the next page; null on the last."),
        }
    ),
    "Customer": record(
        {
            "customer": described(TEXT, "External id."),
            "identities": record(
                {"external_id": TEXT, "email": TEXT, "phone": TEXT}, optional=("email", "phone")
            ),
            "attributes": FREE_OBJECT,
            "balance": described(INTEGER, "Points that the customer can spend."),
            "streaks": list_of(named("Streak")),
            "challenges": list_of(FREE_OBJECT),
        }
    ),
    "Streak": record(
        {
            "streak": TEXT,
            "current": described(COUNT, "Length of the run that goes on today."),
            "longest": COUNT,
            "updated_at": MOMENT,
        }
    ),
    "Health": record(
        {
            "status": words("ok", "failing"),
            "database": _part(),
            "broker": _part(kind=TEXT),
            "worker": _part(seen_seconds_ago=nullable(NUMBER)),
            "backlog": _part(
                events=described(nullable(COUNT), "Events that no summary holds yet.")
            ),
        }
    ),
}

_RECEIPT = Parameter(
    name="receipt",
    place="path",
    description="The id of the receipt that the answer named.",
    schema=UUID,
    example="019cae1f-e1c0-7a3b-9d53-4d6f8a1b2c3d",
)
_FILTERS = (
    Parameter(name="event", description="Name of the event type.", example="place_order"),
    Parameter(name="customer", description="External id of the customer."),
    Parameter(
        name="from",
        description="First moment, or day of the project's time zone, of `occurred_at`.",
        schema=DAY_OR_MOMENT,
    ),
    Parameter(
        name="to",
        description="Last moment or day of `occurred_at`, itself included.",
        schema=DAY_OR_MOMENT,
    ),
    Parameter(
        name="status",
        description="What became of the event.",
        schema=words("accepted", "discarded"),
    ),
    Parameter(
        name="limit",
        description="Events of one page.",
        schema={
            "type": "integer",
            "minimum": 1,
            "maximum": limits.PAGE_ROWS,
            "default": PAGE_ROWS,
        },
    ),
    Parameter(name="cursor", description="`next` of the page before.", schema=UUID),
)

PATHS: Paths = {
    "/api/v1/events": {
        "get": native.reading(
            "listEvents",
            tag=TAG,
            summary="List the stored events",
            description="The events that were stored, the latest received first.",
            parameters=_FILTERS,
            answer=("One page.", named("StoredEvents")),
        ),
    },
    "/api/v1/receipts/{receipt}": {
        "get": native.reading(
            "readReceipt",
            tag=TAG,
            summary="Read an answer again",
            description="What a request with events was answered, once more; receipts are kept for "
            f"{limits.RECEIPT_DAYS} days.",
            parameters=(_RECEIPT,),
            answer=("The answer.", named("Receipt")),
        ),
    },
    "/api/v1/customers/{customer}": {
        "get": native.reading(
            "readCustomer",
            tag=CUSTOMERS_TAG,
            summary="Read a customer",
            description="Who it is and what it has: identities, attributes, balance, streaks.",
            parameters=(native.CUSTOMER,),
            answer=("The customer.", named("Customer")),
        ),
    },
    "/health": {
        "get": Operation(
            name="health",
            tag=HEALTH_TAG,
            summary="Tell whether the installation is whole",
            description="For balancers and operators; it needs no key.",
            answers={
                200: ("Every part is well.", named("Health")),
                503: ("A part is down.", named("Health")),
            },
        ),
    },
}
