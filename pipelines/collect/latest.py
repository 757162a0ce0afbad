"""Screening of records: those of the round, of each key the latest; in = accepted + duplicate + rejected.

A later export of the same dossier replaces the earlier one; of two that came together, the one with the later name.
It must not change a record.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipelines.collect.landing import receipts
from pipelines.collect.records import PLACE, RecordPlan
from pipelines.collect.rejects import reject_table
from pipelines.lake import Lake, conformed_records, records, rejects
from pipelines.model.codes import RejectCode
from pipelines.model.run import Landed, Partition, Reject, StageReport

STAGE = "screen"
KEY = "all"  # records are screened together: the same dossier may come again in any month


def screen_records(lake: Lake, plan: RecordPlan, source: str) -> StageReport:
    """Screen all conformed records of a source; running it again replaces what it wrote, with the same bytes.

    Raises:
        AccountError: rows would have been lost; nothing is written then.
    """
    landed = sorted(receipts(lake, plan.round.id, source), key=lambda one: (one.landed_at, one.name, one.sha256))
    paths = [conformed_records(plan.round.id, source, one.sha256) for one in landed]
    there = [path for path in paths if lake.exists(path)]
    table = pa.concat_tables([plan.schema.empty_table(), *(lake.read_table(path) for path in there)])
    code, value = _decide(plan, table)
    accepted = table.filter(pa.array(code == ""))
    refused = [
        _reject(table, row, code[row], value[row], plan.layout.day, landed)
        for row in np.flatnonzero(code != "").tolist()
    ]
    duplicate = sum(RejectCode[one.code].is_duplicate for one in refused)
    report = StageReport(STAGE, Partition(plan.round.id, source), len(table), len(accepted), duplicate, inputs=there)
    report.rejected = len(refused) - duplicate
    report.close()
    path, reject_path = records(plan.round.id, source), rejects(plan.round.id, source, STAGE, KEY)
    lake.write_table(path, accepted.drop_columns(list(PLACE)))
    lake.write_table(reject_path, reject_table(refused))
    report.outputs = [path, reject_path]
    return report


def _decide(plan: RecordPlan, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Return the code of every row, empty where it is accepted, and the value that the message names."""
    import pandas as pd  # takes a second, which every other stage would wait

    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    code, value = (np.full(len(frame), "", dtype=object) for _ in range(2))
    contents = [name for name in frame.columns if name not in PLACE]
    same = frame.duplicated(contents, keep="last").to_numpy()
    earlier = frame.duplicated(list(plan.layout.key), keep="last").to_numpy()
    for where, reason in ((earlier, RejectCode.D403_SUPERSEDED), (same, RejectCode.D401_SAME_RECORD)):
        code[where] = reason.code
    strange = (code == "") & ~frame["unit_code"].isin(plan.members).to_numpy() if plan.members else np.zeros(len(frame))
    at = strange.astype(bool)
    code[at], value[at] = RejectCode.R304_UNIT_NOT_IN_ROUND.code, frame["unit_code"].astype(object).to_numpy()[at]
    if plan.layout.day:
        days = frame[plan.layout.day].astype(object).to_numpy()
        outside = np.array([not plan.round.window_from <= day <= plan.round.window_to for day in days], dtype=bool)
        at = (code == "") & outside
        code[at], value[at] = RejectCode.R301_OUTSIDE_WINDOW.code, np.array([str(day) for day in days])[at]
    return code, value


def _reject(table: pa.Table, row: int, name: str, value: str, day: str, landed: Sequence[Landed]) -> Reject:
    sha256, line = (table[column][int(row)].as_py() for column in PLACE)
    code = RejectCode[name]
    field = {RejectCode.R304_UNIT_NOT_IN_ROUND: "unit_code", RejectCode.R301_OUTSIDE_WINDOW: day}.get(code, "")
    return Reject(
        code=code.code,
        stage=STAGE,
        file=next(one.name for one in landed if one.sha256 == sha256),
        landing_sha256=sha256,
        line=line,
        field=field,
        value=str(value),
        message_vi=code.text_vi(field, str(value)),
        message_en=code.text_en(field, str(value)),
        payload="",
    )
