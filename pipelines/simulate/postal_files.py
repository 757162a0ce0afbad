"""Paper forms as a clerk keys them: one sheet a month and form, XLSX and CSV by turns, with Vietnamese headings.

The mapping that says which heading is which field is written from the same list of columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from pipelines.model.instrument import Instrument, Kind, Question, Role
from pipelines.model.method import Method
from pipelines.model.response import COMMENT
from pipelines.simulate.record import Record
from pipelines.simulate.sheets import csv_sheet, xlsx_sheet
from pipelines.simulate.spec import SimulationSpec

TIME_FORMAT = "%d/%m/%Y %H:%M"
FORM = "Mẫu phiếu"
REMARK = "Ý kiến khác"
HEADINGS = {
    "Số phiếu": "record_id",
    "Lần nhập": "revision",
    "Mã đơn vị": "unit_code",
    "Mã thủ tục": "procedure_code",
    "Mã thôn": "psu_code",
    "Người nhập": "device_id",
    "Thời điểm nhận phiếu": "submitted_at",
}
UNUSED = {True: "Mã thủ tục", False: "Mã thôn"}  # by whether the round has primary sampling units


def postal_files(spec: SimulationSpec, records: list[Record], method: Method) -> dict[str, bytes]:
    """Return file name → bytes: even months as CSV in the way Excel saves it (with byte order mark), odd as XLSX."""
    files: dict[str, bytes] = {}
    ordered = sorted(records, key=lambda record: (*record.file, record.arrives, record.record_id, record.revision))
    for (form, month), group in groupby(ordered, key=lambda record: record.file):
        instrument = method.instrument(form)
        rows = [_headings(spec, instrument), *(list(_cells(spec, record, instrument)) for record in group)]
        name = f"phieu-{form}-{month:%Y-%m}"
        if month.month % 2 == 0:
            files[f"{name}.csv"] = csv_sheet(rows)
        else:
            files[f"{name}.xlsx"] = xlsx_sheet(rows, "Phiếu")
    return files


def postal_mappings(spec: SimulationSpec, method: Method, channel: str) -> list[dict[str, Any]]:
    """Return the mappings of the keyed forms, as `mappings/postal.yml` holds them."""
    return [
        {
            "form": form,
            "when": {FORM: [_form_name(method.instrument(form))]},
            "headings": _targets(spec, method.instrument(form)),
            "constants": {"channel": channel, "respondent": respondent},
            "codes": {
                question.code_list.name: {choice.label_vi: choice.code for choice in question.code_list.choices}
                for question in method.instrument(form).coded
                if question.code_list is not None and _is_text(question)
            },
            "time_zone": spec.time_zone,
            "time_format": TIME_FORMAT,
        }
        for respondent, form in spec.instruments.items()
    ]


def _targets(spec: SimulationSpec, instrument: Instrument) -> dict[str, str]:
    header = {heading: target for heading, target in HEADINGS.items() if heading != UNUSED[bool(spec.design.psu)]}
    questions = {_heading(number, question): question.code for number, question in enumerate(instrument.coded, 1)}
    return header | questions | {REMARK: COMMENT}


def _headings(spec: SimulationSpec, instrument: Instrument) -> list[str | int]:
    return [FORM, *_targets(spec, instrument)]


def _heading(number: int, question: Question) -> str:
    return f"{number}. {question.label_vi}"


def _form_name(instrument: Instrument) -> str:
    return f"{instrument.id} {instrument.version}"


def _is_text(question: Question) -> bool:
    """Whether the clerk writes the option's text; everything on a scale is keyed as a digit."""
    return question.role is Role.PROFILE and question.kind is Kind.SELECT_ONE


def _cells(spec: SimulationSpec, record: Record, instrument: Instrument) -> Iterator[str | int]:
    fields: dict[str, str | int] = {
        "record_id": record.record_id,
        "revision": record.revision,
        "unit_code": record.unit_code,
        "procedure_code": record.procedure_code,
        "psu_code": record.psu_code,
        "device_id": record.device_id,
        "submitted_at": record.submitted_at.strftime(TIME_FORMAT),
        COMMENT: record.comment,
    }
    yield _form_name(instrument)
    for target in _targets(spec, instrument).values():
        yield fields[target] if target in fields else _answer(instrument.by_code[target], record)


def _answer(question: Question, record: Record) -> str | int:
    answer = record.answers.get(question.code, "")
    if isinstance(answer, tuple):
        return " ".join(str(code) for code in answer)
    if isinstance(answer, int) and question.code_list is not None and _is_text(question):
        return next(choice.label_vi for choice in question.code_list.choices if choice.code == answer)
    return answer
