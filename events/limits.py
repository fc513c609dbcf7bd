"""Every limit on what a client may send, with the code of its refusal."""

from dataclasses import dataclass

NAME_CHARACTERS = 100
METADATA_KEY_CHARACTERS = 100
CUSTOMER_ID_CHARACTERS = 200
GAMEBALL_ID_CHARACTERS = 100  # the vendor's own
EVENT_KEY_CHARACTERS = 200
EMAIL_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3
PHONE_CHARACTERS = 32
FIELDS_PER_EVENT = 64
LYNES_FIELDS_PER_EVENT = 10
STRING_BYTES = 8_192
ARRAY_ELEMENTS = 2_000
DEPTH_LEVELS = 8
NUMBER_CHARACTERS = 1_000  # the text of one number; 1e308 written out has 309
BODY_BYTES = 5_000_000
EVENTS_PER_REQUEST = 1_000
FUTURE_HOURS = 24  # a phone's clock is wrong by hours, rarely by days
EARLIEST_YEAR = 1970
EVENT_TYPES_PER_PROJECT = 500
FIELDS_PER_EVENT_TYPE = 1_000
THROTTLE_MINUTES = 525_600  # a year
ATTRIBUTES_PER_CUSTOMER = 200
QUARANTINE_PAYLOAD_BYTES = 64_000
QUARANTINE_ROWS_PER_DAY = 10_000
PATH_CHARACTERS = 300
SUBJECT_CHARACTERS = 300  # of the user that a token names
RESEND_HOURS = 48  # the longest for which vendors' clients send again what was refused
REPLAYS_PER_CALL = 500  # each is a commit: 500 take some seconds, a proxy waits for 30
COUNTED_CLIENTS = 100
IMPORT_QUARANTINE_ROWS = 5_000  # a broken file leaves half of a day's rows to live refusals
POINTS_PER_AWARD = 10**9
REWARD_WINDOW_DAYS = 36_500  # a century: as good as none
RECEIPT_DAYS = 7  # a client that lost an answer asks for it within hours
WAITING_BATCHES = 100  # of a project: 500 MB at worst, which a worker is through with in minutes
BATCH_ERRORS = 100
EXACT_DIGITS = 30  # |n| < 10^30 with at most 30 digits enters the statistics
PAGE_ROWS = 1_000
HISTORY_OFFSET = 10_000  # the database walks over what is skipped
HISTOGRAM_BINS = 100
TOP_VALUES = 1_000
PERCENTILES = 20
TREND_POINTS = 10_000  # the days of 27 years or the hours of 13 months; a chart shows hundreds
LISTED_FIELDS = 100  # each with a summary per day to be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One row of docs/limits.md; `code` is "" where nothing is refused."""

    name: str
    value: int
    unit: str
    code: str
    meaning: str


LIMITS = (
    Limit(
        name="NAME_CHARACTERS",
        value=NAME_CHARACTERS,
        unit="characters",
        code="name_too_long",
        meaning="name of an event type",
    ),
    Limit(
        name="METADATA_KEY_CHARACTERS",
        value=METADATA_KEY_CHARACTERS,
        unit="characters",
        code="metadata_key_too_long",
        meaning="name of a metadata field",
    ),
    Limit(
        name="CUSTOMER_ID_CHARACTERS",
        value=CUSTOMER_ID_CHARACTERS,
        unit="characters",
        code="customer_id_too_long",
        meaning="external id of a customer",
    ),
    Limit(
        name="GAMEBALL_ID_CHARACTERS",
        value=GAMEBALL_ID_CHARACTERS,
        unit="characters",
        code="customer_id_too_long",
        meaning="the same in the formats of Gameball and Referd",
    ),
    Limit(
        name="EVENT_KEY_CHARACTERS",
        value=EVENT_KEY_CHARACTERS,
        unit="characters",
        code="event_key_too_long",
        meaning="idempotency key of an event",
    ),
    Limit(
        name="EMAIL_CHARACTERS",
        value=EMAIL_CHARACTERS,
        unit="characters",
        code="email_too_long",
        meaning="email address of a customer",
    ),
    Limit(
        name="PHONE_CHARACTERS",
        value=PHONE_CHARACTERS,
        unit="characters",
        code="phone_too_long",
        meaning="phone number of a customer",
    ),
    Limit(
        name="FIELDS_PER_EVENT",
        value=FIELDS_PER_EVENT,
        unit="fields",
        code="too_many_fields",
        meaning="metadata fields of one event",
    ),
    Limit(
        name="LYNES_FIELDS_PER_EVENT",
        value=LYNES_FIELDS_PER_EVENT,
        unit="fields",
        code="too_many_fields",
        meaning="metadata fields of one Lynes event; an `amount` beside the metadata comes on top",
    ),
    Limit(
        name="STRING_BYTES",
        value=STRING_BYTES,
        unit="bytes of UTF-8",
        code="string_too_long",
        meaning="one string in the metadata",
    ),
    Limit(
        name="ARRAY_ELEMENTS",
        value=ARRAY_ELEMENTS,
        unit="elements",
        code="array_too_long",
        meaning="one array in the metadata",
    ),
    Limit(
        name="DEPTH_LEVELS",
        value=DEPTH_LEVELS,
        unit="levels",
        code="too_deep",
        meaning="nesting of one metadata value",
    ),
    Limit(
        name="NUMBER_CHARACTERS",
        value=NUMBER_CHARACTERS,
        unit="characters",
        code="number_too_long",
        meaning="one number in the JSON text, as written and written out without its exponent",
    ),
    Limit(
        name="BODY_BYTES",
        value=BODY_BYTES,
        unit="bytes",
        code="body_too_large",
        meaning="body of a request",
    ),
    Limit(
        name="EVENTS_PER_REQUEST",
        value=EVENTS_PER_REQUEST,
        unit="events",
        code="too_many_events",
        meaning="events in one request",
    ),
    Limit(
        name="FUTURE_HOURS",
        value=FUTURE_HOURS,
        unit="hours",
        code="occurred_in_future",
        meaning="how far ahead of our clock an event may lie",
    ),
    Limit(
        name="EARLIEST_YEAR",
        value=EARLIEST_YEAR,
        unit="year",
        code="occurred_too_early",
        meaning="first year in which an event may lie",
    ),
    Limit(
        name="EVENT_TYPES_PER_PROJECT",
        value=EVENT_TYPES_PER_PROJECT,
        unit="event types",
        code="too_many_event_types",
        meaning="event types a project creates from events by itself",
    ),
    Limit(
        name="FIELDS_PER_EVENT_TYPE",
        value=FIELDS_PER_EVENT_TYPE,
        unit="fields",
        code="",
        meaning="metadata fields an event type creates from events by itself; what comes beyond "
        "is stored with the event and counted as other_fields",
    ),
    Limit(
        name="THROTTLE_MINUTES",
        value=THROTTLE_MINUTES,
        unit="minutes",
        code="",
        meaning="the longest stretch in which an event type takes one event per customer",
    ),
    Limit(
        name="ATTRIBUTES_PER_CUSTOMER",
        value=ATTRIBUTES_PER_CUSTOMER,
        unit="attributes",
        code="too_many_fields",
        meaning="attributes of one customer",
    ),
    Limit(
        name="QUARANTINE_PAYLOAD_BYTES",
        value=QUARANTINE_PAYLOAD_BYTES,
        unit="bytes",
        code="",
        meaning="payload kept of one refused request; longer ones are cut and marked",
    ),
    Limit(
        name="QUARANTINE_ROWS_PER_DAY",
        value=QUARANTINE_ROWS_PER_DAY,
        unit="rows",
        code="",
        meaning="refusals kept per project and UTC day; what comes beyond is counted",
    ),
    Limit(
        name="IMPORT_QUARANTINE_ROWS",
        value=IMPORT_QUARANTINE_ROWS,
        unit="rows",
        code="",
        meaning="the same for lines of imported files, so that live refusals have room; "
        "`import_events` prints the first five",
    ),
    Limit(
        name="PATH_CHARACTERS",
        value=PATH_CHARACTERS,
        unit="characters",
        code="",
        meaning="path and query kept of a refused request; with a longer one it can't be replayed",
    ),
    Limit(
        name="SUBJECT_CHARACTERS",
        value=SUBJECT_CHARACTERS,
        unit="characters",
        code="",
        meaning="user of a token kept with a refused request; with a longer one it can't be "
        "replayed",
    ),
    Limit(
        name="RESEND_HOURS",
        value=RESEND_HOURS,
        unit="hours",
        code="",
        meaning="how far from a refused event a replay looks for the same one that came otherwise",
    ),
    Limit(
        name="REPLAYS_PER_CALL",
        value=REPLAYS_PER_CALL,
        unit="rows",
        code="",
        meaning="rows of the quarantine that one call replays; it says where to go on",
    ),
    Limit(
        name="COUNTED_CLIENTS",
        value=COUNTED_CLIENTS,
        unit="clients",
        code="",
        meaning="clients named in the counts of what was refused, those with the most; the others "
        "are one number",
    ),
    Limit(
        name="POINTS_PER_AWARD",
        value=POINTS_PER_AWARD,
        unit="points",
        code="",
        meaning="points of one award; larger ones are cut to it",
    ),
    Limit(
        name="REWARD_WINDOW_DAYS",
        value=REWARD_WINDOW_DAYS,
        unit="days",
        code="",
        meaning="the longest reward window that a project may have",
    ),
    Limit(
        name="RECEIPT_DAYS",
        value=RECEIPT_DAYS,
        unit="days",
        code="",
        meaning="how long the answer to a request can be read again by its receipt",
    ),
    Limit(
        name="WAITING_BATCHES",
        value=WAITING_BATCHES,
        unit="batches",
        code="too_busy",
        meaning="batches of a project that were acknowledged and are not worked through yet",
    ),
    Limit(
        name="BATCH_ERRORS",
        value=BATCH_ERRORS,
        unit="errors",
        code="",
        meaning="refused elements that the status of a batch names; all are in quarantine",
    ),
    Limit(
        name="EXACT_DIGITS",
        value=EXACT_DIGITS,
        unit="digits",
        code="",
        meaning="digits before and after the point of a number that enters the statistics; "
        "others are stored and counted apart",
    ),
    Limit(
        name="PAGE_ROWS",
        value=PAGE_ROWS,
        unit="rows",
        code="invalid_field",
        meaning="rows of one page of a list",
    ),
    Limit(
        name="HISTORY_OFFSET",
        value=HISTORY_OFFSET,
        unit="rows",
        code="invalid_field",
        meaning="rows that a page of a Lynes user's history may skip (offset)",
    ),
    Limit(
        name="HISTOGRAM_BINS",
        value=HISTOGRAM_BINS,
        unit="bars",
        code="invalid_field",
        meaning="bars of a histogram (bins)",
    ),
    Limit(
        name="TOP_VALUES",
        value=TOP_VALUES,
        unit="values",
        code="invalid_field",
        meaning="most frequent values of a field (top)",
    ),
    Limit(
        name="PERCENTILES",
        value=PERCENTILES,
        unit="percentiles",
        code="invalid_field",
        meaning="percentiles asked for at once",
    ),
    Limit(
        name="TREND_POINTS",
        value=TREND_POINTS,
        unit="points",
        code="invalid_field",
        meaning="periods of one trend",
    ),
    Limit(
        name="LISTED_FIELDS",
        value=LISTED_FIELDS,
        unit="fields",
        code="invalid_field",
        meaning="fields in one page of an event type's fields",
    ),
)
