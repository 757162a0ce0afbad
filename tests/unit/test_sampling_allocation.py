"""Sharing a sample out: sums, bounds, by hand, and for any strata."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.model.errors import InputError
from pipelines.sampling import Cell, Minima, allocate, plan_clusters, plan_strata, split_channels

FIELDS = {"Chứng thực": 4480, "Hộ tịch": 2840, "Đất đai": 580, "Tín ngưỡng": 50}


def cells(sizes, shares=None, minimum=0):
    return [Cell((str(i),), n, (shares or sizes)[i], min(minimum, n)) for i, n in enumerate(sizes)]


def test_proportional_shares_are_rounded_by_the_largest_remainder():
    # 100 · (5, 3, 1)/9 = 55.56, 33.33, 11.11: the one left over goes to .56
    assert allocate(100, cells([500, 300, 100])) == [56, 33, 11]


def test_neyman_goes_by_size_times_deviation():
    # N·S = 1000, 1000, 600
    assert allocate(26, cells([100, 200, 300], [100 * 10, 200 * 5, 300 * 2])) == [10, 10, 6]


def test_a_stratum_that_would_get_more_than_it_holds_gives_the_rest_to_the_others():
    # by N·S = 900, 100, 100 the first would get 45 of 55, but holds 10: the other two share 45
    assert allocate(55, cells([10, 100, 100], [900, 100, 100])) == [10, 23, 22]


def test_a_small_stratum_gets_its_minimum_at_the_cost_of_the_others():
    assert allocate(100, cells([5000, 4950, 50], minimum=10)) == [45, 45, 10]


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(0, 9), st.integers(0, 20)), min_size=1, max_size=12),
    st.integers(0, 3000),
)
def test_every_allocation_adds_up_and_stays_within_its_bounds(strata, total):
    given_cells = [Cell((str(i),), n, n * sd, min(low, n)) for i, (n, sd, low) in enumerate(strata)]
    try:
        found = allocate(total, given_cells)
    except InputError:
        most = sum(cell.size if cell.share else cell.minimum for cell in given_cells)
        assert total > most or total < sum(cell.minimum for cell in given_cells)
        return
    assert sum(found) == total
    assert all(cell.minimum <= n <= cell.size for cell, n in zip(given_cells, found, strict=True))


@pytest.mark.parametrize(
    ("total", "given_cells", "message"),
    [
        (900, cells([100, 200]), "900 are wanted, but there are only 300"),
        (10, cells([100, 200], minimum=8), "need 16, but only 10"),
        (50, cells([100, 200], [0, 0]), "cannot be shared out"),
        (50, cells([100], [-1]), "the share is -1"),
        (50, cells([100], [float("nan")]), "the share is nan"),
        (50, [Cell(("a",), 5, 5, 9)], "at least 9 are wanted of 5"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(total, given_cells, message):
    with pytest.raises(InputError, match=message):
        allocate(total, given_cells)


def frame(*rows):
    names = ("unit_code", "procedure_field", "procedure_code", "psu_code", "population")
    return [dict(zip(names, row, strict=True)) | {"procedure_name_vi": ""} for row in rows]


DESK = frame(
    ("22243", "Hộ tịch", "1.1", None, 900),
    ("22243", "Hộ tịch", "1.2", None, 80),
    ("22243", "Đất đai", "2.1", None, 10),
    ("22243", "Đất đai", "2.2", None, 8),
    ("22243", "Đất đai", "2.3", None, 2),
    ("22243", "Tín ngưỡng", "3.1", None, 0),
)


def planned(plan):
    return {(c.procedure_field, c.channel): c.planned for c in plan.cells}


def test_every_type_of_procedure_gets_one_and_a_type_without_dossiers_is_named():
    # by size Đất đai (20 of 1,000) would get 1 of 50; it has three types
    found = plan_strata(DESK, ("procedure_field",), {"22243": 50}, Minima(1, 1))
    assert planned(found) == {("Hộ tịch", ""): 47, ("Đất đai", ""): 3}
    assert [warned.name for warned in found.warnings] == ["3.1"]


def test_a_minimum_by_type_reaches_no_further_than_its_dossiers():
    found = plan_strata(DESK, ("procedure_field",), {"22243": 50}, Minima(1, 5))
    assert planned(found)["Đất đai", ""] == 5 + 5 + 2
    assert [warned.name for warned in found.warnings] == ["2.3", "3.1"]


def test_strata_finer_than_the_plan_are_added_up_in_its_lines():
    found = plan_strata(DESK, ("procedure_field", "procedure_code"), {"22243": 50}, Minima(2, 1))
    assert planned(found) == {("Hộ tịch", ""): 44, ("Đất đai", ""): 6}


def test_a_stratum_without_deviation_is_refused():
    with pytest.raises(InputError, match="there is no standard deviation"):
        plan_strata(DESK, ("procedure_field",), {"22243": 50}, Minima(), {("22243", "Hộ tịch"): 1.0})


def test_channels_split_every_line_without_losing_one():
    plan = plan_strata(DESK, ("procedure_field",), {"22243": 50}, Minima())
    found = planned(split_channels(plan, [("kiosk", 0.6), ("paper_desk", 0.4)]))
    assert found == {
        ("Hộ tịch", "kiosk"): 28,
        ("Hộ tịch", "paper_desk"): 19,
        ("Đất đai", "kiosk"): 2,
        ("Đất đai", "paper_desk"): 1,
    }


def test_people_of_a_stratum_have_one_chance_though_a_psu_is_certain():
    villages = frame(*(("1", None, None, f"v{i}", size) for i, size in enumerate([1000, 100, 100, 100, 100, 100])))
    found = plan_clusters(villages, (), psus=3, take=10, seed=7)
    takes = {cell.psu_code: cell.planned for cell in found.cells}
    # 30 of 1,500: one in 50. v0 is certain: 20 of 1,000. Two of five others: (2/5) · (5/100) = 1/50.
    assert takes["v0"] == 20 and sorted(takes.values()) == [5, 5, 20]


def test_a_psu_without_population_is_refused():
    with pytest.raises(InputError, match="PSU v1 has no population"):
        plan_clusters(frame(("1", None, None, "v0", 5), ("1", None, None, "v1", None)), (), 1, 1, 1)
