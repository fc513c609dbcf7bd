"""The Vibetrace wire."""

from decimal import Decimal

import pytest

from events.metadata import read_json, write_json
from events.types import (
    Credential,
    Event,
    Identity,
    JsonObject,
    Outcome,
    ProfileUpdate,
    Refusal,
    RefusalCode,
    RefusedEvent,
    Reply,
    Request,
    TypeDefaults,
)
from events.wires import vibetrace
from tests.events.wire_cases import Example, WireCases, as_plain, examples, outcomes_of

pytestmark = pytest.mark.once

ANN = {"email": "ann@example.com"}
ADDRESS = "/v1/user/ann@example.com"


def generic(**fields: object) -> dict[str, object]:
    return {"generic": {"generic": fields}}


class TestVibetraceWire(WireCases):
    wire = vibetrace.wire
    path = "/v1/event"
    minimal = {"user": ANN, "event": {"viewitem": {}}}
    fields = ("user", "event")
    good_headers = {"authorization": "a-raw-key"}

    def with_metadata(self, metadata: object) -> object:
        return {**self.minimal, "event": {"viewitem": metadata}}

    def of_kind(self, kind: str, fields: object) -> Event:
        return self.event({"user": ANN, "event": {kind: fields}})

    @pytest.mark.parametrize("example", examples("vibetrace"))
    def test_reads_and_answers_the_documented_example(self, example: Example) -> None:
        sent = example["request"]
        request = self.wire.parse(sent["headers"], sent["path"], write_json(sent["body"]))
        entries = [] if isinstance(request, Refusal) else request.entries
        assert [as_plain(entry) for entry in entries] == example["events"]
        reply = (
            self.wire.render_error(request)
            if isinstance(request, Refusal)
            else self.wire.render(request, outcomes_of(example))
        )
        assert {"status": reply.status, "body": read_json(reply.body)} == example["response"]

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"user": None}, "null_field", "user"),
            ({"user": []}, "null_field", "user"),
            ({"user": {}}, "null_field", "user"),
            ({"user": "ann@example.com"}, "invalid_field", "user"),
            ({"user": {"name": "ann"}}, "missing_field", "user"),
            ({"user": {"email": "", "_id": None}}, "missing_field", "user"),
            ({"user": {"email": 7}}, "invalid_field", "user.email"),
            ({"user": {"email": "e" * 255}}, "email_too_long", "user.email"),
            ({"user": {"_id": True}}, "invalid_field", "user._id"),
            ({"user": {"_id": "i" * 201}}, "customer_id_too_long", "user._id"),
            ({"event": None}, "null_field", "event"),
            ({"event": []}, "null_field", "event"),
            ({"event": "update"}, "invalid_field", "event"),
            ({"event": {"update": {}, "login": {}}}, "invalid_field", "event"),
            ({"event": {"": {}}}, "invalid_field", "event"),
            ({"event": {"k" * 101: {}}}, "name_too_long", "event"),
            ({"event": {"update": "x"}}, "invalid_field", "event.update"),
            ({"event": {"generic": "x"}}, "invalid_field", "event.generic"),
            ({"event": {"generic": {"generic": 1}}}, "invalid_field", "event.generic.generic"),
            (
                {"event": generic(firstname="x")},
                "missing_field",
                "event.generic.generic.event_name",
            ),
            (
                {"event": generic(event_name="n" * 101)},
                "name_too_long",
                "event.generic.generic.event_name",
            ),
            ({"event": generic(event_name=7)}, "invalid_field", "event.generic.generic.event_name"),
        ],
    )
    def test_refuses_what_it_cannot_take(
        self, changes: dict[str, object], code: str, field: str
    ) -> None:
        refusal = self.refusal({**self.minimal, **changes})
        assert (refusal.code, refusal.field) == (code, field)
        assert self.wire.render_error(refusal).status == 400

    @pytest.mark.parametrize("body", ["[]", "null", '"text"', "1"])
    def test_refuses_a_body_that_is_no_object(self, body: str) -> None:
        assert self.refusal(body.encode()).code is RefusalCode.INVALID_JSON

    @pytest.mark.parametrize(
        "kind",
        ["update", "login", "confirmation", "viewitem", "viewcategory", "search", "addtocart",
         "checkout", "custom", "never heard of"],
    )  # fmt: skip
    def test_keeps_the_word_for_each_kind(self, kind: str) -> None:
        event = self.of_kind(kind, {"itemId": "1"})
        assert (event.name, event.metadata) == (kind, {"itemId": "1"})

    @pytest.mark.parametrize("kind", ["emailopen", "emailOpen", "email open", "email_open"])
    def test_knows_one_email_open_under_its_names(self, kind: str) -> None:
        assert self.of_kind(kind, {}).name == "email_open"
        assert self.event({"user": ANN, "event": generic(event_name=kind)}).name == "email_open"

    @pytest.mark.parametrize("kind", ["update", "login"])
    def test_puts_attributes_on_the_user(self, kind: str) -> None:
        fields = {"firstname": "Ann", "points": Decimal("1.5"), "gone": None}
        event = self.of_kind(kind, fields)
        assert (event.attributes, event.metadata) == (fields, fields)

    def test_puts_nothing_on_the_user_by_other_events(self) -> None:
        assert self.of_kind("viewitem", {"itemId": "1"}).attributes is None
        assert self.event({"user": ANN, "event": generic(event_name="x", a=1)}).attributes is None

    def test_needs_a_user_who_exists(self) -> None:
        assert self.event(self.minimal).must_exist

    @pytest.mark.parametrize(("sent", "read"), [("u-1", "u-1"), (42, "42")])
    def test_finds_a_user_by_id(self, sent: object, read: str) -> None:
        event = self.event({**self.minimal, "user": {"_id": sent}})
        assert event.customer == Identity(external_id=read)

    def test_takes_a_login_for_the_email_of_an_anonymous_user(self) -> None:
        body = {"user": {"_id": "u-1"}, "event": {"login": ANN}}
        assert self.event(body).customer == Identity(external_id="u-1", email="ann@example.com")
        assert self.event({**body, "event": {"update": ANN}}).customer == Identity(
            external_id="u-1"
        )

    @pytest.mark.parametrize("email", [None, 7, "", "e" * 255])
    def test_leaves_a_login_without_a_usable_email_alone(self, email: object) -> None:
        body = {"user": {"_id": "u-1"}, "event": {"login": {"email": email}}}
        assert self.event(body).customer == Identity(external_id="u-1")

    def test_takes_a_generic_event_that_is_nested_once(self) -> None:
        event = self.event({"user": ANN, "event": {"generic": {"event_name": "e", "a": 1}}})
        assert (event.name, event.metadata, event.extra) == ("e", {"a": 1}, None)

    def test_keeps_what_stands_beside_the_known_fields(self) -> None:
        body = {
            "user": {**ANN, "phone": "1"},
            "event": {"generic": {"generic": {"event_name": "e"}, "page": "/x"}},
            "sent": 1,
        }
        event = self.event(body)
        assert event.extra == {
            "sent": 1,
            "user": {"phone": "1"},
            "event": {"generic": {"page": "/x"}},
        }
        assert event.metadata == {}

    def test_takes_the_last_of_a_key_given_twice(self) -> None:
        body = b'{"user":{"_id":"a","_id":"b"},"event":{"search":{"q":1,"q":2}}}'
        event = self.event(body)
        assert (event.customer.external_id, event.metadata) == ("b", {"q": 2})

    def test_makes_event_types_with_the_vendors_conditions(self) -> None:
        assert self.wire.type_defaults == {
            "confirmation": TypeDefaults(unique_by="orderId"),
            "email_open": TypeDefaults(throttle_minutes=20),
        }
        assert self.wire.creates_event_types

    @pytest.mark.parametrize("value", ["key", " key "])
    def test_takes_the_key_as_it_stands(self, value: str) -> None:
        proofs = self.wire.credentials({"authorization": value})
        assert proofs == (Credential(kind="api_key", value="key"),)

    @pytest.mark.parametrize("status", ["accepted", "duplicate", "discarded"])
    def test_answers_a_discarded_event_like_one_that_is_taken(self, status: str) -> None:
        request = self.parse(self.minimal)
        assert isinstance(request, Request)
        outcome = Outcome(status=status)  # type: ignore[arg-type]
        assert self.wire.render(request, [outcome]) == self.answer(request)

    def test_answers_a_refused_entry_with_its_refusal(self) -> None:
        refusal = Refusal(code=RefusalCode.UNKNOWN_EVENT_TYPE, message="Nobody knows it.")
        outcome = Outcome(status="rejected", error=refusal)
        refused = Request(entries=(RefusedEvent(refusal=refusal),))
        assert self.wire.render(refused, [outcome]) == self.wire.render_error(refusal)


class TestVibetraceUser:
    wire = vibetrace.wire

    def profile(self, path: str, body: object) -> ProfileUpdate:
        request = self.wire.parse({}, path, write_json(body))
        assert isinstance(request, Request), request
        [entry] = request.entries
        assert isinstance(entry, ProfileUpdate)
        return entry

    def refusal(self, path: str, body: object) -> Refusal:
        refusal = self.wire.parse({}, path, write_json(body))
        assert isinstance(refusal, Refusal), refusal
        return refusal

    @pytest.mark.parametrize("path", ["/v1/user", "/V1/User/", "/vibetrace/v1/user?x=1"])
    def test_is_named_by_the_body_of_a_post(self, path: str) -> None:
        profile = self.profile(path, {"_id": 7, **ANN, "firstname": "Ann", "gone": None})
        assert profile.customer == Identity(external_id="7", email="ann@example.com")
        assert profile.attributes == {"firstname": "Ann", "gone": None}
        assert not profile.must_exist

    @pytest.mark.parametrize(
        ("path", "must_exist"),
        [
            (ADDRESS, True),
            (f"{ADDRESS}/", True),
            (f"/vibetrace{ADDRESS}?upsert=false", True),
            (f"{ADDRESS}?upsert=true", False),
            (f"{ADDRESS}/?a=b&upsert=True", False),
            (f"{ADDRESS}?upsert=1", False),
        ],
    )
    def test_is_named_by_the_path_of_a_put(self, path: str, must_exist: bool) -> None:
        profile = self.profile(path, {"firstname": "Ann"})
        assert profile.customer == Identity(email="ann@example.com")
        assert profile.must_exist is must_exist

    def test_is_not_named_by_an_email_that_looks_like_none(self) -> None:
        profile = self.profile("/v1/user", {"_id": "u-1", "email": "none"})
        assert profile.customer == Identity(external_id="u-1")
        assert profile.attributes == {"email": "none"}

    @pytest.mark.parametrize(
        ("path", "body"), [("/v1/user", {"email": "none@none"}), ("/v1/user/none@none", {})]
    )
    def test_needs_an_email_that_looks_like_one(self, path: str, body: object) -> None:
        refusal = self.refusal(path, body)
        assert (refusal.code, refusal.field) == (RefusalCode.INVALID_FIELD, "user.email")
        assert "as in ann@example.com" in refusal.message

    def test_is_found_by_its_id_too(self) -> None:
        assert self.profile("/v1/user/u-1", {}).customer == Identity(external_id="u-1")

    def test_may_be_sent_back_as_it_was_read(self) -> None:
        identity = Identity(external_id="u-1", email="ann@example.com")
        reply = vibetrace.render_user(identity, {"firstname": "Ann", "email": "other"})
        read = read_json(reply.body)
        assert isinstance(read, dict)
        assert read == {"results": {"firstname": "Ann", "email": "ann@example.com", "_id": "u-1"}}
        assert self.profile(ADDRESS, read["results"]).attributes == {"firstname": "Ann"}

    @pytest.mark.parametrize("name", ["email", "_id"])
    def test_shows_only_the_names_it_has(self, name: str) -> None:
        identity = Identity(email="x") if name == "email" else Identity(external_id="x")
        assert read_json(vibetrace.render_user(identity, {}).body) == {"results": {name: "x"}}

    @pytest.mark.parametrize(
        ("path", "body", "code", "field"),
        [
            ("/v1/user", [], "invalid_json", ""),
            ("/v1/user", {"firstname": "x"}, "missing_field", "user"),
            ("/v1/user", {**ANN, "a": {"b": "\x00"}}, "invalid_text", "user.a.b"),
            ("/v1/user", {**ANN, **{str(n): n for n in range(201)}}, "too_many_fields", "user"),
            (ADDRESS, {"email": "bob@example.com"}, "invalid_field", "user.email"),
            ("/v1/user/" + "u" * 201, {}, "customer_id_too_long", "user._id"),
        ],
    )
    def test_refuses_what_it_cannot_take(
        self, path: str, body: JsonObject, code: str, field: str
    ) -> None:
        refusal = self.refusal(path, body)
        assert (refusal.code, refusal.field) == (code, field)


def title_of(reply: Reply) -> tuple[int, object]:
    body = read_json(reply.body)
    assert isinstance(body, dict)
    [error] = body["errors"]
    return reply.status, error["message"]


class TestVibetraceError:
    @pytest.mark.parametrize(
        ("code", "status", "title"),
        [
            ("invalid_json", 400, "Bad request"),
            ("unknown_event_type", 400, "Bad request"),
            ("missing_credentials", 401, "Unauthorized"),
            ("invalid_credentials", 401, "Unauthorized"),
            ("forbidden", 403, "Forbidden"),
            ("customer_not_found", 404, "User not found"),
            ("body_too_large", 413, "Request too large"),
            ("rate_limited", 429, "Too many requests"),
            ("internal_error", 500, "Server error"),
        ],
    )
    def test_has_the_documented_status_and_words(self, code: str, status: int, title: str) -> None:
        reply = vibetrace.wire.render_error(Refusal(code=RefusalCode(code), message="Why."))
        assert title_of(reply) == (status, title)

    def test_has_a_status_for_every_code(self) -> None:
        assert set(vibetrace.STATUS_OF) == set(RefusalCode)

    def test_names_the_field_in_its_description(self) -> None:
        refusal = Refusal(
            code=RefusalCode.STRING_TOO_LONG, message="It is too long.", field="event.search.q"
        )
        assert b"event.search.q: It is too long." in vibetrace.wire.render_error(refusal).body
