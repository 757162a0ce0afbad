"""Published figures that can be worked out again, read where they lie; listed in docs/methods/published-figures.md."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.estimate import published_scores
from pipelines.estimate.indicators import affine
from pipelines.estimate.interval import quantile
from pipelines.estimate.tree import coefficients
from pipelines.formats.numbers import round_half_up
from pipelines.methods import load_method, load_score_layout
from pipelines.model.method import Method

Rows = list[dict[str, str]]


def table(reference: Path, name: str) -> Rows:
    with (reference / name).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def printed(value: float, decimals: int = 2) -> float:
    return float(round_half_up(value, decimals))


def components(reference: Path, year: str) -> dict[str, float]:
    rows = table(reference, "published/sipas_national_components.csv")
    return {row["code"]: float(row["value_pct"]) for row in rows if row["year"] == year}


def pooled(method: Method, node: str, values: dict[str, float]) -> float:
    """Return a node from values of nodes below it that hold all its items, by the method's own coefficients."""
    codes, matrix = coefficients(method.tree)
    items = {leaf.code: values[code] for code in values for leaf in method.nodes[code].leaves}
    return float(matrix[codes.index(node)] @ np.array([items.get(code, 0.0) for code in method.items]))


def test_sipas_overall_of_2024_is_the_mean_of_its_39_items(reference: Path):
    seen = components(reference, "2024")
    method = load_method("sipas", "2023")
    assert printed(pooled(method, "SIPAS", {"P": seen["P"], "S": seen["S"]})) == seen["ALL"] == 83.94
    assert printed((seen["P"] + seen["S"]) / 2) != seen["ALL"]  # of two domains
    assert printed((4 * seen["P"] + 5 * seen["S"]) / 9) != seen["ALL"]  # of nine factors


def test_sipas_overall_of_2023_follows_from_the_five_factors_of_services_and_not_from_their_derived_domain(
    reference: Path,
):
    seen = components(reference, "2023")
    method = load_method("sipas", "2023")
    factors = {code: seen[f"S_{code[1]}"] for code in ("SA", "SB", "SC", "SD", "SE")}
    assert printed(pooled(method, "S", factors)) == 82.90 != seen["S"]
    assert printed(pooled(method, "SIPAS", {"P": seen["P"], **factors})) == seen["ALL"] == 82.66
    assert printed(pooled(method, "SIPAS", {"P": seen["P"], "S": seen["S"]})) != seen["ALL"]


@pytest.mark.parametrize(("version", "indices"), [("2022", 45), ("2023", 51)])
def test_sipas_publishes_as_many_indices_as_its_tree_has_nodes(version: str, indices: int):
    assert len(load_method("sipas", version).nodes) == indices


def test_overall_indices_are_those_of_the_national_series(reference: Path):
    series = {row["year"]: float(row["sipas_pct"]) for row in table(reference, "published/sipas_national_series.csv")}
    assert {year: components(reference, year)["ALL"] for year in ("2022", "2023", "2024")}.items() <= series.items()


def test_hue_22_percentages_follow_from_counts_of_170(reference: Path):
    rows = table(reference, "published/counts_hue_5_wards_sample_n170.csv")
    assert len(rows) == 25
    for row in rows:
        assert printed(100 * int(row["count"]) / 170, 1) == float(row["published_pct"]), row
    totals: dict[str, int] = {}
    for row in rows:
        totals[row["dimension"]] = totals.get(row["dimension"], 0) + int(row["count"])
    assert set(totals.values()) == {170}


def test_hue_portal_shares_are_of_the_dossiers_that_were_processed(reference: Path):
    for row in table(reference, "published/counts_hue_portal_dossiers.csv"):
        for name in ("early", "on_time", "late"):
            assert printed(100 * int(row[name]) / int(row["processed"]), 1) == float(row[f"{name}_pct"]), (row, name)
        assert int(row["received_total"]) == int(row["processed"]) + int(row["pending"])
    for row in table(reference, "published/counts_hue_portal_tthc_online.csv"):
        assert printed(100 * int(row["tthc_count"]) / 2643, 1) == float(row["published_pct_of_2643"])


def test_rates_of_collection_of_2021(reference: Path):
    (row,) = table(reference, "published/counts_sipas_2021_collection.csv")
    issued, collected, valid = (int(row[name]) for name in ("issued", "collected", "valid"))
    rates = [100 * collected / issued, 100 * valid / collected, 100 * valid / issued]
    assert [printed(rate) for rate in rates] == [94.80, 99.76, 94.57]


def test_shares_of_one_question_add_up_to_the_whole_within_what_blanks_and_rounding_explain(reference: Path):
    shares = table(reference, "published/sipas_perception_distributions.csv")
    whole: dict[tuple[str, str], float] = {}
    for row in shares:
        if row["question"].startswith("Interest:") or (row["question"], row["year"]) == (
            "Civil servants cause harassment",
            "2024",
        ):
            key = (row["year"], row["question"])
            whole[key] = whole.get(key, 0.0) + float(row["share_pct"])
    assert len(whole) == 3 and all(total == pytest.approx(100, abs=0.1) for total in whole.values())
    rows = table(reference, "published/hcmc_2016_three_level.csv")
    city = {row["channel_or_answer"]: row["value"] for row in rows}
    parts = [float(city[f"{name}_pct"]) for name in ("hai_long", "binh_thuong", "khong_hai_long")]
    assert sum(parts) == pytest.approx(99.91)


def papi(reference: Path, year: int) -> list[dict]:
    """Return the scores of a year by the method as shipped, from the consortium's table."""
    method = load_method("papi", "2011")
    layout = load_score_layout(method)
    nodes = layout.nodes(method.tree, year)
    leaves = [
        {"unit_code": layout.units[row["province_code"]], "node_code": code, "score": float(row[heading] or 0) or None}
        for row in table(reference, "papi/papi_subdimensions_2011_2020.csv")
        if row["year"] == str(year)
        for heading, code in nodes.items()
    ]
    schema = pa.schema([("unit_code", pa.string()), ("node_code", pa.string()), ("score", pa.float64())])
    return published_scores(pa.Table.from_pylist(leaves, schema), method.tree, year).to_pylist()


BA_RIA_VUNG_TAU = "77"


@pytest.mark.parametrize("year", [2019, 2020])
def test_papi_groups_of_63_provinces(reference: Path, year: int):
    groups = [row["group_no"] for row in papi(reference, year) if row["node_code"] == "PAPI"]
    assert [groups.count(number) for number in (1, 2, 3, 4)] == [16, 16, 15, 16]


def test_papi_sums_of_ba_ria_vung_tau(reference: Path):
    def of(year: int) -> dict[str, float]:
        return {row["node_code"]: row["score"] for row in papi(reference, year) if row["unit_code"] == BA_RIA_VUNG_TAU}

    assert printed(of(2020)["PAPI"], 4) == 44.4560
    scores = of(2019)
    assert [printed(scores[code]) for code in ("1.1", "1.2", "1.3", "1.4")] == [0.88, 1.58, 1.59, 1.27]
    assert printed(scores["D1"]) == 5.32


def test_papi_interval_called_95_percent_is_one_of_90():
    assert quantile(np.array([np.inf]), 0.90) == pytest.approx(1.645, abs=5e-4)
    assert quantile(np.array([np.inf]), 0.95) == pytest.approx(1.960, abs=5e-4)


def test_civic_knowledge_of_2023_has_the_coefficients_of_equal_weights_on_scales_of_2_and_1():
    codes, matrix, offset = affine(load_method("governance", "2021").tree)
    row = codes.index("1.1")
    assert offset[row] == pytest.approx(0.25)
    assert matrix[row][:2] == pytest.approx([0.5625, 1.125])


def test_ministry_of_police_2020_is_its_share_of_2019_and_the_change_printed(reference: Path):
    rows = table(reference, "published/other_index_values.csv")
    police = next(float(row["value_pct"]) for row in rows if row["body"].startswith("Bo Cong an"))
    assert printed(police - 9.76) == 86.69
