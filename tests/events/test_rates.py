"""Requests beyond a key's rate limits."""

import logging
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from events import auth, key_activity, keys, rates
from events.key_activity import limited_days
from events.models import ApiKey, Event, LimitedDay, Quarantine
from events.projects import NewProject
from tests import make
from tests.calling import EVENTS, Answer, Caller, buy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def limit(made: NewProject, text: str) -> None:
    """Put this limit on every key of the project, and on its tokens."""
    made.project.api_keys.update(rate_limit=text)
    made.project.token_rate_limit = text
    made.project.save()
    auth.forget()


# Each vendor's path with what is needed of it; a name in braces stands for one of the keys.
REQUESTS = {
    "native": (EVENTS, {"X-API-Key": "{api_key}"}, buy()),
    "lynes by key": ("/event", {"x-api-key": "{api_key}"}, {"eventId": "buy", "userId": "u"}),
    "lynes by token": (
        "/event",
        {"Authorization": "Bearer {jwt}"},
        {"eventId": "buy", "userId": "u"},
    ),
    "referd": (
        "/integrations/event",
        {"APIKey": "{api_key}"},
        {"playerUniqueId": "u", "events": {"buy": {}}},
    ),
    "gameball": (
        "/api/v4/integrations/events",
        {"apikey": "{api_key}", "secretkey": "{secret_key}"},
        {"customerId": "u", "events": {"buy": {}}},
    ),
    "vibetrace": (
        "/v1/event",
        {"Authorization": "{api_key}"},
        {
            "user": {"_id": "u"},
            "event": {"generic": {"generic": {"event_name": "buy"}}},
        },
    ),
    "releva": (
        "/api/v0/events",
        {"Authorization": "Bearer {secret_key}"},
        {"events": [{"action": "buy", "profileId": "u"}]},
    ),
}


def send(made: NewProject, vendor: str) -> Any:
    path, headers, body = REQUESTS[vendor]
    texts = {
        "api_key": made.api_key,
        "secret_key": made.secret_key,
        "jwt": made.jwt,
    }
    return Client().post(
        path,
        body,
        content_type="application/json",
        headers={name: value.format(**texts) for name, value in headers.items()},
    )


class TestEveryWire:
    @pytest.mark.parametrize("vendor", REQUESTS)
    def test_answers_429_and_when_to_come_again(self, shop_keys: NewProject, vendor: str) -> None:
        make.event_type(shop_keys.project, "buy")
        Caller(keys=shop_keys).send(buy("u"))
        before = Event.objects.count()
        limit(shop_keys, "2/h")

        statuses = [send(shop_keys, vendor).status_code for _ in range(2)]
        refused = send(shop_keys, vendor)

        assert 429 not in statuses
        assert refused.status_code == 429, refused.content
        assert refused["Content-Type"].startswith("application/")
        assert 3_500 <= int(refused["Retry-After"]) <= 3_600
        assert "Nothing of this request was stored" in refused.content.decode()
        assert Event.objects.count() == before + 2


class TestAKeyWithALimit:
    def test_may_send_as_many_events_in_all(self, shop_keys: NewProject) -> None:
        limit(shop_keys, "10/h")
        caller = Caller(keys=shop_keys)

        statuses = [
            caller.post(EVENTS, {"events": [buy()] * events}).status for events in (4, 5, 2, 1, 1)
        ]

        assert statuses == [200, 200, 429, 200, 429]
        assert Event.objects.count() == 10

    def test_is_told_its_limit(self, shop_keys: NewProject) -> None:
        limit(shop_keys, "1/min")
        caller = Caller(keys=shop_keys)
        caller.post(EVENTS, buy())

        answer = caller.post(EVENTS, buy())

        assert answer.body["code"] == "rate_limited"
        assert answer.body["detail"] == (
            "The key may send 1 event per minute. Nothing of this request was stored; "
            f"send it again in {answer.headers['Retry-After']} s."
        )

    def test_pays_for_what_is_refused_too(self, shop_keys: NewProject) -> None:
        limit(shop_keys, "4/h")
        caller = Caller(keys=shop_keys)

        answers = [
            caller.post(EVENTS, b"{"),
            caller.post(EVENTS, {"events": []}),
            caller.post(EVENTS, {"event": "buy"}),
            caller.post(EVENTS, buy(), content_type="text/plain"),
            caller.post(EVENTS, b"{"),
        ]

        assert [answer.status for answer in answers] == [400, 200, 422, 415, 429]

    def test_fills_no_quarantine_once_it_is_over(self, shop_keys: NewProject) -> None:
        limit(shop_keys, "2/h")
        caller = Caller(keys=shop_keys)

        statuses = [caller.post(EVENTS, b"{").status for _ in range(5)]

        assert statuses == [400, 400, 429, 429, 429]
        assert Quarantine.objects.count() == 2

    def test_may_still_read(self, shop_keys: NewProject) -> None:
        limit(shop_keys, "1/h")
        caller = Caller(keys=shop_keys)

        statuses = [caller.get(EVENTS).status for _ in range(3)]

        assert statuses == [200, 200, 200]

    def test_is_counted_for_itself(self, shop_keys: NewProject, other_keys: NewProject) -> None:
        limit(shop_keys, "1/h")
        limit(other_keys, "1/h")
        second = keys.issue(shop_keys.project, ApiKey.Kind.API, rate_limit="1/h")

        first_statuses = [Caller(keys=shop_keys).post(EVENTS, buy()).status for _ in range(2)]
        others = [
            Caller(keys=other_keys).post(EVENTS, buy()),
            Caller(keys=shop_keys).post(EVENTS, buy(), x_api_key=second.text),
        ]

        assert first_statuses == [200, 429]
        assert [answer.status for answer in others] == [200, 200]

    def test_is_held_to_it_beside_a_key_without_one(self, shop_keys: NewProject) -> None:
        shop_keys.project.api_keys.filter(kind="secret_key").update(rate_limit="1/h")
        bearer = f"Bearer {shop_keys.secret_key}"
        caller = Caller(keys=shop_keys)

        both = caller.post(EVENTS, buy(), authorization=bearer)
        alone = caller.post(EVENTS, buy(), authorization=bearer, x_api_key="")

        assert (both.status, alone.status) == (200, 429)

    def test_is_counted_in_redis_where_there_is_one(
        self, shop_keys: NewProject, redis_url: str, settings: Any
    ) -> None:
        settings.REDIS_URL = redis_url
        settings.SECRET_KEY = f"of this test alone {shop_keys.api_key}"
        limit(shop_keys, "2/min")
        caller = Caller(keys=shop_keys)
        first = [caller.post(EVENTS, {"events": [buy()] * 2}).status]

        rates.forget()  # as another process
        second = caller.post(EVENTS, buy())

        assert first == [200]
        assert second.status == 429, second


class TestAKeyWithoutALimit:
    def test_sends_what_it_will(self, shop_keys: NewProject) -> None:
        caller = Caller(keys=shop_keys)

        statuses = {caller.post(EVENTS, buy()).status for _ in range(30)}

        assert statuses == {200}
        assert not rates._windows.cache_info().currsize


class TestWhatWasLimited:
    def test_is_counted_by_key_and_day(self, shop_keys: NewProject) -> None:
        limit(shop_keys, "3/h")
        caller = Caller(keys=shop_keys)
        for events in (3, 2, 1):
            caller.post(EVENTS, {"events": [buy()] * events})
        key_activity.write()
        caller.post(EVENTS, buy())
        for _ in range(4):
            send(shop_keys, "lynes by token")

        key_activity.write()
        key_activity.write()

        api_key = shop_keys.project.api_keys.get(kind="api_key")
        day = make.NOW.date()
        assert list(
            LimitedDay.objects.order_by("key_number").values_list(
                "project", "key_number", "date", "requests", "events"
            )
        ) == [
            (shop_keys.project.pk, 0, day, 1, 1),
            (shop_keys.project.pk, api_key.pk, day, 3, 4),
        ]
        [found] = limited_days(project_id=shop_keys.project.pk, key_number=api_key.pk, today=day)
        assert (found.requests, found.events) == (3, 4)

    def test_writes_nothing_on_the_way(
        self, shop_keys: NewProject, django_assert_num_queries: Any
    ) -> None:
        limit(shop_keys, "1/h")
        caller = Caller(keys=shop_keys)
        answers = [caller.post(EVENTS, buy()), caller.post(EVENTS, buy())]

        with django_assert_num_queries(0):
            answers.append(caller.post(EVENTS, buy()))

        assert [answer.status for answer in answers] == [200, 429, 429]


class TestADatabaseThatFails:
    def test_loses_no_count(
        self, shop_keys: NewProject, caplog: pytest.LogCaptureFixture, db: None
    ) -> None:
        limit(shop_keys, "1/h")
        caller = Caller(keys=shop_keys)
        for _ in range(4):
            caller.post(EVENTS, buy())
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE events_limitedday RENAME TO elsewhere")
        with transaction.atomic():
            key_activity.write()
            key_activity.write()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO events_limitedday")
        caller.post(EVENTS, buy())

        key_activity.write()

        assert list(LimitedDay.objects.values_list("requests", "events")) == [(4, 4)]
        assert ApiKey.objects.get(kind="api_key").last_used_at == make.NOW
        assert caplog.text.count("is written later") == 1


def refused(made: NewProject, **headers: str) -> Answer:
    return Caller(keys=made).post(EVENTS, buy(), **headers)


class TestTheLog:
    def test_holds_no_key_of_a_refused_request(
        self, shop_keys: NewProject, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        limit(shop_keys, "1/h")
        wrong = shop_keys.api_key[:-1] + "x"
        answers = [
            refused(shop_keys),
            refused(shop_keys),
            refused(shop_keys, x_api_key=wrong),
            refused(shop_keys, authorization=f"Bearer {shop_keys.secret_key}x"),
            send(shop_keys, "lynes by token"),
        ]
        shop_keys.project.api_keys.update(revoked_at=make.NOW)
        auth.forget()
        answers.append(refused(shop_keys))

        statuses = [getattr(each, "status", 0) or each.status_code for each in answers]
        assert statuses == [200, 429, 401, 401, 200, 401]
        for secret in (shop_keys.api_key, wrong, shop_keys.secret_key, shop_keys.jwt):
            assert secret[12:] not in caplog.text
