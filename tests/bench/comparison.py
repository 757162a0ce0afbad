"""The largest job that R's `survey` and PyPI's `svy` finish in a minute, and the same job here.

The job: the mean of every item (share satisfied) with its standard error, for every province and for the nation, with
provinces as strata and clusters as PSUs: by commune, R does not finish with a thousand responses. `svy` gets an
environment of its own beside the project's, from `requirements.lock` in this folder; where R or `svy` cannot be had,
that is printed.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import venv
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from measure import HERE, Cost, arguments, cost_of, report
from responses import METHOD, NATION, rollups, tally_spec, write_responses

from pipelines import estimate

MINUTE = 60  # of processor, all threads: what else runs on the machine does not count
FIRST_ROWS = 20_000
ENVIRONMENT = Path(sys.prefix) / "bench-svy"
MEASURE = "top2"


def run(folder: Path, options: argparse.Namespace) -> None:
    del options
    print(f"\nThe same job: {len(METHOD.items)} items, 34 provinces and the nation, clustered; processor seconds")
    print(f"{'against':<12}{'responses':>10}{'theirs':>10}{'here':>8}{'times':>8}", flush=True)
    for name, command in (("R survey", _r()), ("svy", _svy())):
        if command is None:
            continue
        rows, found = FIRST_ROWS, None
        while (seconds := _seconds(command, _table(folder, rows))) is not None:
            found, rows = (rows, seconds), 2 * rows
        if found is None:
            print(f"{name}: not even {rows:,} responses are done in a minute", flush=True)
            continue
        _table(folder, found[0])
        ours = Cost.total(cost_of("comparison", "here", folder / "responses.parquet").values()).processor
        print(f"{name:<12}{found[0]:>10,}{found[1]:>10.1f}{ours:>8.2f}{found[1] / ours:>8.1f}", flush=True)


def _r() -> list[str] | None:
    if shutil.which("Rscript"):
        return ["Rscript", str(HERE / "survey.R")]
    print("R is not installed: not compared")
    return None


def _svy() -> list[str] | None:
    """Return the command, having made the environment if there is none yet."""
    python = ENVIRONMENT / "bin" / "python"
    try:
        if not python.exists():
            venv.create(ENVIRONMENT)
        sync = [f"{sys.prefix}/bin/uv", "pip", "sync", "--quiet", "--require-hashes", "--python", str(python)]
        subprocess.run([*sync, str(HERE / "requirements.lock")], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"svy cannot be installed: not compared ({error})")
        return None
    return [str(python), str(HERE / "survey_svy.py")]


def _table(folder: Path, rows: int) -> Path:
    """Write so many responses, their province as the unit, as Parquet and as CSV for the others; return the latter."""
    responses, table = folder / "communes.parquet", folder / "responses.csv"
    write_responses(responses, rows)
    above = {unit: code for code, units in rollups().items() for unit in units if code != NATION}
    province = pa.table({"unit_code": list(above), "province_code": list(above.values())})
    columns = ", ".join(("psu_code", *METHOD.items))
    with duckdb.connect() as connection:
        connection.register("province", province)
        joined = f"SELECT province_code AS unit_code, {columns} FROM '{responses}' JOIN province USING (unit_code)"
        connection.execute(f"COPY ({joined}) TO '{folder / 'responses.parquet'}'")
    duckdb.execute(f"COPY (FROM '{folder / 'responses.parquet'}') TO '{table}'")
    return table


def _seconds(command: list[str], table: Path) -> float | None:
    """Return the processor seconds that a command says it needed; None where it was stopped after a minute of them."""

    def stop_after_a_minute() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (MINUTE, MINUTE))

    done = subprocess.run([*command, str(table)], stdout=subprocess.PIPE, text=True, preexec_fn=stop_after_a_minute)
    if done.returncode > 0:
        done.check_returncode()
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def here(path: str) -> None:
    """Do the job from the Parquet file."""
    spec = tally_spec(is_clustered=True)
    spec = replace(spec, measures={MEASURE: spec.measures[MEASURE]})
    tally = estimate.tally(pq.ParquetFile(path).iter_batches(columns=list(spec.columns)), spec)
    estimate.index_scores(
        tally, spec, METHOD.tree, rollups={NATION: tuple(sorted(set(tally["unit_code"].to_pylist())))}
    )


if __name__ == "__main__":
    job, *rest = arguments()
    pa.set_cpu_count(1)
    pa.array([0])  # pyarrow loads pandas with its first array: starting up is left out here as it is for the others
    report({job: lambda: here(*rest)})
