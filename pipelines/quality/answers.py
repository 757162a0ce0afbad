"""The answer profile of a table of responses: how many gave each answer to each coded question, and what may be given.

It stands for the wide columns of answers where they are checked, so that a check takes the same time and memory
however many questions there are. It must not judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.model.instrument import Instrument, Kind, Question

ROWS_A_BATCH = 131_072
TICKED = frozenset({0, 1})
SCHEMA = pa.schema(
    {
        "question": pa.string(),
        "answer": pa.string(),
        "responses": pa.int64(),
        "absent": pa.string(),
        "unanswered": pa.string(),
    }
)


def coded_columns(instruments: Iterable[Instrument]) -> tuple[str, ...]:
    """Return the columns of answers that are codes, each once, in the order of the forms."""
    return tuple(dict.fromkeys(column for one in instruments for question in one.coded for column in question.columns))


def permitted_answers(instruments: Iterable[Instrument]) -> list[str]:
    """Return every answer that a form allows, as `column=code`, so that a code list is declared once.

    Instruments that share a column may differ in its codes: any of them is then allowed.
    """
    return sorted(
        {
            _answer(column, code)
            for one in instruments
            for question in one.coded
            for column in question.columns
            for code in _codes(question)
        }
    )


def answer_profile(file: pq.ParquetFile, columns: Iterable[str], items: Collection[str]) -> pa.Table:
    """Count the answers of a file of responses, batch by batch.

    One row a column and distinct answer, in the order of `columns` and of the codes: `question` (the column),
    `answer` (`column=code`; null for blank), `responses` (how many gave it), `absent` (the column again where the
    file does not have it) and `unanswered` (the column again where all leave it blank, of `items` only).
    """
    present = set(file.schema_arrow.names)
    counted = _counted(file, [column for column in columns if column in present])
    rows: list[dict[str, Any]] = []
    for column in columns:
        if column not in present:
            rows.append(_row(column, None, 0, absent=column))
        codes = counted.get(column, Counter())
        unanswered = column if column in items and set(codes) == {None} else None
        for code in sorted(codes, key=lambda code: (code is not None, code)):
            rows.append(_row(column, code, codes[code], unanswered=unanswered))
    return pa.Table.from_pylist(rows, SCHEMA)


def _counted(file: pq.ParquetFile, columns: list[str]) -> dict[str, Counter[Any]]:
    counted: dict[str, Counter[Any]] = {column: Counter() for column in columns}
    for batch in file.iter_batches(ROWS_A_BATCH, columns=columns):
        for column in columns:
            for one in pc.value_counts(batch[column]).to_pylist():
                counted[column][one["values"]] += one["counts"]
    return counted


def _row(column: str, code: Any, responses: int, **named: str | None) -> dict[str, Any]:
    answer = None if code is None else _answer(column, code)
    return {"question": column, "answer": answer, "responses": responses} | named


def _answer(column: str, code: Any) -> str:
    """Name an answer; what is no whole number looks different, so that the text “4” is not taken for the code 4."""
    return f"{column}={code!r}"


def _codes(question: Question) -> frozenset[int]:
    if question.kind is Kind.SELECT_MULTIPLE or question.code_list is None:
        return TICKED
    return question.code_list.codes
