"""The stages of a release: freeze, check, decide, publish.

States are kept in `ops.release`, decisions in `ops.decision`. Two different people are needed, and a
published release never changes. It must not compute a score.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import Any, Literal

import pyarrow as pa
import sqlalchemy as sa

from pipelines import geography, rounds
from pipelines.formats import formats
from pipelines.lake import gate_result, published_scores, records, release, result, sha256_of, tallies
from pipelines.model.errors import GateError, StateError
from pipelines.model.publication import Publication, PublishedTable
from pipelines.model.round import Round
from pipelines.model.table import Table
from pipelines.release import disclosure, manifest
from pipelines.release import freeze as freezing
from pipelines.release import publish as pointing
from pipelines.release.derived import DERIVED
from pipelines.release.ids import next_release_id, release_ids
from pipelines.release.manifest import Accounts, Input, ManifestFacts
from pipelines.release.states import Action, State, transition
from pipelines.release.verify import verify
from pipelines.stages.context import Context
from pipelines.stages.derived import derived_tables
from pipelines.stages.ledger import ledger_heads
from pipelines.stages.loading import FINAL
from pipelines.stages.reference import rows
from pipelines.stages.reports import all_reports
from pipelines.stages.scoring import rollups, strata_without_answers
from pipelines.stages.surveyed import survey_rounds
from pipelines.warehouse import Load, read
from pipelines.warehouse import replace as load

FIGURES: dict[str, Literal["score", "count"]] = {"index_score": "score", "answer_count": "count"}
ADDED_AT_PUBLICATION = ("release_id", "status")
LEVEL_ABOVE = {"commune": "province", "district": "province"}
RELEASED = {"index_score": "mart.released_score", "answer_count": "mart.released_answer_count"}
RELEASED |= {name: f"mart.released_{name}" for name in DERIVED}


def freeze(context: Context, round_id: str, person: str = "") -> str:
    """Write a draft release of a round's results and return its id; the same results give the same release.

    `person` is who freezes (empty: the settings' person); that person can never approve it.
    """
    round_ = context.round(round_id)
    publication, facts = prepare(context, round_)
    frozen = freezing.freeze(context.lake, publication, formats(), facts)
    with context.warehouse() as engine:
        if not read(engine, context.catalogue["ops.release"], {"release_id": frozen.release_id}).num_rows:
            record = {
                "release_id": frozen.release_id,
                "round_id": round_id,
                "programme": round_.programme,
                "state": str(State.DRAFT),
                "frozen_by": person or context.settings.person,
                "frozen_at": context.now(),
                "manifest_sha256": frozen.manifest_sha256,
                "revision_of": "",
            }
            _save(context, engine, record)
    return frozen.release_id


def check(context: Context, release_id: str, person: str = "") -> str:
    """Check a draft: hashes, rows, sums. Return its id where it now waits for approval, empty where it is further on.

    Raises:
        GateError: naming the first thing that is wrong; the draft stays a draft.
    """
    with context.warehouse() as engine:
        record = _record(context, engine, release_id)
        if record["state"] == State.CHECKED:
            return release_id
        if record["state"] != State.DRAFT:
            return ""
        problems = verify(context.lake, release_id, record["manifest_sha256"])
        if problems:
            raise GateError(
                f"{len(problems)} problems, first: {problems[0]}", f"releases/{release_id}", "freeze the round anew"
            )
        _act(context, engine, record, Action.CHECK, person or context.settings.person, "")
    return release_id


def decide(context: Context, release_id: str, reply: dict[str, Any]) -> str:
    """Record a person's decision (`approves`, `person`, `comment`) on a checked draft; return the id if approved.

    Raises:
        StateError: the person froze it, is not named, or the release is not in a state to be decided on.
    """
    action = Action.APPROVE if reply["approves"] else Action.REJECT
    with context.warehouse() as engine:
        record = _record(context, engine, release_id)
        if action is Action.APPROVE and record["state"] in (State.APPROVED, State.PUBLISHED):
            return release_id
        person = reply["person"] or context.settings.person
        _act(context, engine, record, action, person, reply["comment"])
    return release_id if reply["approves"] else ""


def publish(context: Context, release_id: str) -> str:
    """Publish an approved release: its rows behind the schema `published`, and `releases/latest.json`.

    The approval is read from `ops` again, and the files are verified against the approved hash.
    """
    if not release_id:
        return ""
    with context.warehouse() as engine:
        record = _record(context, engine, release_id)
        if record["state"] != State.PUBLISHED:
            problems = verify(context.lake, release_id, record["manifest_sha256"])
            if problems:
                raise StateError(
                    f"changed since it was approved: {problems[0]}", f"releases/{release_id}", "freeze the round anew"
                )
            _act(context, engine, record, Action.PUBLISH, record["frozen_by"], "", _released(context, record))
        pointing.point_latest(context.lake, release_id, record["manifest_sha256"])
    return release_id


def summarise(context: Context, release_id: str) -> str:
    """Return, in Markdown and both languages, what a person should know before deciding on a draft."""
    frozen = manifest.read(context.lake, release_id)
    accounts, difference = frozen.content["accounts"], frozen.content["difference"]
    round_ = context.round(frozen.content["made_from"]["round"]["id"])
    lines = [
        f"**{round_.title_vi}** · {round_.title_en}",
        "",
        f"- vào · in {accounts['in']}, nhận · accepted {accounts['accepted']}, "
        f"trùng · duplicate {accounts['duplicate']}, loại · rejected {accounts['rejected']}",
        f"- tệp · files: {len(frozen.content['outputs'])} in `releases/{release_id}/`, see `index.html`",
        f"- manifest SHA-256 `{frozen.sha256}`",
    ]
    if difference:
        lines.append(f"- so với · against {difference['previous']}: {difference}")
    return "\n".join(lines)


def prepare(context: Context, round_: Round) -> tuple[Publication, ManifestFacts]:
    """Return what is to be published of a round, after disclosure control, and the facts of its manifest."""
    method, lake = context.method(round_), context.lake
    thresholds = context.thresholds(round_)
    tables, reports = {}, []
    for name, kind in FIGURES.items():
        figures, report = disclosure.apply(lake.read_table(result(round_.id, name)), thresholds, kind)
        tables[name] = PublishedTable(published_declaration(context, name), figures)
        reports.append({"table": name} | report.as_dict())
    for name, rows_shown, report in derived_tables(context, round_, {name: tables[name].rows for name in FIGURES}):
        tables[name] = PublishedTable(published_declaration(context, name), rows_shown)
        reports.append({"table": name} | report.as_dict())
    publication = Publication(
        release_id=next_release_id(release_ids(lake), round_.id),
        round=round_,
        method=method,
        frozen_on=context.now().astimezone(round_.zone).date().isoformat(),
        tables=tables,
        unit_names=unit_names(context, round_),
        overall_unit=overall_unit(context, round_),
        notes=notes(context, round_),
    )
    facts = ManifestFacts(
        code_version=version("hailong"),
        inputs=[_input(context, path) for path in input_paths(context, round_)],
        accounts=accounts(context, round_.id),
        gates=[_gate(lake.read_json(path)) for path in lake.glob(gate_result(round_.id, "*", "*"))],
        disclosure=reports,
        previous=_previous(context, round_.id),
        ledger=[head.as_dict() for head in ledger_heads(context, round_.id)],
    )
    return publication, facts


def input_paths(context: Context, round_: Round) -> list[str]:
    """Return the files that a round's figures are computed from: its tallies, published scores or records.

    Where a round is compared with another, the scores of that one are among them, and the tallies of the surveys that
    its indicators are scores of.
    """
    published, recorded = published_scores(round_.id, "*", "*"), records(round_.id, "*")
    patterns = [tallies(round_.programme, round_.id, "*", "*"), published, recorded]
    patterns += [result(round_.previous, "index_score")] if round_.previous else []
    surveys = survey_rounds(context, round_, context.method(round_))
    patterns += [tallies(one.programme, one.id, "*", "*") for one in surveys]
    return [path for pattern in patterns for path in context.lake.glob(pattern)]


def published_declaration(context: Context, name: str) -> Table:
    """Return the declaration of a table as a release holds it: without what is the same in all its rows."""
    released = context.catalogue[RELEASED[name]]
    columns = tuple(column for column in released.columns if column.name not in ADDED_AT_PUBLICATION)
    grain = tuple(column for column in released.grain if column not in ADDED_AT_PUBLICATION)
    return replace(released, schema="published", name=name, columns=columns, grain=grain, partition=())


def accounts(context: Context, round_id: str) -> Accounts:
    """Return the account of a round: what conforming rejected, and what screening made of the rest."""
    reports = all_reports(context.lake, round_id)
    conformed = [report for report in reports if report["stage"] == "conform"]
    last = [report for report in reports if report["stage"] == "screen"] or conformed
    return Accounts(
        rows_in=sum(report["rows_in"] for report in conformed),
        accepted=sum(report["accepted"] for report in last),
        duplicate=sum(report["duplicate"] for report in last),
        rejected=sum(report["rows_in"] - report["accepted"] for report in conformed)
        + (sum(report["rejected"] for report in last) if last is not conformed else 0),
    )


def notes(context: Context, round_: Round) -> tuple[tuple[str, str], ...]:
    """Return the remarks to print with the results, Vietnamese and English."""
    missing = strata_without_answers(context, round_.id).num_rows
    if not missing:
        return ()
    return ((f"{missing} tầng của khung mẫu không có phiếu.", f"{missing} strata of the frame have no answer."),)


def latest_releases(context: Context) -> dict[str, str]:
    """Return round → its release in force."""
    if not context.lake.exists(pointing.LATEST):
        return {}
    return {name: str(entry["release_id"]) for name, entry in context.lake.read_json(pointing.LATEST).items()}


def verify_release(context: Context, release_id: str) -> list[str]:
    """Return what is wrong with a release, one sentence each; empty where everything holds."""
    return verify(context.lake, release_id)


def unit_names(context: Context, round_: Round) -> dict[str, tuple[str, str]]:
    """Return code → (Vietnamese, English) of the round's units and those above them."""
    units = rounds.load_units(context.lake, round_).to_pylist()
    found = {row["unit_code"]: (row["name_vi"], row["name_en"] or row["name_vi"]) for row in units}
    for parent in {row["parent_code"] for row in units if row["parent_code"]} - found.keys():
        above = geography.unit(parent, LEVEL_ABOVE[round_.unit_level], round_.window_to)
        found[parent] = (above.name_vi, above.name_en)
    return found


def overall_unit(context: Context, round_: Round) -> str:
    """Return the unit whose score speaks for the round: the one all roll up to, or the only one; empty otherwise."""
    found = list(rollups(context, round_)) or rounds.load_units(context.lake, round_)["unit_code"].to_pylist()
    return str(found[0]) if len(found) == 1 else ""


def _released(context: Context, record: dict[str, Any]) -> list[Load]:
    release_id = record["release_id"]
    loads = []
    for name in RELEASED:
        path = f"{release(release_id)}/{name}.parquet"
        if not context.lake.exists(path):  # a release holds no table that there was no ground for
            continue
        table = context.lake.read_table(path)
        declared = {column.name for column in context.catalogue[RELEASED[name]].columns}
        for column, value in (("release_id", release_id), ("status", FINAL)):
            if column in declared:
                table = table.append_column(column, pa.array([value] * table.num_rows, pa.string()))
        loads.append(Load(RELEASED[name], {"release_id": release_id}, table))
    return loads


def _act(
    context: Context,
    engine: sa.Engine,
    record: dict[str, Any],
    action: Action,
    person: str,
    comment: str,
    loads: list[Load] | None = None,
) -> None:
    """Make one transition, with its decision, in one transaction."""
    state = transition(record["state"], action, person, record["frozen_by"])
    decision = {
        "release_id": record["release_id"],
        "action": str(action),
        "person": person,
        "decided_at": context.now(),
        "comment": comment,
        "manifest_sha256": record["manifest_sha256"],
    }
    key = {"release_id": record["release_id"]}
    earlier = read(engine, context.catalogue["ops.decision"], key)
    decisions = (
        pa.concat_tables([earlier, rows([decision]).cast(earlier.schema)]) if earlier.num_rows else rows([decision])
    )
    superseded = _superseded(context, engine, record) if action is Action.PUBLISH else []
    changes = [_load(record | {"state": state}), *map(_load, superseded), Load("ops.decision", key, decisions)]
    load(engine, context.catalogue, changes + (loads or []))


def _superseded(context: Context, engine: sa.Engine, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of earlier published releases of the round, now superseded."""
    where = {"round_id": record["round_id"], "state": str(State.PUBLISHED)}
    earlier = read(engine, context.catalogue["ops.release"], where).to_pylist()
    return [row | {"state": str(State.SUPERSEDED)} for row in earlier]


def _record(context: Context, engine: sa.Engine, release_id: str) -> dict[str, Any]:
    found = read(engine, context.catalogue["ops.release"], {"release_id": release_id}).to_pylist()
    if not found:
        raise StateError("there is no such release in the warehouse", release_id, "freeze the round first")
    return dict(found[0])


def _save(context: Context, engine: sa.Engine, record: dict[str, Any]) -> None:
    load(engine, context.catalogue, [_load(record)])


def _load(record: dict[str, Any]) -> Load:
    return Load("ops.release", {"release_id": record["release_id"]}, rows([record]))


def _input(context: Context, path: str) -> Input:
    with context.lake.open(path) as stream:
        return Input(path, sha256_of(stream))


def _gate(found: dict[str, Any]) -> dict[str, Any]:
    checks = found["checks"]
    failed = [check["rule"] for check in checks if not check["passed"]]
    return {"gate": found["gate"], "partition": found["partition_key"], "checks": len(checks), "failed": failed}


def _previous(context: Context, round_id: str) -> str:
    return latest_releases(context).get(round_id, "")
