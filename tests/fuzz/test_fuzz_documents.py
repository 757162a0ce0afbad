"""The files that people write for a round or a method: they load or an error says what is wrong."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from fuzz_kit import FUZZ, csv_of, damaged
from hypothesis import given
from hypothesis import strategies as st

from pipelines import rounds
from pipelines.lake import Lake
from pipelines.methods import load_method
from pipelines.methods.mapping_file import check_mappings, read_mappings
from pipelines.methods.method_file import parse_method
from pipelines.methods.thresholds import load_settings
from pipelines.methods.xlsform import load_instrument
from pipelines.model.errors import HailongError, InputError
from pipelines.model.round import Round
from pipelines.rounds import action_plan, corrections, devices, tables
from pipelines.rounds import indicator_sources as indicators
from pipelines.rounds.tables import Shape
from pipelines.sources.limesurvey_structure import read_structure

METHOD = load_method("tthc", "2017")
FOLDER = Path(rounds.__file__).parents[1] / "methods" / "tthc" / "2017"
ID = "r-2023"
ROUND_FILE = yaml.safe_dump(
    {
        "id": ID,
        "programme": "tthc",
        "method": "2017",
        "year": 2023,
        "title": {"vi": "Khảo sát", "en": "Survey"},
        "window": {"from": "2023-01-01", "to": "2023-12-31"},
        "unit_level": "commune",
        "design": {"strata": ["procedure_field"], "psu": "", "finite_population": True},
        "sources": [{"source": "kiosk", "instance": "ward", "channel": "kiosk", "options": {"inbox": "inbox"}}],
    },
    allow_unicode=True,
).encode()
UNITS = csv_of([list(tables.UNITS.columns), ["22243", "Hòa Thành", "Hoa Thanh", "commune", "54"]])
MAPPINGS = b"""- form: citizen
  when: {version: ["1"]}
  headings: {id: record_id, unit: unit_code, end: submitted_at, a1: A1}
  codes: {A1: {"T\xe1\xbb\x91t": 4}}
  constants: {channel: portal}
  time_zone: Asia/Ho_Chi_Minh
"""
STRUCTURE = b"""<?xml version="1.0" encoding="UTF-8"?>
<document><LimeSurveyDocType>Survey</LimeSurveyDocType>
<questions><rows><row><qid>1</qid><parent_qid>0</parent_qid><type>L</type><title>A1</title></row></rows></questions>
<answers><rows><row><qid>1</qid><code>A1</code><answer>Good</answer></row></rows></answers></document>"""
ANY = st.binary(max_size=200)


def round_with(folder: Path, **files: bytes) -> Lake:
    lake = Lake(str(folder))
    for name, content in ({"round__yml": ROUND_FILE, "units__csv": UNITS} | files).items():
        lake.write_bytes(f"rounds/{ID}/{name.replace('__', '.')}", content)
    return lake


def test_the_good_files_are_good(tmp_path: Path):
    lake = round_with(tmp_path)
    assert rounds.load_units(lake, rounds.load_round(lake, ID)).num_rows == 1
    assert read_mappings(MAPPINGS, "mappings/x.yml")
    assert read_structure(STRUCTURE, "x.lss").headings == {"A1"}
    assert parse_method((FOLDER / "method.yml").read_bytes(), "method.yml", METHOD.instruments, METHOD.folder, "0" * 64)


@FUZZ
@given(content=damaged([ROUND_FILE]) | ANY)
def test_a_round_file_loads_or_says_what_is_wrong(tmp_path: Path, content: bytes):
    with suppress(InputError):
        survey = rounds.load_round(round_with(tmp_path, round__yml=content), ID)
        assert survey.window_from <= survey.window_to


TABLES: list[tuple[Shape, Callable[[Lake, Round], object]]] = [
    (tables.UNITS, rounds.load_units),
    (tables.FRAME, rounds.load_frame),
    (tables.PLAN, rounds.load_plan),
    (tables.MARGINS, rounds.load_margins),
    (devices.DEVICES, rounds.load_devices),
    (action_plan.OWNERS, lambda lake, survey: rounds.load_owners(lake, survey, METHOD)),
    (action_plan.TARGETS, lambda lake, survey: rounds.load_targets(lake, survey, METHOD)),
    (indicators.INDICATORS, lambda lake, survey: indicators.load_indicator_sources(lake, survey, METHOD)),
    (corrections.CORRECTIONS, rounds.load_corrections),
]
CELLS = st.sampled_from(["22243", "", "1.004227", "Hộ tịch", "12", "-1", "1e9", "2023-01-01", "a" * 64, "=1+1", "NaN"])


@pytest.mark.parametrize(("shape", "load"), TABLES, ids=[shape.file for shape, _ in TABLES])
@FUZZ
@given(data=st.data())
def test_a_table_of_a_round_loads_or_says_what_is_wrong(
    tmp_path: Path, shape: Shape, load: Callable[[Lake, Round], object], data: st.DataObject
):
    width = len(shape.columns)
    rows = data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=2))
    content = data.draw(damaged([csv_of([list(shape.columns), *rows])]) | ANY)
    lake = round_with(tmp_path, **{shape.file.replace(".", "__"): content})
    with suppress(InputError):
        load(lake, rounds.load_round(lake, ID))


@FUZZ
@given(content=damaged([MAPPINGS]) | ANY)
def test_a_mapping_file_loads_or_says_what_is_wrong(content: bytes):
    with suppress(InputError):
        check_mappings(read_mappings(content, "mappings/x.yml"), METHOD, "mappings/x.yml")


@FUZZ
@given(content=damaged([(FOLDER / "method.yml").read_bytes()]) | ANY)
def test_a_method_file_loads_or_says_what_is_wrong(content: bytes):
    with suppress(InputError):
        parse_method(content, "method.yml", METHOD.instruments, METHOD.folder, "0" * 64)


@FUZZ
@given(data=st.data())
def test_a_form_loads_or_says_what_is_wrong(tmp_path: Path, data: st.DataObject):
    path = tmp_path / "form.xlsx"
    path.write_bytes(data.draw(damaged([next(FOLDER.glob("*.xlsx")).read_bytes()])))
    with suppress(InputError):
        assert load_instrument(path).questions


@FUZZ
@given(content=damaged([STRUCTURE]) | ANY)
def test_a_structure_of_a_survey_loads_or_says_what_is_wrong(content: bytes):
    with suppress(InputError):
        read_structure(content, "survey.lss")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@FUZZ
@given(overrides=st.dictionaries(st.sampled_from(["quality", "valid_response", "reliability", "x"]), JSON, max_size=3))
def test_settings_load_or_say_what_is_wrong(overrides: dict):
    with suppress(HailongError):
        load_settings(overrides)
