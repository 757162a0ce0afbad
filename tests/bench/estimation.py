"""From Parquet responses to the full tree with standard errors: against a bare scan, and against pandas."""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from measure import COLUMNS, Cost, arguments, cost_of, report
from responses import METHOD, rollups, tally_spec, write_responses

from pipelines import estimate

BATCH_ROWS = 131_072
SCANS = 3  # a scan is short: the mean of several
PANDAS_MOST = 1_000_000  # the straightforward version holds every point in memory, eight bytes each


def run(folder: Path, options: argparse.Namespace) -> None:
    for rows in options.rows:
        path = folder / f"{rows}.parquet"
        write_responses(path, rows)
        print(f"\nEstimation: {rows:,} responses × {len(METHOD.items)} items, 3,321 communes, 34 provinces, nation")
        print(COLUMNS)
        for design in ("clustered", "elements"):
            costs = cost_of("estimation", "pipeline", path, design)
            scan = costs.pop("scan").over(SCANS)
            print(scan.line(f"bare DuckDB scan, {design}"))
            for step, cost in costs.items():
                print(cost.line(f"{step}, {design}", scan))
            print(Cost.total(costs.values()).line(f"from Parquet to the whole tree, {design}", scan), flush=True)
        if rows <= PANDAS_MOST:
            pandas = cost_of("estimation", "pandas", path)["pandas"]
            print(pandas.line("pandas, elements, tree with errors"), flush=True)
        path.unlink()


def scan(path: str, design: str) -> None:
    """Sum every column that the tally reads; texts are read through their smallest."""
    spec = tally_spec(design == "clustered")
    texts = [f"min({name})" for name in spec.columns if name not in spec.items]
    sums = ", ".join([*texts, *(f"sum({item})" for item in spec.items)])
    duckdb.connect().execute(f"SELECT {sums} FROM '{path}'").fetchall()


def pipeline(path: str, design: str) -> dict:
    """The steps of one design, and last, so that its memory is not in theirs, the scan that they are compared with."""
    spec, above, found = tally_spec(design == "clustered"), rollups(), {}

    def count() -> None:
        batches = pq.ParquetFile(path).iter_batches(BATCH_ROWS, columns=list(spec.columns))
        found["tally"] = estimate.tally(batches, spec)

    def score() -> None:
        estimate.index_scores(found["tally"], spec, METHOD.tree, rollups=above)

    return {"tally": count, "tree and errors": score, "scan": lambda: [scan(path, design) for _ in range(SCANS)]}


def with_pandas(path: str) -> list[pd.DataFrame]:
    """Means of all nodes and linearised standard errors, each response its own PSU, as an analyst would write it."""
    responses = pd.read_parquet(path, columns=["unit_code", *METHOD.items])
    above = {unit: code for code, units in rollups().items() for unit in units if len(code) == 2 and code.isdigit()}
    levels = {"commune": responses["unit_code"], "province": responses["unit_code"].map(above), "nation": "VN"}
    nodes = {item: [item] for item in METHOD.items} | {
        node: list(below) for node, below in estimate.inner_nodes(METHOD.tree).items()
    }
    found = []
    for measure in METHOD.measures:
        points = responses[list(METHOD.items)].apply(lambda column, scale=measure.points: column.map(scale))
        for level in levels.values():
            key = pd.Series(level, index=points.index)
            groups = points.groupby(key)
            size, mean = groups.count(), groups.mean()
            influence = (points - mean.loc[key].set_axis(points.index)).fillna(0) / size.loc[key].set_axis(points.index)
            for node, below in nodes.items():
                own = influence[below].mean(axis=1).groupby(key)
                se = np.sqrt(own.var() * own.size())
                found.append(pd.DataFrame({"node": node, "score": mean[below].mean(axis=1), "se": se}))
    return found


if __name__ == "__main__":
    job, *rest = arguments()
    pa.set_cpu_count(1)
    if job == "pandas":
        report({"pandas": lambda: with_pandas(*rest)})
    else:
        report(pipeline(*rest))
