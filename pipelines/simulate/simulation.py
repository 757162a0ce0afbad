"""Simulates a whole round and writes it: the round's folder, its source files, and the truth apart from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import pyarrow as pa

from pipelines.lake import Lake
from pipelines.model.errors import StateError
from pipelines.model.method import Method
from pipelines.simulate.answers import simulate_answers
from pipelines.simulate.faults import plant
from pipelines.simulate.kiosk_files import kiosk_files
from pipelines.simulate.ledger import Ledger, make_ledger
from pipelines.simulate.limesurvey_files import limesurvey_files
from pipelines.simulate.lots import Lot, make_lots, take_scanned
from pipelines.simulate.odk_files import odk_files
from pipelines.simulate.population import Population, build_population
from pipelines.simulate.portal_files import portal_files
from pipelines.simulate.postal_files import postal_files
from pipelines.simulate.record import DELETED, KIOSK, KOBO, LIMESURVEY, ODK, POSTAL, SOURCES, SPREADSHEET, Record
from pipelines.simulate.records import make_records
from pipelines.simulate.round_folder import inbox, round_files
from pipelines.simulate.sampling import plan_sample
from pipelines.simulate.spec import SimulationSpec
from pipelines.simulate.spreadsheet_files import spreadsheet_files
from pipelines.simulate.truth import true_values

WRITERS: dict[str, Callable[[SimulationSpec, list[Record], Method], dict[str, bytes]]] = {
    KOBO: portal_files,
    ODK: odk_files,
    LIMESURVEY: limesurvey_files,
}


@dataclass(frozen=True)
class SimulatedRound:
    """A round and everything that is true of it.

    `records` are what the sources hold, faults included; `earlier` the portals' records before they were edited;
    `truth` the table of `true_values`; `ledger` what was planted; `lots` the sheets that are to be printed and scanned.
    """

    population: Population
    seed: int
    records: list[Record]
    earlier: list[Record]
    truth: pa.Table
    ledger: Ledger
    lots: list[Lot]

    @property
    def spec(self) -> SimulationSpec:
        """What was to be simulated."""
        return self.population.spec


def simulate_round(spec: SimulationSpec, method: Method, seed: int) -> SimulatedRound:
    """Simulate population, sample, answers and faults; the same arguments give the same round."""
    population = build_population(spec, method, seed)
    scanned, records = take_scanned(spec, make_records(simulate_answers(population, seed), seed), seed)
    planted = plant(spec, method, records, seed)
    ledger = make_ledger(spec.round_id, seed, planted)
    truth, lots = true_values(population), make_lots(scanned)
    return SimulatedRound(population, seed, planted.records, planted.earlier, truth, ledger, lots)


def files_of(simulated: SimulatedRound) -> dict[str, bytes]:
    """Return path in the lake → bytes of the round's folder and of all source files, in the formats of the sources.

    `portal/<source>/` is what the portals hold; `portal-before-edits/<source>/` what they held before.
    """
    spec, method = simulated.spec, simulated.population.method
    own = {source: [r for r in simulated.records if r.source == source] for source in SOURCES}
    folders = {
        f"rounds/{spec.round_id}": round_files(spec, method, plan_sample(spec, simulated.seed)),
        inbox(spec, KIOSK): kiosk_files(own[KIOSK], method, spec.round_id),
        inbox(spec, POSTAL): postal_files(spec, own[POSTAL], method),
        inbox(spec, SPREADSHEET): spreadsheet_files(spec, own[SPREADSHEET], method),
    }
    for portal, write in WRITERS.items():
        folders[f"portal/{portal}"] = write(spec, own[portal], method)
        if simulated.earlier:
            folders[f"portal-before-edits/{portal}"] = write(spec, _before(simulated, own[portal]), method)
    return {f"{folder}/{name}": content for folder, files in folders.items() for name, content in files.items()}


def _before(simulated: SimulatedRound, records: list[Record]) -> list[Record]:
    """Return what a portal held before records were edited and deleted."""
    earlier = {record.version_id: record for record in simulated.earlier}
    kept = [replace(one, damage="") if one.damage == DELETED else one for one in records]
    return [replace(earlier.get(one.replaces, one), record_id=one.record_id) for one in kept]


def write_round(lake: Lake, simulated: SimulatedRound) -> list[str]:
    """Write the round, its source files and, under `truth/`, the true values and the ledger; return the paths.

    Writing the same round again changes nothing.

    Raises:
        StateError: the lake holds this round from another seed or specification; two would be mixed.
    """
    round_id, files = simulated.spec.round_id, files_of(simulated)
    ledger = f"truth/{round_id}.json"
    account = json.loads(json.dumps(simulated.ledger.as_dict()))
    if lake.exists(ledger) and lake.read_json(ledger) != account:
        raise StateError(
            f"round {round_id} was simulated before, with another seed or another size",
            lake.full(ledger),
            "use another data folder, or remove the round's folders in rounds/, inbox/, portal/ and truth/",
        )
    lake.write_json(ledger, account)
    lake.write_table(f"truth/{round_id}.parquet", simulated.truth)
    for path, content in files.items():
        if not (lake.exists(path) and lake.read_bytes(path) == content):
            lake.write_bytes(path, content)
    return sorted([ledger, f"truth/{round_id}.parquet", *files])
