"""Personal values in metadata and payloads: masked or hashed, once or often."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.metadata import write_json
from events.protection import MASK, Protection, is_protected, key_of, keyed_hash
from events.types import Json

SECRET = "S3CR3T"
PROTECTION = Protection(
    fields={"phone": "hash", "street": "mask"}, key=key_of("an installation's", 1)
)
PERSONAL = PROTECTION.fields.keys()

names = st.sampled_from(["phone", "street", "amount", "key", "value", "values", "a"])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.text(max_size=8),
    st.sampled_from(["phone", "street", MASK]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)
metadata = st.dictionaries(names, values, max_size=5)


def shape_of(value: Json, *, is_personal: bool = False, is_pair: bool = True) -> Any:
    """Return what stays of a value whatever becomes of its texts and numbers.

    A personal object becomes one text.
    """
    if isinstance(value, Mapping):
        if is_personal:
            return False
        named = value.get("key") if is_pair else None
        return {
            name: shape_of(
                inner,
                is_personal=name in PERSONAL
                or (name in {"value", "values"} and named in ("phone", "street")),
            )
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [shape_of(inner, is_personal=is_personal) for inner in value]
    return value is None


def kept(payload: bytes | str, *, wire: str = "native") -> Any:
    body = payload.encode() if isinstance(payload, str) else payload
    return PROTECTION.payload(body, wire=wire, most_characters=1_000)


class TestMetadata:
    @given(metadata)
    def test_is_protected_once_and_for_all(self, given_metadata: dict[str, Json]) -> None:
        once = PROTECTION.metadata(given_metadata)

        assert PROTECTION.metadata(once) == once

    @given(metadata)
    def test_keeps_its_shape(self, given_metadata: dict[str, Json]) -> None:
        found = PROTECTION.metadata(given_metadata)

        assert shape_of(found, is_pair=False) == shape_of(given_metadata, is_pair=False)

    @given(values, st.sampled_from(["phone", "street"]))
    def test_holds_no_name_of_a_personal_object(self, value: Json, name: str) -> None:
        inside: Json = {"a": value, "b": {SECRET: value}, SECRET: [value]}
        sent: dict[str, Json] = {name: [inside, [value]], "list": [{name: inside}]}

        assert SECRET not in str(PROTECTION.metadata(sent))
        assert SECRET not in kept(write_json({"metadata": sent})).payload.decode()

    def test_has_equal_hashes_for_equal_objects(self) -> None:
        objects: list[Json] = [{"a": 1, "b": ["x"]}, {"b": ["x"], "a": Decimal("1.0")}]
        others: list[Json] = [{"a": 2, "b": ["x"]}, {"a": 1, "B": ["x"]}, {}, {"a": "\ud800"}]
        hashes = [str(PROTECTION.metadata({"phone": each})) for each in objects + others]

        assert hashes[0] == hashes[1]
        assert len(set(hashes)) == 1 + len(others)

    def test_keeps_the_form_of_what_a_wire_makes_fields_of(self) -> None:
        protection = Protection(fields={"product_ids": "mask"}, key=b"k")
        body = {"products": [{"id": "p-1", "quantity": 2}]}

        found = protection.payload(write_json(body), wire="releva", most_characters=100)

        assert json.loads(found.payload) == {"products": [{"id": MASK, "quantity": MASK}]}

    @given(st.dictionaries(st.sampled_from(["amount", "a", "key", "value"]), scalars))
    def test_is_left_alone_without_a_personal_field(self, plain: dict[str, Json]) -> None:
        plain.pop("key", None)

        assert PROTECTION.metadata(plain) == plain

    @pytest.mark.parametrize("equal", [7, Decimal("7.0"), Decimal("0.7e1"), "7"])
    def test_has_equal_hashes_for_equal_values(self, equal: Json) -> None:
        assert PROTECTION.metadata({"phone": equal}) == PROTECTION.metadata({"phone": 7})

    @pytest.mark.parametrize("other", [8, "7.0", "07", True, "", " 7"])
    def test_has_other_hashes_for_other_values(self, other: Json) -> None:
        assert PROTECTION.metadata({"phone": other}) != PROTECTION.metadata({"phone": 7})

    def test_has_other_hashes_in_another_project_and_installation(self) -> None:
        hashes = {
            str(Protection(fields={"phone": "hash"}, key=key).metadata({"phone": 7}))
            for key in (key_of("a", 1), key_of("a", 2), key_of("b", 1))
        }

        assert len(hashes) == 3

    def test_is_walked_to_its_leaves(self) -> None:
        protected = PROTECTION.metadata(
            {
                "street": [{"name": SECRET, SECRET: 1}, 5, None, [True]],
                "contact": {"phone": SECRET, "since": 2020},
                "custom": [{"key": "phone", "values": [SECRET]}, {"key": "size", "values": ["M"]}],
            }
        )

        [hashed] = {protected["contact"]["phone"]}  # type: ignore[index,call-overload]
        assert is_protected(hashed)  # type: ignore[arg-type]
        assert protected == {
            "street": [MASK, MASK, None, [MASK]],
            "contact": {"phone": hashed, "since": 2020},
            "custom": [
                {"key": "phone", "values": [hashed]},
                {"key": "size", "values": ["M"]},
            ],
        }

    def test_is_masked_where_it_was_hashed_and_stays_masked_where_it_was_masked(self) -> None:
        hashed = PROTECTION.metadata({"phone": 7})["phone"]

        assert PROTECTION.metadata({"street": hashed, "phone": MASK}) == {
            "street": MASK,
            "phone": MASK,
        }


class TestAPayload:
    @given(metadata)
    def test_that_is_json_stays_json_and_holds_no_value(self, sent: dict[str, Json]) -> None:
        body = {"event": "buy", "metadata": {**sent, "street": SECRET, "phone": [SECRET]}}
        payload = json.dumps(body, default=str).encode()

        found = kept(payload)

        assert SECRET not in found.payload.decode()
        assert shape_of(json.loads(found.payload)) == shape_of(json.loads(payload))
        assert kept(found.payload).payload == found.payload

    def test_is_left_as_it_was_sent_where_it_holds_no_personal_value(self) -> None:
        payload = b'{"event":  "buy", "metadata": {"amount": 1.50}}'

        assert kept(payload).payload == payload

    @pytest.mark.parametrize(
        ("wire", "body"),
        [
            ("native", {"event": "phone", "customer": "c", "identities": {"email": "e"}}),
            ("lynes", {"eventId": "a", "userId": "b", "timestamp": 5}),
            ("referd", {"playerUniqueId": "a", "email": "e", "mobile": "1"}),
            ("gameball", {"customerId": "a", "email": "e", "mobile": "1"}),
            ("vibetrace", {"user": {"email": "e", "_id": "i"}}),
            ("releva", {"events": [{"action": "a", "email": "e", "phoneNumber": "1"}]}),
        ],
    )
    def test_keeps_who_the_customer_is(self, wire: str, body: Any) -> None:
        names = ("event", "eventId", "email", "mobile", "userId", "customer", "action", "_id")
        protection = Protection(fields=dict.fromkeys((*names, "street"), "mask"), key=b"k")
        body["metadata"] = {"email": SECRET, "street": SECRET}

        found = protection.payload(json.dumps(body).encode(), wire=wire, most_characters=100)

        expected = body | {"metadata": {"email": MASK, "street": MASK}}
        assert json.loads(found.payload) == expected

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            (f'{{"phone": "{SECRET}", "amount": 1', f'{{"phone": "{MASK}", "amount": 1'),
            (f'{{"phone": "{SECRET}', f'{{"phone": "{MASK}"'),
            (f'{{"phone": "a\\"{SECRET}"}}]', f'{{"phone": "{MASK}"}}]'),
            (f'{{\\"phone\\": \\"{SECRET}\\"}}', f'{{\\"phone\\": \\"{MASK}\\"}}'),
            (f'{{"ph\\u006fne": "{SECRET}"}}]', f'{{"phone": "{MASK}"}}]'),
            (f"{{'phone': '{SECRET}', 'a': None}}", f"{{'phone': '{MASK}', 'a': None}}"),
            (f"phone={SECRET}&amount=1", f"phone={MASK}&amount=1"),
            (f"PHONE={SECRET}", f"PHONE={MASK}"),
            ('{"phone": null, "a": 1', '{"phone": null, "a": 1'),
            (f'{{"phone": "{SECRET}", "phone": 5}}', f'{{"phone": "{MASK}", "phone": {MASK}}}'),
        ],
    )
    def test_that_is_no_json_is_searched(self, text: str, shown: str) -> None:
        found = kept(text)

        assert (found.payload.decode(), found.is_whole) == (shown, True)
        assert kept(found.payload).payload == found.payload

    @pytest.mark.parametrize(
        "payload",
        [
            f'{{"phone": ["{SECRET}"], ',
            f'{{"phone": {{"a": "{SECRET}"}}, ',
            f'{{"key": "phone", "values": ["{SECRET}"], ',
            f"<phone>{SECRET}</phone>",
            f'Content-Disposition: form-data; name="phone"\r\n\r\n{SECRET}',
            f"phone,amount\n{SECRET},5",
            f"phone: a {SECRET}",
            f"phone: a,{SECRET}",
            f'{{"phone": "a"{SECRET}"}}, ',
            f"%22phone%22%3A%22{SECRET}%22",
            f'{{"phone": "{SECRET}"}}'.encode("utf-16"),
            f'{{"phone": "{SECRET}", "a": "é"}}'.encode("latin-1"),
            f'\x00{{"phone": "{SECRET}"}}',
        ],
    )
    def test_is_withheld_where_values_can_t_be_told_apart(self, payload: bytes | str) -> None:
        found = kept(payload)

        assert SECRET not in found.payload.decode()
        assert "withheld" in found.payload.decode()
        assert not found.is_whole
        assert kept(found.payload).payload == found.payload

    def test_is_searched_in_its_texts_too_and_is_then_no_longer_what_was_sent(self) -> None:
        body = {"metadata": json.dumps({"phone": SECRET}), "note": "my phone is old"}

        found = kept(json.dumps(body))

        assert json.loads(found.payload) == {
            "metadata": f'{{"phone": "{MASK}"}}',
            "note": "my phone is old",
        }
        assert not found.is_whole

    @given(st.text(max_size=60))
    def test_is_found_no_second_time(self, text: str) -> None:
        found = kept(f'{text}"phone": "{SECRET}{text}')

        assert SECRET not in found.payload.decode()
        assert kept(found.payload).payload == found.payload


class TestKeys:
    def test_make_hashes_that_differ_from_the_plain_ones_in_length(self) -> None:
        assert len(keyed_hash(bytes(32), key_of("a", 1))) == 24

    def test_are_not_shown(self) -> None:
        assert "key" not in repr(PROTECTION)
