"""Honest answers to one form, and frauds planted among them: what quality flags are calibrated on.

Answers follow the model of all simulated rounds; devices are used all day, one respondent after the other. It must not
know a flag or a threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.model.method import Method
from pipelines.model.round import Design
from pipelines.simulate.answers import BLANK, response_table, simulate_answers
from pipelines.simulate.population import build_population, scale_codes
from pipelines.simulate.schedule import SPREAD, local_time, schedule
from pipelines.simulate.spec import Channel, Effects, Faults, FrameRow, Sample, SimulationSpec, UnitRow
from pipelines.simulate.streams import stream

MONDAY = date(2024, 1, 1)
A_DAY = 60  # responses of a device in eight and a half hours: a busy desk
SECONDS = 180.0
BLANKS = 0.015
CHANGED = 0.1  # share of a copied form's answers that are altered to hide the copy
BATCH = 8  # forms that are filled in one after the other
BETWEEN = 45  # seconds from one of them to the next
HURRIED = 0.25  # of the time that the form would have taken
SHARE = 0.05  # of responses that are fraudulent, where they are single ones
PLANTED = "planted"
# What the model assumes, to be told beside every rate.
ASSUMPTIONS = {
    "seconds": SECONDS,
    "spread_of_log_seconds": SPREAD,
    "responses_a_day": A_DAY,
    "blanks": BLANKS,
    "respondent_sd": Effects.respondent,
    "unit_sd": Effects.unit,
    "item_sd": Effects.item,
    "copies_changed": CHANGED,
    "batch": BATCH,
    "batch_seconds": BETWEEN,
    "hurried": HURRIED,
}
Codes = NDArray[np.int8]
Fraud = Callable[[pa.Table, Method, np.random.Generator], pa.Table]


def honest_responses(method: Method, form: str, size: int, groups: int, seed: int) -> pa.Table:
    """Return responses to a form by honest people: `groups` units, each with one device and `size` responses.

    Wide as the response table, with `response_id` and times; the column `planted` is false everywhere.

    Raises:
        InputError: the method is not fed by answers.
    """
    spec = _spec(method, form, size, groups)
    population = build_population(spec, method, seed)
    drawn = simulate_answers(population, seed)
    responses = replace(drawn, channel=population.unit[drawn.member])
    _, start, end = schedule(spec, responses.channel, seed)
    table = response_table(responses)
    times = {"started_at": start, "submitted_at": end}
    columns = {
        "response_id": pa.array([f"{number:032x}" for number in range(table.num_rows)]),
        "device_id": pa.array([spec.channels[index].devices[0] for index in responses.channel]),
        "line": pa.array(np.arange(table.num_rows)),
    } | {
        name: pa.array([local_time(spec, int(second)) for second in seconds], pa.timestamp("us", "UTC"))
        for name, seconds in times.items()
    }
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table.append_column(PLANTED, pa.array(np.zeros(table.num_rows, dtype=bool)))


def plant_fraud(table: pa.Table, kind: str, method: Method, seed: int) -> pa.Table:
    """Return honest responses with frauds of one kind (`FRAUDS`) among them, marked in `planted`."""
    return FRAUDS[kind](table, method, stream(seed, "fraud", kind))


def _spec(method: Method, form: str, size: int, groups: int) -> SimulationSpec:
    codes = [f"U{number:04d}" for number in range(groups)]
    days = -(-size // A_DAY)
    return SimulationSpec(
        round_id="honest",
        programme=method.programme,
        method_version=method.version,
        year=MONDAY.year,
        title_vi="",
        title_en="",
        window_from=MONDAY,
        window_to=MONDAY + timedelta(days=7 * (days // 5) + days % 5 + 1),
        unit_level="commune",
        units=tuple(UnitRow(code, "", code, code, "commune") for code in codes),
        frame=tuple(FrameRow(code, size, code, code) for code in codes),
        design=Design(),
        sample=Sample(size=size),
        channels=tuple(Channel("kiosk", "kiosk", 1 / groups, (f"D{code}",)) for code in codes),
        instruments={"citizen": form},
        faults=Faults(blanks=BLANKS),
        seconds=SECONDS,
    )


def _straight_lines(table: pa.Table, method: Method, rng: np.random.Generator) -> pa.Table:
    """Let some tick one column of the upper half."""
    answers, chosen = _answers(table, method), _some(table, rng)
    upper = scale_codes(method)[len(scale_codes(method)) // 2 :]
    answers[:, chosen] = rng.choice(upper, len(chosen))
    return _with(table, method, answers, chosen)


def _copies(table: pa.Table, method: Method, rng: np.random.Generator) -> pa.Table:
    """Let some forms be copies of another of the same unit, with a few answers altered."""
    answers, chosen = _answers(table, method), _some(table, rng)
    units = table["unit_code"].combine_chunks().dictionary_encode().indices.to_numpy()
    honest = np.setdiff1d(np.arange(table.num_rows), chosen)
    originals = np.array([rng.choice(honest[units[honest] == units[one]]) for one in chosen])
    answers[:, chosen] = _altered(answers[:, originals], method, rng)
    return _with(table, method, answers, chosen)


def _batches(table: pa.Table, method: Method, rng: np.random.Generator) -> pa.Table:
    """Let one person fill in forms one after the other at each device, all much the same."""
    answers, chosen = _answers(table, method), list[int]()
    times = table["submitted_at"].cast(pa.int64()).to_numpy().copy()
    started = table["started_at"].cast(pa.int64()).to_numpy().copy()
    devices = np.asarray(table["device_id"].to_pylist(), dtype=object)
    for device in dict.fromkeys(devices.tolist()):
        own = np.flatnonzero(devices == device)
        own = own[np.argsort(times[own], kind="stable")]
        first = int(rng.integers(len(own) - BATCH))
        batch = own[first : first + BATCH]
        answers[:, batch] = _altered(np.repeat(answers[:, batch[:1]], BATCH, axis=1), method, rng)
        times[batch] = times[batch[0]] + np.arange(BATCH) * BETWEEN * 1_000_000
        started[batch] = times[batch] - (BETWEEN - 5) * 1_000_000
        chosen += batch.tolist()
    return _with(_timed(table, started, times), method, answers, np.array(chosen))


def _hurried(table: pa.Table, method: Method, rng: np.random.Generator) -> pa.Table:
    """Let some rush through the form, ticking anything."""
    answers, chosen = _answers(table, method), _some(table, rng)
    answers[:, chosen] = rng.choice(scale_codes(method), (len(answers), len(chosen)))
    started, times = (table[name].cast(pa.int64()).to_numpy().copy() for name in ("started_at", "submitted_at"))
    started[chosen] = times[chosen] - ((times - started)[chosen] * HURRIED).astype(np.int64)
    return _with(_timed(table, started, times), method, answers, chosen)


FRAUDS: dict[str, Fraud] = {
    "straight_lines": _straight_lines,
    "copies": _copies,
    "batches": _batches,
    "hurried": _hurried,
}


def _answers(table: pa.Table, method: Method) -> Codes:
    return np.stack([table[item].fill_null(int(BLANK)).to_numpy() for item in method.items]).astype(np.int8)


def _some(table: pa.Table, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(rng.choice(table.num_rows, max(1, round(SHARE * table.num_rows)), replace=False))


def _altered(answers: Codes, method: Method, rng: np.random.Generator) -> Codes:
    """Return answers of which a few are drawn anew."""
    anew = rng.choice(scale_codes(method), answers.shape)
    return np.where(rng.random(answers.shape) < CHANGED, anew, answers)


def _timed(table: pa.Table, started: NDArray[np.int64], submitted: NDArray[np.int64]) -> pa.Table:
    for name, values in (("started_at", started), ("submitted_at", submitted)):
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values).cast(pa.timestamp("us", "UTC")))
    return table


def _with(table: pa.Table, method: Method, answers: Codes, chosen: NDArray[np.int64]) -> pa.Table:
    """Return the table with these answers and the chosen responses marked."""
    for item, codes in zip(method.items, answers, strict=True):
        table = table.set_column(table.column_names.index(item), item, pa.array(codes, mask=codes == BLANK))
    planted = np.isin(np.arange(table.num_rows), chosen)
    return table.set_column(table.column_names.index(PLANTED), PLANTED, pa.array(planted))
