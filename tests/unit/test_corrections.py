"""Reviewed corrections: applied before validation, recorded, and told where they do not fit any more."""

import hashlib
from datetime import date

import pytest
from desk_kit import ROUND, bring_in, context_of, csv_bytes, drop, form, write_round

from pipelines.collect.rejects import read_rejects
from pipelines.lake import Lake
from pipelines.model.errors import GateError, InputError
from pipelines.rounds import load_corrections
from pipelines.stages import corrections_of, replay, stale_corrections

HEADINGS = "source,record_id,landing_sha256,line,field,expect,correct,reason,author,reviewer,date"
FILE = f"rounds/{ROUND}/corrections.csv"
ROWS = [form(1), form(2, A1="9"), form(3, unit_code="2224"), form(4, sex="Nu"), form(5, A1="7"), form(6, A2="8")]
SHA256 = hashlib.sha256(csv_bytes(*ROWS)).hexdigest()


def correction(record="P0002", field="A1", expect="9", correct="5", **changes):
    """One line of the file; `line` with `sha256` instead of a record."""
    cells = {
        "source": "postal", "record_id": record, "landing_sha256": "", "line": "", "field": field, "expect": expect,
        "correct": correct, "reason": "đối chiếu phiếu giấy", "author": "An", "reviewer": "Bình", "date": "2023-06-02",
    }  # fmt: skip
    return ",".join((cells | changes).values())


def write(lake, *lines):
    lake.write_bytes(FILE, "\n".join([HEADINGS, *lines, ""]).encode())


def accepted(lake):
    paths = lake.glob(f"responses/*/round={ROUND}/*/*/*")
    return {row["record_id"]: row for path in paths for row in lake.read_table(path).to_pylist()}


@pytest.fixture(scope="module")
def corrected(tmp_path_factory):
    """One file with five bad rows and corrections for most of them, some stale, conformed and screened."""
    lake = Lake(str(tmp_path_factory.mktemp("corrected")))
    write_round(lake)
    drop(lake, "a.csv", *ROWS)
    write(
        lake,
        correction(),
        correction("P0003", "Mã đơn vị", "2224", "22243"),
        correction("", "sex", "Nu", "", landing_sha256=SHA256[:12], line="5"),
        correction("P0005", "A1", "6", "5"),
        correction("P0006", "A9", "8", "5"),
        correction("P0006", "comment", "", "tốt"),
        correction("P0099"),
        correction("P0006", "A2", "8", "9"),
    )
    context = context_of(lake)
    bring_in(context)
    return context


def test_a_corrected_row_is_accepted_with_the_right_value_and_others_are_untouched(corrected):
    found = accepted(corrected.lake)
    assert set(found) == {"P0001", "P0002", "P0003", "P0004"}
    assert (found["P0002"]["A1"], found["P0003"]["unit_code"], found["P0004"]["sex"]) == (5, "22243", None)
    assert found["P0001"]["A1"] == int(ROWS[0]["Câu A1"])


def test_a_corrected_value_passes_the_same_checks_as_any_other(corrected):
    rejects = {row["line"]: row for row in read_rejects(corrected.lake, ROUND).to_pylist()}
    assert set(rejects) == {6, 7}
    assert (rejects[7]["code"], rejects[7]["value"]) == ("R203_UNKNOWN_CODE", "9")
    assert '"Câu A2": "8"' in rejects[7]["payload"], "the payload is what came"


def test_each_application_is_told_with_who_why_before_and_after(corrected):
    row = corrections_of(corrected, ROUND)[0]
    told = {
        name: row[name]
        for name in (
            "correction",
            "outcome",
            "corrected_line",
            "corrected_field",
            "before_value",
            "after_value",
            "found",
        )
    }
    assert told == {
        "correction": f"{FILE}, line 2", "outcome": "applied", "corrected_line": 3, "corrected_field": "A1",
        "before_value": "9", "after_value": "5", "found": "9",
    }  # fmt: skip
    assert (row["correction_reason"], row["author"], row["reviewer"]) == ("đối chiếu phiếu giấy", "An", "Bình")
    assert (row["landing_sha256"], row["decided_on"]) == (SHA256, date(2023, 6, 2))


def test_what_does_not_fit_any_more_is_an_error_with_file_line_field_and_remedy(corrected):
    outcomes = [row["outcome"] for row in corrections_of(corrected, ROUND)]
    stale = ["other_value", "no_field", "no_field", "no_record"]
    assert outcomes == ["applied"] * 3 + stale + ["applied"]
    errors = stale_corrections(corrected, ROUND)
    assert [error.where for error in errors] == [
        f"{FILE}, line 5, field A1", f"{FILE}, line 6, field A9", f"{FILE}, line 7, field comment",
        f"{FILE}, line 8, field A1",
    ]  # fmt: skip
    assert "expected '6', found '7' in line 6" in errors[0].what and errors[0].exit_code == 4
    assert all("remove the line" in error.remedy for error in errors)


def test_the_report_of_conforming_counts_applied_and_stale_corrections(corrected):
    (path,) = corrected.lake.glob(f"runs/{ROUND}/conform/*")
    messages = corrected.lake.read_json(path)["messages"]
    assert messages[-2:] == ["4 corrections applied", "3 corrections are stale: see `hailong rejects corrections`"]


def test_a_replay_with_a_new_correction_accepts_the_row_and_a_stale_one_stops_nothing(lake):
    write_round(lake)
    drop(lake, "a.csv", *ROWS)
    context = context_of(lake)
    bring_in(context)
    write(lake, correction(), correction("P0099"))
    with pytest.raises(GateError, match="no record that has landed"):
        replay(context, ROUND, {"code": "R2"}, lambda stage, what: None)
    assert accepted(lake)["P0002"]["A1"] == 5
    (report,) = [lake.read_json(path) for path in lake.glob(f"runs/{ROUND}/replay/*")]
    assert (report["rows_in"], report["accepted"]) == (5, 1)


def test_a_correction_that_is_taken_back_leaves_the_row_as_it_came(lake):
    write_round(lake)
    drop(lake, "a.csv", form(1), form(2, A1="9"))
    write(lake, correction())
    context = context_of(lake)
    bring_in(context)
    lake.remove(FILE)
    bring_in(context)
    assert set(accepted(lake)) == {"P0001"} and corrections_of(context, ROUND) == []
    assert lake.glob("corrected/*/*/*") == []


@pytest.mark.parametrize(
    ("line", "where", "what"),
    [
        (correction(reviewer="an"), "column reviewer", "same person"),
        (correction(reviewer=""), "column reviewer", "empty"),
        (correction(reason=""), "column reason", "empty"),
        (correction(date="02/06/2023"), "column date", "no date"),
        (correction(source="fax"), "column source", "unknown source"),
        (correction(correct="9"), "column correct", "nothing would change"),
        (correction(""), "column record_id", "one way"),
        (correction(line="3", landing_sha256=SHA256), "column record_id", "one way"),
        (correction("", line="3", landing_sha256="xyz"), "column landing_sha256", "hash"),
        (correction("", line="0", landing_sha256=SHA256), "column landing_sha256", "hash"),
        (correction("", line="x", landing_sha256=SHA256), "column line", "no count"),
    ],
)
def test_a_malformed_line_is_refused_with_its_place(lake, line, where, what):
    write_round(lake)
    write(lake, correction(), line if "P0002" not in line else line.replace("P0002", "P0003"))
    context = context_of(lake)
    with pytest.raises(InputError, match=what) as caught:
        load_corrections(lake, context.round(ROUND))
    assert caught.value.where == f"{FILE}, line 3, {where}" and caught.value.remedy
