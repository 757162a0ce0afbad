"""Declarations: those of the project are complete, and a wrong one is refused with its file and key."""

import unicodedata
from pathlib import Path

import pytest

from pipelines.model.errors import InputError
from pipelines.warehouse import load_catalogue
from pipelines.warehouse.lineage import inputs, views_in_order

TABLE = """
meaning_vi: Bảng
meaning_en: Table
grain: [code]
partition: [code]
columns:
  - {name: code, type: text, meaning_vi: Mã, meaning_en: Code, public: true}
  - {name: secret, type: text, meaning_vi: Kín, meaning_en: Secret}
"""
VIEW = "meaning_vi: Khung\nmeaning_en: View\ngrain: [code]\npublic_columns_of: mart.a\n"


def declare(project: Path, name: str, table: str, query: str = "") -> Path:
    folder = project / "sql" / name.replace(".", "/")
    folder.mkdir(parents=True)
    (folder / "table.yml").write_text(table, encoding="utf-8")
    if query:
        (folder / "query.sql").write_text(query, encoding="utf-8")
    return project


def test_every_column_of_the_project_is_described_in_both_languages(catalogue):
    described = [text for table in catalogue.values() for c in table.columns for text in (c.meaning_vi, c.meaning_en)]
    assert len(described) > 300 and all(described)
    assert all(table.meaning_vi and table.meaning_en for table in catalogue.values())
    assert all(unicodedata.is_normalized("NFC", text) for text in described)


def test_a_name_has_one_type_wherever_it_occurs(catalogue):
    types: dict[str, set[str]] = {}
    for table in catalogue.values():
        for column in table.columns:
            types.setdefault(column.name, set()).add(column.type)
    assert {name: kinds for name, kinds in types.items() if len(kinds) > 1} == {}


def test_a_name_declared_in_two_tables_belongs_into_the_vocabulary(catalogue):
    meanings: dict[str, set[str]] = {}
    for table in catalogue.values():
        for column in table.columns:
            meanings.setdefault(column.name, set()).add(column.meaning_en)
    assert {name for name, texts in meanings.items() if len(texts) > 1} == set()


def test_no_person_and_no_microdata_is_public(catalogue):
    public = {column.name for table in catalogue.values() for column in table.columns if column.public}
    assert not public & {"person", "frozen_by", "comment", "psu_code", "response_id", "device_id", "payload", "file"}
    assert not {c.name for table in catalogue.values() for c in table.columns} & {"response_id", "payload", "value"}


def test_every_published_table_shows_public_columns_of_released_rows(catalogue):
    published = [table for table in catalogue.values() if table.schema == "published"]
    assert {table.name for table in published} >= {"release", "index_score", "answer_count", "unit", "node"}
    for table in published:
        assert table.query and all(column.public for column in table.columns)
        assert not {"mart.index_score", "mart.answer_count"} & set(inputs(table))


def test_views_come_after_what_they_read(catalogue):
    order = [view.full_name for view in views_in_order(catalogue)]
    assert sorted(order) == [name for name, table in catalogue.items() if table.query]
    for position, name in enumerate(order):
        assert not set(inputs(catalogue[name])) & set(order[position:])


def test_a_declaration_is_read_with_its_inherited_public_columns(tmp_path):
    declare(tmp_path, "mart.a", TABLE)
    declare(tmp_path, "published.b", VIEW, "SELECT code FROM mart.a -- from mart.nothing\n")
    catalogue = load_catalogue(tmp_path)
    assert [column.name for column in catalogue["published.b"].columns] == ["code"]
    assert inputs(catalogue["published.b"]) == ("mart.a",)


def test_a_vocabulary_column_is_named_by_its_name_alone(tmp_path):
    declare(tmp_path, "mart.a", "meaning_vi: B\nmeaning_en: T\ngrain: [code]\ncolumns: [code]\n")
    words = "- {name: code, type: text, meaning_vi: Mã, meaning_en: Code}\n"
    (tmp_path / "sql/vocabulary.yml").write_text(words, encoding="utf-8")
    assert load_catalogue(tmp_path)["mart.a"].columns[0].meaning_vi == "Mã"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("meaning_vi: Mã, ", "", "columns[0] (code): meaning_vi: missing"),
        ("meaning_en: Code", "meaning_en: ' '", "columns[0] (code): meaning_en: missing, empty"),
        ("meaning_en: Table", "", "table.yml: meaning_en: missing"),
        ("type: text", "type: varchar", "type “varchar” is none of text"),
        ("type: text", "type: text, colour: red", "unknown key colour"),
        ("grain: [code]", "grain: [codes]", "grain: column “codes” is not declared"),
        ("grain: [code]", "grain: []", "the grain is missing"),
        ("grain: [code]", "grain: [code, code]", "a column is named twice"),
        ("grain: [code]", "grain: code", "not a list of columns"),
        ("partition: [code]", "partition: [secret]", "partition is not part of the grain"),
        ("grain: [code]", "grain: [code]\ngrain: [secret]", "key “grain” is given twice"),
        ("grain: [code]", "grains: [code]", "unknown key grains"),
        ("name: secret", "name: code", "column declared twice: code"),
        ("name: secret", "name: Secret", "“Secret” is no name for a column"),
        ("name: secret", "name: [x]", "columns[1]: name: missing, empty or not text"),
        ("public: true", "public: sometimes", "public is not true or false"),
        ("public: true", "unit: 1", "unit is not text"),
        ("public: true", "checks: {least: 1}", "unknown key least"),
        ("public: true", "checks: {min: few}", "check “min” has a value of the wrong kind"),
        ("columns:", "columns:\n  - nobody", "column “nobody” is not in sql/vocabulary.yml"),
        ("meaning_vi: Bảng", "meaning_vi: Bảng\npublic_columns_of: mart.z", "table “mart.z” is not declared"),
        ("meaning_vi: Bảng", "meaning_vi: Bảng\npublic_columns_of: mart.a", "takes its columns from this table"),
        ("meaning_vi: Bảng", "meaning_vi: [", "not valid YAML"),
        ("Bảng", unicodedata.normalize("NFD", "Bảng"), "not in Unicode form NFC"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_place(tmp_path, old, new, said):
    assert old in TABLE
    declare(tmp_path, "mart.a", TABLE.replace(old, new, 1))
    with pytest.raises(InputError, match=r"^sql/mart/a/table\.yml") as caught:
        load_catalogue(tmp_path)
    assert said in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM mart.a", "a view is one SELECT"),
        ("SELECT code FROM mart.a; DROP TABLE mart.a", "a view is one SELECT"),
        ("SELECT code FROM mart.missing", "reads mart.missing, not declared"),
        ("SELECT code FROM published.b", "circle"),
    ],
)
def test_a_wrong_query_is_refused_with_its_place(tmp_path, query, said):
    declare(tmp_path, "mart.a", TABLE)
    declare(tmp_path, "published.b", VIEW, query)
    with pytest.raises(InputError, match="sql/") as caught:
        views_in_order(load_catalogue(tmp_path))
    assert said in str(caught.value)


def test_a_private_column_in_the_published_schema_is_refused(tmp_path):
    declare(tmp_path, "published.a", TABLE)
    with pytest.raises(InputError, match="columns that are not public: secret"):
        load_catalogue(tmp_path)


def test_a_partition_on_a_view_is_refused(tmp_path):
    declare(tmp_path, "mart.a", TABLE, "SELECT 1")
    with pytest.raises(InputError, match="a view is not loaded"):
        load_catalogue(tmp_path)


def test_a_vocabulary_column_declared_again_is_refused(tmp_path):
    declare(tmp_path, "mart.a", TABLE)
    words = "- {name: code, type: integer, meaning_vi: Mã, meaning_en: Code}\n"
    (tmp_path / "sql/vocabulary.yml").write_text(words, encoding="utf-8")
    with pytest.raises(InputError, match="“code” is declared in sql/vocabulary"):
        load_catalogue(tmp_path)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = declare(tmp_path, "mart.a", TABLE) / "sql/mart/a/table.yml"
    path.write_bytes(TABLE.encode("utf-16"))
    with pytest.raises(InputError, match="not UTF-8"):
        load_catalogue(tmp_path)


def test_a_folder_without_declarations_is_refused(tmp_path):
    with pytest.raises(InputError, match="no table is declared"):
        load_catalogue(tmp_path)
