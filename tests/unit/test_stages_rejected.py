"""What was refused: counted, listed, shown with its remedy; and once more through the rules after a fix."""

import shutil

import pytest
from desk_kit import ROUND, bring_in, context_of, drop, form, write_round

from pipelines.collect.rejects import read_rejects
from pipelines.lake import Lake, replay_before
from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError
from pipelines.model.remedies import remedy_of
from pipelines.stages import (
    Chosen,
    conform,
    plan_replay,
    reject_counts,
    reject_details,
    reject_rows,
    replay,
    replayed,
)

TOLD = []


def tell(stage, what):
    TOLD.append((stage, what))


@pytest.fixture(scope="module")
def screened(tmp_path_factory):
    """Two good forms, one with a wrong answer code, one of another form version, one outside the window, one twice."""
    lake = Lake(str(tmp_path_factory.mktemp("desk")))
    write_round(lake)
    good = [form(1), form(2)]
    wrong = [form(3, A1="tốt"), form(4) | {"Mẫu phiếu": "citizen 2016"}, form(5, submitted_at="01/07/2023 08:00")]
    drop(lake, "a.csv", *good, *wrong, form(6, A1="tốt", comment="gọi 0912345678"))
    drop(lake, "b.csv", form(1), form(7))
    context = context_of(lake)
    bring_in(context)
    return context


@pytest.fixture
def context(screened, tmp_path):
    """The same round, to be changed."""
    shutil.copytree(screened.lake.root, tmp_path / "data")
    return context_of(Lake(str(tmp_path / "data")))


def counts(context, **chosen):
    return {(code, month): rows for _, month, _, code, rows in reject_counts(context, ROUND, Chosen(**chosen))}


def test_rejects_are_counted_by_source_month_stage_and_code(screened):
    assert reject_counts(screened, ROUND, Chosen()) == [
        ("postal", "", "conform", "R108_UNKNOWN_FORM", 1),
        ("postal", "", "conform", "R203_UNKNOWN_CODE", 2),
        ("postal", "2023-05", "screen", "D401_SAME_RECORD", 1),
        ("postal", "2023-07", "screen", "R301_OUTSIDE_WINDOW", 1),
    ]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"stage": "screen"}, {("D401_SAME_RECORD", "2023-05"), ("R301_OUTSIDE_WINDOW", "2023-07")}),
        ({"code": "R"}, {("R108_UNKNOWN_FORM", ""), ("R203_UNKNOWN_CODE", ""), ("R301_OUTSIDE_WINDOW", "2023-07")}),
        ({"month": "2023-05"}, {("D401_SAME_RECORD", "2023-05")}),
        ({"source": "postal", "code": "R2"}, {("R203_UNKNOWN_CODE", "")}),
    ],
)
def test_filters_leave_only_what_they_name(screened, chosen, found):
    assert set(counts(screened, **chosen)) == found


@pytest.mark.parametrize(
    "chosen",
    [{"source": "fax"}, {"stage": "tally"}, {"code": "X9"}, {"month": "05/2023"}],
    ids=lambda one: next(iter(one)),
)
def test_a_filter_that_names_what_there_is_not_is_an_error(screened, chosen):
    with pytest.raises(InputError, match=f"--{next(iter(chosen))}"):
        reject_counts(screened, ROUND, Chosen(**chosen))
    with pytest.raises(InputError):
        plan_replay(screened, ROUND, chosen)


def test_rows_name_their_place_and_a_place_shows_the_row_with_its_remedy(screened):
    rows = reject_rows(screened, ROUND, Chosen(code="R203"), 10)
    assert [(row["file"], row["field"], row["value"]) for row in rows] == [("a.csv", "Câu A1", "tốt")] * 2
    (detail,) = reject_details(screened, ROUND, rows[-1]["place"], "An", "xem lại")
    assert detail.row["line"] == 7 and "“tốt”" in detail.row["message_vi"] and "“tốt”" in detail.row["message_en"]
    payload = dict(detail.payload)
    assert payload["Câu A1"] == "tốt" and payload["Ý kiến"] == "gọi [điện thoại]"
    assert "corrections.csv" in detail.remedy_vi and "corrections.csv" in detail.remedy_en


@pytest.mark.parametrize("place", ["", "zz:1", ":3"])
def test_a_place_where_nothing_was_refused_is_an_error(screened, place):
    with pytest.raises(InputError, match="hailong rejects list"):
        reject_details(screened, ROUND, place, "An", "xem lại")


def test_every_code_has_a_remedy_in_both_languages():
    assert all(all(remedy_of(code)) for code in RejectCode)


def test_after_a_mapping_is_mended_replay_accepts_the_rows_though_killed_once_and_tells_how_many(context):
    write_round(context.lake, {"codes": {"sex": {"Nam": 1, "Nữ": 2}, "A1": {"tốt": 4}}})
    for batch in plan_replay(context, ROUND, {"code": "R203"}):
        conform(context, batch)  # and here it was killed
    outcome = {one.code: one for one in replay(context, ROUND, {}, tell)}
    mended = outcome["R203_UNKNOWN_CODE"]
    assert (mended.before, mended.mended, mended.still, mended.other) == (2, 2, 0, {})
    assert outcome["R108_UNKNOWN_FORM"].still == outcome["R301_OUTSIDE_WINDOW"].still == 1
    assert "D401_SAME_RECORD" not in outcome and not counts(context, code="R203")
    (path,) = context.lake.glob(f"responses/*/round={ROUND}/month=2023-05/*/*")
    answers = {row["record_id"]: row["A1"] for row in context.lake.read_table(path, ["record_id", "A1"]).to_pylist()}
    assert (answers["P0003"], answers["P0006"]) == (4, 4)
    (report,) = [context.lake.read_json(path) for path in context.lake.glob(f"runs/{ROUND}/replay/*")]
    assert (report["key"], report["rows_in"], report["accepted"], report["rejected"]) == ("0001", 4, 2, 2)
    assert not context.lake.exists(replay_before(ROUND)) and replayed(context, ROUND) == []


def test_a_row_mended_in_one_field_may_be_refused_for_another_reason_and_that_is_told(context):
    window = {"from": "2023-05-01", "to": "2023-05-03"}
    write_round(context.lake, {"codes": {"sex": {"Nam": 1, "Nữ": 2}, "A1": {"tốt": 4}}}, window=window)
    (one,) = replay(context, ROUND, {"code": "R203"}, tell)
    assert (one.before, one.mended, one.other) == (2, 0, {"R301_OUTSIDE_WINDOW": 2})
    assert str(one) == "postal R203_UNKNOWN_CODE: 2 rows, 0 mended, 0 as before, 2 now R301_OUTSIDE_WINDOW"


def test_replay_without_a_fix_changes_no_byte_of_responses_and_rejects(context):
    def files():
        lake = context.lake
        return {
            path: lake.read_bytes(path) for folder in ("responses", "rejects", "tallies") for path in lake.find(folder)
        }

    before = files()
    outcome = replay(context, ROUND, {}, tell)
    assert files() == before and all(one.still == one.before for one in outcome)


def test_only_the_objects_with_chosen_rejects_are_conformed_again(context):
    batches = plan_replay(context, ROUND, {"code": "R3"})
    assert [len(batch["objects"]) for batch in batches] == [1]
    assert plan_replay(context, ROUND, {"code": "D501"}) == batches  # what was begun is still to be done


def test_nothing_refused_means_nothing_to_replay(lake):
    write_round(lake)
    drop(lake, "a.csv", form(1))
    context = context_of(lake)
    bring_in(context)
    assert replay(context, ROUND, {}, tell) == []
    assert read_rejects(lake, ROUND).num_rows == 0
