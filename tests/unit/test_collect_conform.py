"""Conforming one landed object: columns, rejects with reason and place, the account, and running again."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from collect_kit import (
    CITIZEN,
    CONFIG,
    MAPPING,
    METHOD,
    PLAN,
    ROUND,
    conform,
    conformed_rows,
    lines,
    read,
    row,
    snapshot,
    source,
    with_mapping,
)

from pipelines.collect.conform import conform_object
from pipelines.collect.privacy import IDENTITY
from pipelines.collect.rejects import UNREAD, read_rejects
from pipelines.collect.schema import response_schema
from pipelines.model.codes import RejectCode
from pipelines.model.errors import AccountError, InputError
from pipelines.model.source import Fault, RawRows


def one(lake, plan=PLAN, **changes):
    """Conform one row and return it as response; it must not be rejected."""
    conform(lake, lines(row(**changes)), plan=plan)
    assert rejects_of(lake) == []
    (response,) = conformed_rows(lake)
    return response


def rejects_of(lake):
    return read_rejects(lake, ROUND.id).to_pylist()


def rejected(lake, plan=PLAN, **changes):
    """Conform a bad row beside a good one; return the reject, the good one being kept."""
    _, (report,) = conform(lake, lines(row(id="good"), row(id="bad", **changes)), plan=plan)
    assert (report.rows_in, report.accepted, report.rejected) == (2, 1, 1)
    (reject,) = rejects_of(lake)
    return reject


def test_a_record_becomes_a_response_with_header_answers_and_provenance(lake):
    (landed,), (report,) = conform(
        lake, lines(row(rev="2", seq="7", received="2023-05-05T00:00:00Z", answers__age="34", answers__media="1 3"))
    )
    (response,) = conformed_rows(lake)
    header = {
        "record_id": "r1",
        "revision": 2,
        "unit_code": "22243",
        "procedure_code": "1.004227",
        "procedure_field": "Hộ tịch",
        "device_id": "K01",
        "sequence": 7,
        "channel": "kiosk",
        "started_at": datetime(2023, 5, 4, 1, tzinfo=UTC),
        "submitted_at": datetime(2023, 5, 4, 1, 2, tzinfo=UTC),
        "received_at": datetime(2023, 5, 5, tzinfo=UTC),
    }
    answers = {"A1": 5, "A2": 4, "A3": 3, "age": 34, "media_1": 1, "media_2": 0, "media_3": 1}
    provenance = {
        "response_id": hashlib.sha256(b"kiosk\0ward\0r1").hexdigest()[:32],
        "source": "kiosk",
        "instance": "ward",
        "form": "citizen",
        "form_version": "2017.1",
        "landing_sha256": landed.sha256,
        "line": 1,
    }
    for name, value in (header | answers | provenance).items():
        assert response[name] == value, name
    assert report.outputs == [f"conformed/round=tthc-2023/source=kiosk/month=2023-05/{landed.sha256}.parquet"]
    assert (report.rows_in, report.accepted, report.rejected) == (1, 1, 0)


def test_columns_are_the_union_of_the_twin_forms_and_hold_no_identity():
    schema = response_schema(METHOD)
    assert schema.field("A1").type == pa.int8() and schema.field("age").type == pa.int16()
    assert "staff" in schema.names and schema.names.count("A1") == 1
    assert "full_name" not in schema.names
    assert schema.names[-1] == "comment"


def test_instruments_that_disagree_on_a_column_are_refused():
    age = replace(CITIZEN.by_code["sex"], code="age")
    other = replace(CITIZEN, id="other", questions=(age,))
    with pytest.raises(InputError, match="column age"):
        response_schema(replace(METHOD, instruments=(CITIZEN, other)))


def test_month_is_that_of_the_rounds_zone(lake):
    _, (report,) = conform(lake, lines(row(end="2023-04-30T17:30:00Z")))
    assert "month=2023-05" in report.outputs[0]


def test_blank_answers_are_null_and_blank_means_spaces_too(lake):
    response = one(lake, answers__A1=" ", answers__media="", answers__A2=None, comment="  ")
    assert [response[name] for name in ("A1", "A2", "media_1", "comment", "revision")] == [None, None, None, None, 1]


def test_text_is_kept_in_nfc_and_trimmed(lake):
    assert one(lake, comment=" Ra\u0302\u0301t tốt ")["comment"] == "Rất tốt"


def test_an_alias_of_a_unit_becomes_its_code(lake):
    assert one(lake, unit="06978")["unit_code"] == "06970"


def test_comments_are_scrubbed_before_they_are_written(lake):
    assert one(lake, comment="gọi tôi 0912 345 678")["comment"] == "gọi tôi [điện thoại]"


def test_identity_is_counted_and_written_nowhere(lake):
    good, bad = row(answers__full_name="Nguyễn Văn Bí"), row(id="r2", unit="?", answers__full_name="Nguyễn Văn Bí")
    landed, (report,) = conform(lake, lines(good, bad))
    assert report.messages == ["identity not kept: answers/full_name: 2"]
    assert json.loads(rejects_of(lake)[0]["payload"])["answers/full_name"] == "[số định danh]"
    raw = {landed[0].path}
    assert not [path for path, content in snapshot(lake).items() if "Bí".encode() in content and path not in raw]


@pytest.mark.parametrize(
    ("changes", "code", "field", "value"),
    [
        ({"answers__A1": "9"}, RejectCode.R203_UNKNOWN_CODE, "answers/A1", "9"),
        ({"answers__A1": "5.0"}, RejectCode.R203_UNKNOWN_CODE, "answers/A1", "5.0"),
        ({"answers__media": "1 7"}, RejectCode.R203_UNKNOWN_CODE, "answers/media", "1 7"),
        ({"answers__age": "ba mươi"}, RejectCode.R207_BAD_NUMBER, "answers/age", "ba mươi"),
        ({"answers__age": "99999"}, RejectCode.R207_BAD_NUMBER, "answers/age", "99999"),
        ({"unit": "99999"}, RejectCode.R202_UNKNOWN_UNIT, "unit", "99999"),
        ({"procedure": "9.999999"}, RejectCode.R205_UNKNOWN_PROCEDURE, "procedure", "9.999999"),
        ({"end": "2023-02-30T08:00:00"}, RejectCode.R204_BAD_TIME, "end", "2023-02-30T08:00:00"),
        ({"end": "1899-12-30"}, RejectCode.R204_BAD_TIME, "end", "1899-12-30"),
        ({"start": "hôm qua"}, RejectCode.R204_BAD_TIME, "start", "hôm qua"),
        ({"rev": "-1"}, RejectCode.R207_BAD_NUMBER, "rev", "-1"),
        ({"state": "maybe"}, RejectCode.R203_UNKNOWN_CODE, "state", "maybe"),
        ({"unit": " "}, RejectCode.R201_MISSING_FIELD, "unit", ""),
        ({"answers__A9": "4"}, RejectCode.R103_UNKNOWN_HEADING, "answers/A9", "4"),
        ({"comment": "a\0b"}, RejectCode.R208_BAD_TEXT, "comment", ""),
        ({"comment": "a\udc80b"}, RejectCode.R208_BAD_TEXT, "comment", ""),
        ({"version": "1999.1"}, RejectCode.R108_UNKNOWN_FORM, "version", "1999.1"),
    ],
)
def test_a_row_that_cannot_be_conformed_is_rejected_by_code_field_and_value(lake, changes, code, field, value):
    reject = rejected(lake, **changes)
    assert (reject["code"], reject["field"], reject["value"], reject["line"]) == (code.code, field, value, 2)
    assert code.text_vi(field, value) in reject["message_vi"] and code.text_en(field, value) in reject["message_en"]
    assert reject["file"] == "f0.jsonl" and json.loads(reject["payload"])["id"] == "bad"


def test_an_unknown_psu_is_rejected_only_where_the_frame_has_psus(lake):
    plan = replace(with_mapping(headings=MAPPING.headings | {"psu": "psu_code"}), psus=frozenset({"thôn 1"}))
    assert rejected(lake, plan, psu="thôn 2")["code"] == "R206_UNKNOWN_PSU"
    assert one_more(lake, replace(plan, psus=frozenset()), psu="thôn 2")["psu_code"] == "thôn 2"


def one_more(lake, plan, **changes):
    (landed,), _ = conform(lake, lines(row(id="more", **changes)), plan=plan)
    return next(response for response in conformed_rows(lake) if response["landing_sha256"] == landed.sha256)


def test_procedures_are_not_checked_without_a_frame(lake):
    response = one(lake, replace(PLAN, procedures={}), procedure="9.999999")
    assert (response["procedure_code"], response["procedure_field"]) == ("9.999999", None)


def test_a_row_with_several_problems_is_one_reject_that_names_them_all(lake):
    reject = rejected(lake, unit="1", answers__A1="9", answers__age="x")
    assert reject["code"] == "R202_UNKNOWN_UNIT"
    for text in ("“1”", "answers/A1", "answers/age"):
        assert text in reject["message_vi"] and text in reject["message_en"]


def test_a_reject_knows_the_response_where_the_record_has_an_identity(lake):
    assert rejected(lake, unit="1")["response_id"] == hashlib.sha256(b"kiosk\0ward\0bad").hexdigest()[:32]


def test_a_payload_that_is_cut_says_so(lake):
    reject = rejected(lake, replace(PLAN, payload_limit=50), unit="1", comment="x" * 100)
    assert reject["payload"][50:].startswith("… [+") and len(reject["payload"]) < 70


def test_what_is_unknown_is_scrubbed_in_payload_and_value(lake):
    reject = rejected(lake, phone="0912345678", comment="0912345678")
    assert reject["value"] == IDENTITY and "0912345678" not in reject["payload"]


def test_an_empty_cell_under_an_unknown_heading_is_no_problem(lake):
    one(lake, answers__A9=" ")


def test_headings_to_ignore_are_ignored(lake):
    one(lake, _id="3", meta__instanceID="uuid:1")


def test_brackets_in_what_is_to_be_ignored_stand_for_themselves(lake):
    plan = with_mapping(ignore=(*MAPPING.ignore, "* [Score]"))
    conform(lake, lines(row() | {"Câu 1 [Score]": "1.00 / 1"}, row(id="r2") | {"Câu S": "x"}), plan=plan)
    assert len(conformed_rows(lake)) == 1
    assert [one["field"] for one in rejects_of(lake)] == ["Câu S"]


def test_faults_of_the_reader_are_rejects_and_count(lake):
    _, (report,) = conform(lake, lines(row(), '{"id": "r2", "comment": "0912345678"', row(id="r3")))
    assert (report.rows_in, report.accepted, report.rejected) == (3, 2, 1)
    (reject,) = rejects_of(lake)
    assert (reject["code"], reject["line"]) == ("R107_BROKEN_LINE", 2)
    assert reject["payload"] == UNREAD, "the form asks who answers, so a line that is not understood may say it"


def test_a_file_that_cannot_be_read_is_one_reject_without_line(lake):
    def unreadable(stream, name, config):
        yield Fault(RejectCode.R101_UNREADABLE_FILE, value="zip")

    _, (report,) = conform(lake, b"PK", reader=unreadable)
    assert (report.rows_in, report.rejected) == (1, 1)
    assert rejects_of(lake)[0]["line"] is None


def test_a_table_that_lacks_a_required_heading_says_which(lake):
    plan = with_mapping(when={}, headings={"id": "record_id", "unit": "unit_code", "end": "submitted_at", "c1": "A1"})
    _, (report,) = conform(lake, lines({"id": "1", "end": "2023-05-04", "c1": "5"}), plan=plan)
    (reject,) = rejects_of(lake)
    assert (reject["code"], reject["field"], report.rejected) == ("R104_MISSING_HEADING", "unit", 1)


def test_records_chosen_by_version_need_their_required_headings(lake):
    conform(lake, lines({key: value for key, value in row().items() if key != "unit"}))
    assert rejects_of(lake)[0]["code"] == "R104_MISSING_HEADING"


def test_a_table_of_something_else_is_an_unknown_form_that_names_its_headings(lake):
    conform(lake, lines({"Họ tên": "A", "Địa chỉ": "B"}), plan=with_mapping(when={}))
    (reject,) = rejects_of(lake)
    assert (reject["code"], reject["value"]) == ("R108_UNKNOWN_FORM", "Họ tên, Địa chỉ")


def test_each_row_goes_to_the_mapping_of_its_version(lake):
    swapped = MAPPING.headings | {"answers/A1": "A2", "answers/A2": "A1"}
    other = replace(MAPPING, form="organisation", when={"version": ("2023.1", "2023.2")}, headings=dict(swapped))
    for code in ("sex", "media", "age", "full_name"):
        del other.headings[f"answers/{code}"]
    plan = replace(PLAN, mappings=(MAPPING, other))
    _, (report,) = conform(lake, lines(row(), row(id="r2", version="2023.2"), row(id="r3", version="3")), plan=plan)
    first, second = conformed_rows(lake)
    assert (first["form"], first["A1"], second["form"], second["A1"]) == ("citizen", 5, "organisation", 4)
    assert (report.accepted, report.rejected) == (2, 1)


def test_without_versions_a_table_goes_to_the_first_mapping_whose_headings_it_has(lake):
    old = {"id": "record_id", "unit": "unit_code", "end": "submitted_at", "Câu 1": "A1"}
    new = {**old, "Câu 2": "A2"}
    plan = replace(PLAN, mappings=(replace(MAPPING, when={}, headings=new), replace(MAPPING, when={}, headings=old)))
    conform(lake, lines({"id": "1", "unit": "22243", "end": "2023-05-04", "Câu 1": "5"}), plan=plan)
    assert conformed_rows(lake)[0]["A1"] == 5


def test_headings_are_compared_in_nfc(lake):
    headings = {"id": "record_id", "unit": "unit_code", "end": "submitted_at", "Câu 1": "A1"}
    record = {"id": "1", "unit": "22243", "end": "2023-05-04", " Ca\u0302u 1": "5"}
    conform(lake, lines(record), plan=with_mapping(when={}, headings=headings))
    assert conformed_rows(lake)[0]["A1"] == 5


def test_white_space_that_nobody_sees_does_not_part_headings_and_answers_from_the_mapping(lake):
    headings = {"id": "record_id", "unit": "unit_code", "end": "submitted_at", "Câu  1": "A1"}
    record = {"id": "1", "unit": "22243", "end": "2023-05-04", "Câu\u00a01": "Rất\u00a0hài  lòng "}
    codes = {"level5": {"Rất hài lòng": 5}}
    conform(lake, lines(record), plan=with_mapping(when={}, headings=headings, codes=codes))
    assert conformed_rows(lake)[0]["A1"] == 5


def test_two_headings_that_are_one_when_clean_do_not_hide_each_other(lake):
    conform(lake, lines(row() | {"answers/A1 ": "1"}))
    assert rejects_of(lake)[0]["code"] == "R103_UNKNOWN_HEADING"


def test_constants_fill_what_the_file_does_not_carry(lake):
    headings = {"id": "record_id", "c1": "A1"}
    constants = {"unit_code": "22243", "submitted_at": "2023-05-04", "channel": "paper_post", "respondent": "citizen"}
    plan = with_mapping(when={}, headings=headings, constants=constants)
    conform(lake, lines({"id": "1", "c1": "5"}), plan=plan)
    (response,) = conformed_rows(lake)
    assert response["submitted_at"] == datetime(2023, 5, 3, 17, tzinfo=UTC)
    assert (response["unit_code"], response["channel"], response["respondent"]) == ("22243", "paper_post", "citizen")


def test_a_mapping_that_fills_no_unit_is_refused(lake):
    with pytest.raises(InputError, match="nothing fills unit_code"):
        conform(lake, lines(row()), plan=with_mapping(headings={"id": "record_id", "end": "submitted_at"}))
    assert not lake.glob("conformed/*/*/*/*")


def test_texts_of_answers_are_read_by_question_before_list(lake):
    codes = {"level5": {"Tốt": 4, "Kém": 1}, "A2": {"Tốt": 5}}
    response = one(lake, with_mapping(codes=codes), answers__A1="Tốt", answers__A2="Tốt", answers__A3="2")
    assert [response[code] for code in ("A1", "A2", "A3")] == [4, 5, 2]


@pytest.mark.parametrize("text", ["1,2", "1 2", "1, 2", "Đài truyền hình,Báo", "Đài truyền hình , Báo"])
def test_a_multiple_choice_is_read_with_spaces_or_commas(lake, text):
    plan = with_mapping(codes={"media": {"Đài truyền hình": 1, "Báo": 2, "Loa": 3}})
    response = one(lake, plan, answers__media=text)
    assert [response[f"media_{code}"] for code in (1, 2, 3)] == [1, 1, 0]


def test_a_multiple_choice_that_the_source_has_split_keeps_its_ticks(lake):
    headings = {name: code for name, code in MAPPING.headings.items() if code != "media"}
    plan = with_mapping(headings=headings | {"media/1": "media_1", "media/2": "media_2"})
    response = one(lake, plan, media__1="1", media__2="N")
    assert [response[f"media_{code}"] for code in (1, 2, 3)] == [1, 0, None]


def test_running_twice_gives_the_same_bytes(lake):
    content = lines(*(row(id=f"r{n}", unit="1" if n % 5 == 0 else "22243") for n in range(20)))
    (landed,), _ = conform(lake, content)
    before = snapshot(lake)
    conform_object(lake, PLAN, source(), CONFIG, landed)
    assert snapshot(lake) == before


def test_blocks_do_not_change_what_is_conformed(lake, tmp_path):
    content = lines(*(row(id=f"r{n}", end=f"2023-0{n % 9 + 1}-04", answers__A1=str(n % 7)) for n in range(50)))
    _, (report,) = conform(lake, content)
    whole = [conformed_rows(lake), rejects_of(lake)]
    _, (parts,) = conform(
        type(lake)(str(tmp_path / "other")), content, reader=lambda stream, name, config: read(stream, name, config, 3)
    )
    other = type(lake)(str(tmp_path / "other"))
    assert [conformed_rows(other), rejects_of(other)] == whole
    assert (parts.accepted, parts.rejected, parts.outputs) == (report.accepted, report.rejected, report.outputs)


def test_a_month_that_an_object_no_longer_falls_in_is_emptied(lake):
    (landed,), _ = conform(lake, lines(row(end="2023-04-30T20:00:00")))
    corrected = with_mapping(time_zone="America/New_York")
    report = conform_object(lake, corrected, source(), CONFIG, landed)
    assert [path.split("month=")[1][:7] for path in report.outputs] == ["2023-04", "2023-05"]
    assert [lake.read_table(path).num_rows for path in report.outputs] == [0, 1]


def test_rejects_go_when_a_corrected_mapping_accepts_the_rows(lake):
    (landed,), _ = conform(lake, lines(row(), row(id="r2", answers__A1="Tốt")))
    assert len(rejects_of(lake)) == 1
    report = conform_object(lake, with_mapping(codes={"level5": {"Tốt": 4}}), source(), CONFIG, landed)
    assert (report.accepted, report.rejected, rejects_of(lake)) == (2, 0, [])


def test_nothing_is_written_when_rows_would_be_lost(lake, monkeypatch):
    monkeypatch.setattr("pipelines.collect.conform.assign_forms", lambda forms, block: [])
    with pytest.raises(AccountError, match="1 rows in"):
        conform(lake, lines(row()))
    assert not lake.glob("conformed/*/*/*/*") and not lake.glob("rejects/*/*/*/*")


@pytest.mark.parametrize("step", range(3))
def test_a_kill_between_writes_leaves_whole_files_and_running_again_completes(lake, monkeypatch, step):
    content = lines(row(), row(id="r2", end="2023-06-04"), row(id="r3", unit="1"))
    landed, _ = conform(lake, content)
    complete = snapshot(lake)
    for path in complete:
        if path.startswith(("conformed", "rejects")):
            lake.remove(path)
    land_stream, done = lake.land, []

    def dying(stream, path):
        if len(done) == step:
            raise KeyboardInterrupt
        done.append(path)
        return land_stream(stream, path)

    with monkeypatch.context() as patch:
        patch.setattr(lake, "land", dying)
        with pytest.raises(KeyboardInterrupt):
            conform_object(lake, PLAN, source(), CONFIG, landed[0])
    assert snapshot(lake).items() <= complete.items()
    conform_object(lake, PLAN, source(), CONFIG, landed[0])
    assert snapshot(lake) == complete


def test_a_large_block_is_conformed_whole(lake):
    rows = 50_000
    columns = {name: [text] * rows for name, text in row().items()} | {"id": [f"r{n}" for n in range(rows)]}
    columns["answers/A1"] = [str(n % 5 + 1) for n in range(rows)]

    def wide(stream, name, config):
        yield RawRows(columns, range(1, rows + 1))

    _, (report,) = conform(lake, b"x", reader=wide)
    assert (report.rows_in, report.accepted) == (rows, rows)
    table = lake.read_table(report.outputs[0], ["A1"])
    assert table["A1"].to_numpy().sum() == rows * 3


@pytest.mark.parametrize(("zone", "month"), [("", "2023-05"), ("America/New_York", "2023-05"), ("UTC", "2023-04")])
def test_times_without_zone_are_in_that_of_the_mapping_or_else_of_the_round(lake, zone, month):
    plan = with_mapping(time_zone=zone)
    plan = replace(plan, round=replace(plan.round, time_zone="Asia/Tokyo" if not zone else "UTC"))
    conform(lake, lines(row(end="2023-04-30T23:30:00" if zone else "2023-05-01T00:10:00")), plan=plan)
    assert [path.split("month=")[1][:7] for path in lake.glob("conformed/*/*/*/*")] == [month]
