"""What is known of the devices of a round, and the tools with which their makers test what they hand in.

It must not decide what a gap means, and keeps no private key.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines import rounds
from pipelines.collect.months import dataset, month_of
from pipelines.collect.rejects import read_rejects
from pipelines.collect.schema import response_schema
from pipelines.formats.numbers import show_count
from pipelines.lake import conformed
from pipelines.model.errors import InputError
from pipelines.model.round import Device, Round, SourceConfig
from pipelines.model.source import Fault, RawRows, Source
from pipelines.quality.devices import CLOCK, REFUSED, device_report
from pipelines.signing import new_key
from pipelines.sources import source as source_named
from pipelines.sources.seals import sealed
from pipelines.stages.context import Context

KIOSK, CONFORM = "kiosk", "conform"
NOT_REGISTERED = "chưa đăng ký\nnot registered"
COUNTS = ("records", "refused", "gaps", "repeats", "clock_back", "unsigned")
COUNTED = tuple(name for name in COUNTS if name != "gaps")
COLUMNS = ("response_id", "device_id", "sequence", "submitted_at", "signing_key")

# One row a record: a file that was sent again, or whose tail was signed later, tells nothing new.
_RECORDS = """
SELECT any_value(device_id) AS device_id, any_value(sequence) AS sequence, min(submitted_at) AS submitted_at,
    max(signing_key) AS signing_key
FROM every
GROUP BY response_id
"""

_LATER = """
SELECT device_id, sequence, submitted_at
FROM later JOIN (SELECT device_id, max(sequence) AS last FROM own GROUP BY device_id) USING (device_id)
WHERE sequence < last
"""


@dataclass(frozen=True)
class Checked:
    """What a file of a kiosk comes to: records, those of them that are signed, and what is wrong, by line."""

    records: int
    signed: int
    problems: list[str]


def device_rows(context: Context, round_: Round) -> list[dict[str, Any]]:
    """Return the rows of `ops.device`: one a source and device; registered ones that sent nothing are there too."""
    register = {device.device_id: device.unit_code for device in rounds.load_devices(context.lake, round_)}
    numbered = [source for config in round_.sources if (source := source_named(config.source)).numbered_by]
    found = [row for source in numbered for row in _report(context, round_, source)]
    silent = sorted(set(register) - {row["device_id"] for row in found}) if numbered else []
    nothing = dict.fromkeys(COUNTS, 0) | {"first_sequence": None, "last_sequence": None, "last_submitted_at": None}
    found += [{"source": numbered[0].name, "device_id": name, **nothing, "missing": ""} for name in silent]
    return [
        {
            "round_id": round_.id,
            **row,
            "unit_code": register.get(row["device_id"], ""),
            "is_registered": row["device_id"] in register,
        }
        for row in found
    ]


def later_records(context: Context, round_: Round, source: str, month: str) -> pa.Table:
    """Return the records of later months of the window that a device numbered before one of this month's.

    As a rule there are none. Only they can show that the clock was set back over the end of a month: what lies in
    earlier months has earlier times.
    """
    schema, paths = _clock_schema(context, round_), _by_month(context, round_, source)
    later = [path for at, found in paths.items() if month < at <= f"{round_.window_to:%Y-%m}" for path in found]
    if not later or month not in paths:
        return schema.empty_table()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("own", dataset(context.lake, paths[month], schema))
        connection.register("later", dataset(context.lake, later, schema))
        return connection.sql(_LATER).to_arrow_table().cast(schema)


def clock_months(
    context: Context, round_: Round, source: str, shas: Sequence[str], known: Collection[str] = ()
) -> set[str]:
    """Return the months before those of some objects in which a device has higher numbers than in these objects.

    There `later_records` finds the objects' records, so that the months are to be flagged anew, whatever came first.
    `known` months are flagged anew anyhow and not looked into.
    """
    schema, paths = _clock_schema(context, round_), _by_month(context, round_, source)
    wanted, months = set(shas), set[str]()
    for at, every in paths.items():
        files = [path for path in every if PurePosixPath(path).stem in wanted]
        asked = months.union(known)
        earlier = {month: found for month, found in paths.items() if files and month < at and month not in asked}
        for month, found in earlier.items():
            with duckdb.connect() as connection:
                connection.register("own", dataset(context.lake, found, schema))
                connection.register("later", dataset(context.lake, files, schema))
                if connection.execute(f"{_LATER} LIMIT 1").fetchone():
                    months.add(month)
    return months


def _clock_schema(context: Context, round_: Round) -> pa.Schema:
    schema = response_schema(context.method(round_))
    return pa.schema([schema.field(name) for name in CLOCK])


def _by_month(context: Context, round_: Round, source: str) -> dict[str, list[str]]:
    """Return month → conformed files of a source whose records are numbered; nothing for other sources."""
    found: dict[str, list[str]] = {}
    for path in context.lake.glob(conformed(round_.id, source, "*", "*")) if source_named(source).numbered_by else ():
        found.setdefault(month_of(path), []).append(path)
    return found


def device_lines(context: Context, round_id: str) -> list[tuple[str, ...]]:
    """Return the devices of a round as text: device, unit, numbers, each of `COUNTED`, and what is missing."""
    return [
        (
            row["device_id"],
            row["unit_code"] if row["is_registered"] else NOT_REGISTERED,
            "–" if row["first_sequence"] is None else f"{row['first_sequence']}–{row['last_sequence']}",
            *(show_count(row[name], "vi") for name in COUNTED),
            f"{show_count(row['gaps'], 'vi')}: {row['missing']}" if row["gaps"] else "0",
        )
        for row in device_rows(context, context.round(round_id))
    ]


def new_device_key(path: Path) -> str:
    """Write a new private key for a device and return its public key, for `devices.csv`."""
    return new_key(path)


def seal_file(path: Path, device: str, key: Path) -> None:
    """Write a seal at the end of a kiosk's file, in one step.

    Raises:
        InputError: file or key cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", str(path), "check that it is there") from None
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(sealed(content, device, key))
    temporary.replace(path)


def check_file(path: Path, device: str = "", public: str = "") -> Checked:
    """Read a kiosk's file as collecting does, with the public key of its device; nothing is kept.

    Raises:
        InputError: the file cannot be read.
    """
    register = (Device(device, "", public),) if device and public else ()
    config, checked = SourceConfig(KIOSK, str(path), KIOSK, devices=register), Checked(0, 0, [])
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", str(path), "check that it is there") from None
    with stream:
        for part in source_named(KIOSK).read(stream, path.name, config):
            checked = _counted(checked, part)
    return checked


def _counted(checked: Checked, part: RawRows | Fault) -> Checked:
    if isinstance(part, RawRows):
        signed = sum(key is not None for key in part.columns["signing_key"])
        return replace(checked, records=checked.records + len(part.lines), signed=checked.signed + signed)
    place = f"dòng · line {part.line}: " if part.line else ""
    texts = (part.code.text_vi(part.field, part.value), part.code.text_en(part.field, part.value))
    return replace(checked, problems=[*checked.problems, f"{place}{part.code.code}: {' · '.join(texts)}"])


def _report(context: Context, round_: Round, source: Source) -> Iterator[dict[str, Any]]:
    schema = response_schema(context.method(round_))
    paths = context.lake.glob(conformed(round_.id, source.name, "*", "*"))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        every = dataset(context.lake, paths, pa.schema([schema.field(name) for name in COLUMNS]))
        connection.register("every", every)
        records = connection.sql(_RECORDS).to_arrow_table()
    for row in device_report(records, _refused(context, round_, source)).to_pylist():
        yield {"source": source.name, **row}


def _refused(context: Context, round_: Round, source: Source) -> pa.Table:
    """Return device and number of rows that were refused when read, as far as their payload, whole or not, tells."""
    device, number = map(re.escape, source.numbered_by or ())
    pattern = re.compile(rf'"{device}"\s*:\s*"([^"]+)".*?"{number}"\s*:\s*"?([0-9]{{1,18}})\b', re.DOTALL)
    table = read_rejects(context.lake, round_.id, source.name)
    payloads = table.filter(pc.equal(table["stage"], CONFORM))["payload"].to_pylist()
    found = {match.groups() for payload in payloads if (match := pattern.search(payload or ""))}
    return pa.Table.from_pylist([{"device_id": name, "sequence": int(text)} for name, text in sorted(found)], REFUSED)
