"""Tables that pass the gates, to be changed in one point, and short ways to run a gate on them."""

import io
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.quality.answers import answer_profile, coded_columns, permitted_answers
from pipelines.quality.gates import Subject, run_gate
from pipelines.quality.suites import read_suite

PROJECT = Path(__file__).resolve().parents[2]
RESPONSES, ANSWERS, SCORES = (PROJECT / "expectations" / f"{name}.json" for name in ("responses", "answers", "scores"))
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
WINDOW = {
    "window_from": datetime.combine(date(2023, 1, 1), time(), ZONE),
    "window_to": datetime.combine(date(2023, 10, 1), time(), ZONE),
}
TIME = pa.timestamp("us", tz="UTC")


def responses(count=3, **changes):
    columns = {
        "response_id": [f"{row:032x}" for row in range(count)],
        "unit_code": ["22243"] * count,
        "form": ["citizen"] * count,
        "form_version": ["1"] * count,
        "source": ["kiosk"] * count,
        "channel": ["kiosk"] * count,
        "respondent": ["citizen"] * count,
        "started_at": pa.array([datetime(2023, 5, 4, 8, tzinfo=UTC)] * count, TIME),
        "submitted_at": pa.array([datetime(2023, 5, 4, 9, tzinfo=UTC)] * count, TIME),
        "landing_sha256": ["ab" * 32] * count,
        "line": pa.array(range(1, count + 1), pa.int64()),
        "content_hash": ["c"] * count,
        "a1": pa.array([4] * count, pa.int8()),
        "wish_1": pa.array([1] * count, pa.int8()),
        "wish_2": pa.array([0] * count, pa.int8()),
    }
    return pa.table(columns | changes)


def scores(**changes):
    columns = {
        "programme": ["tthc"] * 3,
        "measure": ["top2", "mean5", "score"],
        "unit_code": ["22243"] * 3,
        "breakdown": [""] * 3,
        "category": [""] * 3,
        "node_code": ["I"] * 3,
        "node_level": ["index"] * 3,
        "score": [80.0, 90.0, 140.0],
        "se": [1.0, 1.0, 1.0],
        "ci_low": [78.0, 88.0, 138.0],
        "ci_high": [82.0, 92.0, 142.0],
        "df": pa.array([500, 500, 500], pa.int64()),
        "n": pa.array([500, 500, 500], pa.int64()),
        "n_eff": [400.0] * 3,
        "flag": ["ok"] * 3,
        "flag_reason": [""] * 3,
        "rank": pa.array([1, 1, 2], pa.int64()),
        "rank_of": pa.array([3, 3, 3], pa.int64()),
    }
    return pa.table(columns | changes)


def gate(table, suite=RESPONSES, docs=None):
    return run_gate([Subject(table, read_suite(suite), WINDOW)], docs, "test")


def profile(table, *instruments, items=("a1",)):
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return answer_profile(pq.ParquetFile(stream), coded_columns(instruments), items)


def gate_answers(table, *instruments):
    permitted = {"permitted_answers": permitted_answers(instruments)}
    subject = Subject(profile(table, *instruments), read_suite(ANSWERS), permitted, shown_with="responses")
    return run_gate([subject], None, "test")


def failures(result):
    return {check.rule: check.severity for check in result.checks if not check.passed}
