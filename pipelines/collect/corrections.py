"""Reviewed corrections, put into a block of text before anything of it is read, so that corrected rows pass all checks.

Only the field named is changed, and only where it holds what the correction expects; what does not fit any more is
told, never forced. Identity and free text cannot be corrected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, fields, replace

import numpy as np
import pyarrow as pa

from pipelines.collect.cells import Block, Cells, as_mask, clean_text
from pipelines.collect.forms import Form
from pipelines.collect.privacy import scrub
from pipelines.lake import Lake, corrected
from pipelines.model.correction import Applied, Correction, Outcome

SCHEMA = pa.schema([(one.name, pa.int64() if one.name == "line" else pa.string()) for one in fields(Applied)])


def correct(
    block: Block, form: Form, corrections: Iterable[Correction], landing_sha256: str
) -> tuple[Block, list[Applied]]:
    """Return the block with the corrections of its rows in place, and what came of each."""
    applied: list[Applied] = []
    for correction in corrections:
        rows = _rows(block, form, correction, landing_sha256)
        if len(rows) == 0:
            continue
        heading = _heading(form, correction.field)
        if heading is None:
            applied += _told(block, rows, correction, Outcome.NO_FIELD, landing_sha256)
            continue
        cells = block.cells.get(heading) or Cells.read([None] * len(block))
        found = cells.texts.fill_null("").to_pylist()
        fits = np.array(
            [clean_text(found[row]) == clean_text(correction.expect) and not cells.broken[row] for row in rows]
        )
        applied += _told(block, rows[~fits], correction, Outcome.OTHER_VALUE, landing_sha256, found)
        applied += _told(block, rows[fits], correction, Outcome.APPLIED, landing_sha256, found)
        changed = _replaced(cells, rows[fits], clean_text(correction.correct))
        block = replace(block, cells={**block.cells, heading: changed})
    return block, applied


def keep_applied(lake: Lake, round_id: str, source: str, landing_sha256: str, applied: list[Applied]) -> None:
    """Keep what came of the corrections in one landed object, in place of what came of them before."""
    path = corrected(round_id, source, landing_sha256)
    if not applied:
        lake.remove(path)
        return
    order = sorted(applied, key=lambda one: (one.line, one.correction_id))
    lake.write_table(path, pa.Table.from_pylist([asdict(one) for one in order], SCHEMA))


def told(applied: list[Applied]) -> list[str]:
    """Return what the report of a landed object says of its corrections."""
    counted = Counter(one.outcome for one in applied)
    messages = [f"{counted[Outcome.APPLIED]} corrections applied"] if counted[Outcome.APPLIED] else []
    stale = sum(count for outcome, count in counted.items() if outcome != Outcome.APPLIED)
    return messages + ([f"{stale} corrections are stale: see `hailong rejects corrections`"] if stale else [])


def read_applied(lake: Lake, round_id: str) -> list[Applied]:
    """Return what came of the corrections of a round in everything that is conformed."""
    return [
        Applied(**row) for path in lake.glob(corrected(round_id, "*", "*")) for row in lake.read_table(path).to_pylist()
    ]


def _rows(block: Block, form: Form, correction: Correction, landing_sha256: str) -> np.ndarray:
    if not correction.record_id:
        is_here = landing_sha256.startswith(correction.landing_sha256)
        return np.flatnonzero(block.lines == correction.line) if is_here else np.array([], dtype=np.int64)
    identities = form.cells(block, "record_id")
    if identities is None:
        return np.array([], dtype=np.int64)
    wanted = clean_text(correction.record_id)
    return np.flatnonzero(as_mask(identities.translate(lambda text: clean_text(text) == wanted, pa.bool_())))


def _heading(form: Form, field: str) -> str | None:
    """Return the heading that a correction means by itself or by what it fills; None where it must not be corrected."""
    by_target = {target: heading for heading, target in form.mapping.headings.items()}
    heading = clean_text(field) if clean_text(field) in form.mapping.headings else by_target.get(field)
    return None if heading is None or heading == form.comment or heading in form.withheld else heading


def _replaced(cells: Cells, rows: np.ndarray, text: str) -> Cells:
    texts, broken = cells.texts.to_pylist(), cells.broken.copy()
    for row in rows.tolist():
        texts[row] = text or None
    return replace(Cells.read(texts), broken=broken)


def _told(
    block: Block,
    rows: np.ndarray,
    correction: Correction,
    outcome: Outcome,
    landing_sha256: str,
    found: list[str] | None = None,
) -> list[Applied]:
    lines = block.lines
    return [
        Applied(correction.id, landing_sha256, int(lines[row]), outcome, scrub(found[row])[0] if found else "")
        for row in rows.tolist()
    ]
