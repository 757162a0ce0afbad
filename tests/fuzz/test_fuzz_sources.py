"""Any bytes in an inbox or from a portal: rows or faults, every row accounted for; conforming closes its account."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from tempfile import TemporaryDirectory

import pytest
from fuzz_kit import FUZZ, GOOD, config, damaged, read
from hypothesis import given
from hypothesis import strategies as st

from pipelines.collect.conform import conform_object
from pipelines.collect.landing import land
from pipelines.collect.plan import ConformPlan
from pipelines.collect.rejects import read_rejects
from pipelines.lake import Lake
from pipelines.methods import load_method
from pipelines.model.round import Design, Mapping, Round
from pipelines.model.source import Offer, Source
from pipelines.sources import kiosk, source, sources

METHOD = load_method("tthc", "2017")
NOW = datetime(2023, 6, 1, tzinfo=UTC)
WITH_FORMS = ("kiosk", "scan", "postal", "spreadsheet", "limesurvey", "kobo", "odk")


def test_every_connector_is_fuzzed():
    assert {source(name).read for name in GOOD} == {found.read for found in sources().values()}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_the_good_files_are_good(name: str):
    for content in GOOD[name]:
        reading = read(name, content)
        assert reading.rows and not reading.faults


@pytest.mark.parametrize("name", sorted(GOOD))
@FUZZ
@given(data=st.data())
def test_damaged_files_give_rows_or_faults_each_in_its_place(name: str, data: st.DataObject):
    reading = read(name, data.draw(damaged(GOOD[name])))
    assert reading.rows or reading.faults
    assert len(reading.places) == len(set(reading.places))
    assert all(line > 0 for line in reading.places)


@pytest.mark.parametrize("name", sorted(GOOD))
@FUZZ
@given(content=st.binary(max_size=400))
def test_any_bytes_give_rows_or_faults(name: str, content: bytes):
    reading = read(name, content)
    assert reading.rows or reading.faults


@pytest.mark.parametrize("name", ["kiosk", "scan"])
@FUZZ
@given(data=st.data())
def test_of_lines_each_that_is_not_blank_is_a_row_or_a_fault(name: str, data: st.DataObject):
    content = data.draw(damaged(GOOD[name])).removeprefix(b"\xef\xbb\xbf")
    reading = read(name, content)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"seal" in content:
        return
    lines = [number for number, line in enumerate(content.split(b"\n"), 1) if not is_blank(line)]
    assert sorted(reading.places) == lines


def is_blank(line: bytes) -> bool:
    try:
        return not line or line.decode().isspace()
    except UnicodeDecodeError:
        return False


@pytest.mark.parametrize(("name", "key"), [("kobo", "results"), ("odk", "value")])
@FUZZ
@given(data=st.data())
def test_of_a_page_each_record_is_a_row_or_a_fault(name: str, key: str, data: st.DataObject):
    content = data.draw(damaged(GOOD[name][:1]))
    reading = read(name, content)
    try:
        records = json.loads(content)[key]
    except (ValueError, KeyError, TypeError, IndexError):
        return
    if isinstance(records, list) and records and content.startswith(b"{") and not has_whole_file_fault(reading.faults):
        assert sorted(reading.places) == list(range(1, len(records) + 1))


def has_whole_file_fault(faults: list) -> bool:
    return any(fault.line is None for fault in faults)


ROUND = Round(
    "fuzz", "tthc", "2017", 2023, "Đợt", "Round", date(2023, 1, 1), date(2023, 12, 31), "commune",
    Design(), (), {}, "rounds/fuzz", "f" * 64,
)  # fmt: skip


def mappings_of(name: str) -> tuple[Mapping, ...]:
    given_by_source = source(name).mappings
    if given_by_source is not None:
        return given_by_source(config(name, form="citizen"), METHOD.instruments)
    headings = {"row_id": "record_id", "timestamp": "submitted_at", "Câu 1": "A1"}
    return (Mapping("citizen", headings, constants={"unit_code": "22243"}, codes={"A1": {"Hài lòng": 4}}),)


@dataclass(frozen=True)
class Conformed:
    """What conforming made of a file: its account, and the rows that it kept and refused."""

    rows_in: int
    kept: list[dict]
    refused: list[dict]


def conformed(name: str, content: bytes) -> Conformed:
    plan = ConformPlan(ROUND, METHOD, mappings_of(name), {"22243": "22243"})
    offer = Offer("file", lambda: BytesIO(content))
    offered = Source(name, source(name).channel, lambda config, cursor: iter([offer]), source(name).read)
    with TemporaryDirectory() as folder:
        lake = Lake(folder)
        (landed,) = land(lake, offered, config(name), ROUND.id, NOW)
        report = conform_object(lake, plan, offered, config(name), landed)
        tables = [lake.read_table(path) for path in lake.glob("conformed/*/*/*/*.parquet")]
        kept = [row for table in tables for row in table.to_pylist()]
        return Conformed(report.rows_in, kept, read_rejects(lake, ROUND.id).to_pylist())


@pytest.mark.parametrize("name", WITH_FORMS)
@FUZZ
@given(data=st.data())
def test_conforming_a_damaged_file_closes_its_account(name: str, data: st.DataObject):
    content = data.draw(damaged(GOOD[name]))
    reading, found = read(name, content), conformed(name, content)
    assert found.rows_in == len(reading.rows) + len(reading.faults)
    places = [row["line"] for row in [*found.kept, *found.refused] if row["line"] is not None]
    assert sorted(places) == sorted(reading.places)
    assert all(row["message_vi"] and row["message_en"] for row in found.refused)


@FUZZ
@given(data=st.data())
def test_kiosk_files_read_a_batch_at_once_conform_to_the_same_rows(data: st.DataObject):
    content = data.draw(damaged(GOOD["kiosk"]))
    at_once = conformed("kiosk", content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kiosk, "_at_once", lambda batch, seals: None)
        assert conformed("kiosk", content) == at_once
