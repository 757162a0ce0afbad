"""Whole rounds of dossiers and of indicators: from a file in the inbox to a checked draft release."""

import pytest
from records_kit import make_round

from pipelines import stages
from pipelines.model.errors import InputError
from pipelines.stages.recorded import accepted_records
from pipelines.stages.reference import round_loads

COMMUNES = "unit_code,name_vi,level,parent_code\n22243,xã Hòa Thành,commune,54\n22258,phường Hòa Vinh,commune,54\n"
WARDS = "unit_code,name_vi,level,parent_code\n22240,phường Phú Yên,commune,66\n"
EXPORT = """\
Mã hồ sơ;Đơn vị;Lĩnh vực;Ngày hẹn trả;Ngày trả;Họ tên;Số lần liên hệ
HS-1;22243;Hộ tịch;10/05/2023;09/05/2023;Nguyễn Văn A;0
HS-2;22243;Hộ tịch;10/05/2023;10/05/2023;Trần Thị B;1
HS-3;22243;Đất đai;10/05/2023;12/05/2023;Lê C;4
HS-4;22258;Đất đai;10/05/2023;31/04/2023;Phạm D;0
HS-5;22243;Đất đai;10/05/2023;12/05/2022;Vũ E;0
"""
LATER = EXPORT.replace("HS-3;22243;Đất đai;10/05/2023;12/05/2023", "HS-3;22243;Đất đai;15/05/2023;12/05/2023")
MAPPING = """\
- form: dossiers
  headings:
    Mã hồ sơ: record_id
    Đơn vị: unit_code
    Lĩnh vực: procedure_field
    Ngày hẹn trả: due_on
    Ngày trả: finished_on
    Số lần liên hệ: contacts
  ignore: [Họ tên]
  time_format: "%d/%m/%Y"
"""


def run(context, programme):
    return stages.run_round(context, programme, "test", "tester", lambda *_: None)


def scores(context):
    return context.lake.read_table("results/test/index_score.parquet").to_pylist()


def score(context, **place):
    place = {"breakdown": "", **place}
    return next(row for row in scores(context) if all(row[name] == value for name, value in place.items()))


def test_dossiers_become_a_checked_release_and_every_row_is_accounted_for(tmp_path):
    files = {"1.csv": EXPORT, "2.csv": LATER}
    context = make_round(
        tmp_path, "one_stop", "2018", "dossiers", 2023, COMMUNES, files, mapping=MAPPING, rollup="rollup: pooled\n"
    )
    release = run(context, "one_stop")
    assert context.lake.exists(f"releases/{release}/index.html")
    reports = {row[0]: row[2:] for row in stages.account_lines(context, "test")}
    assert reports["conform"] == ("10", "8", "0", "2")  # HS-4 was finished on a day that does not exist, twice
    assert reports["screen"] == ("8", "3", "4", "1")  # HS-5 belongs to the year before
    assert score(context, unit_code="22243", node_code="1")["score"] == pytest.approx(5 / 3)  # the later export stands
    assert score(context, unit_code="54", node_code="1")["score"] == pytest.approx(5 / 3)
    assert score(context, unit_code="22258", node_code="1")["flag_reason"] == "not_applicable"
    assert {row["basis"] for row in scores(context)} == {"register"}
    assert {row["flag"] for row in scores(context)} == {"full_count", "suppress"}
    page = context.lake.read_bytes(f"releases/{release}/index.html").decode()
    for shown in ("Số hồ sơ", "Đếm toàn bộ", "1 decimal, half up", '<span lang="vi">1,7</span>'):
        assert shown in page
    assert "Đủ tin cậy" not in page and ">Số phiếu<" not in page
    assert_counts_are_explained(context)
    inputs = context.lake.read_json(f"releases/{release}/manifest.json")["made_from"]["inputs"]
    assert [one["path"] for one in inputs] == ["accepted/round=test/source=dossiers/records.parquet"]


def assert_counts_are_explained(context):
    """Every question and answer that is counted has its words in `ref`."""
    round_ = context.round("test")
    loads = {one.table: one.rows.to_pylist() for one in round_loads(context, round_, context.method(round_))}
    counts = context.lake.read_table("results/test/answer_count.parquet").to_pylist()
    questions = {row["question_code"]: row for row in loads["ref.item"]}
    answers = {(row["question_code"], row["answer_code"]): row for row in loads["ref.choice"]}
    assert {row["question_code"] for row in counts} <= questions.keys()
    assert {(row["question_code"], row["answer_code"]) for row in counts} <= answers.keys()
    for row in (*questions.values(), *answers.values()):
        assert row["label_vi"] and row["label_en"]


def test_no_name_and_no_dossier_number_is_kept_beside_the_dossier(tmp_path):
    context = make_round(tmp_path, "one_stop", "2018", "dossiers", 2023, COMMUNES, {"1.csv": EXPORT}, mapping=MAPPING)
    run(context, "one_stop")
    round_ = context.round("test")
    kept = accepted_records(context, round_, context.method(round_)).to_pandas().to_csv()
    rejected = context.lake.read_table(context.lake.glob("rejects/**/*.parquet")[0]).to_pandas().to_csv()
    for text in ("HS-", "Nguyễn", "Họ tên"):
        assert text not in kept
    assert "HS-4" not in rejected


def test_portal_dossiers_give_points_rate_and_counts(tmp_path):
    rows = [f"d{i},22243,2024-05-10,{'2024-05-12' if i == 1 else '2024-05-10'},,{int(i < 3)}" for i in range(1, 11)]
    table = "record_id,unit_code,due_on,finished_on,complaint,disliked\n" + "\n".join(rows) + "\n"
    context = make_round(tmp_path, "portal_766", "2022", "dossiers", 2024, COMMUNES, {"d.csv": table})
    run(context, "portal_766")
    found = score(context, unit_code="22243", node_code="5.4", measure="rate")
    assert found["score"] == 70 and score(context, unit_code="22243", node_code="5")["score"] == pytest.approx(14 / 3)
    counts = context.lake.read_table("results/test/answer_count.parquet").to_pylist()
    disliked = {
        row["answer_code"]: row["n"]
        for row in counts
        if row["question_code"] == "5.4:disliked" and not row["breakdown"]
    }
    assert disliked == {0: 8, 1: 2}
    assert_counts_are_explained(context)


def test_indicators_outside_their_scale_or_unknown_are_rejected_and_the_rest_is_scored(tmp_path):
    table = (
        "unit_code,indicator,value,se,n\n"
        '22240,3.1.1,"0,5",0.02,300\n22240,3.2.1,1.5,0.02,300\n22240,9.9.9,0.5,0.02,300\n22240,3.3.1,0.5,-1,300\n'
    )
    context = make_round(
        tmp_path, "governance", "2025", "indicator_table", 2025, WARDS, {"i.csv": table}, channel="published"
    )
    run(context, "governance")
    assert {row[1] for row in stages.reject_lines(context, "test")} == {"R209_OUT_OF_RANGE", "R203_UNKNOWN_CODE"}
    found = score(context, unit_code="22240", node_code="3.1")
    assert found["score"] == pytest.approx(1.83) and found["se"] == pytest.approx(0.06)
    assert found["basis"] == "probability"
    assert score(context, unit_code="22240", node_code="D3")["flag_reason"] == "withheld"


@pytest.mark.parametrize(
    ("mapping", "what"),
    [
        ("- {form: dossiers, headings: {a: record_id, b: nonsense}}", "there is no field 'nonsense'"),
        ("- {form: dossiers, headings: {a: record_id, b: record_id}}", "filled from two headings"),
        ("- {form: dossiers, headings: {a: attitude}, codes: {attitude: {tốt: 7}}}", "outside the scale"),
        ("- {form: dossiers, headings: {a: record_id}, when: {a: [x]}}", "one form"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(tmp_path, mapping, what):
    context = make_round(
        tmp_path, "one_stop", "2018", "dossiers", 2023, COMMUNES, {"1.csv": EXPORT}, mapping=mapping + "\n"
    )
    with pytest.raises(InputError, match=what):
        run(context, "one_stop")
