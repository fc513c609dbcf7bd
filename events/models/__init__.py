"""Tables of what happened: projects, their catalogue, customers, events, refusals."""

from events.models.catalogue import (
    SHARDS,
    EventType,
    MetadataField,
    NaturalKey,
    ThrottledMoment,
    shard_of,
)
from events.models.customers import (
    Customer,
    Identity,
    IdentityClaim,
    Merge,
    ids_with_merged,
)
from events.models.happenings import (
    Batch,
    Event,
    EventKey,
    OpenBatch,
    Receipt,
)
from events.models.projects import (
    ApiKey,
    LimitedDay,
    Project,
    ProjectQuerySet,
    SetUpModel,
    WireUse,
    touch_setup,
    validate_rate_limit,
    validate_time_zone,
)
from events.models.refusals import (
    Quarantine,
    QuarantineDay,
    new_id,
)
from events.models.work import (
    BatchJob,
    WorkerHeartbeat,
)

__all__ = [
    "SHARDS",
    "ApiKey",
    "Batch",
    "BatchJob",
    "Customer",
    "Event",
    "EventKey",
    "EventType",
    "Identity",
    "IdentityClaim",
    "LimitedDay",
    "Merge",
    "MetadataField",
    "NaturalKey",
    "OpenBatch",
    "Project",
    "ProjectQuerySet",
    "Quarantine",
    "QuarantineDay",
    "Receipt",
    "SetUpModel",
    "ThrottledMoment",
    "WireUse",
    "WorkerHeartbeat",
    "ids_with_merged",
    "new_id",
    "shard_of",
    "touch_setup",
    "validate_rate_limit",
    "validate_time_zone",
]
