"""What values look like."""

import pytest

from events.suspicion import Suspicion, has_check_digit, suspicions, words_of

CARD = "4111111111111111"  # every network's documentation tests with it


class TestSuspicions:
    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            ("ann@example.com", "email"),
            ("write to ann.bee+shop@mail.example.co.uk, please", "email"),
            ("+4917112345678", "phone"),
            ("+49 171 123-4567", "phone"),
            ("call +1 (555) 234-5678.", "phone"),
            ("0171 2345678", "phone"),
            ("030/1234567", "phone"),
            ("(555) 123-4567", "phone"),
            ("555-123-4567", "phone"),
            ("0049 171 1234567", "phone"),
            (CARD, "card"),
            ("4111 1111 1111 1111", "card"),
            ("5500-0000-0000-0004", "card"),
            ("340000000000009", "card"),
        ],
    )
    def test_are_raised_by(self, value: str, kind: Suspicion) -> None:
        assert suspicions([value]) == {kind}

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "ann@home",
            "@mention",
            "12345678",
            "1700000000000",
            "00491711234567",
            "ORD-2024-0001-1234",
            "1234-5678-9012",
            "2026-03-02",
            "2026-03-02 09:00:00",
            "2026-03-02T09:00:00+01:00",
            "1.10.2",
            "192.168.100.200",
            "978-3-16-148410-0",
            "550e8400-e29b-41d4-a716-446655440000",
            "48.137154,11.576124",
            "+48.137154",
            "4111111111111112",
            f"x{CARD}",
            f"{CARD}.5",
            f"{CARD}11111",
        ],
    )
    def test_are_not_raised_by(self, value: str) -> None:
        assert suspicions([value]) == frozenset()

    def test_take_long_numbers_for_cards_only_where_most_have_the_check_digit(self) -> None:
        order_numbers = [f"4{number:015}" for number in range(1, 60)]

        assert any(map(has_check_digit, order_numbers))
        assert suspicions(order_numbers) == frozenset()
        assert suspicions([CARD, "4012888888881881", order_numbers[0]]) == {"card"}

    def test_come_together(self) -> None:
        assert suspicions(["ann@example.com", CARD, "+4917112345678"]) == {"email", "phone", "card"}

    def test_are_told_in_words(self) -> None:
        assert words_of("card,email") == "email addresses and payment card numbers"
        assert words_of("") == ""
