"""Weights and channels of a round in the flow: declared in its folder, on record, and in its results."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.lake import Lake, responses, result
from pipelines.model.errors import InputError
from pipelines.settings import PROJECT, Settings
from pipelines.stages import Context, estimate, mode_effect_lines, tally, weigh, weight_lines
from pipelines.stages.mode_effect import mode_effect_table
from pipelines.stages.tallying import tally_spec

ROUND = """
id: desk
programme: tthc
method: "2017"
year: 2023
title: {vi: Khảo sát, en: Survey}
window: {from: 2023-02-15, to: 2023-10-31}
unit_level: commune
design: {strata: [procedure_field]}
sources:
  - {source: kiosk, instance: desk, channel: kiosk, self_selected: true}
  - {source: postal, instance: post, channel: paper_post, self_selected: false}
"""
OWN = "weighting: {margins: [sex, procedure_field], trim: 5}\n"
FILES = {
    "units.csv": "unit_code,name_vi,level\n22243,Xã Hòa Thành,commune\n",
    "frame.csv": "unit_code,procedure_code,procedure_field,population\n22243,1,Hộ tịch,600\n22243,2,Đất đai,400\n",
    "plan.csv": "unit_code,procedure_field,planned\n22243,Hộ tịch,30\n22243,Đất đai,20\n",
    "margins.csv": (
        "variable,category,total\nsex,1,500\nsex,2,500\nprocedure_field,Hộ tịch,600\nprocedure_field,Đất đai,400\n"
    ),
}


@pytest.fixture
def context(lake: Lake) -> Context:
    """A round in which every woman is satisfied and no man is; three in four of those who answered are women."""
    for name, text in {"round.yml": ROUND + OWN, **FILES}.items():
        lake.write_bytes(f"rounds/desk/{name}", text.encode())
    context = Context(Settings(lake.root, f"duckdb:///{lake.root}/w.duckdb", (), PROJECT, "thử"), lake)
    round_ = context.round("desk")
    method = context.method(round_)
    rows = [
        {"unit_code": "22243", "procedure_field": field, "sex": sex, "channel": channel}
        | dict.fromkeys(method.items, 5 if sex == 1 else 1)
        for field in ("Hộ tịch", "Đất đai")
        for sex, channel in [(1, "kiosk")] * 12 + [(1, "paper_post")] * 3 + [(2, "kiosk")] * 3 + [(2, "paper_post")] * 2
    ]
    codes = set(tally_spec(round_, method).options) | {"sex"}
    fields = [
        (name, pa.int8() if name in codes else pa.string())
        for name in dict.fromkeys((*tally_spec(round_, method).columns, "sex"))
    ]
    table = pa.Table.from_pylist(rows, schema=pa.schema(fields))
    lake.write_table(responses("tthc", "desk", "2023-05", "kiosk"), table)
    tally(context, "desk~kiosk~2023-05")
    return context


def overall(context: Context) -> float:
    table = context.lake.read_table(result("desk", "index_score"))
    for column, value in (("measure", "top2"), ("node_code", "T"), ("breakdown", "")):
        table = table.filter(pc.equal(table[column], value))
    return table["score"][0].as_py()


def test_scores_are_under_the_weights_that_the_round_declares(context: Context):
    estimate(context, weigh(context, "desk"))
    assert overall(context) == pytest.approx(50)


def test_without_weights_of_its_own_a_round_keeps_those_of_its_strata(context: Context):
    context.lake.write_bytes("rounds/desk/round.yml", ROUND.encode())
    estimate(context, weigh(context, "desk"))
    assert overall(context) == pytest.approx(75)
    assert [line[0] for line in weight_lines(context, "desk")] == ["design", "nonresponse"]


def test_each_step_is_on_record(context: Context):
    weigh(context, "desk")
    steps = context.lake.read_table(result("desk", "weight_step")).to_pylist()
    assert [step["name"] for step in steps] == ["design", "nonresponse", "rake", "trim"]
    assert [step["n"] for step in steps] == [50, 40, 40, 40]
    assert all(step["total"] == pytest.approx(1000) for step in steps)
    assert (steps[2]["smallest"], steps[2]["largest"]) == (pytest.approx(200 / 15), pytest.approx(300 / 5))
    # women 20 and 40/3, men 60 and 40: 40 · Σw²/1000²
    squares = 15 * 20**2 + 15 * (200 / 15) ** 2 + 5 * 60**2 + 5 * 40**2
    assert steps[3]["deff"] == pytest.approx(40 * squares / 1000**2)


def test_channels_are_compared_and_the_self_selected_one_is_labelled(context: Context):
    context.lake.write_bytes("rounds/desk/round.yml", ROUND.encode())
    rows = mode_effect_table(context, context.round("desk")).to_pylist()
    row = next(row for row in rows if (row["measure"], row["node_code"]) == ("top2", "T"))
    assert (row["channel"], row["reference_channel"]) == ("kiosk", "paper_post")
    assert (row["is_self_selected"], row["reference_is_self_selected"]) == (True, False)
    assert row["difference"] == pytest.approx(80 - 60)
    (unit, pair, node, *_), *_ = mode_effect_lines(context, "desk", ("index",))
    assert (unit, node) == ("Xã Hòa Thành", "T") and pair.count("tự chọn · self-selected") == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("margins.csv", FILES["margins.csv"].replace("sex,2,500", "sex,2,400"), "add up to 900, the frame to 1000"),
        ("margins.csv", "variable,category,total\nsex,1,1000\n", "no totals of procedure_field"),
        ("margins.csv", "variable,category,total,unit_code\nsex,1,5,22243\nsex,2,5,\n", "by unit and of the whole"),
        ("round.yml", ROUND + "weighting: {classes: [channel]}\n", "'channel' is no column of the strata"),
        ("round.yml", ROUND + "weighting: {trim: 0.5}\n", "less than the minimum"),
    ],
)
def test_weights_that_cannot_be_made_are_refused_with_the_file(context: Context, name, text, message):
    context.lake.write_bytes(f"rounds/desk/{name}", text.encode())
    with pytest.raises(InputError, match=message) as told:
        weigh(context, "desk")
    assert name in str(told.value)
