"""Gameball's formats of the API 4, 4.0 and 4.1, which share all but the keys that they ask for."""

from dataclasses import replace

from events.types import Wire
from events.wires.gameball.answers import (
    Job,
    job_number,
    render_balance,
    render_bot_settings,
    render_customer,
    render_events,
    render_job,
    render_job_number,
    render_preview,
    render_profile,
)
from events.wires.gameball.errors import STATUS_OF, TYPES, render_error
from events.wires.gameball.requests import (
    elements_in,
    open_credentials,
    parse_batch,
    parse_customer,
    parse_events,
    read_element,
    strict_credentials,
)

__all__ = [
    "STATUS_OF",
    "TYPES",
    "Job",
    "app_wire",
    "batch_wire",
    "customer_wire",
    "elements_in",
    "job_number",
    "open_customer_wire",
    "open_preview_wire",
    "open_wire",
    "preview_wire",
    "read_element",
    "render_balance",
    "render_bot_settings",
    "render_job",
    "render_profile",
    "wire",
]

# Version 4 as its page has it, and 4.1: both keys.
wire = Wire(
    name="gameball",
    credentials=strict_credentials,
    parse=parse_events,
    render=render_events,
    render_error=render_error,
)
# Version 4.0: the API key, and the secret key where the project asks for it.
open_wire = replace(wire, credentials=open_credentials, may_demand_secret=True)

customer_wire = replace(
    wire, name="gameball_customer", parse=parse_customer, render=render_customer
)
open_customer_wire = replace(customer_wire, credentials=open_credentials, may_demand_secret=True)

# Previews store nothing; these share how they are asked and refused.
preview_wire = replace(wire, name="gameball_preview", render=render_preview, is_atomic=False)
open_preview_wire = replace(preview_wire, credentials=open_credentials, may_demand_secret=True)

# An app holds no secret key, whatever the project asks of who sends.
app_wire = replace(wire, credentials=open_credentials)

# A batch is kept as a job, whose number is its receipt; the elements then come in as events.
batch_wire = replace(
    wire,
    name="gameball_batch",
    parse=parse_batch,
    render=render_job_number,
    is_atomic=False,
    has_receipts=True,
)
