"""From Parquet responses to the full tree with standard errors: against a bare scan, pandas, R's `survey` and `svy`."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from measure import COLUMNS, HERE, arguments, cost_of, report
from responses import METHOD, rollups, tally_spec, write_responses

from pipelines import estimate

BATCH_ROWS = 131_072
MINUTE = 60.0
PANDAS_MOST = 1_000_000  # the straightforward version holds every point in memory, eight bytes each
R_ROWS = (3_000, 10_000, 30_000, 100_000)


def run(folder: Path, options: argparse.Namespace) -> None:
    for rows in options.rows:
        path = folder / f"{rows}.parquet"
        write_responses(path, rows)
        print(f"\nEstimation: {rows:,} responses × {len(METHOD.items)} items, 3,321 communes, 34 provinces, nation")
        print(COLUMNS)
        for design in ("clustered", "elements"):
            scan = cost_of("estimation", "scan", path, design)["scan"]
            print(scan.line(f"bare DuckDB scan, {design}"))
            for step, cost in cost_of("estimation", "pipeline", path, design).items():
                print(cost.line(f"{step}, {design}", scan))
        if rows <= PANDAS_MOST:
            print(cost_of("estimation", "pandas", path)["pandas"].line("pandas, elements, tree with errors"))
        path.unlink()
    _against_survey(folder)


def _against_survey(folder: Path) -> None:
    """Print how the pipeline compares with R on the largest number of responses that R finishes in a minute."""
    if importlib.util.find_spec("svy") is None:
        print("svy is not installed: not compared")
    if shutil.which("Rscript") is None:
        print("R is not installed: not compared")
        return
    print(
        "\nAgainst R's survey: means of the items with their standard errors, by commune and for the nation, clustered"
    )
    for rows in R_ROWS:
        path, table = folder / "r.parquet", folder / "r.csv"
        write_responses(path, rows)
        columns = ", ".join(("unit_code", "psu_code", *METHOD.items))
        duckdb.execute(f"COPY (SELECT {columns} FROM '{path}') TO '{table}'")
        start = time.perf_counter()
        try:
            done = subprocess.run(
                ["Rscript", str(HERE / "survey.R"), str(table)],
                capture_output=True,
                text=True,
                timeout=MINUTE,
                check=True,
            )
        except subprocess.TimeoutExpired:
            print(f"{rows:,} responses: R did not finish in {time.perf_counter() - start:.0f} s")
            return
        r_seconds, r_processor = map(float, done.stdout.split()[-2:])
        ours = cost_of("estimation", "pipeline", path, "clustered")
        seconds, processor = (sum(getattr(cost, part) for cost in ours.values()) for part in ("seconds", "processor"))
        print(
            f"{rows:,} responses: R {r_seconds:.1f} s ({r_processor:.1f} of processor), whole tree here {seconds:.1f} s"
            f" ({processor:.1f}): {r_processor / processor:.1f} times"
        )


def scan(path: str, design: str) -> None:
    """Sum every column that the tally reads; texts are read through their smallest."""
    spec = tally_spec(design == "clustered")
    texts = [f"min({name})" for name in spec.columns if name not in spec.items]
    sums = ", ".join([*texts, *(f"sum({item})" for item in spec.items)])
    duckdb.connect().execute(f"SELECT {sums} FROM '{path}'").fetchall()


def pipeline(path: str, design: str) -> dict:
    spec, found = tally_spec(design == "clustered"), {}

    def count() -> None:
        batches = pq.ParquetFile(path).iter_batches(BATCH_ROWS, columns=list(spec.columns))
        found["tally"] = estimate.tally(batches, spec)

    def score() -> None:
        estimate.index_scores(found["tally"], spec, METHOD.tree, rollups=rollups())

    return {"tally": count, "tree and errors": score}


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
    if job == "scan":
        report({"scan": lambda: scan(*rest)})
    elif job == "pandas":
        report({"pandas": lambda: with_pandas(*rest)})
    else:
        report(pipeline(*rest))
