"""Stratified two-stage samples from a known population: how often an interval of the pipeline holds the truth."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa

from pipelines.estimate import TallySpec, index_scores, inner_nodes, tally
from pipelines.model.method import Combination, Level, Node

ITEMS = ("a", "b", "c", "d")
STRATA, CLUSTERS, PEOPLE = 8, 150, 40  # strata, PSUs in each, people in each PSU
DRAWN, ASKED = 6, 10  # PSUs drawn in each stratum, people asked in each
UNIT = "01"
TREE = Node(
    "INDEX", Level.INDEX, "", "", Combination.POOLED, tuple(Node(item, Level.ITEM, item, item) for item in ITEMS)
)
SPEC = TallySpec(
    items=ITEMS,
    measures={"top2": {1: 0.0, 2: 0.0, 3: 0.0, 4: 100.0, 5: 100.0}},
    options=dict.fromkeys(ITEMS, (1, 2, 3, 4, 5)),
    nodes=inner_nodes(TREE),
    strata=("stratum",),
    psu="psu",
)
FRAME = pa.table(
    {
        "unit_code": [UNIT] * STRATA,
        "stratum": [str(number) for number in range(STRATA)],
        "population": [CLUSTERS * PEOPLE] * STRATA,
        "psu_population": [CLUSTERS] * STRATA,
    }
)


@cache
def population() -> np.ndarray:
    """Return the answers of everybody, 0 where they give none: strata × PSUs × people × items."""
    rng = np.random.default_rng(2026)
    level = rng.normal(0, 0.5, (STRATA, 1, 1, 1)) + rng.normal(0, 0.4, (STRATA, CLUSTERS, 1, 1))
    person = rng.normal(0, 0.6, (STRATA, CLUSTERS, PEOPLE, 1))
    answer = 3.6 + level + person + rng.normal(0, 0.8, (STRATA, CLUSTERS, PEOPLE, len(ITEMS)))
    codes = np.clip(np.rint(answer), 1, 5).astype(np.int8)
    codes[rng.random(codes.shape) < 0.05] = 0
    return codes


def truth() -> dict[str, float]:
    """Return the mean of everybody's points by node."""
    answers = population().reshape(-1, len(ITEMS))
    means = {item: 100 * (answers[:, at] >= 4).sum() / (answers[:, at] > 0).sum() for at, item in enumerate(ITEMS)}
    return {item: float(mean) for item, mean in means.items()} | {TREE.code: float(np.mean(list(means.values())))}


def sample(seed: int) -> pa.Table:
    """Draw PSUs in every stratum, then people in each, all with equal chance and without replacement."""
    rng = np.random.default_rng(seed)
    psus = rng.permuted(np.tile(np.arange(CLUSTERS), (STRATA, 1)), axis=1)[:, :DRAWN]
    people = rng.permuted(np.tile(np.arange(PEOPLE), (STRATA, DRAWN, 1)), axis=2)[..., :ASKED]
    strata = np.arange(STRATA)[:, None, None]
    answers = population()[strata, psus[..., None], people].reshape(-1, len(ITEMS))
    columns: dict[str, pa.Array] = {
        "unit_code": pa.array([UNIT] * len(answers)),
        "stratum": pa.array(np.repeat(np.arange(STRATA), DRAWN * ASKED).astype(str)),
        "psu": pa.array(np.repeat((psus + CLUSTERS * np.arange(STRATA)[:, None]).ravel(), ASKED).astype(str)),
    }
    return pa.table(
        columns | {item: pa.array(answers[:, at], mask=answers[:, at] == 0) for at, item in enumerate(ITEMS)}
    )


def share_held(samples: int) -> dict[str, float]:
    """Return by node the share of samples whose interval holds the truth."""
    true, held = truth(), dict.fromkeys((TREE.code, *ITEMS), 0)
    for seed in range(samples):
        scores = index_scores(tally(sample(seed).to_batches(), SPEC), SPEC, TREE, FRAME)
        for node, low, high in zip(
            *(scores[name].to_pylist() for name in ("node_code", "ci_low", "ci_high")), strict=True
        ):
            held[node] += low <= true[node] <= high
    return {node: count / samples for node, count in held.items()}
