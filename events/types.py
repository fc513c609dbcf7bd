"""The canonical words that wires, pipeline and readers share, free of any framework."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias
from uuid import UUID

# Numbers are int or Decimal, never float: what the client wrote is what is stored and summed.
Json: TypeAlias = bool | int | Decimal | str | Sequence["Json"] | Mapping[str, "Json"] | None
JsonObject: TypeAlias = Mapping[str, Json]


class RefusalCode(StrEnum):
    """Why a request or an event was refused; each wire maps these to its own status and code."""

    # The request as a whole
    INVALID_JSON = "invalid_json"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_FOUND = "not_found"
    MISSING_CREDENTIALS = "missing_credentials"
    INVALID_CREDENTIALS = "invalid_credentials"
    MISSING_SECRET_KEY = "missing_secret_key"  # noqa: S105 (a code, no secret)
    INVALID_SECRET_KEY = "invalid_secret_key"  # noqa: S105
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    TOO_BUSY = "too_busy"
    INTERNAL_ERROR = "internal_error"
    TOO_MANY_EVENTS = "too_many_events"
    # One event
    MISSING_FIELD = "missing_field"
    NULL_FIELD = "null_field"
    INVALID_FIELD = "invalid_field"
    DUPLICATE_KEY = "duplicate_key"
    NUMBER_NOT_FINITE = "number_not_finite"
    NUMBER_TOO_LONG = "number_too_long"
    INVALID_TEXT = "invalid_text"
    NAME_TOO_LONG = "name_too_long"
    METADATA_KEY_TOO_LONG = "metadata_key_too_long"
    CUSTOMER_ID_TOO_LONG = "customer_id_too_long"
    EVENT_KEY_TOO_LONG = "event_key_too_long"
    EMAIL_TOO_LONG = "email_too_long"
    PHONE_TOO_LONG = "phone_too_long"
    TOO_MANY_FIELDS = "too_many_fields"
    STRING_TOO_LONG = "string_too_long"
    ARRAY_TOO_LONG = "array_too_long"
    TOO_DEEP = "too_deep"
    OCCURRED_IN_FUTURE = "occurred_in_future"
    OCCURRED_TOO_EARLY = "occurred_too_early"
    UNKNOWN_EVENT_TYPE = "unknown_event_type"
    INACTIVE_EVENT_TYPE = "inactive_event_type"
    TOO_MANY_EVENT_TYPES = "too_many_event_types"
    NEEDS_API_KEY = "needs_api_key"
    CUSTOMER_NOT_FOUND = "customer_not_found"
    INACTIVE_CUSTOMER = "inactive_customer"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What was wrong: a code for machines, a full sentence for people, the path of the field.

    `retry_after_seconds` is set where the same request may succeed later.
    """

    code: RefusalCode
    message: str
    field: str = ""
    retry_after_seconds: int | None = None


class DiscardReason(StrEnum):
    """Why an event was recorded as discarded: it earns nothing and enters no statistics."""

    UNIQUE_BY = "unique_by"
    THROTTLE = "throttle"
    BOT = "bot"


DISCARD_WORDS: Mapping[str, str] = {
    DiscardReason.UNIQUE_BY: "repeats an earlier event",
    DiscardReason.THROTTLE: "too soon after another",
    DiscardReason.BOT: "a bot's",
}


class Scope(StrEnum):
    """What a key may do."""

    INGEST = "ingest"
    READ = "read"
    CONFIGURE = "configure"
    POINTS = "points"  # redeem, hold, adjust


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One proof of who sends, as found in the headers, not yet judged.

    `may_fail`: where it does not hold, it counts as not sent.
    """

    kind: Literal["api_key", "secret_key", "jwt"]
    value: str
    may_fail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most `events` in any stretch of `seconds`."""

    events: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What judged credentials allow: one project, some scopes. `key_id` is None for a JWT.

    `has_secret`: a secret key was among them, so that a server sends and no browser;
    `demands_secret`: the project wants one where a vendor leaves it open; `subject` is a token's
    user, "" where it is for all users; `rate_limits` are those of the key.
    """

    project_id: int
    scopes: frozenset[Scope]
    key_id: int | None = None
    is_token: bool = False
    has_secret: bool = False
    demands_secret: bool = False
    subject: str = ""
    rate_limits: tuple[RateLimit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The names under which one customer is known; "" where not given, at least one is."""

    external_id: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that a customer did, as a wire read it.

    `occurred_at` is aware UTC or None (then it is when we received it); `key` is the idempotency
    key, "" for none; `source` is the JSON value as sent; `extra` is what of it the other fields
    do not hold. `attributes` are put on the customer before the event is decided; an event whose
    customer `must_exist` makes none.
    """

    name: str
    customer: Identity
    metadata: JsonObject
    occurred_at: datetime | None = None
    key: str = ""
    source: Json = None
    extra: JsonObject | None = None
    attributes: JsonObject | None = None
    must_exist: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileUpdate:
    """What is said of a customer without an event: it is made where new, its attributes are put
    beside those it has (null takes one away), and nothing is ever earned by it."""

    customer: Identity
    attributes: JsonObject
    source: Json = None
    must_exist: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEvent:
    """One entry of a list that could not be read, beside its neighbours that could.

    `source` is its JSON value, or its bytes where they are no JSON.
    """

    refusal: Refusal
    source: Json | bytes = None


Entry: TypeAlias = Event | ProfileUpdate | RefusedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one HTTP request holds; `is_list` tells how a wire with both forms was asked.

    `receipt` is the id under which the answer can be read again, "" for none. `lines` are the
    numbers of the lines that the entries of a file stood on, or the places of the elements of a
    batch, empty for all else. `list_name` is the field that holds the entries, where the one
    refusal of all must say which of them is meant.
    """

    entries: tuple[Entry, ...]
    is_list: bool = False
    list_name: str = ""
    receipt: str = ""
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """The circumstances of a request: when it came (aware UTC), by which key, from which client,
    at which path, with which body.

    `earns_late` lifts the reward window (imports of history); `replays` is the id in quarantine
    of what is tried again, and with `takes_repeats` it counts even where the same came otherwise.
    """

    access: Access
    received_at: datetime
    client: str = ""
    path: str = ""
    body: bytes = b""
    earns_late: bool = False
    replays: UUID | None = None
    takes_repeats: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """Points that one rule gave; `desired` is what it would have given without limits."""

    rule: str
    points: int
    desired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakProgress:
    """A streak that this event touched; counts are periods (days, weeks or months)."""

    streak: str
    current: int
    longest: int
    milestone_reached: bool
    points_awarded: int
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeProgress:
    """A challenge that this event touched."""

    challenge: str
    progress: Decimal
    goal: Decimal
    completed: bool
    points_awarded: int


Status: TypeAlias = Literal["accepted", "duplicate", "discarded", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What we answer for one event. `points_awarded` = Σ awards; balance is after everything.

    `reason` says why an accepted event earned nothing by rule (`too_late`), or why one was
    discarded (`unique_by`, `throttle`, `bot`); `error` is set exactly where the status is
    rejected; `customer_id` is the number under which we know the customer, 0 where rejected.
    """

    status: Status
    event_id: str = ""
    occurred_at: datetime | None = None
    points_awarded: int = 0
    awards: tuple[Award, ...] = ()
    streaks: tuple[StreakProgress, ...] = ()
    challenges: tuple[ChallengeProgress, ...] = ()
    balance: int = 0
    reason: str = ""
    error: Refusal | None = None
    customer_id: int = 0


Headers: TypeAlias = Mapping[str, str]  # names in lower case


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response before HTTP: status, JSON bytes, further headers."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDefaults:
    """What an event type is made with: the field by which its events are unique ("" for none),
    and the minutes in which a customer has at most one (None for any number)."""

    unique_by: str = ""
    throttle_minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One vendor's request and response format, as pure functions.

    `credentials(headers)` returns all proofs that must hold together, or a Refusal;
    `parse(headers, path, body)` returns the request's events, or a Refusal of the whole; the path
    has its query, if any;
    `render(request, outcomes)` answers, one outcome per entry in order;
    `render_error(refusal)` answers a refusal in the vendor's envelope.
    `creates_event_types`: an unknown event type is made (unless the project is strict).
    `is_atomic`: one refused event refuses the request whole.
    `has_receipts`: an answer names the receipt under which it can be read again.
    `links_identities`: names given together are one person's, even where two customers had them.
    `may_demand_secret`: a project may ask for the secret key beside the API key.
    `type_defaults`: event types of the vendor that come with conditions, by name.
    """

    name: str
    credentials: Callable[[Headers], "tuple[Credential, ...] | Refusal"]
    parse: Callable[[Headers, str, bytes], "Request | Refusal"]
    render: Callable[[Request, Sequence[Outcome]], Reply]
    render_error: Callable[[Refusal], Reply]
    creates_event_types: bool = True
    is_atomic: bool = True
    has_receipts: bool = False
    links_identities: bool = False
    may_demand_secret: bool = False
    type_defaults: Mapping[str, TypeDefaults] = field(default_factory=dict)


class TooBusyError(Exception):
    """Nothing was written: the request waited too long for its turn."""


# Raises TooBusyError; any other exception is a fault, and nothing was written then either.
Process: TypeAlias = Callable[[Wire, Request, Reception], Sequence[Outcome]]
