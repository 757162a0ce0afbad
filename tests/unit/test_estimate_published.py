"""Published scores: sums by the tree of the year, withheld units, ranks and quartile groups; with the PAPI scores."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipelines.estimate import published_scores
from pipelines.estimate.rank import groups, ranks
from pipelines.estimate.tree import coefficients, valid_in
from pipelines.model.errors import InputError
from pipelines.model.method import Combination, Level, Node


def codebook_tree(reference) -> Node:
    book = pd.read_csv(reference / "papi" / "subdimension_codebook.csv", dtype={"code": str})

    def leaf(row) -> Node:
        code = f"{row.code}@{row.year_from}"
        years = {"year_from": row.year_from, "year_to": row.year_to}
        return Node(code, Level.FACTOR, row.name_vi, row.name_en, minimum=row.range_min, maximum=row.range_max, **years)

    dimensions = [
        Node(f"D{number}", Level.DOMAIN, "", "", Combination.SUM, tuple(leaf(row) for row in rows.itertuples()))
        for number, rows in book.groupby(book.code.str[0])
    ]
    return Node("PAPI", Level.INDEX, "", "", Combination.SUM, tuple(dimensions))


def leaves(reference, tree: Node, year: int) -> pa.Table:
    scores = pd.read_csv(reference / "papi" / "papi_subdimensions_2011_2020.csv")
    codes = {f"SC{leaf.code[0]}{leaf.code[2]}": leaf.code for leaf in valid_in(tree, year).leaves}
    rows = scores[scores.year == year].rename(columns={"province": "unit_code"})
    long = rows.melt(id_vars="unit_code", value_vars=list(codes), var_name="node_code", value_name="score")
    long["node_code"] = long.node_code.map(codes)
    return pa.Table.from_pandas(long, preserve_index=False)


def published(reference, year: int) -> pd.DataFrame:
    tree = codebook_tree(reference)
    return published_scores(leaves(reference, tree, year), tree, year).to_pandas()


@pytest.mark.parametrize("year", [2019, 2020])
def test_papi_groups_are_sixteen_sixteen_fifteen_sixteen(reference, year):
    total = published(reference, year).query("node_code == 'PAPI'")
    assert total.group_no.value_counts().sort_index().tolist() == [16, 16, 15, 16]
    assert set(total.rank_of) == {63} and total.sort_values("rank").score.is_monotonic_decreasing


def test_papi_total_and_dimension_of_ba_ria_vung_tau(reference):
    def score(year, node):
        found = published(reference, year)
        return found[found.unit_code.str.contains("Vung Tau") & (found.node_code == node)].score.item()

    assert score(2020, "PAPI") == pytest.approx(44.4560, abs=5e-5)
    assert round(score(2019, "D1"), 2) == 5.32


def test_papi_withheld_provinces_are_left_out_of_ranks_and_groups(reference):
    found = published(reference, 2014)
    total = found.query("node_code == 'PAPI'")
    withheld = total[total.score.isna()]
    assert len(withheld) == 2 and set(withheld.flag_reason) == {"withheld"} and withheld["rank"].isna().all()
    assert set(total.rank_of.dropna()) == {61}
    partly = published(reference, 2018)
    known = partly[partly.score.notna()].node_code.value_counts()
    assert (known["PAPI"], known["D2"], known["D1"]) == (61, 61, 63)


def test_tree_has_the_dimensions_of_its_year(reference):
    tree = codebook_tree(reference)
    assert len(valid_in(tree, 2017).children) == 6 and len(valid_in(tree, 2018).children) == 8
    assert [leaf.code for leaf in valid_in(tree, 2018).leaves if leaf.code[0] == "8"] == ["8.1@2018", "8.2@2018"]
    assert valid_in(tree, 2030) is None


SMALL = Node(
    "T", Level.INDEX, "", "", Combination.SUM, tuple(Node(c, Level.FACTOR, c, c, minimum=1, maximum=10) for c in "ab")
)


def table(rows) -> pa.Table:
    return pa.Table.from_pandas(pd.DataFrame(rows, columns=["unit_code", "node_code", "score"]), preserve_index=False)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("u", "z", 2.0)], "no such leaf"),
        ([("u", "a", 2.0), ("u", "a", 3.0)], "there twice"),
        ([("u", "a", 0.0)], "outside the range 1 to 10"),
    ],
)
def test_scores_that_cannot_be_are_refused(rows, message):
    with pytest.raises(InputError, match=message):
        published_scores(table(rows), SMALL, 2020)


def test_total_is_withheld_but_the_leaf_that_is_there_stays():
    rows = [("u", "a", 2.0), ("u", "b", None), ("v", "a", 3.0), ("v", "b", 4.0)]
    found = published_scores(table(rows), SMALL, 2020).to_pandas().set_index(["unit_code", "node_code"])
    assert found.score["v", "T"] == 7 and np.isnan(found.score["u", "T"]) and found.score["u", "a"] == 2
    assert found["rank"]["v", "T"] == 1 and found["rank"]["v", "a"] == 1 and found["rank"]["u", "a"] == 2


def test_ties_share_a_rank_and_the_next_is_skipped():
    assert ranks(np.array([3.0, 5.0, 0.1 + 0.2, 0.3, 3.0])).tolist() == [2, 1, 4, 4, 2]


def test_score_on_a_quartile_belongs_to_the_better_group():
    assert groups(np.array([1.0, 2, 3, 4, 5])).tolist() == [4, 3, 2, 1, 1]
    assert groups(np.array([1.0, 2, 3])).tolist() == [0, 0, 0]


def test_coefficients_follow_combination_and_weights():
    def node(code, combination, *children, weight=1.0):
        return Node(code, Level.DOMAIN, "", "", combination, children, weight=weight)

    def leaf(code, weight=1.0):
        return Node(code, Level.ITEM, "", "", weight=weight)

    tree = node(
        "M",
        Combination.MEAN,
        node("P", Combination.POOLED, leaf("a"), leaf("b"), weight=3),
        node("S", Combination.SUM, leaf("c", weight=2), leaf("d")),
    )
    codes, matrix = coefficients(tree)
    rows = dict(zip(codes, matrix.tolist(), strict=True))
    assert rows["P"] == [0.5, 0.5, 0, 0] and rows["S"] == [0, 0, 2, 1]
    assert rows["M"] == [0.375, 0.375, 0.5, 0.25]
    rows = dict(zip(codes, coefficients(tree, np.array([True, False, True, False]))[1].tolist(), strict=True))
    assert rows["P"] == [1, 0, 0, 0] and rows["M"] == [1, 0, 0, 0]
    assert np.isnan(rows["S"]).all() and np.isnan(rows["b"]).all()
