"""From landed kiosk files to tallies, everything included: against a bare DuckDB read of the same JSON."""

from __future__ import annotations

import argparse
import json
import os
import uuid
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pyarrow as pa
from measure import COLUMNS, arguments, cost_of, report

from pipelines.collect.landing import receipts
from pipelines.collect.months import affected_months
from pipelines.lake import Lake, conformed, run_report
from pipelines.methods import load_method
from pipelines.model.run import Partition
from pipelines.settings import Settings
from pipelines.simulate import simulate_round, spec_named, write_round
from pipelines.stages.collecting import collect, conform, conform_plan, pending_batches, screen, stale_partitions
from pipelines.stages.context import Context
from pipelines.stages.ledger import record
from pipelines.stages.tallying import gate, tally

SPEC = replace(spec_named("commune").without_faults(), window_from=date(2023, 3, 1), window_to=date(2023, 10, 31))
SOURCE = "kiosk"
INBOX = f"inbox/{SPEC.round_id}/{SOURCE}"
START, GATE = "start (libraries, method, lists of units)", "gate (Great Expectations)"
EARLIER = 10_000_000
RECORDS_A_FILE = 25_000
ZONE = timezone(timedelta(hours=7))
FIRST = datetime(2023, 3, 1, tzinfo=ZONE)
DAYS = 240  # within the window of the round; that many make ten million records
DEVICES = "device_id,unit_code,public_key,valid_from,valid_to"  # theirs sign nothing


def run(folder: Path, options: argparse.Namespace) -> None:
    for records in options.records:
        data = folder / f"{records}"
        write_records(data, records)
        print(f"\nCollection: {records:,} kiosk records of one commune, landed to tallies")
        print(COLUMNS)
        scan = cost_of("collection", "scan", data)["scan"]
        print(scan.line("bare DuckDB read_json"))
        steps = cost_of("collection", "pipeline", data)
        for step, cost in steps.items():
            print(cost.line(step, scan))
        for label, left_out in (("all", ()), ("all but the fixed costs", (START, GATE))):
            costs = [cost for step, cost in steps.items() if step not in left_out]
            seconds, processor = sum(cost.seconds for cost in costs), sum(cost.processor for cost in costs)
            ratio = processor / scan.processor
            print(f"{label}: {records / seconds:,.0f} responses a second; {ratio:.1f} times the bare read")
        write_earlier(data)
        for step, cost in cost_of("collection", "beside", data).items():
            print(cost.line(f"{step}, {EARLIER:,} earlier responses there", scan))


def write_records(data: Path, records: int) -> None:
    """Write the round of the commune, its kiosk's inbox filled with records of its own respondents under new names."""
    lake = Lake(str(data))
    write_round(lake, simulate_round(SPEC, load_method(SPEC.programme, SPEC.method_version), seed=1))
    inbox = data / INBOX
    files = sorted(inbox.iterdir())
    known = [json.loads(line) for file in files for line in file.read_bytes().splitlines() if b'"seal"' not in line]
    devices = [DEVICES]
    for file in files:
        file.unlink()
    for start in range(0, records, RECORDS_A_FILE):
        lines = [_renamed(known[at % len(known)], at) for at in range(start, min(start + RECORDS_A_FILE, records))]
        name = f"K{start // RECORDS_A_FILE:04d}-{FIRST.date()}.jsonl"
        (inbox / name).write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))
        devices.append(f"{lines[0]['device']},{lines[0]['unit']},,,")
    lake.write_bytes(f"rounds/{SPEC.round_id}/devices.csv", "\n".join([*devices, ""]).encode())


def _renamed(record: dict, number: int) -> dict:
    begin = FIRST + timedelta(seconds=number * 86_400 * DAYS // 10_000_000)
    return record | {
        "event_id": str(uuid.UUID(int=number)),
        "device": f"K{number // RECORDS_A_FILE:04d}",
        "sequence": number % RECORDS_A_FILE + 1,
        "started_at": begin.isoformat(),
        "submitted_at": (begin + timedelta(minutes=2)).isoformat(),
    }


def write_earlier(data: Path) -> None:
    """Write the identities of many responses of another month, as conforming leaves them."""
    path = data / conformed(SPEC.round_id, SOURCE, "2023-10", "0" * 64)
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute("SET enable_progress_bar = false")
    duckdb.execute(
        f"""COPY (
            SELECT md5(range::VARCHAR) AS response_id, 1::INTEGER AS revision, NULL::VARCHAR AS review_state,
                TIMESTAMPTZ '2023-10-15' AS submitted_at, sha256(range::VARCHAR) AS content_hash,
                '{"0" * 64}' AS landing_sha256, range AS line
            FROM range({EARLIER})
        ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""
    )


def bare_read(data: str) -> dict:
    """Read every answer of every line."""
    query = f"SELECT count(*), max(event_id), max(answers::VARCHAR) FROM read_json('{data}/{INBOX}/*.jsonl')"
    return {"scan": lambda: duckdb.execute(query).fetchall()}


def pipeline(data: str) -> dict:
    os.environ["HAILONG_DATA"] = data
    context = Context(Settings.from_environment(), Lake(data))
    months: list[str] = []

    def start() -> None:
        round_ = context.round(SPEC.round_id)
        conform_plan(context, round_, context.method(round_), SOURCE)
        pa.array([""])  # brings pandas in

    def conform_all() -> None:
        for batch in pending_batches(context, SOURCE, SPEC.round_id):
            conform(context, batch)
        months.extend(stale_partitions(context, SOURCE, SPEC.round_id))

    def screen_all() -> None:
        for key in months:
            screen(context, key)
            report = context.lake.read_json(run_report(SPEC.round_id, "screen", key.partition("~")[2]))
            if report["accepted"] != report["rows_in"]:
                raise SystemExit(
                    f"{key}: all records are good, and yet {report['messages'] or report} were not accepted"
                )

    return {
        START: start,
        "collect (landing, hashes)": lambda: collect(context, SOURCE, SPEC.round_id),
        "conform (scrubbing, pseudonyms, hashes)": conform_all,
        "screen (rules, duplicates, flags)": screen_all,
        GATE: lambda: [gate(context, key) for key in months],
        "tally": lambda: [tally(context, key) for key in months],
        "ledger (leaves, root)": lambda: record(context, SOURCE, SPEC.round_id),
    }


def beside(data: str) -> dict:
    """Take one file in again beside all that is there: which months it touches, and the first of them screened."""
    os.environ["HAILONG_DATA"] = data
    context = Context(Settings.from_environment(), Lake(data))
    landed = receipts(context.lake, SPEC.round_id, SOURCE)[0]
    key = Partition(SPEC.round_id, SOURCE, f"{FIRST:%Y-%m}").key
    return {
        "months of a file": lambda: affected_months(context.lake, SPEC.round_id, SOURCE, [landed.sha256]),
        "screen its month": lambda: screen(context, key),
    }


if __name__ == "__main__":
    job, folder = arguments()
    report({"scan": bare_read, "pipeline": pipeline, "beside": beside}[job](folder))
