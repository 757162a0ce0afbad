"""Paper from end to end: printed with serial numbers, filled by the simulation, scanned, read, reviewed, accepted.

The truth beside the round says what must become of every page and sheet; nothing else here knows the answers.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from e2e_kit import PROGRAMME, ROUND, context

from pipelines import stages
from pipelines.collect.landing import receipts
from pipelines.lake import rejects, responses
from pipelines.ledger import receipt_code
from pipelines.methods import load_method
from pipelines.model.instrument import Kind
from pipelines.paper import review
from pipelines.paper.erasure import ErasedPage
from pipelines.paper.images import Picture
from pipelines.stages.scans import landed_pages

SHEETS = 9
DUPLICATES = {"D501_SAME_PAGE"}


@dataclass
class Round:
    context: stages.Context
    truth: dict[str, Any]

    def collect(self) -> dict[str, dict[str, Any]]:
        """Collect, conform and screen; return the accepted responses by serial number."""
        stages.collect(self.context, "scan", ROUND)
        for batch in stages.pending_batches(self.context, "scan", ROUND):
            stages.conform(self.context, batch)
        for key in stages.stale_partitions(self.context, "scan", ROUND):
            stages.screen(self.context, key)
        paths = self.context.lake.glob(responses(PROGRAMME, ROUND, "*", "scan"))
        rows = [row for path in paths for row in self.context.lake.read_table(path).to_pylist()]
        return {row["record_id"]: row for row in rows}

    def with_fate(self, *fates: str) -> set[str]:
        return {serial for serial, fate in self.truth["fates"].items() if fate in fates}

    def drawn(self, row: dict[str, Any]) -> dict[str, str]:
        """Return what a response answers, as the truth writes it."""
        found = {"procedure_code": row["procedure_code"]}
        for question in load_method(PROGRAMME, "2017").instrument(row["respondent"]).coded:
            if question.kind is Kind.SELECT_MULTIPLE:
                codes = [name.rpartition("_")[2] for name in question.columns if row[name] == 1]
                answer = " ".join(codes)
            else:
                answer = "" if row[question.code] is None else str(row[question.code])
            found |= {question.code: answer} if answer else {}
        return found

    def assert_as_drawn(self, rows: dict[str, dict[str, Any]]) -> None:
        assert {serial: self.drawn(row) for serial, row in rows.items()} == {
            serial: self.truth["answers"][serial] for serial in rows
        }


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Round:
    folder: Path = tmp_path_factory.mktemp("paper")
    here = context(folder)
    stages.simulate(here, "commune", seed=11, scanned=SHEETS)
    return Round(here, json.loads((folder / f"truth/{ROUND}.scans.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def counted(scanned: Round) -> dict[str, dict[str, Any]]:
    return scanned.collect()


def test_every_sheet_that_nobody_must_look_at_comes_back_as_the_answers_drawn_on_it(scanned: Round, counted):
    assert set(counted) == scanned.with_fate("valid") and len(counted) >= SHEETS // 2
    scanned.assert_as_drawn(counted)


def test_day_on_which_a_sheet_was_handed_in_is_that_of_its_response(scanned: Round, counted):
    zone = scanned.context.round(ROUND).zone
    days = {serial: row["submitted_at"].astimezone(zone).date().isoformat() for serial, row in counted.items()}
    assert days == {serial: scanned.truth["days"][serial] for serial in days}


def test_every_page_ends_as_it_must_and_the_account_closes(scanned: Round, counted):
    lake = scanned.context.lake
    found = Counter(
        code
        for path in lake.glob(rejects(ROUND, "scan", "read", "*"))
        for code in lake.read_table(path)["code"].to_pylist()
    )
    truth = Counter(scanned.truth["pages"])
    assert found == truth - Counter(accepted=truth["accepted"])
    reports = [lake.read_json(path) for path in lake.glob(f"runs/{ROUND}/read/*.json")]
    totals = {name: sum(one[name] for one in reports) for name in ("rows_in", "accepted", "duplicate", "rejected")}
    assert totals["rows_in"] == truth.total() and totals["accepted"] == truth["accepted"]
    assert totals["duplicate"] == sum(found[code] for code in DUPLICATES)
    assert totals["rejected"] == found.total() - totals["duplicate"]
    shown = stages.account_lines(scanned.context, ROUND)
    assert shown[0] == ("read", "scan", *map(str, totals.values()))  # before its answers are conformed


def test_serial_numbers_are_counted_by_what_became_of_them(scanned: Round, counted):
    states = stages.serial_states(scanned.context, ROUND)
    assert len(states["issued"]) == scanned.truth["issued"] > SHEETS
    assert set(states["waiting"]) == scanned.with_fate("waiting") and len(states["waiting"]) == 3
    assert set(states["incomplete"]) == scanned.with_fate("incomplete")
    assert set(states["void"]) == scanned.with_fate("void")
    assert set(states["valid"]) == set(counted)


def test_sheets_that_waited_come_back_as_drawn_once_a_person_has_looked(scanned: Round, counted):
    lake, round_ = scanned.context.lake, scanned.context.round(ROUND)
    for item in review.open_items(lake, round_.id):
        serial, _, code = item.id.split("-")
        value = scanned.truth["answers"][serial].get(code, "")
        review.decide(lake, ROUND, item.id, value, "Bình", scanned.context.now())
    rows = scanned.collect()
    assert set(rows) == scanned.with_fate("valid", "waiting")
    scanned.assert_as_drawn(rows)
    assert stages.serial_states(scanned.context, ROUND)["waiting"] == []


def test_erasing_one_sheet_leaves_every_other_page_answer_and_reject_as_it_was(scanned: Round, counted):
    here = scanned.context
    rows, pages, refused = scanned.collect(), pages_of(here), refusals(here)
    serial = min(scanned.with_fate("valid") & set(rows))
    response = rows[serial]["response_id"]
    stages.erase(here, ROUND, stages.Whom(receipt=receipt_code(response)), "can-bo", "đơn số 12")
    after = pages_of(here)
    gone = {place for place, page in after.items() if isinstance(page, ErasedPage)}
    assert len(gone) == len(here.lake.glob(f"paper/{ROUND}/pages/{serial}-*")) + sum(one == response for one in refused)
    for place in after.keys() - gone:
        assert vars_of(after[place]) == vars_of(pages[place]), place
    assert after.keys() == pages.keys() and refusals(here) == refused
    assert scanned.collect() == rows | {serial: rows[serial] | {"comment": None, "pseudonym": None}}
    assert [path for path in here.lake.find("review") if serial in path] == []


def pages_of(here: stages.Context) -> dict[tuple[str, int], Any]:
    """Return every page of every landed scan by hash and number."""
    landed = receipts(here.lake, ROUND, "paper")
    return {
        (one.sha256, number): page for one in landed for number, page in enumerate(landed_pages(here.lake, one.path), 1)
    }


def vars_of(page: Any) -> tuple[Any, ...]:
    return (page.pixels.tobytes(), page.is_bilevel) if isinstance(page, Picture) else (str(page),)


def refusals(here: stages.Context) -> list[str]:
    """Return the response of every page that was refused, empty where it is not known."""
    paths = here.lake.glob(rejects(ROUND, "scan", "read", "*"))
    return [one for path in paths for one in here.lake.read_table(path)["response_id"].to_pylist()]


def test_simulating_again_changes_nothing(scanned: Round, counted):
    folder = Path(scanned.context.settings.data)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("inbox/*/scan/*")}
    stages.simulate(scanned.context, "commune", seed=11, scanned=SHEETS)
    assert {path: path.stat().st_mtime_ns for path in folder.glob("inbox/*/scan/*")} == before
