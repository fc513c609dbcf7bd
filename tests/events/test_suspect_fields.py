"""Fields that look personal, as the catalogue's pages tell and settle them."""

import pytest
from django.contrib.auth.models import User

from events.models import MetadataField, Project
from tests import make
from tests.staff_pages import Staff

pytestmark = pytest.mark.django_db


class TestASuspectField:
    @pytest.fixture
    def suspect(self, shop: Project) -> MetadataField:
        field = make.field(
            make.event_type(shop, "buy"),
            "contact",
            suspected="email,phone",
            created_automatically=True,
        )
        make.field(make.event_type(shop, "sell"), "amount")
        return field

    def test_is_told_in_words_on_its_event_type(self, suspect: MetadataField, alice: User) -> None:
        text = Staff(alice).open("events_eventtype_change", suspect.event_type_id).text

        assert "email addresses and phone numbers, though nobody has declared it" in text
        assert 'aria-label="Mark as personal, masked: contact"' in text
        # A button of the page's own form would be pressed by Enter in any of its texts.
        assert text.count('form="suspicion"') == 3
        assert '<form method="post" id="suspicion">' in text

    def test_is_found_by_the_filter(self, suspect: MetadataField, alice: User) -> None:
        staff = Staff(alice)
        listed = {
            query: staff.open("events_eventtype_changelist", **query_of).context["cl"].queryset
            for query, query_of in {"all": {}, "suspected": {"suspected": "yes"}}.items()
        }

        assert {name: len(rows) for name, rows in listed.items()} == {"all": 2, "suspected": 1}
        assert "contact" in staff.open("events_eventtype_changelist").text

    def test_is_counted_where_its_type_has_more_than_are_listed(
        self, suspect: MetadataField, alice: User
    ) -> None:
        def listed() -> str:
            return Staff(alice).open("events_eventtype_changelist").text

        def add(*names: str) -> None:
            for name in names:
                make.field(suspect.event_type, name, suspected="email", created_automatically=True)

        add("buyer", "payer")
        assert "contact, buyer, payer<" in listed()
        add("seller", "sender")
        assert "contact, buyer, payer and 2 more<" in listed()

    @pytest.mark.parametrize(
        ("choice", "becomes"),
        [
            ("mask", (True, "mask", "", False)),
            ("hash", (True, "hash", "", False)),
            ("dismiss", (False, "mask", "", True)),
        ],
    )
    def test_is_settled_by_a_button(
        self,
        suspect: MetadataField,
        alice: User,
        choice: str,
        becomes: tuple[object, ...],
    ) -> None:
        version = Project.objects.get(slug="shop").setup_version

        answer = Staff(alice).client.post(settling(suspect), {"suspicion": choice})

        suspect.refresh_from_db()
        assert answer.status_code == 302
        assert becomes == (
            suspect.personal,
            suspect.personal_as,
            suspect.suspected,
            suspect.suspicion_dismissed,
        )
        assert Project.objects.get(slug="shop").setup_version > version

    @pytest.mark.parametrize("values", [{}, {"suspicion": "other"}])
    def test_is_settled_by_nothing_else(
        self, suspect: MetadataField, alice: User, values: dict[str, str]
    ) -> None:
        client = Staff(alice).client

        assert client.post(settling(suspect), values).status_code == 404
        assert client.get(settling(suspect)).status_code == 405
        suspect.refresh_from_db()
        assert (suspect.personal, suspect.suspected) == (False, "email,phone")

    def test_is_no_stranger_s_to_settle(self, suspect: MetadataField, charlie: User) -> None:
        answer = Staff(charlie).client.post(settling(suspect), {"suspicion": "mask"})

        suspect.refresh_from_db()
        assert answer.status_code in {403, 404}
        assert not suspect.personal


def settling(field: MetadataField) -> str:
    return f"/admin/events/eventtype/{field.event_type_id}/fields/{field.pk}/suspicion/"
