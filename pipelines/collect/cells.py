"""A block of text as columns that are cheap to translate: positions into the short list of distinct texts.

Cleaning (NFC, trimmed, blank is null) and every look-up run over the distinct texts only. It must not know what a
column means.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.model.source import RawRows


@dataclass(frozen=True)
class Cells:
    """One column: `distinct` clean texts (null: blank), `index` into them, and which cells hold no valid text."""

    distinct: pa.Array
    index: pa.Array
    broken: np.ndarray

    @classmethod
    def read(cls, raw: Sequence[str | None]) -> Cells:
        """Clean a column; cells with NUL or lone surrogates become null and are marked broken."""
        array, torn = _text_array(raw)
        encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        has_nul = pc.match_substring(encoded.dictionary, "\0")
        clean = pc.utf8_normalize(pc.utf8_trim_whitespace(encoded.dictionary), form="NFC")
        distinct = pc.if_else(pc.or_(has_nul, pc.equal(clean, "")), None, clean)
        if pc.any(has_nul).as_py():
            torn |= as_mask(has_nul.take(encoded.indices))
        return cls(distinct, encoded.indices, torn)

    @classmethod
    def constant(cls, text: str, rows: int) -> Cells:
        """Return a column of one text."""
        index = pa.array(np.zeros(rows, dtype=np.int32))
        return cls(pa.array([clean_text(text) or None], pa.string()), index, np.zeros(rows, dtype=bool))

    @cached_property
    def texts(self) -> pa.Array:
        """The clean texts, one a row."""
        return self.distinct.take(self.index)

    @cached_property
    def is_said(self) -> np.ndarray:
        """Which cells hold valid text."""
        return as_mask(self.distinct.is_valid().take(self.index))

    @property
    def is_filled(self) -> np.ndarray:
        """Which cells hold something, valid or not."""
        return self.is_said | self.broken

    def translate(self, look_up: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
        """Translate every text; null where the cell is blank or `look_up` gives None."""
        found = [None if text is None else look_up(text) for text in self.distinct.to_pylist()]
        return pa.array(found, kind).take(self.index)

    def unread(self, values: pa.Array) -> np.ndarray:
        """Return where there is text and no value came of it."""
        if not values.null_count:
            return np.zeros(len(values), dtype=bool)
        return self.is_said & as_mask(values.is_null())

    def take(self, rows: np.ndarray) -> Cells:
        """Return the cells of some rows, by position."""
        return Cells(self.distinct, self.index.take(pa.array(rows)), self.broken[rows])


@dataclass(frozen=True)
class Block:
    """Rows of a source as clean columns; `rows` are their positions in `raw`, which keeps what was really there."""

    raw: RawRows
    rows: np.ndarray
    cells: Mapping[str, Cells]

    @classmethod
    def read(cls, raw: RawRows) -> Block:
        """Clean all columns. A heading that would be the same as another once clean keeps its raw form."""
        cells: dict[str, Cells] = {}
        for heading, values in raw.columns.items():
            clean = clean_text(heading)
            cells[heading if clean in cells else clean] = Cells.read(values)
        return cls(raw, np.arange(len(raw.lines)), cells)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    @property
    def lines(self) -> np.ndarray:
        """Line of every row."""
        return np.asarray(self.raw.lines, dtype=np.int64)[self.rows]

    def take(self, keep: np.ndarray) -> Block:
        """Return the rows where `keep` is true."""
        if keep.all():
            return self
        rows = np.flatnonzero(keep)
        return Block(self.raw, self.rows[rows], {name: cells.take(rows) for name, cells in self.cells.items()})


def clean_text(text: str) -> str:
    """Return a text as cells and headings are compared: NFC, trimmed, and one blank for any run of white space.

    Forms on the web put no-break spaces where nobody sees them.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def as_mask(values: pa.Array) -> np.ndarray:
    """Return a Boolean array as a NumPy mask; null is false."""
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False)


def _text_array(raw: Sequence[str | None]) -> tuple[pa.Array, np.ndarray]:
    """Return a column as strings, or as positions into strings; and which cells are no Unicode text, null there."""
    whole = np.zeros(len(raw), dtype=bool)
    if hasattr(raw, "__arrow_c_array__"):
        return pa.array(raw), whole
    try:
        return pa.array(raw, pa.string()), whole
    except UnicodeEncodeError:
        torn = np.array([text is not None and not _is_encodable(text) for text in raw], dtype=bool)
        return pa.array([None if bad else text for text, bad in zip(raw, torn, strict=True)], pa.string()), torn


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
