"""Every format keeps the same promises: the rows come back, nothing private leaves, the same bytes each time."""

import csv
import dataclasses
import io
import json
import re
import zipfile
from html.parser import HTMLParser

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from release import sample

from pipelines.formats import formats
from pipelines.formats.chart import axis_for
from pipelines.formats.grouping import QUARTILES, grouping_of
from pipelines.formats.numbers import round_half_up, show, show_count, show_interval
from pipelines.formats.results import Score
from pipelines.methods import load_method
from pipelines.model.method import Rule, Status
from pipelines.model.publication import PublishedTable
from pipelines.release.rows import fields_of, read_csv, row_sha256

FORMATS = {one.name: one for one in formats()}
HOSTILE = (
    "=1+1",
    "+84",
    "-5",
    "@SUM(A1)",
    "\tx",
    "'=quoted",
    "＝1",
    "<script>alert(1)</script>",
    'a"b,c\nd',
    "",
    "Hòa",
)


@pytest.fixture(scope="module")
def publication():
    return sample.publication(with_private=True)


@pytest.fixture(scope="module")
def files(publication):
    return {name: content for one in FORMATS.values() for name, content in one.write(publication).items()}


@pytest.fixture(scope="module")
def page(files):
    return files["index.html"].decode()


def expected(publication, name):
    table = publication.tables[name]
    return table.rows.select([column.name for column in table.declaration.columns if column.public])


def with_texts(publication):
    """The publication with hostile texts where free text may stand."""
    table = publication.tables["answer_count"]
    index = table.rows.schema.get_field_index("category")
    texts = [HOSTILE[row % len(HOSTILE)] for row in range(table.rows.num_rows)]
    rows = table.rows.set_column(index, "category", pa.array(texts))
    return dataclasses.replace(publication, tables={"answer_count": PublishedTable(table.declaration, rows)})


def test_the_six_formats_are_found():
    assert set(FORMATS) == {"csv", "dictionary", "duckdb", "html", "parquet", "xlsx"}
    assert all({"vi", "en"} <= one.titles.keys() for one in FORMATS.values())


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_private_column_is_in_any_file(publication, name):
    for file, content in FORMATS[name].write(publication).items():
        texts = [content]
        if file.endswith(".xlsx"):
            archive = zipfile.ZipFile(io.BytesIO(content))
            texts = [archive.read(part) for part in archive.namelist()]
        for text in texts:
            assert b"PRIVATE-BATCH" not in text, file
            assert b"batch_id" not in text, file


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"duckdb"}))  # DuckDB gives each file a random identifier
def test_the_same_publication_gives_the_same_bytes(publication, name):
    assert FORMATS[name].write(publication) == FORMATS[name].write(sample.publication(with_private=True))


@pytest.mark.parametrize("table", ["index_score", "answer_count"])
def test_parquet_gives_the_rows_back_with_their_meanings(publication, files, table):
    rows = pq.read_table(io.BytesIO(files[f"{table}.parquet"]))
    assert rows.equals(expected(publication, table))
    assert rows.schema.field("unit_code").metadata[b"meaning_vi"].decode() == "Mã đơn vị"


@pytest.mark.parametrize("table", ["index_score", "answer_count"])
def test_csv_gives_the_rows_back_exactly(publication, files, table):
    fields = fields_of(publication.tables[table].declaration.columns)
    rows = read_csv(files[f"{table}.csv"], fields)
    assert rows.equals(expected(publication, table))
    assert row_sha256(rows, fields) == row_sha256(expected(publication, table), fields)


@pytest.mark.parametrize("table", ["index_score", "answer_count"])
def test_duckdb_gives_the_rows_back_with_comments(publication, files, table, tmp_path):
    path = tmp_path / "release.duckdb"
    path.write_bytes(files["release.duckdb"])
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.sql(f"SELECT * FROM {table}").to_arrow_table()
        assert rows.to_pylist() == expected(publication, table).to_pylist()
        query = "SELECT comment FROM duckdb_columns() WHERE table_name = ? AND column_name = 'unit_code'"
        assert connection.execute(query, [table]).fetchall() == [("Mã đơn vị | Code of the unit",)]
        assert connection.execute("SELECT release_id FROM release").fetchall() == [(publication.release_id,)]
        columns = sum(expected(publication, name).num_columns for name in publication.tables)
        assert connection.execute("SELECT count(*) FROM dictionary").fetchone() == (columns,)
        (tags,) = connection.execute("SELECT tags FROM duckdb_databases() WHERE path IS NOT NULL").fetchone()
        assert "v1.5" in str(tags)


@pytest.mark.parametrize("table", ["index_score", "answer_count"])
def test_xlsx_gives_the_rows_back_to_sixteen_digits(publication, files, table):
    workbook = openpyxl.load_workbook(io.BytesIO(files["results.xlsx"]))
    heading, *rows = workbook[table].iter_rows(values_only=True)
    wanted = expected(publication, table)
    assert list(heading) == wanted.column_names
    assert len(rows) == wanted.num_rows
    for found, row in zip(rows, wanted.to_pylist(), strict=True):
        for value, original in zip(found, row.values(), strict=True):
            if isinstance(original, float):
                assert value == pytest.approx(original, rel=1e-15)
            else:
                assert (value or "") == (original or "") if not isinstance(original, int) else value == original


def test_no_text_becomes_a_formula_in_csv_and_it_reads_back_as_it_was(publication):
    hostile = with_texts(publication)
    content = FORMATS["csv"].write(hostile)["answer_count.csv"]
    for row in csv.reader(io.StringIO(content.decode(), newline="")):
        assert not row[4].startswith(("=", "+", "-", "@", "\t", "\r", "＝"))
    fields = fields_of(hostile.tables["answer_count"].declaration.columns)
    assert read_csv(content, fields).equals(hostile.tables["answer_count"].rows)


def test_no_text_becomes_a_formula_or_a_link_in_xlsx(publication):
    content = FORMATS["xlsx"].write(with_texts(publication))["results.xlsx"]
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in workbook for row in sheet.iter_rows() for cell in row]
    assert {cell.value for cell in cells} >= set(HOSTILE) - {""}
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]


def test_a_text_too_long_for_a_cell_is_refused_and_not_cut(publication):
    notes = (("x" * 40_000, "too long"),)
    with pytest.raises(Exception, match="does not fit into a cell"):
        FORMATS["xlsx"].write(dataclasses.replace(publication, notes=notes))


def test_the_dictionary_explains_every_published_column(publication, files):
    rows = list(csv.DictReader(io.StringIO(files["dictionary.csv"].decode())))
    tables = json.loads(files["dictionary.json"])["tables"]
    for name in publication.tables:
        names = expected(publication, name).column_names
        assert [row["column"] for row in rows if row["table"] == name] == names
        assert [c["column"] for table in tables if table["table"] == name for c in table["columns"]] == names
    assert all(row["meaning_vi"] and row["meaning_en"] for row in rows)


def test_a_publication_without_scores_has_tables_and_no_page(publication):
    counts_only = dataclasses.replace(publication, tables={"answer_count": publication.tables["answer_count"]})
    assert FORMATS["html"].write(counts_only) == {}
    assert set(FORMATS["csv"].write(counts_only)) == {"answer_count.csv"}
    workbook = openpyxl.load_workbook(io.BytesIO(FORMATS["xlsx"].write(counts_only)["results.xlsx"]))
    assert workbook.sheetnames == ["answer_count", "Giải thích"]


def test_the_sheet_to_print_shows_the_round_first_and_withholds_what_is_suppressed(files):
    workbook = openpyxl.load_workbook(io.BytesIO(files["results.xlsx"]))
    sheet = workbook["Kết quả"]
    rows = {row[1]: row for row in sheet.iter_rows(values_only=True)}
    order = [name for name in rows if name in {vi for vi, _ in sample.UNITS.values()}]
    assert order[0] == "Tỉnh Hưng Yên"
    assert len(order) == len(sample.UNITS)
    assert rows["Xã Quang Hưng"][2:7] == ("–", "–", "–", 12, "Không công bố")
    assert rows["Xã Đức Hợp"][6] == "Không có trả lời"
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.page_setup.paperSize == 9
    assert sheet.freeze_panes is not None
    scores = [cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, float)]
    assert all("0.00" in cell.number_format for cell in scores)


VOID = {"meta", "input", "br", "hr", "img", "link", "circle", "line"}


class Page(HTMLParser):
    """Reads a page; refuses tags that do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes), tuple(self.open)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, text):
        self.texts.append(text)


def test_the_page_parses_and_is_marked_up_for_readers(page):
    tags = Page(page).tags
    assert ("html", {"lang": "vi"}, ()) in tags
    assert [tag for tag, *_ in tags].count("h1") == 1
    tables = page.split("<table")[1:]
    assert len(tables) == 4
    for table in tables:
        head, body = table.split("</thead>")
        columns = len(re.findall(r'<th scope="col"', head))
        assert columns >= 6
        for row in body.split("</table>")[0].split("<tr")[1:]:
            assert len(re.findall(r"<t[hd] ", row)) == columns
            assert len(re.findall(r'<th scope="row"', row)) == 1
    assert all(attributes.get("aria-hidden") == "true" for tag, attributes, _ in tags if tag == "svg")
    ids = [attributes["id"] for _, attributes, _ in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["aria-labelledby"] for _, a, _ in tags if "aria-labelledby" in a} <= set(ids)


def test_the_page_needs_nothing_from_elsewhere(page):
    assert not re.search(r"(https?:)?//|<script|<link|@import|url\(", page)


def test_the_page_says_everything_in_both_languages(page):
    tags = Page(page).tags
    inside = [(tag, attributes["lang"]) for tag, attributes, _ in tags if tag == "span" and "lang" in attributes]
    assert inside.count(("span", "vi")) == inside.count(("span", "en")) > 100


def test_the_page_shows_scores_half_up_in_each_language_and_never_a_withheld_one(publication, page):
    rows = [row for row in publication.tables["index_score"].rows.to_pylist() if row["measure"] == "top2"]
    overall = [row for row in rows if row["node_code"] == "overall" and not row["breakdown"]]
    for row in overall:
        if row["score"] is not None:
            assert show(row["score"], "vi") in page
            assert show(row["score"], "en") in page
            assert show_interval(row["ci_low"], row["ci_high"], "vi") in page
    withheld = page.split("Xã Quang Hưng")[1].split("</tr>")[0]
    assert "Không công bố" in withheld
    assert '<circle class="dot' not in withheld
    assert not re.search(r"\d,\d\d", withheld)


def test_the_page_warns_of_self_selection_and_shows_few_cases_in_parentheses(publication, page):
    assert "Respondents chose to take part" in page
    nghia_tru = next(
        row
        for row in publication.tables["index_score"].rows.to_pylist()
        if (row["unit_code"], row["node_code"], row["measure"]) == ("12466", "overall", "top2")
    )
    assert f">{show(nghia_tru['score'], 'vi')}<" in page.split("Xã Nghĩa Trụ")[1].split("</tr>")[0]
    assert re.search(r"\(<span lang=\"vi\">" + show(nghia_tru["score"], "vi"), page)


def test_texts_of_a_publication_cannot_break_the_page(publication):
    names = dict(publication.unit_names) | {"12271": ("<script>alert(1)</script>", '"><img src=x>')}
    page = FORMATS["html"].write(dataclasses.replace(publication, unit_names=names))["index.html"].decode()
    Page(page)
    assert "<script" not in page
    assert "<img" not in page


def test_a_round_without_an_overall_unit_lists_its_units(publication):
    page = FORMATS["html"].write(dataclasses.replace(publication, overall_unit=""))["index.html"].decode()
    Page(page)
    assert "units with a score" in page
    assert "Tỉnh Hưng Yên" in page


def test_groups_are_classes_where_the_method_has_them_and_quartiles_elsewhere(publication):
    assert grouping_of(publication) is QUARTILES and QUARTILES.show(1) == "1"
    found = grouping_of(dataclasses.replace(publication, method=load_method("one_stop", "2018")))
    assert found.heading == ("Xếp loại", "Class") and found.show(2) == "tốt" and found.show(None) == "–"
    assert "xuất sắc ≥ 15; tốt ≥ 12" in found.meaning[0] and "not known, chosen here" in found.meaning[1]


def test_decimals_are_those_of_the_method_on_the_page_and_in_the_workbook(publication):
    rules = dict(publication.method.rules)
    rules["rounding"] = Rule("rounding", {"decimals": 1, "mode": "half_up"}, Status.LOCAL)
    coarse = dataclasses.replace(publication, method=dataclasses.replace(publication.method, rules=rules))
    main = FORMATS["html"].write(coarse)["index.html"].decode().split("<main>")[1].split("points")[0]
    shown = re.sub(r"<svg.*?</svg>", "", main)
    assert re.search(r">\d\d,\d<", shown) and not re.search(r"\d,\d\d[<)]", shown)
    workbook = openpyxl.load_workbook(io.BytesIO(FORMATS["xlsx"].write(coarse)["results.xlsx"]))
    shown = {cell.number_format for row in workbook["Kết quả"].iter_rows() for cell in row if cell.data_type == "n"}
    assert "[$-42A]0.0" in shown and "[$-42A]0.00" not in shown


@pytest.mark.parametrize(
    ("value", "places", "vi", "en"),
    [
        (83.945, 2, "83,95", "83.95"),  # half up, where binary rounding gives 83.94
        (2.675, 2, "2,68", "2.68"),
        (-2.675, 2, "−2,68", "−2.68"),
        (-0.001, 2, "0,00", "0.00"),
        (1234567.5, 0, "1.234.568", "1,234,568"),
        (1e-9, 2, "0,00", "0.00"),
        (1e22, 0, "10.000.000.000.000.000.000.000", "10,000,000,000,000,000,000,000"),
        (None, 2, "–", "–"),
    ],
)
def test_numbers_are_rounded_half_up_and_written_by_language(value, places, vi, en):
    assert show(value, "vi", places) == vi
    assert show(value, "en", places) == en


def test_counts_and_intervals():
    assert show_count(10450, "vi") == "10.450"
    assert show_interval(81.005, 85, "vi") == "81,01 – 85,00"
    assert show_interval(None, 85, "vi") == "–"
    assert str(round_half_up(0.5, 0)) == "1"


@pytest.mark.parametrize("ends", [(82.1, 84.9), (0, 100), (70.0, 70.0), (4.2, 6.9), (-3.5, 12), (99.7, 100)])
def test_an_axis_holds_its_scores_between_few_round_numbers(ends):
    axis = axis_for([Score(score=ends[0]), Score(score=ends[1])])
    assert axis.low <= min(ends)
    assert max(ends) <= axis.high
    assert 2 <= len(axis.ticks) <= 7
    assert axis.position(axis.low) == "0.00%"


def test_an_axis_without_scores_is_the_whole_scale():
    assert axis_for([Score()]).ticks == (0, 20, 40, 60, 80, 100)
