"""Responses are left out only by what two people decided: proposals, approvals, what they change, how it is undone."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines import stages
from pipelines.cli_quality import quality
from pipelines.lake import Lake
from pipelines.ledger import receipt_code
from pipelines.methods import load_method
from pipelines.model.errors import InputError, StateError
from pipelines.settings import Settings
from pipelines.simulate import commune_spec, simulate_round, write_round
from pipelines.stages.quality_report import exclusion_effects, quality_loads, quality_rows

ROUND, MONTH = "tthc-2023-hoa-thanh", "2023-09"
KEY = f"{ROUND}~kiosk~{MONTH}"


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> stages.Context:
    """A small round of kiosks, collected, screened and tallied."""
    folder = tmp_path_factory.mktemp("quality")
    spec = commune_spec(0.15)
    kiosk = replace(spec.channels[0], share=1.0)
    write_round(Lake(str(folder)), simulate_round(replace(spec, channels=(kiosk,)), load_method("tthc", "2017"), 5))
    settings = replace(
        Settings.from_environment(), data=str(folder), warehouse=f"duckdb:///{folder}/w.duckdb", person=""
    )
    context = stages.open_context(settings)
    stages.collect(context, "kiosk", ROUND)
    for batch in stages.pending_batches(context, "kiosk", ROUND):
        stages.conform(context, batch)
    again(context)
    return context


def again(context: stages.Context) -> None:
    """Screen and tally what is marked."""
    for key in stages.stale_partitions(context, "kiosk", ROUND):
        stages.tally(context, stages.screen(context, key))


def accepted(context: stages.Context) -> dict[str, dict]:
    (path,) = context.lake.glob(f"responses/*/*/month={MONTH}/source=kiosk/*.parquet")
    return {row["response_id"]: row for row in context.lake.read_table(path).to_pylist()}


def test_two_people_leave_responses_out_and_the_effect_is_told_and_one_takes_it_back(collected: stages.Context):
    before = accepted(collected)
    one, other, *_ = sorted(before)
    code = receipt_code(other)
    proposed = stages.propose_exclusion(collected, ROUND, [one, code], "chép phiếu", "An")
    assert proposed.proposal.responses == {one: KEY, other: KEY}
    assert accepted(collected) == before and not stages.stale_partitions(collected, "kiosk", ROUND)
    with pytest.raises(StateError, match="AN proposed this exclusion and cannot approve it"):
        stages.decide_exclusion(collected, ROUND, "x001", True, " AN ")

    assert stages.decide_exclusion(collected, ROUND, "x001", True, "Bình", "đã xem") == [KEY]
    assert stages.stale_partitions(collected, "kiosk", ROUND) == [KEY]
    again(collected)
    assert accepted(collected).keys() == before.keys() - {one, other}
    report = collected.lake.read_json(f"runs/{ROUND}/screen/kiosk~{MONTH}.json")
    assert report["rows_in"] == report["accepted"] + report["duplicate"] + report["rejected"]
    (effect,) = exclusion_effects(collected, collected.round(ROUND))
    assert (effect.n_before - effect.n_after, effect.share) == (2, pytest.approx(2 / effect.n_before))
    assert effect.before != effect.after
    page = stages.quality_page(collected, ROUND)
    assert "x001: chép phiếu" in page and "An" in page and "Bình" in page
    decisions = quality_loads(collected, collected.round(ROUND))[1].rows.to_pylist()
    assert [(row["step"], row["decided_by"], row["response_count"]) for row in decisions] == [
        ("PROPOSE", "An", 2),
        ("APPROVE", "Bình", 2),
    ]

    with pytest.raises(StateError, match="without a reason"):
        stages.decide_exclusion(collected, ROUND, "x001", False, "An")
    assert stages.decide_exclusion(collected, ROUND, "x001", False, "An", "nhầm") == [KEY]
    again(collected)
    assert accepted(collected) == before
    assert exclusion_effects(collected, collected.round(ROUND)) == []
    with pytest.raises(StateError, match="REJECTED already"):
        stages.decide_exclusion(collected, ROUND, "x001", True, "Bình")


def test_a_device_and_a_time_mean_what_it_submitted_then_and_no_more(collected: stages.Context):
    rows = sorted(accepted(collected).values(), key=lambda row: row["submitted_at"])
    device = rows[0]["device_id"]
    mine = [row for row in rows if row["device_id"] == device]
    local = [(row["submitted_at"] + timedelta(hours=7)).replace(tzinfo=None) for row in mine]
    own = [row["response_id"] for row in mine]
    wanted = stages.DeviceTime(device, local[1], local[3])
    found = stages.propose_exclusion(collected, ROUND, wanted, "loạt phiếu", "An")
    assert set(found.proposal.responses) == set(own[1:4])
    assert found.proposal.selected_by.startswith(f"{device} 2023-09")
    nobody = stages.DeviceTime(device, datetime(2020, 1, 1), datetime(2020, 1, 2))
    with pytest.raises(InputError, match="no accepted response is meant by"):
        stages.propose_exclusion(collected, ROUND, nobody, "loạt phiếu", "An")


@pytest.mark.parametrize(
    ("wanted", "reason", "person", "said"),
    [
        (["0" * 32], "vì", "An", "no accepted response"),
        ([], "vì", "An", "meant by nothing"),
        (["xyz"], "vì", "An", "no receipt code"),
        ("first", "  ", "An", "no reason"),
        ("first", "vì", " ", "without a person"),
    ],
)
def test_a_proposal_without_answers_reason_or_person_is_refused(collected, wanted, reason, person, said):
    chosen = [min(accepted(collected))] if wanted == "first" else wanted
    count = len(stages.exclusions(collected, ROUND))
    with pytest.raises((InputError, StateError), match=said):
        stages.propose_exclusion(collected, ROUND, chosen, reason, person)
    assert len(stages.exclusions(collected, ROUND)) == count


def test_a_proposal_changed_after_its_approval_stops_the_screening(collected: stages.Context):
    last = stages.propose_exclusion(collected, ROUND, [min(accepted(collected))], "một", "An").proposal.exclusion_id
    stages.decide_exclusion(collected, ROUND, last, True, "Bình")
    path = Path(collected.lake.full(f"exclusions/{ROUND}/{last}/propose.json"))
    whole = path.read_bytes()
    path.write_text(json.dumps(json.loads(whole) | {"reason": "hai"}), "utf-8")
    with pytest.raises(StateError, match="changed after its approval"):
        stages.screen(collected, KEY)
    path.write_bytes(whole)
    stages.decide_exclusion(collected, ROUND, last, False, "An", "thôi")
    again(collected)
    with pytest.raises(InputError, match="there is no decision 'x999'"):
        stages.decide_exclusion(collected, ROUND, "x999", True, "Bình")


def test_flags_are_reported_by_month_and_margin_with_the_rate_to_expect(collected: stages.Context):
    rows = quality_rows(collected, collected.round(ROUND))
    keys = [(row["month"], row["margin"], row["margin_code"], row["flag_name"]) for row in rows]
    assert len(keys) == len(set(keys)) and {row["month"] for row in rows} == {"2023-09", "2023-10"}
    assert {row["margin"] for row in rows} == {"", "unit_code", "channel", "device_id"}
    answers = accepted(collected)
    whole = {row["flag_name"]: row for row in rows if row["month"] == MONTH and not row["margin"]}
    for name in ("is_speeder", "is_straight_line", "is_batch"):
        judged = [row[name] for row in answers.values() if row[name] is not None]
        assert (whole[name]["flagged"], whole[name]["judged"]) == (sum(judged), len(judged))
        assert 0 < whole[name]["expected_false_alarm"] < 0.1
        assert whole[name]["stands_out"] is (whole[name]["chance"] < 0.001)
    assert whole["is_out_of_hours"]["expected_false_alarm"] is whole["is_out_of_hours"]["stands_out"] is None
    only = quality_rows(collected, collected.round(ROUND), MONTH)
    assert only == [row for row in rows if row["month"] == MONTH]


def test_the_commands_propose_approve_list_and_report(
    collected: stages.Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("HAILONG_DATA", collected.settings.data)
    monkeypatch.setenv("COLUMNS", "200")

    def hailong(*arguments: str) -> str:
        told = CliRunner().invoke(quality, arguments)
        assert told.exit_code == 0, (told.output, told.exception)
        return told.output

    first = min(accepted(collected))
    said = hailong("exclude", ROUND, first, "--reason", "phiếu thử", "--person", "An")
    number = said.split(":")[0]
    assert f"hailong quality approve {ROUND} {number}" in said
    assert KEY in hailong("approve", ROUND, number, "--person", "Bình")
    assert KEY in hailong("approve", ROUND, number, "--person", "Bình", "--reject", "--comment", "nhầm")
    again(collected)
    listed = hailong("exclusions", ROUND)
    assert number in listed and "REJECTED" in listed and "phiếu thử" in listed
    hailong("report", ROUND, "--month", MONTH, "--to", str(tmp_path / "page.md"))
    assert "Trả lời quá nhanh · Too fast" in (tmp_path / "page.md").read_text("utf-8")
    assert "Too fast" in hailong("report", ROUND)
    wrong = CliRunner().invoke(quality, ["exclude", ROUND, "--device", "K01", "--reason", "vì"])
    assert wrong.exit_code == 2 and "--from" in wrong.output
