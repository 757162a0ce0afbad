"""Answers to an older version of a form, put into the codes of the method's form before they are read.

An answer without an equivalent is left blank and counted with its reason; one that the older form does not have stays
as it is, marked with the version, so that it is refused as unknown. It must not decide what is equivalent.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from pipelines.collect.cells import Block, Cells
from pipelines.model.form_crosswalk import Translation

Blanks = Counter[tuple[str, str]]  # (older question, reason) → answers


def carry(block: Block, translations: dict[str, Translation], blanks: Blanks) -> Block:
    """Return the block with the answers carried over; what had to be left blank is counted in `blanks`."""
    cells = dict(block.cells)
    for heading, translation in translations.items():
        if heading not in cells:
            continue
        if translation.reason:
            blanks[translation.question, translation.reason] += int(cells[heading].is_filled.sum())
        else:
            cells[heading] = _carried(cells[heading], translation, blanks)
    return replace(block, cells=cells)


def told(blanks: Blanks) -> list[str]:
    """Return what the report of a landed object says of answers that could not be carried over."""
    return [
        f"{count} answers to {question} of the older form are left blank: {reason}"
        for (question, reason), count in sorted(blanks.items())
        if count
    ]


def _carried(cells: Cells, translation: Translation, blanks: Blanks) -> Cells:
    counted = Counter(cells.texts.to_pylist())
    found: dict[str, str | None] = {}
    for text, count in counted.items():
        if text is not None:
            found[text], reasons = _text(text, translation)
            for reason in reasons:
                blanks[translation.question, reason] += count
    carried = [None if text is None else found[text] for text in cells.texts.to_pylist()]
    return replace(Cells.read(carried), broken=cells.broken)


def _text(text: str, translation: Translation) -> tuple[str | None, list[str]]:
    """Return the text in the codes of the new form, None for a blank, and the reasons of what was left out."""
    if text in translation.texts or text in translation.blank:
        words = [text]
    else:
        words = [word for word in re.split(r"[\s,;]+", text) if word] if translation.multiple else [text]
    if any(word not in translation.texts and word not in translation.blank for word in words):
        return f"{text} [{translation.version}]", []
    kept = [translation.texts[word] for word in words if word in translation.texts]
    return " ".join(kept) or None, [translation.blank[word] for word in words if word in translation.blank]
