"""Spreadsheets that form services export: Google Forms as CSV and Microsoft Forms as XLSX, one file a half-month.

Headings are the texts of the questions, answers those of the options. Google's has local times as text, the day first,
and no row ids; Microsoft's has typed times and ids. The mapping of both is written from the same lists of columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from pipelines.model.instrument import Instrument, Question, Role
from pipelines.model.method import Method
from pipelines.simulate.record import BAD_TIME, BROKEN_FILE, GOOGLE, MICROSOFT, OTHER_ORDER, Record
from pipelines.simulate.sheets import Cell, csv_sheet, xlsx_sheet
from pipelines.simulate.spec import SimulationSpec

DAY_FIRST, MONTH_FIRST = "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"
OWN_COLUMNS = {
    GOOGLE: ("Dấu thời gian",),
    MICROSOFT: ("ID", "Thời gian bắt đầu", "Thời gian hoàn thành", "Email", "Tên"),
}
OWN_TARGETS = {
    GOOGLE: {"timestamp": "submitted_at", "row_id": "record_id"},
    MICROSOFT: {"id": "record_id", "start_time": "started_at", "completion_time": "submitted_at"},
}
BETWEEN = {GOOGLE: ", ", MICROSOFT: ";"}  # ticked options
ASKED = ("unit_code", "psu_code", "procedure_code")  # fields that the form asks for


def spreadsheet_files(spec: SimulationSpec, records: list[Record], method: Method) -> dict[str, bytes]:
    """Return file name → bytes.

    A spoilt file holds its record alone. `repeated_files` of the sound ones are there once more under another name.
    """
    ordered = sorted(records, key=lambda record: (_stem(record), record.submitted_at, record.record_id))
    files: dict[str, bytes] = {}
    for stem, group in groupby(ordered, key=_stem):
        own = list(group)
        service, damage = own[0].file[0], own[0].damage
        instrument = method.instrument(own[0].form)
        rows = [_headings(service, instrument), *(list(_cells(service, one, instrument)) for one in own)]
        content = csv_sheet(rows, "utf-8") if service == GOOGLE else xlsx_sheet(rows, "Sheet1")
        name = f"{stem}.{'csv' if service == GOOGLE else 'xlsx'}"
        files[name] = content[: len(content) // 2] if damage == BROKEN_FILE else content
    sound = [name for name in files if not name.startswith(("broken", "other"))]
    return files | {f"ban-sao-{name}": files[name] for name in sound[: spec.faults.repeated_files]}


def spreadsheet_mappings(spec: SimulationSpec, method: Method, channel: str) -> list[dict[str, Any]]:
    """Return the mappings of both services for each form, as `mappings/spreadsheet.yml` holds them."""
    return [
        {
            "form": form,
            "headings": OWN_TARGETS[service]
            | {_heading(service, question, instrument): question.code for question in _asked(instrument)},
            "constants": {"channel": channel, "respondent": respondent},
            "codes": {
                question.code_list.name: {choice.label_vi: choice.code for choice in question.code_list.choices}
                for question in instrument.coded
                if question.code_list is not None
            },
            "ignore": ["email", "name"],
            "time_zone": spec.time_zone,
            **({"time_format": DAY_FIRST} if service == GOOGLE else {}),
        }
        for respondent, form in spec.instruments.items()
        for instrument in [method.instrument(form)]
        for service in (GOOGLE, MICROSOFT)
    ]


def _stem(record: Record) -> str:
    service, day = record.file
    spoilt = {BROKEN_FILE: f"broken-{record.record_id}-", OTHER_ORDER: f"other-order-{record.record_id}-"}
    return f"{spoilt.get(record.damage, '')}{service}-{record.form}-{day}"


def _asked(instrument: Instrument) -> list[Question]:
    """Return the questions that stand in the form, in its order."""
    return [one for one in instrument.questions if one.role is not Role.HEADER or one.code in ASKED]


def _headings(service: str, instrument: Instrument) -> list[Cell]:
    return [*OWN_COLUMNS[service], *(_heading(service, question, instrument) for question in _asked(instrument))]


def _heading(service: str, question: Question, instrument: Instrument) -> str:
    """Google puts the row of a grid in brackets after the grid's title; Microsoft gives the row alone."""
    titles = {group.path: group.label_vi for group in instrument.groups}
    title = titles.get(question.path.rpartition("/")[0], "")
    return f"{title} [{question.label_vi}]" if title and service == GOOGLE else question.label_vi


def _cells(service: str, record: Record, instrument: Instrument) -> Iterator[Cell]:
    if service == GOOGLE:
        yield _timestamp(record)
    else:
        yield from (int(record.record_id), record.started_at, record.submitted_at, "anonymous", "")
    for question in _asked(instrument):
        yield _answer(service, question, record)


def _timestamp(record: Record) -> str:
    if record.damage == BAD_TIME:
        return f"31/11/{record.submitted_at:%Y %H:%M:%S}"
    return record.submitted_at.strftime(MONTH_FIRST if record.damage == OTHER_ORDER else DAY_FIRST)


def _answer(service: str, question: Question, record: Record) -> str:
    if question.role is Role.COMMENT:
        return record.comment
    if question.role is Role.HEADER:
        return str(getattr(record, question.code))
    answer = record.answers.get(question.code, "")
    if question.code_list is None or isinstance(answer, str):
        return str(answer)
    labels = {choice.code: choice.label_vi for choice in question.code_list.choices}
    if isinstance(answer, tuple):
        joined = BETWEEN[service].join(labels[code] for code in answer)
        return f"{joined};" if service == MICROSOFT else joined
    return labels[answer]
