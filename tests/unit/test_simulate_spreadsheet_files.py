"""Spreadsheets of form services of a simulated round: two services, and the files that nobody can read rightly."""

import io
import zipfile
from collections import Counter
from datetime import datetime

import pytest
from simulated_kit import below, exported_rows

from pipelines.simulate.specs import FAULTS


def rows_of(files, service):
    return [row for name, row in exported_rows(files) if name.startswith(service)]


def test_google_has_question_texts_for_headings_and_local_times_with_the_day_first(province_files):
    rows = rows_of(province_files, "google")
    headings = list(rows[0])
    assert headings[0] == "Dấu thời gian" and len(set(headings)) == len(headings)
    assert [heading for heading in headings if heading.startswith("Trách nhiệm giải trình [Cung cấp")]
    days = []
    for row in rows:
        if not row["Dấu thời gian"].startswith("31/11/"):
            days.append(datetime.strptime(row["Dấu thời gian"], "%d/%m/%Y %H:%M:%S").day)
    assert len(rows) - len(days) == FAULTS.bad_times and max(days) > 12


def test_microsoft_has_ids_typed_times_and_the_rows_of_grids_alone(province_files):
    rows = rows_of(province_files, "microsoft")
    assert list(rows[0])[:5] == ["ID", "Thời gian bắt đầu", "Thời gian hoàn thành", "Email", "Tên"]
    assert all(row["Thời gian bắt đầu"] < row["Thời gian hoàn thành"] for row in rows)
    assert not [heading for heading in rows[0] if heading.endswith("]")]


@pytest.mark.parametrize(("service", "between"), [("google", ", "), ("microsoft", ";")])
def test_answers_are_the_options_in_words_and_several_are_joined_as_the_service_does(
    province, province_files, service, between
):
    form = province.population.method.instruments[0]
    scale = {choice.label_vi for choice in form.by_code["PA1"].code_list.choices}
    rows = rows_of(province_files, service)
    (heading,) = [one for one in rows[0] if form.by_code["PA1"].label_vi in one]
    assert {row[heading] or "" for row in rows} - {"Tuyệt vời"} <= scale | {""}
    several = [row[form.by_code["Q2"].label_vi] or "" for row in rows]
    assert any(between in text for text in several)
    assert service == "google" or all(text.endswith(";") for text in several if text)


def test_repeated_rows_stand_in_another_file(province_files):
    places = {}
    for name, row in exported_rows(province_files):
        places.setdefault(tuple(map(str, row.values())), []).append(name)
    repeated = [names for names in places.values() if len(names) > 1]
    assert len(repeated) == FAULTS.exact_duplicates
    assert all(len(set(names)) == len(names) == 2 for names in repeated)


def test_one_spoilt_file_is_no_workbook_one_writes_the_month_first_and_one_is_there_twice(province_files):
    files = below(province_files, "spreadsheet")
    (broken,) = [content for name, content in files.items() if name.startswith("broken")]
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(broken))
    (row,) = [row for name, row in exported_rows(province_files) if name.startswith("other-order")]
    assert row["Dấu thời gian"].startswith("11/30/2025")
    assert Counter(Counter(files.values()).values()) == {1: len(files) - 2, 2: FAULTS.repeated_files}
