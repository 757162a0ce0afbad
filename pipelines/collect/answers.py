"""The answers of responses: codes, numbers and free text; vectorised over a block.

A blank answer is null. Text that is no code or number of the question is noted as a problem, never made null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

import numpy as np
import pyarrow as pa

from pipelines.collect.cells import Block, Cells, clean_text
from pipelines.collect.forms import Form
from pipelines.collect.parsing import parse_integers
from pipelines.collect.privacy import scrub_column
from pipelines.collect.problems import Problems
from pipelines.collect.schema import CODE, NUMBER, Place, place_of
from pipelines.model.codes import RejectCode
from pipelines.model.instrument import Kind, Question
from pipelines.model.response import COMMENT
from pipelines.model.round import Mapping as FormMapping

TICKS = {"1": 1, "0": 0, "Y": 1, "N": 0}  # a multiple choice split by the source: ODK and Kobo, LimeSurvey
_LARGEST = np.iinfo(NUMBER.to_pandas_dtype())


def answer_columns(form: Form, block: Block, problems: Problems) -> dict[str, pa.Array]:
    """Return the columns of the questions that the block has, and the free text, scrubbed, where it has any."""
    columns: dict[str, pa.Array] = {}
    for heading, question in form.answers.items():
        if heading in block.cells:
            columns |= _answer(form.mapping, heading, question, block.cells[heading], problems)
    for heading, column in form.ticks.items():
        if heading in block.cells:
            columns[column] = _codes(heading, TICKS.get, block.cells[heading], problems)
    if form.comment in block.cells:
        said = block.cells[form.comment]
        columns[COMMENT] = scrub_column(said.distinct).take(said.index)
    return columns


def codes_of(mapping: FormMapping, question: Question) -> dict[str, int]:
    """Return text → code: the codes as they are, over them what the mapping says of the list, then of the question."""
    if question.code_list is None:
        return {}
    said = mapping.codes.get(question.code_list.name, {}) | mapping.codes.get(question.code, {})
    return {str(code): code for code in question.code_list.codes} | {clean_text(t): code for t, code in said.items()}


def _answer(
    mapping: FormMapping, heading: str, question: Question, cells: Cells, problems: Problems
) -> dict[str, pa.Array]:
    if place_of(question) is Place.NUMBER:
        return {question.code: _number(heading, cells, problems)}
    codes = codes_of(mapping, question)
    if question.kind is Kind.SELECT_ONE:
        return {question.code: _codes(heading, lambda text: codes.get(clean_text(text)), cells, problems)}
    return _options(heading, question, codes, cells, problems)


def _codes(heading: str, look_up: Callable[[str], int | None], cells: Cells, problems: Problems) -> pa.Array:
    values = cells.translate(look_up, CODE)
    problems.add(RejectCode.R203_UNKNOWN_CODE, heading, cells.unread(values), cells)
    return values


def _number(heading: str, cells: Cells, problems: Problems) -> pa.Array:
    values = parse_integers(cells.texts, int(_LARGEST.min), int(_LARGEST.max)).cast(NUMBER)
    problems.add(RejectCode.R207_BAD_NUMBER, heading, cells.unread(values), cells)
    return values


def _options(
    heading: str, question: Question, codes: dict[str, int], cells: Cells, problems: Problems
) -> dict[str, pa.Array]:
    """Return one 0/1 column an option."""
    chosen = {text: _chosen(text, codes) for text in cells.distinct.to_pylist() if text is not None}
    columns: dict[str, pa.Array] = {}
    assert question.code_list is not None
    for choice, column in zip(question.code_list.choices, question.columns, strict=True):
        columns[column] = cells.translate(_has(choice.code, chosen), CODE)
    known = cells.translate(lambda text: chosen[text] is not None or None, pa.bool_())
    problems.add(RejectCode.R203_UNKNOWN_CODE, heading, cells.unread(known), cells)
    return columns


def _has(code: int, chosen: Mapping[str, frozenset[int] | None]) -> Callable[[str], int | None]:
    def look_up(text: str) -> int | None:
        options = chosen[text]
        return None if options is None else int(code in options)

    return look_up


def _chosen(text: str, codes: Mapping[str, int]) -> frozenset[int] | None:
    """Return the codes of a multiple choice: one text, or several with semicolons, commas or else spaces between."""
    for parts in ([text], text.split(";"), _between_commas(text, codes) or re.split(r"[\s,]+", text)):
        words = [word for word in map(clean_text, parts) if word]
        if words and all(word in codes for word in words):
            return frozenset(codes[word] for word in words)
    return None


def _between_commas(text: str, codes: Collection[str]) -> list[str]:
    """Return the options that a text joins by commas, some of which may hold commas themselves.

    Nothing where it cannot be divided into options; the text itself, which is none, where it can in several ways.
    """
    parts = text.split(",")
    widest = 1 + max((option.count(",") for option in codes), default=0)
    ways, ends = [0] * len(parts) + [1], [0] * len(parts)  # from each part on: how many ways, and where an option ends
    for start in reversed(range(len(parts))):
        for end in range(start + 1, min(start + widest, len(parts)) + 1):
            word = clean_text(",".join(parts[start:end]))
            if ways[end] and (word in codes or not word):
                ways[start], ends[start] = min(2, ways[start] + ways[end]), end
    if ways[0] > 1:
        return [text]
    found, start = list[str](), 0
    while ways[0] and start < len(parts):
        found.append(",".join(parts[start : ends[start]]))
        start = ends[start]
    return found
