"""The page and the workbook show what follows from the scores where a release has it, and nothing that is withheld."""

import dataclasses
import io
import re

import openpyxl
import pyarrow as pa
import pytest
from release import sample

from pipelines.formats import followups, formats
from pipelines.model.publication import Publication, PublishedTable
from pipelines.release.rows import fields_of, schema_of
from pipelines.settings import PROJECT
from pipelines.warehouse import load_catalogue

FORMATS = {one.name: one for one in formats()}
CHANGE = {
    "previous_figure": 80.0, "figure": 84.0, "change": 4.0, "is_significant": True, "rule": "up", "obs_status": "A",
}  # fmt: skip
FACTOR = {"score": 81.25, "importance": 0.5, "potential": 3.456, "importance_method": "lmg", "n": 500}
TARGET = {"goal": "score", "target": 85.0, "actual": 84.0, "owner_vi": "Sở Nội vụ", "owner_en": "Home Affairs"}


def table(catalogue, name: str, *rows: dict) -> PublishedTable:
    released = catalogue[f"mart.released_{name}"]
    columns = tuple(column for column in released.columns if column.name != "release_id")
    declaration = dataclasses.replace(released, schema="published", name=name, columns=columns, partition=())
    schema = schema_of(fields_of(columns))
    full = [dict.fromkeys(schema.names) | {"round_id": "tthc-2026-hung-yen", "obs_status": "A"} | row for row in rows]
    return PublishedTable(declaration, pa.Table.from_pylist(full, schema))


@pytest.fixture(scope="module")
def publication() -> Publication:
    plain, catalogue = sample.publication(), load_catalogue(PROJECT)
    unit, other = plain.overall_unit, "12271"
    change = [
        CHANGE | {"measure": "top2", "unit_code": unit, "node_code": "overall"},
        CHANGE | {"measure": "top2", "unit_code": unit, "node_code": "result", "is_significant": False},
        CHANGE | {"measure": "top2", "unit_code": other, "node_code": "access", "figure": 11.11},
        {"measure": "top2", "unit_code": unit, "node_code": "officials", "obs_status": "S"},
    ]
    driver = [
        FACTOR | {"measure": "top2", "unit_code": unit, "node_code": node, "quadrant": quadrant}
        for node, quadrant in (("access", "overdone"), ("procedure", "concentrate"), ("result", "keep"))
    ]
    plan = [
        TARGET | {"unit_code": unit, "node_code": "overall", "progress": "moving"},
        TARGET | {"unit_code": unit, "node_code": "overall", "goal": "rank", "target": 3.0, "actual": None}
        | {"progress": "unknown"},
    ]  # fmt: skip
    more = {"change": change, "driver": driver, "plan_progress": plan}
    tables = dict(plain.tables) | {name: table(catalogue, name, *rows) for name, rows in more.items()}
    return dataclasses.replace(plain, tables=tables)


def test_the_page_says_what_to_mend_first_what_changed_and_how_far_the_plan_is(publication):
    page = FORMATS["html"].write(publication)["index.html"].decode()
    for shown in ("What to mend first", "Since the round before", "Progress against targets", "Sở Nội vụ", "3,46"):
        assert shown in page
    assert page.index("Mend first") < page.index("Keep up") < page.index("Enough for now")
    assert "Beyond sampling error" in page and "Within sampling error" in page
    assert "11,11" not in page  # of a unit that does not stand for the round
    for one in page.split('<table class="followups"')[1:]:
        head, body = one.split("</table>")[0].split("</thead>")
        columns = len(re.findall(r'<th scope="col"', head))
        assert all(len(re.findall(r"<t[hd] ", row)) == columns for row in body.split("<tr")[1:])


def test_rows_that_are_withheld_or_have_no_change_are_not_among_them(publication):
    nodes = [row.node[1] for row in followups.changes(publication, "top2")]
    assert len(nodes) == 2 and not any("fficials" in node for node in nodes)


def test_a_goal_in_ranks_is_a_whole_number_and_a_missing_result_is_none(publication):
    score, rank = followups.progress(publication)
    assert (
        score.cells[1] == ("điểm từ 85,00", "score of at least 85.00") and score.verdict[1] == "Not reached, but better"
    )
    assert rank.cells[1:] == (("hạng không quá 3", "rank of at worst 3"), ("–", "–"))


def test_the_tables_are_sheets_and_files_like_all_others(publication):
    workbook = openpyxl.load_workbook(io.BytesIO(FORMATS["xlsx"].write(publication)["results.xlsx"]))
    assert {"change", "driver", "plan_progress"} <= set(workbook.sheetnames)
    assert {"change.csv", "driver.csv"} <= FORMATS["csv"].write(publication).keys()


def test_a_release_without_them_has_no_such_section():
    page = FORMATS["html"].write(sample.publication())["index.html"].decode()
    assert "What to mend first" not in page and "followups" not in page.split("<main>")[1]
