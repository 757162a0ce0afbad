"""Simulated screened responses of all communes, as Parquet in the pipeline's columns; deterministic by number of rows.

The order of rows is mixed: no commune lies together, which is the worst case for a tally.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import estimate, geography
from pipelines.methods import load_method

DAY = date(2026, 6, 1)  # 3,321 communes in 34 provinces
METHOD = load_method("sipas", "2023")
CLUSTERS = 8  # PSUs in a commune
GROUP_ROWS = 1_000_000
NATION = "VN"
BLANK, CUTS = 8, (38, 53, 93, 190)  # of a byte: below the first no answer, then the lowest level of each code


def tally_spec(is_clustered: bool) -> estimate.TallySpec:
    """Say what is tallied: all items under both measures, by PSU if clustered."""
    return estimate.TallySpec(
        items=METHOD.items,
        measures={measure.name: measure.points for measure in METHOD.measures},
        options=dict.fromkeys(METHOD.items, (1, 2, 3, 4, 5)),
        nodes=estimate.inner_nodes(METHOD.tree),
        psu="psu_code" if is_clustered else "",
    )


def rollups() -> dict[str, tuple[str, ...]]:
    """Return the provinces with their communes, and the nation with all of them."""
    found: dict[str, list[str]] = {}
    for code, unit in geography.units("commune", DAY).items():
        found.setdefault(unit.parent_code, []).append(code)
        found.setdefault(NATION, []).append(code)
    return {code: tuple(below) for code, below in found.items()}


def write_responses(path: Path, rows: int) -> None:
    """Write so many responses: a level for each commune and PSU, a mood for each respondent, 3 % of answers blank."""
    rng = np.random.default_rng(rows)
    communes = pa.array(geography.units("commune", DAY))
    psus = pa.array([f"{code}-{number}" for code in communes.to_pylist() for number in range(CLUSTERS)])
    level = np.add.outer(rng.normal(0, 10, len(communes)), rng.normal(0, 4, CLUSTERS)).ravel()
    writer = None
    for start in range(0, rows, GROUP_ROWS):
        psu = rng.integers(0, len(psus), min(GROUP_ROWS, rows - start))
        columns = {
            "record_id": pa.array(np.arange(start, start + len(psu))).cast(pa.string()),
            "unit_code": communes.take(pa.array(psu // CLUSTERS)),
            "psu_code": psus.take(pa.array(psu)),
            "channel": pa.DictionaryArray.from_arrays(np.zeros(len(psu), np.int8), ["paper"]).cast(pa.string()),
            "submitted_at": pa.array(np.arange(start, start + len(psu)) * 100_000, pa.timestamp("us", "UTC")),
            "sex": pa.array(rng.integers(1, 3, len(psu)).astype(np.int8)),
        } | _answers(rng, level[psu] + rng.normal(0, 20, len(psu)))
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=GROUP_ROWS)
    if writer:
        writer.close()


def _answers(rng: np.random.Generator, mood: np.ndarray) -> dict[str, pa.Array]:
    """Return the answers to all items: a random byte against cuts that the mood moves."""
    shift = np.clip(mood, -29, 60).astype(np.int16)
    found = {}
    for item in METHOD.items:
        byte = rng.integers(0, 256, len(mood), dtype=np.uint8)
        code = 1 + sum((byte >= cut - shift).astype(np.int8) for cut in CUTS)
        found[item] = pa.array(code, mask=byte < BLANK)
    return found
