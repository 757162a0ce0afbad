"""Conforming: one landed object becomes responses, by month, and rejects; rows in = accepted + rejected.

Works on blocks of columns; everything that is in the bytes ends either in a response or in a reject with its reason.
It must not decide whether a response belongs to the round or is a duplicate: screening does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from pipelines.collect.answers import answer_columns
from pipelines.collect.carried import Blanks, carry, told
from pipelines.collect.cells import Block
from pipelines.collect.corrections import correct, keep_applied
from pipelines.collect.corrections import told as corrections_told
from pipelines.collect.forms import Form, assign_forms, resolve_forms
from pipelines.collect.header import header_columns
from pipelines.collect.identity import content_hashes, response_ids
from pipelines.collect.parsing import local_months
from pipelines.collect.people import People
from pipelines.collect.plan import ConformPlan
from pipelines.collect.problems import Problems, check_headings, unknown_form
from pipelines.collect.redacted import read_landed
from pipelines.collect.rejects import ERASED, SCHEMA, payload_of, reject_of, reject_of_fault, reject_table
from pipelines.collect.schema import response_schema
from pipelines.collect.spool import Spool
from pipelines.lake import Lake, conformed, rejects
from pipelines.model.correction import Applied
from pipelines.model.response import COMMENT
from pipelines.model.round import SourceConfig
from pipelines.model.run import Landed, Partition, Reject, StageReport
from pipelines.model.source import Fault, Source

STAGE = "conform"
REJECTED = "rejected"


@dataclass
class _Work:
    """One landed object on its way."""

    plan: ConformPlan
    forms: tuple[Form, ...]
    channel: str
    landed: Landed
    schema: pa.Schema
    accepted: Spool
    rejected: Spool
    people: People
    applied: list[Applied] = field(default_factory=list)
    blanks: Blanks = field(default_factory=Counter)

    def take_fault(self, fault: Fault) -> None:
        asks = any(form.identity for form in self.forms)
        self._reject([reject_of_fault(self.landed, fault, self.plan.payload_limit, asks)])

    def take_block(self, block: Block) -> None:
        rows: list[Reject] = []
        for form, part in assign_forms(self.forms, block):
            rows += self._unknown(part) if form is None else self._conform(form, part)
        self._reject(sorted(rows, key=lambda row: row.line or 0))

    def _unknown(self, block: Block) -> list[Reject]:
        problems = Problems(len(block))
        unknown_form(self.forms, block, problems)
        return self._rejects(None, block, problems, pa.nulls(len(block), pa.string()))

    def _conform(self, form: Form, block: Block) -> list[Reject]:
        block, applied = correct(block, form, self.plan.corrections, self.landed.sha256)
        self.applied += applied
        block = carry(block, form.translations, self.blanks)
        problems = Problems(len(block))
        check_headings(form, block, problems)
        header = header_columns(self.plan, form, self.channel, block, problems)
        answers = answer_columns(form, block, problems)
        columns = header | answers | self._provenance(form, block, header, answers)
        columns |= self.people.columns(form, block, columns["response_id"], answers.get(COMMENT))
        good = pa.array(~problems.is_bad)
        self._accept(_table(columns, self.schema, len(block)).filter(good))
        return self._rejects(form, block, problems, columns["response_id"])

    def _provenance(
        self, form: Form, block: Block, header: dict[str, pa.Array], answers: dict[str, pa.Array]
    ) -> dict[str, pa.Array]:
        landed, instrument = self.landed, form.instrument
        constant = {
            "source": landed.source,
            "instance": landed.instance,
            "form": instrument.id,
            "form_version": form.version,
            "landing_sha256": landed.sha256,
        }
        return {name: pa.repeat(pa.scalar(text, pa.string()), len(block)) for name, text in constant.items()} | {
            "response_id": response_ids(landed.source, landed.instance, header["record_id"]),
            "line": pa.array(block.lines),
            "content_hash": content_hashes(header, answers),
        }

    def _accept(self, table: pa.Table) -> None:
        self.accepted.add(table, local_months(table["submitted_at"], self.plan.round.time_zone))

    def _rejects(self, form: Form | None, block: Block, problems: Problems, identities: pa.Array) -> list[Reject]:
        limit, erased = self.plan.payload_limit, self.plan.keeper.erased
        return [
            reject_of(
                self.landed,
                problems.of_row(row),
                int(block.lines[row]),
                ERASED if identities[row].as_py() in erased else payload_of(block, row, form, limit),
                identities[row].as_py() or "",
            )
            for row in np.flatnonzero(problems.is_bad).tolist()
        ]

    def _reject(self, rows: list[Reject]) -> None:
        self.rejected.add(reject_table(rows), pa.repeat(REJECTED, len(rows)))


def conform_object(lake: Lake, plan: ConformPlan, source: Source, config: SourceConfig, landed: Landed) -> StageReport:
    """Conform one landed object; running it again replaces what it wrote, with the same bytes.

    Raises:
        InputError: a mapping cannot be used with the method.
        AccountError: rows would have been lost; nothing is written then.
    """
    report = StageReport(STAGE, Partition(plan.round.id, source.name), inputs=[landed.path])
    schema = response_schema(plan.method)
    forms = resolve_forms(plan.method, plan.mappings, source.name)
    with TemporaryDirectory() as folder:
        accepted, rejected = Spool(_folder(folder, "accepted"), schema), Spool(_folder(folder, "rejected"), SCHEMA)
        channel, people = config.channel or source.channel, People(plan, landed)
        work = _Work(plan, forms, channel, landed, schema, accepted, rejected, people)
        for part in read_landed(lake, source, config, landed):
            if isinstance(part, Fault):
                report.rows_in += 1
                work.take_fault(part)
            else:
                report.rows_in += len(part.lines)
                work.take_block(Block.read(part))
        report.accepted, report.rejected = accepted.rows, rejected.rows
        report.close()
        report.messages += [*people.close(), *corrections_told(work.applied), *told(work.blanks)]
        keep_applied(lake, plan.round.id, landed.source, landed.sha256, work.applied)
        report.outputs = _publish(lake, plan.round.id, landed, accepted, rejected)
    return report


def _folder(parent: str, name: str) -> Path:
    folder = Path(parent) / name
    folder.mkdir()
    return folder


def _table(columns: dict[str, pa.Array], schema: pa.Schema, rows: int) -> pa.Table:
    missing = {field.name: pa.nulls(rows, field.type) for field in schema if field.name not in columns}
    return pa.table(columns | missing).select(schema.names).cast(schema)


def _publish(lake: Lake, round_id: str, landed: Landed, accepted: Spool, rejected: Spool) -> list[str]:
    """Put the files in their places; a month that the object no longer falls in becomes empty, so that it is seen."""
    months = lake.glob(conformed(round_id, landed.source, "*", "*").rpartition("/")[0])  # each may hold many objects
    earlier = [path for month in months if lake.exists(path := f"{month}/{landed.sha256}.parquet")]
    current = {conformed(round_id, landed.source, month, landed.sha256): month for month in accepted.keys}
    outputs = sorted({*earlier, *current})
    for path in outputs:
        _copy(lake, accepted.file(current.get(path, "empty")), path)
    path = rejects(round_id, landed.source, STAGE, landed.sha256)
    if not rejected.rows:
        lake.remove(path)
        return outputs
    _copy(lake, rejected.file(REJECTED), path)
    return [*outputs, path]


def _copy(lake: Lake, file: Path, path: str) -> None:
    with file.open("rb") as stream:
        lake.land(stream, path)
