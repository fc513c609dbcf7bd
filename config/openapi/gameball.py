"""The endpoints of Gameball's clients, of the API 4, 4.0 and 4.1."""

from collections.abc import Mapping, Sequence

from config.openapi.named_events import ATTRIBUTES, NAMED_EVENTS, NAMES, external_id
from config.openapi.parts import (
    ANYTHING,
    BOOLEAN,
    COUNT,
    FREE_OBJECT,
    INTEGER,
    NULL,
    TEXT,
    Body,
    Method,
    Operation,
    Parameter,
    Paths,
    Refusals,
    Schema,
    codes_but,
    described,
    list_of,
    named,
    nullable,
    record,
    words,
)
from events import limits
from events.types import RefusalCode
from events.wires import gameball

TAG = "Gameball"
API_KEY = "gameballKey"
SECRET_KEY = "gameballSecretKey"  # noqa: S105 - the name of a scheme

KEY_SCHEMES: dict[str, Schema] = {
    API_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "apikey",
        "description": "The project's `api_key`.",
    },
    SECRET_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "secretkey",
        "description": "The project's `secret_key`, beside the `apikey`.",
    },
}
_BOTH = ((API_KEY, SECRET_KEY),)
_SECRET_LEFT_OPEN = (API_KEY, (API_KEY, SECRET_KEY))

_CUSTOMER_ID = external_id("External id of the customer.")

SCHEMAS: dict[str, Schema] = {
    "GameballEvents": record(
        {"customerId": _CUSTOMER_ID, "events": NAMED_EVENTS, **NAMES},
        optional=("email", "mobile"),
    ),
    "GameballBatch": record(
        {
            "body": described(
                list_of(named("GameballEvents"), minItems=1, maxItems=limits.EVENTS_PER_REQUEST),
                "Each element is a request of its own, refused or taken whole.",
            )
        }
    ),
    "GameballCustomer": record(
        {
            "customerId": _CUSTOMER_ID,
            **NAMES,
            "customerAttributes": ATTRIBUTES,
        },
        optional=("email", "mobile", "customerAttributes"),
    ),
    "GameballTaken": record({"success": {"const": True}, "message": TEXT}),
    "GameballNumber": record(
        {"gameballId": described(COUNT, "The number under which the customer is known here.")}
    ),
    "GameballJob": record({"jobId": described(COUNT, "The number under which to ask how it is.")}),
    "GameballJobStatus": record(
        {
            "batchId": TEXT,
            "status": words("pending", "processing", "completed", "failed"),
            "progress": described(COUNT, "Percent."),
            "totalItems": COUNT,
            "processedItems": described(COUNT, "Elements that are through, the refused too."),
            "failedItems": described(COUNT, "Elements that were refused, and are in quarantine."),
            "results": list_of(ANYTHING, maxItems=0),
            "errors": list_of(
                record({"index": COUNT, "message": TEXT}), maxItems=limits.BATCH_ERRORS
            ),
        }
    ),
    "GameballProfile": record(
        {
            "gameballId": COUNT,
            "customerId": TEXT,
            "customerAttributes": described(FREE_OBJECT, "None that tells who it is."),
            "referralCode": NULL,
            "isReferred": BOOLEAN,
        }
    ),
    "GameballBalance": record(
        {
            "totalPointsBalance": INTEGER,
            "totalPointsValue": NULL,
            "availablePointsBalance": described(INTEGER, "Points that the customer can spend."),
            "availablePointsValue": NULL,
            "pendingPoints": COUNT,
            "pendingPointsValue": NULL,
            "currency": NULL,
            "pointsName": TEXT,
            "nextExpiringPointsAmount": COUNT,
            "nextExpiringPointsValue": NULL,
            "nextExpiringPointsDate": NULL,
            "totalEarnedPoints": COUNT,
        }
    ),
    "GameballCampaign": record(
        {
            "campaignId": NULL,
            "campaignName": described(TEXT, "Name of the rule or the streak."),
            "campaignEndDate": NULL,
            "eligible": BOOLEAN,
            "reason": words("Rewarded", "ProgressOnly", "NoMatchingConditions"),
            "rewardType": words("Points"),
            "rewardPoints": nullable(COUNT),
            "couponType": NULL,
            "couponValue": NULL,
            "points": COUNT,
            "timesAchieved": COUNT,
            "progress": nullable(record({"current": COUNT, "longest": COUNT})),
        }
    ),
    "GameballPreview": record(
        {
            "customerId": TEXT,
            "totalPoints": COUNT,
            "totalCoupons": COUNT,
            "events": list_of(
                record(
                    {
                        "eventName": TEXT,
                        "valid": BOOLEAN,
                        "invalidReason": nullable(TEXT),
                        "totalPoints": COUNT,
                        "campaigns": list_of(named("GameballCampaign")),
                    }
                )
            ),
        }
    ),
    "GameballBotSettings": record(
        {
            "success": {"const": True},
            "errorMsg": TEXT,
            "errorCode": COUNT,
            "response": record({"botMainColor": TEXT}),
        }
    ),
    "GameballError": record(
        {
            "code": described(COUNT, "The vendor's number."),
            "type": words(*gameball.TYPES.values()),
            "message": TEXT,
            "documentationUrl": TEXT,
            "requestId": described(TEXT, "Another one in each answer."),
        }
    ),
}

_REFUSALS = Refusals(status_of=gameball.STATUS_OF, schema=named("GameballError"))
_OF_KEYS = (
    RefusalCode.MISSING_CREDENTIALS,
    RefusalCode.INVALID_CREDENTIALS,
    RefusalCode.MISSING_SECRET_KEY,
    RefusalCode.INVALID_SECRET_KEY,
    RefusalCode.FORBIDDEN,
)
_NEVER = {
    RefusalCode.METHOD_NOT_ALLOWED,
    RefusalCode.NOT_FOUND,
    RefusalCode.CUSTOMER_NOT_FOUND,
    RefusalCode.NEEDS_API_KEY,
}
_OF_EVENTS = codes_but(_NEVER)
_EVENT: Schema = {"customerId": "c-1", "events": {"place_order": {"total": 59.90}}}
_EVENTS: Schema = {
    "customerId": "c-1",
    "email": "ann@example.com",
    "events": {"place_order": {"total": 59.90, "category": ["books", "games"]}, "review": {}},
}
_ANY_FORM = "in upper and lower case, with and without a slash at the end, and under `/gameball`"

_CUSTOMER = Parameter(
    name="customer",
    place="path",
    description="External id of the customer, percent-encoded; it may hold slashes.",
    schema={"type": "string", "minLength": 1, "maxLength": limits.CUSTOMER_ID_CHARACTERS},
    example="c-1",
)
_BATCH = Parameter(name="batch", place="path", description="The `jobId` of the batch.", example="1")


def _posted(
    name: str,
    *,
    summary: str,
    description: str,
    body: tuple[str, Schema],
    answer: tuple[str, str],
    keys: Sequence[str | tuple[str, ...]],
    codes: Sequence[RefusalCode] = _OF_EVENTS,
) -> Mapping[Method, Operation]:
    schema, example = body
    told, answered = answer
    operation = Operation(
        name=name,
        tag=TAG,
        summary=summary,
        description=description,
        body=Body(schema=named(schema), examples={"an example": example}),
        answers={200: (told, named(answered))},
        keys=keys,
        refusals=_REFUSALS,
        codes=codes,
    )
    return {"post": operation}


def _read(
    name: str,
    *,
    summary: str,
    description: str,
    answer: str,
    keys: Sequence[str | tuple[str, ...]],
    parameter: Parameter | None = None,
    missing: RefusalCode = RefusalCode.CUSTOMER_NOT_FOUND,
) -> Mapping[Method, Operation]:
    operation = Operation(
        name=name,
        tag=TAG,
        summary=summary,
        description=description,
        answers={200: ("What is known.", named(answer))},
        parameters=(parameter,) if parameter else (),
        keys=keys,
        refusals=_REFUSALS,
        codes=(*_OF_KEYS, missing) if parameter else _OF_KEYS,
    )
    return {"get": operation}


def _events(
    name: str, also: str, keys: Sequence[str | tuple[str, ...]]
) -> Mapping[Method, Operation]:
    return _posted(
        name,
        summary="Send events as a Gameball client does",
        description=f"{also} Also served as `/event`, {_ANY_FORM}. Nothing of a request is "
        "stored where a part of it is refused.",
        body=("GameballEvents", _EVENTS),
        answer=("They were taken.", "GameballTaken"),
        keys=keys,
    )


def _customer(name: str, keys: Sequence[str | tuple[str, ...]]) -> Mapping[Method, Operation]:
    attributes = {"displayName": "Ann", "custom": {"seats": 2}}
    return _posted(
        name,
        summary="Make or update a customer",
        description=f"Served {_ANY_FORM}. Nothing is ever earned by it.",
        body=("GameballCustomer", {"customerId": "c-1", "customerAttributes": attributes}),
        answer=("The customer is known.", "GameballNumber"),
        keys=keys,
    )


def _preview(name: str, keys: Sequence[str | tuple[str, ...]]) -> Mapping[Method, Operation]:
    return _posted(
        name,
        summary="Tell what events would earn",
        description=f"Served {_ANY_FORM}. Nothing is stored, used up or made by it.",
        body=("GameballEvents", _EVENT),
        answer=("What they would earn now.", "GameballPreview"),
        keys=keys,
        codes=[*_OF_EVENTS, RefusalCode.CUSTOMER_NOT_FOUND],
    )


def _profile(name: str, keys: Sequence[str | tuple[str, ...]]) -> Mapping[Method, Operation]:
    return _read(
        name,
        summary="Read a customer",
        description=f"Served {_ANY_FORM}. What tells who it is stays out.",
        answer="GameballProfile",
        parameter=_CUSTOMER,
        keys=keys,
    )


PATHS: Paths = {
    "/api/v4/integrations/events": _events("sendGameballEvents", "As of 4.1 too.", _BOTH),
    "/api/v4.0/integrations/events": _events(
        "sendGameballEventsOpen",
        "The secret key may be left out, unless the project asks for it.",
        _SECRET_LEFT_OPEN,
    ),
    "/api/v4.1/integrations/events/reward-preview": _preview("previewGameballRewards", _BOTH),
    "/api/v4.0/integrations/events/reward-preview": _preview(
        "previewGameballRewardsOpen", _SECRET_LEFT_OPEN
    ),
    "/api/v4.1/integrations/customers": _customer("putGameballCustomer", _BOTH),
    "/api/v4.0/integrations/customers": _customer("putGameballCustomerOpen", _SECRET_LEFT_OPEN),
    "/api/v4.1/integrations/customers/{customer}": _profile("readGameballCustomer", _BOTH),
    "/api/v4.0/integrations/customers/{customer}": _profile(
        "readGameballCustomerOpen", _SECRET_LEFT_OPEN
    ),
    "/api/v4.0/integrations/customers/{customer}/balance": _read(
        "readGameballBalance",
        summary="Read a customer's points",
        description=f"Served for every version, {_ANY_FORM}.",
        answer="GameballBalance",
        parameter=_CUSTOMER,
        keys=_BOTH,
    ),
    "/api/v4.0/integrations/batch/events": _posted(
        "sendGameballBatch",
        summary="Send a batch of requests with events",
        description=f"Served for every version, {_ANY_FORM}. It is kept before it is answered "
        "and worked through by a worker, every element exactly once.",
        body=("GameballBatch", {"body": [_EVENT, {**_EVENT, "customerId": "c-2"}]}),
        answer=("It is kept.", "GameballJob"),
        keys=_BOTH,
    ),
    "/api/v4.0/integrations/batches/{batch}/status": _read(
        "readGameballBatch",
        summary="Read how far a batch is",
        description=f"Served for every version, {_ANY_FORM}. Batches that are through are kept "
        f"for {limits.RECEIPT_DAYS} days.",
        answer="GameballJobStatus",
        parameter=_BATCH,
        keys=_BOTH,
        missing=RefusalCode.NOT_FOUND,
    ),
    "/api/v1.0/Bots/BotSettings": _read(
        "readGameballBotSettings",
        summary="Read what the React Native client asks for as it starts",
        description=f"Served {_ANY_FORM}.",
        answer="GameballBotSettings",
        keys=(API_KEY,),
    ),
}
