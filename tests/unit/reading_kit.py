"""Small estimated rounds of the procedure survey in a lake, for the stages that read results."""

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines import estimate, stages
from pipelines.lake import responses, tallies
from pipelines.settings import PROJECT, Settings
from pipelines.stages.tallying import tally_spec

ROUND = """
id: {id}
programme: tthc
method: "2017"
year: {year}
title: {{vi: Khảo sát năm {year}, en: Survey of {year}}}
window: {{from: {year}-02-01, to: {year}-10-31}}
unit_level: commune
{extra}
design: {{strata: [], psu: "", finite_population: false}}
sources:
  - {{source: postal, instance: post office, channel: paper_post, self_selected: false}}
"""


def context_of(folder) -> stages.Context:
    """A context on a lake and a warehouse of its own."""
    data = str(folder / "data")
    return stages.open_context(Settings(data, f"duckdb:///{folder}/warehouse.duckdb", (), PROJECT, "tester"))


def answers(shares: dict[str, float], seed: int, rows: int, items: tuple[str, ...]) -> pd.DataFrame:
    """Answers of so many people of each unit, of whom such a share is satisfied; people differ in mood."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(list(shares), rows)
    mood = rng.normal(0, 0.6, len(unit))
    data = pd.DataFrame({"response_id": [f"{seed}-{row}" for row in range(len(unit))], "unit_code": unit})
    for item in items:
        level = np.array([shares[code] for code in unit]) + 0.2 * mood
        data[item] = np.where(rng.random(len(unit)) < level, 4, 2)
    return data


def make_round(context: stages.Context, round_id: str, shares: dict[str, float], **changes) -> None:
    """Write a round, its responses and their tally, and estimate it.

    `changes`: `seed`, `rows` a unit, `parent` of the units, `extra` lines of round.yml, files of the folder by name.
    """
    extra, seed, rows = changes.pop("extra", ""), changes.pop("seed", 1), changes.pop("rows", 150)
    parent, year = changes.pop("parent", ""), int(round_id.split("-")[1])
    units = "".join(f"{code},Xã {code},,commune,{parent}\n" for code in shares)
    files = {"round.yml": ROUND.format(id=round_id, year=year, extra=extra)}
    files |= {"units.csv": f"unit_code,name_vi,name_en,level,parent_code\n{units}"} | changes
    for name, text in files.items():
        context.lake.write_bytes(f"rounds/{round_id}/{name}", text.encode())
    round_ = context.round(round_id)
    spec = tally_spec(round_, context.method(round_))
    data = answers(shares, seed, rows, spec.items)
    table = pa.Table.from_pandas(data.astype(dict.fromkeys(spec.items, "Int8")), preserve_index=False)
    for name in set(spec.columns) - set(table.column_names):
        table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    context.lake.write_table(responses("tthc", round_id, f"{year}-03", "postal"), table)
    context.lake.write_table(
        tallies("tthc", round_id, f"{year}-03", "postal"), estimate.tally(table.to_batches(), spec)
    )
    stages.weigh(context, round_id)
    stages.estimate(context, round_id)


def scores_of(context: stages.Context, round_id: str, **where) -> dict:
    """The one score that fits."""
    rows = context.lake.read_table(f"results/{round_id}/index_score.parquet").to_pylist()
    where = {"measure": "top2", "breakdown": ""} | where
    (found,) = [row for row in rows if all(row[name] == value for name, value in where.items())]
    return found
