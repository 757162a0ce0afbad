"""Mappings of a source: reading them, and each way in which one may not fit the method."""

import fnmatch
import shutil
from pathlib import Path

import pytest

from pipelines.methods import load_mappings, load_method, read_mappings
from pipelines.model.errors import InputError
from pipelines.model.round import Mapping, SourceConfig
from pipelines.model.source import RawRows
from pipelines.sources import source

FIXTURES = Path(__file__).parents[1] / "fixtures" / "methods"
SMALL = """
- form: rse
  when: {version: ["1", "2"]}
  headings: {id: record_id, q1: turnOver5}
  ignore: ["x*"]
  codes: {agreement: {No: 1, Yes: 5, 007: 3}}
  constants: {unit_code: "00123", channel: portal}
  time_format: "%d/%m/%Y"
"""


def test_a_file_gives_its_mappings():
    assert read_mappings(SMALL.encode(), "m.yml") == (
        Mapping(
            form="rse",
            headings={"id": "record_id", "q1": "turnOver5"},
            when={"version": ("1", "2")},
            ignore=("x*",),
            constants={"unit_code": "00123", "channel": "portal"},
            codes={"agreement": {"No": 1, "Yes": 5, "007": 3}},
            time_format="%d/%m/%Y",
        ),
    )


def test_a_source_without_a_file_has_no_mappings():
    assert load_mappings(load_method("tthc", "2017"), "kiosk") == ()


def test_the_fixture_maps_every_heading_of_the_real_export(reference: Path):
    mapping = load_mappings(load_method("workplace", "2017", [FIXTURES]), "limesurvey")[0]
    with (reference / "portals/limesurvey/rse2017_zaf_public_data.csv").open("rb") as file:
        (rows,) = source("limesurvey").read(file, "rse.csv", SourceConfig("limesurvey", "rse", "portal"))
    assert isinstance(rows, RawRows)
    assert len(mapping.headings) == 21
    assert set(mapping.headings) <= set(rows.columns)
    for heading in rows.columns:
        ignored = any(fnmatch.fnmatchcase(heading, pattern) for pattern in mapping.ignore)
        assert ignored is (heading not in mapping.headings)
    answers = {
        a for heading, target in mapping.headings.items() if target != "record_id" for a in rows.columns[heading]
    }
    assert answers - {None} == set(mapping.codes["agreement"])


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("form: rse", "form: citizen", "unknown form 'citizen'"),
        ("q1: turnOver5", "q1: turnOver9", "form 'rse' has no question 'turnOver9'"),
        ("q1: turnOver5", "q1: turnOver5, q2: turnOver5", "'turnOver5' is filled from 'q1' already"),
        ("agreement:", "satisfaction:", "'satisfaction' is no code list or coded question"),
        ("Yes: 5", "Yes: 6", "code 6 of 'Yes' is not in the list"),
        ("unit_code:", "unit:", "'unit' is no field of the response"),
        ("channel: portal", "channel: web", "unknown channel 'web'"),
        ('"00123"', "00123", "83 is not of type 'string'"),
        ("No: 1", 'No: "1"', "'1' is not of type 'integer'"),
        ('["1", "2"]', "1", "1 is not of type 'array'"),
        ("time_format:", "time_zone: Asia/Hanoi\n  time_format:", "unknown time zone 'Asia/Hanoi'"),
        ("time_format:", "time_zone: ../etc\n  time_format:", "unknown time zone '../etc'"),
        ("%d/%m/%Y", "%d/%m/%q", "unknown directive '%q' in '%d/%m/%q'"),
        ("%d/%m/%Y", "%d/%m/%Y %", "unknown directive '%'"),
        ("%d/%m/%Y", "%-d/%m/%Y", "unknown directive '%-'"),
        ("%d/%m/%Y", "%d/%m/%Y %d", "directive '%d' occurs twice"),
        ("%d/%m/%Y", "%m/%Y", "does not say day, month and year"),
        ("%d/%m/%Y", "%H:%M", "does not say day, month and year"),
        ("ignore:", "skip:", "'skip' was unexpected"),
        ("  headings: {id: record_id, q1: turnOver5}\n", "", "'headings' is a required property"),
        (SMALL, "[]", "[] should be non-empty"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path, old: str, new: str, what: str):
    shutil.copytree(FIXTURES / "workplace", tmp_path / "workplace")
    path = tmp_path / "workplace/2017/mappings/desk.yml"
    assert old in SMALL
    path.write_text(SMALL.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_mappings(load_method("workplace", "2017", [tmp_path]), "desk")
    assert what in caught.value.what
    assert str(path) in caught.value.where
    assert caught.value.remedy
