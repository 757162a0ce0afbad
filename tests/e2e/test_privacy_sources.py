"""Persons planted in every kind of source, wherever a form or a clerk may put them: only the raw bytes show them.

In fields of identity, in free text, in columns of codes (a row that slipped), under a heading that nobody mapped, and
in what cannot be read at all.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from e2e_kit import Command
from privacy_kit import HEADINGS, Somebody, found_in, needles, shown

from pipelines import stages
from pipelines.collect.landing import land
from pipelines.model.source import Offer
from pipelines.privacy.age_files import new_identity
from pipelines.privacy.pseudonyms import new_key
from pipelines.sources import source as source_named
from pipelines.stages.context import Context

ROUND = "tthc-2023-moi-nguon"
ITEMS = [*(f"A{n}" for n in range(1, 5)), *(f"B{n}" for n in range(1, 6)), *(f"C{n}" for n in range(1, 7))]
ITEMS += [*(f"D{n}" for n in range(1, 4)), *(f"E{n}" for n in range(1, 5))]
TABLES = ("postal", "spreadsheet", "limesurvey")
SOURCES = (*TABLES, "kobo", "odk", "kiosk", "scan")
OWN = ("kiosk", "scan")  # whose records have our own names, none of which is identity
STRANGE = "Người liên hệ"
Row = dict[str, Any]
NUMBERS = count(1)


def somebody() -> Somebody:
    return Somebody.number(next(NUMBERS) % 110)


def rows_of(source: str, persons: list[Somebody]) -> list[Row]:
    """Return a good row, rows that slipped by one column or two, and one with an unknown code and a remark."""

    def row(number: int) -> tuple[Row, Somebody]:
        one = somebody()
        persons.append(one)
        cells: Row = {"rec": f"{source}-{number}", "unit": "22243", "when": f"2023-05-04T08:{10 + number}:00+07:00"}
        cells |= {code: str(1 + (number * place) % 5) for place, code in enumerate(ITEMS, 1)} | {"gopy": one.remark}
        return cells | ({} if source in OWN else one.written), one

    good, (slipped, one), (further, other), (wrong, _) = row(1)[0], row(2), row(3), row(4)
    slipped |= {"A1": one.name, "A2": one.phone, "A3": one.citizen_id}
    further |= {"unit": other.name, "when": other.phone, "A1": f"{other.name} {other.phone}"}
    return [good, slipped, further, wrong | {"A1": "99"}]


def strange_row(source: str, persons: list[Somebody]) -> Row:
    (row, *_), one = rows_of(source, persons), somebody()
    persons.append(one)
    return row | {"rec": f"{source}-9", STRANGE: f"{one.name} {one.phone}"}


def csv_of(rows: list[Row], names: dict[str, str]) -> bytes:
    table = [
        [names.get(heading, heading) for heading in rows[0]],
        *([str(cell) for cell in row.values()] for row in rows),
    ]
    quoted = (",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table)
    return "".join(line + "\r\n" for line in quoted).encode()


def kobo_of(rows: list[Row]) -> bytes:
    return json.dumps({"count": len(rows), "next": None, "results": rows}, ensure_ascii=False).encode()


def odk_of(rows: list[Row]) -> bytes:
    system = {"submissionDate": "2023-05-04T01:15:00Z", "edits": 0}
    value = [{"__id": row["rec"], "__system": system, **row} for row in rows]
    return json.dumps({"value": value, "@odata.count": len(rows)}, ensure_ascii=False).encode()


def kiosk_of(rows: list[Row]) -> bytes:
    def event(number: int, row: Row) -> Row:
        answers = {code: int(row[code]) if row[code].isdigit() and len(row[code]) < 3 else row[code] for code in ITEMS}
        own = {"event_id": row["rec"], "device": "K01", "sequence": number, "unit": row["unit"], "comment": row["gopy"]}
        times = {"started_at": row["when"], "submitted_at": row["when"]}
        form = {"instrument": "citizen", "instrument_version": "2017.1", "respondent": "citizen"}
        more = {STRANGE: row[STRANGE]} if STRANGE in row else {}
        return {**own, **times, **form, "procedure": "1.001193", "answers": answers, **more}

    return "".join(json.dumps(event(n, row), ensure_ascii=False) + "\n" for n, row in enumerate(rows, 1)).encode()


def scan_of(rows: list[Row]) -> bytes:
    names = {"rec": "record_id", "unit": "unit_code", "when": "submitted_at", "gopy": "comment"}
    own = {"instrument": "citizen", "instrument_version": "2017.1", "respondent": "citizen", "revision": "1"}
    lines = [{names.get(name, name): cell for name, cell in row.items()} | own for row in rows]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


NAMES = {
    "limesurvey": {"rec": "id", "when": "submitdate", "gopy": "gopy", **{k: f"ten{n}" for n, k in enumerate(HEADINGS)}}
}
FORMATS: dict[str, Callable[[list[Row]], bytes]] = {
    "postal": lambda rows: csv_of(rows, {}),
    "spreadsheet": lambda rows: csv_of(rows, {}),
    "limesurvey": lambda rows: csv_of(rows, NAMES["limesurvey"] | {STRANGE: "lienhe"}),
    "kobo": kobo_of,
    "odk": odk_of,
    "kiosk": kiosk_of,
    "scan": scan_of,
}


def broken(source: str, one: Somebody) -> bytes:
    """Return bytes that break off in the middle of somebody."""
    if source in TABLES:
        return f'"rec","{one.name} {one.phone}\r\n"{one.citizen_id}'.encode()
    return f'{{"rec": "x", "results": [{{"gopy": "{one.remark}", "hoten": "{one.name}, {one.phone}'.encode()


@pytest.fixture
def planted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hailong: Command
) -> tuple[Path, list[Somebody]]:
    """A round that all sources serve, with its files landed."""
    recipient = new_identity(tmp_path / "keys/identity.txt")
    new_key(str(tmp_path / "keys/years"), 2023)
    for name, value in {
        "HAILONG_VAULT": str(tmp_path / "vault"),
        "HAILONG_VAULT_RECIPIENT": recipient,
        "HAILONG_PSEUDONYM_KEYS": str(tmp_path / "keys/years"),
        "HAILONG_AGE_IDENTITY": str(tmp_path / "keys/identity.txt"),
    }.items():
        monkeypatch.setenv(name, value)
    write_round(folder)
    persons: list[Somebody] = []
    context = stages.open_context()
    for source in SOURCES:
        torn = somebody()
        persons.append(torn)
        for name, content in (
            ("good", FORMATS[source](rows_of(source, persons))),
            ("strange", FORMATS[source]([strange_row(source, persons)])),
            ("broken", broken(source, torn)),
        ):
            hand_in(context, source, name, content)
    return folder, persons


def write_round(folder: Path) -> None:
    place = folder / "rounds" / ROUND
    (place / "mappings").mkdir(parents=True)
    sources = [{"source": name, "instance": name, "channel": "portal"} for name in SOURCES]
    (place / "round.yml").write_text(
        yaml.safe_dump({
            "id": ROUND, "programme": "tthc", "method": "2017", "year": 2023, "unit_level": "commune",
            "title": {"vi": "Mọi nguồn", "en": "Every source"}, "window": {"from": "2023-05-01", "to": "2023-06-30"},
            "design": {"finite_population": False}, "sources": sources, "settings": {"retention": {"identity_days": 0}},
        }, allow_unicode=True), encoding="utf-8",
    )  # fmt: skip
    units = "unit_code,name_vi,name_en,level,parent_code\n22243,Xã Hòa Thành,Hòa Thành,commune,\n"
    (place / "units.csv").write_text(units, encoding="utf-8")
    for source in (name for name in SOURCES if name not in OWN):
        names = NAMES.get(source, {})
        targets = {"rec": "record_id", "unit": "unit_code", "when": "submitted_at", "gopy": "comment"}
        targets |= {code: code for code in ITEMS}
        mapping = {
            "form": "citizen",
            "headings": {names.get(heading, heading): target for heading, target in targets.items()},
            "identity": {names.get(heading, heading): field for heading, field in HEADINGS.items()},
            "ignore": ["__*", "__system/*", "revision", "review_state", "asset", "meta/*", "row_id"],
            "constants": {"respondent": "citizen"},
        }
        path = place / f"mappings/{source}.yml"
        path.write_text(yaml.safe_dump([mapping], allow_unicode=True), encoding="utf-8")


def hand_in(context: Context, source: str, name: str, content: bytes) -> None:
    config = context.config(context.round(ROUND), source)
    suffix = {"kobo": ".json", "odk": ".json", "kiosk": ".jsonl", "scan": ".jsonl"}.get(source, ".csv")
    offer = Offer(f"{name}{suffix}", lambda: io.BytesIO(content), suffix)
    land(
        context.lake,
        replace(source_named(source), fetch=lambda config, cursor: iter([offer])),
        config,
        ROUND,
        context.now(),
    )


@pytest.mark.timeout(600)
def test_nobody_is_shown_by_anything_that_any_source_leaves(planted: tuple[Path, list[Somebody]], hailong: Command):
    folder, persons = planted
    said = [hailong(command, source, "--round", ROUND) for source in SOURCES for command in ("conform", "partitions")]
    for key in {line for told in said for line in told.out.split() if line.startswith(f"{ROUND}~")}:
        said += [hailong(command, key) for command in ("screen", "gate", "tally")]
    said += [hailong("ledger", "record", source, "--round", ROUND) for source in SOURCES]
    said += [hailong(command, ROUND) for command in ("weigh", "estimate", "interpret", "load", "freeze", "status")]
    assert [told.err for told in said if told.code] == []
    said += [hailong("rejects", "list", ROUND, "--rows", "--limit", "500"), hailong("quality", "report", ROUND)]
    places = {word for word in said[-2].out.split() if ":" in word and word.partition(":")[2].isdigit()}
    said += [hailong("rejects", "show", ROUND, place, "--reason", "xem") for place in sorted(places)]
    said += [hailong("devices", ROUND), hailong("privacy", "audit", ROUND)]
    (folder / "said.txt").write_text("".join(told.out + told.err for told in said), encoding="utf-8")

    counted = {path.parent.name.removeprefix("source=") for path in folder.glob("responses/**/*.parquet")}
    assert counted == set(SOURCES), "a source of which nothing is accepted proves nothing"
    refused = {path.parts[-3].removeprefix("source=") for path in folder.glob("rejects/**/*.parquet")}
    assert refused == set(SOURCES) and len(places) >= 2 * len(SOURCES)
    assert list(folder.glob("releases/*/*.xlsx")) and list(folder.glob("docs/*/*.html"))
    assert found_in(folder, persons, ("landing",)) == []
    landed = [path.read_text("utf-8") for path in (folder / "landing").rglob("*") if path.is_file()]
    raw = {one for text in landed for one in shown(text, *needles(persons))}
    assert len(raw) >= len(persons), "the search does not find what is there"
