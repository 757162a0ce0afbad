"""Primary and secondary suppression, and an attack that knows the rule and the totals."""

import itertools
from collections import defaultdict

import pyarrow as pa
import pytest
from release import sample

from pipelines.model.errors import InputError
from pipelines.release import disclosure

SETTINGS = {"disclosure": {"min_cell_count": 3}}


def counts_table(counts, question="q", unit="u"):
    rows = [
        {"round_id": "r", "programme": "p", "unit_code": unit, "breakdown": "", "category": "",
         "question_code": question, "answer_code": str(code), "n": n, "share": 1.0 * n, "se": 0.1}
        for code, n in enumerate(counts, start=1)
    ]  # fmt: skip
    return sample.table_of(sample.COUNTS, rows)


def score_table(**changes):
    row = {"score": 80.0, "se": 1.0, "ci_low": 78.0, "ci_high": 82.0, "rank": 1, "rank_of": 3, "group_no": 1, "n": 40,
           "flag": "ok", "unit_code": "u"} | changes  # fmt: skip
    return sample.table_of(sample.SCORES, [row])


def published(counts, least=3):
    rows, _ = disclosure.apply(counts_table(counts), {"disclosure": {"min_cell_count": least}}, "count")
    return tuple(rows["n"].to_pylist())


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((0, 5, 9, 50, 30), (0, 5, 9, 50, 30)),  # nothing small
        ((2, 5, 9, 50, 30), (None, None, 9, 50, 30)),  # the next larger goes too
        ((2, 5, 5, 50, 30), (None, None, None, 50, 30)),  # equals go together
        ((1, 1, 9, 50, 30), (None, None, None, 50, 30)),  # two ones that add up to 2 would give themselves away
        ((0, 2, 2, 0, 0), (None, None, None, None, None)),  # nothing larger: the zeros go
        ((0, 1, 1, 0, 0), (None, None, None, None, None)),  # fewer answers than the least count
        ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0)),  # no answers is no secret
    ],
)
def test_cells_of_a_question_that_are_hidden(counts, expected):
    assert published(counts) == expected


@pytest.mark.parametrize(("answers", "largest", "least"), [(2, 12, 3), (3, 10, 3), (3, 10, 5), (4, 7, 3), (5, 5, 4)])
def test_a_reader_who_knows_the_total_and_the_rule_recovers_no_hidden_cell(answers, largest, least):
    worlds = defaultdict(list)
    for counts in itertools.product(range(largest + 1), repeat=answers):
        seen = _seen(counts, least)
        worlds[sum(counts), seen].append(counts)
    assert any(None in seen for _, seen in worlds)
    for (total, seen), possible in worlds.items():
        for place in (place for place, n in enumerate(seen) if n is None):
            assert len({counts[place] for counts in possible}) > 1, (total, seen)


def _seen(counts, least):
    reasons = disclosure._group_reasons(counts, least)
    hidden = ("published", "no_answers")
    return tuple(n if reason in hidden else None for n, reason in zip(counts, reasons, strict=True))


def test_a_hidden_cell_keeps_neither_share_nor_error_and_says_so():
    rows, report = disclosure.apply(counts_table((2, 5, 9, 50, 30)), SETTINGS, "count")
    for name in ("n", "share", "se"):
        assert [value is None for value in rows[name].to_pylist()] == [True, True, False, False, False]
    assert rows["obs_status"].to_pylist() == ["S", "S", "A", "A", "A"]
    assert report.as_dict() == {
        "kind": "count",
        "rows": 5,
        "reasons": {"below_min_cell_count": 1, "published": 3, "secondary": 1},
    }


def test_questions_and_units_are_judged_on_their_own():
    tables = [counts_table((2, 5, 9), "a"), counts_table((7, 5, 9), "b"), counts_table((7, 5, 9), "a", "v")]
    rows, _ = disclosure.apply(pa.concat_tables(tables), SETTINGS, "count")
    assert rows["obs_status"].to_pylist() == ["S", "S", "A"] + ["A"] * 6


def test_the_order_of_rows_does_not_matter():
    table = counts_table((2, 5, 9, 50, 30))
    rows, _ = disclosure.apply(table.take([4, 2, 0, 3, 1]), SETTINGS, "count")
    assert dict(zip(rows["answer_code"].to_pylist(), rows["n"].to_pylist(), strict=True)) == {
        "1": None, "2": None, "3": 9, "4": 50, "5": 30,
    }  # fmt: skip


WITHHELD = ("score", "se", "ci_low", "ci_high", "rank", "group_no")


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({}, "A", "published"),
        ({"flag": "caution"}, "A", "published"),
        ({"n": None}, "A", "published"),  # scores taken as published have no n
        ({"flag": "suppress", "n": 12}, "S", "unreliable"),
        ({"n": 2}, "S", "below_min_cell_count"),
        ({"n": 0, "score": None, "flag": "suppress"}, "M", "no_answers"),
    ],
)
def test_a_score_is_shown_withheld_or_missing(changes, status, reason):
    rows, report = disclosure.apply(score_table(**changes), SETTINGS, "score")
    row = rows.to_pylist()[0]
    assert row["obs_status"] == status
    assert report.reasons == {reason: 1}
    if status == "S":
        assert [row[name] for name in WITHHELD] == [None] * len(WITHHELD)
        assert row["n"] == changes["n"]


def test_a_table_without_status_gets_one_and_the_input_stays_as_it_was():
    table = counts_table((2, 5, 9)).drop_columns(["obs_status"])
    rows, _ = disclosure.apply(table, SETTINGS, "count")
    assert rows["obs_status"].to_pylist() == ["S", "S", "A"]
    assert table["n"].to_pylist() == [2, 5, 9]


@pytest.mark.parametrize(
    "settings", [{}, {"disclosure": {"min_cell_count": 2}}, {"disclosure": {"min_cell_count": "3"}}]
)
def test_a_least_count_that_hides_nothing_is_refused(settings):
    with pytest.raises(InputError, match="min_cell_count"):
        disclosure.apply(counts_table((1, 2)), settings, "count")
