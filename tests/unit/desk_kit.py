"""A small round at a desk for tests of stages: forms keyed into CSV files, two months, everything written by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import yaml

from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.stages import (
    collect,
    conform,
    gate,
    open_context,
    pending_batches,
    screen,
    stale_partitions,
    tally,
)

ROUND = "tthc-2023-quay"
ITEMS = [*(f"A{n}" for n in range(1, 5)), *(f"B{n}" for n in range(1, 6)), *(f"C{n}" for n in range(1, 7))]
ITEMS += [*(f"D{n}" for n in range(1, 4)), *(f"E{n}" for n in range(1, 5))]
HEADER = {
    "Số phiếu": "record_id",
    "Lần nhập": "revision",
    "Mã đơn vị": "unit_code",
    "Mã thủ tục": "procedure_code",
    "Người nhập": "device_id",
    "Thời điểm": "submitted_at",
    "Nhận lúc": "received_at",
}
HEADINGS = HEADER | {f"Câu {code}": code for code in ITEMS} | {"Giới tính": "sex", "Ý kiến": "comment"}
MAPPING = {
    "form": "citizen",
    "when": {"Mẫu phiếu": ["citizen 2017.1"]},
    "headings": HEADINGS,
    "codes": {"sex": {"Nam": 1, "Nữ": 2}},
    "time_format": "%d/%m/%Y %H:%M",
}
MEANING = {
    "id": ROUND,
    "programme": "tthc",
    "method": "2017",
    "year": 2023,
    "title": {"vi": "Khảo sát tại quầy", "en": "Survey at the desk"},
    "window": {"from": "2023-05-01", "to": "2023-06-30"},
    "unit_level": "commune",
    "design": {"finite_population": False},
    "sources": [
        {"source": "postal", "instance": "desk", "channel": "paper_desk", "options": {"inbox": "inbox/postal"}}
    ],
}
COLUMNS = ["Mẫu phiếu", *HEADINGS]


def form(number: int, **cells: str) -> dict[str, str]:
    """Return a good row with a number, submitted a minute after the one before; `cells` by target replace some."""
    at = datetime(2023, 5, 4, 8) + timedelta(minutes=number)
    values = {
        "record_id": f"P{number:04d}",
        "revision": "1",
        "unit_code": "22243",
        "procedure_code": "",
        "device_id": "NL01",
        "submitted_at": at.strftime("%d/%m/%Y %H:%M"),
        "received_at": "",
        "sex": "Nam",
        "comment": "",
    } | {code: str(3 + (number + place) % 3) for place, code in enumerate(ITEMS)}
    return {"Mẫu phiếu": "citizen 2017.1"} | {name: (values | cells)[target] for name, target in HEADINGS.items()}


def csv_bytes(*rows: dict[str, str]) -> bytes:
    """Return rows as a keyed file."""
    return "".join(
        ",".join(row) + "\n" for row in [COLUMNS, *([row[name] for name in COLUMNS] for row in rows)]
    ).encode()


def write_round(lake: Lake, mapping: dict[str, object] | None = None, **changes: object) -> None:
    """Write the folder of the round, with some keys of `round.yml` changed."""
    text = yaml.safe_dump(MEANING | changes, allow_unicode=True)
    lake.write_bytes(f"rounds/{ROUND}/round.yml", text.encode())
    units = "unit_code,name_vi,name_en,level,parent_code\n22243,Xã Hòa Thành,Hòa Thành,commune,\n"
    lake.write_bytes(f"rounds/{ROUND}/units.csv", units.encode())
    mappings = yaml.safe_dump([MAPPING | (mapping or {})], allow_unicode=True)
    lake.write_bytes(f"rounds/{ROUND}/mappings/postal.yml", mappings.encode())


def drop(lake: Lake, name: str, *rows: dict[str, str]) -> None:
    """Put a keyed file into the inbox."""
    lake.write_bytes(f"inbox/postal/{name}", csv_bytes(*rows))


def context_of(lake: Lake):
    """Open the lake as stages do."""
    root = lake.root
    return open_context(replace(Settings.from_environment(), data=root, warehouse=f"duckdb:///{root}/warehouse.duckdb"))


def bring_in(context, *, gated: bool = False) -> list[str]:
    """Collect, conform, screen and tally what is new; return the keys of the partitions."""
    collect(context, "postal", ROUND)
    for batch in pending_batches(context, "postal", ROUND):
        conform(context, batch)
    keys = stale_partitions(context, "postal", ROUND)
    for key in keys:
        tally(context, gate(context, screen(context, key)) if gated else screen(context, key))
    return keys
