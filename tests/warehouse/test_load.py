"""Loading and reading back, on DuckDB and on a real PostgreSQL: same rows, all or nothing, twice changes nothing."""

import datetime as dt

import pyarrow as pa
import pytest
import sqlalchemy as sa
from declared_rows import TEXTS, sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.model.errors import InputError
from pipelines.warehouse import Load, open_engine, query, read, replace


def load_of(catalogue, name, value="x", count=10):
    table = catalogue[name]
    key = dict.fromkeys(table.partition, value)
    return Load(name, key, sample(table, key, count))


def by_grain(load, catalogue):
    return load.rows.sort_by([(name, "ascending") for name in catalogue[load.table].grain])


def test_every_table_gives_back_what_was_loaded_and_twice_changes_nothing(warehouse, catalogue):
    names = [name for name, table in catalogue.items() if not table.query]
    loads = [load_of(catalogue, name, count=10 if len(catalogue[name].grain) > 2 else 1) for name in names]
    for _ in range(2):
        replace(warehouse, catalogue, loads)
    for load in loads:
        assert read(warehouse, catalogue[load.table]).equals(by_grain(load, catalogue)), load.table


def test_a_load_replaces_its_partition_and_no_other(warehouse, catalogue):
    table = catalogue["mart.response_quality"]
    old, other = load_of(catalogue, table.full_name, "a"), load_of(catalogue, table.full_name, "b")
    replace(warehouse, catalogue, [old, other])
    new = Load(table.full_name, {"round_id": "a"}, old.rows.slice(3, 2))
    replace(warehouse, catalogue, [new])
    assert read(warehouse, table, {"round_id": "a"}).equals(by_grain(new, catalogue))
    assert read(warehouse, table, {"round_id": "b"}).equals(by_grain(other, catalogue))
    replace(warehouse, catalogue, [Load(table.full_name, {"round_id": "b"}, other.rows.slice(0, 0))])
    assert set(read(warehouse, table)["round_id"].to_pylist()) == {"a"}
    replace(warehouse, catalogue, [Load(table.full_name, {"round_id": "a"}, pa.table({}))])
    assert read(warehouse, table).num_rows == 0


def test_a_table_without_partition_is_replaced_as_a_whole(warehouse, catalogue):
    first = load_of(catalogue, "ref.unit")
    replace(warehouse, catalogue, [first])
    replace(warehouse, catalogue, [Load("ref.unit", {}, first.rows.slice(4))])
    assert read(warehouse, catalogue["ref.unit"]).num_rows == 6


def test_a_failure_in_the_second_load_leaves_the_first_table_as_it_was(warehouse, catalogue):
    before = load_of(catalogue, "mart.answer_count", count=4)
    replace(warehouse, catalogue, [before])
    with warehouse.begin() as connection:
        connection.exec_driver_sql("DROP VIEW published.index_score")
        connection.exec_driver_sql("DROP TABLE mart.released_score")
    loads = [load_of(catalogue, "mart.answer_count"), load_of(catalogue, "mart.released_score")]
    with pytest.raises(sa.exc.DBAPIError, match="released_score"):
        replace(warehouse, catalogue, loads)
    assert read(warehouse, catalogue["mart.answer_count"]).equals(by_grain(before, catalogue))


def test_rows_may_come_with_columns_in_any_order_and_narrower_types(warehouse, catalogue):
    rows = pa.table(
        {
            "answers": pa.array([3], pa.int16()),
            "population": pa.array([None], pa.null()),
            "procedure_field": pa.array(["Đất đai"], pa.large_string()),
            "procedure_code": ["1.001"],
            "unit_code": ["00004"],
            "round_id": ["r"],
        }
    )
    replace(warehouse, catalogue, [Load("mart.procedure_coverage", {"round_id": "r"}, rows)])
    expected = {
        "round_id": "r",
        "unit_code": "00004",
        "procedure_code": "1.001",
        "procedure_field": "Đất đai",
        "population": None,
        "answers": 3,
    }
    assert read(warehouse, catalogue["mart.procedure_coverage"]).to_pylist() == [expected]


@given(st.lists(st.tuples(st.text(), st.floats(allow_nan=False, allow_infinity=False)), max_size=50))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_and_any_number_come_back_bit_by_bit(warehouse, catalogue, pairs):
    pairs = [(text.replace("\0", ""), number) for text, number in pairs if text.isprintable() or text < "\ud800"]
    table = catalogue["ops.run"]
    rows = [
        {"round_id": "r", "stage": "s", "partition_key": str(place), "rows_in": 0, "accepted": 0, "duplicate": 0}
        | {"rejected": 0, "seconds": number, "finished_at": None, "messages": text}
        for place, (text, number) in enumerate(pairs)
    ]
    schema = read(warehouse, table).schema
    replace(warehouse, catalogue, [Load("ops.run", {"round_id": "r"}, pa.Table.from_pylist(rows, schema))])
    back = {row["partition_key"]: row for row in read(warehouse, table).to_pylist()}
    assert [back[str(place)]["messages"] for place in range(len(pairs))] == [text for text, _ in pairs]
    assert [back[str(place)]["seconds"].hex() for place in range(len(pairs))] == [n.hex() for _, n in pairs]


def test_a_key_may_hold_a_null_where_the_declaration_says_so(warehouse, catalogue):
    rows = sample(catalogue["ops.reject"], {"round_id": "r"}, 4)
    assert rows["line"].null_count == 1
    replace(warehouse, catalogue, [Load("ops.reject", {"round_id": "r"}, rows)])
    assert read(warehouse, catalogue["ops.reject"])["line"].null_count == 1
    with pytest.raises(InputError, match="1 keys are there more than once"):
        replace(
            warehouse, catalogue, [Load("ops.reject", {"round_id": "r"}, pa.concat_tables([rows, rows.slice(2, 1)]))]
        )


def test_null_and_empty_text_stay_apart(warehouse, catalogue):
    rows = sample(catalogue["ops.batch"], {"round_id": "r"}, 2)
    rows = rows.set_column(rows.column_names.index("name"), "name", pa.array([None, ""], pa.string()))
    replace(warehouse, catalogue, [Load("ops.batch", {"round_id": "r"}, rows)])
    assert sorted(read(warehouse, catalogue["ops.batch"])["name"].to_pylist(), key=str) == ["", None]


def test_times_keep_their_moment_and_come_back_in_utc(warehouse, catalogue):
    hanoi = dt.timezone(dt.timedelta(hours=7))
    rows = sample(catalogue["ops.batch"], {"round_id": "r"}, 1)
    moment = pa.array([dt.datetime(2026, 1, 1, 3, tzinfo=hanoi)], pa.timestamp("ms", tz="+07:00"))
    rows = rows.set_column(rows.column_names.index("landed_at"), "landed_at", moment)
    replace(warehouse, catalogue, [Load("ops.batch", {"round_id": "r"}, rows)])
    back = read(warehouse, catalogue["ops.batch"])["landed_at"]
    assert back.type == pa.timestamp("us", tz="UTC")
    assert back.to_pylist() == [dt.datetime(2025, 12, 31, 20, tzinfo=dt.UTC)]
    day = query(warehouse, "SELECT CAST(landed_at AS DATE) AS day FROM ops.batch")
    assert day["day"].to_pylist() == [dt.date(2025, 12, 31)], "the session's zone is not UTC"


def test_rows_are_sorted_by_bytes_on_either_engine(warehouse, catalogue):
    rows = sample(catalogue["ref.programme"], {}, len(TEXTS))
    loads = [Load("ref.programme", {"programme": row["programme"]}, pa.Table.from_pylist([row], rows.schema))
             for row in rows.to_pylist()]  # fmt: skip
    replace(warehouse, catalogue, loads)
    assert read(warehouse, catalogue["ref.programme"])["programme"].to_pylist() == sorted(TEXTS)


def wrong(name, values, kind=None):
    def change(rows):
        return rows.set_column(rows.column_names.index(name), name, pa.array(values, kind))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.drop_columns(["se", "n"]), "missing columns: n, se"),
        (lambda rows: rows.append_column("score", rows["se"]), "columns not declared: score"),
        (lambda rows: rows.append_column("se", rows["se"]), "columns given twice: se"),
        (wrong("n", ["3", "4"]), "n is string, declared integer"),
        (wrong("share", ["3", "4"]), "share is string, declared double"),
        (wrong("n", [3.0, 4.0]), "n is double, declared integer"),
        (wrong("category", [1, 2]), "category is int64, declared text"),
        (wrong("se", [1, 2**53 + 1]), "se would lose something as double"),
        (wrong("share", [1.0, float("nan")]), "share holds NaN or infinity"),
        (wrong("share", [1.0, float("-inf")]), "share holds NaN or infinity"),
        (wrong("category", ["a", "b\0"]), "category holds the character NUL"),
        (wrong("category", ["a", None]), "category is null in 1 rows"),
        (wrong("round_id", ["x", "y"]), "round_id is x, y, the key says x"),
        (lambda rows: pa.concat_tables([rows, rows]), "2 keys are there more than once, the first: {'round_id': 'x'"),
    ],
)
def test_rows_that_do_not_fit_are_refused_before_the_warehouse_is_opened(catalogue, tmp_path, change, said):
    engine = open_engine(f"duckdb:///{tmp_path}/w.duckdb")
    rows = change(sample(catalogue["mart.answer_count"], {"round_id": "x"}, 2))
    with pytest.raises(InputError) as caught:
        replace(engine, catalogue, [Load("mart.answer_count", {"round_id": "x"}, rows)])
    assert said in caught.value.what and caught.value.where == "mart.answer_count" and caught.value.remedy
    assert not (tmp_path / "w.duckdb").exists()


def test_all_that_is_wrong_is_said_at_once(catalogue, duckdb):
    rows = sample(catalogue["mart.answer_count"], {"round_id": "x"}, 2)
    for change in (wrong("n", ["a", "b"]), wrong("se", ["a", "b"])):
        rows = change(rows)
    with pytest.raises(InputError, match="n is string, declared integer; se is string, declared double"):
        replace(duckdb, catalogue, [Load("mart.answer_count", {"round_id": "x"}, rows)])


@pytest.mark.parametrize(
    ("table", "key", "said"),
    [
        ("mart.nothing", {}, "mart.nothing: the table is not declared"),
        ("published.unit", {}, "a view cannot be loaded"),
        ("mart.answer_count", {}, "the key names nothing, the partition is round_id"),
        ("mart.answer_count", {"unit_code": "1"}, "the key names unit_code, the partition is round_id"),
    ],
)
def test_a_load_of_the_wrong_table_or_key_is_refused(catalogue, duckdb, table, key, said):
    rows = sample(catalogue["mart.answer_count"], {"round_id": "x"}, 2)
    with pytest.raises(InputError, match=said):
        replace(duckdb, catalogue, [Load(table, key, rows)])


def test_two_loads_of_one_partition_are_refused(catalogue, duckdb):
    load = load_of(catalogue, "mart.answer_count")
    with pytest.raises(InputError, match="two loads replace the same partition"):
        replace(duckdb, catalogue, [load, load])


def test_reading_by_an_unknown_column_is_refused(warehouse, catalogue):
    with pytest.raises(InputError, match="no column colour"):
        read(warehouse, catalogue["ref.unit"], {"colour": "red"})


def test_a_query_gives_the_same_types_and_values_from_both_engines(duckdb, postgresql, catalogue):
    text = """SELECT COUNT(*) AS many, SUM(n) AS total, AVG(share) AS mean, MAX(category) AS name,
                     CAST(NULL AS DATE) AS day, COUNT(*) > 1 AS several
              FROM mart.answer_count WHERE round_id = :round AND n > :least"""
    for params in ({"round": "x", "least": 2}, {"round": "nobody's", "least": 0}):
        tables = []
        for engine in (duckdb, postgresql):
            replace(engine, catalogue, [load_of(catalogue, "mart.answer_count", count=8)])
            tables.append(query(engine, text, params))
        assert tables[0].equals(tables[1])
        assert tables[0].schema.field("total").type == pa.float64()
