"""Emails and phones, in the one form in which customers are known by them."""

import ast
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from events.identities import is_email, is_phone, normal_email, normal_phone
from events.models import Customer, Identity, IdentityClaim, Project
from events.projects import NewProject
from tests.calling import Caller, buy


class TestAnEmail:
    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ("ada@x.test", "ada@x.test"),
            ("  Ada@X.Test\n", "ada@x.test"),
            ("ÅSA@x.test", "åsa@x.test"),
            ("İ@x.test", "i@x.test"),
            (" ", ""),
        ],
    )
    def test_is_trimmed_and_in_lower_case(self, written: str, kept: str) -> None:
        assert normal_email(written) == kept

    @given(st.text())
    def test_has_one_form_no_longer_than_it_was(self, text: str) -> None:
        kept = normal_email(text)
        assert normal_email(kept) == kept
        assert len(kept) <= len(text)

    @pytest.mark.parametrize(
        "text",
        ["ann@example.com", "a+b@x.test", "åsa@mail.x.test", "root@localhost", "a@[127.0.0.1]"],
    )
    def test_looks_like_one(self, text: str) -> None:
        assert is_email(text)

    @pytest.mark.parametrize(
        "text",
        [
            *("", "n/a", "-", "none", "@", "@x.test", "a@", "none@none", "a@.", "a@x.", "a@.x"),
            *(
                "a@x..test",
                "a@b@x.test",
                "a b@x.test",
                "a@x .test",
                "a@x.test\n",
                "a\u00a0b@x.test",
            ),
        ],
    )
    def test_is_not_what_strangers_share(self, text: str) -> None:
        assert not is_email(text)


class TestAPhone:
    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ("+4930123456", "+4930123456"),
            ("0049 (30) 12-34.56", "+4930123456"),
            ("+49\u00a030\u2011123456", "+4930123456"),
            ("030 123456", "030123456"),
            ("123456", "123456"),
            ("+ - ()", ""),
            ("none", ""),
            ("00", ""),
            ("٠٠٤٩ ٣٠ ١٢٣٤٥٦", "+4930123456"),
            ("+४९\uff130123456", "+4930123456"),
        ],
    )
    def test_is_its_digits(self, written: str, kept: str) -> None:
        assert normal_phone(written) == kept

    @given(st.text(alphabet="0+1 -().x٠३\uff10²") | st.text())
    def test_has_one_form_no_longer_than_it_was(self, text: str) -> None:
        kept = normal_phone(text)
        assert normal_phone(kept) == kept
        assert len(kept) <= len(text)

    @pytest.mark.parametrize("text", ["12345", "+4930123456", "030/123456", "123456789012345"])
    def test_looks_like_one(self, text: str) -> None:
        assert is_phone(normal_phone(text))

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "",
                "n/a",
                "+",
                "+0",
                "+1",
                "1234",
                "+000000",
                "00000000",
                "99999",
                "٠٠٠٠٠٠",
                "0٠0٠00",
            ),
            "1234567890123456",
        ],
    )
    def test_is_not_what_strangers_share(self, text: str) -> None:
        assert not is_phone(normal_phone(text))


@pytest.mark.django_db
class TestACustomer:
    def test_is_found_however_its_names_are_written(self, shop_keys: NewProject) -> None:
        caller = Caller(keys=shop_keys)
        for email, phone in [("Ada@X.test", "+49 30 12"), (" ada@x.TEST", "0049-30-12")]:
            for identities in ({"email": email}, {"email": email, "phone": phone}):
                caller.send_one(buy(identities=identities) | {"customer": None})

        assert Customer.objects.count() == 1
        assert set(Identity.objects.values_list("kind", "value")) == {
            ("email", "ada@x.test"),
            ("phone", "+493012"),
        }

    def test_has_a_phone_with_digits(self, shop_keys: NewProject) -> None:
        event = buy("c-1", identities={"phone": "unknown"})

        error = Caller(keys=shop_keys).send_one(event, 422)["error"]

        assert (error["code"], error["field"]) == ("invalid_field", "identities.phone")

    def test_without_a_name_but_blanks_is_none(self, shop_keys: NewProject) -> None:
        event = buy("c-1", identities={"email": "  "}) | {"customer": None}

        assert Caller(keys=shop_keys).send_one(event, 422)["error"]["field"] == "customer"


@pytest.mark.django_db
class TestTheMigration:
    def test_normalises_what_was_stored(self, shop: Project, other: Project) -> None:
        ada, bob, eve = (
            Customer.objects.create(project=shop, label=n) for n in ("ada", "bob", "eve")
        )
        stranger = Customer.objects.create(project=other, label="stranger")
        for customer, kind, value in [
            (ada, "external_id", "ADA"),
            (ada, "email", "Ada@X.test"),
            (ada, "phone", "0049 30 1"),
            (bob, "email", "bob@x.test"),
            (eve, "email", "BOB@x.test"),
            (eve, "phone", "none"),
            (stranger, "email", "Bob@x.test"),
        ]:
            Identity.objects.create(
                project=customer.project, customer=customer, kind=kind, value=value
            )

        import_module("events.migrations.0013_normal_identities").normalise(apps, None)

        assert set(Identity.objects.values_list("customer__label", "value")) == {
            ("ada", "ADA"),
            ("ada", "ada@x.test"),
            ("ada", "+49301"),
            ("bob", "bob@x.test"),
            ("eve", "BOB@x.test"),
            ("eve", "none"),
            ("stranger", "bob@x.test"),
        }
        claim = IdentityClaim.objects.get()
        assert (claim.customer, claim.value) == (eve, "bob@x.test")


@pytest.mark.once
class TestEveryWire:
    def test_reads_names_in_one_place(self) -> None:
        """Elsewhere in the wires nobody builds an identity with an email or a phone."""
        wires = Path(settings.BASE_DIR) / "events" / "wires"
        built = [
            f"{path.relative_to(wires)}:{node.lineno}"
            for path in sorted(wires.rglob("*.py"))
            if path.name != "reading.py"
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "Identity"
            and {keyword.arg for keyword in node.keywords} & {"email", "phone"}
        ]

        assert built == []
