"""Tables and views as declared, on DuckDB and on a real PostgreSQL."""

from dataclasses import replace as changed

import pytest
import sqlalchemy as sa
from declared_rows import sample

from pipelines.model.errors import InputError
from pipelines.model.table import Column
from pipelines.warehouse import Load, create_all, open_engine, query, read, replace
from pipelines.warehouse.schema import comment

ARROW = {
    "text": "string",
    "integer": "int64",
    "double": "double",
    "boolean": "bool",
    "date": "date32[day]",
    "timestamp": "timestamp[us, tz=UTC]",
}
EXTRA = Column("added_later", "integer", "Thêm sau", "Added later", public=True)


def with_table(catalogue, name, **changes):
    return catalogue | {name: changed(catalogue[name], **changes)}


def test_creating_twice_keeps_the_rows(warehouse, catalogue):
    rows = sample(catalogue["ref.round"], {"round_id": "tthc-2026"}, 1)
    replace(warehouse, catalogue, [Load("ref.round", {"round_id": "tthc-2026"}, rows)])
    create_all(warehouse, catalogue)
    assert read(warehouse, catalogue["ref.round"]).equals(rows)


def test_every_column_can_be_written_without_quotes(warehouse, catalogue):
    with warehouse.connect() as connection:
        for table in catalogue.values():
            names = ", ".join(column.name for column in table.columns)
            assert connection.exec_driver_sql(f"SELECT {names} FROM {table.full_name}").fetchall() == []


@pytest.mark.parametrize("name", ["published.index_score", "published.release", "ref.round"])
def test_what_is_read_has_the_declared_types_even_without_rows(warehouse, catalogue, name):
    read_back = read(warehouse, catalogue[name])
    assert [str(field.type) for field in read_back.schema] == [ARROW[c.type] for c in catalogue[name].columns]
    direct = query(warehouse, f"SELECT * FROM {name}")
    assert {field.name: field.type for field in direct.schema} == {f.name: f.type for f in read_back.schema}


def test_a_declared_column_that_the_warehouse_lacks_is_named(warehouse, catalogue):
    columns = (*catalogue["mart.answer_count"].columns, EXTRA)
    with pytest.raises(InputError, match="missing: added_later") as caught:
        create_all(warehouse, with_table(catalogue, "mart.answer_count", columns=columns))
    assert "mart.answer_count" in caught.value.where and "drop the table" in caught.value.remedy


def test_a_column_of_the_warehouse_that_is_not_declared_is_named(warehouse, catalogue):
    with pytest.raises(InputError, match="not declared: se"):
        create_all(
            warehouse,
            with_table(catalogue, "mart.answer_count", columns=catalogue["mart.answer_count"].columns[:-1]),
        )


def test_a_column_of_another_type_is_named(warehouse, catalogue):
    first, *rest = catalogue["ref.programme"].columns
    with pytest.raises(InputError, match=r"other type: title_vi is (varchar|text), declared integer"):
        create_all(
            warehouse,
            with_table(catalogue, "ref.programme", columns=(first, changed(rest[0], type="integer"), *rest[1:])),
        )


def test_a_view_whose_query_gives_other_columns_is_named_and_nothing_is_created(url, catalogue):
    engine = open_engine(url)
    view = catalogue["published.unit"]
    wrong = catalogue | {"published.unit": changed(view, query=view.query.replace("unit.*", "unit.round_id"))}
    with pytest.raises(InputError, match="missing: unit_code"):
        create_all(engine, wrong)
    assert query(engine, "SELECT * FROM information_schema.tables WHERE table_schema = 'published'").num_rows == 0


def test_a_view_may_get_other_columns(warehouse, catalogue):
    view = catalogue["published.unit"]
    columns = tuple(column for column in view.columns if column.name != "name_en")
    text = "SELECT unit.round_id, unit.unit_code, unit.unit_level, unit.name_vi, unit.parent_unit_code"
    narrower = changed(view, columns=columns, query=view.query.replace("SELECT unit.*", text))
    create_all(warehouse, catalogue | {"published.unit": narrower})
    assert read(warehouse, narrower).column_names == [column.name for column in columns]
    create_all(warehouse, catalogue)
    assert "name_en" in read(warehouse, view).column_names


@pytest.mark.parametrize("place", ["ref.programme (programme)", "ref.unit (unit_level, unit_code, valid_from)"])
def test_a_row_twice_by_its_grain_is_refused_by_postgresql_itself(postgresql, place):
    values = ", ".join(["'a'"] * place.count(",") + ["'2026-01-01'"])
    insert = f"INSERT INTO {place} VALUES ({values})"
    with postgresql.begin() as connection:
        connection.exec_driver_sql(insert)
    with pytest.raises(sa.exc.IntegrityError, match="duplicate key"), postgresql.begin() as connection:
        connection.exec_driver_sql(insert)


def test_duckdb_has_no_index_that_would_slow_down_the_replacing_of_partitions(duckdb):
    kinds = query(duckdb, "SELECT constraint_type AS kind FROM duckdb_constraints()")["kind"].to_pylist()
    assert set(kinds) == {"NOT NULL"}


def test_comments_of_postgresql_are_the_meanings_and_follow_them(postgresql, catalogue):
    text = "SELECT obj_description('published.index_score'::regclass) AS c, col_description(:t ::regclass, 1) AS d"
    said = query(postgresql, text, {"t": "mart.index_score"}).to_pylist()[0]
    first = catalogue["mart.index_score"].columns[0]
    assert said == {"c": comment(catalogue["published.index_score"]), "d": comment(first)}
    later = changed(first, meaning_vi="Mã 'đợt' 100%")
    create_all(
        postgresql,
        with_table(catalogue, "mart.index_score", columns=(later, *catalogue["mart.index_score"].columns[1:])),
    )
    assert query(postgresql, text, {"t": "mart.index_score"})["d"].to_pylist() == [comment(later)]


def test_views_of_postgresql_show_a_role_only_what_it_may_read_below_them(postgresql):
    with postgresql.begin() as connection:
        for statement in (
            "DROP ROLE IF EXISTS hailong_test_reader",
            "CREATE ROLE hailong_test_reader",
            "GRANT USAGE ON SCHEMA published TO hailong_test_reader",
            "GRANT SELECT ON ALL TABLES IN SCHEMA published TO hailong_test_reader",
        ):
            connection.exec_driver_sql(statement)
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), postgresql.begin() as connection:
        connection.exec_driver_sql("SET LOCAL ROLE hailong_test_reader")
        connection.exec_driver_sql("SELECT * FROM published.index_score")
