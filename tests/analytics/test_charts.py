"""Tests of the figures."""

from collections.abc import Sequence

import plotly.express as px
import plotly.graph_objects as go
import pytest

from analytics import charts
from analytics.charts import Bar, Figure, Line


def histogram(edges: Sequence[float] = (0, 10, 20), counts: Sequence[int] = (3, 1)) -> Figure:
    return charts.histogram(edges, counts, title="price", unit="Values")


def lines(*values: Sequence[float | None], title: str = "price") -> Figure:
    moments = ["2026-03-01", "2026-03-02", "2026-03-03"]
    named = [Line(name=f"p{place}", values=line) for place, line in enumerate(values)]
    return charts.lines_over_time(moments, named, title=title, time="Day", axis="linear")


def ranking(*labels: str) -> Figure:
    bars = [Bar(label=label, count=9 - place) for place, label in enumerate(labels)]
    return charts.ranking(bars, unit="Events")


FIGURES = {
    "histogram": histogram(),
    "a histogram of one value": histogram(edges=(5, 5), counts=(4,)),
    "lines": lines([1, None, 2.5], [3, None, 4]),
    "shares": charts.lines_over_time(
        ["2026-03-02"],
        [Line(name="true", values=[0.25])],
        title="Share of true",
        time="Day",
        axis="share",
    ),
    "counts": charts.lines_over_time(
        ["2026-03-02"],
        [Line(name="Events", values=[25])],
        title="Events",
        time="Day",
        axis="count",
    ),
    "logarithmic lines": charts.lines_over_time(
        ["2026-03-01"], [Line(name="p50", values=[7])], title="x", time="Week", axis="log"
    ),
    "ranking": ranking("a", "b"),
    "a ranking of nothing": ranking(),
}


@pytest.fixture(params=list(FIGURES.values()), ids=list(FIGURES))
def figure(request: pytest.FixtureRequest) -> Figure:
    made: Figure = request.param
    return made


class TestFigure:
    def test_is_valid(self, figure: Figure) -> None:
        drawn = go.Figure(data=figure["data"], layout=figure["layout"])

        assert len(drawn.data) == len(figure["data"]) > 0

    def test_never_offers_to_send_data_to_a_server(self, figure: Figure) -> None:
        assert figure["config"] == {
            "showSendToCloud": False,
            "plotlyServerURL": "",
            "displaylogo": False,
            "responsive": True,
        }

    def test_names_both_axes(self, figure: Figure) -> None:
        for axis in ("xaxis", "yaxis"):
            named = figure["layout"][axis].get("title", {}).get("text")
            # The labels of a ranking say what they are.
            assert named or figure["layout"][axis].get("ticktext") is not None

    def test_has_colours_that_the_colour_blind_can_tell_apart(self, figure: Figure) -> None:
        for trace in figure["data"]:
            colour = trace.get("line", trace["marker"])["color"]
            assert colour in px.colors.qualitative.Safe


class TestHistogram:
    def test_has_a_bar_for_each_count(self) -> None:
        figure = histogram(edges=(0, 10, 20, 30), counts=(3, 0, 1))

        assert figure["data"][0]["x"] == [0, 1, 2]
        assert figure["data"][0]["y"] == [3, 0, 1]
        assert figure["data"][0]["hovertext"] == ["0 to 10: 3", "10 to 20: 0", "20 to 30: 1"]

    def test_names_the_edges_between_the_bars(self) -> None:
        ticks = histogram(edges=(0, 1500, 2_500_000), counts=(3, 1))["layout"]["xaxis"]

        assert ticks["tickvals"] == [-0.5, 0.5, 1.5]
        assert ticks["ticktext"] == ["0", "1.5k", "2.5M"]

    def test_names_no_more_edges_than_a_phone_shows(self) -> None:
        figure = histogram(edges=range(101), counts=range(100))

        assert figure["layout"]["xaxis"]["ticktext"] == ["0", "20", "40", "60", "80", "100"]

    @pytest.mark.parametrize(
        ("edges", "labels"),
        [
            ([10.0**power for power in range(-4, 17)], ["0.0001", "10", "1M", "100B", "1e+16"]),
            (
                [1_712_345_000 + bar for bar in range(21)],
                ["1.712345B", "1.71234501B", "1.71234502B"],
            ),
            ([1.25e-9 * bar for bar in range(1, 7)], ["1.25e-09", "3.75e-09", "7.5e-09"]),
        ],
        ids=["some", "long", "few bars"],
    )
    def test_names_fewer_edges_where_their_labels_are_long(
        self, edges: list[float], labels: list[str]
    ) -> None:
        figure = histogram(edges=edges, counts=[1] * (len(edges) - 1))

        assert figure["layout"]["xaxis"]["ticktext"] == labels

    def test_leaves_room_beside_the_axis_for_half_a_label(self) -> None:
        layout = histogram(edges=(-1.23456789012e-5, -1.23456789011e-5), counts=(1,))["layout"]

        assert layout["margin"]["r"] == 4 * max(map(len, layout["xaxis"]["ticktext"]))

    def test_of_equal_numbers_names_the_number(self) -> None:
        ticks = histogram(edges=(5, 5), counts=(4,))["layout"]["xaxis"]

        assert (ticks["tickvals"], ticks["ticktext"]) == ([0], ["5"])

    def test_has_one_edge_more_than_counts(self) -> None:
        with pytest.raises(ValueError, match="argument 3 is longer"):
            histogram(edges=(0, 1), counts=(1, 2))


class TestEdgeLabels:
    @pytest.mark.parametrize(
        ("numbers", "labels"),
        [
            ([0.001, 0.25, 1], ["0.001", "0.25", "1"]),
            ([-1e6, 0, 1e6], ["-1M", "0", "1M"]),
            ([1_712_345_678, 1_712_345_999], ["1.7123457B", "1.712346B"]),
            ([1e18, 2e18], ["1e+18", "2e+18"]),
        ],
        ids=["small", "negative", "close together", "huge"],
    )
    def test_differ_where_the_numbers_do(self, numbers: list[float], labels: list[str]) -> None:
        assert charts.edge_labels(numbers) == labels


class TestLinesOverTime:
    def test_break_where_a_value_is_missing(self) -> None:
        trace = lines([1, None, 2])["data"][0]

        assert trace["x"] == ["2026-03-01", "2026-03-02", "2026-03-03"]
        assert trace["y"] == [1, None, 2]
        assert trace["connectgaps"] is False

    def test_differ_in_colour_and_in_dash(self) -> None:
        styles = [trace["line"] for trace in lines(*[[1, 2, 3]] * charts.MOST_LINES)["data"]]

        assert len({style["color"] for style in styles}) == charts.MOST_LINES
        assert len({style["dash"] for style in styles}) == charts.MOST_LINES

    def test_are_no_more_than_can_be_told_apart(self) -> None:
        with pytest.raises(ValueError, match="6 lines can't be told apart"):
            lines(*[[1, 2, 3]] * 6)

    def test_show_markup_in_a_name_as_it_is(self) -> None:
        title = lines([1, 2, 3], title="a<br>b & c")["layout"]["yaxis"]["title"]["text"]

        assert title == "a&lt;br&gt;b &amp; c"


class TestAxis:
    @pytest.mark.parametrize(
        ("values", "ticks"), [([10, 900], "D2"), ([10, 10_000], None), ([None], None)]
    )
    def test_has_few_ticks_on_a_short_log_scale(
        self, values: list[float | None], ticks: str | None
    ) -> None:
        figure = charts.lines_over_time(
            ["2026-03-02"] * len(values),
            [Line(name="p50", values=values)],
            title="price",
            time="Day",
            axis="log",
        )

        assert figure["layout"]["yaxis"].get("dtick") == ticks

    def test_of_counts_starts_at_zero(self) -> None:
        figure = charts.lines_over_time(
            ["2026-03-02"],
            [Line(name="Events", values=[100])],
            title="Events",
            time="Day",
            axis="count",
        )

        assert figure["layout"]["yaxis"]["rangemode"] == "tozero"


class TestRanking:
    def test_begins_at_the_top(self) -> None:
        figure = ranking("first", "second")

        assert figure["data"][0]["y"] == [0, 1]
        assert figure["data"][0]["x"] == [9, 8]
        assert figure["layout"]["yaxis"]["ticktext"] == ["first", "second"]
        assert figure["layout"]["yaxis"]["autorange"] == "reversed"

    def test_keeps_values_apart_that_are_cut_to_one_label(self) -> None:
        figure = ranking("a" * 30 + "1", "a" * 30 + "2")

        assert figure["layout"]["yaxis"]["ticktext"] == ["a" * 19 + "…"] * 2
        assert figure["data"][0]["y"] == [0, 1]
        assert figure["data"][0]["hovertext"] == ["a" * 30 + "1: 9", "a" * 30 + "2: 8"]

    def test_shows_markup_in_a_value_as_it_is(self) -> None:
        figure = ranking("<b>x</b>", "")

        assert figure["layout"]["yaxis"]["ticktext"] == ["&lt;b&gt;x&lt;/b&gt;", "(empty)"]
        assert figure["data"][0]["hovertext"][0] == "&lt;b&gt;x&lt;/b&gt;: 9"

    def test_keeps_values_apart_that_differ_in_spaces(self) -> None:
        figure = ranking(" ", "   ", "a")

        assert figure["layout"]["yaxis"]["ticktext"] == ["“ ”", "“   ”", "a"]

    def test_grows_with_its_bars(self) -> None:
        assert ranking(*"abcdef")["layout"]["height"] > ranking("a")["layout"]["height"]


class TestVisible:
    @pytest.mark.parametrize("text", ["a", "a b", "山田　太郎", "\N{WOMAN}\u200d\N{ROCKET}", "“a”"])
    def test_is_a_text_that_shows(self, text: str) -> None:
        assert charts.visible(text) == text

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("", "(empty)"),
            (" ", "“ ”"),
            ("  ", "“  ”"),
            ("\t\n", r"“\t\n”"),
            ("\u00a0", r"“\xa0”"),
            ("\u200b", r"“\u200b”"),
            (" a", "“ a”"),
            ("a ", "“a ”"),
            ("a  b", "“a  b”"),
            ("a\nb", r"“a\nb”"),
        ],
    )
    def test_quotes_blanks_that_would_not_show(self, text: str, shown: str) -> None:
        assert charts.visible(text) == shown


class TestMarkedLine:
    def test_draws_a_marked_value_hollow_and_says_why(self) -> None:
        line = charts.Line(name="a", values=[1, 2], marks=["", "so far"])

        figure = charts.lines_over_time(
            ["2026-03-01", "2026-03-02"], [line], title="a", time="Day", axis="count"
        )

        [trace] = figure["data"]
        assert trace["marker"]["symbol"] == ["circle", "circle-open"]
        assert trace["text"] == ["", " (so far)"]
