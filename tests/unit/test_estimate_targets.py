"""Targets against results, as worked out by hand, and the examples of the pages on methods."""

import pandas as pd
import pyarrow as pa
import pytest

from pipelines.estimate import TallySpec, index_scores, inner_nodes, tally
from pipelines.estimate.targets import Standing, judge
from pipelines.model.method import Combination, Level, Node


@pytest.mark.parametrize(
    ("goal", "target", "now", "gap", "progress", "is_certain"),
    [
        ("score", 85, Standing(86, (84, 88)), 1, "reached", False),
        ("score", 85, Standing(86, (85, 87)), 1, "reached", True),
        ("score", 85, Standing(85), 0, "reached", None),
        ("score", 85, Standing(80, (78, 82), previous_score=79.9), -5, "moving", True),
        ("score", 85, Standing(80, (74, 86), previous_score=80), -5, "missed", False),
        ("score", 85, Standing(80, (78, 82)), -5, "missed", True),
        ("score", 85, Standing(), None, "unknown", None),
        ("rank", 3, Standing(rank=3, rank_ci=(1, 5)), 0, "reached", False),
        ("rank", 3, Standing(rank=5, rank_ci=(4, 7), previous_rank=8), -2, "moving", True),
        ("rank", 3, Standing(rank=5, rank_ci=(3, 7), previous_rank=5), -2, "missed", False),
        ("rank", 3, Standing(score=80), None, "unknown", None),
        ("rank_change", 1, Standing(rank=4, previous_rank=5), 0, "reached", None),
        ("rank_change", 2, Standing(rank=4, previous_rank=5), -1, "moving", None),
        ("rank_change", 1, Standing(rank=5, previous_rank=5), -1, "missed", None),
        ("rank_change", 1, Standing(rank=5), None, "unknown", None),
    ],
)
def test_gap_progress_and_certainty(goal, target, now, gap, progress, is_certain):
    found = judge(goal, target, now)
    assert (found.gap, str(found.progress), found.is_certain) == (gap, progress, is_certain)


def test_the_example_of_two_strata_on_the_page_on_estimation():
    data = pd.DataFrame({"unit_code": "01", "field": list("xxxxyy"), "a": [5, 5, 5, 1, 1, 5]})
    tree = Node("T", Level.INDEX, "", "", Combination.POOLED, (Node("a", Level.ITEM, "a", "a"),))
    spec = TallySpec(("a",), {"top2": {1: 0.0, 5: 100.0}}, {"a": (1, 5)}, inner_nodes(tree), strata=("field",))
    frame = pa.table({"unit_code": ["01", "01"], "field": ["x", "y"], "population": [900, 100]})
    row = index_scores(tally(pa.Table.from_pandas(data).to_batches(), spec), spec, tree, frame).to_pylist()[0]
    assert (row["score"], row["df"]) == (pytest.approx(72.5), 4)
    assert row["se"] ** 2 == pytest.approx(0.81 * (1 - 4 / 900) * 2500 / 4 + 0.01 * (1 - 2 / 100) * 5000 / 2)
    assert row["se"] == pytest.approx(22.99, abs=0.005)
