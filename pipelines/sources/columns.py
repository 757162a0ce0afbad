"""A column of text as an Arrow array, for readers that bring many rows to columns at once.

Whoever speaks Arrow takes it over as a whole; a single cell reads as the text that a reader going row by row would
have given. It must not interpret a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import pyarrow as pa

from pipelines.sources.cells import text_of


class TextColumn(Sequence[str | None]):
    """Cells of strings or whole numbers, kept as positions into the distinct texts."""

    def __init__(self, values: pa.Array) -> None:
        """Take over an array."""
        found = values.dictionary_encode()
        self._array = pa.DictionaryArray.from_arrays(found.indices, found.dictionary.cast(pa.string()))

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self._array)

    @overload
    def __getitem__(self, position: int) -> str | None: ...

    @overload
    def __getitem__(self, position: slice) -> list[str | None]: ...

    def __getitem__(self, position: int | slice) -> str | list[str | None] | None:
        """Return the text of a cell, None where it is blank."""
        if isinstance(position, slice):
            return [text_of(text) for text in self._array[position].to_pylist()]
        return text_of(self._array[position].as_py())

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        """Give the column away by the Arrow PyCapsule interface; blank texts are still in it."""
        return self._array.__arrow_c_array__(requested_schema)
