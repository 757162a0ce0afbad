"""Keyed forms of a simulated round."""

import unicodedata
from datetime import datetime

from simulated_kit import keyed_rows

from pipelines.simulate.specs import FAULTS


def test_keyed_files_are_readable_with_vietnamese_headings_and_option_texts(commune_files):
    names, rows = zip(*keyed_rows(commune_files), strict=True)
    assert {name.rpartition(".")[2] for name in names} == {"csv", "xlsx"}
    assert {row["Mẫu phiếu"] for row in rows} == {"citizen 2017.1", "organisation 2017.1"}
    for row in rows:
        assert all(unicodedata.is_normalized("NFC", heading) for heading in row)
        datetime.strptime(row["Thời điểm nhận phiếu"], "%d/%m/%Y %H:%M")
    assert {row.get("23. Giới tính", "") for row in rows} <= {"", "Nam", "Nữ"}


def test_corrected_paper_form_is_keyed_again_with_its_number_in_a_later_file(commune_files):
    rows = [(name, row) for name, row in keyed_rows(commune_files) if row["Lần nhập"] == "2"]
    first = {row["Số phiếu"]: name for name, row in keyed_rows(commune_files) if row["Lần nhập"] == "1"}
    assert len(rows) == FAULTS.revised
    for name, row in rows:
        assert name.rpartition("-")[2][:2] > first[row["Số phiếu"]].rpartition("-")[2][:2]
