"""The stages that bring answers in: collect, conform, screen. One partition a call, safe to repeat.

What is still to be done is read from the lake, so a killed run goes on where it stopped: a landed object without a
report of conforming on the present basis is pending; a month marked stale, or screened on another basis, is to be
screened. It must not compute a score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from typing import Any

import pyarrow as pa

from pipelines import geography, rounds
from pipelines.collect.conform import conform_object
from pipelines.collect.devices import device_rule
from pipelines.collect.landing import land, receipts
from pipelines.collect.months import affected_months, all_months
from pipelines.collect.plan import ConformPlan, ScreenPlan
from pipelines.collect.review import review_rules
from pipelines.collect.screen import Flags, screen_month
from pipelines.lake import run_report, sealed, stale, tallies
from pipelines.model.errors import InputError
from pipelines.model.method import Method
from pipelines.model.round import Round
from pipelines.model.run import Landed, Partition, StageReport
from pipelines.quality.devices import add_clock_flag
from pipelines.quality.flags import NEEDED, add_flags
from pipelines.sources import source as source_named
from pipelines.stages.bases import conform_basis, round_basis, screen_basis
from pipelines.stages.calibrating import rules_of
from pipelines.stages.context import Context
from pipelines.stages.devices import clock_months, later_records
from pipelines.stages.each import go_on, unreadable
from pipelines.stages.excluding import excluded_responses
from pipelines.stages.privacy import keeper
from pipelines.stages.published import conform_published, has_published_scores
from pipelines.stages.recorded import conform_recorded, has_records
from pipelines.stages.reports import is_current, keep, timed, write_report
from pipelines.stages.scans import SCAN, sheets_source

OBJECTS_A_BATCH = 50  # small files are conformed many to a task, large ones one by one
BYTES_A_BATCH = 64 << 20


def collect(context: Context, source: str, round_id: str = "") -> int:
    """Land what a source has that we have not, for one round or all it serves; return how many objects are new.

    Raises:
        SourceError: the source did not answer or contradicts itself; what landed before stays, other rounds are done.
        InputError: a round cannot be read or does not say how the source serves it; the others are done.
    """

    def work(round_: Round) -> int:
        config = context.config(round_, source)
        connector = sheets_source(context, round_, config) if source == SCAN else source_named(source)
        return len(land(context.lake, connector, config, round_.id, context.now()))

    return sum(go_on(work, context.rounds_of(source, round_id), unreadable(context, round_id)))


def pending_batches(context: Context, source: str, round_id: str = "") -> list[dict[str, Any]]:
    """Return what is landed and not conformed by the present round and method, in batches of bounded size.

    Of a round that cannot be conformed as it is written there is one object, which tells why when its turn comes.
    """
    pending = []
    for round_ in context.rounds_of(source, round_id):
        held = [one for one in receipts(context.lake, round_.id, source) if one.path]  # else its time was over
        try:
            basis = _conform_basis(context, round_, source)
        except InputError:
            pending += [(source, round_.id, landed) for landed in held[:1]]
            continue
        pending += [
            (source, round_.id, landed)
            for landed in held
            if not is_current(context.lake, round_.id, "conform", f"{source}~{landed.sha256}", basis)
        ]
    return in_batches(pending)


def in_batches(objects: Iterable[tuple[str, str, Landed]]) -> list[dict[str, Any]]:
    """Put landed objects, as (source, round, object), together to batches of bounded size, each of one round."""
    batches: list[dict[str, Any]] = []
    size = 0
    for source, round_id, landed in objects:
        full = not batches or batches[-1]["round"] != round_id or len(batches[-1]["objects"]) >= OBJECTS_A_BATCH
        if full or size + landed.size > BYTES_A_BATCH:
            batches.append({"source": source, "round": round_id, "objects": []})
            size = 0
        batches[-1]["objects"].append(landed.sha256)
        size += landed.size
    return batches


def conform(context: Context, batch: dict[str, Any]) -> list[str]:
    """Turn landed objects into responses, and mark the months they touch as stale; return those months.

    Those that they leave are marked before they leave them, and those that they come to before the reports: a kill in
    between conforms the batch again rather than forget a month.
    """
    source, round_ = str(batch["source"]), context.round(batch["round"])
    method = context.method(round_)
    if has_published_scores(method):
        conform_published(context, round_, method, batch, round_basis(round_, method))
        return []
    if has_records(method):
        conform_recorded(context, round_, method, batch, known_units(context, round_), round_basis(round_, method))
        return []
    plan, config = conform_plan(context, round_, method, source), context.config(round_, source)
    basis = conform_basis(plan, source)
    landed = {one.sha256: one for one in receipts(context.lake, round_.id, source)}
    touched = _mark(context, round_, source, batch["objects"])
    reports = {
        sha256: timed(partial(conform_object, context.lake, plan, source_named(source), config, landed[sha256]))
        for sha256 in batch["objects"]
    }
    touched |= _mark(context, round_, source, batch["objects"])
    for sha256, report in reports.items():
        write_report(context, f"{source}~{sha256}", basis, report)
    return sorted(touched)


def _mark(context: Context, round_: Round, source: str, objects: list[str]) -> set[str]:
    """Mark the months that are to be screened anew for what some objects hold; return these."""
    marked = _marked(context, round_, source)
    months = set(affected_months(context.lake, round_.id, source, objects, marked))
    months |= clock_months(context, round_, source, objects, marked | months)
    for month in sorted(months):
        context.lake.write_json(stale(round_.id, source, month), {"objects": len(objects)})
    return months


def _marked(context: Context, round_: Round, source: str) -> set[str]:
    return {path.rsplit("/", 1)[-1] for path in context.lake.glob(stale(round_.id, source, "*"))}


def stale_partitions(context: Context, source: str, round_id: str = "") -> list[str]:
    """Return keys of the partitions of a source that are to be screened, checked and tallied again.

    Those that are marked, and those that were screened by other rules than the round has now. Of a round whose rules
    cannot be used there is one, which tells why when its turn comes.
    """
    keys = []
    for round_ in context.rounds_of(source, round_id):
        marked = _marked(context, round_, source)
        months = all_months(context.lake, round_.id, source)
        try:
            basis = _screen_basis(context, round_, source) if months else ""
        except InputError:
            marked |= set(months[:1])
        else:
            marked |= {
                month
                for month in months
                if not is_current(context.lake, round_.id, "screen", f"{source}~{month}", basis)
            }
        keys += [Partition(round_.id, source, month).key for month in sorted(marked)]
    return keys


def screen(context: Context, key: str) -> str:
    """Accept, set aside as duplicate or reject the responses of one month of a source; return the partition's key."""
    partition = context.partition(key)
    round_ = context.round(partition.round_id)
    plan = screen_plan(context, round_, context.method(round_), partition.source)
    rules = rules_of(context, round_)

    def flag(table: pa.Table) -> pa.Table:
        later = later_records(context, round_, partition.source, partition.month)
        return add_clock_flag(add_flags(table, plan.method.items, rules), later)

    def work() -> StageReport:
        flags = Flags((*NEEDED, *plan.method.items), flag)
        return screen_month(context.lake, plan, partition.source, partition.month, flags)

    mark = stale(round_.id, partition.source, partition.month)
    if not context.lake.exists(mark):  # it goes when the month is tallied, which a gate may stop
        context.lake.write_json(mark, {"objects": 0})
    keep(context, f"{partition.source}~{partition.month}", screen_basis(plan, rules), work)
    return key


def months_of(context: Context, keys: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (programme, round, month) of partitions whose tallies are there, each once; a stopped gate leaves none.

    A round whose folder has changed since it was loaded has one as well, since a month's run loads the whole round. One
    that cannot be read has none to announce: what was to be done for it failed before.
    """
    found = set()
    readable = {round_.id: round_ for round_ in context.readable()[0]}
    for partition in map(Partition.of, keys):
        round_ = readable.get(partition.round_id)
        if round_ and context.lake.exists(tallies(round_.programme, round_.id, partition.month, partition.source)):
            found.add((round_.programme, round_.id, partition.month))
    found |= {(one.programme, one.id, month) for one in readable.values() if (month := _loaded_otherwise(context, one))}
    return sorted(found)


def _loaded_otherwise(context: Context, round_: Round) -> str:
    """Return a month of a round that was loaded, but not as its folder is now: frame and plan are in the marts too.

    Empty where it was loaded since, never, or with final results.
    """
    paths = context.lake.glob(run_report(round_.id, "load", "*"))
    bases = {report["key"]: report["basis"] for report in map(context.lake.read_json, paths)}
    is_over = round_.id in bases or context.lake.exists(sealed(round_.id)) or round_.sha256 in bases.values()
    return "" if is_over else max(bases, default="")


def conform_plan(context: Context, round_: Round, method: Method, source: str) -> ConformPlan:
    """Bring together what conforming needs to know of a round."""
    frame, config = rounds.load_frame(context.lake, round_), context.config(round_, source)
    procedures = dict(zip(frame["procedure_code"].to_pylist(), frame["procedure_field"].to_pylist(), strict=True))
    return ConformPlan(
        keeper=keeper(context, round_),
        round=round_,
        method=method,
        mappings=context.mappings(round_, method, config),
        units=known_units(context, round_),
        procedures={code: field for code, field in procedures.items() if code},
        psus=frozenset(code for code in frame["psu_code"].to_pylist() if code),
        devices=device_rule(config),
        corrections=tuple(one for one in rounds.load_corrections(context.lake, round_) if one.source == source),
    )


def screen_plan(context: Context, round_: Round, method: Method, source: str) -> ScreenPlan:
    """Bring together what screening needs to know of a round."""
    units = rounds.load_units(context.lake, round_)["unit_code"].to_pylist()
    minimum = int(context.thresholds(round_)["valid_response"]["minimum_items"])
    config = context.config(round_, source)
    refused, waiting = review_rules(config)
    return ScreenPlan(
        round_,
        method,
        frozenset(units),
        minimum,
        refused_states=refused,
        waiting_states=waiting,
        numbers_once=config.requires_devices,
        excluded=excluded_responses(context, round_.id),
    )


def known_units(context: Context, round_: Round) -> dict[str, str]:
    """Return every code that names a unit within the round's window → the code to keep.

    Administrative units come from the national list at both ends of the window; agencies only from `units.csv`.
    """
    codes: set[str] = set(rounds.load_units(context.lake, round_)["unit_code"].to_pylist())
    for day in (round_.window_from, round_.window_to):
        codes |= _codes_at(day)
    return {code: code for code in codes} | geography.aliases(round_.window_to)


def _conform_basis(context: Context, round_: Round, source: str) -> str:
    method = context.method(round_)
    if has_published_scores(method) or has_records(method):
        return round_basis(round_, method)
    return conform_basis(conform_plan(context, round_, method, source), source)


def _screen_basis(context: Context, round_: Round, source: str) -> str:
    return screen_basis(screen_plan(context, round_, context.method(round_), source), rules_of(context, round_))


def _codes_at(day: date) -> set[str]:
    return {code for level in ("province", "district", "commune") for code in geography.units(level, day)}
