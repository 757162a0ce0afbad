"""A commune's round by the command: from its sources to a publication, once and again."""

import json
from pathlib import Path

import pyarrow.parquet as pq
from e2e_kit import PROGRAMME, RELEASE, ROUND, Command, hashes, outcome, reports, warehouse

from pipelines.demo.portal import Portal
from pipelines.ledger import receipt_code


def test_round_goes_from_its_sources_to_a_publication_and_running_it_again_changes_nothing(
    hailong: Command, portal: Portal, folder: Path
):
    run = ("run", PROGRAMME, "--round", ROUND, "--person", "thong-ke")
    first = hailong(*run)
    assert (first.code, first.err) == (0, "")
    assert "Xã Hòa Thành" in first.out and f"hailong approve {RELEASE}" in first.out
    drafted = outcome(folder)
    expect_account_closes(folder)
    told = hailong("status", ROUND)
    assert told.code == 0 and "R203_UNKNOWN_CODE" in told.out and "D401_SAME_RECORD" in told.out

    refused = hailong("approve", RELEASE, "--person", "Thong-Ke ")
    assert refused.code == 6 and "a second person has to do it" in refused.err
    refused = hailong("publish", RELEASE)
    assert refused.code == 6 and "CHECKED" in refused.err and not (folder / "releases/latest.json").exists()

    approve = ("approve", RELEASE, "--person", "lanh-dao", "--comment", "đồng ý")
    assert hailong(*approve).code == hailong("publish", RELEASE).code == 0
    assert warehouse(folder, "SELECT action, person, comment FROM ops.decision ORDER BY decided_at, action") == [
        ("CHECK", "thong-ke", ""),
        ("APPROVE", "lanh-dao", "đồng ý"),
        ("PUBLISH", "thong-ke", ""),
    ]
    published, files = outcome(folder), hashes(folder, "releases/**/*")
    assert all(published[name] == drafted[name] for name in ("results", "release"))
    assert published["warehouse"]["published.index_score"] == drafted["warehouse"]["mart.index_score"]

    for command in (run, approve, ("publish", RELEASE)):
        assert hailong(*command).code == 0
    assert outcome(folder) == published and hashes(folder, "releases/**/*") == files

    verified = hailong("verify", RELEASE)
    assert verified.code == 0 and RELEASE in verified.out
    expect_every_accepted_answer_in_the_ledger(hailong, folder)
    expect_damage_to_be_told(hailong, folder)


def expect_every_accepted_answer_in_the_ledger(hailong: Command, folder: Path) -> None:
    """The manifest pins as many leaves as answers were accepted, and a respondent's receipt is proved."""
    manifest = json.loads((folder / "releases" / RELEASE / "manifest.json").read_bytes())
    assert sum(head["size"] for head in manifest["ledger"]) == manifest["accounts"]["accepted"] > 0
    assert hailong("ledger", "verify", ROUND).code == 0
    answers = pq.read_table(next(folder.glob("responses/**/source=kiosk/*.parquet")), columns=["response_id"])
    code, proof = receipt_code(answers["response_id"][0].as_py()), folder / "proof.json"
    assert hailong("ledger", "prove", ROUND, code, "--to", str(proof)).code == 0
    assert code in hailong("ledger", "check", str(proof)).out
    proof.write_text(proof.read_text().replace('"index": ', '"index": 1'))
    assert hailong("ledger", "check", str(proof)).code != 0
    assert hailong("ledger", "prove", ROUND, receipt_code("0" * 32), "--to", str(proof)).code != 0


def expect_account_closes(folder: Path) -> None:
    """In = accepted + duplicate + rejected, and what one stage passes on is what the next one receives."""
    sums: dict[tuple[str, str], list[int]] = {}
    for report in reports(folder):
        parts = [report[name] for name in ("accepted", "duplicate", "rejected")]
        assert report["rows_in"] == sum(parts), report
        total = sums.setdefault((report["stage"], report["partition"]["source"]), [0, 0, 0, 0])
        for position, value in enumerate([report["rows_in"], *parts]):
            total[position] += value
    for source in ("kiosk", "postal", "kobo"):
        conform, screen, tally = (sums[stage, source] for stage in ("conform", "screen", "tally"))
        assert conform[3] > 0 and screen[2] > 0 and screen[3] > 0
        assert conform[1] == screen[0] and screen[1] == tally[0] > 0
        rows = warehouse(
            folder, f"SELECT count(DISTINCT (stage, landing_sha256, line)) FROM ops.reject WHERE source = '{source}'"
        )
        assert rows[0][0] == conform[3] + screen[2] + screen[3]


def expect_damage_to_be_told(hailong: Command, folder: Path) -> None:
    copy = folder / "releases" / RELEASE / "index_score.csv"
    original = copy.read_bytes()
    copy.chmod(0o644)
    copy.write_bytes(original.replace(b",citizen", b",citizens") + b"\n")
    told = hailong("verify", RELEASE)
    assert told.code == 6 and "index_score.csv" in told.out
    copy.write_bytes(original)
    assert hailong("verify", RELEASE).code == 0
