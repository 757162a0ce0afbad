"""The header fields of responses: identity, unit, procedure, channel, times; vectorised over a block.

Every text that is there and cannot be read, or names what does not exist, is noted as a problem.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.collect.cells import Block, Cells
from pipelines.collect.devices import check_devices
from pipelines.collect.forms import REQUIRED, Form
from pipelines.collect.parsing import parse_integers, parse_times
from pipelines.collect.plan import ConformPlan
from pipelines.collect.problems import Problems
from pipelines.collect.schema import header_type
from pipelines.model.codes import RejectCode
from pipelines.model.response import CHANNELS, HEADER, RESPONDENTS, REVIEW_STATES
from pipelines.model.round import Mapping

Read = Callable[[Cells], pa.Array]


@dataclass(frozen=True)
class Rule:
    """How a field is read; a cell that holds something and is read as null is rejected with `code`."""

    read: Read
    code: RejectCode


def header_columns(
    plan: ConformPlan, form: Form, channel: str, block: Block, problems: Problems
) -> dict[str, pa.Array]:
    """Return every header field and `procedure_field`; `channel` is taken where neither heading nor constant says.

    A record without revision is its first.
    """
    rules = _rules(plan, form.mapping)
    columns = {field: _column(field, form, rules[field], block, problems) for field in HEADER}
    for field in REQUIRED:
        _require(field, form, block, problems)
    if plan.devices is not None:
        check_devices(plan.devices, plan.round.time_zone, form.heading("device_id"), columns, problems)
    columns["revision"] = columns["revision"].fill_null(1)
    columns["channel"] = columns["channel"].fill_null(channel)
    procedures = Cells.read(columns["procedure_code"])
    return columns | {"procedure_field": procedures.translate(plan.procedures.get, pa.string())}


def _column(field: str, form: Form, rule: Rule, block: Block, problems: Problems) -> pa.Array:
    cells = form.cells(block, field)
    if cells is None:
        return pa.nulls(len(block), header_type(field))
    values = rule.read(cells)
    problems.add(rule.code, form.heading(field), cells.unread(values), cells)
    return values.cast(header_type(field))


def _require(field: str, form: Form, block: Block, problems: Problems) -> None:
    cells = form.cells(block, field)
    if cells is not None:
        problems.add(RejectCode.R201_MISSING_FIELD, form.heading(field), ~cells.is_filled)


def _rules(plan: ConformPlan, mapping: Mapping) -> dict[str, Rule]:
    def instant(cells: Cells) -> pa.Array:
        zone = mapping.time_zone or plan.round.time_zone
        return parse_times(cells.texts, zone, mapping.time_format)

    def among(accepted: dict[str, str], code: RejectCode) -> Rule:
        return Rule(lambda cells: cells.translate(accepted.get, pa.string()), code)

    def text(cells: Cells) -> pa.Array:
        return cells.texts

    rules = {field: Rule(text, RejectCode.R208_BAD_TEXT) for field in HEADER}
    rules |= {field: Rule(instant, RejectCode.R204_BAD_TIME) for field in ("started_at", "submitted_at", "received_at")}
    rules |= {field: _whole_number(field) for field in ("revision", "sequence")}
    rules["unit_code"] = among(dict(plan.units), RejectCode.R202_UNKNOWN_UNIT)
    if plan.procedures:
        known = {code: code for code in plan.procedures}
        rules["procedure_code"] = among(known, RejectCode.R205_UNKNOWN_PROCEDURE)
    if plan.psus:
        rules["psu_code"] = among({code: code for code in plan.psus}, RejectCode.R206_UNKNOWN_PSU)
    vocabularies = {"channel": CHANNELS, "respondent": RESPONDENTS, "review_state": REVIEW_STATES}
    for field, words in vocabularies.items():
        rules[field] = among({word: word for word in words}, RejectCode.R203_UNKNOWN_CODE)
    return rules


def _whole_number(field: str) -> Rule:
    maximum = int(np.iinfo(header_type(field).to_pandas_dtype()).max)
    return Rule(lambda cells: parse_integers(cells.texts, 0, maximum), RejectCode.R207_BAD_NUMBER)
