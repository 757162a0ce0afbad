"""What no estimate can be made of, by the command: told with what is wrong, where, and the remedy; none is made."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from e2e_kit import Command

from pipelines.lake import responses, tallies
from pipelines.settings import PROJECT
from pipelines.stages import Context, open_context, tally
from pipelines.stages.tallying import tally_spec

ROUND = """
id: desk
programme: tthc
method: "2017"
year: 2023
title: {vi: Khảo sát, en: Survey}
window: {from: 2023-02-15, to: 2023-10-31}
unit_level: commune
design: {strata: [procedure_field], psu: PSU, finite_population: true}
sources:
  - {source: postal, instance: post, channel: paper_post, self_selected: false}
"""
FRAME = "unit_code,procedure_field,psu_code,population\n22243,Hộ tịch,p1,300\n22243,Hộ tịch,p2,300\n"
FRAME += "22243,Đất đai,p3,200\n22243,Đất đai,p4,200\n"
UNITS = "unit_code,name_vi,level\n22243,Xã Hòa Thành,commune\n"
MARGINS = "variable,category,total\nsex,1,500\nsex,2,400\n"
CLUSTERED, ELEMENTS = ROUND.replace("PSU", "psu_code"), ROUND.replace("PSU", '""')
PLACES = (("Hộ tịch", "p1"), ("Hộ tịch", "p2"), ("Đất đai", "p3"), ("Đất đai", "p4"))
ASTRAY = (*PLACES, ("Đất đai", "p1"))


def write(context: Context, **files: str) -> None:
    for name, text in files.items():
        context.lake.write_bytes(f"rounds/desk/{name.replace('_', '.')}", text.encode())


def survey(folder: Path, text: str, places: tuple[tuple[str, str], ...] = PLACES) -> Context:
    """A round of which six people in each place answered, tallied."""
    context = open_context()
    write(context, round_yml=text, units_csv=UNITS, frame_csv=FRAME)
    round_ = context.round("desk")
    method = context.method(round_)
    spec = tally_spec(round_, method)
    rows = [
        {"unit_code": "22243", "procedure_field": field, "psu_code": psu, "sex": 1 + number % 2}
        | {"response_id": f"{psu}-{number}"}
        | dict.fromkeys(method.items, 4)
        for field, psu in places
        for number in range(6)
    ]
    coded = {*spec.options, "sex"}
    fields = [
        (name, pa.int8() if name in coded else pa.string())
        for name in dict.fromkeys((*spec.columns, "sex", "response_id"))
    ]
    table = pa.Table.from_pylist(rows, pa.schema(fields))
    context.lake.write_table(responses("tthc", "desk", "2023-05", "postal"), table)
    tally(context, "desk~postal~2023-05")
    return context


def told(hailong: Command, *arguments: str) -> str:
    """Run a command that is to be refused as wrong input, and return what it said."""
    found = hailong(*arguments)
    assert found.code == 3 and "Traceback" not in found.err
    assert "Lỗi · error" in found.err and "ở · at" in found.err and "remedy" in found.err
    return found.err


@pytest.mark.parametrize("population", ["-300", "nhiều", "3e2"])
def test_weight_that_is_negative_or_no_number_is_refused_with_its_line(hailong, folder, population):
    context = survey(folder, ELEMENTS)
    write(context, frame_csv=FRAME.replace("p2,300", f"p2,{population}"))
    said = told(hailong, "weigh", "desk")
    assert "frame.csv, line 3" in said and population in said
    assert not context.lake.exists("results/desk/weight.parquet")


def test_weight_that_is_missing_is_refused_with_its_stratum(hailong, folder):
    context = survey(folder, ELEMENTS)
    write(context, frame_csv="unit_code,procedure_field,population\n22243,Hộ tịch,600\n22243,Đất đai,\n")
    said = told(hailong, "weigh", "desk")
    assert "Đất đai" in said and "number" in said


def test_psu_in_two_strata_is_refused_with_both(hailong, folder):
    survey(folder, CLUSTERED, ASTRAY)
    said = told(hailong, "weigh", "desk")
    assert "“p1” lies in two strata" in said and "Hộ tịch" in said and "Đất đai" in said


def test_stratum_that_the_frame_does_not_have_is_refused(hailong, folder):
    context = survey(folder, ELEMENTS)
    write(context, frame_csv="unit_code,procedure_field,population\n22243,Hộ tịch,600\n")
    assert "Đất đai" in told(hailong, "weigh", "desk")


def test_margin_that_does_not_add_up_is_refused_with_both_sums(hailong, folder):
    context = survey(folder, ELEMENTS)
    write(context, round_yml=f"{ELEMENTS}weighting: {{margins: [sex]}}\n", margins_csv=MARGINS)
    said = told(hailong, "weigh", "desk")
    assert "margins.csv" in said and "900" in said and "1000" in said


def test_domain_without_cases_is_refused_with_those_that_have_some(hailong, folder):
    survey(folder, ELEMENTS)
    assert hailong("weigh", "desk").code == hailong("estimate", "desk").code == 0
    said = told(hailong, "drivers", "desk", "--unit", "99999")
    assert "99999" in said and "22243" in said
    assert "top2" in told(hailong, "drivers", "desk", "--measure", "top3")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("children: [A1, A2, A3, A4]", "children: [A1, A2, A3, A4, T]", "'T' occurs more than once"),
        ("children: [A1, A2, A3, A4]", "children: [A1, A2, A3, A9]", "'A9' is no item of any form"),
        ("points: {1: 0, 2: 0, 3: 0, 4: 100, 5: 100}", "points: {1: 0, 6: 100}", "gives points to code 6"),
    ],
    ids=["cycle", "unknown item", "code outside the scale"],
)
def test_method_that_does_not_fit_is_refused_with_file_and_remedy(hailong, folder, monkeypatch, old, new, what):
    survey(folder, ELEMENTS)
    own = folder / "methods" / "tthc" / "2017"
    shutil.copytree(PROJECT / "pipelines" / "methods" / "tthc" / "2017", own)
    text = (own / "method.yml").read_text(encoding="utf-8")
    assert old in text
    (own / "method.yml").write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setenv("HAILONG_METHODS", str(folder / "methods"))
    said = told(hailong, "weigh", "desk")
    assert what in said and "method.yml" in said
    assert (folder / tallies("tthc", "desk", "2023-05", "postal")).exists()
