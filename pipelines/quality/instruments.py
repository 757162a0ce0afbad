"""Expectations compiled from questionnaires, so that a code list is declared once. It must not look at data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipelines.model.gate import CRITICAL
from pipelines.model.instrument import Instrument, Kind, Question

TICKED = frozenset({0, 1})


def item_expectations(*instruments: Instrument) -> list[dict[str, Any]]:
    """Return one critical expectation a coded column: its answers are in the code list of the question, or blank.

    Instruments that share a column may differ in its codes: any of them is then allowed.
    """
    labels: dict[str, Question] = {}
    codes: dict[str, frozenset[int]] = {}
    for column, question in _coded_columns(instruments):
        labels.setdefault(column, question)
        codes[column] = codes.get(column, frozenset()) | _codes(question)
    return [_in_code_list(column, labels[column], sorted(codes[column])) for column in labels]


def _coded_columns(instruments: Iterable[Instrument]) -> Iterable[tuple[str, Question]]:
    return (
        (column, question) for instrument in instruments for question in instrument.coded for column in question.columns
    )


def _codes(question: Question) -> frozenset[int]:
    if question.kind is Kind.SELECT_MULTIPLE or question.code_list is None:
        return TICKED
    return question.code_list.codes


def _in_code_list(column: str, question: Question, codes: list[int]) -> dict[str, Any]:
    listed = ", ".join(map(str, codes))
    return {
        "type": "expect_column_values_to_be_in_set",
        "kwargs": {"column": column, "value_set": codes},
        "severity": CRITICAL,
        "meta": {
            "rule": f"{column}.code",
            "vi": f"Câu trả lời thuộc thang đo ({listed}) hoặc để trống: {question.label_vi}",
            "en": f"Answers are in the code list ({listed}) or blank: {question.label_en}",
        },
    }
