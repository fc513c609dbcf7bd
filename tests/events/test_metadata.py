"""JSON values of metadata."""

import json
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events import limits
from events.metadata import (
    FieldType,
    as_declared,
    canonical,
    exact_number,
    kind_of,
    metadata_refusal,
    number_in,
    read_json,
    repeated_key,
    text_refusal,
    write_json,
)
from events.types import Json, Refusal, RefusalCode

pytestmark = pytest.mark.once

numbers = st.integers() | st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40
)
texts = st.text(max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts | st.sampled_from(["n", "1e0", 1]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts | st.just("n"), inner, max_size=4)
    ),
    max_leaves=12,
)


def refused(body: str) -> tuple[str, str]:
    """Return the code and the path of why a body was refused."""
    refusal = read_json(body.encode())
    assert isinstance(refusal, Refusal), refusal
    return refusal.code, refusal.field


def nested(levels: int) -> Json:
    """Return a number inside as many arrays."""
    value: Json = 1
    for _ in range(levels):
        value = [value]
    return value


def are_equal(one: Json, other: Json) -> bool:
    """Return whether two JSON values are the same, by the letter of RFC 8259."""
    if kind_of(one) != kind_of(other):
        return False
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(are_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(are_equal, one, other))
    return one == other


class TestReadJson:
    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("0", 0),
            ("-0", 0),
            ("9007199254740993", 9007199254740993),
            ("123456789012345678", 123456789012345678),
            ("1234567890123456789", Decimal("1234567890123456789")),
            ("0.1", Decimal("0.1")),
            ("120.50", Decimal("120.50")),
            ("1E2", Decimal("1E+2")),
            ("5e-324", Decimal("5e-324")),
            ("1e308", Decimal("1e308")),
            ("9" * 400, Decimal("9" * 400)),
        ],
    )
    def test_keeps_numbers_exact(self, written: str, read: int | Decimal) -> None:
        value = read_json(written.encode())
        assert type(value) is type(read)
        assert str(value) == str(read)

    @pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
    def test_refuses_what_is_no_finite_number_with_its_path(self, word: str) -> None:
        body = f'{{"a": 1, "events": [{{}}, {{"metadata": {{"b": [1, {word}]}}}}]}}'
        assert refused(body) == ("number_not_finite", "events[1].metadata.b[1]")

    @pytest.mark.parametrize(
        "number",
        ["9" * 1001, "0." + "1" * 1000, "1e1000", "1e-1001", "1e999999999", "-1e" + "9" * 30],
        ids=lambda number: number[:12],
    )
    def test_refuses_a_number_that_is_too_long_with_its_path(self, number: str) -> None:
        assert refused(f'{{"a": {{"b": {number}}}}}') == ("number_too_long", "a.b")

    def test_shows_a_path_that_can_be_stored(self) -> None:
        assert refused('{"\\u0000\\ud800": NaN}') == ("number_not_finite", "\ufffd\ufffd")
        assert refused(f'{{"{"k" * 5000}": NaN}}') == ("number_not_finite", "k" * 100)

    def test_knows_no_path_in_a_body_that_breaks_off(self) -> None:
        assert refused('{"a": NaN, "b": ') == ("number_not_finite", "")

    @pytest.mark.parametrize(
        "body",
        ["", " ", "{", '{"a":}', "{'a': 1}", "01", "+1", ".5", "1.", "[1,]", '"\n"', "\ufeff{}"],
    )
    def test_refuses_what_is_no_json(self, body: str) -> None:
        assert refused(body) == ("invalid_json", "")

    def test_refuses_what_is_not_utf_8(self) -> None:
        assert read_json(b'{"a": "\xff"}') == Refusal(
            code=RefusalCode.INVALID_JSON,
            message="The body is not UTF-8: byte 7 can't be read.",
        )

    @pytest.mark.parametrize("levels", [65, 500, 100_000])
    def test_refuses_a_body_that_is_nested_too_deep(self, levels: int) -> None:
        assert refused("[" * levels + "]" * levels) == ("too_deep", "")
        assert refused('{"a":' * levels + "1" + "}" * levels) == ("too_deep", "")

    def test_reads_a_body_of_many_shallow_objects(self) -> None:
        assert read_json(b"[" + b"{}," * 1000 + b"[]]") == [{}] * 1000 + [[]]

    @settings(deadline=None)
    @given(body=st.binary(max_size=40) | st.text().map(str.encode))
    def test_never_raises(self, body: bytes) -> None:
        value = read_json(body)
        assert isinstance(value, Refusal) or kind_of(value)

    @settings(deadline=None)
    @given(value=json_values)
    def test_reads_what_write_json_wrote(self, value: Json) -> None:
        read = read_json(write_json(value))
        assert not isinstance(read, Refusal)
        assert are_equal(read, value)


class TestRepeatedKey:
    @pytest.mark.parametrize(
        ("body", "path"),
        [
            ('{"a": 1, "a": 1}', "a"),
            ('{"a": {"b": 1, "c": 2, "b": 3}}', "a.b"),
            ('{"a": [1, [{"x": 1}, {"x": {"y": 1, "y": 2}}]]}', "a[1][1].x.y"),
            ('[{"a": 1}, {"a": 1, "a": 2}]', "[1].a"),
            ('{"a": 1, "b": {"a": 1}}', ""),
            ('[{"a": 1}, {"a": 1}]', ""),
            ('"a"', ""),
            ('{"": 1, "": 2}', '""'),
            ('{"\\ud800": 1, "\\ud800": 2}', "\ufffd"),
        ],
    )
    def test_is_found_with_its_path(self, body: str, path: str) -> None:
        value = read_json(body.encode())
        assert not isinstance(value, Refusal)
        assert repeated_key(value) == path

    def test_holds_the_last_value(self) -> None:
        assert read_json(b'{"a": 1, "b": 2, "a": 3}') == {"a": 3, "b": 2}


class TestMetadataRefusal:
    @pytest.mark.parametrize(
        ("metadata", "code", "path"),
        [
            ({"a": "x\x00"}, "invalid_text", "metadata.a"),
            ({"a": ["x", "\ud800"]}, "invalid_text", "metadata.a[1]"),
            ({"a": {"b": [{"c": "\udfff"}]}}, "invalid_text", "metadata.a.b[0].c"),
            ({"a": {"\x00": 1}}, "invalid_text", "metadata.a"),
            ({"\ud800": 1}, "invalid_text", "metadata"),
            ({"": 1}, "invalid_field", "metadata"),
            ({"k" * 101: 1}, "metadata_key_too_long", "metadata"),
            ({"a": "s" * 8193}, "string_too_long", "metadata.a"),
            ({"a": "€" * 2731}, "string_too_long", "metadata.a"),
            ({"a": ["s" * 8193]}, "string_too_long", "metadata.a[0]"),
            ({"a": [0] * 2001}, "array_too_long", "metadata.a"),
            ({"a": {"b": [0] * 2001}}, "array_too_long", "metadata.a.b"),
            ({"a": {str(number): 0 for number in range(2001)}}, "array_too_long", "metadata.a"),
            ({"a": nested(9)}, "too_deep", "metadata.a" + "[0]" * 8),
            ({str(number): 0 for number in range(65)}, "too_many_fields", "metadata"),
        ],
    )
    def test_names_the_limit_and_the_path(
        self, metadata: dict[str, Json], code: str, path: str
    ) -> None:
        refusal = metadata_refusal(metadata)
        assert refusal is not None
        assert (refusal.code, refusal.field) == (code, path)
        assert refusal.message.endswith(".")

    @pytest.mark.parametrize(
        "metadata",
        [
            {},
            {"a": 1, "b": Decimal("1e300"), "c": True, "d": None, "e": ""},
            {"k" * limits.METADATA_KEY_CHARACTERS: 1},
            {"a": "s" * limits.STRING_BYTES, "b": "€" * 2730},
            {"a": [0] * limits.ARRAY_ELEMENTS},
            {"a": nested(limits.DEPTH_LEVELS)},
            {str(number): 0 for number in range(limits.FIELDS_PER_EVENT)},
            {"a": "line\nbreak\tand \x7f \u200b 🎁"},
        ],
        ids=lambda metadata: str(metadata)[:20],
    )
    def test_is_none_at_the_limits(self, metadata: dict[str, Json]) -> None:
        assert metadata_refusal(metadata) is None

    def test_takes_fewer_fields_where_a_wire_does(self) -> None:
        refusal = metadata_refusal({"a": 1, "b": 2, "c": 3}, most_fields=2, path="events.buy")
        assert refusal is not None
        assert refusal.message == "The event has 3 metadata fields; at most 2 are taken."
        assert refusal.field == "events.buy"

    @given(metadata=st.dictionaries(texts, json_values, max_size=4))
    def test_lets_nothing_pass_that_cannot_be_stored(self, metadata: dict[str, Json]) -> None:
        # json.dumps would hide a half surrogate pair behind an escape; UTF-8 has none.
        if metadata_refusal(metadata) is None:
            written = write_json(metadata)
            assert b"\\u0000" not in written.replace(b"\\\\", b"")


class TestTextRefusal:
    @given(text=st.text(st.characters()))
    def test_is_given_exactly_for_texts_that_databases_do_not_hold(self, text: str) -> None:
        holds_no = "\x00" in text or any(0xD800 <= ord(one) <= 0xDFFF for one in text)
        assert (text_refusal(text, "a") is not None) == holds_no

    def test_says_which_character(self) -> None:
        assert text_refusal("a\ud83c", "b") == Refusal(
            code=RefusalCode.INVALID_TEXT,
            message="The text holds U+D83C, which can't be stored.",
            field="b",
        )


class TestNumberIn:
    @pytest.mark.parametrize(
        "text", ["0", "-0", "100", "12.50", "-1.5e3", "1E-2", "9007199254740993", "9" * 400]
    )
    def test_is_the_exact_number_of_a_text(self, text: str) -> None:
        assert str(number_in(text)) == str(Decimal(text))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "0012",
            "+5",
            " 5",
            "5\n",
            "0x1f",
            "1,5",
            ".5",
            "5.",
            "1_000",
            "٣",
            "NaN",
            "Infinity",
            "-",
            "1e",
            "1e1000",
            "1e99999999999999999999999",
            "9" * 1001,
        ],
        ids=lambda text: repr(text[:12]),
    )
    def test_is_none_for_another_text(self, text: str) -> None:
        assert number_in(text) is None

    @given(text=texts | st.from_regex(r"-?[0-9.eE+-]{1,8}", fullmatch=True))
    def test_follows_the_grammar_of_json(self, text: str) -> None:
        try:
            is_number = type(json.loads(text)) in (int, float) and text == text.strip()
        except ValueError:
            is_number = False
        exponent = text.lower().partition("e")[2].lstrip("+-0")
        if len(exponent) < 3 and text not in ("NaN", "Infinity", "-Infinity"):
            assert (number_in(text) is not None) == is_number


class TestExactNumber:
    @pytest.mark.parametrize(
        "text",
        ["0", "1", "-1.10", "9" * 30, "1e29", "-1e29", "1e-30", "0." + "9" * 30, "9" * 15 + ".5"],
    )
    def test_enters_the_statistics(self, text: str) -> None:
        assert exact_number(Decimal(text)) == Decimal(text)

    @pytest.mark.parametrize(
        "text", ["1e30", "-1e30", "1" + "0" * 30, "1e-31", "1." + "1" * 30, "1e300", "5e-324"]
    )
    def test_is_counted_apart(self, text: str) -> None:
        assert exact_number(Decimal(text)) is None

    def test_takes_integers(self) -> None:
        assert exact_number(10**30 - 1) == 10**30 - 1
        assert exact_number(10**30) is None


class TestKindOf:
    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            (None, "null"),
            (True, "boolean"),
            (0, "number"),
            (Decimal("1.5"), "number"),
            ("1", "text"),
            ([], "array"),
            ({}, "object"),
        ],
    )
    def test_is_that_of_json(self, value: Json, kind: str) -> None:
        assert kind_of(value) == kind


class TestAsDeclared:
    @pytest.mark.parametrize(
        ("value", "declared", "read"),
        [
            ("12.50", "number", Decimal("12.50")),
            ("12.50", "auto", "12.50"),
            ("12.50", "text", "12.50"),
            ("twelve", "number", "twelve"),
            (12, "number", 12),
            (12, "text", 12),
            (True, "number", True),
            (None, "number", None),
        ],
    )
    def test_reads_numeric_text_only_where_a_number_is_declared(
        self, value: Json, declared: FieldType, read: Json
    ) -> None:
        assert as_declared(value, declared) == read
        assert type(as_declared(value, declared)) is type(read)


class TestCanonical:
    @settings(deadline=None)
    @given(one=json_values, other=json_values)
    def test_is_equal_exactly_for_equal_json(self, one: Json, other: Json) -> None:
        same = write_json(canonical(one)) == write_json(canonical(other))
        assert same == are_equal(one, other)

    @given(value=json_values)
    def test_is_the_same_after_a_journey_through_json(self, value: Json) -> None:
        read = read_json(write_json(value))
        assert not isinstance(read, Refusal)
        assert write_json(canonical(read)) == write_json(canonical(value))

    @given(pairs=st.dictionaries(texts, numbers, min_size=2).map(lambda read: [*read.items()]))
    def test_does_not_depend_on_the_order_of_keys(
        self, pairs: list[tuple[str, int | Decimal]]
    ) -> None:
        forth, back = dict(pairs), dict(reversed(pairs))
        assert write_json(canonical(forth)) == write_json(canonical(back))

    @pytest.mark.parametrize("written", ["1", "1.0", "1e0", "0.1e1", "10e-1", "1.000", "100E-2"])
    def test_knows_a_number_in_every_spelling(self, written: str) -> None:
        value = read_json(written.encode())
        assert not isinstance(value, Refusal)
        assert canonical(value) == canonical(1)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (1, "1"),
            (1, True),
            (0, False),
            (0, None),
            ("", None),
            ([], {}),
            ([1, 2], [2, 1]),
            ({"a": None}, {}),
            (1, {"n": "1e0"}),
            ({"n": "1e0"}, {"n": ["1e0"]}),
            (1, -1),
            (9007199254740992, 9007199254740993),
        ],
    )
    def test_keeps_apart_what_differs(self, one: Json, other: Json) -> None:
        assert canonical(one) != canonical(other)
