"""Differences between channels: against R's survey, by hand, and what they leave out."""

import csv
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from pipelines.estimate import ScoreOptions, TallySpec, inner_nodes, mode_effects, tally
from pipelines.model.method import Combination, Level, Node

FOLDER = Path(__file__).parents[1] / "scenarios" / "mode_effect"
ITEMS = ("q1", "q2")
TREE = Node("ALL", Level.INDEX, "", "", Combination.POOLED, tuple(Node(i, Level.ITEM, i, i) for i in ITEMS))
TOP2 = {code: 100.0 * (code >= 4) for code in range(1, 6)}


def effects(data: pd.DataFrame, population: dict[str, int] | None = None, psu: str = "", **options) -> list[dict]:
    spec = TallySpec(
        items=ITEMS,
        measures={"top2": TOP2},
        options=dict.fromkeys(ITEMS, (1, 2, 3, 4, 5)),
        nodes=inner_nodes(TREE),
        strata=("stratum",),
        psu=psu,
        breakdowns=("channel",),
    )
    table = pa.Table.from_pandas(data.astype(dict.fromkeys(ITEMS, "Int8")), preserve_index=False)
    frame = population and pa.table(
        {
            "unit_code": ["01"] * len(population),
            "stratum": list(population),
            "population": list(population.values()),
        }
    )
    counted = tally(table.to_batches(), spec)
    return mode_effects(counted, spec, TREE, frame, options=ScoreOptions(**options)).to_pylist()


@pytest.fixture
def desks() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "desks.csv").assign(unit_code="01")


PEOPLE = {"ho_tich": 60, "chung_thuc": 90, "dat_dai": 30}
ANSWERS = list(csv.DictReader((FOLDER / "answers.csv").open(encoding="utf-8")))


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: f"{a['design']}-{a['item']}-{a['kind']}")
def test_difference_and_standard_error_are_those_of_r_survey(desks, answer):
    found = effects(desks, PEOPLE, "psu" if answer["design"] == "clusters" else "")
    row = next(row for row in found if row["node_code"] == {"one": "q1", "two": "q2"}[answer["item"]])
    prefix = "adjusted_" if answer["kind"] == "adjusted" else ""
    assert row[f"{prefix}difference"] == pytest.approx(float(answer["difference"]), rel=1e-9)
    assert row[f"{prefix}se"] == pytest.approx(float(answer["se"]), rel=1e-9)


def test_all_answers_of_r_are_compared():
    assert len(ANSWERS) == 8


def answers(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    """Rows of stratum, channel, satisfied, dissatisfied; both items alike."""
    records = [
        ("01", stratum, channel, code, code)
        for stratum, channel, yes, no in rows
        for code, times in ((5, yes), (1, no))
        for _ in range(times)
    ]
    return pd.DataFrame(records, columns=["unit_code", "stratum", "channel", *ITEMS])


# Both channels satisfy 80 % in stratum a and 40 % in stratum b; the kiosk stands where a is.
SAME_WITHIN = answers(("a", "kiosk", 32, 8), ("a", "portal", 8, 2), ("b", "kiosk", 4, 6), ("b", "portal", 16, 24))


def test_a_difference_that_strata_explain_is_gone_when_adjusted():
    row = next(row for row in effects(SAME_WITHIN) if row["node_code"] == "ALL")
    assert (row["score"], row["reference_score"]) == (72, 48)
    assert row["difference"] == pytest.approx(24)
    assert row["adjusted_difference"] == pytest.approx(0, abs=1e-12)
    assert row["adjusted_ci_low"] < 0 < row["adjusted_ci_high"]
    assert (row["n"], row["reference_n"], row["strata_compared"], row["share_compared"]) == (50, 50, 2, 1.0)
    assert row["df"] == 98


def test_an_adjusted_difference_weighs_strata_by_their_people():
    # a: 90 − 50 = 40 points among 300 people, b: 60 − 70 = −10 among 100: (3 · 40 − 10)/4
    data = answers(("a", "kiosk", 9, 1), ("a", "portal", 5, 5), ("b", "kiosk", 6, 4), ("b", "portal", 7, 3))
    row = effects(data, {"a": 300, "b": 100})[0]
    assert row["adjusted_difference"] == pytest.approx(27.5)
    # by hand: with the stratum's variance p(1 − p)·100² summed over its 20, n/(n − 1) = 20/19
    a, b = 9 * 1 / 10**3 + 5 * 5 / 10**3, 6 * 4 / 10**3 + 7 * 3 / 10**3
    assert row["adjusted_se"] == pytest.approx(100 * ((0.75**2 * a + 0.25**2 * b) * 20 / 19) ** 0.5)


def test_channels_without_a_common_stratum_have_no_adjusted_difference():
    row = effects(answers(("a", "kiosk", 30, 10), ("b", "portal", 20, 20)))[0]
    assert row["difference"] == pytest.approx(25)
    assert row["adjusted_difference"] is None and row["adjusted_se"] is None and row["adjusted_ci_low"] is None
    assert (row["strata_compared"], row["share_compared"]) == (0, 0.0)


def test_few_answers_in_one_channel_flag_the_comparison():
    found = effects(answers(("a", "kiosk", 40, 10), ("a", "portal", 3, 2)))[0]
    assert found["flag"] == "suppress" and "n" in found["flag_reason"].split(";")
    assert effects(SAME_WITHIN)[0]["flag"] == "ok"


def test_one_channel_or_none_in_the_tally_gives_no_row():
    assert effects(answers(("a", "kiosk", 5, 5))) == []


def test_three_channels_are_compared_in_pairs():
    data = answers(("a", "kiosk", 5, 5), ("a", "portal", 6, 4), ("a", "paper_desk", 7, 3))
    pairs = {(row["channel"], row["reference_channel"]): row["difference"] for row in effects(data)}
    assert pairs == {
        ("kiosk", "paper_desk"): pytest.approx(-20),
        ("kiosk", "portal"): pytest.approx(-10),
        ("paper_desk", "portal"): pytest.approx(10),
    }
