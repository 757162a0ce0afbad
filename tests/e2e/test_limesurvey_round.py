"""A real LimeSurvey export through conform, screen, tally and estimate to a draft, held against plain pandas."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from e2e_kit import FIXTURES, Command, reports, warehouse

ROUND = "workplace-2017"
EXPORT = "portals/limesurvey/rse2017_zaf_public_data.csv"
LEVELS = {"Strongly disagree": 1, "Disagree": 2, "Neither agree or disagree": 3, "Agree": 4, "Strongly Agree": 5}
FACTORS = {
    "NEEDS": ["turnOver5"],
    "LEAVE": ["turnOver6"],
    "JOY": ["affSat1", "affSat2", "affSat3", "affSat4"],
    "CAREER": ["progRSE1", "progRSE2", "progRSE3", "progRSE4", "progRSE5"],
    "MARKET": ["percEmp1", "percEmp2", "percEmp3", "percEmp4"],
    "PRAISE": ["affRec1", "affRec2", "affRec3", "affRec4", "affRec5"],
}


@pytest.fixture
def inbox(folder: Path, reference: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The round's folder and its inbox with the real file."""
    monkeypatch.setenv("HAILONG_METHODS", str(FIXTURES / "methods"))
    shutil.copytree(FIXTURES / "rounds" / ROUND, folder / "rounds" / ROUND)
    inbox = folder / "inbox" / ROUND
    inbox.mkdir(parents=True)
    shutil.copyfile(reference / EXPORT, inbox / "rse2017.csv")
    return inbox


@pytest.fixture
def run(hailong: Command, inbox: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the round by the command, with the methods of the fixtures."""
    monkeypatch.setenv("HAILONG_METHODS", str(FIXTURES / "methods"))
    return lambda: hailong("run", "workplace", "--round", ROUND)


def expected(path: Path) -> dict[tuple[str, str], float]:
    """Return (measure, node) → score: an item of its valid answers, a group of its items with equal weight."""
    frame = pd.read_csv(path)
    codes = {column: column.partition("[")[2].partition("]")[0] for column in frame if column.startswith("likert2[")}
    answers = frame[list(codes)].rename(columns=codes).apply(lambda column: column.map(LEVELS))
    items = [item for found in FACTORS.values() for item in found]
    assert set(answers) == set(items)
    found: dict[tuple[str, str], float] = {}
    for measure, points in (("top2", answers.ge(4).where(answers.notna()) * 100.0), ("mean5", answers * 20.0)):
        means = points.astype(float).mean()
        found |= {(measure, item): means[item] for item in items}
        found |= {(measure, factor): means[of].mean() for factor, of in FACTORS.items()}
        found[measure, "WORK"] = means[items].mean()
    return found


def test_real_export_comes_to_a_draft_with_the_scores_of_plain_pandas(run, inbox: Path, folder: Path):
    told = run()
    assert (told.code, told.err) == (0, "")
    expect_scores_of_pandas(inbox, folder)
    expect_blank_rows_refused_with_line_and_payload(inbox, folder)
    release = pq.read_table(folder / f"releases/{ROUND}.1/index_score.parquet").to_pandas()
    assert set(release.flag) == {"suppress"} and release.score.isna().all(), "14 answers are too few to be shown"


def expect_scores_of_pandas(inbox: Path, folder: Path) -> None:
    table = pq.read_table(folder / f"results/{ROUND}/index_score.parquet").to_pandas()
    overall = table[table.breakdown == ""]
    scores = overall.set_index(["measure", "node_code"]).score.to_dict()
    assert scores == pytest.approx(expected(inbox / "rse2017.csv"), rel=1e-12)
    assert set(overall.unit_code) == {"ZAF"} and set(overall.basis) == {"self_selected"}


def expect_blank_rows_refused_with_line_and_payload(inbox: Path, folder: Path) -> None:
    account = {one["stage"]: (one["rows_in"], one["accepted"], one["rejected"]) for one in reports(folder, ROUND)}
    assert (account["conform"], account["screen"], account["tally"]) == ((22, 22, 0), (22, 14, 8), (14, 14, 0))
    frame = pd.read_csv(inbox / "rse2017.csv")
    blank = frame.filter(regex=r"^likert2\[").isna().all(axis=1)
    rejects = pd.concat(pq.read_table(path).to_pandas() for path in folder.glob("rejects/**/stage=screen/*.parquet"))
    assert set(rejects.code) == {"R302_TOO_FEW_ANSWERS"} and set(rejects.file) == {"rse2017.csv"}
    assert sorted(rejects.line) == (frame.index[blank] + 2).tolist()
    assert {json.loads(payload)["record_id"] for payload in rejects.payload} == set(frame[blank].iloc[:, 0].astype(str))


def test_text_that_the_mapping_does_not_know_costs_its_row_only(run, inbox: Path, folder: Path):
    path = inbox / "rse2017.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if "Strongly Agree" in line)
    lines[place] = lines[place].replace("Strongly Agree", "Rất đồng ý", 1)
    path.write_text("".join(lines), encoding="utf-8")
    assert run().code == 0
    query = "SELECT line, field, message_vi FROM ops.reject WHERE code = 'R203_UNKNOWN_CODE'"
    ((line, heading, message),) = warehouse(folder, query)
    assert line == place + 1 and heading.startswith("likert2[") and "Rất đồng ý" in message


def test_round_without_a_frame_has_to_own_up_to_it(run, inbox: Path, folder: Path):
    path = folder / "rounds" / ROUND / "round.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("finite_population: false", "psu: ''"), encoding="utf-8")
    told = run()
    assert told.code == 3 and "frame" in told.err and "finite_population: false" in told.err
