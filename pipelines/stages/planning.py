"""The stage before a round: its sample size, its plan and who is drawn; and while it runs, how far it has come.

Writes `plan.csv` into the round's folder and the drawn serials under `samples/`. It must not overwrite a plan unasked.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines import rounds, sampling
from pipelines.formats.csv import to_csv
from pipelines.lake import conformed, responses, sample
from pipelines.methods import load_settings
from pipelines.model.errors import InputError, StateError
from pipelines.model.round import Round
from pipelines.stages.context import Context
from pipelines.stages.operations import CELL, Cell, coverage_rows, response_cells

PLAN_COLUMNS = ("unit_code", "procedure_field", "psu_code", "channel", "planned")
LIST_COLUMNS = ("procedure_field", "psu_code", "channel")
MARGINS = ("unit_code", "procedure_field", "channel")


@dataclass(frozen=True)
class SizeLine:
    """How many are asked of a unit."""

    unit_code: str
    name: str
    population: int
    size: int


@dataclass(frozen=True)
class SampleLine:
    """How many were drawn of a stratum, and of how many."""

    stratum: str
    listed: int
    drawn: int


@dataclass(frozen=True)
class ProgressLine:
    """One unit, field or channel of a round; `planned` is None where the plan does not tell them apart."""

    margin: str
    category: str
    planned: int | None
    issued: int | None
    collected: int
    valid: int

    @property
    def rates(self) -> sampling.Rates:
        """Return rate and shares of valid answers, in percent."""
        return sampling.rates(self.issued or 0, self.collected, self.valid)


@dataclass(frozen=True)
class Progress:
    """Lines by margin, the whole round first, and the types of procedure that nobody answered about: unit, type."""

    lines: tuple[ProgressLine, ...]
    unanswered: tuple[tuple[str, str], ...]


def size_for(context: Context, population: int, name: str, changes: dict[str, Any]) -> int:
    """Return the size of a sample from a population outside any round, by the default settings and `changes`."""
    settings = load_settings({"sampling": changes}, "options")
    return sampling.sample_size(_rule(settings), population, name)


def plan_sizes(context: Context, round_id: str) -> list[SizeLine]:
    """Return the size that the round's rule gives to each unit of its frame."""
    round_ = context.round(round_id)
    rule, population = _rule(context.thresholds(round_)), Counter[str]()
    for row in rounds.load_frame(context.lake, round_).to_pylist():
        population[row["unit_code"]] += row["population"] or 0
    units = rounds.load_units(context.lake, round_)
    names = dict(zip(units["unit_code"].to_pylist(), units["name_vi"].to_pylist(), strict=True))
    return [
        SizeLine(unit, names[unit], people, sampling.sample_size(rule, people, names[unit]))
        for unit, people in population.items()
    ]


def allocate_plan(
    context: Context, round_id: str, size: int | None, deviations: Path | None, seed: int, overwrite: bool
) -> sampling.Allocation:
    """Write `plan.csv` of a round and return it with what it cannot do.

    Args:
        context: of the command.
        round_id: the round; its design gives the strata and whether PSUs are drawn, its settings the rest.
        size: of each unit; None: as the rule gives.
        deviations: CSV with the columns of a stratum and `deviation`, for Neyman's allocation.
        seed: of the draw of PSUs; without PSUs nothing is drawn.
        overwrite: whether a plan that is there may be replaced.

    Raises:
        StateError: there is a plan already.
    """
    round_ = context.round(round_id)
    path = f"{round_.folder}/plan.csv"
    if context.lake.exists(path) and not overwrite:
        raise StateError("the round has a plan", context.lake.full(path), "add --replace to write a new one")
    settings = context.thresholds(round_)["sampling"]
    frame = rounds.load_frame(context.lake, round_).to_pylist()
    strata = _strata(round_, frame)
    if round_.design.is_clustered:
        plan = sampling.plan_clusters(frame, strata, settings["psus_per_stratum"], settings["take_per_psu"], seed)
    else:
        sizes = {line.unit_code: size or line.size for line in plan_sizes(context, round_id)}
        minima = sampling.Minima(settings["minimum_per_stratum"], settings["minimum_per_procedure"])
        spread = None if deviations is None else _deviations(deviations, ("unit_code", *strata))
        plan = sampling.plan_strata(frame, strata, sizes, minima, spread)
    plan = sampling.split_channels(plan, [(entry["channel"], entry["share"]) for entry in settings["channels"]])
    context.lake.write_bytes(path, _csv(PLAN_COLUMNS, (vars(cell) for cell in plan.cells)))
    return plan


def select_sample(context: Context, round_id: str, listing: Path, method: str, seed: int) -> list[SampleLine]:
    """Draw the serials of a list as the plan says (`random` or `systematic`); return what was drawn of each stratum.

    Writes `samples/<round>/sample.csv` (serial, stratum, probability, weight) and beside it `sample.json` (seed,
    method, hash of the list). The same list, plan and seed give the same bytes.
    """
    round_ = context.round(round_id)
    plan = rounds.load_plan(context.lake, round_).to_pylist()
    columns = ("unit_code", *(name for name in LIST_COLUMNS if any(row[name] for row in plan)))
    planned: Counter[tuple[str, ...]] = Counter()
    for row in plan:
        planned[tuple(row[name] or "" for name in columns)] += row["planned"]
    if not planned:
        raise StateError("the round has no plan", f"{round_.folder}/plan.csv", "write one: hailong plan allocate")
    found = sampling.read_listing(_read(listing), columns, str(listing.name))
    drawn = sampling.select(found.strata, planned, sampling.Selection(method), seed)
    table = _sample_table(columns, found, drawn)
    sha256 = context.lake.write_bytes(sample(round_id, "sample.csv"), to_csv(table))
    record = {"round": round_id, "seed": seed, "method": method, "list_sha256": found.sha256}
    record |= {"list_rows": found.rows, "drawn": table.num_rows, "sample_sha256": sha256}
    context.lake.write_json(sample(round_id, "sample.json"), record)
    return [SampleLine(" / ".join(key), len(found.strata[key]), len(rows)) for key, rows in drawn.items()]


def plan_progress(context: Context, round_id: str) -> Progress:
    """Return how far a round has come against its plan, from the lake as it is now."""
    round_ = context.round(round_id)
    plan = rounds.load_plan(context.lake, round_).to_pylist()
    collected = response_cells(context, conformed(round_id, "*", "*", "*"))
    valid = response_cells(context, responses(round_.programme, round_id, "*", "*"))
    lines = [_line("", "", plan, plan, collected, valid)]
    for margin in MARGINS:
        planned = [row for row in plan if row[margin]]
        at = CELL.index(margin)
        names = {row[margin] for row in planned} | {cell[at] for cell in (*collected, *valid) if cell[at]}
        lines += [_line(margin, name, plan, planned, collected, valid) for name in sorted(names)]
    unanswered = [
        (row["unit_code"], row["procedure_code"])
        for row in coverage_rows(context, round_, valid)
        if not row["answers"] and row["population"] != 0
    ]
    return Progress(tuple(lines), tuple(unanswered))


def _line(
    margin: str, name: str, plan: list[dict[str, Any]], planned: list[dict[str, Any]], *counts: Counter[Cell]
) -> ProgressLine:
    """Count one category; `planned` are the rows of the plan that name a category of the margin."""
    own = [row for row in planned if not margin or row[margin] == name]
    told = bool(planned) and len(planned) == len(plan)
    sums = [
        sum(count for cell, count in cells.items() if not margin or cell[CELL.index(margin)] == name)
        for cells in counts
    ]
    issued = sum(row["planned"] if row["issued"] is None else row["issued"] for row in own)
    return ProgressLine(
        margin, name, sum(row["planned"] for row in own) if told else None, issued if told else None, *sums
    )


def _rule(settings: dict[str, Any]) -> sampling.SizeRule:
    return sampling.SizeRule.of(settings["sampling"], settings["confidence_level"])


def _strata(round_: Round, frame: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return the strata of the design; the frame must tell them apart."""
    for name in round_.design.strata:
        if not all(row.get(name) for row in frame):
            raise InputError(
                f"the design has strata by {name}, but the frame does not tell it in every row",
                f"{round_.folder}/frame.csv, column {name}",
                "fill in the column, or take it out of design.strata in round.yml",
            )
    return round_.design.strata


def _deviations(path: Path, columns: Sequence[str]) -> dict[tuple[str, ...], float]:
    reader = csv.DictReader(io.StringIO(_read(path).decode("utf-8-sig"), newline=""))
    if missing := [name for name in (*columns, "deviation") if name not in (reader.fieldnames or ())]:
        raise InputError(f"there is no column {', '.join(missing)}", f"{path.name}, line 1", "add it")
    found = {}
    for row in reader:
        try:
            found[tuple(row[name].strip() for name in columns)] = float(row["deviation"])
        except (ValueError, TypeError, AttributeError):
            place = f"{path.name}, line {reader.line_num}"
            raise InputError(f"“{row['deviation']}” is no number", place, "write a number such as 0.42") from None
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", str(path), "name a CSV file") from None


def _sample_table(
    columns: Sequence[str], found: sampling.Listing, drawn: dict[tuple[str, ...], list[sampling.Drawn]]
) -> pa.Table:
    rows = [
        {"serial": found.strata[key][one.position]}
        | dict(zip(columns, key, strict=True))
        | {"probability": float(one.probability), "weight": float(1 / one.probability)}
        for key, ones in sorted(drawn.items())
        for one in ones
    ]
    return pa.Table.from_pylist(rows)


def _csv(names: Sequence[str], rows: Iterable[dict[str, Any]]) -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()
