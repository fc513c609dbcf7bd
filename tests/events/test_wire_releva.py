"""The Releva wire."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import limits
from events.metadata import read_json, write_json
from events.types import (
    Credential,
    Identity,
    JsonObject,
    ProfileUpdate,
    Refusal,
    RefusalCode,
    Request,
)
from events.wires import releva
from tests.events.wire_cases import (
    Example,
    WireCases,
    as_plain,
    examples,
    json_values,
    keys,
    lawful,
    outcomes_of,
)

pytestmark = pytest.mark.once

EVENT = {"action": "search", "email": "ann@example.com"}
PRODUCTS = [{"id": "1", "quantity": 2}, {"id": "2"}]


def groups(metadata: dict[str, Any]) -> dict[str, list[object]]:
    """Return metadata as custom fields; an object is put where a group would stand."""
    found: dict[str, list[object]] = {}
    for key, value in metadata.items():
        values = value if isinstance(value, list) else [value]
        if any(isinstance(each, (dict, list)) for each in values):
            found[key] = [value]
            continue
        kinds = {bool: "boolean", int: "numeric", float: "numeric", Decimal: "numeric"}
        kind = kinds.get(type(values[0]) if values else str, "string")
        found.setdefault(kind, []).append({"key": key, "values": values})
    return found


def custom(**kinds: Sequence[tuple[str, list[object]]]) -> dict[str, object]:
    """Return an event with such custom fields."""
    written = {
        kind: [{"key": key, "values": values} for key, values in fields]
        for kind, fields in kinds.items()
    }
    return {**EVENT, "custom": written}


class TestRelevaWire(WireCases):
    wire = releva.wire
    path = "/api/v0/events"
    minimal = {"events": [EVENT]}
    fields = ("events",)
    good_headers = {"authorization": "Bearer a-secret"}
    success_status = 202

    def with_metadata(self, metadata: object) -> object:
        written = groups(metadata) if isinstance(metadata, dict) else metadata
        return {"events": [{**EVENT, "custom": written}]}

    def with_unknown(self, name: str, value: object) -> object:
        return {"events": [{**EVENT, name: value}]}

    def metadata_of(self, event: object) -> JsonObject:
        return self.event({"events": [event]}).metadata

    @pytest.mark.parametrize("example", examples("releva"))
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

    @lawful
    @given(drawn=st.data())
    def test_answers_an_event_with_fields_replaced(self, drawn: st.DataObject) -> None:
        names = ["action", "email", "phoneNumber", "profileId", "locale", "timestamp", "tags"]
        names += ["products", "custom"]
        replaced = st.dictionaries(st.sampled_from(names) | keys, json_values, max_size=3)
        body = {"events": [{**EVENT, **drawn.draw(replaced)}]}
        self.assert_answered(json.dumps(body).encode())

    def test_keeps_the_source_as_sent(self) -> None:
        assert self.event({"events": [custom(numeric=[("n", [1])])]}).source == custom(
            numeric=[("n", [1])]
        )

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"action": None}, "null_field", "action"),
            ({"action": ""}, "invalid_field", "action"),
            ({"action": 7}, "invalid_field", "action"),
            ({"action": "a" * 101}, "name_too_long", "action"),
            ({"email": None}, "missing_field", ""),
            ({"email": ""}, "missing_field", ""),
            ({"email": 7}, "invalid_field", "email"),
            ({"email": "e" * 255}, "email_too_long", "email"),
            ({"phoneNumber": "359123"}, "invalid_field", "phoneNumber"),
            ({"email": "n/a"}, "invalid_field", "email"),
            ({"email": "n/a", "phoneNumber": "+0"}, "invalid_field", "email"),
            ({"email": None, "phoneNumber": "+0"}, "invalid_field", "phoneNumber"),
            ({"phoneNumber": "+"}, "invalid_field", "phoneNumber"),
            ({"phoneNumber": "+359 123"}, "invalid_field", "phoneNumber"),
            ({"phoneNumber": "+٣٥٩"}, "invalid_field", "phoneNumber"),
            ({"phoneNumber": 359123}, "invalid_field", "phoneNumber"),
            ({"profileId": "p" * 201}, "customer_id_too_long", "profileId"),
            ({"locale": 7}, "invalid_field", "locale"),
            ({"tags": "vip"}, "invalid_field", "tags"),
            ({"tags": [1]}, "invalid_field", "tags"),
            ({"products": "1"}, "invalid_field", "products"),
            ({"products": ["1"]}, "invalid_field", "products"),
            ({"products": [{"id": True}]}, "invalid_field", "products[0].id"),
            ({"products": [{}, {"id": [1]}]}, "invalid_field", "products[1].id"),
            ({"products": [{"quantity": "x"}]}, "invalid_field", "products[0].quantity"),
            ({"products": [{"id": "\x00"}]}, "invalid_text", "products[0].id"),
            ({"products": [{"id": "1"}] * 2001}, "array_too_long", "metadata.product_ids"),
            ({"timestamp": "yesterday"}, "invalid_field", "timestamp"),
            ({"timestamp": "2026-02-30T00:00:00Z"}, "invalid_field", "timestamp"),
            ({"timestamp": "2026-13-01"}, "invalid_field", "timestamp"),
            ({"timestamp": "0001-01-01T00:00+02"}, "invalid_field", "timestamp"),
            ({"timestamp": "1969-12-31"}, "occurred_too_early", "timestamp"),
            ({"timestamp": "1969-12-31T23:59:59Z"}, "occurred_too_early", "timestamp"),
            ({"custom": {"string": "x"}}, "invalid_field", "custom.string"),
            ({"custom": {"string": ["x"]}}, "invalid_field", "custom.string[0]"),
            ({"custom": {"string": [{"values": []}]}}, "missing_field", "custom.string[0].key"),
            ({"custom": {"string": [{"key": "a"}]}}, "missing_field", "custom.string[0].values"),
            (custom(string=[("", ["x"])]), "invalid_field", "custom.string[0].key"),
            (custom(string=[("k" * 101, [])]), "metadata_key_too_long", "custom.string[0].key"),
            (custom(string=[("a", [True])]), "invalid_field", "custom.string[0].values"),
            (custom(numeric=[("a", ["x"])]), "invalid_field", "custom.numeric[0].values"),
            (custom(numeric=[("a", [True])]), "invalid_field", "custom.numeric[0].values"),
            (custom(date=[("a", ["soon"])]), "invalid_field", "custom.date[0].values"),
            (custom(date=[("a", ["2026-02-30"])]), "invalid_field", "custom.date[0].values"),
            (custom(date=[("a", ["2026-13-45"])]), "invalid_field", "custom.date[0].values"),
            (
                custom(date=[("a", []), ("b", ["2026-01-01", "2026-01-01T25:00:00Z"])]),
                "invalid_field",
                "custom.date[1].values",
            ),
            (custom(date=[("a", [1])]), "invalid_field", "custom.date[0].values"),
            (custom(boolean=[("a", ["true"])]), "invalid_field", "custom.boolean[0].values"),
            (
                custom(string=[("a", ["1"])], numeric=[("b", [1]), ("a", [1])]),
                "duplicate_key",
                "custom.numeric[1]",
            ),
            (
                custom(numeric=[(str(n), [n]) for n in range(65)]),
                "too_many_fields",
                "custom",
            ),
        ],
    )
    def test_refuses_what_it_cannot_take_and_says_where(
        self, changes: dict[str, object], code: str, field: str
    ) -> None:
        refusal = self.refusal({"events": [EVENT, {**EVENT, **changes}]})
        place = f"events[1].{field}" if field else "events[1]"
        assert (refusal.code, refusal.field) == (code, place)
        reply = self.wire.render_error(refusal)
        assert reply.status == 400
        assert place.encode() in reply.body

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            ([], "invalid_json", ""),
            ({}, "missing_field", "events"),
            ({"events": None}, "null_field", "events"),
            ({"events": {}}, "invalid_field", "events"),
            ({"events": []}, "invalid_field", "events"),
            ({"events": [EVENT, 7]}, "invalid_field", "events[1]"),
            ({"events": [None]}, "invalid_field", "events[0]"),
            ({"events": [EVENT] * 1001}, "too_many_events", "events"),
        ],
    )
    def test_refuses_a_request_that_it_cannot_read(
        self, body: object, code: str, field: str
    ) -> None:
        refusal = self.refusal(body)
        assert (refusal.code, refusal.field) == (code, field)

    def test_answers_too_many_events_as_too_large(self) -> None:
        refusal = self.refusal({"events": [EVENT] * (limits.EVENTS_PER_REQUEST + 1)})
        reply = self.wire.render_error(refusal)
        assert reply.status == 413
        assert b"1001 events; at most 1000" in reply.body

    @pytest.mark.parametrize("number", [1, limits.EVENTS_PER_REQUEST])
    def test_takes_as_many_events_as_may_be(self, number: int) -> None:
        request = self.parse({"events": [EVENT] * number})
        assert isinstance(request, Request)
        assert (len(request.entries), request.is_list, request.list_name) == (
            number,
            True,
            "events",
        )

    def test_joins_values_of_a_key_given_twice_in_one_group(self) -> None:
        event = custom(string=[("a", ["x"]), ("b", ["z"]), ("a", ["y"])])
        assert self.metadata_of(event) == {"a": ["x", "y"], "b": "z"}

    @pytest.mark.parametrize(
        ("values", "read"), [([], []), (["x"], "x"), (["x", "y"], ["x", "y"]), ([None], None)]
    )
    def test_reads_one_value_alone_and_several_as_an_array(
        self, values: list[object], read: object
    ) -> None:
        assert self.metadata_of(custom(string=[("a", values)])) == {"a": read}

    def test_takes_the_word_of_a_group_for_its_values(self) -> None:
        event = custom(string=[("a", [1, Decimal("1.50")])], numeric=[("b", ["1.50", 2])])
        assert self.metadata_of(event) == {"a": ["1", "1.50"], "b": [Decimal("1.50"), 2]}

    @pytest.mark.parametrize(
        "date",
        [
            "2019-08-18T05:48:42.419Z",
            "2019-08-18T05:48:42Z",
            "2019-08-18T05:48:42",
            "2019-08-18T05:48:42.419",
            "2019-08-18T05:48:42+02:00",
            "2019-08-18T05:48:42+0200",
            "2019-08-18 05:48",
            "2019-08-18",
        ],
    )
    def test_keeps_dates_as_they_are_written(self, date: str) -> None:
        assert self.metadata_of(custom(date=[("a", [date])])) == {"a": date}

    @pytest.mark.parametrize("none", [None, [], {}])
    def test_takes_an_empty_group_for_none(self, none: object) -> None:
        event = {**EVENT, "custom": {"string": none, "numeric": [{"key": "a", "values": [1]}]}}
        assert self.metadata_of(event) == {"a": 1}

    def test_keeps_groups_aside_that_it_does_not_know(self) -> None:
        unknown = [{"key": "a", "values": [1]}]
        event = self.event({"events": [{**EVENT, "custom": {"integer": unknown}}]})
        assert (event.metadata, event.extra) == ({}, {"custom": {"integer": unknown}})

    def test_puts_products_into_arrays_that_run_side_by_side(self) -> None:
        event = self.event({"events": [{**EVENT, "products": PRODUCTS}]})
        assert event.metadata == {"product_ids": ["1", "2"], "product_quantities": [2, None]}
        assert event.extra is None

    def test_keeps_products_that_say_more(self) -> None:
        products = [{"id": 1, "custom": {"string": []}}]
        event = self.event({"events": [{**EVENT, "products": products}]})
        assert (event.metadata, event.extra) == ({"product_ids": [1]}, {"products": products})

    def test_prefers_a_custom_field_to_ours_of_the_same_name(self) -> None:
        own = {"locale": "bg", "tags": ["vip"], "products": PRODUCTS}
        event = self.event(
            {"events": [{**custom(string=[("locale", ["x"]), ("product_ids", ["y"])]), **own}]}
        )
        assert event.metadata == {
            "locale": "x",
            "tags": ["vip"],
            "product_ids": "y",
            "product_quantities": [2, None],
        }
        assert event.extra == {"locale": "bg", "products": PRODUCTS}

    @pytest.mark.parametrize(
        "name", ["locale", "tags", "products", "custom", "timestamp", "phoneNumber", "profileId"]
    )
    def test_takes_null_for_absent(self, name: str) -> None:
        event = self.event({"events": [{**EVENT, name: None}]})
        assert (event.metadata, event.extra, event.occurred_at) == ({}, None, None)

    @pytest.mark.parametrize(
        "written",
        [
            1680870896789,
            "2023-04-07T12:34:56.789Z",
            "2023-04-07T14:34:56.789+02:00",
            "2023-04-07T14:34:56.789+0200",
            "2023-04-07T12:34:56.789",
            "2023-04-07 14:34:56,789+02",
        ],
    )
    def test_reads_a_timestamp_with_zone_without_zone_and_in_milliseconds(
        self, written: object
    ) -> None:
        event = self.event({"events": [{**EVENT, "timestamp": written}]})
        assert event.occurred_at == datetime(2023, 4, 7, 12, 34, 56, 789_000, tzinfo=UTC)

    def test_links_the_names_that_are_given_together(self) -> None:
        names = {"phoneNumber": "+359123", "profileId": 7}
        event = self.event({"events": [{**EVENT, **names}]})
        assert event.customer == Identity(external_id="7", email="ann@example.com", phone="+359123")
        assert self.wire.links_identities

    def test_needs_the_secret_key(self) -> None:
        proofs = self.wire.credentials({"authorization": "bearer  s "})
        assert proofs == (Credential(kind="secret_key", value="s"),)
        assert isinstance(self.wire.credentials({"authorization": "s"}), Refusal)

    def test_refuses_requests_whole(self) -> None:
        assert self.wire.is_atomic


class TestRelevaProfile:
    wire = releva.wire

    def parse(self, profiles: object, path: str = "/api/v0/profiles") -> Request | Refusal:
        return self.wire.parse({}, path, write_json({"profiles": profiles}))

    def profile(self, fields: object) -> ProfileUpdate:
        request = self.parse([{"profile": fields}])
        assert isinstance(request, Request), request
        [entry] = request.entries
        assert isinstance(entry, ProfileUpdate)
        return entry

    @pytest.mark.parametrize("path", ["/api/v0/profiles", "/Releva/API/v0/PROFILES/?a=b"])
    def test_is_read_at_its_own_path(self, path: str) -> None:
        request = self.parse([{"profile": {"id": "c-1"}}] * 2, path)
        assert isinstance(request, Request)
        assert (len(request.entries), request.list_name) == (2, "profiles")

    def test_has_fields_and_custom_fields_as_attributes(self) -> None:
        fields = custom(string=[("gender", ["F"])], numeric=[("sizes", [1, 2])])
        profile = self.profile({**fields, "firstName": "Ann", "addTags": ["a"], "lastName": None})
        assert profile.customer == Identity(email="ann@example.com")
        assert profile.attributes == {
            "action": "search",
            "firstName": "Ann",
            "lastName": None,
            "tags": ["a"],
            "gender": "F",
            "sizes": [1, 2],
        }
        assert not profile.must_exist

    def test_may_stand_without_its_envelope(self) -> None:
        request = self.parse([{"id": "c-1", "firstName": "Ann"}])
        assert isinstance(request, Request)
        assert [as_plain(entry) for entry in request.entries] == [
            {
                "customer": {"external_id": "c-1", "email": "", "phone": ""},
                "attributes": {"firstName": "Ann"},
            }
        ]

    @pytest.mark.parametrize(
        ("profile", "code", "field"),
        [
            ({}, "missing_field", "profiles[1]"),
            (7, "invalid_field", "profiles[1].profile"),
            ({"id": "c", "phoneNumber": "1"}, "invalid_field", "profiles[1].phoneNumber"),
            ({"id": "c", "a": "\x00"}, "invalid_text", "profiles[1].profile.a"),
            (
                {"id": "c", **{str(n): n for n in range(201)}},
                "too_many_fields",
                "profiles[1].profile",
            ),
        ],
    )
    def test_is_refused_with_its_place(self, profile: object, code: str, field: str) -> None:
        refusal = self.parse([{"profile": {"id": "c-1"}}, {"profile": profile}])
        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.field) == (code, field)
        assert field.encode() in self.wire.render_error(refusal).body

    def test_is_not_named_by_what_looks_like_no_address(self) -> None:
        profile = self.profile({"id": 7, "email": "n/a", "phoneNumber": "+000000"})
        assert profile.customer == Identity(external_id="7")
        assert profile.attributes == {"email": "n/a", "phoneNumber": "+000000"}

    def test_needs_a_name(self) -> None:
        refusal = self.parse([{"profile": {"firstName": "Ann"}}])
        assert isinstance(refusal, Refusal)
        assert read_json(self.wire.render_error(refusal).body) == {
            "message": "profiles[0]: set at least one of email, phoneNumber or id."
        }


class TestRelevaError:
    @pytest.mark.parametrize(
        ("code", "status"),
        [
            ("invalid_json", 400),
            ("unknown_event_type", 400),
            ("inactive_event_type", 400),
            ("missing_credentials", 401),
            ("forbidden", 403),
            ("too_many_events", 413),
            ("body_too_large", 413),
            ("rate_limited", 429),
            ("internal_error", 500),
        ],
    )
    def test_has_its_status(self, code: str, status: int) -> None:
        reply = releva.wire.render_error(Refusal(code=RefusalCode(code), message="Why."))
        assert (reply.status, read_json(reply.body)) == (status, {"message": "Why."})

    def test_has_a_status_for_every_code(self) -> None:
        assert set(releva.STATUS_OF) == set(RefusalCode)

    @pytest.mark.parametrize(
        ("field", "message"),
        [
            ("events[3].event", "events[3].action: it is not in the catalogue."),
            ("events[3].occurred_at", "events[3].timestamp: it is not in the catalogue."),
            ("events[3]", "events[3]: it is not in the catalogue."),
            ("events", "events: It is not in the catalogue."),
        ],
    )
    def test_names_the_place_in_the_vendors_words(self, field: str, message: str) -> None:
        refusal = Refusal(
            code=RefusalCode.UNKNOWN_EVENT_TYPE,
            message="It is not in the catalogue.",
            field=field,
        )
        assert read_json(releva.wire.render_error(refusal).body) == {"message": message}
