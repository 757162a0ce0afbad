"""LimeSurvey exports: a real one from the web interface, and the shape that the remote control gives."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import openpyxl
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import config, form, read

from pipelines.demo import standin
from pipelines.demo.limesurvey import Remote
from pipelines.demo.standin import Trouble
from pipelines.model.errors import InputError, SourceError
from pipelines.model.round import Mapping
from pipelines.model.source import Offer, RawRows
from pipelines.sources import limesurvey_remote, source, web
from pipelines.sources.limesurvey import code_of, mappings
from pipelines.sources.limesurvey_structure import read_structure


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


def test_workbook_is_read_like_the_csv_and_what_cannot_be_read_is_not_passed_over(tmp_path: Path):
    book, content = openpyxl.Workbook(), BytesIO()
    for row in (["id", "submitdate", "likert2[affSat3]"], ["1", "2026-03-05 09:04:05", "A1"]):
        book.active.append(row)
    book.save(content)
    (row,) = read("limesurvey", content.getvalue()).rows
    assert (row["submitdate"], row["likert2[affSat3]"]) == ("2026-03-05 09:04:05", "A1")
    for name in ("a.xlsx", "a.xls", "survey.lss"):
        (tmp_path / name).write_bytes(b"x")
    offers = source("limesurvey").fetch(config("limesurvey", inbox=str(tmp_path)), "")
    assert [offer.name for offer in offers] == ["a.xls", "a.xlsx"]


def test_response_of_a_survey_without_times_is_refused_with_the_remedy_unless_none_is_wanted():
    content = b"id,submitdate,q1\n1,1980-01-01 00:00:00,5\n2,2026-03-05 09:04:05,4\n"
    reading = read("limesurvey", content)
    assert reading.lines == [3] and reading.codes == [("R204", 2)] and "date stamp" in reading.faults[0].value
    undated = replace(config("limesurvey"), mappings=(Mapping("f", {"id": "record_id"}, ignore=("submitdate",)),))
    (block,) = source("limesurvey").read(BytesIO(content), "f.csv", undated)
    assert isinstance(block, RawRows) and len(block.lines) == 2


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


def test_export_with_words_for_headings_is_refused_as_labels():
    reading = read("limesurvey", b'"Response ID","Date submitted","How satisfied are you?"\n1,2023-05-04,5\n2,,4\n')
    assert reading.rows == []
    (fault,) = reading.faults
    assert (fault.code.name, fault.field, fault.line) == ("R112_LABELS", "Response ID", None)


# The structure file

LSS = """<?xml version="1.0" encoding="UTF-8"?>
<document><LimeSurveyDocType>Survey</LimeSurveyDocType>
<questions><rows>
 <row><qid>1</qid><parent_qid>0</parent_qid><type>F</type><title>q1</title><other>N</other></row>
 <row><qid>2</qid><parent_qid>0</parent_qid><type>L</type><title>sex</title><other>Y</other></row>
 <row><qid>3</qid><parent_qid>0</parent_qid><type>5</type><title>q3</title></row>
 <row><qid>4</qid><parent_qid>0</parent_qid><type>T</type><title>ykien</title></row>
</rows></questions>
<subquestions><rows>
 <row><qid>9</qid><parent_qid>1</parent_qid><type>F</type><title>SQ001</title></row>
</rows></subquestions>
<answers><rows>
 <row><aid>1</aid><qid>1</qid><code>A1</code></row><row><aid>2</aid><qid>1</qid><code>A2</code></row>
 <row><aid>3</aid><qid>2</qid><code>1</code><answer>Nam</answer></row>
</rows></answers>
<answer_l10ns><rows>
 <row><aid>1</aid><answer><![CDATA[<b>Rất hài lòng</b>]]></answer><language>vi</language></row>
 <row><aid>1</aid><answer>Very satisfied</answer><language>en</language></row>
 <row><aid>2</aid><answer>5</answer><language>en</language></row>
</rows></answer_l10ns></document>
""".encode()


def test_structure_of_a_real_survey_is_read(reference: Path):
    structure = read_structure((reference / "portals/limesurvey/citric_survey.lss").read_bytes(), "survey.lss")
    assert structure.headings == {"G01Q01", "G01Q02", "G02Q03", "G02Q04"}
    assert structure.codes == {"G01Q02": frozenset("12345"), "G02Q04": frozenset("YN")}


def test_structure_gives_headings_codes_and_labels_in_all_languages():
    structure = read_structure(LSS, "survey.lss")
    assert structure.headings == {"q1[SQ001]", "sex", "sex[other]", "q3", "ykien"}
    assert structure.codes["q1[SQ001]"] == {"A1", "A2"} and structure.codes["sex"] == {"1", "-oth-"}
    assert structure.labels["q1[SQ001]"] == {"Rất hài lòng": "A1", "Very satisfied": "A1", "5": "A2"}


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (Mapping("f", {"q1[SQ001]": "A1"}, codes={"A1": {"A1": 5}}), "no code is given for A2 of"),
        (Mapping("f", {"sex": "sex"}), "no code is given for -oth-"),
        (Mapping("f", {"q9": "A1"}), "the survey has no question 'q9'"),
    ],
)
def test_mapping_that_does_not_fit_the_survey_is_told_before_anything_is_read(tmp_path: Path, mapping, words: str):
    (tmp_path / "survey.lss").write_bytes(LSS)
    (tmp_path / "export.csv").write_text("id\n1\n", encoding="utf-8")
    settings = config("limesurvey", inbox=str(tmp_path), structure="survey.lss")
    with pytest.raises(InputError, match=words):
        list(source("limesurvey").fetch(replace(settings, mappings=(mapping,)), ""))
    good = Mapping("f", {"id": "record_id", "q3": "A3", "q1[SQ001]": "A1"}, codes={"x": {"A1": 5, "A2": 4}})
    assert len(list(source("limesurvey").fetch(replace(settings, mappings=(good,)), ""))) == 1


@pytest.mark.parametrize("heading", ["rank[1]", "rank[SQ001comment]", "submitdate", "interviewtime"])
def test_heading_with_parts_of_its_own_is_one_of_the_survey(heading: str):
    row = b"<row><qid>5</qid><parent_qid>0</parent_qid><type>R</type><title>rank</title></row>\n</rows></questions>"
    structure = read_structure(LSS.replace(b"</rows></questions>", row, 1), "survey.lss")
    assert structure.has(heading) and not structure.has("rank2[1]") and not structure.has("q3[1]")


def test_label_in_place_of_a_code_is_refused_with_its_own_code_and_a_code_never(tmp_path: Path):
    (tmp_path / "survey.lss").write_bytes(LSS)
    content = "id,q1[SQ001],ykien\n1,Rất hài lòng,x\n2,A1,Very satisfied\n3,A9,\n".encode()
    reading = read("limesurvey", content, inbox=str(tmp_path), structure="survey.lss")
    assert reading.lines == [3, 4] and reading.codes == [("R112", 2)]
    assert (reading.faults[0].field, reading.faults[0].value) == ("q1[SQ001]", "Rất hài lòng")


@pytest.mark.parametrize("content", [b"", b"<document/>", b"id;q1", LSS[:-20], b'<!DOCTYPE a [<!ENTITY b "c">]>' + LSS])
def test_file_that_is_no_structure_is_told(tmp_path: Path, content: bytes):
    (tmp_path / "survey.lss").write_bytes(content)
    with pytest.raises(InputError, match="structure"):
        list(source("limesurvey").fetch(config("limesurvey", inbox=str(tmp_path), structure="survey.lss"), ""))


def test_missing_structure_file_is_told(tmp_path: Path):
    with pytest.raises(InputError, match=r"nowhere\.lss"):
        list(source("limesurvey").fetch(config("limesurvey", inbox=str(tmp_path), structure="nowhere.lss"), ""))


# The remote control

SURVEY, PASSWORD = "123456", "not-a-secret"


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LS_PASSWORD", PASSWORD)
    monkeypatch.setattr(web, "BACKOFF", 0.01)
    monkeypatch.setattr(web, "MAX_WAIT", 0.05)
    monkeypatch.setattr(standin, "HANG", 0.8)
    with Remote(tmp_path, f"office:{PASSWORD}") as found:
        store(found, *ALL)
        yield found
        assert not found.sessions


def response(number: int, **changes: object) -> dict[str, object]:
    text = 'Tốt;\n"cảm ơn"'
    return {"id": number, "submitdate": "2023-05-04 08:17:30", "lastpage": "3", "a1": "5", "y_kien": text, **changes}


IDS = [*range(1, 20), 500, 501]  # responses deleted long ago leave a gap
ALL = [response(number) for number in IDS]


def store(remote: Remote, *responses: dict[str, object]) -> None:
    (remote.folder / f"{SURVEY}.jsonl").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in responses))


def fetch(remote: Remote, cursor: str = "", **changes: object) -> list[Offer]:
    options = {"url": remote.url, "survey": SURVEY, "user": "office", "secret": "LS_PASSWORD", "page_size": 10}
    options |= {"timeout": 0.5, **changes}
    return list(source("limesurvey").fetch(config("limesurvey", **options), cursor))


def revisions(offers: list[Offer]) -> dict[int, str | None]:
    rows = [row for offer in offers for row in read("limesurvey", offer.open().read()).rows]
    return {int(row["id"] or 0): row["revision"] for row in rows}


def test_all_responses_are_exported_by_codes_over_a_gap_of_ids(remote: Remote):
    offers = fetch(remote)
    assert revisions(offers) == dict.fromkeys(IDS, "1")
    assert read("limesurvey", offers[0].open().read()).rows[0]["y_kien"] == 'Tốt;\n"cảm ơn"'
    assert all("'all', 'code', 'short'" in asked for asked in remote.requests if asked.startswith("export"))


def test_line_is_counted_from_the_first_byte_that_landed(remote: Remote):
    content = fetch(remote)[0].open().read()
    reading = read("limesurvey", content)
    assert reading.lines[0] == 3 and content.split(b"\n")[2].startswith(b'"1";')


def test_incomplete_response_that_is_completed_later_is_its_next_revision(remote: Remote):
    store(remote, response(1, submitdate=""), response(2))
    cursor = fetch(remote)[-1].cursor
    assert fetch(remote, cursor) == []
    store(remote, response(1), response(2), response(3))
    offers = fetch(remote, cursor)
    assert revisions(offers) == {1: "2", 2: "1", 3: "1"}
    store(remote, response(2), response(3))
    (gone,) = fetch(remote, offers[-1].cursor)
    assert read("limesurvey", gone.open().read()).codes == [("R307", 1)]


def test_survey_without_responses_offers_nothing(remote: Remote):
    store(remote)
    assert fetch(remote) == []


def test_count_that_lies_once_is_asked_again_and_one_that_lies_always_is_an_error(remote: Remote, monkeypatch):
    monkeypatch.setattr(limesurvey_remote, "WIDENINGS", 7)
    remote.troubles.extend([Trouble.NONE, Trouble.WRONG_COUNT])
    assert set(revisions(fetch(remote))) == set(IDS)
    remote.troubles.extend([Trouble.NONE] + [Trouble.WRONG_COUNT] * 200)
    with pytest.raises(SourceError, match="21 responses read, 22 counted"):
        fetch(remote)
    remote.troubles.clear()


def test_count_that_is_too_low_hides_no_response(remote: Remote):
    remote.troubles.extend([Trouble.NONE, Trouble.LOW_COUNT])
    assert set(revisions(fetch(remote))) == set(IDS)
    remote.troubles.extend([Trouble.NONE] + [Trouble.LOW_COUNT] * 200)
    with pytest.raises(SourceError, match="21 responses read, 20 counted"):
        fetch(remote)
    remote.troubles.clear()


def test_responses_that_arrive_while_reading_do_no_harm(remote: Remote):
    settings = {"url": remote.url, "survey": SURVEY, "user": "office", "secret": "LS_PASSWORD", "page_size": 10}
    offers = source("limesurvey").fetch(config("limesurvey", **settings), "")
    found = [next(offers)]
    store(remote, *ALL, response(502), response(15_000))
    found += list(offers)
    assert set(IDS) <= set(revisions(found))
    assert set(revisions(found + fetch(remote, found[-1].cursor))) == {*IDS, 502, 15_000}


@pytest.mark.parametrize(
    "trouble", [Trouble.HANG, Trouble.SERVER_ERROR, Trouble.BUSY, Trouble.CUT_SHORT, Trouble.NOT_JSON]
)
def test_passing_trouble_is_retried_and_lasting_trouble_told_and_the_session_released(remote: Remote, trouble: Trouble):
    remote.troubles.extend([Trouble.NONE, trouble, Trouble.NONE, trouble])
    assert set(revisions(fetch(remote))) == set(IDS)
    remote.troubles.extend([Trouble.NONE, trouble, trouble])
    with pytest.raises(SourceError, match="2 attempts"):
        fetch(remote, retries=1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user": "other"}, "Invalid user name or password"),
        ({"survey": "9"}, "Invalid survey ID"),
        ({"survey": None}, "survey"),
        ({"user": None}, "user"),
    ],
)
def test_wrong_user_survey_or_missing_option_is_told_without_the_password(remote: Remote, changes, words: str):
    with pytest.raises(SourceError, match=words) as caught:
        fetch(remote, **changes)
    assert PASSWORD not in str(caught.value)


def test_redirect_is_not_followed(remote: Remote):
    remote.troubles.extend([Trouble.NONE, Trouble.REDIRECT])
    with pytest.raises(SourceError, match="302"):
        fetch(remote)


CELL = st.text(st.sampled_from('a5;,"\n\r é'), max_size=6)


@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=5))
def test_any_table_gives_each_of_its_lines_once(rows: list[list[str]]):
    content = "id;a1;y\n" + "".join(";".join(f'"{cell}"' for cell in row) + "\n" for row in rows)
    reading = read("limesurvey", content.encode())
    lines = reading.lines + [fault.line for fault in reading.faults if fault.line]
    assert len(lines) == len(set(lines)) and (lines or reading.faults)
