"""Points in single precision only where nothing is lost by it: sums of products are those of whole numbers."""

import numpy as np
import pyarrow as pa
import pytest

from pipelines.estimate import TallySpec, tally
from pipelines.estimate.block import SLAB_ROWS
from pipelines.estimate.points import Points
from pipelines.estimate.tallying import sums_of

ITEMS = tuple(f"i{number}" for number in range(39))


def spec(points: dict[int, float], weights: float = 1.0) -> TallySpec:
    nodes = {"all": dict.fromkeys(ITEMS, weights)}
    return TallySpec(ITEMS, {"m": points}, dict.fromkeys(ITEMS, tuple(points)), nodes)


@pytest.mark.parametrize(
    ("points", "unit", "kind"),
    [
        ({1: 0.0, 5: 100.0}, 100.0, np.complex64),
        ({1: 20.0, 2: 40.0, 5: 100.0}, 20.0, np.complex64),
        ({1: -3.0, 5: 6.0}, 3.0, np.complex64),
        ({1: 0.0, 3: 100 / 3, 5: 100.0}, 1.0, np.complex128),
        ({1: 1.0, 2: 9999.0}, 1.0, np.complex128),
        ({1: 1.0, 2: 1e30}, 1.0, np.complex128),
        ({1: 0.0}, 1.0, np.complex64),
    ],
)
def test_whole_points_that_stay_small_are_kept_in_single_precision(points, unit, kind):
    found = Points.of(spec(points), "m", most=39)
    assert (found.unit, found.pairs.dtype) == (unit, kind)
    for code, value in points.items():
        assert found.pairs[code + 1] * np.array(1) == pytest.approx(value / unit + 1j)
    assert found.pairs[0] == 0


@pytest.mark.parametrize("points", [{1: 0.0, 5: 100.0}, {1: 97.0, 5: 4001.0}, {1: 0.5, 5: 1.25}])
@pytest.mark.parametrize("weights", [1.0, 0.25])
def test_sums_over_more_responses_than_a_slab_are_exact(points, weights):
    rows = 2 * SLAB_ROWS + 7
    codes = np.where(np.arange(rows) % 3 == 0, 1, 5).astype(np.int8)
    table = pa.table({"unit_code": ["01"] * rows} | dict.fromkeys(ITEMS, codes))
    found = tally(table.to_batches(), spec(points, weights))
    own = np.array([points[code] for code in codes.tolist()])
    total = own * 39 * weights
    expected = [(total**2).sum(), (total * 39 * weights).sum(), rows * (39 * weights) ** 2]
    assert found["squares"].to_pylist()[0] == expected
    assert sums_of(found, "moments_m")[0, 0] == (own**2).sum()
    assert sums_of(found, "moments_m")[0, len(ITEMS)] == own.sum()
    assert sums_of(found, "moments_m")[0, -1] == rows
