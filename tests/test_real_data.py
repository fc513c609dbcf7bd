"""Real events through the whole installation, as an operator imports them, beside exact answers."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests import databases
from tests.running import Client, Installation, installation

DATA = "grocery_loyalty.ndjson.gz"
EXPECTED = "grocery_loyalty.expected.json"
FIRST, LAST = "2016-11-01", "2018-01-31"
DOLLARS, PRIVATE = "2 points per 1 of sales_value", "1 point for private brands"
POINTS = 432_843 + 21_634
ROWS = 83_691
PERCENTILE_TOLERANCE = 0.02  # of the value
SET_UP = {
    "rules": [
        {
            "name": DOLLARS,
            "state": "live",
            "definition": {
                "trigger": "purchase_line",
                "award": {
                    "per_unit": {
                        "points": 2,
                        "per": "1",
                        "field": "event.sales_value",
                        "step": "exact",
                        "rounding": "floor",
                    }
                },
            },
        },
        {
            "name": PRIVATE,
            "state": "live",
            "definition": {
                "trigger": "purchase_line",
                "when": {
                    "combinator": "and",
                    "rules": [{"field": "event.brand", "operator": "=", "value": "Private"}],
                },
                "award": {"fixed": 1},
            },
        },
    ]
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grocery:
    """An installation that has imported the real events, at work."""

    installation: Installation
    client: Client
    api_key: str
    imported: dict[str, Any]
    file: Path
    expected: dict[str, Any]

    def get(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1/{path}", x_api_key=self.api_key)
        assert answer.status == 200, answer
        return answer.body

    def statistics(self, event: str, field: str) -> Any:
        return self.get(
            f"event-types/{quote(event)}/fields/{quote(field)}/statistics"
            f"?from={FIRST}&to={LAST}&percentiles=25,50,75,95,99&top=20"
        )

    def fields(self) -> Iterator[tuple[str, str, Any]]:
        """Yield event, field and the exact answer."""
        for event, fields in self.expected["fields"].items():
            for field, answer in fields.items():
                yield event, field, answer

    def trend(self, event: str) -> Any:
        path = f"event-types/{event}/trend?interval=day&from={FIRST}&to={LAST}"
        return self.get(path)["points"]


@pytest.fixture(scope="module")
def grocery(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grocery]:
    folder = tmp_path_factory.mktemp("grocery")
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(databases.fresh(folder))
        made = installation(folder / "data", url)
        keys = made.last_line("create_project", "grocery", "--json")
        set_up = folder / "set_up.json"
        set_up.write_text(json.dumps(SET_UP))
        made.last_line("import_config", str(set_up), "--project", "grocery")
        imported = made.last_line("import_events", str(real_data / DATA), "--project", "grocery")
        made.last_line("roll_up")
        stack.enter_context(made.up())
        client = made.client()
        stack.callback(client.close)
        yield Grocery(
            installation=made,
            client=client,
            api_key=keys["api_key"],
            imported=imported,
            file=real_data / DATA,
            expected=json.loads((real_data / EXPECTED).read_text()),
        )


class TestTheImport:
    def test_takes_every_line(self, grocery: Grocery) -> None:
        counted = {name: count for name, count in grocery.imported.items() if name != "seconds"}

        assert counted == {"accepted": ROWS, "duplicate": 0, "discarded": 0, "rejected": 0}

    def test_gives_exactly_the_points_of_both_rules(self, grocery: Grocery) -> None:
        given = {
            event: sum(point["points_awarded"] for point in grocery.trend(event))
            for event in grocery.expected["events"]
        }

        assert given == {"campaign_received": 0, "coupon_redeemed": 0, "purchase_line": POINTS}

    def test_gives_each_customer_theirs(self, grocery: Grocery) -> None:
        rules = {rule["name"]: dict(rule["top_users"]) for rule in grocery.expected["rules"]}
        dollars = rules["two_points_per_dollar_line"]
        private = rules["private_brand_bonus"]
        known_in_both = dollars.keys() & private.keys()

        balances = {each: grocery.get(f"customers/{each}")["balance"] for each in known_in_both}

        assert balances
        assert balances == {each: dollars[each] + private[each] for each in known_in_both}


class TestTheStatistics:
    def test_count_every_row_of_every_field(self, grocery: Grocery) -> None:
        wrong = [
            (event, field, found, expected)
            for event, field, answer in grocery.fields()
            if (found := _counts_of(grocery.statistics(event, field)))
            != (expected := _expected_counts(answer))
        ]

        assert wrong == []

    def test_give_exact_figures_of_numbers(self, grocery: Grocery) -> None:
        wrong = [
            (event, field, name, number[name], exact)
            for event, field, answer in grocery.fields()
            if "number" in answer
            for number in [grocery.statistics(event, field)["number"]]
            for name, exact in _exact_figures(answer["number"]).items()
            if float(number[name]) != pytest.approx(exact, rel=1e-12)
        ]

        assert wrong == []

    def test_give_percentiles_within_their_bound(self, grocery: Grocery) -> None:
        wrong = [
            (event, field, percent, percentiles[percent], exact)
            for event, field, answer in grocery.fields()
            if "number" in answer
            for percentiles in [grocery.statistics(event, field)["number"]["percentiles"]]
            for percent in ("25", "50", "75", "95", "99")
            if percentiles[percent]
            != pytest.approx(exact := answer["number"][f"p{percent}"], rel=PERCENTILE_TOLERANCE)
        ]

        assert wrong == []

    def test_give_top_values_and_distinct_counts_of_texts(self, grocery: Grocery) -> None:
        wrong = []
        for event, field, answer in grocery.fields():
            if "string" not in answer:
                continue
            text, exact = grocery.statistics(event, field)["text"], answer["string"]
            assert text["count_error"] == 0  # no day of these has more than 1,000 values
            found = [[one["value"], one["count"]] for one in text["top"]]
            if found != exact["top"][:20] or text["distinct"] != exact["distinct"]:
                wrong.append((event, field, text["distinct"], exact["distinct"], found))
            assert sum(one["count"] for one in text["top"]) + text["other"] == exact["n"]

        assert wrong == []

    def test_count_the_events_of_each_day(self, grocery: Grocery) -> None:
        for event, days in grocery.expected["events_per_day"].items():
            found = {
                point["at"][:10]: point["events"]
                for point in grocery.trend(event)
                if point["events"]
            }
            assert found == days


class TestASecondImport:
    def test_changes_nothing(self, grocery: Grocery) -> None:
        before = [grocery.statistics(event, field) for event, field, _ in grocery.fields()]
        made = grocery.installation

        again = made.last_line("import_events", str(grocery.file), "--project", "grocery")
        made.last_line("roll_up")
        after = [grocery.statistics(event, field) for event, field, _ in grocery.fields()]

        assert (again["accepted"], again["duplicate"], again["rejected"]) == (0, ROWS, 0)
        assert [_without_moments(each) for each in after] == [
            _without_moments(each) for each in before
        ]
        assert made.last_line("verify_ledger")["differences"] == 0
        assert made.last_line("rebuild_rollups", "--check")["differences"] == 0


def _counts_of(statistics: Any) -> dict[str, int]:
    counts = {name: statistics[name] for name in ("rows", "missing", "null")}
    return counts | {kind: count for kind, count in statistics["types"].items() if count}


def _expected_counts(answer: Any) -> dict[str, int]:
    names = {"string": "text"}
    kinds = {names.get(kind, kind): count for kind, count in answer["types"].items()}
    kinds.pop("null", None)
    return {name: answer[name] for name in ("rows", "missing", "null")} | kinds


def _exact_figures(number: Any) -> dict[str, float]:
    names = {
        "count": "n",
        "sum": "sum",
        "min": "min",
        "max": "max",
        "mean": "mean",
        "std": "std_sample",
        "std_population": "std_pop",
    }
    return {ours: number[theirs] for ours, theirs in names.items()}


def _without_moments(statistics: Any) -> Any:
    return {name: value for name, value in statistics.items() if name != "complete_to"}
