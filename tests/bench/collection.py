"""From landed kiosk files to tallies, everything included: against a bare DuckDB read of the same JSON."""

from __future__ import annotations

import argparse
import json
import os
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
from measure import COLUMNS, arguments, cost_of, report

from pipelines.lake import Lake
from pipelines.methods import load_method
from pipelines.settings import Settings
from pipelines.simulate import simulate_round, spec_named, write_round
from pipelines.stages.collecting import collect, conform, pending_batches, screen, stale_partitions
from pipelines.stages.context import Context
from pipelines.stages.tallying import gate, tally

SPEC = spec_named("commune")
INBOX = f"inbox/{SPEC.round_id}/kiosk"
RECORDS_A_FILE = 25_000
ZONE = timezone(timedelta(hours=7))
FIRST = datetime(2023, 3, 1, tzinfo=ZONE)
DAYS = 240  # within the window of the round


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
        seconds, processor = (sum(getattr(cost, part) for cost in steps.values()) for part in ("seconds", "processor"))
        print(f"{records / seconds:,.0f} responses a second; {processor / scan.processor:.1f} times the bare read")


def write_records(data: Path, records: int) -> None:
    """Write the round of the commune, its kiosk's inbox filled with records of its own respondents under new names."""
    lake = Lake(str(data))
    write_round(lake, simulate_round(SPEC.without_faults(), load_method(SPEC.programme, SPEC.method_version), seed=1))
    inbox = data / INBOX
    known = [json.loads(line) for file in sorted(inbox.iterdir()) for line in file.read_text().splitlines()]
    for file in inbox.iterdir():
        file.unlink()
    for start in range(0, records, RECORDS_A_FILE):
        lines = [_renamed(known[at % len(known)], at) for at in range(start, min(start + RECORDS_A_FILE, records))]
        name = f"K{start // RECORDS_A_FILE:04d}-{FIRST.date()}.jsonl"
        (inbox / name).write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))


def _renamed(record: dict, number: int) -> dict:
    begin = FIRST + timedelta(seconds=number * 86_400 * DAYS // 10_000_000)
    return record | {
        "event_id": str(uuid.UUID(int=number)),
        "device": f"K{number // RECORDS_A_FILE:04d}",
        "sequence": number % RECORDS_A_FILE + 1,
        "started_at": begin.isoformat(),
        "submitted_at": (begin + timedelta(minutes=2)).isoformat(),
    }


def scan(data: str) -> None:
    """Read every answer of every line."""
    connection = duckdb.connect()
    connection.execute(
        f"SELECT count(*), max(event_id), max(answers::VARCHAR) FROM read_json('{data}/{INBOX}/*.jsonl')"
    )
    connection.fetchall()


def pipeline(data: str) -> dict:
    os.environ["HAILONG_DATA"] = data
    context = Context(Settings.from_environment(), Lake(data))
    months: list[str] = []

    def conform_all() -> None:
        for batch in pending_batches(context, "kiosk", SPEC.round_id):
            conform(context, batch)
        months.extend(stale_partitions(context, "kiosk", SPEC.round_id))

    return {
        "collect (landing, hashes)": lambda: collect(context, "kiosk", SPEC.round_id),
        "conform": conform_all,
        "screen (rules, duplicates, flags)": lambda: [screen(context, key) for key in months],
        "gate (Great Expectations)": lambda: [gate(context, key) for key in months],
        "tally": lambda: [tally(context, key) for key in months],
    }


if __name__ == "__main__":
    job, folder = arguments()
    report({"scan": lambda: scan(folder)} if job == "scan" else pipeline(folder))
