"""An old round on new units: equal to tallying the responses under the new units, and never a mean of scores."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipelines.estimate import ScoreOptions, TallySpec, index_scores, inner_nodes, tally
from pipelines.estimate.restate import UNIT_BEFORE, restated
from pipelines.model.method import Combination, Level, Node

ITEMS = ("a", "b")
TREE = Node("T", Level.INDEX, "", "", Combination.POOLED, tuple(Node(i, Level.ITEM, i, i) for i in ITEMS))
MEASURES = {"top2": {1: 0.0, 5: 100.0}}
MERGED = {"01": "10", "02": "10", "03": "03"}


def spec(**changes) -> TallySpec:
    options = dict.fromkeys(ITEMS, (1, 5))
    return TallySpec(ITEMS, MEASURES, options, inner_nodes(TREE), **({"strata": ("field",)} | changes))


def people(seed: int = 1, rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    unit = rng.choice(["01", "02", "03"], rows, p=[0.6, 0.2, 0.2])
    data = pd.DataFrame({"unit_code": unit, "field": rng.choice(["x", "y"], rows)})
    data["psu_code"] = data.field + pd.Series(rng.integers(1, 6, rows)).astype(str)  # the same codes in every unit
    data["sex"] = rng.choice(["1", "2"], rows)
    for item in ITEMS:
        data[item] = np.where(rng.random(rows) < 0.4 + 0.4 * (unit == "02"), 5, 1).astype(float)
        data.loc[rng.random(rows) < 0.1, item] = np.nan
    return data


def frame(data: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    sizes = {
        ("01", "x"): 900,
        ("01", "y"): 700,
        ("02", "x"): 5000,
        ("02", "y"): 3000,
        ("03", "x"): 400,
        ("03", "y"): 600,
    }
    old = data["unit_before"] if "unit_before" in data else data["unit_code"]
    found = data.assign(population=[sizes[key] for key in zip(old, data["field"], strict=True)], psu_population=20)
    return found.drop_duplicates(keys)[[*keys, "population", "psu_population"]]


def arrow(data: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(data.astype(dict.fromkeys(ITEMS, "Int8")), preserve_index=False)


def moved(data: pd.DataFrame) -> pd.DataFrame:
    other = data.assign(unit_before=data.unit_code, unit_code=data.unit_code.map(MERGED))
    return other.assign(psu_code=data.unit_code + "/" + data.psu_code)


@pytest.mark.parametrize("psu", ["", "psu_code"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_merger_is_what_the_responses_give_under_the_new_unit(seed, psu):
    data, old = people(seed), spec(psu=psu, breakdowns=("sex",))
    population = pa.Table.from_pandas(frame(data, ["unit_code", "field"]), preserve_index=False)
    found = restated(tally(arrow(data).to_batches(), old), old, population, MERGED)
    scores = index_scores(found.tally, found.spec, TREE, found.population, {"P": ("03", "10")})
    new = spec(psu=psu, breakdowns=("sex",), strata=(UNIT_BEFORE, "field"))
    expected = index_scores(
        tally(arrow(moved(data)).to_batches(), new),
        new,
        TREE,
        pa.Table.from_pandas(frame(moved(data), ["unit_code", "unit_before", "field"]), preserve_index=False),
        {"P": ("03", "10")},
    )
    assert scores.column_names == expected.column_names and scores.num_rows == expected.num_rows > 20
    for name in scores.column_names:
        left, right = scores[name].to_pylist(), expected[name].to_pylist()
        is_number = isinstance(next((one for one in right if one is not None), ""), float)
        if is_number:
            left, right = (np.array(side, dtype=float) for side in (left, right))
            np.testing.assert_allclose(left, right, rtol=1e-9, err_msg=name)
        else:
            assert left == right, name


def test_by_hand_the_merger_weighs_by_people_where_the_mean_of_scores_would_not():
    # 01: 2 of 4 satisfied, 100 people. 02: 4 of 4 satisfied, 300 people. Together (100·50 + 300·100)/400 = 87.5.
    data = pd.DataFrame({"unit_code": ["01"] * 4 + ["02"] * 4, "a": [5, 5, 1, 1, 5, 5, 5, 5.0]})
    data["b"] = data.a
    old = spec(strata=())
    population = pa.table({"unit_code": ["01", "02"], "population": [100, 300]})
    found = restated(tally(arrow(data).to_batches(), old), old, population, {"01": "02", "02": "02"})
    scores = index_scores(
        found.tally, found.spec, TREE, found.population, options=ScoreOptions(finite_population=False)
    )
    (row,) = [row for row in scores.to_pylist() if row["node_code"] == "T"]
    assert (row["unit_code"], row["score"], row["n"]) == ("02", pytest.approx(87.5), 8)
    # Var: 01 has s² = 10000/3 over 4, times (1/4)²; 02 has none.
    assert row["se"] == pytest.approx((10000 / 3 / 4) ** 0.5 / 4) and row["df"] == 6


def test_a_unit_that_stays_keeps_every_figure():
    data, old = people(), spec(psu="psu_code")
    counted = tally(arrow(data).to_batches(), old)
    found = restated(counted, old, None, MERGED)
    before, after = (
        [row for row in table.to_pylist() if row["unit_code"] == "03"]
        for table in (index_scores(counted, old, TREE), index_scores(found.tally, found.spec, TREE))
    )
    ranked = ("rank", "rank_low", "rank_high", "rank_of", "group_no")
    assert before and [{k: v for k, v in row.items() if k not in ranked} for row in after] == [
        {k: v for k, v in row.items() if k not in ranked} for row in before
    ]


def test_the_original_tally_is_not_changed():
    data, old = people(), spec(psu="psu_code")
    counted = tally(arrow(data).to_batches(), old)
    copy = pa.table(counted.to_pydict(), schema=counted.schema)
    restated(counted, old, None, MERGED)
    assert counted.equals(copy)
