"""The tally: sums that a reader can recount, independent of batches, partitions and their order."""

import itertools

import numpy as np
import pyarrow as pa
import pytest

from pipelines.estimate import TallySpec, merge, tally
from pipelines.estimate.tallying import sums_of
from pipelines.model.errors import InputError

MEASURES = {"top2": {1: 0, 2: 0, 3: 0, 4: 100, 5: 100}, "thirds": {1: 0, 3: 100 / 3, 5: 100}}
OPTIONS = {"a": (1, 2, 3, 4, 5), "b": (1, 2, 3, 4, 5), "need": (0, 1)}
NODES = {"all": {"a": 1.0, "b": 1.0}}


def spec(**changes) -> TallySpec:
    settings = {"items": ("a", "b"), "measures": MEASURES, "options": OPTIONS, "nodes": NODES, "strata": ("field",)}
    return TallySpec(**(settings | changes))


def responses(rows: int = 400, seed: int = 7) -> pa.Table:
    rng = np.random.default_rng(seed)

    def answers(codes):
        return pa.array(rng.choice(codes, rows), mask=rng.random(rows) < 0.15).cast(pa.int8())

    return pa.table(
        {
            "unit_code": rng.choice(["01", "02", "03"], rows),
            "field": pa.array(rng.choice(["x", "y"], rows), mask=rng.random(rows) < 0.1),
            "psu_code": rng.choice(list("pqrst"), rows),
            "sex": answers([1, 2]),
            "a": answers([1, 2, 3, 4, 5]),
            "b": answers([1, 2, 3, 4, 5]),
            "need": answers([0, 1]),
            "w": rng.uniform(0, 3, rows),
        }
    )


def test_sums_of_three_responses_are_those_counted_by_hand():
    table = pa.table(
        {
            "unit_code": ["01"] * 3,
            "field": ["x"] * 3,
            "a": pa.array([5, 2, None], pa.int8()),
            "b": pa.array([4, None, None], pa.int8()),
            "need": pa.array([1, 0, 1], pa.int8()),
        }
    )
    found = tally(table.to_batches(), spec())
    assert found["n"].to_pylist() == [3]
    assert found["count"].to_pylist() == [[0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 2]]
    # top2: the first answered both (200 points of 2 answers), the second one (0 of 1), the third none.
    # thirds: 5 scores 100 and 4, 2 have no points, so only the first answered, once.
    assert found["answered"].to_pylist() == [[2, 1]]
    assert found["squares"].to_pylist() == [[200.0**2, 200 * 2, 4 + 1, 100.0**2, 100, 1]]
    # Packed upper triangle of the products of (a, b, valid a, valid b).
    assert found["moments_top2"].to_pylist() == [[10000, 10000, 100, 100, 10000, 100, 100, 2, 1, 1]]


@pytest.mark.parametrize("psu", ["", "psu_code"])
@pytest.mark.parametrize("weight", ["", "w"])
def test_merge_of_partitions_in_any_order_gives_the_same_bytes(psu, weight):
    design = spec(psu=psu, weight=weight, breakdowns=("sex",))
    table = responses()
    parts = [tally(table.slice(start, 100).to_batches(), design) for start in range(0, 400, 100)]
    first = merge(parts, design)
    assert all(merge(order, design).equals(first) for order in itertools.permutations(parts))
    whole = tally(table.to_batches(), design)
    for name in design.sums:
        np.testing.assert_allclose(sums_of(whole, name), sums_of(first, name), rtol=1e-12)


def test_whole_points_and_weights_of_one_add_up_exactly_in_any_grouping():
    design = spec(measures={"top2": MEASURES["top2"]}, breakdowns=("sex",))
    table = responses()
    parts = [tally(table.slice(start, 100).to_batches(), design) for start in range(0, 400, 100)]
    nested = merge([merge(parts[:2], design), merge(parts[2:], design)], design)
    assert nested.equals(merge(parts, design))
    assert nested.equals(tally(table.to_batches(), design))


def test_size_of_batches_changes_nothing(monkeypatch):
    design = spec(breakdowns=("sex",))
    table = responses()
    whole = tally(table.to_batches(), design)
    monkeypatch.setattr("pipelines.estimate.tallying.BLOCK_ROWS", 50)
    found = tally(table.to_batches(max_chunksize=17), design)
    assert found.drop(["squares", "moments_thirds"]).equals(whole.drop(["squares", "moments_thirds"]))
    np.testing.assert_allclose(sums_of(found, "squares"), sums_of(whole, "squares"), rtol=1e-12)


def test_squares_that_follow_from_moments_are_those_of_the_responses():
    table = responses()
    weighted = table.append_column("one", pa.array(np.ones(table.num_rows)))
    own = tally(weighted.to_batches(), spec(weight="one"))
    np.testing.assert_allclose(sums_of(tally(table.to_batches(), spec()), "squares"), sums_of(own, "squares"))


def test_moments_are_products_of_points_and_validity_of_all_items():
    design, table = spec(weight="w"), responses()
    found = tally(table.to_batches(), design)
    rows = table.to_pandas().fillna({"field": ""})
    key = ("02", "y")
    own = rows[(rows.unit_code == key[0]) & (rows.field == key[1])]
    points = own[["a", "b"]].replace(MEASURES["top2"]).to_numpy(dtype=float)
    v = np.hstack([np.nan_to_num(points), ~np.isnan(points)]) * own.w.to_numpy()[:, None]
    at = next(i for i, row in enumerate(found.to_pylist()) if (row["unit_code"], row["field"]) == key)
    np.testing.assert_allclose(sums_of(found, "moments_top2")[at], (v.T @ v)[np.triu_indices(4)], rtol=1e-12)


def test_missing_category_or_stratum_is_a_category_of_its_own():
    found = tally(responses().to_batches(), spec(breakdowns=("sex",)))
    overall = [row for row in found.to_pylist() if row["breakdown"] == ""]
    by_sex = [row for row in found.to_pylist() if row["breakdown"] == "sex"]
    assert {row["category"] for row in by_sex} == {"", "1", "2"}
    assert {row["field"] for row in overall} == {"", "x", "y"}
    assert sum(row["n"] for row in overall) == sum(row["n"] for row in by_sex) == 400


def test_no_responses_give_an_empty_tally_that_merges():
    design = spec()
    empty = tally([], design)
    assert empty.num_rows == 0
    full = tally(responses().to_batches(), design)
    assert merge([empty, full], design).equals(full)
    assert merge([], design).equals(empty)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": [9]}, "code 9 is not an option of “a”"),
        ({"a": [-1]}, "code -1 is not an option"),
        ({"unit_code": [None]}, "1 responses have no “unit_code”"),
        ({"w": [-0.5]}, "1 weights are missing, negative or not finite"),
        ({"w": [None]}, "1 weights are missing"),
        ({"b": None}, "responses have no column “b”"),
    ],
)
def test_unusable_responses_are_refused_with_the_place(change, message):
    row = {"unit_code": ["01"], "field": ["x"], "a": [5], "b": [4], "need": [1], "w": [1.0]} | change
    table = pa.table({name: values for name, values in row.items() if values is not None})
    with pytest.raises(InputError, match=message):
        tally(table.to_batches(), spec(weight="w"))


def test_tally_of_another_specification_is_refused():
    with pytest.raises(InputError, match="another specification"):
        merge([tally(responses().to_batches(), spec())], spec(psu="psu_code"))


def test_specification_that_contradicts_itself_is_refused():
    with pytest.raises(ValueError, match="items without options"):
        spec(items=("a", "b", "c"))
    with pytest.raises(ValueError, match="unknown items"):
        spec(nodes={"all": {"z": 1.0}})
