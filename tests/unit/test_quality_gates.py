"""Gates: good tables pass, every planted defect is caught at its severity, what cannot be checked is an error."""

import io
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gates_kit import (
    ANSWERS,
    PROJECT,
    RESPONSES,
    SCORES,
    TIME,
    WINDOW,
    failures,
    gate,
    gate_answers,
    profile,
    responses,
    scores,
)

from pipelines.model.errors import GateError
from pipelines.model.gate import CRITICAL, WARNING, Check, GateResult
from pipelines.model.instrument import Choice, CodeList, Instrument, Kind, Question, Role
from pipelines.quality.answers import answer_profile, permitted_answers
from pipelines.quality.gates import Subject, run_gate
from pipelines.quality.suites import read_suite


@pytest.fixture
def instrument():
    scale = CodeList("agree", tuple(Choice(code, f"mức {code}", f"level {code}") for code in range(1, 6)))
    wishes = CodeList("wish", (Choice(1, "nhanh", "fast"), Choice(2, "gần", "near")))
    questions = (
        Question("a1", "a1", "a1", Kind.SELECT_ONE, Role.ITEM, "Nơi ngồi chờ", "Waiting place", scale),
        Question("wish", "wish", "wish", Kind.SELECT_MULTIPLE, Role.NEED, "Mong muốn", "Wishes", wishes),
        Question("note", "note", "note", Kind.TEXT, Role.COMMENT, "Ý kiến", "Comment"),
    )
    return Instrument("citizen", "1", "Phiếu", "Form", questions, "0" * 64)


# The suites as files


def test_a_good_batch_passes_every_check_in_the_order_of_the_suites(instrument):
    headers, answers = read_suite(RESPONSES), read_suite(ANSWERS)
    permitted = {"permitted_answers": permitted_answers([instrument])}
    subjects = [Subject(responses(), headers, WINDOW), Subject(profile(responses(), instrument), answers, permitted)]
    result = run_gate(subjects, None, "test")
    assert failures(result) == {} and not result.stopped
    result.raise_if_stopped()
    rules = [(suite.name, one["meta"]["rule"]) for suite in (headers, answers) for one in suite.expectations]
    assert [(check.suite, check.rule) for check in result.checks] == rules


def moment(at, seconds=0):
    return at + timedelta(seconds=seconds)


def with_rows(good, *defects):
    """A table whose first row is good and every other differs from it in what a defect names."""
    rows = [good.slice(0, 1).to_pylist()[0] | defect for defect in ({}, *defects)]
    return pa.Table.from_pylist(rows, good.schema)


def counts(result):
    return {check.rule: (check.severity, check.unexpected_count) for check in result.checks if not check.passed}


def test_each_defect_of_a_response_is_caught_in_its_row_and_at_its_severity():
    defects = [
        {"response_id": None},
        {"response_id": "A"},
        {"unit_code": None},
        {"form": None},
        {"form_version": None},
        {"source": None},
        {"channel": "fax"},
        {"channel": None},
        {"respondent": "robot"},
        {"submitted_at": None},
        {"submitted_at": moment(WINDOW["window_from"], -1), "started_at": None},
        {"submitted_at": moment(WINDOW["window_to"])},
        {"submitted_at": moment(WINDOW["window_from"])},
        {"landing_sha256": None},
        {"landing_sha256": "x"},
        {"line": 0},
        {"content_hash": None},
    ]
    defects = [{"response_id": f"{row:032x}"} | defect for row, defect in enumerate(defects, start=100)]
    result = gate(with_rows(responses(1), *defects, {}))
    assert counts(result) == {
        "response_id.present": (CRITICAL, 1),
        "response_id.unique": (CRITICAL, 2),
        "response_id.form": (CRITICAL, 1),
        "unit_code.present": (CRITICAL, 1),
        "form.present": (CRITICAL, 1),
        "form_version.present": (CRITICAL, 1),
        "source.present": (CRITICAL, 1),
        "channel.known": (CRITICAL, 1),
        "channel.present": (CRITICAL, 1),
        "respondent.known": (CRITICAL, 1),
        "submitted_at.present": (CRITICAL, 1),
        "submitted_at.window": (CRITICAL, 2),
        "submitted_at.after_start": (WARNING, 1),
        "landing_sha256.present": (CRITICAL, 1),
        "landing_sha256.form": (CRITICAL, 1),
        "line.from_one": (CRITICAL, 1),
        "content_hash.present": (CRITICAL, 1),
    }


def test_what_may_be_missing_or_at_the_edge_passes():
    edge = [
        {"submitted_at": moment(WINDOW["window_from"]), "started_at": moment(WINDOW["window_from"])},
        {"submitted_at": moment(WINDOW["window_to"], -1), "started_at": None, "respondent": None},
    ]
    edge = [{"response_id": f"{row:032x}"} | one for row, one in enumerate(edge, start=100)]
    assert failures(gate(with_rows(responses(1), *edge))) == {}


def test_a_month_left_without_responses_is_only_a_warning(instrument):
    assert failures(gate(responses()[:0])) == {"table.rows": WARNING}
    assert failures(gate_answers(responses()[:0], instrument)) == {}


# Answers


def test_an_answer_outside_its_code_list_is_critical_and_named_with_its_count_and_a_blank_is_not(instrument):
    bad = responses(4, a1=pa.array([6, None, 5, 6], pa.int8()), wish_2=pa.array([2, 0, None, 0], pa.int8()))
    result = gate_answers(bad, instrument)
    assert failures(result) == {"answer.permitted": CRITICAL}
    (check,) = result.failed(CRITICAL)
    assert check.observed == "a1=6 (responses: 2), wish_2=2 (responses: 1)"
    assert (check.suite, check.column, check.unexpected_count) == ("answers", "answer", 2)
    with pytest.raises(GateError, match=r"a1=6 \(responses: 2\)"):
        result.raise_if_stopped()


def test_instruments_that_share_a_column_allow_the_codes_of_both(instrument):
    wide = CodeList("agree9", (Choice(9, "mức 9", "level 9"),))
    twin = replace(instrument, id="organisation", questions=(replace(instrument.questions[0], code_list=wide),))
    allowed = [answer for answer in permitted_answers([instrument, twin]) if answer.startswith("a1=")]
    assert allowed == [f"a1={code}" for code in (1, 2, 3, 4, 5, 9)]


def test_a_question_without_a_column_is_critical_and_named(instrument):
    result = gate_answers(responses().drop_columns(["wish_1"]), instrument)
    assert [(check.rule, check.observed) for check in result.failed(CRITICAL)] == [
        ("question.column", "wish_1 (responses: 0)")
    ]


@pytest.mark.parametrize(
    ("column", "seen"),
    [
        (pa.array(["4"] * 3), "a1='4' (responses: 3)"),
        (pa.array([4.0] * 3), "a1=4.0 (responses: 3)"),
        (pa.array([True] * 3), "a1=True (responses: 3)"),
    ],
    ids=["text", "floating point", "boolean"],
)
def test_answers_that_are_no_whole_numbers_are_critical_even_where_they_look_right(instrument, column, seen):
    (check,) = gate_answers(responses(a1=column), instrument).failed(CRITICAL)
    assert (check.rule, check.observed) == ("answer.permitted", seen)


def test_an_item_that_nobody_answered_is_a_warning_and_another_question_is_not(instrument):
    blank = pa.array([None] * 3, pa.int8())
    result = gate_answers(responses(a1=blank, wish_1=blank), instrument)
    assert [(check.rule, check.severity, check.observed) for check in result.checks if not check.passed] == [
        ("item.answered", WARNING, "a1 (responses: 3)")
    ]


def test_a_profile_counts_each_answer_in_the_order_of_questions_and_codes(instrument):
    table = responses(4, a1=pa.array([5, None, 2, 5], pa.int8()), wish_1=pa.array([None] * 4, pa.int8()))
    assert [tuple(row.values()) for row in profile(table.drop_columns(["wish_2"]), instrument).to_pylist()] == [
        ("a1", None, 1, None, None),
        ("a1", "a1=2", 1, None, None),
        ("a1", "a1=5", 2, None, None),
        ("wish_1", None, 4, None, None),
        ("wish_2", None, 0, "wish_2", None),
    ]


def test_a_profile_adds_up_batches_and_row_groups(instrument, monkeypatch):
    monkeypatch.setattr("pipelines.quality.answers.ROWS_A_BATCH", 7)
    codes = [row % 5 + 1 for row in range(100)]
    stream = io.BytesIO()
    pq.write_table(responses(100, a1=pa.array(codes, pa.int8())), stream, row_group_size=30)
    rows = answer_profile(pq.ParquetFile(stream), ["a1"], ["a1"]).to_pylist()
    assert {row["answer"]: row["responses"] for row in rows} == {f"a1={code}": 20 for code in range(1, 6)}


# Scores


def test_a_good_table_of_scores_passes():
    assert failures(gate(scores(), SCORES)) == {}


def test_each_defect_of_a_score_is_caught_in_its_row_and_at_its_severity():
    defects = [
        {"score": 101.0, "ci_high": 103.0},
        {"score": -1.0, "ci_low": -2.0},
        {"score": float("nan")},
        {"se": -0.1},
        {"ci_low": 81.0},
        {"ci_high": 79.0},
        {"n": -1},
        {"n_eff": -1.0},
        {"df": -1},
        {"unit_code": None},
        {"breakdown": None},
        {"category": None},
        {"measure": None},
        {"flag": None, "flag_reason": "n"},
        {"flag": "fine", "flag_reason": "n"},
        {"flag": "suppress", "flag_reason": ""},
        {"node_level": "leaf"},
        {"node_level": None},
        {"rank": 0},
        {"rank": 4},
    ]
    defects = [{"node_code": f"N{row}"} | defect for row, defect in enumerate(defects)]
    result = gate(with_rows(scores(), *defects, {"node_code": None}, {}), SCORES)
    assert counts(result) == {
        "score.percent": (CRITICAL, 2),
        "score.present": (CRITICAL, 1),
        "se.not_negative": (CRITICAL, 1),
        "ci.below_score": (CRITICAL, 1),
        "ci.above_score": (CRITICAL, 1),
        "n.not_negative": (CRITICAL, 1),
        "n_eff.not_negative": (CRITICAL, 1),
        "df.not_negative": (CRITICAL, 1),
        "unit_code.present": (CRITICAL, 1),
        "breakdown.present": (CRITICAL, 1),
        "category.present": (CRITICAL, 1),
        "measure.present": (CRITICAL, 1),
        "node_code.present": (CRITICAL, 1),
        "key.unique": (CRITICAL, 2),
        "flag.present": (CRITICAL, 1),
        "flag.known": (CRITICAL, 1),
        "flag.reason": (WARNING, 1),
        "node_level.known": (CRITICAL, 1),
        "node_level.present": (CRITICAL, 1),
        "rank.from_one": (CRITICAL, 1),
        "rank.of_ranked": (CRITICAL, 1),
    }


def test_scores_without_answers_intervals_or_ranks_pass():
    nothing = {"score": None, "n": 0, "flag": "suppress", "flag_reason": "no_answers", "node_code": "II"}
    bare = {"ci_low": None, "ci_high": None, "se": None, "rank": None, "rank_of": None, "node_code": "III"}
    assert failures(gate(with_rows(scores(), nothing, bare), SCORES)) == {}


def test_the_last_digits_of_floating_point_do_not_stop_a_round():
    hair = 1e-12
    table = scores(
        score=[100.0 + hair, 90.0, 140.0], ci_low=[100.0 + 2 * hair, 88.0, 138.0], ci_high=[100.0, 92.0, 142.0]
    )
    assert failures(gate(table, SCORES)) == {}


def test_no_scores_at_all_stop():
    assert failures(gate(scores()[:0], SCORES)) == {"table.rows": CRITICAL}


# What stops


def test_a_critical_failure_stops_with_what_where_and_remedy():
    result = gate(responses(line=pa.array([0, 0, 2], pa.int64())))
    assert result.stopped
    with pytest.raises(GateError) as error:
        result.raise_if_stopped()
    assert "line.from_one" in error.value.what and "2 of 3 rows" in error.value.what
    assert "Vị trí trong tệp gốc" in error.value.what and "Positions count from 1" in error.value.what
    assert error.value.where == "gate “test”" and error.value.remedy


def test_a_long_list_of_failures_is_cut_and_counted():
    check = Check("s", "expect_x", "c", CRITICAL, False, "9", 1, 3, "rule", "sai", "wrong")
    with pytest.raises(GateError, match=r"7 critical expectations of 7 failed.*and 2 more"):
        GateResult("test", (check,) * 7).raise_if_stopped()


def test_a_warning_does_not_stop():
    result = gate(responses(started_at=pa.array([WINDOW["window_to"]] * 3, TIME)))
    assert [check.rule for check in result.failed(WARNING)] == ["submitted_at.after_start"]
    result.raise_if_stopped()


def test_an_absent_column_is_an_error_and_not_a_failure():
    with pytest.raises(GateError) as error:
        gate(responses().drop_columns(["channel", "submitted_at"]))
    what = error.value.what
    assert "could not be evaluated" in what and "channel.known" in what and "submitted_at.window" in what
    assert "expect_column_values_to_be_in_set on channel" in what and "unit_code" not in what


def test_a_column_of_a_wrong_type_is_an_error_and_not_a_failure():
    with pytest.raises(GateError, match=r"submitted_at\.window"):
        gate(responses(submitted_at=["yesterday"] * 3))


def test_the_same_table_gives_the_same_result():
    table = responses(line=pa.array([0, 1, 2], pa.int64()))
    assert gate(table) == gate(table)


def test_importing_the_module_imports_neither_great_expectations_nor_pandas():
    code = "import sys, pipelines.quality.gates; assert not {'great_expectations', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT)
