"""Forms keyed twice: what agrees is done, what differs is for a third person."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_kit import ROUND, write_round

from pipelines.lake import Lake
from pipelines.model.errors import InputError
from pipelines.paper import review
from pipelines.paper.comparison import agreed, differences, item_of, read_keyed
from pipelines.settings import PROJECT, Settings
from pipelines.stages.context import open_context
from pipelines.stages.forms import compare_keyed

NOW = datetime(2023, 5, 4, tzinfo=UTC)
FIRST = "Số phiếu;Người nhập;A1;A2\nP-1;An;5;4\nP-2;An;3;\nP-3;An;1;1\n"
SECOND = "Số phiếu,Người nhập,A1,A2\nP-2,Bình,3,2\nP-1,Bình,5,4\nP-4,Bình,2,2\n"


def keyed(text: str, name: str = "a.csv"):
    return read_keyed(text.encode(), name)


def test_cells_that_differ_and_forms_keyed_once_are_found():
    found = differences(keyed(FIRST), keyed(SECOND, "b.csv"))
    assert [(one.record, one.heading, one.first, one.second) for one in found] == [
        ("P-2", "A2", "", "2"),
        ("P-3", "", "a.csv", ""),
        ("P-4", "", "", "b.csv"),
    ]


def test_third_person_decides_and_neither_keyer_may(lake: Lake):
    first, second = keyed(FIRST), keyed(SECOND, "b.csv")
    found = differences(first, second)
    item = item_of(found[0], first, second)
    review.add_item(lake, "r", item)
    with pytest.raises(InputError, match="bình keyed this form"):
        review.decide(lake, "r", item.id, "2", " bình ", NOW)
    assert agreed(first, second, found, {}).decode().splitlines()[1:] == ["P-1,An + Bình,5,4"]
    review.decide(lake, "r", item.id, "2", "Chi", NOW)
    done = agreed(first, second, found, review.decisions(lake, "r")).decode().splitlines()
    assert done == ["Số phiếu,Người nhập,A1,A2", "P-1,An + Bình,5,4", "P-2,An + Bình,3,2"]


def test_differences_of_a_round_go_to_its_review_and_the_rest_to_a_file(tmp_path: Path):
    context = open_context(Settings(str(tmp_path / "data"), "duckdb://", (), PROJECT, "An"))
    paths = [tmp_path / name for name in ("a.csv", "b.csv", "done.csv")]
    for path, text in zip(paths, (FIRST, SECOND), strict=False):
        path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="there is no round"):
        compare_keyed(context, *paths[:2], "r", paths[2])
    write_round(context.lake)
    compared = compare_keyed(context, *paths[:2], ROUND, paths[2])
    assert (compared.open, compared.done) == (3, 1) and len(review.open_items(context.lake, ROUND)) == 1
    (item,) = review.open_items(context.lake, ROUND)
    review.decide(context.lake, ROUND, item.id, "", "Chi", NOW)
    assert compare_keyed(context, *paths[:2], ROUND, paths[2]).done == 2
    assert paths[2].read_text(encoding="utf-8").splitlines()[2] == "P-2,An + Bình,3,"


def test_one_person_cannot_be_both_keyers():
    with pytest.raises(InputError, match="An keyed form P-1 twice"):
        differences(keyed(FIRST), keyed(FIRST, "b.csv"))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("A1;A2\n1;2\n", "no heading numbers the forms"),
        ("record_id;A1\nP-1;2\nP-1;3\n", "P-1.*twice"),
        ("record_id;A1\nP-1\n", "broken"),
        ('record_id;A1\n"P-1;2\n', "no CSV"),
        ("", "no heading"),
    ],
)
def test_file_that_cannot_be_compared_says_why(text: str, what: str):
    with pytest.raises(InputError, match=what):
        keyed(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_reason(content: bytes):
    try:
        read_keyed(b"record_id,A1\n" + content, "a.csv")
    except InputError as error:
        assert error.remedy
