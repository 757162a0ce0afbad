"""Screening a month: the window and other rules, one response a record, the same result in any order."""

import itertools
import json
from dataclasses import replace
from datetime import date

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from collect_kit import CONFIG, METHOD, NOW, PLAN, ROUND, SCREEN, accepted, collect, lines, row, snapshot, source

from pipelines.collect.conform import conform_object
from pipelines.collect.landing import land
from pipelines.collect.months import affected_months, all_months
from pipelines.collect.rejects import SCHEMA, read_rejects
from pipelines.collect.schema import accepted_schema
from pipelines.collect.screen import Flags, screen_month
from pipelines.lake import Lake
from pipelines.model.errors import AccountError


def refusals(lake):
    """Code and value by line and record, of what screening turned away."""
    rows = [one for one in read_rejects(lake, ROUND.id).to_pylist() if one["stage"] == "screen"]
    return sorted((json.loads(one["payload"])["record_id"], one["code"], one["value"]) for one in rows)


def counts(report):
    return report.rows_in, report.accepted, report.duplicate, report.rejected


def test_a_good_response_is_accepted_with_all_its_columns(lake):
    reports = collect(lake, lines(row()))
    assert counts(reports["2023-05"]) == (1, 1, 0, 0)
    path = "responses/programme=tthc/round=tthc-2023/month=2023-05/source=kiosk/responses.parquet"
    assert reports["2023-05"].outputs == [path]
    table = lake.read_table(path)
    assert table.schema.equals(accepted_schema(METHOD)) and table["A1"].to_pylist() == [5]


def test_accepted_responses_stand_in_the_order_of_the_hashes_of_what_landed_and_of_its_lines(lake):
    for start in (0, 20, 40):
        collect(lake, lines(*(row(id=f"r{n}", device=None) for n in range(start, start + 20))))
    (path,) = lake.glob("responses/*/*/*/*/*")
    places = [(one["landing_sha256"], one["line"]) for one in lake.read_table(path).to_pylist()]
    assert len(places) == 60 and places == sorted(places)


def test_a_month_of_many_small_files_becomes_few_row_groups_and_loses_nothing(lake, monkeypatch):
    monkeypatch.setattr("pipelines.collect.screen.ROWS_A_BLOCK", 25)
    days = range(1, 29)
    collect(
        lake, *(lines(*(row(id=f"{day}-{n}", end=f"2023-05-{day:02}T08:0{n}:00Z") for n in range(3))) for day in days)
    )
    (path,) = lake.glob("responses/*/*/*/*/*")
    with lake.open(path) as stream:
        groups = pq.ParquetFile(stream).metadata
        assert [groups.row_group(number).num_rows for number in range(groups.num_row_groups)] == [25, 25, 25, 9]
    assert len({one["record_id"] for one in accepted(lake)}) == 84


@pytest.mark.parametrize(
    ("changes", "code", "value"),
    [
        ({"end": "2022-12-31T16:59:59Z"}, "R301_OUTSIDE_WINDOW", "2022-12-31 23:59:59"),
        ({"end": "2023-12-31T17:00:00Z"}, "R301_OUTSIDE_WINDOW", "2024-01-01 00:00:00"),
        ({"answers__A1": None, "answers__A2": None, "answers__A3": None}, "R302_TOO_FEW_ANSWERS", "0"),
        ({"answers__age": "17"}, "R303_UNDER_AGE", "17"),
        ({"unit": "06970"}, "R304_UNIT_NOT_IN_ROUND", "06970"),
        ({"state": "rejected"}, "R305_REFUSED_AT_SOURCE", "rejected"),
        ({"state": "on_hold"}, "R306_AWAITS_REVIEW", "on_hold"),
    ],
)
def test_a_response_that_does_not_belong_to_the_round_is_rejected(lake, changes, code, value):
    screen = replace(SCREEN, units=frozenset({"22243"}))
    (report,) = collect(lake, lines(row(**changes)), screen=screen).values()
    assert counts(report) == (1, 0, 0, 1)
    (reject,) = read_rejects(lake, ROUND.id).to_pylist()
    assert (reject["code"], reject["value"], reject["stage"], reject["line"]) == (code, value, "screen", 1)
    assert reject["file"] == "f0.jsonl" and value in reject["message_vi"] + reject["field"] + value
    assert json.loads(reject["payload"])["record_id"] == "r1"


@pytest.mark.parametrize(
    "changes",
    [
        {"end": "2022-12-31T17:00:00Z"},
        {"end": "2023-12-31T16:59:59Z"},
        {"answers__A2": None, "answers__A3": None},
        {"answers__age": "18"},
        {"answers__age": None},
        {"state": "approved"},
    ],
)
def test_a_response_on_the_right_side_of_every_bound_is_accepted(lake, changes):
    collect(lake, lines(row(**changes)), screen=replace(SCREEN, units=frozenset({"22243"})))
    assert len(accepted(lake)) == 1


def test_minimum_of_items_and_refused_states_are_settings(lake):
    screen = replace(SCREEN, minimum_items=3, refused_states=("on_hold",))
    collect(
        lake, lines(row(answers__A1=None), row(id="r2", state="on_hold"), row(id="r3", state="rejected")), screen=screen
    )
    assert [one["record_id"] for one in accepted(lake)] == ["r3"]
    assert [code for _, code, _ in refusals(lake)] == ["R302_TOO_FEW_ANSWERS", "R305_REFUSED_AT_SOURCE"]


@pytest.mark.parametrize(
    ("received", "late"),
    [("2023-06-01T00:00:00+07:00", True), ("2023-05-31T23:59:59+07:00", False), (None, False)],
)
def test_a_response_received_in_a_later_month_is_late(lake, received, late):
    collect(lake, lines(row(received=received)))
    assert [one["is_late"] for one in accepted(lake)] == [late]


def test_an_appended_file_gives_duplicates_only_for_its_old_lines(lake):
    old = [row(id=f"r{n}", end=f"2023-05-0{n + 1}T08:00:00+07:00") for n in range(6)]
    collect(lake, lines(*old[:4]))
    reports = collect(lake, lines(*old))
    assert counts(reports["2023-05"]) == (10, 6, 4, 0)
    assert {code for _, code, _ in refusals(lake)} == {"D401_SAME_RECORD"}


def test_the_same_file_under_another_name_changes_nothing(lake):
    collect(lake, lines(row()))
    before = snapshot(lake)
    assert collect(lake, lines(row())) == {}
    assert snapshot(lake) == before


def test_a_higher_revision_replaces_the_record(lake):
    collect(lake, lines(row(rev="2", answers__A1="1"), row(rev="1"), row(rev="3", answers__A1="2")))
    assert [(one["revision"], one["A1"]) for one in accepted(lake)] == [(3, 2)]
    assert refusals(lake) == [("r1", "D403_SUPERSEDED", "3")] * 2


def test_the_same_revision_with_other_answers_is_superseded_by_the_later(lake):
    collect(lake, lines(row(answers__A1="1"), row(end="2023-05-04T08:05:00+07:00")))
    assert [one["A1"] for one in accepted(lake)] == [5]
    assert refusals(lake) == [("r1", "D403_SUPERSEDED", "1")]


def test_a_copy_that_a_reviewer_has_seen_counts_rather_than_one_before(lake):
    collect(lake, lines(row(), row(state="rejected"), row()))
    assert accepted(lake) == []
    assert [code for _, code, _ in refusals(lake)] == ["D401_SAME_RECORD", "D401_SAME_RECORD", "R305_REFUSED_AT_SOURCE"]


def test_a_revision_in_another_month_withdraws_the_earlier_one(lake):
    collect(lake, lines(row(), row(id="r2", device="K02")))
    reports = collect(lake, lines(row(rev="2", end="2023-06-04T08:02:00+07:00")))
    assert {month: counts(report) for month, report in reports.items()} == {
        "2023-05": (2, 1, 1, 0),
        "2023-06": (1, 1, 0, 0),
    }
    assert [(one["record_id"], one["revision"]) for one in accepted(lake)] == [("r1", 2), ("r2", 1)]
    assert refusals(lake) == [("r1", "D403_SUPERSEDED", "2")]


def test_a_refused_revision_does_not_bring_the_earlier_one_back(lake):
    collect(lake, lines(row(), row(rev="2", state="rejected")))
    assert accepted(lake) == []


def test_a_month_that_loses_its_only_response_gets_an_empty_file(lake):
    collect(lake, lines(row()))
    collect(lake, lines(row(rev="2", end="2023-06-04T08:02:00+07:00")))
    assert [lake.read_table(path).num_rows for path in lake.glob("responses/*/*/*/*/*")] == [0, 1]


def test_the_same_content_under_another_identity_counts_once_for_the_earliest(lake):
    collect(lake, lines(row(id="r9"), row(id="r1"), row(id="r5")))
    assert [one["record_id"] for one in accepted(lake)] == ["r1"]
    assert refusals(lake) == [("r5", "D402_SAME_CONTENT", "r1"), ("r9", "D402_SAME_CONTENT", "r1")]


@pytest.mark.parametrize(
    "changes",
    [
        {"device": "K02"},
        {"start": "2023-05-04T08:00:01+07:00"},
        {"start": None},
        {"end": "2023-05-04T08:02:01+07:00"},
        {"unit": "06970"},
        {"procedure": "2.000815"},
        {"answers__A1": "4"},
        {"answers__A1": None},
        {"comment": "tốt"},
    ],
)
def test_equal_answers_alone_are_no_duplicate(lake, changes):
    collect(lake, lines(row(), row(id="r2", **changes)))
    assert len(accepted(lake)) == 2 and refusals(lake) == []


def test_without_a_device_equal_content_is_no_duplicate(lake):
    collect(lake, lines(row(device=None), row(id="r2", device=None)))
    assert len(accepted(lake)) == 2


def test_a_rejected_response_takes_nobody_of_the_same_content_with_it(lake):
    collect(lake, lines(row(id="r1", state="rejected"), row(id="r2")))
    assert [one["record_id"] for one in accepted(lake)] == ["r2"]


def test_the_order_of_landing_changes_nothing(tmp_path):
    files = [
        lines(row(), row(id="r2", device="K02"), row(id="r3", device="K03", rev="2")),
        lines(row(), row(id="r1b"), row(id="r3", device="K03", answers__A1="1")),
        lines(row(id="r2", device="K02", rev="2", end="2023-06-02"), row(answers__A1="2")),
    ]
    outcomes = []
    for number, order in enumerate(list(itertools.permutations(files))[::2]):
        lake = Lake(str(tmp_path / str(number)))
        for content in order:
            collect(lake, content)
        outcomes.append({path: content for path, content in snapshot(lake).items() if path.startswith("responses")})
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_running_twice_gives_the_same_bytes(lake):
    collect(lake, lines(row(), row(), row(id="r2", answers__age="10"), row(id="r3", device="K9")))
    before = snapshot(lake)
    screen_month(lake, SCREEN, "kiosk", "2023-05")
    assert snapshot(lake) == before


def test_flags_of_the_caller_become_columns_each_with_its_response(lake):
    collect(lake, lines(row(id="young", answers__age="9"), row()), lines(row(id="r2", device="K02", answers__A1="1")))

    def flags(table):
        return table.append_column("is_five", pc.equal(table["A1"], 5))

    screen_month(lake, SCREEN, "kiosk", "2023-05", Flags(("A1",), flags))
    assert sorted((one["A1"], one["is_five"]) for one in accepted(lake)) == [(1, False), (5, True)]


def test_flags_that_lose_rows_stop_the_stage_before_it_writes(lake):
    collect(lake, lines(row()))
    before = snapshot(lake)
    with pytest.raises(AccountError):
        screen_month(lake, SCREEN, "kiosk", "2023-05", Flags((), lambda table: table.slice(0, 0)))
    assert snapshot(lake) == before


def test_a_kill_between_writes_leaves_old_or_new_and_running_again_completes(lake, monkeypatch):
    collect(lake, lines(row(), row()))
    (landed,) = land(lake, source(("g", lines(row(id="r2", answers__age="3")))), CONFIG, ROUND.id, NOW)
    conform_object(lake, PLAN, source(), CONFIG, landed)
    before, write_tables, written = snapshot(lake), lake.write_tables, []

    def dying(path, schema, tables):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        write_tables(path, schema, tables)

    with monkeypatch.context() as patch:
        patch.setattr(lake, "write_tables", dying)
        with pytest.raises(KeyboardInterrupt):
            screen_month(lake, SCREEN, "kiosk", "2023-05")
    assert {path for path, content in snapshot(lake).items() if before.get(path) != content} <= set(written)
    screen_month(lake, SCREEN, "kiosk", "2023-05")
    assert [code for _, code, _ in refusals(lake)] == ["D401_SAME_RECORD", "R303_UNDER_AGE"]


def test_rejects_go_when_nothing_is_rejected_any_more(lake):
    collect(lake, lines(row(answers__age="10")))
    screen_month(lake, replace(SCREEN, minimum_age=6), "kiosk", "2023-05")
    assert read_rejects(lake, ROUND.id).num_rows == 0 and len(accepted(lake)) == 1


def test_a_month_without_any_file_is_empty_and_has_its_columns(lake):
    report = screen_month(lake, SCREEN, "kiosk", "2023-07")
    assert counts(report) == (0, 0, 0, 0)
    assert lake.read_table(report.outputs[0]).schema.equals(accepted_schema(METHOD))


def test_affected_months_are_those_of_the_objects_and_of_what_they_revise(lake):
    collect(lake, lines(row(), row(id="r2", end="2023-03-04")))
    assert all_months(lake, ROUND.id, "kiosk") == ["2023-03", "2023-05"]
    offered = source(("new", lines(row(rev="2", end="2023-08-04"))))
    (landed,) = land(lake, offered, CONFIG, ROUND.id, NOW)
    conform_object(lake, PLAN, offered, CONFIG, landed)
    assert affected_months(lake, ROUND.id, "kiosk", [landed.sha256]) == ["2023-05", "2023-08"]
    assert affected_months(lake, ROUND.id, "kiosk", [landed.sha256], {"2023-05"}) == ["2023-08"]  # known already
    assert affected_months(lake, ROUND.id, "kiosk", []) == []


def test_rejects_are_read_by_source_and_without_any_there_are_none(lake):
    assert read_rejects(lake, ROUND.id).schema.names == ["source", "month", *SCHEMA.names]
    collect(lake, lines(row(unit="1")))
    assert read_rejects(lake, ROUND.id, "kiosk").to_pylist()[0]["source"] == "kiosk"
    assert read_rejects(lake, ROUND.id, "postal").num_rows == 0


def test_a_round_with_another_window_screens_the_same_files_anew(lake):
    collect(lake, lines(row()))
    narrow = replace(SCREEN, round=replace(ROUND, window_to=date(2023, 5, 3)))
    assert counts(screen_month(lake, narrow, "kiosk", "2023-05")) == (1, 0, 0, 1)
    assert accepted(lake) == []


def test_a_response_excluded_by_decision_leaves_the_accepted_with_its_decision_and_its_twin_does_not_take_its_place(
    lake,
):
    (report,) = collect(lake, lines(row(), row(id="r2"), row(id="r3", device="K02"))).values()
    assert (report.accepted, report.duplicate) == (2, 1)
    first, other = (one["response_id"] for one in accepted(lake))
    decided = {first: "x001: chép phiếu (đề nghị: An; duyệt: Bình)", "0" * 32: "x002"}
    report = screen_month(lake, replace(SCREEN, excluded=decided), "kiosk", "2023-05")
    assert (report.rows_in, report.accepted, report.duplicate, report.rejected) == (3, 1, 1, 1)
    assert [one["response_id"] for one in accepted(lake)] == [other]
    refused = {one["code"]: one for one in lake.read_table(report.outputs[1]).to_pylist()}
    assert refused.keys() == {"D402_SAME_CONTENT", "R308_EXCLUDED_BY_DECISION"}
    said = refused["R308_EXCLUDED_BY_DECISION"]
    assert (said["response_id"], said["value"]) == (first, decided[first])
    assert "x001: chép phiếu" in said["message_vi"]
