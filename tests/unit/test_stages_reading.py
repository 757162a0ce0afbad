"""Reading results: change between rounds whatever became of the units, importance, plans and their progress."""

from datetime import date

import pyarrow as pa
import pytest
from reading_kit import ROUND, context_of, make_round, scores_of
from typer.testing import CliRunner

from pipelines import geography, stages
from pipelines.cli import app
from pipelines.estimate import published_scores
from pipelines.estimate.shares import SCHEMA as SHARES
from pipelines.lake import run_report
from pipelines.model.errors import InputError, StateError
from pipelines.model.unit import Change
from pipelines.stages.interpreting import TABLES, interpretation_loads
from pipelines.stages.scoring import labelled
from pipelines.warehouse import read, replace

HOA_THANH, PHU_YEN = "22243", "22240"  # the commune, and the ward it became part of
OLD, NEW = "tthc-2024", "tthc-2026"
BEFORE, AFTER = date(2024, 10, 31), date(2026, 10, 31)


def parts_of(code: str) -> list[str]:
    """The communes before that went, whole or in part, into a commune after."""
    return [part.code for part in geography.predecessors(code, "commune", BEFORE, AFTER)]


def is_plain_merger(code: str) -> bool:
    parts = geography.predecessors(code, "commune", BEFORE, AFTER)
    return len(parts) > 1 and {part.kind for part in parts} == {Change.MERGE}


MERGED = next(code for code in geography.units("commune", AFTER) if is_plain_merger(code))
PARTS = parts_of(MERGED)
TARGETS = """unit_code,node_code,goal,target,document
,T,score,60,KH 122/KH-UBND
22243,B,score,95,KH 122/KH-UBND
22243,T,rank,1,KH 181/KH-UBND
22243,T,rank_change,1,KH 181/KH-UBND
22243,C,score,80,KH 181/KH-UBND
"""
OWNERS = """node_code,unit_code,owner_vi,owner_en,document
T,,Sở Nội vụ,Department of Home Affairs,KH 122/KH-UBND
B,22243,Công chức tư pháp,,KH 181/KH-UBND
"""


@pytest.fixture
def context(tmp_path):
    return context_of(tmp_path)


def rows_of(table, **where) -> list[dict]:
    where = {"measure": "top2"} | where if "measure" in table.column_names else where
    return [row for row in table.to_pylist() if all(row[name] == value for name, value in where.items())]


def two_rounds(context, **changes) -> None:
    make_round(context, "tthc-2023", {HOA_THANH: 0.6, "22246": 0.8, "22249": 0.3}, seed=1)
    make_round(
        context, OLD, {HOA_THANH: 0.85, "22246": 0.8, "22249": 0.2}, seed=2, extra="previous: tthc-2023", **changes
    )


def test_change_of_units_that_stayed_is_the_difference_of_their_scores(context):
    two_rounds(context)
    found = stages.change(context, OLD).scores
    assert found.num_rows == 2 * 3 * 28 and set(found["break_reason"].to_pylist()) == {""}
    for unit in (HOA_THANH, "22249"):
        now, before = (scores_of(context, name, unit_code=unit, node_code="T") for name in (OLD, "tthc-2023"))
        (row,) = rows_of(found, unit_code=unit, node_code="T")
        assert row["change"] == pytest.approx(now["score"] - before["score"])
        assert row["se"] == pytest.approx((now["se"] ** 2 + before["se"] ** 2) ** 0.5)
        assert row["rank_change"] == before["rank"] - now["rank"]
        assert (row["round_id"], row["previous_round_id"]) == (OLD, "tthc-2023")
    (row,) = rows_of(found, unit_code=HOA_THANH, node_code="T")
    assert (row["rule"], row["is_significant"], row["rank_change"]) == ("up", True, 1)


def test_against_names_another_round_and_without_one_the_remedy_is_told(context):
    two_rounds(context)
    make_round(context, "tthc-2022", {HOA_THANH: 0.5})
    (row,) = rows_of(stages.change(context, OLD, "tthc-2022").scores, unit_code=HOA_THANH, node_code="T")
    assert row["previous_round_id"] == "tthc-2022" and row["break_reason"] == ""
    (row,) = rows_of(stages.change(context, OLD, "tthc-2022").scores, unit_code="22246", node_code="T")
    assert (row["break_reason"], row["change"]) == ("not_in_previous_round", None)
    with pytest.raises(InputError, match="--against"):
        stages.change(context, "tthc-2023")
    context.lake.remove("results/tthc-2023/index_score.parquet")
    with pytest.raises(StateError, match="estimate tthc-2023"):
        stages.change(context, OLD)


def test_merged_communes_are_compared_with_what_their_responses_give_together(context):
    share = {code: 0.3 + 0.05 * place for place, code in enumerate(PARTS)}
    make_round(context, OLD, share, seed=3, rows=120)
    make_round(context, NEW, {MERGED: 0.9}, seed=4, extra=f"previous: {OLD}")
    (row,) = rows_of(stages.change(context, NEW).scores, unit_code=MERGED, node_code="A1")
    parts = [scores_of(context, OLD, unit_code=code, node_code="A1") for code in PARTS]
    # Without a frame every response counts the same, and every commune has as many.
    assert row["break_reason"] == ""
    assert row["previous_figure"] == pytest.approx(sum(part["score"] for part in parts) / len(parts))


def test_a_new_unit_of_which_a_part_was_not_surveyed_has_no_change(context):
    make_round(context, OLD, {HOA_THANH: 0.5})
    make_round(context, NEW, {PHU_YEN: 0.9}, extra=f"previous: {OLD}")
    found = stages.change(context, NEW)
    assert set(found.scores["break_reason"].to_pylist()) == {"unit_of_another_extent"}
    assert found.scores["change"].null_count == found.scores.num_rows > 0


def test_a_code_that_names_another_unit_now_is_not_the_same_unit(context):
    # 00004 was phường Trúc Bạch and is phường Ba Đình.
    make_round(context, OLD, {"00004": 0.5})
    make_round(context, NEW, {"00004": 0.9}, extra=f"previous: {OLD}")
    assert set(stages.change(context, NEW).scores["break_reason"].to_pylist()) == {"unit_of_another_extent"}


def make_published_round(context, year: int, score: float, asked_in: int = 0) -> str:
    """A round of published scores of two provinces, every leaf the same share of its scale."""
    round_id, provinces = f"papi-{year}", ("33", "34")
    text = ROUND.format(id=round_id, year=year, extra="").replace("tthc", "papi").replace("2017", "2011")
    text = text.replace(f"{year}-", f"{asked_in or year}-")
    context.lake.write_bytes(f"rounds/{round_id}/round.yml", text.replace("commune", "province").encode())
    units = "".join(f"{code},Tỉnh {code},province\n" for code in provinces)
    context.lake.write_bytes(f"rounds/{round_id}/units.csv", f"unit_code,name_vi,level\n{units}".encode())
    round_ = context.round(round_id)
    method = context.method(round_)
    leaves = [leaf for leaf in method.tree.leaves if leaf.valid_in(year)]
    given = [
        {"unit_code": code, "node_code": leaf.code, "score": leaf.maximum * score}
        for code in provinces
        for leaf in leaves
    ]
    found = published_scores(pa.Table.from_pylist(given), method.tree, year)
    context.lake.write_table(f"results/{round_id}/index_score.parquet", labelled(found, round_, method, "published"))
    counts = labelled(SHARES.empty_table(), round_, method)
    context.lake.write_table(f"results/{round_id}/answer_count.parquet", counts)
    return round_id


def test_published_scores_follow_the_rule_without_a_test_and_break_where_a_dimension_changed(context):
    years = {year: make_published_round(context, year, score) for year, score in ((2015, 0.5), (2016, 0.6))}
    years[2024] = make_published_round(context, 2024, 0.6, asked_in=2026)
    found = {row["node_code"]: row for row in stages.change(context, years[2016], years[2015]).scores.to_pylist()}
    first = found["D1"]
    assert (first["rule"], first["is_significant"], first["se"], first["break_reason"]) == ("up", None, None, "")
    assert first["change"] == pytest.approx(0.1 * 10) and first["rank_change"] == 0
    assert (found["D3"]["break_reason"], found["D3"]["change"]) == ("other_composition", None)
    # Hưng Yên and Thái Bình merged in 2025: 33 is another province since, and nothing can be added up again.
    merged = rows_of(stages.change(context, years[2024], years[2016]).scores, measure="score", unit_code="33")
    assert merged and all(row["break_reason"] and row["change"] is None for row in merged)
    assert "unit_of_another_extent" in {row["break_reason"] for row in merged}
    assert stages.drivers(context, years[2016]).num_rows == 0
    with pytest.raises(InputError, match="no responses"):
        stages.restate(context, years[2016], AFTER)


def test_restating_keeps_the_original_and_tells_how_well_it_fits(context):
    make_round(context, OLD, dict.fromkeys([*PARTS, HOA_THANH], 0.5), extra="rollup: pooled")
    before = context.lake.read_bytes(f"results/{OLD}/index_score.parquet")
    stages.restate(context, OLD, AFTER)
    assert context.lake.read_bytes(f"results/{OLD}/index_score.parquet") == before
    with context.warehouse() as engine:
        found = read(engine, context.catalogue["mart.restated_score"], {"round_id": OLD})
    (whole,) = rows_of(found, unit_code=MERGED, node_code="T", breakdown="")
    assert (whole["restatement"], whole["units_at"], whole["n"]) == ("exact", AFTER, 150 * len(PARTS))
    fits = dict(zip(found["unit_code"].to_pylist(), found["restatement"].to_pylist(), strict=True))
    assert len(parts_of(PHU_YEN)) > 1 and fits[PHU_YEN] == "partial"
    assert fits["66"] == "partial"  # Đắk Lắk took in Phú Yên, and nobody in the old Đắk Lắk was asked
    with pytest.raises(InputError, match="before the round ended"):
        stages.restate(context, OLD, date(2024, 1, 1))


def split_commune() -> str:
    """A commune that was divided."""
    communes = geography.units("commune", BEFORE)
    return next(code for code in communes if len(geography.successors(code, "commune", BEFORE, AFTER)) > 1)


@pytest.mark.parametrize("rule", ["default_target", "province"])
def test_a_divided_commune_goes_to_its_default_target_or_counts_in_its_province_alone(context, rule):
    divided = split_commune()
    extra = f"rollup: pooled\nsettings: {{reading: {{split_units: {rule}}}}}"
    make_round(context, OLD, {divided: 0.5}, extra=extra)
    stages.restate(context, OLD, AFTER)
    rows = context.lake.read_table(f"results/{OLD}/restated_score.parquet")
    found = rows_of(rows, node_code="T", breakdown="")
    target = geography.successors(divided, "commune", BEFORE, AFTER)[0].code
    province = geography.unit(target, "commune", AFTER).parent_code
    fits = {row["unit_code"]: row["restatement"] for row in found}
    assert {row["n"] for row in found} == {150}
    assert set(fits) == ({target, province} if rule == "default_target" else {province})
    assert fits.get(target, "partial") in ("approximate", "partial")


def test_importance_of_a_round_counts_every_complete_response(context):
    two_rounds(context)
    found = stages.drivers(context, OLD)
    own = rows_of(found, unit_code=HOA_THANH)
    assert [len(own), found.num_rows] == [5, 5 * 3 * 2] and {row["n"] for row in own} == {150}
    assert all(0 < row["importance"] < 1 and row["se"] > 0 and row["quadrant"] for row in own)
    assert sum(row["leverage"] for row in own) == pytest.approx(1)
    whole = scores_of(context, OLD, unit_code=HOA_THANH, node_code="T")["score"]
    assert sum(row["potential"] for row in own) == pytest.approx(100 - whole)


def test_targets_are_judged_by_unit_with_their_leads(context):
    two_rounds(context, **{"targets.csv": TARGETS, "owners.csv": OWNERS})
    found = {(row["unit_code"], row["node_code"], row["goal"]): row for row in stages.targets(context, OLD).to_pylist()}
    assert len(found) == 3 + 4
    overall = [found[unit, "T", "score"] for unit in (HOA_THANH, "22246", "22249")]
    assert [row["progress"] for row in overall] == ["reached", "reached", "missed"]
    assert [row["is_certain"] for row in overall] == [True, True, True]
    assert {row["owner_vi"] for row in overall} == {"Sở Nội vụ"}
    assert overall[0]["gap"] == pytest.approx(scores_of(context, OLD, unit_code=HOA_THANH, node_code="T")["score"] - 60)
    assert found[HOA_THANH, "B", "score"]["owner_vi"] == "Công chức tư pháp"
    assert found[HOA_THANH, "B", "score"]["progress"] == "moving"
    assert found[HOA_THANH, "C", "score"]["owner_vi"] == ""
    rank, places = found[HOA_THANH, "T", "rank"], found[HOA_THANH, "T", "rank_change"]
    assert (rank["actual"], rank["previous"], rank["gap"], rank["progress"]) == (1, 2, 0, "reached")
    assert (places["actual"], places["gap"], places["progress"]) == (1, 0, "reached")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("node_code,goal,target\nX9,score,80\n", "no node X9"),
        ("node_code,goal,target\nT,places,3\n", "unknown goal"),
        ("node_code,goal,target\nT,score,eighty\n", "is no number"),
        ("unit_code,node_code,goal,target\n99999,T,score,80\n", "unknown unit"),
        ("node_code,goal,target\nT,score,80\nT,score,85\n", "repeats line 2"),
        ("node_code,goal\nT,score\n", "'target' is missing"),
    ],
)
def test_a_wrong_target_is_told_with_its_place(context, text, what):
    make_round(context, OLD, {HOA_THANH: 0.5}, **{"targets.csv": text})
    with pytest.raises(InputError, match=what) as caught:
        stages.targets(context, OLD)
    assert "targets.csv" in caught.value.where and caught.value.remedy


def test_loading_twice_gives_the_same_rows_and_a_round_without_plan_or_predecessor_none(context):
    two_rounds(context, **{"targets.csv": TARGETS, "owners.csv": OWNERS})
    names = ("mart.change", "mart.share_change", "mart.driver", "mart.plan_progress", "ref.owner", "ref.target")
    seen = []
    with context.warehouse() as engine:
        for _ in range(2):
            for round_id in ("tthc-2023", OLD):
                stages.interpret(context, round_id)
                replace(engine, context.catalogue, interpretation_loads(context, context.round(round_id)))
            seen.append({name: read(engine, context.catalogue[name]) for name in names})
    assert seen[0] == seen[1]
    counts = {name: table.num_rows for name, table in seen[0].items()}
    assert counts == dict(zip(names, (2 * 3 * 28, 0, 2 * 3 * 5 * 2, 7, 2, 5), strict=True))
    assert set(seen[0]["mart.change"]["round_id"].to_pylist()) == {OLD}


def withhold(context, round_id: str, **place) -> None:
    """Make the scores of a unit ones that a release does not show."""
    path = f"results/{round_id}/index_score.parquet"
    rows = context.lake.read_table(path)
    chosen = [all(row[name] == value for name, value in place.items()) for row in rows.to_pylist()]
    flags = [
        "suppress" if is_chosen else flag for is_chosen, flag in zip(chosen, rows["flag"].to_pylist(), strict=True)
    ]
    context.lake.write_table(path, rows.set_column(rows.schema.get_field_index("flag"), "flag", pa.array(flags)))


TOLD = {
    "change": ("figure", "previous_figure", "change", "change_percent", "rule", "p_value", "ci_low", "rank_change"),
    "driver": ("importance", "score", "potential", "quadrant"),
    "plan_progress": ("actual", "previous", "gap", "is_certain"),
}


def test_a_release_tells_nothing_from_which_a_withheld_score_of_either_round_follows(context):
    two_rounds(context, **{"targets.csv": TARGETS, "owners.csv": OWNERS})
    withhold(context, OLD, unit_code="22246")
    withhold(context, "tthc-2023", unit_code="22249", node_code="T")
    stages.interpret(context, OLD)
    release_id = stages.freeze(context, OLD, "thong-ke")
    shown = {name: context.lake.read_table(f"releases/{release_id}/{name}.parquet").to_pylist() for name in TOLD}
    scores = context.lake.read_table(f"releases/{release_id}/index_score.parquet").to_pylist()
    hidden = {
        (row["unit_code"], row["node_code"]) for row in scores if row["obs_status"] != "A" and not row["breakdown"]
    }
    assert {unit for unit, _ in hidden} == {"22246"}
    of_before = {("22249", "T")}
    for name, figures in TOLD.items():
        for row in shown[name]:
            place = row["unit_code"], row["node_code"]
            if place in hidden or (place in of_before and name != "driver"):
                assert row["obs_status"] == "S" and [row[figure] for figure in figures] == [None] * len(figures)
            else:
                assert row["obs_status"] == ("M" if row[figures[0 if name != "change" else 2]] is None else "A")
    assert {row["progress"] for row in shown["plan_progress"] if row["unit_code"] == "22246"} == {"unknown"}
    assert {row["unit_code"] for row in shown["change"] if row["obs_status"] == "A"} == {HOA_THANH, "22249"}


def test_a_merged_unit_of_which_a_part_was_withheld_is_not_compared_in_a_release(context):
    make_round(context, OLD, dict.fromkeys(PARTS, 0.5), seed=3, rows=120)
    make_round(context, NEW, {MERGED: 0.9}, seed=4, extra=f"previous: {OLD}")
    withhold(context, OLD, unit_code=PARTS[0])
    stages.interpret(context, NEW)
    kept = context.lake.read_table(f"results/{NEW}/change.parquet").to_pylist()
    assert {row["break_reason"] for row in kept} == {""}
    release_id = stages.freeze(context, NEW, "thong-ke")
    shown = context.lake.read_table(f"releases/{release_id}/change.parquet").to_pylist()
    assert len(shown) == len(kept) and {row["previous_figure"] for row in shown} == {None}
    inputs = context.lake.read_json(f"releases/{release_id}/manifest.json")["made_from"]["inputs"]
    assert f"results/{OLD}/index_score.parquet" in {one["path"] for one in inputs}


def test_what_a_round_gives_no_ground_for_is_left_out_and_said(context):
    make_round(context, OLD, {HOA_THANH: 0.5})
    stages.interpret(context, OLD)
    assert [context.lake.exists(f"results/{OLD}/{name}.parquet") for name in TABLES] == [
        False,
        False,
        True,
        *[False] * 3,
    ]
    told = stages.remarks(context, OLD)
    for reason in ("previous", "targets.csv", "two channels", "units_at"):
        assert any(reason in remark for remark in told)
    context.lake.remove(run_report(OLD, "interpret", OLD))
    with pytest.raises(StateError, match="not interpreted yet"):
        interpretation_loads(context, context.round(OLD))


def test_a_round_before_that_is_not_estimated_stops_nothing_but_the_comparison(context):
    two_rounds(context, **{"targets.csv": TARGETS})
    context.lake.remove("results/tthc-2023/index_score.parquet")
    stages.interpret(context, OLD)
    assert any("tthc-2023 is not estimated" in remark for remark in stages.remarks(context, OLD))
    assert context.lake.exists(f"results/{OLD}/plan_progress.parquet")


def test_settings_name_the_day_of_the_units_that_a_round_is_restated_on(context):
    make_round(context, OLD, {HOA_THANH: 0.5}, extra='settings: {reading: {units_at: "2025-07-01"}}')
    stages.interpret(context, OLD)
    found = context.lake.read_table(f"results/{OLD}/restated_score.parquet")
    assert {PHU_YEN} <= set(found["unit_code"].to_pylist()) and set(found["units_at"].to_pylist()) == {date(2025, 7, 1)}


def test_the_commands_show_tables_in_both_languages(context, monkeypatch):
    two_rounds(context, **{"targets.csv": TARGETS, "owners.csv": OWNERS})
    for name, value in {"HAILONG_DATA": context.lake.root, "COLUMNS": "250"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("pipelines.cli_reading.out.width", 250, raising=False)
    told = {
        name: CliRunner().invoke(app, [name, OLD, "--unit", HOA_THANH]) for name in ("change", "drivers", "targets")
    }
    assert {name: one.exit_code for name, one in told.items()} == dict.fromkeys(told, 0)
    for shown in ("Chỉ số hài lòng chung", "Overall satisfaction", "▲ tăng", "up"):
        assert shown in told["change"].stdout
    assert "Thủ tục hành chính" in told["drivers"].stdout and "mend first" in told["drivers"].stdout
    for shown in ("Sở Nội vụ", "Department of Home Affairs", "đạt", "reached"):
        assert shown in told["targets"].stdout
