"""Drawing from a list: a draw that can be repeated by hand, equal chances, and the files that a round keeps of it."""

import hashlib
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import pytest

from pipelines.lake import Lake
from pipelines.model.errors import InputError, StateError
from pipelines.sampling import pps_systematic, read_listing, simple_random, systematic
from pipelines.settings import PROJECT, Settings
from pipelines.stages import Context, allocate_plan, plan_progress, select_sample

SERIALS = [f"HS-{number:03}" for number in range(20)]


def test_a_simple_random_sample_is_the_smallest_sha256_of_seed_stratum_and_serial():
    def digest(serial):
        return hashlib.sha256(f"2023\x1f22243\x1fHộ tịch\x1f{serial}".encode()).hexdigest()

    found = simple_random(SERIALS, 5, 2023, ("22243", "Hộ tịch"))
    assert {SERIALS[one.position] for one in found} == set(sorted(SERIALS, key=digest)[:5])
    assert {one.probability for one in found} == {Fraction(1, 4)}


def test_the_order_of_the_list_does_not_change_a_simple_random_sample():
    backwards = SERIALS[::-1]
    assert {SERIALS[d.position] for d in simple_random(SERIALS, 7, 1)} == {
        backwards[d.position] for d in simple_random(backwards, 7, 1)
    }


def test_a_systematic_sample_takes_every_fourth():
    places = [one.position for one in systematic(SERIALS, 5, 2023)]
    assert places[0] < 4 and [b - a for a, b in pairwise(places)] == [4, 4, 4, 4]


def test_over_many_seeds_everybody_is_drawn_as_often_as_the_probability_says():
    seeds = 2000
    for draw in (simple_random, systematic):
        hits = Counter(one.position for seed in range(seeds) for one in draw(SERIALS, 6, seed))
        assert all(abs(hits[i] - 0.3 * seeds) < 5 * (seeds * 0.3 * 0.7) ** 0.5 for i in range(20))


def test_units_are_drawn_with_probability_proportional_to_size_and_large_ones_always():
    sizes = [500, 10, 20, 30, 40]
    seeds = 2000
    drawn = [one for seed in range(seeds) for one in pps_systematic(sizes, 2, seed)]
    assert {one.position: one.probability for one in drawn} == {
        0: 1, 1: Fraction(1, 10), 2: Fraction(2, 10), 3: Fraction(3, 10), 4: Fraction(4, 10)
    }  # fmt: skip
    hits = Counter(one.position for one in drawn)
    assert hits[0] == seeds and abs(hits[3] - 0.3 * seeds) < 100


def test_a_draw_of_all_is_a_census():
    assert [one.position for one in systematic(SERIALS, 20, 1)] == list(range(20))
    assert {one.probability for one in pps_systematic([5, 1, 3], 3, 1)} == {1}


def test_more_than_the_list_holds_is_refused():
    with pytest.raises(InputError, match="21 are planned, but the list holds 20"):
        simple_random(SERIALS, 21, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,unit_code\n1,2\n", "no column serial"),
        (b"serial,unit_code\n1,2\n1,2\n", "is in line 2 already"),
        (b"serial,unit_code\n1,\n", "the cell is empty"),
        (b"serial,unit_code\n1\n", "the cell is empty"),
        (b"serial,unit_code\n", "has no row"),
        (b"serial,unit_code\n\xff,1\n", "not UTF-8"),
        (b'serial,unit_code\n"a"b,1\n', "expected after"),
    ],
)
def test_a_list_that_cannot_be_drawn_from_is_refused(content, message):
    with pytest.raises(InputError, match=message):
        read_listing(content, ("unit_code",), "list.csv")


ROUND = """
id: desk
programme: tthc
method: "2017"
year: 2023
title: {vi: Khảo sát, en: Survey}
window: {from: 2023-02-15, to: 2023-10-31}
unit_level: commune
design: {strata: [procedure_field]}
sources: [{source: kiosk, instance: desk, channel: kiosk}]
settings: {sampling: {margin: 0.1}}
"""
UNITS = "unit_code,name_vi,level\n22243,Xã Hòa Thành,commune\n"
FRAME = (
    "unit_code,procedure_code,procedure_field,population\n"
    "22243,1.1,Hộ tịch,60\n22243,1.2,Hộ tịch,0\n22243,2.1,Đất đai,40\n"
)


@pytest.fixture
def context(lake: Lake) -> Context:
    for name, text in {"round.yml": ROUND, "units.csv": UNITS, "frame.csv": FRAME}.items():
        lake.write_bytes(f"rounds/desk/{name}", text.encode())
    return Context(Settings(lake.root, f"duckdb:///{lake.root}/w.duckdb", (), PROJECT, "thử"), lake)


def list_file(tmp_path):
    path = tmp_path / "hồ sơ.csv"
    rows = [f"=HS{i},22243,{'Hộ tịch' if i < 60 else 'Đất đai'},Nguyễn Văn A" for i in range(100)]
    path.write_text("\n".join(["serial,unit_code,procedure_field,name", *rows]), encoding="utf-8")
    return path


def test_a_plan_is_written_drawn_from_and_held_against_what_came(context: Context, tmp_path):
    plan = allocate_plan(context, "desk", None, None, 1, overwrite=False)
    assert context.lake.read_bytes("rounds/desk/plan.csv").decode() == (
        "unit_code,procedure_field,psu_code,channel,planned\n22243,Hộ tịch,,,30\n22243,Đất đai,,,20\n"
    )  # N = 100, e = 10 %: 50
    assert [warned.name for warned in plan.warnings] == ["1.2"]
    lines = select_sample(context, "desk", list_file(tmp_path), "random", 2023)
    assert [(line.stratum, line.listed, line.drawn) for line in lines] == [
        ("22243 / Hộ tịch", 60, 30),
        ("22243 / Đất đai", 40, 20),
    ]
    progress = plan_progress(context, "desk")
    assert (progress.lines[0].planned, progress.lines[0].collected) == (50, 0)
    assert progress.unanswered == (("22243", "1.1"), ("22243", "2.1"))


def test_the_same_list_plan_and_seed_draw_the_same_bytes_and_no_name_is_kept(context: Context, tmp_path):
    allocate_plan(context, "desk", 40, None, 1, overwrite=False)
    files = ("samples/desk/sample.csv", "samples/desk/sample.json")
    select_sample(context, "desk", list_file(tmp_path), "systematic", 5)
    first = [context.lake.read_bytes(path) for path in files]
    select_sample(context, "desk", list_file(tmp_path), "systematic", 5)
    assert [context.lake.read_bytes(path) for path in files] == first
    assert "Nguyễn" not in first[0].decode() and first[0].startswith(b'"serial","unit_code","procedure_field","prob')
    record = context.lake.read_json(files[1])
    assert record["list_sha256"] == hashlib.sha256(list_file(tmp_path).read_bytes()).hexdigest()
    assert record["sample_sha256"] == hashlib.sha256(first[0]).hexdigest()
    select_sample(context, "desk", list_file(tmp_path), "systematic", 6)
    assert context.lake.read_bytes(files[0]) != first[0]


def test_a_plan_that_is_there_is_not_written_over_unasked(context: Context):
    allocate_plan(context, "desk", None, None, 1, overwrite=False)
    with pytest.raises(StateError, match="has a plan"):
        allocate_plan(context, "desk", 10, None, 1, overwrite=False)


def test_issued_forms_of_the_plan_count_in_the_rates(context: Context):
    context.lake.write_bytes(
        "rounds/desk/plan.csv",
        "unit_code,procedure_field,planned,issued\n22243,Hộ tịch,30,45\n22243,Đất đai,20,\n".encode(),
    )
    assert plan_progress(context, "desk").lines[0].issued == 65


def test_neymans_allocation_reads_deviations_from_a_file(context: Context, tmp_path):
    path = tmp_path / "deviation.csv"
    path.write_text("unit_code,procedure_field,deviation\n22243,Hộ tịch,1\n22243,Đất đai,3\n", encoding="utf-8")
    plan = allocate_plan(context, "desk", 45, path, 1, overwrite=False)
    assert [cell.planned for cell in plan.cells] == [15, 30]  # 60·1 : 40·3 = 1 : 2
    path.write_text("unit_code,procedure_field,deviation\n22243,Hộ tịch,much\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 2: “much” is no number"):
        allocate_plan(context, "desk", 45, path, 1, overwrite=True)
