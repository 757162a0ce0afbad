"""Reading rounds: a good folder, and what each mistake in one is told."""

from datetime import date

import pyarrow as pa
import pytest

from pipelines.lake import Lake
from pipelines.model.errors import InputError
from pipelines.model.round import Design, Rollup
from pipelines.rounds import list_rounds, load_frame, load_plan, load_round, load_units

ID = "tthc-2023-hoa-thanh"
FOLDER = f"rounds/{ID}"
ROUND = """
id: tthc-2023-hoa-thanh
programme: tthc
method: "2017"
year: 2023
title: {vi: Khảo sát năm 2023, en: Survey of 2023}
window: {from: 2023-02-15, to: 2023-10-31}
unit_level: commune
rollup: pooled
design: {strata: [procedure_field], psu: "", finite_population: true}
sources:
  - {source: kiosk, instance: desk, channel: kiosk, self_selected: true, options: {inbox: inbox/kiosk}}
  - {source: postal, instance: post office, channel: paper_post, self_selected: false}
settings: {reliability: {min_n: 25}}
"""
SOURCES = ROUND[ROUND.index("sources:") : ROUND.index("settings:")]
UNITS = """unit_code,name_vi,name_en,level,parent_code
22243,Xã Hòa Thành,Hoa Thanh commune,commune,
P01,"Phòng Tư pháp, hộ tịch",,agency,22243
"""
FRAME = """unit_code,procedure_code,procedure_name_vi,procedure_field,population
22243,1.000110,Đăng ký khai sinh,Hộ tịch,10450
22243,1.000111,Chứng thực,Chứng thực,
"""
PLAN = """unit_code,procedure_field,channel,planned
22243,Hộ tịch,kiosk,300
22243,Hộ tịch,paper_post,200
"""


@pytest.fixture
def lake(lake: Lake) -> Lake:
    """A lake with one good round."""
    for name, text in {"round.yml": ROUND, "units.csv": UNITS, "frame.csv": FRAME, "plan.csv": PLAN}.items():
        lake.write_bytes(f"{FOLDER}/{name}", text.encode())
    return lake


def put(lake: Lake, name: str, text: str) -> None:
    lake.write_bytes(f"{FOLDER}/{name}", text.encode())


def complaint(lake: Lake, read: object = None) -> InputError:
    with pytest.raises(InputError) as caught:
        survey = load_round(lake, ID)
        if callable(read):
            read(lake, survey)
    assert caught.value.remedy
    return caught.value


def test_a_round_is_read_from_its_folder(lake: Lake):
    survey = load_round(lake, ID)
    assert (survey.id, survey.programme, survey.method_version, survey.year) == (ID, "tthc", "2017", 2023)
    assert (survey.window_from, survey.window_to) == (date(2023, 2, 15), date(2023, 10, 31))
    assert survey.design == Design(("procedure_field",), "", True)
    assert (survey.title_vi, survey.unit_level, survey.folder) == ("Khảo sát năm 2023", "commune", FOLDER)
    assert survey.rollup is Rollup.POOLED
    kiosk, postal = survey.sources
    assert (kiosk.channel, kiosk.options, kiosk.self_selected) == ("kiosk", {"inbox": "inbox/kiosk"}, True)
    assert (postal.instance, postal.options, postal.self_selected) == ("post office", {}, False)


def test_the_settings_are_the_defaults_with_those_of_the_round_over_them(lake: Lake):
    reliability = load_round(lake, ID).settings["reliability"]
    assert (reliability["min_n"], reliability["min_n_eff"]) == (25, 30)


def test_what_a_round_need_not_say_has_a_default(lake: Lake):
    lines = [line for line in ROUND.splitlines() if not line.startswith(("rollup", "settings", "design"))]
    put(lake, "round.yml", "\n".join([*lines, "design: {}"]))
    survey = load_round(lake, ID)
    assert survey.rollup is None
    assert survey.design == Design()
    assert survey.zone.key == "Asia/Ho_Chi_Minh"


def test_mappings_beside_the_round_go_to_their_source(lake: Lake):
    put(lake, "mappings/postal.yml", "- form: citizen\n  headings: {Mã: unit_code, Câu 1: A1}\n")
    survey = load_round(lake, ID)
    assert survey.source("postal").mappings[0].headings == {"Mã": "unit_code", "Câu 1": "A1"}
    assert survey.source("kiosk").mappings == ()


def test_a_wrong_mapping_names_its_own_file(lake: Lake):
    put(lake, "mappings/postal.yml", "- form: citizen\n")
    assert complaint(lake).where.startswith(f"{FOLDER}/mappings/postal.yml")


def test_the_hash_covers_every_file_of_the_folder_but_not_hidden_ones(lake: Lake):
    before = load_round(lake, ID).sha256
    put(lake, ".round.yml.swp", "x")
    put(lake, "~$units.csv", "x")
    assert load_round(lake, ID).sha256 == before
    put(lake, "owners.csv", "x")
    with_owners = load_round(lake, ID).sha256
    put(lake, "mappings/postal.yml", "- form: citizen\n  headings: {a: A1}\n")
    assert len({before, with_owners, load_round(lake, ID).sha256}) == 3


def test_rounds_are_listed_and_an_unknown_one_names_them(lake: Lake):
    put(lake, "../other/round.yml", ROUND)
    assert list_rounds(lake) == ["other", ID]
    with pytest.raises(InputError, match=f"other, {ID}"):
        load_round(lake, "tthc-2024")


def test_a_lake_without_rounds_has_none(tmp_path):
    assert list_rounds(Lake(str(tmp_path))) == []


@pytest.mark.parametrize("name", ["", "..", f"../rounds/{ID}", f"{ID}/", "a~b", "a b"])
def test_a_round_id_is_never_a_path(lake: Lake, name: str):
    with pytest.raises(InputError, match="there is no round"):
        load_round(lake, name)


@pytest.mark.parametrize(
    ("old", "new", "what", "where"),
    [
        (f"id: {ID}", "id: tthc-2024", "the file is of round 'tthc-2024'", "id"),
        ('method: "2017"', "method: 2017", "2017 is not of type 'string'", "method"),
        ("year: 2023", "year: '2023'", "'2023' is not of type 'integer'", "year"),
        ("title: {vi: Khảo sát năm 2023, en: Survey of 2023}", "title: {vi: Khảo sát}", "'en' is a required", "title"),
        ("from: 2023-02-15", "from: 15/02/2023", "'15/02/2023' is no date", "window.from"),
        ("to: 2023-10-31", "to: 2023-02-30", "'2023-02-30' is no date", "window.to"),
        ("to: 2023-10-31", "to: 2022-10-31", "the window ends before it begins", "window"),
        ("rollup: pooled", "rollup: median", "'median' is not one of", "rollup"),
        ("strata: [procedure_field]", "strata: [field]", "'field' is no field of the response", "design.strata"),
        ("strata: [procedure_field]", "strata: procedure_field", "is not of type 'array'", "design.strata"),
        ('psu: ""', "psu: village", "'village' is no field of the response", "design.psu"),
        ("finite_population: true", 'finite_population: "yes"', "is not of type 'boolean'", "design.finite_population"),
        ("channel: kiosk", "channel: tablet", "'tablet' is not one of", "sources[0].channel"),
        ("self_selected: true", "self_selected: maybe", "'maybe' is not of type 'boolean'", "sources[0].self_selected"),
        ("instance: desk, ", "", "'instance' is a required property", "sources[0]"),
        ("source: postal", "source: kiosk", "source 'kiosk' occurs twice", "sources[1].source"),
        ("source: postal", "source: ../postal", "does not match", "sources[1].source"),
        ("options: {inbox: inbox/kiosk}", "inbox: x", "'inbox' was unexpected", "sources[0]"),
        ("unit_level: commune", "unit_level: commune\ntimezone: x", "'timezone' was unexpected", ""),
        ("unit_level: commune", "unit_level: commune\ntime_zone: x", "unknown time zone 'x'", "time_zone"),
        ("min_n: 25", "min_m: 25", "unknown setting 'min_m'", "settings.reliability"),
        ("min_n: 25", "min_n: many", "'many' is not of type 'integer'", "settings: reliability.min_n"),
        ("programme: tthc\n", "", "'programme' is a required property", ""),
        (SOURCES, "sources: []\n", "[] should be non-empty", "sources"),
        (ROUND, "", "None is not of type 'object'", ""),
    ],
)
def test_a_wrong_key_is_named_with_file_and_remedy(lake: Lake, old: str, new: str, what: str, where: str):
    assert old in ROUND
    put(lake, "round.yml", ROUND.replace(old, new, 1))
    error = complaint(lake)
    assert error.where.startswith(f"{FOLDER}/round.yml")
    assert where in error.where
    assert what in error.what


def test_units_are_text_with_null_for_an_empty_cell(lake: Lake):
    table = load_units(lake, load_round(lake, ID))
    assert table.schema.types == [pa.string()] * 5
    assert table.to_pylist() == [
        {
            "unit_code": "22243",
            "name_vi": "Xã Hòa Thành",
            "name_en": "Hoa Thanh commune",
            "level": "commune",
            "parent_code": None,
        },
        {
            "unit_code": "P01",
            "name_vi": "Phòng Tư pháp, hộ tịch",
            "name_en": None,
            "level": "agency",
            "parent_code": "22243",
        },
    ]


def test_a_frame_has_all_columns_with_null_for_absent_ones(lake: Lake):
    table = load_frame(lake, load_round(lake, ID))
    assert table.schema.names == [
        "unit_code",
        "procedure_code",
        "procedure_name_vi",
        "procedure_name_en",
        "procedure_field",
        "psu_code",
        "population",
    ]
    assert table["population"].to_pylist() == [10450, None]
    assert table["procedure_code"].to_pylist() == ["1.000110", "1.000111"]
    assert table["psu_code"].to_pylist() == [None, None]
    assert table.schema.field("psu_code").type == pa.string()


def test_a_plan_has_counts_and_may_be_absent(lake: Lake):
    survey = load_round(lake, ID)
    planned = load_plan(lake, survey)
    assert planned["planned"].to_pylist() == [300, 200]
    lake.remove(f"{FOLDER}/plan.csv")
    assert load_plan(lake, survey).schema == planned.schema
    assert load_plan(lake, survey).num_rows == 0


def test_a_table_as_excel_saves_it_is_read(lake: Lake):
    text = "\ufeff" + UNITS.replace("\n", "\r\n") + ",,,,\r\n\r\n"
    lake.write_bytes(f"{FOLDER}/units.csv", text.encode())
    assert load_units(lake, load_round(lake, ID))["unit_code"].to_pylist() == ["22243", "P01"]


@pytest.mark.parametrize(
    ("read", "name", "text", "what", "where"),
    [
        (load_units, "units.csv", UNITS.replace("level", "levels"), "unknown column 'levels'", "line 1"),
        (load_units, "units.csv", UNITS.replace(",", ";"), "unknown column 'unit_code;name_vi", "line 1"),
        (load_units, "units.csv", UNITS.replace("name_en", "name_vi"), "column 'name_vi' occurs twice", "line 1"),
        (load_units, "units.csv", "unit_code,name_vi\n1,a\n", "column 'level' is missing", "line 1"),
        (load_units, "units.csv", "", "column 'unit_code' is missing", "line 1"),
        (load_units, "units.csv", "unit_code,name_vi,level\n", "there is no row", "units.csv"),
        (load_units, "units.csv", UNITS.replace("P01", "22243"), "repeats line 2", "line 3"),
        (load_units, "units.csv", UNITS.replace("P01", ""), "the cell is empty", "line 3, column unit_code"),
        (load_units, "units.csv", UNITS.replace('"', ""), "6 cells under 5 headings", "line 3"),
        (load_units, "units.csv", UNITS + 'X,"a', "unexpected end of data", "line 4"),
        (load_units, "units.csv", UNITS.replace("commune,\n", "ward,\n"), "no unit of level 'commune'", "units.csv"),
        (
            load_frame,
            "frame.csv",
            FRAME.replace("10450", "10.450"),
            "'10.450' is no count",
            "line 2, column population",
        ),
        (load_frame, "frame.csv", FRAME.replace("10450", "-5"), "'-5' is no count", "line 2, column population"),
        (load_frame, "frame.csv", FRAME.replace("10450", "٣"), "is no count", "line 2, column population"),
        (load_frame, "frame.csv", FRAME.replace("22243", "2243"), "unknown unit '2243'", "line 2, column unit_code"),
        (load_frame, "frame.csv", FRAME + FRAME.splitlines()[1], "repeats line 2", "line 4"),
        (load_plan, "plan.csv", PLAN.replace("300", ""), "the cell is empty", "line 2, column planned"),
        (load_plan, "plan.csv", PLAN.replace("kiosk", "tablet"), "unknown channel 'tablet'", "line 2, column channel"),
        (load_plan, "plan.csv", PLAN.replace("22243", "X"), "unknown unit 'X'", "line 2, column unit_code"),
    ],
)
def test_a_wrong_cell_is_named_by_file_line_and_column(
    lake: Lake, read: object, name: str, text: str, what: str, where: str
):
    put(lake, name, text)
    error = complaint(lake, read)
    assert what in error.what
    assert where in error.where
    assert name in error.where


def test_a_round_without_a_frame_must_not_claim_a_finite_population(lake: Lake):
    lake.remove(f"{FOLDER}/frame.csv")
    assert "finite_population: false" in complaint(lake, load_frame).remedy
    put(lake, "round.yml", ROUND.replace("finite_population: true", "finite_population: false"))
    assert load_frame(lake, load_round(lake, ID)).num_rows == 0


def test_missing_units_are_named(lake: Lake):
    lake.remove(f"{FOLDER}/units.csv")
    error = complaint(lake, load_frame)
    assert (error.what, error.where.endswith(f"{FOLDER}/units.csv")) == ("there is no such file", True)


def test_a_table_in_a_legacy_encoding_is_refused(lake: Lake):
    lake.write_bytes(f"{FOLDER}/units.csv", UNITS.encode("utf-16"))
    assert "not UTF-8" in complaint(lake, load_units).what
