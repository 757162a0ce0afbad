"""LimeSurvey exports: a real one from the web interface, and the shape that the remote control gives."""

from pathlib import Path

import pytest
from reading import config, form, read

from pipelines.sources.limesurvey import code_of, mappings


def test_real_export_is_read_whole_with_headings_reduced_to_codes(reference: Path):
    content = (reference / "portals/limesurvey/rse2017_zaf_public_data.csv").read_bytes()
    reading = read("limesurvey", content)
    assert reading.faults == []
    assert len(reading.rows) == 22
    assert {len(row) for row in reading.rows} == {277}
    first = reading.rows[0]
    assert first["column 1"] == "0"  # the export's first column has no heading
    assert (first["socio1"], first["likert2[affSat3]"]) == ("South Africa", "Strongly disagree")
    assert [row["likert2[affSat3]"] for row in reading.rows].count("Agree") == 7
    assert reading.lines == list(range(2, 24))


REMOTE = (
    '"id";"submitdate";"lastpage";"A1";"A2";"y_kien";"G01Q02[SQ001]"\r\n'
    '"1";"2023-05-04 08:17:30";"3";"5";"4";"Rất tốt; cảm ơn\r\nlần sau ""tốt"" hơn";"Y"\r\n'
    '"2";"";"1";"3";"";"";""\r\n'
    "\r\n"
)


def test_export_of_the_remote_control_keeps_line_breaks_and_incomplete_responses():
    reading = read("limesurvey", b"\xef\xbb\xbf" + REMOTE.encode())
    assert reading.faults == [] and reading.lines == [2, 4]
    assert reading.rows[0]["y_kien"] == 'Rất tốt; cảm ơn\r\nlần sau "tốt" hơn'
    assert (reading.rows[1]["submitdate"], reading.rows[1]["A1"], reading.rows[1]["A2"]) == (None, "3", None)


def test_default_mapping_knows_the_headings_of_a_survey():
    (mapping,) = mappings(config("limesurvey"), [form()])
    assert mapping.headings == {
        "id": "record_id",
        "submitdate": "submitted_at",
        "a1": "A1",
        "a2": "A2",
        "y_kien": "comment",
    }


@pytest.mark.parametrize(
    ("heading", "code"),
    [
        ("id", "id"),
        ("id. Response ID", "id"),
        ("likert2[affSat3]. [I feel fairly well. Really]", "likert2[affSat3]"),
        ("q1[a][b]. Câu hỏi\nhai dòng", "q1[a][b]"),
        ("Thời gian. Bắt đầu", "Thời gian. Bắt đầu"),
        ("3.5 điểm", "3.5 điểm"),
        ("Anh/chị có hài lòng?", "Anh/chị có hài lòng?"),
    ],
)
def test_heading_is_reduced_to_its_code(heading: str, code: str):
    assert code_of(heading) == code


def test_two_headings_with_one_code_make_the_file_unusable():
    reading = read("limesurvey", b"id,A1. one,A1. two\n1,5,4\n")
    assert reading.rows == []
    assert [(fault.code.name, fault.field) for fault in reading.faults] == [("R109_DUPLICATE_HEADING", "A1")]


def test_error_object_in_place_of_an_export_gives_no_row():
    reading = read("limesurvey", b'{"status":"No Response found for Token"}')
    assert reading.rows == [] and len(reading.faults) == 1
